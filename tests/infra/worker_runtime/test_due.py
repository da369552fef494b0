"""Deadlines that are due together: read by worker, fired in order, in however many transactions."""

from collections.abc import Sequence

import pytest

from domain.model import AnyRecorded
from domain.relationship import events as e
from infra.intake.folding import fold_streams
from infra.sealing.key_store import KeyRow
from infra.sealing.sealer import Sealer
from infra.worker_runtime.desk import StoredDesk
from tests.given_when_then import day
from tests.infra.worker_runtime.harness import WorkerHarness, everything, run, subject
from tests.infra.worker_runtime.test_runner import PROPOSE, begun
from workers.desk import KeyState
from workers.model import Arm, Deadline, Given, Notify, Reaction, State, Worker
from workers.reactions import because

# When everything is due.
DUE = day(8)


class Count(State):
    """How often a deadline fired."""

    fired: int = 0


def _armed(state: Count, recorded: AnyRecorded, given: Given) -> tuple[Count, Reaction]:
    del recorded, given
    return state, (because((), (1,), Arm("wait", DUE)),)


def _due(state: Count, deadline: Deadline, given: Given) -> tuple[Count, Reaction]:
    del deadline, given
    return state.but(fired=state.fired + 1), (
        because((), (1,), Notify("coordinator", "gate_reminder", {"clauses": ""})),
    )


# As many as do not go into one transaction with those of the next key, and not in the order of their names.
NAMES = ("third", "first", "second")
WAITING = [
    Worker(name=name, state=Count, listens=frozenset({e.RelationshipProposed}), react=_armed, due=_due)
    for name in NAMES
]


@pytest.mark.parametrize("batch", [1, 2, 500])
def test_deadlines_of_a_key_at_one_time_fire_in_the_order_of_their_workers(harness: WorkerHarness, batch: int) -> None:
    keys = sorted(subject(number) for number in range(5))
    for key in keys:
        harness.send(PROPOSE, "coordinator", 0, key)
    harness.work(workers=WAITING)
    harness.now(9).work(workers=WAITING, batch=batch)
    fired = harness.query("SELECT key, worker FROM deadline_history WHERE change = 'fired' ORDER BY seq")
    assert fired == [(key, name) for key in keys for name in NAMES]
    assert [row[0] for row in harness.query("SELECT state FROM worker_state")] == ['{"fired":1}'] * len(fired)


def test_what_is_kept_for_the_workers_of_others_deadlines_stays(harness: WorkerHarness) -> None:
    """The deadline of one worker fires, and an event that another one hears comes right after it, in the same process."""
    begun(harness).now(3).work()
    runner = harness.runner()
    harness.now(9)
    run(runner)
    at_once = everything(harness.rapport)
    assert len(at_once["worker_state"]) > 1
    assert harness.history("escalate:trust") == [("armed", "1"), ("fired", "8")]
    # Nothing that was kept has lost what the events before the deadline left there.
    assert all('"facts":[]' not in row for row in at_once["worker_state"])


def test_an_index_of_before_makes_room_for_the_one_in_its_place(harness: WorkerHarness) -> None:
    harness.work()
    database = harness.rapport.database
    with database.changing_schema() as session:
        for index in ("deadlines_running", "notifications_ending", "notifications_matter"):
            session.execute(f"DROP INDEX {index}")
        session.execute("CREATE INDEX deadlines_due ON deadlines (due_at)")
        session.execute("CREATE INDEX notifications_until ON notifications (until)")
    harness.work()
    listed = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index'",
        "postgresql": "SELECT indexname::text FROM pg_indexes",
    }
    there = {name for (name,) in harness.query(listed[database.kind])}
    assert there >= {"deadlines_running", "notifications_ending", "notifications_matter"}
    assert there.isdisjoint({"deadlines_due", "notifications_until"})


def test_on_a_walk_what_is_kept_for_a_deadline_is_read_once(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one sends has to be recorded and seen before the next fires, so there are many transactions."""
    for number in range(4):
        begun(harness, number)
    harness.now(3).work()
    read: list[tuple[str, str]] = []
    fill = StoredDesk._fill

    def counting(desk: StoredDesk, found: dict[str, KeyState], places: Sequence[tuple[str, str]], which: str) -> None:
        read.extend(places if "worker = w" in which else ())
        fill(desk, found, places, which)

    monkeypatch.setattr(StoredDesk, "_fill", counting)
    harness.work(until=30)
    assert harness.commands().count("EscalateRecommendation") == 4
    assert read
    assert len(read) == len(set(read))


def test_the_keys_of_many_streams_are_looked_up_at_once(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [subject(number) for number in range(3)]
    for number in range(3):
        begun(harness, number)
    expected = fold_streams(harness.rapport.store, names)
    sealer = harness.rapport.store.mapper._sealing
    assert isinstance(sealer, Sealer)
    sealer.keys._forget()
    asked: list[list[str]] = []
    of_subjects = sealer.keys.kept.of_subjects

    def counting(subjects: Sequence[str]) -> list[KeyRow]:
        asked.append(sorted(subjects))
        return of_subjects(subjects)

    monkeypatch.setattr(sealer.keys.kept, "of_subjects", counting)
    assert fold_streams(harness.rapport.store, names) == expected
    assert asked == [sorted(names)]
