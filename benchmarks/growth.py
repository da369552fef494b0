"""Ten times as many messages: the time of each and the memory for all, `rapport submit` in a process of its own.

Two ways to grow: ten times as long, with as many relationships alive at a time; and in the same year, with ten times as many.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from infra.simulate import Simulation

RAPPORT = Path(sys.executable).with_name("rapport")
MESSAGES_EACH = 64


class Measured(NamedTuple):
    """One run."""

    messages: int
    microseconds: float
    cpu_microseconds: float
    megabytes: float


def run(*, full: bool) -> None:
    size = 100_000 if full else 10_000
    relationships = size // MESSAGES_EACH
    base = _measured(Simulation(relationships, 3))
    longer = _measured(Simulation(10 * relationships, 3, spread_days=3650))
    print(f"  {'':34} {'messages':>10} {'µs each':>8} {'µs of CPU':>10} {'peak MiB':>9}")
    _print("some relationships", base)
    _print("ten times as long", longer)
    if full:
        _print("ten times as many at a time", _measured(Simulation(10 * relationships, 3)))
    print(
        f"  ten times as long, against the first: time {longer.microseconds / base.microseconds:.2f} (wanted: 0.8 to 1.2), "
        f"memory {longer.megabytes / base.megabytes:.2f} (wanted at full size: 1.3)"
    )


def _measured(simulation: Simulation) -> Measured:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "messages.jsonl"
        count = 0
        with file.open("wb") as out:
            for message in simulation.messages():
                out.write(message + b"\n")
                count += 1
        environment = os.environ | {"RAPPORT_STORE": f"sqlite:///{Path(folder) / 'store.sqlite'}"}
        environment["RAPPORT_CLOCK"] = simulation.ends_before.isoformat()
        start = time.perf_counter()
        with Path("/dev/null").open("wb") as nowhere:
            process = subprocess.Popen([RAPPORT, "submit", "--no-datasets", file], stdout=nowhere, env=environment)
            _, status, used = os.wait4(process.pid, 0)
        took = time.perf_counter() - start
        assert status == 0, status
        return Measured(count, took / count * 1e6, (used.ru_utime + used.ru_stime) / count * 1e6, used.ru_maxrss / 1024)


def _print(what: str, measured: Measured) -> None:
    print(
        f"  {what:34} {measured.messages:10,} {measured.microseconds:8.1f} {measured.cpu_microseconds:10.1f} "
        f"{measured.megabytes:9.0f}"
    )
