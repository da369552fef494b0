"""Kafka in, PostgreSQL, projections, Kafka out: messages a second end to end, latency at a third of that rate, more consumers.

Everything runs on this machine: the broker, the database, the consumers, one projection follower, one publisher, and the
foreign client (librdkafka) that sends and reads. With two cores they compete, so more consumers show what sharing costs
here rather than what they bring on machines of their own. So they are also measured with half of the cores to themselves, and
everything else on the other half.

What more consumers bring is told as Gunther's universal scalability law, C(n) = n / (1 + a (n - 1) + b n (n - 1)): `a` is the share of
the work for which they take turns (and wait for a core), `b` what each costs every other.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from scipy.optimize import curve_fit

from infra.kafka.topics import Topics
from infra.local.kafka import Kafka
from infra.local.postgres import Postgres
from infra.simulate.stream import Simulation
from infra.store.opening import open_database

RAPPORT = Path(sys.executable).with_name("rapport")
PARTITIONS = 8
FIRST = 6_000
COUNTS = (1, 2, 3, 4)
PATIENCE_SECONDS = 300


def run(*, full: bool) -> None:
    size = 40_000 if full else 12_000
    messages = list(Simulation(size // 60, 7).messages())[:size]
    # Each process makes what it needs of the kinds of messages when it sees the first of each.
    first = list(Simulation(FIRST // 60, 8).messages())[:FIRST]
    cores = sorted(os.sched_getaffinity(0))
    print(f"  all on the same {len(cores)} cores")
    with servers() as (postgres, kafka):
        rate = rates(postgres, kafka, first, messages)
        with lane(postgres, kafka, "latency", 1) as one:
            latency(one, messages, rate / 3)
    if len(cores) < 2:
        return
    half = len(cores) // 2
    print(f"  the consumers on {len(cores) - half} of the cores, everything else on {half}")
    os.sched_setaffinity(0, cores[:half])
    try:
        with servers() as (postgres, kafka):
            rates(postgres, kafka, first, messages, cores[half:])
    finally:
        os.sched_setaffinity(0, cores)


@contextmanager
def servers() -> Iterator[tuple[Postgres, Kafka]]:
    """A database and a broker of one measurement, on the cores of this process."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        with Postgres(folder / "postgres") as postgres, Kafka(folder / "kafka") as kafka:
            yield postgres, kafka


def rates(
    postgres: Postgres, kafka: Kafka, first: Sequence[bytes], messages: Sequence[bytes], cores: Sequence[int] = ()
) -> float:
    """Print how much each number of consumers does, on these cores if any are named; the messages a second that one publishes."""
    print(f"  {'':12} {'recorded/s':>11} {'published/s':>12} {'in datasets/s':>14}")
    found = []
    for count in COUNTS:
        with lane(postgres, kafka, f"n{count}", count, cores) as one:
            timed(one, first)
            recorded, published, folded = (len(messages) / took for took in timed(one, messages))
        label = f"{count} consumer{'s' if count > 1 else ' '}"
        print(f"  {label}  {recorded:11,.0f} {published:12,.0f} {folded:14,.0f}", flush=True)
        found.append((recorded, published))
    print(f"  recorded by {COUNTS[-1]} against 1: {found[-1][0] / found[0][0]:.2f} (wanted: 1)")
    (_, turns, others), _ = curve_fit(
        scaled, COUNTS, [recorded for recorded, _ in found], (found[0][0], 0.1, 0.01), bounds=(0, inf)
    )
    print(f"  as the universal scalability law: a = {turns:.3f}, b = {others:.4f}")
    return found[0][1]


def scaled(count: Any, one: float, turns: float, others: float) -> Any:
    """What so many do, if one does `one`."""
    return one * count / (1 + turns * (count - 1) + others * count * (count - 1))


@dataclass
class Lane:
    """A database, four topics, and the processes on them."""

    bootstrap: str
    topics: Topics
    url: str
    consumers: int
    ports: list[int]

    def ends(self, topic: str) -> int:
        """How many records a topic holds."""
        total = 0
        for partition in range(PARTITIONS):
            place = TopicPartition(topic, partition)
            with suppress(KafkaException):
                total += self._asking.get_watermark_offsets(place, timeout=10)[1]
        return total

    def __post_init__(self) -> None:
        self._asking = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "asking", "log_level": 2})


