"""Senders as `rapport submit` checks them."""

import json
from pathlib import Path

import pytest

from tests.e2e.contract.outside import Rapport, at
from tests.infra.intake.proofs import key_of, proven, public, raw
from tests.infra.intake.test_senders import entry
from tests.messages import NOBODY_CHECKED, after_keys_made, line, message

PARTIES = {"programme_id": "p1", "mentee_id": "ana", "mentor_id": "ben", "codes": []}


@pytest.fixture
def rapport(tmp_path: Path) -> Rapport:
    return Rapport(tmp_path, at("2026-06-01 12:00"))


def test_a_file_of_senders_holds_for_files_and_standard_input(rapport: Rapport) -> None:
    path = rapport.folder / "senders.toml"
    path.write_text(entry(source="/tests", roles=["coordinator"], programmes=["p1"], key=public(key_of(1))))
    settings = {"RAPPORT_SENDERS": str(path)}
    told = message("ProposeRelationship", PARTIES)
    forged, true = raw(told), raw(proven(told, key_of(1)))
    (rapport.folder / "messages.jsonl").write_bytes(forged + b"\n" + true + b"\n")
    done = rapport.run("submit", "messages.jsonl", settings=settings)
    assert (done.code, [receipt["status"] for receipt in done.lines]) == (1, ["refused", "accepted"])
    assert done.lines[0]["problems"][0]["code"] == "proof"
    assert after_keys_made(done.err) == ""
    done = rapport.run("submit", "--json", stdin=true + b"\n" + forged, settings=settings)
    assert [receipt["status"] for receipt in done.lines] == ["duplicate", "refused"]
    assert done.lines[0]["events"]
    assert done.lines[1]["events"] == []


def test_without_one_it_is_said_once_on_standard_error_and_never_among_the_receipts(rapport: Rapport) -> None:
    proposals = [line("ProposeRelationship", PARTIES), line("ActivateRelationship", actor="worker:trust")]
    done = rapport.run("submit", "--json", stdin=b"\n".join(proposals))
    assert [receipt["status"] for receipt in done.lines] == ["accepted", "refused"]
    assert after_keys_made(done.err) == NOBODY_CHECKED
    assert rapport.run("health", "--json").err == ""


@pytest.mark.parametrize(
    "text, said",
    [
        ("[[sender]]\nsource = /a\n", "(at line 2, column 10)"),
        (entry(key="AAAA"), "sender 1 (/services/booking), key: expected the 32 bytes"),
        (None, "RAPPORT_SENDERS"),
    ],
)
def test_a_file_that_is_wrong_ends_the_command_with_exit_2_before_anything_is_taken(
    rapport: Rapport, text: str | None, said: str
) -> None:
    path = rapport.folder / "senders.toml"
    if text is not None:
        path.write_text(text)
    done = rapport.run("submit", stdin=line("ProposeRelationship", PARTIES), settings={"RAPPORT_SENDERS": str(path)})
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err
    assert rapport.run("health", "--json").json == []


def test_the_workers_own_messages_are_taken_whatever_the_file_says(rapport: Rapport) -> None:
    path = rapport.folder / "senders.toml"
    path.write_text(entry(source="/tests", roles=["coordinator", "mentee"], programmes=["p1"]))
    subject = message("X")["subject"]
    told = [
        message("ProposeRelationship", PARTIES | {"codes": ["pentalog"]}),
        message("ReportTrustBreakdown", {"description": "Told others"}, actor="mentee:ana"),
    ]
    settings = {"RAPPORT_SENDERS": str(path)}
    done = rapport.run("submit", stdin=b"\n".join(map(raw, told)), settings=settings)
    assert [receipt["status"] for receipt in done.lines] == ["accepted"] * 2
    assert rapport.run("work", "--once", settings=settings).code == 0
    history = rapport.run("history", subject, "--json").json
    assert "rapport.ShutdownRecommended" in {event["type"] for event in history if event["actor"] == "worker:trust"}
    assert json.loads(rapport.run("audit", "verify", "--json").out)["ok"] is True
