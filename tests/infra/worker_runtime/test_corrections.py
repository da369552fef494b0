"""Corrections at work: the live runner, walks, replay, verification, rebuilding and releasing, one process after another."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from domain.model import AnyRecorded
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.words import CodeId, Topic
from infra.bootstrap import Rapport, open_rapport
from infra.settings import Settings
from infra.worker_runtime.desk import StoredDesk
from infra.worker_runtime.pace import keeping_pace
from infra.worker_runtime.repair import rebuild, release
from infra.worker_runtime.verify import verify
from tests.given_when_then import IDS, day
from tests.infra.worker_runtime.harness import WorkerHarness, everything, run, subject
from tests.messages import line
from tests.stores import by_hand
from workers.catalogue import WORKERS
from workers.commitment import COMMITMENT

CODES: tuple[CodeId, ...] = ("pentalog", "leapfrog")
PROPOSE = c.ProposeRelationship(
    programme_id="p1", mentee_id=IDS["mentee"], mentor_id=IDS["mentor"], supplier_id=IDS["supplier"], codes=CODES
)
LATE = {"session_id": "s2", "reason": "x", "cause": "work"}
TOPICS: tuple[Topic, ...] = ("process", "expectations", "mentor_role", "complaints_procedure")


def agreed() -> list[tuple[c.RelationshipCommand, str, float]]:
    """From the proposal to the activation, with two sessions on days 10 and 20."""
    goal = c.AgreeGoal(goal_id="g1", title="x", type="career", source="mentee", agreed_by=("mentee", "mentor"))
    talk = c.RecordContractingConversation(held_at=day(0), covered=TOPICS)
    ready = c.StateTrustReadiness(ready=True)
    story: list[tuple[c.RelationshipCommand, str, float]] = [
        (PROPOSE, "coordinator", 0), (goal, "coordinator", 0), (talk, "coordinator", 0), (ready, "mentee", 0), (ready, "mentor", 0),
        (c.ActivateRelationship(), "coordinator", 0),
    ]  # fmt: skip
    for number in (1, 2):
        booked = c.ScheduleSession(session_id=f"s{number}", starts_at=day(10 * number), channel="platform")
        story.append((booked, "mentee", 1))
    return story


def late_twice(harness: WorkerHarness) -> WorkerHarness:
    """Both are cancelled half an hour before their start: the worker raises a concern."""
    for command, by, on in agreed():
        assert harness.send(command, by, on).status == "accepted", command
    for number in (1, 2):
        cancelled = c.CancelSession(session_id=f"s{number}", reason="x", cause="work")
        assert harness.send(cancelled, "mentee", 10 * number - 0.02).status == "accepted"
        harness.work()
    assert harness.commands() == ["RaiseConcern"]
    return harness


def version_of(rapport: Rapport, event: type, place: int = -1) -> int:
    found = [recorded.version for recorded in rapport.store.read(subject()) if isinstance(recorded.data, event)]
    return found[place]


def void(harness: WorkerHarness, event: type, on: float, place: int = -1) -> None:
    command = c.CorrectFact(version=version_of(harness.rapport, event, place), reason="No.", void=True)
    assert harness.send(command, "coordinator", on).status == "accepted"


def test_the_concern_goes_with_its_evidence_and_all_is_verified(harness: WorkerHarness) -> None:
    late_twice(harness)
    assert harness.open_tasks() == ["commitment_concern"]
    void(harness, e.SessionCancelled, on=21)
    harness.work()
    assert harness.commands() == ["RaiseConcern", "ResolveConcern"]
    assert "commitment_concern" not in harness.open_tasks()
    rows = harness.query("SELECT evidence, sent FROM decisions")
    [evidence] = [
        evidence for evidence, sent in rows if any(s.get("command") == "ResolveConcern" for s in orjson.loads(sent))
    ]
    assert orjson.loads(evidence) == [version_of(harness.rapport, e.FactCorrected)]
    assert verify(harness.rapport.store) == []
    assert verify(harness.rapport.store, subject()) == []


def test_a_deadline_that_fired_fires_in_its_place_again(harness: WorkerHarness) -> None:
    """Seven days after the concern nobody had answered: the escalation stays, and is not sent again."""
    late_twice(harness)
    harness.now(30).work()
    assert harness.commands()[-1] == "EscalateConcern"
    assert harness.send(c.RecordGoalProgress(goal_id="g1", progress="some"), "mentee", 31).status == "accepted"
    harness.work()
    before = everything(harness.rapport)
    void(harness, e.GoalProgressRecorded, on=32)
    harness.work()
    after = everything(harness.rapport)
    assert after["outbox"] == before["outbox"]
    assert after["worker_tasks"] == before["worker_tasks"]
    assert verify(harness.rapport.store) == []


def test_corrections_one_after_the_other_are_verified_and_nothing_is_sent_twice(harness: WorkerHarness) -> None:
    late_twice(harness)
    fact = version_of(harness.rapport, e.SessionCancelled)
    for on, how in enumerate(({"void": True}, {"data": LATE}, {"void": True}), start=21):
        receipt = harness.send(c.CorrectFact(version=fact, reason="No.", **how), "coordinator", on)  # type: ignore[arg-type]
        assert receipt.status == "accepted", receipt
        harness.work()
    assert harness.commands() == ["RaiseConcern", "ResolveConcern", "RaiseConcern", "ResolveConcern"]
    assert "commitment_concern" not in harness.open_tasks()
    assert verify(harness.rapport.store) == []


def test_what_is_kept_is_what_a_process_that_starts_from_nothing_makes_of_it(harness: WorkerHarness) -> None:
    late_twice(harness)
    void(harness, e.SessionCancelled, on=21)
    harness.work()
    before = everything(harness.rapport)
    runner = harness.runner()
    assert runner.take_lease()
    assert runner.lease is not None
    rebuild(harness.rapport.store, runner.lease, WORKERS, runner.horizon.end())
    runner.release()
    after = everything(harness.rapport)
    for table in ("deadlines", "worker_state", "outbox", "decisions", "deadline_history"):
        assert after[table] == before[table], table
    assert harness.open_tasks() == []


def test_a_worker_put_aside_learns_of_the_correction_when_it_is_taken_up(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    late_twice(harness)
    void(harness, e.SessionCancelled, on=21)
    with monkeypatch.context() as broken:
        broken.setattr("workers.timeline.refold", _fails)
        harness.work()
    assert {row[0] for row in harness.query("SELECT worker FROM parked")} >= {"commitment"}
    assert harness.commands() == ["RaiseConcern"]
    runner = harness.runner()
    assert runner.take_lease()
    assert runner.lease is not None
    pairs = [(row[0], row[1]) for row in harness.query("SELECT worker, key FROM parked")]
    release(harness.rapport.store, runner.lease, pairs)
    runner.release()
    harness.work()
    assert harness.commands() == ["RaiseConcern", "ResolveConcern"]
    assert "commitment_concern" not in harness.open_tasks()
    assert verify(harness.rapport.store) == []


def _fails(*_: Any) -> Any:
    raise RuntimeError("broken")


def test_a_worker_that_joined_later_sends_nothing_about_what_lay_before(harness: WorkerHarness) -> None:
    for command, by, on in agreed():
        harness.send(command, by, on)
    others = [worker for worker in WORKERS if worker is not COMMITMENT]
    for number in (1, 2):
        cancelled = c.CancelSession(session_id=f"s{number}", reason="x", cause="work")
        harness.send(cancelled, "mentee", 10 * number - 0.02)
    harness.send(c.RecordContact(channel="email"), "mentee", 20)
    harness.work(workers=others)
    harness.now(20.5).work()
    void(harness, e.ContactRecorded, on=21)
    harness.work()
    assert harness.commands() == []


def test_two_processes_in_turn_come_to_the_same_as_one(settings: Settings) -> None:
    """The second takes over between the fact and its correction, and right after it."""
    with open_rapport(settings) as rapport:
        harness = late_twice(WorkerHarness(rapport))
        void(harness, e.SessionCancelled, on=21)
        first = harness.runner(batch=1)
        assert first.take_lease()
        assert first.turn()
        first.release()
        second = harness.runner(batch=1)
        run(second)
        assert harness.commands() == ["RaiseConcern", "ResolveConcern"]
        assert verify(rapport.store) == []


def test_a_correction_costs_one_reading_of_its_stream(harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    late_twice(harness)
    read: list[str] = []
    past = StoredDesk.past

    def counted(desk: StoredDesk, correction: AnyRecorded) -> Any:
        read.append(correction.subject)
        return past(desk, correction)

    monkeypatch.setattr(StoredDesk, "past", counted)
    void(harness, e.SessionCancelled, on=21)
    harness.work()
    assert read == [subject()]


def test_of_corrections_in_a_row_the_last_takes_up_all(harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the workers keep is made again once, the decision names each correction, and replay decides the same."""
    late_twice(harness)
    taken_up: list[tuple[int, ...]] = []
    past = StoredDesk.past

    def counted(desk: StoredDesk, correction: AnyRecorded) -> Any:
        found = past(desk, correction)
        taken_up.append(found.corrections)
        return found

    monkeypatch.setattr(StoredDesk, "past", counted)
    void(harness, e.SessionCancelled, on=21, place=0)
    void(harness, e.SessionCancelled, on=21, place=1)
    harness.work()
    both = tuple(version_of(harness.rapport, e.FactCorrected, place) for place in (-2, -1))
    assert taken_up == [both]
    [evidence] = [
        orjson.loads(evidence)
        for evidence, sent in harness.query("SELECT evidence, sent FROM decisions")
        if any(each.get("command") == "ResolveConcern" for each in orjson.loads(sent))
    ]
    assert tuple(evidence) == both
    again = c.CorrectFact(version=version_of(harness.rapport, e.SessionCancelled), reason="No.", data=LATE)
    assert harness.send(again, "coordinator", 22).status == "accepted"
    harness.work()
    assert [len(each) for each in taken_up] == [2, 1]
    assert verify(harness.rapport.store) == []
    assert verify(harness.rapport.store, subject()) == []


