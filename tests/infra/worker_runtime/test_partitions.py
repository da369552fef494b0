"""Processes that share the work: who holds which keys, what happens when one dies, and that all decide what one alone would have."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from domain.mentor.commands import RegisterMentor, RemoveMentor, SuspendMentor
from domain.programme.commands import CreateProgramme, SetTerm
from infra.bootstrap import Rapport, open_rapport
from infra.settings import Settings
from infra.simulate import messages
from infra.store.errors import FencedSource
from infra.store.opening import open_database
from infra.store.partitions import COUNT, EVERY, among, partition_of
from infra.store.session import Database, as_time
from infra.worker_runtime import runner as running
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.loop import nothing_due
from infra.worker_runtime.runner import Runner
from infra.worker_runtime.verify import verify
from tests import command
from tests.given_when_then import IDS, day
from tests.infra.worker_runtime.harness import WorkerHarness, everything, run, subject
from tests.infra.worker_runtime.test_runner import BREAKDOWN, PROPOSE, begun
from tests.sizes import size

RECOMMENDATIONS = size(200, 400)
END = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def looks_at_every_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "LOOK_SECONDS", 0.0)


def sharing(harness: WorkerHarness) -> Runner:
    """A process that works on a share of the keys."""
    return harness.runner(shares=True, lease_seconds=60, batch=3)


def held(runner: Runner) -> int:
    return len(runner.lease.reached) if runner.lease is not None else 0


def kept(harness: WorkerHarness) -> dict[str, list[object]]:
    """What the workers have written."""
    return {table: rows for table, rows in everything(harness.rapport).items() if table != "events"}


def work_together(harness: WorkerHarness, runners: list[Runner]) -> None:
    """Until nobody has anything to do, in turns."""
    while not nothing_due(harness.rapport.store, Horizon(harness.rapport.clock)):
        for runner in runners:
            if runner.take_lease():
                runner.turn()


# --- who holds what ------------------------------------------------------------------------------------------------
def test_a_query_finds_the_keys_of_a_partition_as_python_does(harness: WorkerHarness) -> None:
    keys = [str(uuid4()) for _ in range(300)] + ["mentor:b", "case:c-1", "mentee:Ana.x_9", "programme:p1"]
    database = harness.rapport.database
    with database.transaction() as session:
        session.execute(f"CREATE TABLE some_keys (key {database.types['text']})")
        session.insert("some_keys", ("key",), [(key,) for key in keys])
        for partitions in ({0}, {1, 17, 63}, set(range(32)), EVERY, set()):
            found = session.query(f"SELECT key FROM some_keys WHERE {among(session.kind, 'key', partitions)}")
            assert {key for (key,) in found} == {key for key in keys if partition_of(key) in partitions}


def test_keys_are_spread_about_evenly() -> None:
    for keys in ([str(uuid4()) for _ in range(12_800)], [f"mentor:ben-{number}" for number in range(12_800)]):
        counted = Counter(map(partition_of, keys))
        assert len(counted) == COUNT
        assert max(counted.values()) < 1.5 * 200


def test_processes_share_fairly_as_they_come_and_go(harness: WorkerHarness) -> None:
    begun(harness).work()
    first, second, third = (sharing(harness) for _ in range(3))
    assert first.take_lease()
    assert held(first) == 64
    assert not second.take_lease()
    for _ in range(3):
        for runner in (first, second):
            runner.take_lease()
            if runner.lease is not None:
                runner.turn()
    assert (held(first), held(second)) == (32, 32)
    for _ in range(4):
        for runner in (first, second, third):
            runner.take_lease()
            if runner.lease is not None:
                runner.turn()
    assert (held(first), held(second), held(third)) == (22, 22, 20)
    assert first.lease is not None
    assert second.lease is not None
    assert not first.lease.reached.keys() & second.lease.reached.keys()
    third.release()
    second.release()
    first.take_lease()
    assert first.lease is not None
    assert held(first) == 64
    # Nobody who works alone comes in between, until all is free.
    assert not harness.runner().take_lease()
    first.release()
    assert harness.runner().take_lease()


def test_who_lost_a_partition_writes_nothing_and_goes_on_with_the_others(harness: WorkerHarness) -> None:
    for number in range(6):
        begun(harness, number)
    first = sharing(harness)
    assert first.take_lease()
    first.turn()
    with harness.rapport.database.transaction() as session:
        session.execute("UPDATE worker_partitions SET owner = 'another' WHERE number = 5")
    before = kept(harness)
    with pytest.raises(FencedSource):
        first.turn()
    # A command that was sent meanwhile is known by its id when the next holder sends it again.
    assert kept(harness) == before
    assert first.take_lease()
    assert first.lease is not None
    assert set(first.lease.reached) == EVERY - {5} or held(first) == 32


def test_a_store_of_before_goes_on_where_its_one_process_was(harness: WorkerHarness) -> None:
    begun(harness).now(3).work()
    head = harness.rapport.store.head()
    with harness.rapport.database.transaction() as session:
        session.execute("DROP TABLE worker_partitions")
        session.execute("DROP TABLE worker_numbers")
        session.execute("UPDATE leases SET position = ?, until = 0 WHERE name = 'workers'", (head,))
    assert verify(harness.rapport.store) == []
    runner = harness.now(9).work()
    assert runner.tally.commands == 1
    assert harness.commands() == ["RecommendShutdown", "EscalateRecommendation"]
    assert verify(harness.rapport.store) == []
    # A process of before never takes the lease again.
    [(until,)] = harness.query("SELECT until FROM leases WHERE name = 'workers'")
    assert until > datetime(2999, 1, 1, tzinfo=UTC).timestamp() * 1000


# --- what they decide ----------------------------------------------------------------------------------------------
def test_facts_of_keys_that_others_hold_are_those_of_the_place_in_the_log(harness: WorkerHarness) -> None:
    """Terms, mentors and members change while one process is far behind the other."""
    harness.work()
    harness.send(CreateProgramme(name="P"), "coordinator", 0, "programme:p1")
    harness.send(RegisterMentor(name="Ben", programme_id="p1"), "mentor", 0, f"mentor:{IDS['mentor']}")
    for number in range(1, 9):
        begun(harness, number)
    ahead, behind = sharing(harness), sharing(harness)
    for _ in range(3):
        ahead.take_lease()
        behind.take_lease()
    assert (held(ahead), held(behind)) == (32, 32)
    # Told late: it holds from before the reports on, and nobody knew when they came.
    harness.send(SetTerm(document="code_of_conduct", term="decision_days", value=3), "coordinator", 0.5, "programme:p1")
    for number in range(9, 13):
        begun(harness, number)
    harness.send(SuspendMentor(reason="x"), "hr", 3, f"mentor:{IDS['mentor']}")
    harness.send(RemoveMentor(reason="x"), "hr", 5, f"mentor:{IDS['mentor']}")
    harness.now(40)
    while ahead.turn():
        pass
    # Halfway: the positions differ, and the audit replays each key to its own.
    assert verify(harness.rapport.store) == []
    work_together(harness, [behind, ahead])
    assert verify(harness.rapport.store) == []
    armed = "SELECT due_at FROM deadline_history WHERE change = 'armed' AND name = 'escalate:trust' AND key = ?"
    for number in range(1, 13):
        [(due,)] = harness.query(armed, subject(number))
        assert as_time(due) == day(8 if number < 9 else 4), number
    for runner in (ahead, behind):
        runner.release()
    assert not harness.work().tally.events


@pytest.mark.parametrize("seed", range(size(2, 6)))
def test_sharing_processes_decide_what_one_alone_does_whoever_dies(seed: int, settings: Settings, tmp_path: Path) -> None:  # fmt: skip
    lines = list(messages(size(8, 12), 7, start=END - timedelta(days=120), until=END))
    chance = Random(seed)
    with open_rapport(settings) as rapport:
        harness = WorkerHarness(rapport)
        rapport.clock.fixed = END
        rapport.handler.handle(lines)
        runners = [sharing(harness) for _ in range(3)]
        while not nothing_due(rapport.store, Horizon(rapport.clock)):
            number = chance.randrange(3)
            if runners[number].take_lease():
                runners[number].turn()
            if chance.random() < 0.05:
                dies(rapport, runners, number, harness)
            if chance.random() < 0.02:
                assert verify(rapport.store) == []
        for runner in runners:
            runner.release()
        assert verify(rapport.store) == []
        together = decided(rapport)
    with open_rapport(
        Settings(store=f"sqlite:///{tmp_path / 'alone.sqlite'}", clock=END, synchronous="off")
    ) as rapport:
        rapport.handler.handle(lines)
        run(Runner(rapport.store, rapport.handler, Horizon(rapport.clock)))
        assert together == decided(rapport)


def dies(rapport: Rapport, runners: list[Runner], number: int, harness: WorkerHarness) -> None:
    """A process is gone, and its lease runs out; another starts."""
    lease = runners[number].lease
    if lease is not None:
        with rapport.database.transaction() as session:
            session.execute("UPDATE worker_partitions SET until = 0 WHERE owner = ?", (lease.owner,))
    runners[number] = sharing(harness)


def decided(rapport: Rapport) -> list[tuple[object, ...]]:
    """Which worker decided what at which key, and why: not the ids, which depend on the store."""
    return sorted(
        rapport.database.query(
            "SELECT key, worker, trigger_id, CAST(clauses AS TEXT), CAST(sent AS TEXT) FROM decisions"
        )
    )


# --- real processes ------------------------------------------------------------------------------------------------
@pytest.fixture
def due_at_once(store_url: str) -> Iterator[Database]:
    """Some hundreds of recommendations whose days of decision are over."""
    with open_rapport(Settings(store=store_url, synchronous="off", clock=day(2))) as rapport:
        harness = WorkerHarness(rapport)
        for number in range(RECOMMENDATIONS):
            harness.send(PROPOSE, "coordinator", 0, subject(number))
            harness.send(BREAKDOWN, "mentee", 1, subject(number))
        harness.now(2).work()
    with open_database(store_url) as database:
        yield database


def start(store_url: str, *options: str) -> command.Fork:
    environment = os.environ | {"RAPPORT_STORE": store_url, "RAPPORT_CLOCK": day(9).isoformat()}
    with Path(os.devnull).open("r+b") as nothing:
        return command.start("work", "--batch", "5", *options, env=environment, files=[nothing.fileno()] * 3)


def owners(database: Database) -> Counter[str]:
    return Counter({str(owner): int(count) for owner, count in database.query("SELECT owner, COUNT(*) FROM worker_partitions WHERE owner <> '' GROUP BY owner")})  # fmt: skip


def until(what: object, seconds: float = 60.0) -> float:
    """Wait for it; how long that took."""
    assert callable(what)
    began = time.monotonic()
    while not what():
        assert time.monotonic() < began + seconds, "it never happened"
        time.sleep(0.02)
    return time.monotonic() - began


def test_when_one_of_two_processes_is_killed_the_other_does_all_exactly_once(store_url: str, due_at_once: Database) -> None:  # fmt: skip
    database, lease = due_at_once, 4.0
    processes = [start(store_url, "--lease", str(lease)) for _ in range(2)]
    try:
        until(lambda: sorted(owners(database).values()) == [32, 32])
        until(lambda: database.query("SELECT 1 FROM deadline_history WHERE change = 'fired' LIMIT 1"))
        processes[0].send_signal(signal.SIGKILL)
        processes[0].wait(30)
        assert until(lambda: list(owners(database).values()) == [64]) < lease + 3
        left = (
            "SELECT 1 FROM deadlines WHERE due_at <= ? UNION ALL SELECT 1 FROM outbox WHERE status = 'waiting' LIMIT 1"
        )
        until(lambda: not database.query(left, (day(9),)), 120)
        processes[1].send_signal(signal.SIGTERM)
        assert processes[1].wait(30) == 0
    finally:
        for process in processes:
            process.kill()
            process.wait()
    with open_rapport(Settings(store=store_url, synchronous="off", clock=day(9))) as rapport:
        harness = WorkerHarness(rapport)
        assert not harness.work().tally.commands
        kinds = Counter(topic for (topic,) in harness.query("SELECT topic FROM stored_events"))
        assert (kinds["ShutdownRecommended"], kinds["RecommendationEscalated"]) == (RECOMMENDATIONS, RECOMMENDATIONS)
        once = "SELECT COUNT(*), COUNT(DISTINCT id) FROM decisions"
        assert harness.query(once) == [(3 * RECOMMENDATIONS, 3 * RECOMMENDATIONS)]
        for number in range(RECOMMENDATIONS):
            rows = harness.query("SELECT command FROM outbox WHERE key = ? ORDER BY seq", subject(number))
            assert [command for (command,) in rows] == ["RecommendShutdown", "EscalateRecommendation"]
            assert [change for (change,) in harness.query("SELECT change FROM deadline_history WHERE key = ? AND name = 'escalate:trust' ORDER BY seq", subject(number))] == ["armed", "fired"]  # fmt: skip
        assert verify(rapport.store) == []
