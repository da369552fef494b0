"""`rapport consume`: messages from Kafka into the record, each poll one batch and one commit.

The offset commits with the events and receipts, so a message is recorded exactly once however often it is read. Answers
follow the commit, at least once. The offsets that the broker keeps are for its own tools to show; nothing here reads them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic, time
from typing import Final

from kafka.structs import TopicPartition
from opentelemetry.trace import Span, SpanKind

from infra.bootstrap import Rapport
from infra.intake.encrypted import NO_KEYS, EncryptionKeys
from infra.intake.message import Message
from infra.intake.receipt import Receipt
from infra.kafka import clients
from infra.kafka.answers import Answered, Answers
from infra.kafka.arrival import Arrived, arrived
from infra.kafka.assignment import Assignment
from infra.kafka.earlier import answered_earlier
from infra.kafka.owned_partitions import OwnedPartition
from infra.kafka.ownership import GroupOfOneStore
from infra.kafka.placement import Placement
from infra.kafka.record_batches import Record
from infra.kafka.topics import Topics
from infra.kafka.watchdog import Watchdog
from infra.operations.logs import logger
from infra.operations.metrics import BATCH_MESSAGES, BATCH_SECONDS, MESSAGE_SECONDS, MESSAGES
from infra.operations.process import Process
from infra.store.hash_chain import Offset

WAY: Final = "kafka"
# How often the broker is told, for its own tools, how far we are.
TELL_SECONDS: Final = 2.0
STOP_SECONDS: Final = 10.0
SETTLE_SECONDS: Final = 60.0

log = logger("rapport.kafka")
Records = Mapping[TopicPartition, Sequence[Record]]
Reached = Mapping[TopicPartition, int]


@dataclass(frozen=True)
class Work:
    """One batch: what was recorded before and needs only its answer, and what is new, with the offsets it reaches.

    What is reached may lie before what is recorded, while the answers of a former owner are sent again. It lies behind the last
    message where control records and aborted transactions follow, which nobody sees.
    """

    earlier: list[Arrived]
    new: list[Arrived]
    reached: list[tuple[OwnedPartition, int]]


class Consuming:
    """One session of a consumer. Raises `StoreError`, `KafkaTrouble`, `AnotherStore` and kafka's errors; then it is over."""

    def __init__(
        self, rapport: Rapport, process: Process, batch: int = 500, placement: Placement | None = None
    ) -> None:
        self.rapport = rapport
        self.process = process
        self.placement = placement or Placement()
        settings = rapport.settings
        self.topics = Topics.named(settings.kafka_prefix)
        # Without the database there is nothing to join the group for.
        rapport.store.head()
        self.answers = Answers(settings, self.topics, rapport.clock, rapport.encryption)
        name = settings.kafka_prefix + settings.kafka_group
        try:
            self.consumer = clients.consumer(settings, "rapport-consume", group=name, most=batch)
        except BaseException:
            self.answers.close()
            raise
        try:
            clients.must_have(self.consumer, self.topics.commands)
            self.group = GroupOfOneStore(self.consumer, name, self.topics.commands, rapport.store.identity.id)
            # Asked before joining, so that a store that is refused takes no partition from anybody.
            self.group.is_ours()
            self.assignment = Assignment(self.consumer, self.topics.commands, rapport.database, self.group)
            self.watchdog = Watchdog(self.consumer, settings.kafka_session_seconds)
            self.consumer.subscribe([self.topics.commands], listener=self.assignment)
        except BaseException:
            self.close()
            raise
        self._told_at = 0.0
        # From the first assignment on, also if it gave us nothing.
        self.at_work = False

    def turn(self) -> None:
        """One poll and what comes of it."""
        polled = self.consumer.poll(timeout_ms=clients.POLL_MS)
        reached = clients.take_reached(self.consumer)
        self.watchdog.check()
        if self.assignment.fresh:
            # What was on its way for the old assignment is no longer ours to keep account of.
            self.at_work = self.assignment.take() or self.at_work
            self.placement.partitions = len(self.consumer.partitions_for_topic(self.topics.commands) or ())
        elif polled or reached:
            self._take(polled, reached)
        else:
            self._rest()
        self.assignment.measure()

    def finish(self) -> None:
        """Wait for the answers on their way, and write down that they arrived."""
        self.answers.settle(most=0, seconds=STOP_SECONDS)
        self._rest()
        self._tell(force=True)

    def close(self) -> None:
        """Leave the group and let go of the clients."""
        self.answers.close()
        self.consumer.close(autocommit=False, timeout_ms=2000)

    def _take(self, polled: Records, reached: Reached) -> None:
        work = sort_out(polled, reached, self.assignment.owned, self.rapport.encryption)
        earlier = answered_earlier(self.rapport.handler, work.earlier) if work.earlier else []
        answered = [*earlier, *self._record(work)]
        self.answers.send(answered, work.reached)
        self.answers.settle(seconds=SETTLE_SECONDS)
        for _, receipt in answered:
            status = "dead_lettered" if receipt.status == "invalid" else receipt.status
            MESSAGES.labels(WAY, status).inc()
        self._tell()

    def _record(self, work: Work) -> list[Answered]:
        """Decide and commit what is new."""
        began, began_at = monotonic(), time()
        for each in work.new:
            self.placement.check(each)
        new, spans = self._traced(work.new)
        messages = [each.read for each in new if isinstance(each.read, Message)]
        offsets = sorted(
            offset for partition, reached in work.reached for offset in partition.offsets(max(partition.next, reached))
        )
        try:
            receipts = iter(self.rapport.handler.handle_messages(messages, offsets=offsets))
        except BaseException:
            self._ended(spans, failed=True)
            raise
        self._ended(spans)
        self._wrote(offsets)
        BATCH_SECONDS.labels(WAY).observe(monotonic() - began)
        BATCH_MESSAGES.labels(WAY).observe(len(new))
        waited = MESSAGE_SECONDS.labels(WAY)
        spent = monotonic() - began
        for each in new:
            if each.timestamp_ms >= 0:
                waited.observe(max(0.0, began_at - each.timestamp_ms / 1000) + spent)
        return [Answered(each, each.read if isinstance(each.read, Receipt) else next(receipts)) for each in new]

    def _rest(self) -> None:
        """Nothing to read: note what has arrived at the broker, so that a restart need not send it again."""
        self.answers.settle()
        offsets = sorted(
            offset for partition in self.assignment.owned.values() for offset in partition.offsets(partition.next)
        )
        if offsets:
            self.rapport.store.append_stored([], offsets=offsets)
            self._wrote(offsets)
        self._tell()

    def _wrote(self, offsets: Sequence[Offset]) -> None:
        for partition in self.assignment.owned.values():
            partition.wrote(offsets)

    def _tell(self, *, force: bool = False) -> None:
        """Let the broker's own tools see how far we are. Nothing depends on it, so its failures are not ours."""
        if not force and monotonic() - self._told_at < TELL_SECONDS:
            return
        self._told_at = monotonic()
        reached = {
            TopicPartition(self.topics.commands, number): self.group.offset(partition.next)
            for number, partition in self.assignment.owned.items()
            if partition.next
        }
        if reached:
            self.consumer.commit_async(reached)

    # --- traces ------------------------------------------------------------------------------------------------------
    def _traced(self, new: list[Arrived]) -> tuple[list[Arrived], list[Span | None]]:
        """The same messages under spans of ours, where spans are wanted."""
        tracing = self.process.tracing
        if not tracing.enabled:
            return new, []
        traced, spans = [], []
        for each in new:
            if isinstance(each.read, Message):
                message = each.read
                name = f"process {type(message.command).__name__}"
                facts = {
                    "messaging.system": "kafka",
                    "messaging.message.id": each.id,
                    "rapport.subject": message.subject,
                }
                span, traceparent = tracing.begin(name, SpanKind.CONSUMER, each.traceparent, facts)
                spans.append(span)
                each = each._replace(read=message._replace(traceparent=traceparent))  # noqa: PLW2901
            traced.append(each)
        return traced, spans

    def _ended(self, spans: list[Span | None], *, failed: bool = False) -> None:
        for span in spans:
            self.process.tracing.end(span, failed=failed)


def sort_out(
    polled: Records, reached: Reached, owned: Mapping[int, OwnedPartition], keys: EncryptionKeys = NO_KEYS
) -> Work:
    """What of the polled records is to be done; partitions that were never taken over, and what is answered, are left out."""
    work = Work([], [], [])
    for place, next_ in reached.items():
        partition = owned.get(place.partition)
        if partition is None:
            continue
        for record in polled.get(place, ()):
            if record.next > partition.next:
                work.new.append(arrived(record, keys))
            elif record.next > partition.answered:
                work.earlier.append(arrived(record, keys))
        work.reached.append((partition, next_))
    return work
