"""Dead letters: messages that could not be taken, on a topic of their own, to be looked at, put right and sent again.

The topic is only read and added to. What was sent again is noted there too, as a record with the header `rapport-resubmitted`
that names the dead letter, so that everybody sees the same list. A letter is known by the place from which it came,
topic/partition/offset of the commands' topic, which its receipt carries as `id`; copies after a crash fall together.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final

import orjson

from infra.intake import encrypted
from infra.intake.encrypted import EncryptionKeys
from infra.intake.message import Message
from infra.kafka import clients
from infra.kafka.answers import MARK, SENDERS
from infra.kafka.arrival import Headers, read
from infra.kafka.clients import KafkaTrouble
from infra.kafka.record_batches import Record
from infra.kafka.topics import Topics
from infra.settings import Settings

RESUBMITTED: Final = MARK + "resubmitted"
DELIVERY_MS: Final = 20_000
READ_SECONDS: Final = 30.0


@dataclass
class DeadLetter:
    """A message that became a dead letter; `resubmitted` says when it was last sent again.

    `encrypted` says that `value` is the message encrypted, for none of our keys opens it.
    `left_out` is the size in bytes of a message that is not kept with it, for it was too large or could not be read, else None.
    `last_offset` is there when it stands for several messages that could not be read: those from its id's offset up to this one.
    """

    id: str
    topic: str
    reason: str
    problems: list[dict[str, Any]]
    time: str
    key: bytes | None
    traceparent: str | None
    headers: Headers
    value: bytes
    encrypted: bool = False
    left_out: int | None = None
    last_offset: int | None = None
    resubmitted: str | None = None

    @property
    def key_text(self) -> str | None:
        """The key as far as it is UTF-8."""
        return None if self.key is None else self.key.decode(errors="replace")

    def to_dict(self) -> dict[str, Any]:
        """For `list` and `show`; `value` is left out."""
        return {
            "id": self.id,
            "time": self.time,
            "reason": self.reason,
            "problems": self.problems,
            "key": self.key_text,
            "traceparent": self.traceparent,
            "encrypted": self.encrypted,
            "left_out": self.left_out,
            "last_offset": self.last_offset,
            "resubmitted": self.resubmitted,
        }


class UnknownDeadLetter(Exception):
    """There is no dead letter of this id."""


class LeftOut(Exception):
    """The message itself is not kept with its dead letter, or can't be opened."""


def dead_letters(settings: Settings) -> dict[str, DeadLetter]:
    """All dead letters that the topic holds now, oldest first, by id, opened as far as the keys here open them.

    Raises `KafkaTrouble`, `NoKafka`, `WrongSettings`, kafka's errors.
    """
    keys = encrypted.load(settings)
    topics = Topics.named(settings.kafka_prefix)
    found: dict[str, DeadLetter] = {}
    notes: list[tuple[str, str]] = []
    for record in sorted(_records(settings, topics.dead_letters), key=lambda each: each.timestamp):
        marks = {
            name.removeprefix(MARK): (text or b"").decode(errors="replace")
            for name, text in record.headers
            if _is_ours(name)
        }
        if letter_id := marks.get("resubmitted"):
            notes.append((letter_id, marks.get("time", "")))
        elif {"topic", "partition", "offset"} <= marks.keys():
            letter = _letter(record, marks, keys)
            found.setdefault(letter.id, letter)
    for letter_id, time in notes:
        if letter_id in found:
            found[letter_id].resubmitted = time
    return found


def find(settings: Settings, letter_id: str) -> DeadLetter:
    """One dead letter, by its id or by just partition/offset. Raises `UnknownDeadLetter` and what `dead_letters` raises."""
    for known, letter in dead_letters(settings).items():
        if letter_id in (known, known.split("/", 1)[1]):
            return letter
    raise UnknownDeadLetter(f"no dead letter {letter_id!r}; `rapport dead-letters list` names them")


