"""Processes with nothing to do cost next to nothing: on a machine that does nothing else under one percent of a core each.

Other work on the machine makes the same work dearer, so a test can't hold the share. It counts how often a process wakes, which
no other work changes, and prints the share beside it. On a quiet machine a process that wakes so seldom is under one percent.
"""

import os
import time
from pathlib import Path

from tests.infra.kafka.running import Running
from tests.infra.kafka.stage import Stage
from tests.infra.kafka.test_consume import programme, raw

SECONDS = 10.0
# Wakings of a process in a second, over all of its threads.
MOST_WAKINGS = 60.0


def cpu_seconds(running: Running) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{running.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wakings(running: Running) -> int:
    """How often the threads of a process have slept and gone on so far."""
    found = 0
    for thread in Path(f"/proc/{running.process.pid}/task").iterdir():
        (line,) = (line for line in (thread / "status").read_text().splitlines() if line.startswith("voluntary_ctxt"))
        found += int(line.split()[1])
    return found


def test_they_rest(stage: Stage) -> None:
    commands = (("consume",), ("publish",), ("work",), ("projections", "follow"))
    running = [stage.start(*command) for command in commands]
    for each in running:
        each.wait_ready()
    stage.send([raw(programme())])
    stage.read(stage.topics.events, 1)
    time.sleep(3)
    before = [(wakings(each), cpu_seconds(each)) for each in running]
    time.sleep(SECONDS)
    rates = {}
    for each, (woken, spent) in zip(running, before, strict=True):
        rates[each.name] = (wakings(each) - woken) / SECONDS
        share = (cpu_seconds(each) - spent) / SECONDS
        print(f"{each.name} {rates[each.name]:.1f} wakings/s, {share:.2%} of a core")  # noqa: T201 - the measurement itself
    assert all(rate < MOST_WAKINGS for rate in rates.values()), rates
