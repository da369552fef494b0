"""Ten times as many events, and ten times as many relationships alive as memory holds: the cost of each, and memory.

Everything per event, so that what grows faster than the record is seen. Processor time is told, for other work on the machine makes all of it slower.
"""

import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from infra.bootstrap import Rapport, open_rapport
from infra.clock import Clock
from infra.intake.handler import Handler
from infra.intake.state_cache import bytes_of
from infra.queries.history import history
from infra.settings import Settings
from infra.simulate import Simulation

RAPPORT = Path(sys.executable).with_name("rapport")
EVENTS_EACH = 66
# Relationships that are simulated together, and messages submitted together.
AT_A_TIME = 500
BATCH = 1_000
# So many reads give a median.
READS = 200


class Used(NamedTuple):
    """What a process took: seconds of processor time, MiB at the most."""

    cpu: float
    megabytes: float


def run(*, full: bool) -> None:
    with TemporaryDirectory() as folder:
        _alive(Path(folder), 3_000 if full else 300)
        _grown(Path(folder), 1_000_000 if full else 20_000)


# --- relationships alive -------------------------------------------------------------------------------------------
def _alive(folder: Path, relationships: int) -> None:
    """Intake of relationships that are all alive at once, with memory for all of them and for a tenth."""
    simulation = Simulation(relationships, 5, spread_days=30)
    messages = list(simulation.messages())
    clock = simulation.ends_before
    with _opened(folder / "sizes.sqlite", clock) as rapport:
        handler = Handler(rapport.store, Clock(clock), 2**40)
        largest = 0
        for batch in _batches(messages):
            handler.handle(batch)
            subjects = {row[0] for row in rapport.database.query("SELECT DISTINCT originator_id FROM stored_events")}
            largest = max(largest, sum(bytes_of(each) for each in map(handler.cache.get, subjects) if each is not None))
    took: dict[str, float] = {}
    for name, memory in (("all", largest), ("a tenth", largest // 10)) * 2:
        path = folder / f"{name}-{len(took)}-{time.monotonic_ns()}.sqlite"
        with _opened(path, clock) as rapport:
            handler = Handler(rapport.store, Clock(clock), memory)
            start = time.process_time()
            for batch in _batches(messages):
                handler.handle(batch)
            cpu = time.process_time() - start
        took[name] = min(cpu, took.get(name, cpu))
    print(
        f"  {relationships:,} relationships alive at once, {len(messages):,} messages, states of {largest / 2**20:.0f} MiB"
    )
    for name, cpu in took.items():
        print(f"  memory for {name:10} {cpu / len(messages) * 1e6:8.1f} µs of CPU a message")
    print(f"  ratio {took['a tenth'] / took['all']:.2f} (wanted: at most 1.5)")


# --- events --------------------------------------------------------------------------------------------------------
def _grown(folder: Path, events: int) -> None:
    print("\n  µs of CPU an event, MiB at the most, and the median of one relationship's history")
    print(f"  {'events':>10} {'intake':>8} {'rebuild':>8} {'verify':>8}  {'MiB of each':17} {'history':>10}")
    small, large = (_measured(folder / f"{size}.sqlite", size) for size in (events, 10 * events))
    intake, rebuild, verify, read = (more / less for less, more in zip(small, large, strict=True))
    print(f"  {'ratio':>10} {intake:8.2f} {rebuild:8.2f} {verify:8.2f}  {'':17} {read:10.2f} (wanted: 0.8 to 1.2)")


def _measured(store: Path, events: int) -> tuple[float, float, float, float]:
    """Intake, rebuild and verification in µs of processor time an event, and the median of reading a history in ms."""
    relationships = events // EVENTS_EACH
    file = store.with_suffix(".jsonl")
    with file.open("wb") as out:
        sizes = [AT_A_TIME] * (relationships // AT_A_TIME) + [relationships % AT_A_TIME]
        for message in chain.from_iterable(
            Simulation(size, seed).messages() for seed, size in enumerate(sizes, 1) if size
        ):
            out.write(message + b"\n")
    steps = (("submit", "--no-datasets", str(file)), ("projections", "rebuild"), ("audit", "verify", "--json"))
    used = [_used(store, *step) for step in steps]
    with open_rapport(Settings(store=f"sqlite:///{store}")) as rapport:
        count = rapport.store.head()
        read = _median_read(rapport)
    intake, rebuild, verify = (each.cpu / count * 1e6 for each in used)
    memory = " ".join(f"{each.megabytes:5.0f}" for each in used)
    print(f"  {count:10,} {intake:8.1f} {rebuild:8.1f} {verify:8.1f}  {memory:17} {read * 1e3:7.2f} ms", flush=True)
    return intake, rebuild, verify, read


def _used(store: Path, *command: str) -> Used:
    environment = os.environ | {"RAPPORT_STORE": f"sqlite:///{store}", "RAPPORT_SYNCHRONOUS": "off"}
    with Path(os.devnull).open("wb") as nowhere:
        process = subprocess.Popen([RAPPORT, *command], env=environment, stdout=nowhere, stderr=nowhere)
        _, status, used = os.wait4(process.pid, 0)
    assert status == 0, command
    return Used(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _median_read(rapport: Rapport) -> float:
    rows = rapport.database.query("SELECT originator_id FROM stored_events WHERE topic = 'RelationshipProposed'")
    chosen = random.Random(1).choices(rows, k=READS)
    return statistics.median(_timed(partial(history, rapport.store, subject)) for (subject,) in chosen)


def _timed(step: Callable[[], object]) -> float:
    start = time.process_time()
    step()
    return time.process_time() - start


def _opened(path: Path, clock: datetime) -> AbstractContextManager[Rapport]:
    return open_rapport(Settings(store=f"sqlite:///{path}", clock=clock, synchronous="off"))


def _batches(messages: list[bytes]) -> Iterator[list[bytes]]:
    left = iter(messages)
    while batch := list(islice(left, BATCH)):
        yield batch