def resubmit(settings: Settings, letter: DeadLetter, value: bytes | None = None) -> str:
    """Send a dead letter to its topic again, as it was or with another value; where it went, topic/partition/offset.

    Another value goes encrypted where there is a key, as a sender's would.

    Raises `LeftOut`, `KafkaTrouble`, `NoKafka`, `WrongSettings` and kafka's errors.
    """
    topics, keys = Topics.named(settings.kafka_prefix), encrypted.load(settings)
    headers = letter.headers
    if value is None:
        if letter.left_out is not None:
            raise LeftOut(
                f"the message is not kept with its dead letter ({letter.left_out} bytes were too many, or could not be read): "
                "give what to send instead (--body), or send it again from where it came"
            )
        if letter.encrypted:
            raise LeftOut(
                "the message in this dead letter is encrypted, and its key is not here: ask where rapport consume runs "
                "(RAPPORT_ENCRYPTION_KEY_FILE), or give what to send instead (--body)"
            )
        value = letter.value
    elif _whole_message(value):
        # A whole message needs none of the attributes that came as headers.
        headers = _without_attributes(headers)
    message = read(value, headers, EncryptionKeys([*keys.keys.values()]))
    if value is not letter.value and keys.keys and isinstance(message, Message):
        sent = orjson.loads(message.raw)
        # What is signed is signed as it is.
        if "data" in sent and sent.get("datacontenttype") != encrypted.MEDIA_TYPE and sent.get("proof") is None:
            value, headers = orjson.dumps(keys.enclosed(sent)), _without_attributes(headers)
    subject = message.subject
    key = subject.encode() if subject else letter.key
    producer = clients.producer(settings, "rapport-dead-letters", DELIVERY_MS)
    try:
        for topic in (letter.topic, topics.dead_letters):
            clients.must_have(producer, topic)
        place = _delivered(producer.send(letter.topic, value, key, headers))
        marks = {"resubmitted": letter.id, "as": place, "time": datetime.now(UTC).isoformat(timespec="milliseconds")}
        note = [(MARK + name, text.replace("+00:00", "Z").encode()) for name, text in marks.items()]
        _delivered(producer.send(topics.dead_letters, orjson.dumps(marks), key, note))
    finally:
        producer.close(timeout=clients.STOP_SECONDS)
    return place


def _delivered(future: Any) -> str:
    metadata = future.get(timeout=DELIVERY_MS / 1000)
    return f"{metadata.topic}/{metadata.partition}/{metadata.offset}"


def _without_attributes(headers: Headers) -> Headers:
    return [(name, text) for name, text in headers if not name.startswith("ce_") and name != "content-type"]


def _whole_message(value: bytes) -> bool:
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        return False
    return isinstance(found, dict) and "specversion" in found


def _letter(record: Record, marks: dict[str, str], keys: EncryptionKeys) -> DeadLetter:
    try:
        problems = orjson.loads(marks.get("problems", "[]"))
    except orjson.JSONDecodeError:
        problems = []
    id_, value = f"{marks['topic']}/{marks['partition']}/{marks['offset']}", record.value or b""
    opened = keys.decrypt(value, record.topic, id_) if "encrypted" in marks else value
    return DeadLetter(
        id=id_,
        topic=marks["topic"],
        reason=marks.get("reason", ""),
        problems=problems,
        time=marks.get("time", ""),
        key=record.key,
        traceparent=marks.get("traceparent"),
        headers=[(_sent_as(name), text) for name, text in record.headers if text is not None and not _is_ours(name)],
        value=value if opened is None else opened,
        encrypted=opened is None,
        left_out=_number(marks, "left-out"),
        last_offset=_number(marks, "last-offset"),
    )


def _number(marks: dict[str, str], name: str) -> int | None:
    text = marks.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 20 else None


def _sent_as(name: str) -> str:
    """The name that a sender gave to a header of a dead letter."""
    return name.removeprefix(SENDERS) if name.startswith(SENDERS + MARK) else name


def _is_ours(name: str) -> bool:
    return name.startswith(MARK)


def _records(settings: Settings, topic: str) -> Iterator[Record]:
    """Everything on a topic, up to its end as it is when we begin."""
    from kafka.structs import TopicPartition

    with closing(clients.consumer(settings, "rapport-dead-letters", group=None)) as consumer:
        clients.must_have(consumer, topic)
        places = [TopicPartition(topic, partition) for partition in consumer.partitions_for_topic(topic)]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places, timeout_ms=clients.REQUEST_MS)
        left = {place for place in places if consumer.position(place, timeout_ms=clients.REQUEST_MS) < ends[place]}
        waited_since = monotonic()
        while left:
            polled = consumer.poll(timeout_ms=clients.POLL_MS)
            if clients.take_reached(consumer):
                waited_since = monotonic()
            elif monotonic() - waited_since > READ_SECONDS:
                raise KafkaTrouble(f"the broker sent nothing of {topic} for {READ_SECONDS:.0f} s")
            for records in polled.values():
                yield from records
            left = {place for place in left if consumer.position(place) < ends[place]}


def readable(letter: DeadLetter, settings: Settings) -> dict[str, Any]:
    """A dead letter whole, its value as text, as it came, and what Rapport of today makes of it.

    Raises:
        WrongSettings: The file of keys is wrong.
    """
    now = read(letter.value, letter.headers, encrypted.load(settings))
    return {
        **letter.to_dict(),
        "headers": _headers(letter.headers),
        "value": letter.value.decode(errors="replace"),
        "well_formed": isinstance(now, Message),
    }


def _headers(found: Headers) -> dict[str, str | list[str]]:
    """The headers by name; one that stands several times, which may be what was wrong, has a list."""
    by_name: dict[str, list[str]] = {}
    for name, text in found:
        by_name.setdefault(name, []).append(text.decode(errors="replace"))
    return {name: texts[0] if len(texts) == 1 else texts for name, texts in by_name.items()}