@contextmanager
def lane(postgres: Postgres, kafka: Kafka, name: str, consumers: int, cores: Sequence[int] = ()) -> Iterator[Lane]:
    """So many consumers, on these cores if any are named, a follower and a publisher, ready."""
    topics = Topics.named(f"{name}.")
    kafka.create_topics(PARTITIONS, topics)
    url = postgres.create_database(name)
    with open_database(url):
        pass
    environment = {
        **os.environ,
        "RAPPORT_STORE": url,
        "RAPPORT_KAFKA": kafka.bootstrap,
        "RAPPORT_KAFKA_PREFIX": f"{name}.",
        "RAPPORT_LOG_FORMAT": "json",
    }
    commands = [("consume",)] * consumers + [("publish",), ("projections", "follow")]
    running = [
        subprocess.Popen([RAPPORT, *command, "--metrics-port", "0"], env=environment, stderr=subprocess.PIPE, text=True)
        for command in commands
    ]
    for process in running[:consumers] if cores else ():
        # Before it has a thread, all of which are where the first is.
        os.sched_setaffinity(process.pid, cores)
    try:
        ports = [_port(process) for process in running]
        _until(lambda: all(_ready(port) for port in ports))
        # All members are in the group by then, and every partition has its owner.
        time.sleep(3)
        yield Lane(kafka.bootstrap, topics, url, consumers, ports)
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)
            assert process.stderr is not None
            process.stderr.close()


def timed(one: Lane, messages: Sequence[bytes]) -> tuple[float, float, float]:
    """Send as fast as it goes; seconds from the first message sent to the last one recorded, published and in the datasets."""
    before, start = one.ends(one.topics.receipts), time.perf_counter()
    send(one, messages)
    _until(lambda: one.ends(one.topics.receipts) >= before + len(messages))
    recorded = time.perf_counter() - start
    _until(lambda: _lag(one.ports[-2], "publish") == 0)
    published = time.perf_counter() - start
    _until(lambda: _lag(one.ports[-1], "projection") == 0)
    return recorded, published, time.perf_counter() - start


def latency(one: Lane, messages: Sequence[bytes], rate: float) -> None:
    """From a message's sending to the moment at which a foreign reader has the first fact that it caused."""
    reader = Consumer(
        {"bootstrap.servers": one.bootstrap, "group.id": "reader", "fetch.wait.max.ms": 5, "log_level": 2}
    )
    reader.assign([TopicPartition(one.topics.events, partition, 0) for partition in range(PARTITIONS)])
    sent: dict[str, float] = {}
    seen: dict[str, float] = {}

    def read(seconds: float) -> None:
        for message in reader.consume(500, timeout=seconds):
            value: Any = message.value()
            if message.error() is None and value:
                seen.setdefault(json.loads(value)["causationid"], time.perf_counter())

    producer = Producer({"bootstrap.servers": one.bootstrap, "linger.ms": 0, "log_level": 2})
    start = time.perf_counter()
    for index, message in enumerate(messages):
        body = json.loads(message)
        while (wait := start + index / rate - time.perf_counter()) > 0:
            read(min(wait, 0.005))
        sent[body["id"]] = time.perf_counter()
        producer.produce(one.topics.commands, message, key=body["subject"])
        producer.poll(0)
    producer.flush(30)
    end = time.monotonic() + 10
    while time.monotonic() < end and len(seen) < len(sent) * 0.95:
        read(0.1)
    reader.close()
    # The first seconds warm caches up on both sides.
    waits = sorted(seen[each] - sent[each] for each in list(sent)[len(sent) // 5 :] if each in seen)
    cuts = quantiles(waits, n=100)
    print(
        f"  at {rate:,.0f} messages/s, one consumer: p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms "
        f"from sending to the reader of facts ({len(waits):,} messages)"
    )


def send(one: Lane, messages: Sequence[bytes]) -> None:
    """All messages, keyed by subject."""
    producer = Producer({"bootstrap.servers": one.bootstrap, "linger.ms": 2, "log_level": 2})
    for message in messages:
        producer.produce(one.topics.commands, message, key=json.loads(message)["subject"])
        producer.poll(0)
    assert producer.flush(60) == 0


def _port(process: subprocess.Popen[str]) -> int:
    """The port that a process says in its first line."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("{") and (found := json.loads(line)).get("event") == "started":
            return int(found["metrics_port"])
    raise RuntimeError(f"{process.args!r} did not start")


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _lag(port: int, followers: str) -> float:
    """How far those of these followers that are furthest behind are behind the log's head."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    found = [
        float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith(f'rapport_lag_events{{follower="{followers}')
    ]
    return max(found, default=1.0)


def _until(done: Any) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not done():
        if time.monotonic() > until:
            raise RuntimeError("it took too long")
        time.sleep(0.02)
