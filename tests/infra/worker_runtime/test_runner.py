"""One process at work: what is written, in which order, and what happens when something fails."""

import orjson
import pytest

from domain.mentor.commands import RemoveMentor, SuspendMentor
from domain.model import Command
from domain.relationship import commands as c
from domain.relationship import events as e
from infra.store.errors import FencedSource
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.repair import rebuild, release
from infra.worker_runtime.runner import Runner
from infra.worker_runtime.verify import verify
from tests.given_when_then import IDS, day
from tests.infra.worker_runtime.harness import WorkerHarness, everything, subject
from workers.catalogue import WORKERS
from workers.model import NOTHING, Given, Reaction, State, Worker
from workers.trust import TRUST_WORKER

PROPOSE = c.ProposeRelationship(
    programme_id="p1",
    mentee_id=IDS["mentee"],
    mentor_id=IDS["mentor"],
    supplier_id=IDS["supplier"],
    codes=("pentalog",),
)
BREAKDOWN = c.ReportTrustBreakdown(description="It came back to me.")


def begun(harness: WorkerHarness, number: int = 1, *codes: str) -> WorkerHarness:
    """A relationship in which trust is reported broken on day 1."""
    harness.send(PROPOSE.model_copy(update={"codes": codes or ("pentalog",)}), "coordinator", 0, subject(number))
    harness.send(BREAKDOWN, "mentee", 1, subject(number))
    return harness


def test_what_a_worker_sends_is_recorded_as_its_own_at_the_time_of_the_trigger(harness: WorkerHarness) -> None:
    begun(harness).now(3).work()
    recommended = harness.rapport.store.read(subject())[-1]
    assert isinstance(recommended.data, e.ShutdownRecommended)
    assert (recommended.actor, recommended.source) == ("worker:trust", "/workers/trust")
    assert (recommended.occurred_at, recommended.recorded_at) == (day(1), day(3))
    assert recommended.causation_id == "m2"
    assert harness.open_tasks() == ["shutdown_recommendation"]
    [(status, answer)] = harness.query("SELECT status, answer FROM outbox")
    assert (status, orjson.loads(answer)["events"]) == (
        "accepted",
        [{"type": "rapport.ShutdownRecommended", "version": 3}],
    )


def test_deadlines_fire_when_their_time_has_come_and_their_commands_are_of_that_time(harness: WorkerHarness) -> None:
    begun(harness).now(2).work()
    harness.now(7.99).work()
    assert harness.commands() == ["RecommendShutdown"]
    harness.now(9).work()
    assert harness.commands() == ["RecommendShutdown", "EscalateRecommendation"]
    assert harness.rapport.store.read(subject())[-1].occurred_at == day(8)
    assert harness.history("escalate:trust") == [("armed", "1"), ("fired", "8")]
    before = everything(harness.rapport)
    harness.now(100).work()
    assert everything(harness.rapport)["outbox"] == before["outbox"]


def test_the_clock_is_turned_through_the_deadlines_in_order(harness: WorkerHarness) -> None:
    begun(harness).work(until=30)
    assert harness.events()[-2:] == ["ShutdownRecommended", "RecommendationEscalated"]
    recorded = harness.rapport.store.read(subject())[-1]
    assert (recorded.occurred_at, recorded.recorded_at) == (day(8), day(8))


def test_a_walk_leaves_what_lies_beyond_for_the_next_one(harness: WorkerHarness) -> None:
    begun(harness)
    harness.send(c.ReportDisrespect(against="mentor", description="x"), "mentee", 20)
    harness.work(until=10)
    assert harness.commands() == ["RecommendShutdown", "EscalateRecommendation"]
    # The log is seen in its order: what the workers recorded waits behind the event that lies beyond.
    assert harness.query("SELECT MIN(position) FROM worker_partitions") == [(2,)]
    harness.work(until=25)
    assert harness.query("SELECT MIN(position) FROM worker_partitions") == [(harness.rapport.store.head(),)]
    assert harness.commands() == ["RecommendShutdown", "EscalateRecommendation", "RecommendShutdown"]
    assert verify(harness.rapport.store) == []


