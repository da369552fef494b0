"""`rapport audit verify`: events a second over all processes, its memory at two sizes, and what tree and checkpoints cost on intake.

Beside it the floor: reading every event once and hashing its bytes, which nobody who verifies a chain can do without. Processor time is told
too, since other work on the machine makes all of it slower.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from eventsourcing.sqlite import SQLiteCursor

from infra.bootstrap import open_rapport
from infra.clock import Clock
from infra.evidence.checkpoints import Checkpoints
from infra.operations.helper_process import processes_at_hand
from infra.settings import Settings
from infra.simulate import Simulation
from infra.store.hash_chain import ChainedEvent, ReceiptRow
from infra.store.merkle import places
from infra.store.sqlite import append
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.runner import Runner

RAPPORT = Path(sys.executable).with_name("rapport")
EVENTS_EACH = 66
# Relationships that are simulated together.
AT_A_TIME = 500
BATCH = 1_000
# How many are done between two lines about it.
STEP = 50_000
LONG_AGO = datetime.min.replace(tzinfo=UTC)
# A checkpoint is kept every minute; at full speed so many messages come meanwhile.
A_CHECKPOINT = 200_000
# The function that is replaced to do without a tree.
STORED = "_stored"


def run(*, full: bool) -> None:
    events = 1_000_000 if full else 60_000
    with TemporaryDirectory() as folder:
        _apart(_intake_cost, Path(folder), 9 if full else 5)
        # A record of a third of the size: memory that is flat is about the same.
        small, store = (Path(folder) / f"{name}.sqlite" for name in ("small", "store"))
        _apart(_taken_in, small, events // EVENTS_EACH // 3)
        _apart(_worked, small)
        third = _verified(small, folder)
        _apart(_taken_in, store, events // EVENTS_EACH)
        alone = _verified(store, folder)
        _apart(_worked, store)
        whole = _verified(store, folder)
        print(f"  {'':36} {'events':>9} {'a second':>9} {'µs of CPU':>10} {'peak MiB':>9}")
        _print("messages and datasets", alone, 12_000)
        _print("and what the workers decided", whole, 12_000)
        _print("the same of a third", third, 12_000)
        print(
            f"  peak memory at {third[0]:,} events {third[3]:.0f} MiB, at {whole[0]:,} {whole[3]:.0f} MiB (the largest process)"
        )
        _floor(store)


def _apart(step: Callable[..., None], *args: Any) -> None:
    """Do a step in a process of its own: what a process has had in memory counts for those that it starts, too."""
    process = get_context("spawn").Process(target=step, args=args)
    process.start()
    process.join()
    assert process.exitcode == 0, step.__name__


# --- verification ------------------------------------------------------------------------------------------------------
def _taken_in(store: Path, relationships: int) -> None:
    """A record of simulated messages, with its datasets."""
    with open_rapport(Settings(store=f"sqlite:///{store}", synchronous="off")) as rapport:
        sizes = [AT_A_TIME] * (relationships // AT_A_TIME) + [relationships % AT_A_TIME]
        programmes = (Simulation(size, seed).messages() for seed, size in enumerate(sizes, 1) if size)
        messages, count, told = chain.from_iterable(programmes), 0, Told("messages taken in")
        while some := list(islice(messages, BATCH)):
            rapport.handler.handle(some)
            count += len(some)
            told.now(count)
        rapport.engine().catch_up()


def _worked(store: Path) -> None:
    """The workers go through it all, as they would have with the time, and send their commands."""
    with open_rapport(Settings(store=f"sqlite:///{store}", synchronous="off")) as rapport:
        horizon = Horizon(Clock(LONG_AGO), rapport.clock.now(), began=rapport.clock.now())
        runner = Runner(rapport.store, rapport.handler, horizon, mute=True)
        assert runner.take_lease(), "nobody else works"
        told = Told("events seen by the workers")
        while runner.turn():
            told.now(runner.tally.events)
        runner.release()
        rapport.engine().catch_up()


class Told:
    """Says how far a long piece of work is."""

    def __init__(self, what: str) -> None:
        self._what, self._next, self._began = what, STEP, time.perf_counter()

    def now(self, count: int) -> None:
        """So many are done."""
        if count >= self._next:
            print(f"  {count:9,} {self._what} after {time.perf_counter() - self._began:.0f} s", flush=True)
            self._next = count - count % STEP + STEP


def _environment(store: Path) -> dict[str, str]:
    return os.environ | {"RAPPORT_STORE": f"sqlite:///{store}", "RAPPORT_SYNCHRONOUS": "off"}


def _verified(store: Path, folder: str) -> tuple[int, float, float, float]:
    """Events, seconds, seconds of processor time and the memory of the largest process."""
    answer = Path(folder) / "verdict.json"
    with answer.open("wb") as out:
        start = time.perf_counter()
        process = subprocess.Popen([RAPPORT, "audit", "verify", "--json"], env=_environment(store), stdout=out)
        _, status, used = os.wait4(process.pid, 0)
        took = time.perf_counter() - start
    found: dict[str, Any] = json.loads(answer.read_bytes())
    assert status == 0, found
    assert found["ok"], found
    return found["events"], took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def _print(what: str, measured: tuple[int, float, float, float], wanted: int) -> None:
    events, took, cpu, megabytes = measured
    promise = f"  (wanted: {wanted:,} on 2 cores)"
    print(f"  {what:36} {events:9,} {events / took:9,.0f} {cpu / events * 1e6:10.1f} {megabytes:9.0f}{promise}")
    possible = processes_at_hand() * events / cpu
    print(f"  {'':36} {'':9} {possible:9,.0f} if {processes_at_hand()} cores were all its own")


def _floor(store: Path) -> None:
    """Every event read in the order of the streams and hashed, in one process."""
    with open_rapport(Settings(store=f"sqlite:///{store}")) as rapport, rapport.database.reading() as session:
        start, count = time.process_time(), 0
        sql = "SELECT originator_id, originator_version, topic, state, hash FROM stored_events ORDER BY 1, 2"
        for *_, topic, state, hash_ in session.stream(sql):
            sha256(b"%b%b\n%b" % (hash_, topic.encode(), state)).digest()
            count += 1
        cpu = time.process_time() - start
    print(f"  {'the floor: read and hash, one process':36} {count:9,} {count / cpu:9,.0f} {cpu / count * 1e6:10.1f}")


# --- intake ------------------------------------------------------------------------------------------------------------
Stored = Callable[[SQLiteCursor, Sequence[ChainedEvent], Sequence[ReceiptRow]], list[int]]


def _intake_cost(folder: Path, rounds: int) -> None:
    """The processor time of intake with tree and checkpoints, and without, in turn."""
    raws = list(Simulation(150, 1).messages())
    whole: Stored = append._stored  # noqa: SLF001 - what is measured
    with_, without = [], []
    for number in range(rounds):
        without.append(_intake(folder / f"without-{number}.sqlite", raws, _without_tree))
        with_.append(_intake(folder / f"with-{number}.sqlite", raws, whole))
    setattr(append, STORED, whole)
    checkpoint = _checkpoint(folder / "with-0.sqlite") / A_CHECKPOINT
    more = min(with_) / min(without) - 1
    print(f"intake of {len(raws)} messages, {rounds} rounds in turn, the best of each, µs of CPU a message")
    print(
        f"  with the tree {min(with_) / len(raws) * 1e6:6.1f}   without {min(without) / len(raws) * 1e6:6.1f}   "
        f"checkpoints {checkpoint * 1e6:.4f}   the tree costs {more:.1%} (wanted: at most 5 %)"
    )


def _intake(store: Path, raws: list[bytes], stored: Stored) -> float:
    setattr(append, STORED, stored)
    with open_rapport(Settings(store=f"sqlite:///{store}", synchronous="off")) as rapport:
        start = time.process_time()
        for place in range(0, len(raws), BATCH):
            for receipt in rapport.handler.handle(raws[place : place + BATCH]):
                receipt.to_json()
        return time.process_time() - start


def _without_tree(c: SQLiteCursor, events: Sequence[ChainedEvent], receipts: Sequence[ReceiptRow]) -> list[int]:
    """Store events and receipts alone; the numbers of the leaves are all that is kept of a tree."""
    if not events and not receipts:
        return []
    c.execute(append.FRONTIER)
    size, _ = c.fetchone()
    before_events, before_receipts, after = places(len(events), receipts)
    rows = [(*event, size + leaf) for event, leaf in zip(events, before_events, strict=True)]
    c.executemany(append.INSERT_EVENT, rows)
    first = append._last_position(c, has_inserted=bool(events)) - len(events) + 1  # noqa: SLF001
    receipt_rows = zip(receipts, before_receipts, after, strict=True)
    c.executemany(
        append.INSERT_RECEIPT, [(size + leaf, first - 1 + upto, *receipt[:4]) for receipt, leaf, upto in receipt_rows]
    )
    c.execute(append.MOVE_FRONTIER, (size + len(events) + len(receipts), b""))
    return list(range(first, first + len(events)))


def _checkpoint(store: Path) -> float:
    """Seconds of processor time of one checkpoint."""
    settings = Settings(store=f"sqlite:///{store}")
    with open_rapport(settings) as rapport:
        checkpoints = Checkpoints(rapport.store, settings)
        checkpoints.signed()
        start = time.process_time()
        for _ in range(20):
            checkpoints.signed()
        return (time.process_time() - start) / 20
