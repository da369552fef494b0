"""Whether a message came on the partition where every message of its subject comes: else the order of a subject is lost.

The key of a message must be its subject, and all senders must choose the partition alike, by murmur2 as Java does. librdkafka (and what
is built on it: confluent's clients, kcat) chooses by CRC32 unless told `partitioner=murmur2_random`. A message in the wrong place
is taken all the same; it is counted, and each source is told of once.
"""

from functools import lru_cache
from typing import Final, Literal

from kafka.partitioner.default import murmur2

from infra.intake.message import Message
from infra.kafka.arrival import Arrived
from infra.operations.logs import logger
from infra.operations.metrics import MISPLACED

Why = Literal["key", "partition"]
# So many sources are told of; more would be somebody who makes them up.
SOURCES: Final = 1000
LONGEST: Final = 200
SAID: Final[dict[Why, str]] = {
    "key": "messages whose key is not their subject: their order may be lost; let the sender use the subject as the key",
    "partition": (
        "messages on another partition than murmur2 gives their key: the order of a subject may be lost; "
        "let the sender use this partitioner (librdkafka: partitioner=murmur2_random), unless partitions were just added"
    ),
}

log = logger("rapport.kafka")
hashed = lru_cache(maxsize=10_000)(murmur2)


class Placement:
    """Looks at where messages came, for as long as the process runs."""

    def __init__(self) -> None:
        # How many partitions the topic has; nothing is said before that is known.
        self.partitions = 0
        self._warned: set[tuple[str, Why]] = set()

    def check(self, arrived: Arrived) -> None:
        """Count and tell of a message that is in the wrong place."""
        message = arrived.read
        if not isinstance(message, Message) or not self.partitions:
            return
        why = misplaced(message.subject.encode(), arrived.key, arrived.partition, self.partitions)
        if why is None:
            return
        MISPLACED.labels(why).inc()
        pair = message.source, why
        if pair in self._warned or len(self._warned) >= SOURCES:
            return
        self._warned.add(pair)
        log.warning(SAID[why], source=message.source[:LONGEST], first=arrived.id)


def misplaced(subject: bytes, key: bytes | None, partition: int, partitions: int) -> Why | None:
    """What is wrong with the place of a message, if anything."""
    if key != subject:
        return "key"
    return None if partition_of(key, partitions) == partition else "partition"


def partition_of(key: bytes, partitions: int) -> int:
    """The partition that Java's default partitioner gives a key."""
    return int(hashed(key) & 0x7FFFFFFF) % partitions
