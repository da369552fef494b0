"""Which store a consumer group belongs to, and which one publishes to a topic: one each, and another is refused.

A second store in a group would get a share of the partitions, record what the first never sees, and answer on the same topic. So
the group's offset of partition 0 carries the id of the store as its metadata, from the group's first commit on. Only the member that
owns this partition writes it: the broker takes a commit from nobody who isn't in the group's present generation, so of two
stores that begin at once one is the first. What the broker's own tools delete or reset (`kafka-consumer-groups.sh --delete`)
belongs to nobody again.

Every fact names its store in a header. A store that never published to the topic is refused where the last facts are another's.
"""

from collections.abc import Collection
from contextlib import closing
from typing import Any, Final

from kafka.structs import OffsetAndMetadata, TopicPartition

from infra.kafka import clients
from infra.kafka.clients import AnotherStore
from infra.settings import Settings

MARK: Final = "rapport-store "
HEADER: Final = "rapport-store"
# A record that can't be read (the end of a transaction, say) names nobody; longer than this it is not waited for.
LAST_SECONDS: Final = 10.0


class GroupOfOneStore:
    """The consumer group of a topic, as a store sees it."""

    def __init__(self, consumer: Any, group: str, topic: str, store_id: str) -> None:
        self.consumer = consumer
        self.group = group
        self.store_id = store_id
        self.place = TopicPartition(topic, 0)

    def is_ours(self) -> bool:
        """Whether the group belongs to this store; False when it belongs to nobody yet.

        Raises:
            AnotherStore: it belongs to another store.
            KafkaError: the broker doesn't answer.
        """
        found = self.consumer.committed(self.place, metadata=True, timeout_ms=clients.REQUEST_MS)
        if found is None or not str(found.metadata or "").startswith(MARK):
            return False
        owner = str(found.metadata).removeprefix(MARK)
        if owner != self.store_id:
            raise AnotherStore(
                f"the consumer group {self.group} belongs to the store {owner}, and RAPPORT_STORE is the store "
                f"{self.store_id}. Set RAPPORT_STORE to that one, or RAPPORT_KAFKA_GROUP to a group of this store's own. If the "
                f"other store is given up, stop its consumers and delete the group (kafka-consumer-groups.sh --delete --group "
                f"{self.group})"
            )
        return True

    def take(self, next_: int) -> bool:
        """Write down that the group is ours, as the owner of partition 0; False when the group is being shared out anew."""
        from kafka.errors import CommitFailedError, RebalanceInProgressError

        try:
            self.consumer.commit({self.place: self.offset(next_)}, timeout_ms=clients.REQUEST_MS)
        except (CommitFailedError, RebalanceInProgressError):
            return False
        return True

    def offset(self, next_: int) -> OffsetAndMetadata:
        """An offset to commit, with the mark."""
        return OffsetAndMetadata(next_, MARK + self.store_id, -1)


def header(store_id: str) -> tuple[str, bytes]:
    """The header in which a fact names its store."""
    return HEADER, store_id.encode()


def must_be_ours(settings: Settings, topic: str, store_id: str) -> None:
    """Look who published last to each partition of a topic.

    Raises:
        AnotherStore: it was another store.
        KafkaTrouble, KafkaError: the broker doesn't answer.
    """
    others = last_publishers(settings, topic) - {store_id}
    if others:
        raise AnotherStore(
            f"the store {min(others)} publishes to {topic}, and RAPPORT_STORE is the store {store_id}. Set RAPPORT_STORE to that "
            "one, or RAPPORT_KAFKA_PREFIX so that this store has topics of its own. If the other store is given up, start once "
            "with --take-over"
        )


def last_publishers(settings: Settings, topic: str) -> set[str]:
    """The ids that the last fact of each partition names."""
    with closing(clients.consumer(settings, "rapport-publish", group=None)) as consumer:
        clients.must_have(consumer, topic)
        places = [TopicPartition(topic, partition) for partition in consumer.partitions_for_topic(topic)]
        consumer.assign(places)
        begins = consumer.beginning_offsets(places, timeout_ms=clients.REQUEST_MS)
        ends = consumer.end_offsets(places, timeout_ms=clients.REQUEST_MS)
        left = {place for place in places if ends[place] > begins[place]}
        for place in places:
            consumer.seek(place, max(begins[place], ends[place] - 1))
        found: set[str] = set()
        while left:
            polled = consumer.poll(timeout_ms=int(LAST_SECONDS * 1000))
            if not polled:
                break
            found |= {store_id for records in polled.values() for store_id in _named(records[:1])}
            left -= polled.keys()
        return found


def _named(records: Collection[Any]) -> set[str]:
    return {
        value.decode(errors="replace")
        for record in records
        for name, value in record.headers or ()
        if name == HEADER and value
    }
