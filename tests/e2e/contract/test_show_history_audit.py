"""The shapes of `show`, `history` and `audit verify`, and what verification finds."""

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.contract.outside import Rapport, at, iso
from tests.e2e.contract.story import Story, World

SINCE = at("2026-02-01 09:00")
CLOCK = at("2026-07-01 12:00")


@pytest.fixture(scope="module")
def story(world: World) -> Story:
    """An active relationship, and another one, a programme, a mentor and a case beside it."""
    story = world.active("pentalog", "cmn", since=SINCE)
    story.held("s1", at("2026-02-10 17:00"))
    world.relationship("leapfrog")
    programme = story.proposal["programme_id"]
    world.say(
        "CreateProgramme", f"programme:{programme}", "coordinator:cora", world.begins, name="P", timezone="Europe/Paris"
    )
    world.say("RegisterMentor", f"mentor:{story.party('mentor')}", "coordinator:cora", world.begins, name="Ben")
    world.say("OpenCase", "case:c1", "hr:eva", world.begins, mentor_id="ben", kind="code", description="Late")
    world.submit()
    assert world.accepted(*range(len(world.receipts)))
    return story


def test_show_has_the_promised_shape(story: Story) -> None:
    shown = story.show()
    assert {
        "id": story.subject,
        "kind": "relationship",
        "state": "active",
        "mentor_id": story.party("mentor"),
        "mentee_id": story.party("mentee"),
        "programme_id": story.proposal["programme_id"],
    }.items() <= shown.items()
    assert set(shown["codes"]) == {"pentalog", "cmn"}
    assert shown["version"] == len(story.history())
    assert shown["unmet_gates"] == []
    assert isinstance(shown["allowed"], list)
    (session,) = shown["sessions"]
    assert {"session_id", "status", "starts_at", "minutes", "reschedules", "late_moves"} <= session.keys()
    (goal,) = shown["goals"]
    assert {"goal_id", "status", "type"} <= goal.keys()
    assert shown["concerns"] == shown["recommendations"] == []
    assert all({"value", "document", "overruled"} <= term.keys() for term in shown["terms"].values())


def test_allowed_lists_the_commands_of_the_state(story: Story) -> None:
    allowed = set(story.show()["allowed"])
    assert {"PauseRelationship", "TerminateRelationship", "ScheduleSession", "CompleteSession"} <= allowed
    assert not {"ActivateRelationship", "ResumeRelationship", "ProposeRelationship"} & allowed


@pytest.mark.parametrize("kind", ["programme", "mentor", "case"])
def test_every_kind_of_subject_can_be_shown_and_its_history_listed(story: Story, kind: str) -> None:
    rapport = story.world.rapport
    names = {"programme": story.proposal["programme_id"], "mentor": story.party("mentor"), "case": "c1"}
    subject = f"{kind}:{names[kind]}"
    shown = rapport.show(subject)
    assert (shown["id"], shown["kind"], shown["version"]) == (subject, kind, 1)
    first = {"programme": "ProgrammeCreated", "mentor": "MentorRegistered", "case": "CaseOpened"}
    assert [event["type"] for event in rapport.history(subject)] == [f"rapport.{first[kind]}"]


def test_history_tells_the_events_in_order_each_with_the_hash_of_the_one_before(story: Story) -> None:
    history = story.history()
    assert [event["version"] for event in history] == list(range(1, len(history) + 1))
    for event in history:
        assert {
            "version",
            "type",
            "occurred_at",
            "recorded_at",
            "actor",
            "data",
            "hash",
            "previous_hash",
        } <= event.keys()
        assert event["type"].startswith("rapport.")
        assert len(bytes.fromhex(event["hash"])) == hashlib.sha256().digest_size
    assert [event["previous_hash"] for event in history[1:]] == [event["hash"] for event in history[:-1]]
    assert len({event["hash"] for event in history}) == len(history)


def test_history_tells_when_it_happened_and_when_it_was_recorded_and_who(story: Story) -> None:
    (completed,) = [event for event in story.history() if event["type"] == "rapport.SessionCompleted"]
    assert completed["actor"] == story.mentor
    assert completed["occurred_at"].startswith("2026-02-10T18:00:00")
    assert completed["recorded_at"].startswith(iso(CLOCK)[:19])


def test_a_whole_record_verifies(story: Story) -> None:
    verified = story.world.rapport.ask("audit", "verify")
    assert verified["ok"] is True
    assert verified["relationships"] >= 2
    assert verified["events"] >= len(story.history())
    assert verified["problems"] == []
    assert story.world.rapport.ask("audit", "verify", story.subject)["events"] == len(story.history())


def tampered(story: Story, folder: Path, *changes: str) -> Rapport:
    """A copy of the store with events changed behind Rapport's back."""
    copy = Rapport(folder, CLOCK)
    story.world.rapport.run("audit", "verify")  # whatever is still in the journal goes to the file
    for file in story.world.rapport.folder.glob("rapport.sqlite*"):
        shutil.copy(file, folder / file.name)
    with closing(sqlite3.connect(copy.store)) as connection, connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{trigger}"')
        for change in changes:
            assert connection.execute(change, {"subject": story.subject}).rowcount > 0, change
    return copy


@pytest.mark.parametrize(
    "change",
    [
        (
            "UPDATE stored_events SET state = CAST(replace(CAST(state AS TEXT), ':\"career', ':\"business') AS BLOB)"
            " WHERE originator_id = :subject AND instr(CAST(state AS TEXT), ':\"career')"
        ),
        "DELETE FROM stored_events WHERE originator_id = :subject AND originator_version = 5",
        "UPDATE stored_events SET topic = 'GoalDropped' WHERE originator_id = :subject AND originator_version = 2",
        "UPDATE stored_events SET hash = zeroblob(32) WHERE originator_id = :subject AND originator_version = 4",
    ],
    ids=["changed", "deleted", "renamed", "unchained"],
)
def test_verification_finds_what_was_tampered_with(story: Story, tmp_path: Path, change: str) -> None:
    run = tampered(story, tmp_path, change).run("audit", "verify", "--json")
    assert run.code == 1
    found: Any = run.json
    assert found["ok"] is False
    assert found["problems"][0]["subject"] == story.subject
    assert {"subject", "version", "problem"} <= found["problems"][0].keys()
    assert found["problems"][0]["problem"]


def test_one_relationships_verification_does_not_speak_of_another(story: Story, tmp_path: Path) -> None:
    copy = tampered(
        story, tmp_path, "DELETE FROM stored_events WHERE originator_id = :subject AND originator_version = 5"
    )
    other = next(
        row["originator_id"]
        for row in copy.sql("SELECT originator_id FROM stored_events")
        if "-" in row["originator_id"] and row["originator_id"] != story.subject
    )
    assert copy.run("audit", "verify", other).code == 0
    assert copy.run("audit", "verify", story.subject).code == 1