@pytest.mark.clause("pentalog.trust")
@pytest.mark.parametrize("answer", [c.RestoreTrust(), c.DismissRecommendation(reason="talked")])
def test_what_was_settled_before_any_worker_came_is_not_put_up_for_decision(
    harness: WorkerHarness, answer: Command
) -> None:
    begun(harness).send(answer, "coordinator" if isinstance(answer, c.DismissRecommendation) else "mentee", 5)
    harness.now(30).work()
    assert harness.commands() == []
    assert harness.commands("refused") == ["RecommendShutdown"]
    assert harness.open_tasks() == []


def test_a_pause_freezes_deadlines_and_resumption_shifts_them(harness: WorkerHarness) -> None:
    harness.send(PROPOSE.model_copy(update={"codes": ("leapfrog",)}), "coordinator", 0)
    harness.send(
        c.RecordContractingConversation(held_at=day(0), covered=("mentor_role", "complaints_procedure")), "mentor", 0
    )
    harness.send(c.ActivateRelationship(), "coordinator", 1)
    pause = c.PauseRelationship(
        reason="leave", informed=("mentee", "mentor"), next_steps="They write.", review_on=day(20).date()
    )
    harness.send(pause, "coordinator", 3)
    harness.now(20).work()
    assert harness.history("first_session") == [("armed", "1"), ("frozen", "3")]
    harness.send(c.ResumeRelationship(), "coordinator", 23)
    harness.work()
    assert harness.history("first_session")[-1] == ("moved", "23")
    harness.now(30.9).work()
    assert "first_session" not in harness.open_tasks()
    harness.now(31).work()
    assert harness.history("first_session")[-1] == ("fired", "31")
    assert "first_session" in harness.open_tasks()


def test_a_removal_reaches_each_relationship_and_what_follows_from_that_in_one_run(harness: WorkerHarness) -> None:
    for number in (1, 2, 3):
        harness.send(PROPOSE.model_copy(update={"codes": ("cmn",)}), "coordinator", number, subject(number))
    harness.send(RemoveMentor(reason="x"), "hr", 5, f"mentor:{IDS['mentor']}")
    harness.now(6).work()
    assert harness.commands() == ["TerminateRelationship"] * 3
    assert [harness.events(subject(number))[-1] for number in (1, 2, 3)] == ["RelationshipTerminated"] * 3
    assert (
        sorted(harness.open_tasks()) == ["end_feedback"] * 3 + ["end_review"] * 3 + ["new_mentor"] * 3 + ["records"] * 3
    )


def test_every_decision_leaves_a_receipt_that_replay_makes_again(harness: WorkerHarness) -> None:
    begun(harness).now(30).work()
    rows = harness.query("SELECT worker, clauses, evidence, terms, sent FROM decisions ORDER BY seq")
    assert rows[0][:2] == ("trust", '["pentalog.trust","care.trust"]')
    assert orjson.loads(rows[0][2]) == [2]
    assert [sent.get("command") for row in rows for sent in orjson.loads(row[4]) if "command" in sent] == [
        "RecommendShutdown", "EscalateRecommendation",
    ]  # fmt: skip
    [terms] = [row[3] for row in rows if "EscalateRecommendation" in row[4]]
    assert orjson.loads(terms) == {"decision_days": 7}
    assert verify(harness.rapport.store) == []
    assert verify(harness.rapport.store, subject()) == []


@pytest.mark.clause("care.standing")
def test_one_relationship_is_replayed_with_the_standing_of_its_mentor(harness: WorkerHarness) -> None:
    """Reminders that a suspended mentor did not get are not missed by an audit of that relationship alone."""
    begun(harness)
    for id_, on in (("s1", 10), ("s2", 20)):
        harness.send(c.ScheduleSession(session_id=id_, starts_at=day(on), channel="platform"), "mentee", 2)
    harness.send(SuspendMentor(reason="x"), "hr", 3, f"mentor:{IDS['mentor']}")
    harness.now(25).work()
    assert "session_reminder" not in str(harness.query("SELECT sent FROM decisions"))
    assert verify(harness.rapport.store) == []
    assert verify(harness.rapport.store, subject()) == []


