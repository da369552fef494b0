"""The partitions of this consumer: given by the group, taken over in the store, read from where the store says.

The group's listener runs in kafka-python's own thread, where slow work would hold up the heartbeats; it only pauses what was
assigned. Taking over, with its transaction, and the seek follow in the consumer's loop, and then the partitions go on.
"""

from collections.abc import Iterable
from typing import Any, Final

from kafka import ConsumerRebalanceListener
from kafka.structs import TopicPartition

from infra.kafka.clients import REQUEST_MS, KafkaTrouble
from infra.kafka.owned_partitions import OwnedPartition, is_known, take_over
from infra.kafka.ownership import GroupOfOneStore
from infra.operations.logs import logger
from infra.operations.metrics import EXPIRED, REBALANCES, UNREAD
from infra.store.session import Database

INSTEAD: Final = "Use a new topic (another RAPPORT_KAFKA_PREFIX), never an old name"

log = logger("rapport.kafka")


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python ships no types
    """What is ours of one topic. `fresh` while there are partitions that are not taken over yet."""

    def __init__(self, consumer: Any, topic: str, database: Database, group: GroupOfOneStore) -> None:
        self.consumer = consumer
        self.group = group
        self.topic = topic
        self.database = database
        self.owned: dict[int, OwnedPartition] = {}
        self.fresh = False
        self._assigned: frozenset[TopicPartition] = frozenset()
        self._waits = False
        self._announced: frozenset[TopicPartition] | None = None

    # --- told by the group, in the library's thread ------------------------------------------------------------------
    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """All that is ours from now on; a partition that stays with us is taken over anew too."""
        self._assigned = frozenset(assigned)
        self.consumer.pause(*self._assigned)
        self.owned = {}
        self.fresh = True

    def on_partitions_revoked(self, _revoked: Iterable[TopicPartition]) -> None:
        """The group is about to share out anew."""
        self.owned = {}

    def on_partitions_lost(self, _lost: Iterable[TopicPartition]) -> None:
        """The group has given us up; others may be at work already."""
        self.owned = {}

    # --- done by the consumer, in its loop ---------------------------------------------------------------------------
    def take(self) -> bool:
        """Take over what was assigned and go to where the store says; False while it isn't known whose the group is.

        Raises `StoreError`, `KafkaTrouble` and `AnotherStore`.
        """
        self.fresh = False
        UNREAD.clear()
        places = sorted(self._assigned)
        if self._announced is not self._assigned:
            self._announced = self._assigned
            REBALANCES.inc()
            log.info("partitions assigned", partitions=[place.partition for place in places])
        ours = self.group.is_ours()
        if not places:
            return True
        topic_id = self.consumer._cluster.topic_id(self.topic)  # noqa: SLF001 - brokers tell it since 2.8
        if topic_id is not None and not is_known(self.database, self.topic, topic_id):
            raise KafkaTrouble(f"{self.topic} was made anew since messages were read from it. {INSTEAD}")
        if not ours and self.group.place not in places:
            # The owner of that partition is about to write down whose the group is; ours wait until then.
            if not self._waits:
                self._waits = True
                log.info("waiting until the consumer of partition 0 has written down whose the group is")
            self.fresh = True
            return False
        owned = take_over(self.database, self.topic, [place.partition for place in places])
        if not ours and not self.group.take(owned[self.group.place.partition].next):
            return False
        begins = self.consumer.beginning_offsets(places, timeout_ms=REQUEST_MS)
        ends = self.consumer.end_offsets(places, timeout_ms=REQUEST_MS)
        for place in places:
            found = owned[place.partition]
            self._must_follow(found, begins[place], ends[place])
            self.consumer.seek(place, max(found.answered, begins[place]))
        self.consumer.resume(*places)
        self.owned = owned
        return True

    def measure(self) -> None:
        """Show how much is unread, against the high watermark that the broker tells with every fetch."""
        for partition, found in self.owned.items():
            head = self.consumer.highwater(TopicPartition(self.topic, partition))
            if head is not None:
                UNREAD.labels(partition).set(max(0, head - found.next))

    def _must_follow(self, found: OwnedPartition, begin: int, end: int) -> None:
        """Whether what the broker has goes on where the store stands."""
        if found.next > end:
            raise KafkaTrouble(
                f"{self.topic}, partition {found.partition}, ends at {end}, but was read up to {found.next}: it was made "
                f"anew or has lost messages. {INSTEAD}"
            )
        if 0 < found.next < begin:
            EXPIRED.inc(begin - found.next)
            log.error(
                "the broker deleted messages before they were read",
                partition=found.partition,
                first=found.next,
                count=begin - found.next,
            )
