"""Verification finds what is wrong, names the first wrong event of a stream, and lets the other streams pass."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from eventsourcing.persistence import StoredEvent
from typer.testing import CliRunner

from domain.model import Event
from domain.relationship import events as e
from infra.bootstrap import Rapport, open_rapport
from infra.cli.app import build
from infra.evidence.verify import Verdict, verify
from infra.projection_engine import generation as generation_table
from infra.settings import Settings
from projections.relationships import PROJECTION
from tests.messages import contact, line, proposal, relationship_id

FIRST, SECOND = relationship_id(1), relationship_id(2)


@pytest.fixture
def rapport(settings: Settings) -> Iterator[Rapport]:
    """Two relationships of four events each, and a mentor with one."""
    with open_rapport(settings) as opened:
        for number in (1, 2):
            activation = line("ActivateRelationship", subject=relationship_id(number), id=f"activate-{number}")
            opened.handler.handle(
                [proposal(number), activation, contact(number, f"a{number}"), contact(number, f"b{number}")]
            )
        opened.handler.handle([line("SuspendMentor", {"reason": "Under review"}, subject="mentor:ben")])
        yield opened


def change(rapport: Rapport, sql: str, *params: Any) -> None:
    with rapport.database.transaction() as session:
        assert session.execute(sql, params) > 0


def forge(rapport: Rapport, event: Event) -> None:
    """Append an event that no decision led to, properly chained."""
    last = rapport.store.read(FIRST)[-1]
    forged = rapport.store.mapper.envelopes[type(event)](
        **last.model_dump(exclude={"data", "version"}), version=last.version + 1, data=event
    )
    rapport.store.append([forged])


def found(verdict: Verdict) -> list[tuple[str, int]]:
    """The wrong events; the tree and receipts are left out."""
    assert verdict.ok == (not verdict.problems)
    return [(wrong.subject, wrong.version) for wrong in verdict.problems if wrong.version]


def test_a_whole_record_is_counted(rapport: Rapport) -> None:
    whole, second = verify(rapport.store), verify(rapport.store, SECOND)
    assert whole[:4] == (2, 3, 9, ())
    assert second[:4] == (1, 1, 4, ())
    assert whole.ok
    assert whole.tree.size == 18
    assert whole.tree[:2] == second.tree[:2]


def test_a_changed_event_is_named_and_the_other_streams_pass(rapport: Rapport) -> None:
    state = rapport.store.stored(FIRST)[2].state.replace(b"email", b"phone")
    change(
        rapport, "UPDATE stored_events SET state = ? WHERE originator_id = ? AND originator_version = 3", state, FIRST
    )
    verdict = verify(rapport.store)
    assert found(verdict) == [(FIRST, 3)]
    assert verdict.events == 9
    assert found(verify(rapport.store, SECOND)) == []


def test_a_gap_is_named(rapport: Rapport) -> None:
    change(rapport, "DELETE FROM stored_events WHERE originator_id = ? AND originator_version = 2", FIRST)
    assert found(verify(rapport.store)) == [(FIRST, 2)]


def test_a_stream_cut_off_at_its_end_is_betrayed_by_the_receipts(rapport: Rapport) -> None:
    change(rapport, "DELETE FROM stored_events WHERE originator_id = ? AND originator_version >= 3", FIRST)
    assert found(verify(rapport.store)) == [(FIRST, 3)]
    assert found(verify(rapport.store, FIRST)) == [(FIRST, 3)]
    assert found(verify(rapport.store, SECOND)) == []


@pytest.mark.parametrize("answer", [b"\0", b"", b"[]", b"7", b'["s","accepted",[["x"]],[]]'])
def test_a_receipt_that_cannot_be_read_is_named_and_the_rest_is_checked(rapport: Rapport, answer: bytes) -> None:
    change(rapport, "UPDATE receipts SET answer = ? WHERE message_id = 'a1'", answer)
    change(
        rapport,
        "UPDATE stored_events SET hash = ? WHERE originator_id = ? AND originator_version = 2",
        bytes(32),
        SECOND,
    )
    problems = {wrong.subject: wrong.problem for wrong in verify(rapport.store).problems}
    (receipt,) = (subject for subject in problems if subject.startswith("receipt "))
    assert receipt.endswith(" a1")
    assert "can't be read" in problems[receipt]
    assert SECOND in problems


def test_bytes_that_somebody_turned_into_a_text_are_named(tmp_path: Path) -> None:
    with open_rapport(Settings(store=f"sqlite:///{tmp_path / 'store.sqlite'}")) as opened:
        opened.handler.handle([proposal(1)])
        change(opened, "UPDATE stored_events SET state = replace(CAST(state AS TEXT), 'ana', 'eve')")
        assert found(verify(opened.store)) == [(FIRST, 1)]


def test_the_command_folds_the_datasets_anew(
    rapport: Rapport, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_STORE", settings.store)
    whole = CliRunner().invoke(build(), ["audit", "verify", "--json"])
    assert whole.exit_code == 0, whole.stderr
    with rapport.database.reading() as session:
        [live] = [
            each for each in generation_table.load(session, {PROJECTION.name: PROJECTION}) if each.state == "live"
        ]
    change(rapport, f"UPDATE relationships__v{live.mark} SET status = 'paused' WHERE relationship_id = ?", FIRST)
    for subject, code in ((FIRST, 1), (SECOND, 0)):
        result = CliRunner().invoke(build(), ["audit", "verify", subject, "--json"])
        assert result.exit_code == code, result.stderr
    [problem] = json.loads(CliRunner().invoke(build(), ["audit", "verify", "--json"]).stdout)["problems"]
    assert (problem["subject"], problem["version"]) == (FIRST, 4)
    assert "relationships" in problem["problem"]


def test_a_stream_that_is_gone_is_betrayed_by_the_receipts(rapport: Rapport) -> None:
    change(rapport, "DELETE FROM stored_events WHERE originator_id = ?", SECOND)
    assert found(verify(rapport.store)) == [(SECOND, 1)]


def test_an_event_of_a_newer_rapport_is_named(rapport: Rapport) -> None:
    change(rapport, "DELETE FROM stored_events WHERE originator_id = ? AND originator_version >= 4", FIRST)
    stored = rapport.store.stored(SECOND)[3]
    rapport.store.append_stored([StoredEvent(FIRST, 4, "ContactRecorded#2", stored.state)])
    verdict = verify(rapport.store)
    assert found(verdict) == [(FIRST, 4)]
    assert "ContactRecorded#2" in verdict.problems[0].problem


def test_an_event_moved_from_another_stream_is_named(rapport: Rapport) -> None:
    change(rapport, "DELETE FROM stored_events WHERE originator_id = ? AND originator_version >= 4", FIRST)
    rapport.store.append_stored([StoredEvent(FIRST, 4, "ContactRecorded", rapport.store.stored(SECOND)[3].state)])
    verdict = verify(rapport.store)
    assert found(verdict) == [(FIRST, 4)]
    assert SECOND in verdict.problems[0].problem


@pytest.mark.parametrize(
    "event",
    [
        e.RelationshipActivated(),
        e.RelationshipResumed(),
        e.RecordsSecured(retained_until=date(2030, 1, 1)),
        e.SessionCancelled(session_id="s1", reason="x", notice_hours=1.0, late=True, by_pause=True),
    ],
    ids=lambda event: type(event).__name__,
)
def test_a_transition_that_the_statechart_does_not_know_is_named(rapport: Rapport, event: Event) -> None:
    forge(rapport, event)
    verdict = verify(rapport.store)
    assert found(verdict) == [(FIRST, 5)]
    assert type(event).__name__ in verdict.problems[0].problem


def test_progress_is_told_as_events_are_checked(rapport: Rapport) -> None:
    raws = [contact(1, f"c{number}") for number in range(2100)]
    rapport.handler.handle(raws)
    told: list[int] = []
    verdict = verify(rapport.store, None, told.append)
    assert verdict.ok
    assert sum(told) == verdict.events
    assert len(told) > 1


def test_the_receipt_of_who_repeats_the_others_agreement_is_that_of_its_command(rapport: Rapport) -> None:
    """A second word for the same plan or goal is recorded as the confirmation of the first."""
    plan = {"sessions": 6, "minutes": 60, "every_days": 14, "starts_on": "2026-03-01", "ends_on": "2026-06-01"}
    goal = {
        "goal_id": "g1",
        "title": "Lead",
        "type": "leadership",
        "source": "mentee",
        "agreed_by": ["mentee", "mentor"],
    }
    shared = {"shared": [], "not_shared": ["challenges"]}
    commands: dict[str, dict[str, Any]] = {
        "AgreePlan": plan | {"channel": "platform"},
        "AgreeGoal": goal,
        "AgreeConfidentiality": shared,
    }
    for name, data in commands.items():
        for actor in ("mentor:ben", "mentee:ana"):
            [receipt] = rapport.handler.handle([line(name, data, subject=FIRST, id=f"{name}-{actor}", actor=actor)])
            assert receipt.status == "accepted", receipt
        assert receipt.events[0][0] == "AgreementConfirmed"
    assert verify(rapport.store).ok


def test_events_that_were_recorded_later_than_their_message_was_answered_are_whole(rapport: Rapport) -> None:
    """Recorded time never goes back: another process, whose clock is ahead, wrote in between."""
    later = rapport.clock.now() + timedelta(minutes=3)
    ahead = rapport.settings.model_copy(update={"clock": later, "clock_force": True})
    with open_rapport(ahead) as other:
        assert other.handler.handle([contact(2, "ahead")])[0].status == "accepted"
    assert rapport.handler.handle([contact(1, "behind")])[0].status == "accepted"
    answered = json.loads(rapport.database.query("SELECT answer FROM receipts WHERE message_id = 'behind'")[0][0])[4]
    assert datetime.fromisoformat(answered) < rapport.store.read(FIRST)[-1].recorded_at
    assert verify(rapport.store).ok