def test_a_receipt_that_replay_would_not_make_is_named(harness: WorkerHarness) -> None:
    begun(harness).now(30).work()
    with harness.rapport.database.transaction() as session:
        session.execute(
            "UPDATE decisions SET evidence = '[1]' WHERE trigger_id LIKE '%/2' AND CAST(sent AS TEXT) LIKE '%RecommendShutdown%'"
        )
    [problem] = verify(harness.rapport.store)
    assert (problem.subject, problem.version) == (subject(), 2)
    assert problem.problem == f"worker trust at {subject()}: replay makes this decision differently"
    with harness.rapport.database.transaction() as session:
        session.execute("DELETE FROM decisions WHERE CAST(evidence AS TEXT) = '[1]'")
        session.execute("UPDATE deadline_history SET due_at = ? WHERE change = 'fired'", (day(9),))
    problems = [problem.problem for problem in verify(harness.rapport.store, subject())]
    assert any("is not on record" in problem for problem in problems)
    assert any("fired and did not run" in problem for problem in problems)
    assert any("does not make this decision" in problem for problem in problems)


# --- failures ------------------------------------------------------------------------------------------------------
class Fragile(State):
    seen: int = 0


def breaking(*broken: str) -> Worker[Fragile]:
    """A worker in the place of the one for trust that has a mistake at some relationships."""

    def react(state: Fragile, recorded: object, given: Given) -> tuple[Fragile, Reaction]:
        if given.key in broken:
            raise ZeroDivisionError("a mistake")
        return state.but(seen=state.seen + 1), NOTHING

    return Worker(name="trust", state=Fragile, listens=TRUST_WORKER.listens, react=react)


def test_a_key_that_fails_twice_is_put_aside_and_the_others_go_on(harness: WorkerHarness) -> None:
    for number in (1, 2):
        begun(harness, number)
    mistaken = [breaking(subject(1)) if worker is TRUST_WORKER else worker for worker in WORKERS]
    harness.now(5).work(workers=mistaken)
    [(worker, key, trigger, error)] = harness.query("SELECT worker, key, trigger_id, error FROM parked")
    assert (worker, key, trigger, error) == ("trust", subject(1), f"{subject(1)}/2", "ZeroDivisionError: a mistake")
    assert harness.query("SELECT MIN(position) FROM worker_partitions") == [(harness.rapport.store.head(),)]
    # The other workers went on at that key, and this one at others.
    assert harness.query("SELECT key FROM worker_state WHERE worker = 'trust'") == [(subject(2),)]
    assert verify(harness.rapport.store) != []


def test_what_was_put_aside_is_made_up_for_when_it_is_released(harness: WorkerHarness) -> None:
    for number in (1, 2):
        begun(harness, number)
    mistaken = [breaking(subject(1), subject(2)) if worker is TRUST_WORKER else worker for worker in WORKERS]
    harness.now(5).work(workers=mistaken)
    harness.send(c.RestoreTrust(), "mentee", 6, subject(2))
    harness.now(20).work()
    assert harness.commands() == []
    runner = harness.runner()
    assert runner.take_lease()
    assert runner.lease is not None
    made = release(harness.rapport.store, runner.lease, [("trust", subject(1)), ("trust", subject(2))])
    runner.release()
    assert made > 0
    harness.work()
    assert harness.query("SELECT * FROM parked") == []
    assert harness.events(subject(1))[-2:] == ["ShutdownRecommended", "RecommendationEscalated"]
    assert ("recommendation_escalated", "coordinator") in harness.notified()
    assert verify(harness.rapport.store) == []


def test_an_event_of_a_newer_rapport_puts_its_subject_aside_for_all(harness: WorkerHarness) -> None:
    begun(harness, 1)
    with harness.rapport.database.transaction() as session:
        session.execute(
            "INSERT INTO stored_events (originator_id, originator_version, topic, state, hash, leaf) VALUES (?, ?, ?, ?, ?, -1)",
            (subject(2), 1, "RelationshipDreamt#7", b"{}", b"x"),
        ) if session.kind == "sqlite" else session.execute(
            "INSERT INTO stored_events (position, originator_id, originator_version, topic, state, hash, leaf) "
            "VALUES ((SELECT MAX(position) + 1 FROM stored_events), ?, ?, ?, ?, ?, -1)",
            (subject(2), 1, "RelationshipDreamt#7", b"{}", b"x"),
        )
    begun(harness, 3)
    harness.now(5).work()
    assert harness.query("SELECT worker, key FROM parked") == [("*", subject(2))]
    assert harness.commands() == ["RecommendShutdown"] * 2


