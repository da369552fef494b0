"""Whoever asks or sends may write an id in any case: in processes of their own, one after the other."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from infra.cli.app import build
from tests.command import own_environment, rapport
from tests.messages import contact, line, proposal, relationship_id

R1 = relationship_id(11)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build(), arguments)


def ask(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def submit(store: str, *lines: bytes) -> list[dict[str, Any]]:
    """The receipts of messages handed in by a process of their own."""
    found = rapport("submit", "-", stdin=b"\n".join(lines), env=own_environment(RAPPORT_STORE=store))
    return [json.loads(receipt) for receipt in found.stdout.splitlines()]


def test_each_process_sees_one_person_whatever_the_case(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_STORE", store_url)
    submit(store_url, line("RegisterMentor", subject="mentor:Ben"), proposal(11, mentor_id="BEN", programme_id="P1"))
    (acted,) = submit(store_url, contact(11, "x", actor="mentor:ben", subject=R1.upper()))
    (removed,) = submit(store_url, line("RemoveMentor", {"reason": "x"}, subject="mentor:BEN"))
    refused, wrong = submit(store_url, proposal(12, mentor_id="bEN"), proposal(13, mentor_id="ben "))
    assert [each["status"] for each in (acted, removed, refused, wrong)] == [
        "accepted",
        "accepted",
        "refused",
        "invalid",
    ]
    assert [problem["code"] for problem in refused["problems"]] == ["mentor_standing"]
    assert [(problem["code"], problem["field"]) for problem in wrong["problems"]] == [("bad_id", "data.mentor_id")]

    for spelled in ("mentor:Ben", "mentor:BEN", "mentor:ben"):
        assert (ask("show", spelled)["id"], ask("show", spelled)["state"]) == ("mentor:Ben", "removed")
        assert [event["version"] for event in ask("history", spelled)] == [1, 2]
        assert ask("audit", "verify", spelled)["ok"]
    assert ask("show", R1.upper())["mentor_id"] == "Ben"
    assert ask("health", R1.upper())["relationship_id"] == R1
    assert [row["mentor_id"] for row in ask("health")] == ["Ben"]
    assert ask("audit", "verify")["ok"]
    for unknown in ("mentor:benn", "mentor:", "nobody:Ben", "mentor:b n"):
        assert run("show", unknown).exit_code == 2
