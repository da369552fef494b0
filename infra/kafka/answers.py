"""What `rapport consume` answers: a receipt for every message, and a dead letter for every one that is invalid.

Both leave after the commit. Which of them the broker has taken is known a little later; until then they count as unanswered,
and their number is bounded. When one can't be delivered the session ends, and the next sends it again. One that is too large
would fail for ever and hold up its partition, so answers list only so many problems, and what still does not fit
leaves in a form that fits: a dead letter without the message, a receipt with its first problem alone. One that our own code
can't make leaves in a form of which nothing came from outside.

What a message holds is nobody's business but Rapport's, taken or not: with a key (`rapport keys show --public`) its dead letter is encrypted to it.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any, Final, NamedTuple, Protocol

import orjson
from kafka.errors import KafkaError, MessageSizeTooLargeError

from domain.codes.clauses import CLAUSES
from domain.problem import Problem
from infra.clock import Clock
from infra.intake.encrypted import NO_KEYS, EncryptionKeys
from infra.intake.form_problems import MAX_PROBLEMS, listed
from infra.intake.message import KNOWN
from infra.intake.receipt import Receipt
from infra.kafka import clients
from infra.kafka.arrival import Arrived, Headers, failed
from infra.kafka.clients import KafkaTrouble
from infra.kafka.owned_partitions import OwnedPartition
from infra.kafka.topics import Topics
from infra.operations.metrics import DEAD_LETTERS, UNACKNOWLEDGED
from infra.settings import Settings

# So many batches may be on their way; more than the broker takes are never held in memory.
BATCHES: Final = 4
DELIVERY_MS: Final = 60_000
CONTENT_TYPE: Final = ("content-type", b"application/cloudevents+json; charset=UTF-8")
RECEIPT_TYPE: Final = "rapport.Receipt"
# What a dead letter says of itself, in headers beside those that the message came with; of these one that begins alike is kept
# under another name, or a sender could speak for us.
MARK: Final = "rapport-"
SENDERS: Final = "sender-"
# The message in a dead letter is encrypted to Rapport's own key (`infra.intake.encrypted`).
ENCRYPTED: Final = (MARK + "encrypted", b"1")
# The most problems that an answer lists (the last of them may count those that are left out), and the most characters of a sentence, a field or an id in it: as many as an id may have.
PROBLEMS: Final = MAX_PROBLEMS + 1
OF_ANSWERS: Final = "data.answers."
LONGEST: Final = 500


class Answered(NamedTuple):
    """A message that arrived, and its receipt."""

    arrived: Arrived
    receipt: Receipt


@dataclass
class _Answer:
    """An answer on its way, and how to send it in its shortest form, unless that was done."""

    future: Any
    shorter: Callable[[], Any] | None


class _Batch(NamedTuple):
    answers: list[_Answer]
    reached: list[tuple[OwnedPartition, int]]


class Answers:
    """Sends receipts and dead letters, and knows which have arrived."""

    def __init__(self, settings: Settings, topics: Topics, clock: Clock, keys: EncryptionKeys = NO_KEYS) -> None:
        self.topics = topics
        self.keys = keys
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

    def send(self, answered: Sequence[Answered], reached: list[tuple[OwnedPartition, int]]) -> None:
        """Send answers; once all of these have arrived, the partitions are answered up to the offsets `reached`."""
        now = self.clock.now()
        answers = []
        for arrived, receipt in answered:
            try:
                answers += self._both(arrived, receipt, now, key_of(arrived, receipt))
            except (KafkaError, KafkaTrouble):
                raise
            except Exception as error:  # noqa: BLE001 - no mistake of ours may hold up the partition
                blank = failed(arrived, error)._replace(source=None, id=None, subject=None)
                answers += self._both(arrived._replace(headers=[], read=blank), blank, now, None)
        self._waiting.append(_Batch(answers, reached))
        self._tell()

    def settle(self, most: int = BATCHES, seconds: float = 0.0) -> None:
        """Note what has arrived; wait until at most so many batches are on their way. Raises `KafkaTrouble`."""
        until = monotonic() + seconds
        while self._waiting:
            answers, reached = self._waiting[0]
            for answer in answers:
                if len(self._waiting) > most:
                    clients.await_future(answer.future, until - monotonic())
                if answer.future.failed():
                    self._shorten(answer)
            if not all(answer.future.is_done for answer in answers):
                if len(self._waiting) > most and monotonic() >= until:
                    raise KafkaTrouble("the broker has not taken the answers in time")
                if len(self._waiting) > most:
                    continue
                break
            for partition, next_ in reached:
                partition.answered = max(partition.answered, next_)
            self._waiting.popleft()
        self._tell()

    def close(self) -> None:
        """Let go of the producer; what is on its way may get lost and will be sent again."""
        clients.drop(self._producer)
        UNACKNOWLEDGED.labels(self.topics.receipts).set(0)

    def _both(self, arrived: Arrived, receipt: Receipt, now: datetime, key: bytes | None) -> list[_Answer]:
        """The receipt of a message, and the dead letter where it is invalid."""
        if receipt.status != "invalid":
            return [self._sent(self._send_receipt, arrived, receipt, now, key)]
        DEAD_LETTERS.labels(receipt.problems[0].code).inc()
        letter = self._sent(self._send_dead_letter, arrived, receipt, now, key)
        return [letter, self._sent(self._send_receipt, arrived, receipt._replace(status="dead_lettered"), now, key)]

    def _sent(self, send: "Send", arrived: Arrived, receipt: Receipt, now: datetime, key: bytes | None) -> _Answer:
        def shorter() -> Any:
            return send(arrived, capped(receipt, 1), now, key and key[:LONGEST], whole=False)

        try:
            return _Answer(send(arrived, capped(receipt), now, key, whole=True), shorter)
        except MessageSizeTooLargeError:
            return _Answer(shorter(), None)

    def _shorten(self, answer: _Answer) -> None:
        """Send an answer again that the broker found too large; raise what else kept it from being delivered."""
        error = answer.future.exception
        if answer.shorter is None or not isinstance(error, MessageSizeTooLargeError):
            raise KafkaTrouble(f"an answer could not be delivered: {error!r}")
        answer.future, answer.shorter = answer.shorter(), None

    def _send_receipt(
        self,
        arrived: Arrived,
        receipt: Receipt,
        now: datetime,
        key: bytes | None,
        *,
        whole: bool,  # noqa: ARG002
    ) -> Any:
        event = receipt_event(arrived, receipt, now, self.source)
        return self._producer.send(self.topics.receipts, event, key, [CONTENT_TYPE, *_trace(arrived)])

    def _send_dead_letter(
        self, arrived: Arrived, receipt: Receipt, now: datetime, key: bytes | None, *, whole: bool
    ) -> Any:
        value, marks = arrived.value or b"", dead_letter_headers(arrived, receipt, now)
        if whole and arrived.skipped is None:
            if value and self.keys.keys:
                value = self.keys.encrypt(value, self.topics.dead_letters, arrived.id)
                marks.append(ENCRYPTED)
            return self._producer.send(self.topics.dead_letters, value, key, [*senders(arrived.headers), *marks])
        size = len(value) if arrived.skipped is None else arrived.skipped.size
        left_out = (MARK + "left-out", str(size).encode())
        return self._producer.send(self.topics.dead_letters, b"", key, [*marks, left_out])

    def _tell(self) -> None:
        UNACKNOWLEDGED.labels(self.topics.receipts).set(sum(len(batch.answers) for batch in self._waiting))


class Send(Protocol):
    """A way to send an answer, `whole` or in its shortest form; the future of it."""

    def __call__(self, arrived: Arrived, receipt: Receipt, now: datetime, key: bytes | None, *, whole: bool) -> Any: ...


def capped(receipt: Receipt, most: int = PROBLEMS) -> Receipt:
    """The receipt with as many of its problems as an answer lists, nobody's words, and nothing in it longer than anybody reads."""
    problems = tuple(
        problem._replace(message=_cut(problem.message), field=_cut(problem.field))
        for problem in map(_without_questions, listed(receipt.problems, most))
    )
    return receipt._replace(
        source=_cut(receipt.source), id=_cut(receipt.id), subject=_cut(receipt.subject), problems=problems
    )


