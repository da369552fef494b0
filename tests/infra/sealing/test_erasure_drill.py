"""The erasure drill: every text of every command is a canary; people are erased; what was theirs can't be read, from anywhere.

Before, no canary is in the clear outside of the sealed words (test_canaries). After, those of the erased are unreadable, those of
everybody else are read as before, the keys' bytes are gone, chain, figures and audit are unchanged; and restoring backups changes nothing.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import orjson

from domain.relationship.events import FactCorrected, RelationshipProposed
from infra.bootstrap import Rapport, open_rapport
from infra.sealing.sealer import owner
from infra.settings import Settings
from tests.command import own_environment, rapport
from tests.e2e.contract.outside import days, iso
from tests.infra.sealing.test_canaries import BIRD, CLOCK, everything_in
from tests.infra.sealing.test_canaries import told as canaries_told


def birds_in(text: str) -> set[str]:
    return {BIRD + part.partition("x")[0] + "x" for part in text.split(BIRD)[1:]}


def by_owner(opened: Rapport) -> dict[str, set[str]]:
    """The canaries that can be read, of those who are erased and of the others."""
    found: dict[str, set[str]] = {"erased": set(), "others": set()}
    for (subject,) in opened.database.query("SELECT DISTINCT originator_id FROM stored_events"):
        events = opened.store.read(subject)
        mine = (
            {events[0].data.mentee_id.lower(), "=mentee"} if isinstance(events[0].data, RelationshipProposed) else set()
        )
        owners = {each.version: owner(each) for each in events}
        for each in events:
            fact = each.data.version if isinstance(each.data, FactCorrected) else each.version
            kind = "erased" if owners[fact] in mine else "others"
            found[kind] |= birds_in(each.data.model_dump_json())
    # The same text of the same subject has one canary, whoever says it.
    found["erased"] -= found["others"]
    return found


def figures(run: Any) -> list[Any]:
    at = iso(CLOCK)
    return [json.loads(run(*each, "--json")) for each in (("health", "--as-of", at), ("nps",))]


def test_the_words_of_the_erased_are_gone_for_good(store_url: str, tmp_path: Path) -> None:
    lines, _ = canaries_told(tmp_path)
    environment = own_environment(
        RAPPORT_STORE=store_url, RAPPORT_CLOCK=iso(CLOCK + days(61)), RAPPORT_SYNCHRONOUS="off"
    )
    keys_file = tmp_path / "keys.sqlite"
    environment |= {"RAPPORT_KEYS": f"sqlite:///{keys_file}"}
    settings = Settings(store=store_url, synchronous="off", keys=f"sqlite:///{keys_file}")

    def run(*arguments: str, stdin: bytes = b"") -> str:
        done = rapport(*arguments, stdin=stdin, cwd=tmp_path, env=environment)
        assert done.returncode in (0, 1), done.stderr
        return done.stdout.decode()

    run("submit", stdin=b"\n".join(lines))
    run("work", "--until", iso(CLOCK + days(60)))
    before = figures(run)
    with open_rapport(settings) as opened:
        readable = by_owner(opened)
        stored = {
            subject: [each.hash for each in opened.store.stored(subject)]
            for (subject,) in opened.database.query("SELECT DISTINCT originator_id FROM stored_events")
        }
        mentees = {
            subject: events[0].data.mentee_id
            for subject in stored
            if isinstance((events := opened.store.read(subject))[0].data, RelationshipProposed)
        }
        wrapped = {
            row.wrapped
            for row in opened.keys.kept.all()
            if row.person in {mentees.get(row.subject, "").lower(), "=mentee"}
        }
    assert len(readable["erased"]) > 30
    assert wrapped
    # A case that is open holds every word that it may need.
    run("submit", stdin=b"\n".join(deciding(settings)))
    # Words that were written after a backup are lost with their keys, and verification says so: here none were.
    backup = tmp_path / "backup"
    shutil.copy(keys_file, backup)
    erase = [line for subject, mentee in mentees.items() for line in erasing(settings, subject, mentee)]
    receipts = [json.loads(line) for line in run("submit", stdin=b"\n".join(erase)).splitlines()]
    assert {each["status"] for each in receipts} == {"accepted"}, [
        each["problems"] for each in receipts if each["problems"]
    ]

    # As it was left, and with the keys of before the erasure restored.
    for restored in (None, backup):
        if restored:
            assert any(each in restored.read_bytes() for each in wrapped)
            restored.rename(keys_file)
        with open_rapport(settings) as opened:
            after = by_owner(opened)
            assert after["erased"] == set()
            assert after["others"] == readable["others"]
            for subject, hashes in stored.items():
                assert [each.hash for each in opened.store.stored(subject)][: len(hashes)] == hashes
            assert [table for table, text in everything_in(opened.database) if BIRD.encode() in text] == []
        files = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file() and path != backup}
        assert [path for path, data in files.items() if any(each in data for each in wrapped)] == []
    assert figures(run) == before
    verified = json.loads(run("audit", "verify", "--json"))
    assert verified["ok"], str((verified["problems"], verified["skipped"]))


def deciding(settings: Settings) -> list[bytes]:
    """The messages that decide every case."""
    with open_rapport(settings) as opened:
        cases = sorted(opened.store.cases())
    return [
        orjson.dumps(
            {"specversion": "1.0", "id": f"decided {case}", "source": "/drill", "type": "rapport.DecideCase", "subject": case,
             "time": iso(CLOCK + days(61)), "actor": "hr:drill", "data": {"decision": "no_action", "reason": "looked into"}}
        )
        for case in cases
    ]  # fmt: skip


def erasing(settings: Settings, subject: str, person: str) -> list[bytes]:
    """The messages that lift what holds, ask for the erasure of a person in a relationship, and carry it out."""
    with open_rapport(settings) as opened:
        version = len(opened.store.read(subject))

    def line(command: str, actor: str, **data: Any) -> bytes:
        return orjson.dumps(
            {"specversion": "1.0", "id": f"{command} {subject}", "source": "/drill", "type": f"rapport.{command}", "subject": subject,
             "time": iso(CLOCK + days(61)), "actor": actor, "data": {"person": person, **data}}
        )  # fmt: skip

    return [
        line("RequestErasure", "coordinator:asks", basis="legal_duty"),
        line("ErasePersonalData", "hr:drill", request=version + 1),
    ]
