"""What `rapport consume` answers: a receipt for every message, and a dead letter for every one that is invalid.

Both leave after the commit. Which of them the broker has taken is known a little later; until then they count as unanswered,
and their number is bounded. When one can't be delivered the session ends, and the next sends it again.
"""

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from typing import Any, Final, NamedTuple

import orjson

from infra.clock import Clock
from infra.intake.receipt import Receipt
from infra.kafka import clients
from infra.kafka.arrival import Arrived, Headers
from infra.kafka.claims import Claim
from infra.kafka.clients import KafkaTrouble
from infra.kafka.topics import Topics
from infra.observe.metrics import DEAD_LETTERS, UNACKNOWLEDGED
from infra.settings import Settings

# So many batches may be on their way; more than the broker takes are never held in memory.
BATCHES: Final = 4
DELIVERY_MS: Final = 60_000
CONTENT_TYPE: Final = ("content-type", b"application/cloudevents+json; charset=UTF-8")
RECEIPT_TYPE: Final = "rapport.Receipt"
# What a dead letter says of itself, in headers beside those that the message came with.
MARK: Final = "rapport-"


class Answered(NamedTuple):
    """A message that arrived, and its receipt."""

    arrived: Arrived
    receipt: Receipt


class _Batch(NamedTuple):
    futures: list[Any]
    reached: list[tuple[Claim, int]]


class Answers:
    """Sends receipts and dead letters, and knows which have arrived."""

    def __init__(self, settings: Settings, topics: Topics, clock: Clock) -> None:
        self.topics = topics
        self.source = settings.source
        self.clock = clock
        self._waiting: deque[_Batch] = deque()
        self._producer = clients.producer(settings, "rapport-consume", DELIVERY_MS)
        try:
            for topic in (topics.receipts, topics.dead_letters):
                clients.must_have(self._producer, topic)
        except BaseException:
            self.close()
            raise

    def send(self, answered: Sequence[Answered], reached: list[tuple[Claim, int]]) -> None:
        """Send answers; once all of these have arrived, the claims are answered up to the offsets `reached`."""
        now = self.clock.now()
        futures = []
        for arrived, receipt in answered:
            if receipt.status == "invalid":
                futures.append(self._dead_letter(arrived, receipt, now))
                receipt = receipt._replace(status="dead_lettered")  # noqa: PLW2901 - the same receipt, on this way in
            futures.append(
                self._producer.send(
                    self.topics.receipts,
                    receipt_event(arrived, receipt, now, self.source),
                    key_of(arrived, receipt),
                    [CONTENT_TYPE, *_trace(arrived)],
                )
            )
        self._waiting.append(_Batch(futures, reached))
        self._tell()

    def settle(self, most: int = BATCHES, seconds: float = 0.0) -> None:
        """Note what has arrived; wait until at most so many batches are on their way. Raises `KafkaTrouble`."""
        until = monotonic() + seconds
        while self._waiting:
            futures, reached = self._waiting[0]
            if len(self._waiting) > most:
                for future in futures:
                    clients.await_future(future, until - monotonic())
            if not all(future.is_done for future in futures):
                if len(self._waiting) > most and monotonic() >= until:
                    raise KafkaTrouble("the broker has not taken the answers in time")
                break
            for future in futures:
                if future.failed():
                    raise KafkaTrouble(f"an answer could not be delivered: {future.exception!r}")
            for claim, next_ in reached:
                claim.answered = max(claim.answered, next_)
            self._waiting.popleft()
        self._tell()

    def close(self) -> None:
        """Let go of the producer; what is on its way may get lost and will be sent again."""
        clients.drop(self._producer)
        UNACKNOWLEDGED.labels(self.topics.receipts).set(0)

    def _dead_letter(self, arrived: Arrived, receipt: Receipt, now: datetime) -> Any:
        DEAD_LETTERS.labels(receipt.problems[0].code).inc()
        headers = [*arrived.headers, *dead_letter_headers(arrived, receipt, now)]
        return self._producer.send(self.topics.dead_letters, arrived.value or b"", key_of(arrived, receipt), headers)

    def _tell(self) -> None:
        UNACKNOWLEDGED.labels(self.topics.receipts).set(sum(len(batch.futures) for batch in self._waiting))


def receipt_event(arrived: Arrived, receipt: Receipt, now: datetime, source: str) -> bytes:
    """The receipt as a CloudEvent; `status` stands outside `data` too, for filters that look at attributes alone."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": arrived.id,
        "source": source,
        "type": RECEIPT_TYPE,
        "time": now,
        "datacontenttype": "application/json",
        "status": receipt.status,
        "data": receipt.to_dict(),
    }
    if receipt.subject is not None:
        event["subject"] = receipt.subject
    if traceparent := arrived.traceparent:
        event["traceparent"] = traceparent
    return orjson.dumps(event, option=orjson.OPT_UTC_Z)


def dead_letter_headers(arrived: Arrived, receipt: Receipt, now: datetime) -> Headers:
    """Why a message became a dead letter, from where, and when."""
    first = receipt.problems[0]
    said = f"{first.code}: {first.field + ': ' if first.field else ''}{first.message}"
    marks = {
        "reason": said,
        "problems": orjson.dumps(receipt.to_dict()["problems"]).decode(),
        "topic": arrived.topic,
        "partition": str(arrived.partition),
        "offset": str(arrived.offset),
        "time": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return [*((MARK + name, value.encode()) for name, value in marks.items()), *_trace(arrived, MARK)]


def key_of(arrived: Arrived, receipt: Receipt) -> bytes | None:
    """The subject, as far as it can be known: else what the sender took for the key."""
    return receipt.subject.encode() if receipt.subject else arrived.key


def _trace(arrived: Arrived, mark: str = "") -> Headers:
    traceparent = arrived.traceparent
    return [(f"{mark}traceparent", traceparent.encode())] if traceparent else []