def _without_questions(problem: Problem) -> Problem:
    """The problem without a question that somebody made up: keys of answers are people's words unless they are clauses.

    Who sends a message over HTTP or from a file reads its receipt alone; what is on a topic, others read too.
    """
    field = problem.field or ""
    if problem.code == "duplicate_key" and field not in KNOWN and not field.startswith("data."):
        return problem._replace(message="expected every key inside data only once", field="data")
    question = field.removeprefix(OF_ANSWERS)
    return problem if question == field or question in CLAUSES else problem._replace(field=OF_ANSWERS.rstrip("."))


def _cut(text: Any) -> Any:
    return f"{text[: LONGEST - 1]}…" if text is not None and len(text) > LONGEST else text


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


def senders(headers: Headers) -> Headers:
    """The headers of a message as its dead letter has them."""
    return [(SENDERS + name if name.startswith(MARK) else name, text) for name, text in headers]


def dead_letter_headers(arrived: Arrived, receipt: Receipt, now: datetime) -> Headers:
    """Why a message became a dead letter, from where, and when."""
    first = receipt.problems[0]
    sentence = f"{first.code}: {first.field + ': ' if first.field else ''}{first.message}"
    marks = {
        "reason": sentence,
        "problems": orjson.dumps(receipt.to_dict()["problems"]).decode(),
        "topic": arrived.topic,
        "partition": str(arrived.partition),
        "offset": str(arrived.offset),
        **({"last-offset": str(arrived.next - 1)} if arrived.next > arrived.offset + 1 else {}),
        "time": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return [*((MARK + name, value.encode()) for name, value in marks.items()), *_trace(arrived, MARK)]


def key_of(arrived: Arrived, receipt: Receipt) -> bytes | None:
    """The subject, as far as it can be known and may be one: else what the sender took for the key."""
    return receipt.subject.encode() if receipt.subject and len(receipt.subject) <= LONGEST else arrived.key


def _trace(arrived: Arrived, mark: str = "") -> Headers:
    traceparent = arrived.traceparent
    return [(f"{mark}traceparent", traceparent.encode())] if traceparent else []
