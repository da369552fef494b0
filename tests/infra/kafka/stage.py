"""Everything around a test of Kafka: a foreign producer and reader (librdkafka), and Rapport's own commands as processes."""

import json
import os
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from infra.settings import Settings
from tests.command import rapport
from tests.infra.kafka.running import PATIENCE_SECONDS, Patience, Running, eventually, quiet
from tests.servers import Topics

# Longer than the client needs to find a broker again that is there to stay.
FLUSH_SECONDS = 120.0


@dataclass(frozen=True)
class Read:
    """A record as librdkafka has it."""

    topic: str
    partition: int
    offset: int
    key: str | None
    value: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.value)


@dataclass
class Stage:
    """A broker's topics, a store, and what runs on them."""

    bootstrap: str
    topics: Topics
    settings: Settings
    folder: Path
    running: list[Running] = field(default_factory=list)

    def environment(self, **more: str) -> dict[str, str]:
        ours = {
            f"RAPPORT_{name.upper()}": str(value)
            for name, value in self.settings.model_dump(exclude_unset=True).items()
            if value is not None
        }
        return {**os.environ, **ours, **more}

    def start(self, *arguments: str, **more: str) -> Running:
        found = Running(arguments, self.environment(**more), self.folder / f"{arguments[0]}-{len(self.running)}.log")
        self.running.append(found)
        return found

    def call(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end."""
        return rapport(*arguments, env=self.environment(), stdin=given)

    def close(self) -> None:
        for each in self.running:
            if each.process.poll() is None:
                each.kill()

    # --- the foreign client ------------------------------------------------------------------------------------------
    def send(
        self,
        values: Iterable[bytes],
        *,
        topic: str | None = None,
        partition: int | None = None,
        headers: dict[str, str | bytes | None] | None = None,
        key: str | None = None,
        rate: float | None = None,
        disturbed: Callable[[], bool] = quiet,
        **more: str | int,
    ) -> int:
        """Produce messages, keyed by their subjects; how many. Returns when the broker has them all.

        They may take as long as faults go on (`disturbed`), and FLUSH_SECONDS from then on. `more` are settings of librdkafka,
        with _ for the dots.
        """
        settings: dict[str, str | int | bool] = {
            "bootstrap.servers": self.bootstrap,
            "linger.ms": 2,
            "enable.idempotence": True,
            "message.timeout.ms": 0,  # never: how long they may take is said here
            "statistics.interval.ms": 5000,
            "log_level": 2,
        }
        settings |= {name.replace("_", "."): value for name, value in more.items()}
        condition: deque[str] = deque(maxlen=1)
        producer = Producer({**settings, "stats_cb": condition.append})
        failed: list[Any] = []
        count, began = 0, time.monotonic()
        for value in values:
            where: dict[str, Any] = {} if partition is None else {"partition": partition}
            producer.produce(
                topic or self.topics.commands,
                value,
                key=key or _subject(value),
                headers=headers,
                on_delivery=lambda error, _message: failed.append(error) if error else None,
                **where,
            )
            count += 1
            producer.poll(0)
            if rate is not None:
                time.sleep(max(0.0, began + count / rate - time.monotonic()))
        patience = Patience(FLUSH_SECONDS, disturbed)
        while left := producer.flush(1):
            assert not patience.is_over(), f"{left} of {count} messages did not reach the broker: {_told(condition)}"
        assert not failed
        return count

    def read(
        self,
        topic: str,
        at_least: int = 0,
        within: float = PATIENCE_SECONDS,
        disturbed: Callable[[], bool] = quiet,
    ) -> list[Read]:
        """Everything on a topic once it holds so many records, partition after partition."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "reader",
                "enable.auto.commit": False,
                "log_level": 2,
            }
        )
        try:
            patience = Patience(within, disturbed)
            while sum((ends := _ends(consumer, topic)).values()) < at_least:
                assert not patience.is_over(), f"{topic} holds {sum(ends.values())}, not {at_least}\n{self.logs()}"
                time.sleep(0.1)
            consumer.assign([TopicPartition(topic, p, 0) for p in ends])
            found: list[Read] = []
            left = {p for p, end in ends.items() if end}
            patience = Patience(within, disturbed)
            while left:
                assert not patience.is_over()
                for message in consumer.consume(1000, timeout=1):
                    assert message.error() is None, message.error()
                    found.append(_read(message))
                    if found[-1].offset + 1 >= ends[found[-1].partition]:
                        left.discard(found[-1].partition)
            return sorted(found, key=lambda read: (read.partition, read.offset))
        finally:
            consumer.close()

    def logs(self) -> str:
        """The end of what each process logged, and the numbers of those that still run."""
        return "\n".join(
            f"--- {each.log.name}\n{each.log.read_text()[-3000:]}\n{each.numbers()}" for each in self.running
        )


def _ends(consumer: Consumer, topic: str) -> dict[int, int]:
    """Where each partition ends; a topic that was just made may have no leaders yet."""

    def ask() -> dict[int, int] | None:
        try:
            partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            return {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1] for p in partitions}
        except KafkaException:
            return None

    ends: dict[int, int] = eventually(ask, 120, "the broker answers")
    return ends


def _told(condition: Iterable[str]) -> str:
    """What librdkafka says of its brokers, its partitions and its being idempotent."""
    return "\n".join(
        json.dumps({part: told.get(part) for part in ("brokers", "topics", "eos")})
        for told in map(json.loads, condition)
    )


def _subject(value: bytes) -> str | None:
    try:
        found = json.loads(value)
    except ValueError:
        return None
    return found.get("subject") if isinstance(found, dict) else None


def _read(message: Any) -> Read:
    key = message.key()
    return Read(
        message.topic(),
        message.partition(),
        message.offset(),
        None if key is None else key.decode(errors="replace"),
        message.value() or b"",
        {name: value.decode(errors="replace") for name, value in message.headers() or ()},
    )


def in_order(facts: Iterable[Read]) -> Iterator[tuple[str, list[int]]]:
    """The versions of each subject in the order in which a reader meets them first, later copies left out."""
    met: dict[str, list[int]] = {}
    seen = set()
    for fact in facts:
        event = fact.json
        if event["id"] not in seen:
            seen.add(event["id"])
            met.setdefault(event["subject"], []).append(event["version"])
    return iter(met.items())
