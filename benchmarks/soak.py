"""`make soak`: an hour of mixed load on one store; do memory, file handles, lag and disk stay flat?

A server with its workers and datasets takes a simulated programme over HTTP at a steady rate, while somebody reads lists, relationships,
health and tasks. Each minute a line says what it holds. What is filled in the first third (caches, connections) is no
leak, so the last third is held against the middle one.

python -m benchmarks.soak [--minutes 60] [--rate 50] [--store postgresql://…]
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple
from urllib.parse import quote

import httpx
import psutil

from benchmarks.http import served
from infra.simulate import Simulation
from infra.store.opening import open_database

ROLES: Final = ("mentee", "mentor", "customer", "line_manager", "supplier", "coordinator", "hr", "service")
MESSAGES_EACH: Final = 60
READS_A_SECOND: Final = 4
MIB: Final = 1024 * 1024
# At most so much more in the last third than in the middle one, as a share or, of what is small anyway, as such.
GROWTH: Final = 0.05
SMALL: Final = {"memory": 8.0, "file handles": 4.0, "lag": 500.0, "disk a message": 64.0}


class Sample(NamedTuple):
    """What a server holds after so many messages: MiB of memory, file handles, events that its followers lag behind, MiB of disk."""

    messages: int
    memory: float
    handles: int
    lag: float
    disk: float


class Verdict(NamedTuple):
    """A quantity in the middle third of a run and in the last one."""

    what: str
    middle: float
    last: float

    @property
    def is_flat(self) -> bool:
        """Whether it did not grow by more than a share, or by more than little."""
        return self.last - self.middle <= max(self.middle * GROWTH, SMALL[self.what])


def verdicts(samples: Sequence[Sample]) -> list[Verdict]:
    """Memory, handles and lag by their medians; of the disk what one message takes, since a record only grows."""
    third = len(samples) // 3
    middle, last = samples[third : 2 * third], samples[-third:]
    medians = {
        "memory": [median(each.memory for each in part) for part in (middle, last)],
        "file handles": [median(each.handles for each in part) for part in (middle, last)],
        "lag": [median(each.lag for each in part) for part in (middle, last)],
    }
    # The middle third begins where the first ended.
    ends = [samples[third - 1], samples[2 * third - 1], samples[-1]]
    medians["disk a message"] = [
        (after.disk - before.disk) * MIB / max(1, after.messages - before.messages) for before, after in pairwise(ends)
    ]
    return [Verdict(what, *values) for what, values in medians.items()]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=int, default=60, help="how long, at least 6 (default: 60)")
    parser.add_argument("--rate", type=int, default=50, help="messages a second (default: 50)")
    parser.add_argument("--store", help="a new PostgreSQL database; without it a file of SQLite")
    options = parser.parse_args(arguments)
    if options.minutes < 6:
        parser.error("--minutes: expected 6 at least, for two samples in each third")
    with TemporaryDirectory(prefix="rapport-soak-") as name:
        store = options.store or f"sqlite:///{Path(name) / 'soak.sqlite'}"
        with served(store, Path(name), role="service", acts_for=ROLES) as server:
            samples, answers = soak(server.port, server.token, server.pid, store, options.minutes, options.rate)
    print(f"answers: {', '.join(f'{count:,} {answer}' for answer, count in sorted(answers.items()))}")
    found = verdicts(samples)
    for each in found:
        print(f"{each.what:16}{each.middle:10,.1f} in the middle third{each.last:10,.1f} in the last  {_word(each)}")
    wrong = {answer for answer in answers if answer not in {"accepted", "refused", "read"}}
    return int(bool(wrong) or not all(each.is_flat for each in found))


def _word(verdict: Verdict) -> str:
    return "flat" if verdict.is_flat else "NOT FLAT"


def soak(port: int, token: str, pid: int, store: str, minutes: int, rate: int) -> tuple[list[Sample], Counter[str]]:
    """The sample of each minute, and how often which answer came; a request that failed is an answer too."""
    total = minutes * 60 * rate
    messages = Simulation(-(-total // MESSAGES_EACH) + 20, 11).messages()
    answers: Counter[str] = Counter()
    samples: list[Sample] = []
    subjects: list[str] = []
    began = time.monotonic()
    print(f"{'minute':>6} {'messages':>9} {'MiB':>7} {'handles':>8} {'lag':>7} {'disk MiB':>9}", flush=True)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        for second in range(minutes * 60):
            time.sleep(max(0.0, began + second - time.monotonic()))
            subjects = _post(client, list(islice(messages, rate)), answers) or subjects
            for path in islice(_paths(subjects), READS_A_SECOND):
                answer = client.get(path)
                answers["read" if answer.status_code == httpx.codes.OK else f"{answer.status_code} of {path}"] += 1
            if second % 60 == 59:
                samples.append(_sample(client, pid, store, (second + 1) * rate))
                print("{:6} {:9,} {:7,.0f} {:8} {:7,.0f} {:9,.1f}".format(second // 60 + 1, *samples[-1]), flush=True)
    late = time.monotonic() - began - minutes * 60
    if late > 1:
        print(f"the server was slower than {rate} messages a second: it took {late:.0f} s longer")
    return samples, answers


def _post(client: httpx.Client, batch: Sequence[bytes], answers: Counter[str]) -> list[str]:
    """Post a batch; returns the relationships that it is about and that are on record."""
    answer = client.post("/v1/messages", content=b"\n".join(batch), headers={"Content-Type": "application/x-ndjson"})
    if answer.status_code != httpx.codes.OK:
        answers[f"{answer.status_code} of a batch"] += 1
        return []
    receipts = answer.json() if answer.text.startswith("[") else [json.loads(line) for line in answer.text.splitlines()]
    answers.update(receipt["status"] for receipt in receipts)
    return [each["subject"] for each in receipts if each["status"] == "accepted" and ":" not in each["subject"]]


def _paths(subjects: Sequence[str]) -> Iterator[str]:
    for subject in subjects[:1]:
        yield f"/v1/relationships/{quote(subject)}"
        yield f"/v1/relationships/{quote(subject)}/history"
    yield "/v1/relationships?limit=20"
    yield "/v1/tasks?limit=20"


def _sample(client: httpx.Client, pid: int, store: str, messages: int) -> Sample:
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    memory = sum(each.memory_info().rss for each in family) / MIB
    lags = [
        float(line.rpartition(" ")[2])
        for line in client.get("/metrics").text.splitlines()
        if line.startswith("rapport_lag_events{")
    ]
    assert lags, "the server shows how far its followers are"
    return Sample(messages, memory, sum(each.num_fds() for each in family), max(lags), _disk(store) / MIB)


def _disk(store: str) -> int:
    """Bytes of the database, what was not yet taken over into its file included."""
    if store.startswith("sqlite:///"):
        file = Path(store.removeprefix("sqlite:///"))
        return sum(each.stat().st_size for each in file.parent.glob(f"{file.name}*"))
    with open_database(store) as database:
        return int(database.query("SELECT pg_database_size(current_database())")[0][0])


if __name__ == "__main__":
    sys.exit(main())