def test_what_is_noted_of_corrections_in_a_row_is_verified(harness: WorkerHarness) -> None:
    """The last of them must be noted as taken up, one before it may be; none that there is not."""
    late_twice(harness)
    void(harness, e.SessionCancelled, on=21, place=0)
    void(harness, e.SessionCancelled, on=21, place=1)
    harness.work()
    rapport = harness.rapport
    first, last = rapport.database.query(
        "SELECT position FROM stored_events WHERE topic = 'FactCorrected' ORDER BY position"
    )
    assert harness.query("SELECT key, position FROM worker_corrections") == [(subject(), *last)]
    assert verify(rapport.store) == []
    with by_hand(rapport.database) as session:
        session.execute("DELETE FROM worker_corrections")
    for of in (None, subject()):
        problems = [found.problem for found in verify(rapport.store, of)]
        assert f"the correction at position {last[0]} is not noted as taken up" in problems
    with by_hand(rapport.database) as session:
        session.insert("worker_corrections", ("key", "position"), [(subject(), *last), (subject(), first[0] - 1)])
    [found] = verify(rapport.store)
    assert found.problem == (
        f"a correction is noted as taken up at position {first[0] - 1} where workers have come to none"
    )
    again = c.CorrectFact(version=version_of(rapport, e.SessionCancelled), reason="No.", data=LATE)
    assert harness.send(again, "coordinator", 22).status == "accepted"
    with by_hand(rapport.database) as session:
        session.execute("DELETE FROM worker_corrections WHERE position < ?", first)
    # Nobody has worked since: it need not be noted yet.
    assert verify(rapport.store) == []


