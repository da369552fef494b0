"""Workers: time from an accepted command to the worker's event, ten thousand deadlines at once, a year of events.

Rates stand beside the store's own: the same number of events appended in batches as large, with no rules and no workers.
"""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from threading import Barrier
from uuid import UUID, uuid5

from domain.model import Actor, Command, Recorded
from domain.relationship import commands as c
from domain.relationship import events as e
from infra.bootstrap import Rapport, open_rapport
from infra.intake.message import Message, compose
from infra.settings import Settings
from infra.simulate import messages
from infra.store.partitions import COUNT
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.loop import nothing_due
from infra.worker_runtime.runner import Runner

NAMES = UUID("6b1f3c0c-53c7-5d1e-9a5b-2f5f0e7c9a99")
BATCH = 500
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def run(*, full: bool) -> None:
    with TemporaryDirectory(prefix="rapport-bench-") as folder:
        reaction(Path(folder), 500 if full else 100)
        at_once(Path(folder), 10_000)
        at_once_shared(f"sqlite:///{Path(folder) / 'shared.sqlite'}", 10_000)
        year(Path(folder), 2_000 if full else 200)


def reaction(folder: Path, count: int) -> None:
    """From an accepted report to the recommendation on record, made by another process that follows the log."""
    store = f"sqlite:///{folder / 'reaction.sqlite'}"
    with open_rapport(Settings(store=store)) as rapport:
        now = rapport.clock.now()
        proposed(rapport, count, now)
        environment = os.environ | {"RAPPORT_STORE": store, "RAPPORT_LOG_LEVEL": "error"}
        worker = subprocess.Popen(
            [sys.executable, "-c", "from infra.cli.app import main; main()", "work"], env=environment
        )
        try:
            taken = [reacted(rapport, number) for number in range(count)][count // 10 :]
        finally:
            worker.terminate()
            worker.wait()
    cuts = quantiles(taken, n=100)
    print(f"   accepted command to worker's event, {len(taken)} times: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms")


def reacted(rapport: Rapport, number: int) -> float:
    """Milliseconds until the recommendation for one relationship is there."""
    subject = name(number)
    report = sent(c.ReportTrustBreakdown(description="x"), subject, rapport.clock.now(), "mentee:ana", "report")
    [receipt] = rapport.handler.handle_messages([report])
    accepted = time.perf_counter()
    assert receipt.status == "accepted", receipt
    while True:
        mark = rapport.database.mark()
        if any(isinstance(found.data, e.ShutdownRecommended) for found in rapport.store.read(subject, 2)):
            return (time.perf_counter() - accepted) * 1000
        rapport.database.wait_since(mark, 30)


def at_once(folder: Path, count: int) -> None:
    """So many recommendations whose days of decision end at one time, each with its command and its notifications."""
    with open_rapport(Settings(store=f"sqlite:///{folder / 'deadlines.sqlite'}", clock=START)) as rapport:
        escalating(rapport, count)
        rapport.clock.fixed = START + timedelta(days=8)
        begun = time.perf_counter()
        runner = work(rapport)
        taken = time.perf_counter() - begun
        assert (runner.tally.deadlines, runner.tally.commands) == (count, count)
    raw = appended(folder, count)
    print(
        f"   {count} deadlines due at once: {count / taken:,.0f}/s ({taken:.1f} s, one run, each sends a command); "
        f"raw appends: {count / raw:,.0f}/s, share {raw / taken:.2f}"
    )


def escalating(rapport: Rapport, count: int) -> None:
    """So many recommendations that nobody has decided about yet."""
    proposed(rapport, count, START)
    reports = (
        sent(c.ReportTrustBreakdown(description="x"), name(number), START, "mentee:ana", "report")
        for number in range(count)
    )
    hand_in(rapport, list(reports))
    work(rapport)


def at_once_shared(store: str, count: int, processes: int = 2) -> None:
    """The same, done by processes that hold their shares of the keys when the moment comes."""
    with open_rapport(Settings(store=store, clock=START)) as rapport:
        escalating(rapport, count)
    context = get_context("spawn")
    ready, done = context.Barrier(processes), context.SimpleQueue()
    started = [context.Process(target=share, args=(store, processes, ready, done)) for _ in range(processes)]
    for process in started:
        process.start()
    measured = [done.get() for _ in started]
    for process in started:
        process.join()
    assert sum(deadlines for deadlines, _, _ in measured) == count
    taken, used = max(taken for _, taken, _ in measured), sum(used for _, _, used in measured)
    print(
        f"   the same by {processes} processes: {count / taken:,.0f}/s ({taken:.1f} s), {used / count * 1e6:.0f} us of a processor each; "
        f"by process: {', '.join(str(deadlines) for deadlines, _, _ in measured)}"
    )


def share(store: str, processes: int, ready: Barrier, done: "SimpleQueue[tuple[int, float, float]]") -> None:
    """One of several processes: deadlines fired, seconds, and seconds of a processor."""
    with open_rapport(Settings(store=store, clock=START)) as rapport:
        runner = Runner(
            rapport.store, rapport.handler, Horizon(rapport.clock), batch=BATCH, lease_seconds=60, shares=True
        )
        while not runner.take_lease() or len(runner.lease.reached if runner.lease else ()) > -(-COUNT // processes):
            time.sleep(0.05)
        ready.wait()
        rapport.clock.fixed = START + timedelta(days=8)
        begun, used = time.perf_counter(), time.process_time()
        while runner.turn() or not nothing_due(rapport.store, runner.horizon):
            runner.take_lease()
        done.put((runner.tally.deadlines, time.perf_counter() - begun, time.process_time() - used))
        runner.release()


def year(folder: Path, relationships: int) -> None:
    """A simulated year that is on record already, seen by all workers."""
    end = datetime(2027, 6, 1, tzinfo=UTC)
    with open_rapport(Settings(store=f"sqlite:///{folder / 'year.sqlite'}", clock=end)) as rapport:
        lines = list(messages(relationships, 1, start=end - timedelta(days=365), until=end))
        for place in range(0, len(lines), BATCH):
            rapport.handler.handle(lines[place : place + BATCH])
        begun = time.perf_counter()
        runner = work(rapport)
        taken = time.perf_counter() - begun
    per_event = taken / runner.tally.events * 1e6
    print(
        f"   a year of {relationships} relationships: {runner.tally.events / taken:,.0f} events/s, {per_event:.0f} us each, "
        f"with {runner.tally.deadlines} deadlines and {runner.tally.commands} commands"
    )


def appended(folder: Path, count: int) -> float:
    """Seconds for so many plain appends in batches, synchronised alike."""
    with open_rapport(Settings(store=f"sqlite:///{folder / 'raw.sqlite'}", clock=START)) as rapport:
        events = [
            Recorded[e.RecommendationEscalated](
                subject=name(number), version=1, occurred_at=START, recorded_at=START, actor="worker:trust",
                source="/workers/trust", message_id=str(number), data=e.RecommendationEscalated(clause="pentalog.trust"),
            )
            for number in range(count)
        ]  # fmt: skip
        begun = time.perf_counter()
        for place in range(0, count, BATCH):
            rapport.store.append(events[place : place + BATCH])
        return time.perf_counter() - begun


def work(rapport: Rapport) -> Runner:
    runner = Runner(rapport.store, rapport.handler, Horizon(rapport.clock), batch=BATCH, lease_seconds=60)
    assert runner.take_lease()
    while runner.turn():
        pass
    runner.release()
    return runner


def proposed(rapport: Rapport, count: int, at: datetime) -> None:
    """Relationships, five to a mentor."""
    given = []
    for number in range(count):
        propose = c.ProposeRelationship(
            programme_id="p1", mentee_id="ana", mentor_id=f"ben-{number // 5}", codes=("pentalog",)
        )
        given.append(sent(propose, name(number), at, "coordinator:cora", "propose"))
    hand_in(rapport, given)


def hand_in(rapport: Rapport, given: list[Message]) -> None:
    for place in range(0, len(given), BATCH):
        receipts = rapport.handler.handle_messages(given[place : place + BATCH])
        assert all(receipt.status == "accepted" for receipt in receipts)


def sent(command: Command, subject: str, at: datetime, actor: str, purpose: str) -> Message:
    return compose(
        command, source="/bench", id=f"{purpose}-{subject}", subject=subject, time=at, actor=Actor.parse(actor)
    )


def name(number: int) -> str:
    return str(uuid5(NAMES, str(number)))