def test_killed_at_any_step_everything_is_made_once(harness: WorkerHarness) -> None:
    for number in (1, 2, 3):
        begun(harness, number)
    harness.now(30)
    turns = 0
    while True:
        # A new process for every turn, as if each were killed right after it.
        runner = harness.runner(batch=2)
        runner.lease_seconds = 60
        with harness.rapport.database.transaction() as session:
            session.execute("UPDATE worker_partitions SET until = 0")
        assert runner.take_lease()
        if not runner.turn():
            break
        turns += 1
        assert turns < 200
    assert harness.commands() == ["RecommendShutdown"] * 3 + ["EscalateRecommendation"] * 3
    assert all(harness.events(subject(number)).count("ShutdownRecommended") == 1 for number in (1, 2, 3))
    assert verify(harness.rapport.store) == []


def test_only_one_works_and_one_that_lost_its_lease_writes_nothing(harness: WorkerHarness) -> None:
    begun(harness).now(30)
    first, second = harness.runner(batch=1), harness.runner(batch=1)
    assert first.take_lease()
    assert first.turn()
    assert not second.take_lease()
    with harness.rapport.database.transaction() as session:
        session.execute("UPDATE worker_partitions SET until = 0")
    assert second.take_lease()
    before = everything(harness.rapport)
    with pytest.raises(FencedSource):
        first.turn()
    assert everything(harness.rapport) == before
    assert first.lease is None
    while second.turn():
        pass
    second.release()
    assert first.take_lease()
    assert not first.turn()
    assert harness.commands() == ["RecommendShutdown", "EscalateRecommendation"]


def test_a_clock_that_jumps_back_fires_nothing_twice_and_loses_nothing(harness: WorkerHarness) -> None:
    begun(harness).now(30).work()
    harness.now(3).work()
    harness.send(c.RestoreTrust(), "mentee", 4)
    harness.work()
    harness.send(BREAKDOWN, "mentor", 5)
    harness.now(4.5).work()
    # What happened after the present moment is answered with the present moment.
    assert harness.commands() == ["RecommendShutdown", "EscalateRecommendation", "RecommendShutdown"]
    assert harness.rapport.store.read(subject())[-1].occurred_at == day(4.5)
    harness.now(40).work()
    assert harness.commands()[-1] == "EscalateRecommendation"
    assert verify(harness.rapport.store) == []


# --- rebuilding ----------------------------------------------------------------------------------------------------
def test_what_a_worker_keeps_is_rebuilt_from_the_record_and_nothing_is_sent(harness: WorkerHarness) -> None:
    for number in (1, 2):
        begun(harness, number)
    harness.now(9).work()
    before = everything(harness.rapport)
    with harness.rapport.database.transaction() as session:
        for table in ("worker_state", "deadlines"):
            session.execute(f"DELETE FROM {table} WHERE worker = 'trust'")
        session.execute("DELETE FROM worker_tasks WHERE worker = 'trust'")
    runner = harness.runner()
    assert runner.take_lease()
    assert runner.lease is not None
    rebuild(harness.rapport.store, runner.lease, [TRUST_WORKER], day(9))
    runner.release()
    assert everything(harness.rapport) == before
    harness.work()
    assert everything(harness.rapport) == before


def test_a_worker_that_joins_later_reacts_from_then_on_alone(harness: WorkerHarness) -> None:
    begun(harness)
    others = [worker for worker in WORKERS if worker is not TRUST_WORKER]
    harness.now(20).work(workers=others)
    assert harness.commands() == []
    harness.now(21).work()
    # It knows of the report and of the days that have passed, and says nothing about them now.
    assert harness.commands() == []
    assert harness.query("SELECT key FROM worker_state WHERE worker = 'trust'") == [(subject(),)]
    harness.send(c.RestoreTrust(), "mentee", 22)
    harness.send(BREAKDOWN, "mentor", 23)
    harness.work()
    assert harness.commands() == ["RecommendShutdown"]


def test_a_horizon_without_an_end_is_the_present(harness: WorkerHarness) -> None:
    horizon = Horizon(harness.rapport.clock)
    horizon.turn(day(99))
    assert horizon.end() == harness.rapport.clock.now() == day(0)
    assert Runner(harness.rapport.store, harness.rapport.handler, horizon).take_lease()
