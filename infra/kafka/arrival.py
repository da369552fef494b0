"""A record of `rapport.commands` read as a message: CloudEvents in structured mode, and in binary mode.

Structured: the value is the whole message, as in files and over HTTP. Binary: the value is `data`, and the attributes come as
headers `ce_id`, `ce_source` and so on. A `traceparent` header counts where the message itself carries none. A header without a
value is an absent one. In both modes the data may be encrypted (`infra.intake.encrypted`).

Every record arrives as something: one in which nothing can be read, and one on which our own code fails, as an invalid receipt.
"""

from hashlib import sha256
from typing import Final, NamedTuple

import orjson

from domain.problem import Problem
from infra.intake import form_problems
from infra.intake.binary_mode import assembled
from infra.intake.encrypted import MEDIA_TYPE, NO_KEYS, EncryptionKeys
from infra.intake.message import MAX_BYTES, Message
from infra.intake.receipt import Receipt
from infra.kafka.record_batches import INTERNAL, Record, Skipped
from infra.operations.logs import logger
from infra.operations.mistake import report_mistake
from infra.operations.tracing import valid

Headers = list[tuple[str, bytes]]

PREFIX: Final = "ce_"
CONTENT_TYPE: Final = "content-type"
STRUCTURED: Final = "application/cloudevents"
NO_VALUE: Final = Problem("bad_json", "expected one JSON object, found a record without a value (a tombstone)")

log = logger("rapport.kafka")


class Arrived(NamedTuple):
    """A record, and what was read in it: a message, or an invalid receipt that says what is wrong with its form.

    `skipped` stands for one or several records that could not be had: their value and headers are missing.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    read: Message | Receipt
    skipped: Skipped | None = None

    @property
    def id(self) -> str:
        """The stable name of this arrival: topic/partition/offset."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def next(self) -> int:
        """The first offset after it."""
        return (self.offset if self.skipped is None else self.skipped.last_offset) + 1

    @property
    def digest(self) -> str:
        """The SHA-256 of the message's bytes, by which a log names it without its content."""
        return sha256(self.value or b"").hexdigest()

    @property
    def traceparent(self) -> str | None:
        """The trace that the message belongs to."""
        if isinstance(self.read, Message):
            return valid(self.read.traceparent)
        return valid(_header(self.headers, "traceparent")) or valid(_written(self.value, "traceparent"))


def arrived(record: Record, keys: EncryptionKeys = NO_KEYS) -> Arrived:
    """What has arrived in a consumer's record; `keys` open what was encrypted."""
    headers: Headers = [(name, value) for name, value in record.headers if value is not None]
    found = Arrived(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        headers,
        Receipt(None, None, None, "invalid"),
        record.skipped,
    )
    if (skipped := record.skipped) is not None:
        log.warning("records were skipped", place=found.id, last=skipped.last_offset, why=skipped.message)
        return found._replace(read=form_problems.invalid({}, [Problem(skipped.code, skipped.message)]))
    try:
        return found._replace(read=read(record.value, headers, keys))
    except Exception as error:  # noqa: BLE001 - no mistake of ours may hold up the partition
        return found._replace(read=failed(found, error))


def failed(arrival: Arrived, error: BaseException) -> Receipt:
    """The answer to a message on which our own code failed; the log says how, and names it by its place and a digest."""
    report_mistake(log, "Rapport failed on a message", error, place=arrival.id, sha256=arrival.digest)
    read = arrival.read
    sentence = "Rapport failed on this message, and its log says how; it may be sent again"
    return Receipt(read.source, read.id, read.subject, "invalid", (), (Problem(INTERNAL, sentence),))


def read(value: bytes | None, headers: Headers, keys: EncryptionKeys = NO_KEYS) -> Message | Receipt:
    """The message in a record's value and headers, or an invalid receipt."""
    if _is_binary(headers):
        if value is not None and _header(headers, CONTENT_TYPE) == MEDIA_TYPE:
            # Text, and no JSON by itself.
            value = orjson.dumps(value.decode("latin-1"))
        attributes = ((name.removeprefix(PREFIX), text) for name, text in headers if name.startswith(PREFIX))
        raw = assembled(value, attributes, _header(headers, CONTENT_TYPE), PREFIX)
        found = keys.read(raw) if isinstance(raw, bytes) else raw
    elif value is None:
        return form_problems.invalid({}, [NO_VALUE])
    else:
        found = keys.read(value)
    if isinstance(found, Message) and found.traceparent is None:
        return found._replace(traceparent=valid(_header(headers, "traceparent")))
    return found


def _is_binary(headers: Headers) -> bool:
    kind = _header(headers, CONTENT_TYPE)
    if kind is not None and kind.lower().startswith(STRUCTURED):
        return False
    return any(name.startswith(PREFIX) for name, _ in headers)


def _header(headers: Headers, wanted: str) -> str | None:
    for name, value in headers:
        if name.lower() == wanted:
            return value.decode(errors="replace")
    return None


def _written(value: bytes | None, name: str) -> str | None:
    """What an invalid message says under a name, as far as it can be read."""
    if value is None or len(value) > MAX_BYTES:
        return None
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    value = found.get(name) if isinstance(found, dict) else None
    return value if isinstance(value, str) else None
