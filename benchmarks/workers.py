"""Workers: time from an accepted command to the worker's event, a year of events. Deadlines: `benchmarks.deadlines`."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from uuid import UUID, uuid5

from domain.model import Actor, Command
from domain.relationship import commands as c
from domain.relationship import events as e
from infra.bootstrap import Rapport, open_rapport
from infra.intake.message import Message, compose
from infra.settings import Settings
from infra.simulate import messages
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.runner import Runner

NAMES = UUID("6b1f3c0c-53c7-5d1e-9a5b-2f5f0e7c9a99")
BATCH = 500
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def run(*, full: bool) -> None:
    with TemporaryDirectory(prefix="rapport-bench-") as folder:
        reaction(Path(folder), 500 if full else 100)
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