# --- walks -------------------------------------------------------------------------------------------------------------
def tell(command: c.RelationshipCommand, by: str, on: float, id_: str) -> bytes:
    data = orjson.loads(command.model_dump_json(exclude_none=True))
    actor = f"{by}:{IDS[by]}"
    return line(type(command).__name__, data, actor=actor, time=day(on).isoformat(), id=id_, subject=subject())


def walked(opened: Rapport, story: Sequence[tuple[c.RelationshipCommand, str, float]]) -> None:
    lines = [tell(command, by, on, str(number)) for number, (command, by, on) in enumerate(story)]
    with keeping_pace(opened.store, opened.handler, opened.clock) as pace:
        receipts = [receipt for receipts in pace.handle_all([lines]) for receipt in receipts]
    assert [receipt.problems for receipt in receipts if receipt.status != "accepted"] == []


def test_submitted_with_walk_and_worked_off_until_then_it_comes_to_the_same(settings: Settings) -> None:
    cancelled = [
        (c.CancelSession(session_id=f"s{number}", reason="x", cause="work"), "mentee", 10 * number - 0.02)
        for number in (1, 2)
    ]
    correction = c.CorrectFact(version=len(agreed()) + 2, reason="No.", void=True)
    story = [
        *agreed(),
        *cancelled,
        (correction, "coordinator", 21.0),
        (c.RecordContact(channel="email"), "mentee", 40.0),
    ]
    with open_rapport(settings.model_copy(update={"clock": day(400)})) as opened:
        walked(opened, story)
        sent = [
            row[0] for row in opened.database.query("SELECT command FROM outbox WHERE status = 'accepted' ORDER BY seq")
        ]
        assert sent == ["RaiseConcern", "ResolveConcern"]
        resolved = [r for r in opened.store.read(subject()) if isinstance(r.data, e.CommitmentConcernResolved)]
        assert [recorded.occurred_at for recorded in resolved] == [day(21)]
        assert verify(opened.store) == []


def test_a_correction_after_the_escalation_settles_the_concern_too(harness: WorkerHarness) -> None:
    late_twice(harness)
    harness.now(60).work()
    void(harness, e.SessionCancelled, on=61)
    harness.work()
    assert "commitment_concern" not in harness.open_tasks()
    assert verify(harness.rapport.store) == []
