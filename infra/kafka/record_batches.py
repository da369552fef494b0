"""Batches of records as the broker keeps them, read so that no bytes whatever keep the next ones from being read.

kafka-python raises at the first record that it can't take, and would raise again for ever; it holds a batch decompressed
whole; and a header's name has to be UTF-8. Here what can't be read is told as `Skipped` in the place of its record, and the
rest goes on. Messages of the formats before Kafka 0.11 are read when they are not compressed; today's brokers keep none.
"""

import struct
from collections.abc import Iterator
from hashlib import sha256
from typing import Final, NamedTuple

from kafka.record.default_records import DefaultRecordBase
from kafka.record.legacy_records import LegacyRecordBatch
from kafka.record.util import calc_crc32c, decode_varint

from infra.intake.message import MAX_BYTES
from infra.kafka import compression
from infra.kafka.compression import Damaged, TooMuch
from infra.operations.logs import logger
from infra.operations.mistake import report_mistake

# A record with more bytes is never held: its dead letter could not hold it either, for the broker takes a mebibyte.
WHOLE: Final = 1024 * 1024
# As much of a larger record is looked at, for its offset and key.
GLIMPSE: Final = 2048
# A header of a few bytes costs as much memory as this many.
HEADER_COST: Final = 150

HEADER: Final = DefaultRecordBase.HEADER_STRUCT
FRAMING: Final = struct.Struct(">qi")  # the first offset of a batch, and how many bytes follow
MAGIC_AT: Final = 16
MAGIC: Final = 2
# The mark of a batch that was too large to be received (see `infra.kafka.fetching`); its checksum's place holds its size.
NOT_RECEIVED: Final = -128
CONTROL: Final = struct.Struct(">hh")
ABORT: Final = 0
# The code of what a mistake of ours kept from being read.
INTERNAL: Final = "internal"

log = logger("rapport.kafka")


class Skipped(NamedTuple):
    """Why the records from the one in whose place this is up to `last_offset` are not here, and how many bytes that were."""

    code: str
    message: str
    size: int
    last_offset: int


class Record(NamedTuple):
    """A record, or what is told in its place. Bytes of a header's name that are not UTF-8 are written as numbers."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    skipped: Skipped | None = None

    @property
    def next(self) -> int:
        """The first offset after it."""
        return (self.offset if self.skipped is None else self.skipped.last_offset) + 1

    @property
    def cost(self) -> int:
        """About how much memory it takes, in bytes."""
        held = len(self.key or b"") + len(self.value or b"") + HEADER_COST * (1 + len(self.headers))
        return held + sum(len(name) + len(value or b"") for name, value in self.headers)


class RecordBatch:
    """One batch, that was asked for by the offset `wanted`; `data` is all of its bytes.

    `last` is its last offset, which lies before `end`, and just before it where it `ends_there`. `is_sound` says whether the
    checksum is that of the bytes: else nothing is to be believed of the batch but that it holds what was asked for.
    """

    def __init__(
        self, topic: str, partition: int, data: memoryview, wanted: int, end: int, *, ends_there: bool
    ) -> None:
        self.topic = topic
        self.partition = partition
        self.data = data
        self.size = len(data)
        self.first, _ = FRAMING.unpack_from(data)
        self.magic: int = struct.unpack_from(">b", data, MAGIC_AT)[0] if len(data) > MAGIC_AT else 0
        self.last: int = self.first
        self.leader_epoch = self.producer_id = -1
        self.attributes = self.count = 0
        if self.magic in {MAGIC, NOT_RECEIVED} and len(data) >= HEADER.size:
            _, _, self.leader_epoch, _, self.crc, self.attributes, delta, self.began_ms, self.latest_ms, *rest = (
                HEADER.unpack_from(data)
            )
            self.producer_id, _, _, self.count = rest
            self.last = self.first + max(0, delta)
            if self.magic == NOT_RECEIVED:
                self.size = self.crc
        self.is_sound = self._is_sound()
        if not self.is_sound:
            self.last = max(self.first, wanted, end - 1 if ends_there else min(self.last, end - 1))

    def _is_sound(self) -> bool:
        if self.magic == MAGIC:
            at = DefaultRecordBase.ATTRIBUTES_OFFSET
            return len(self.data) >= HEADER.size and bool(calc_crc32c(self.data[at:]) == self.crc)
        try:
            return self.magic in {0, 1} and bool(LegacyRecordBatch(self.data, self.magic).validate_crc())
        except (AssertionError, struct.error):
            return False

    @property
    def is_transactional(self) -> bool:
        return bool(self.attributes & DefaultRecordBase.TRANSACTIONAL_MASK)

    @property
    def is_control(self) -> bool:
        return bool(self.attributes & DefaultRecordBase.CONTROL_MASK)

    @property
    def is_abort(self) -> bool:
        """Whether this ends a transaction of its producer that counts for nothing."""
        if not self.is_control:
            return False
        key = next((record.key for record in self.records(self.first)), None) or b""
        return len(key) >= CONTROL.size and CONTROL.unpack_from(key)[1] == ABORT

    def records(self, wanted: int) -> Iterator[Record]:
        """The records from the offset `wanted` on, in order, with what could not be read told in its place."""
        at = max(self.first, wanted)
        code = why = ""
        try:
            for record in self._read():
                if self.first <= record.offset < wanted:
                    continue
                _must_lie(record.offset, at, self.last)
                yield record
                at = record.next
        except TooMuch as error:
            code, why = "too_large", str(error)
        except Damaged as error:
            code, why = "unreadable_record", str(error)
        except (IndexError, ValueError, struct.error):
            code, why = "unreadable_record", "a record does not have the form of one"
        except Exception as error:  # noqa: BLE001 - no mistake of ours may hold up the partition
            code, why = INTERNAL, "Rapport failed on it"
            digest = sha256(self.data).hexdigest()
            place = f"{self.topic}/{self.partition}/{self.first}"
            report_mistake(log, "Rapport failed on a batch of records", error, place=place, sha256=digest)
        if code and at <= self.last:
            yield self._skipped(at, code, why)

    def _read(self) -> Iterator[Record]:
        if self.magic == NOT_RECEIVED:
            raise TooMuch(f"the batch has {self.size} bytes, more than are received at once")
        if self.magic not in {0, 1, MAGIC}:
            raise Damaged(f"its format, number {self.magic}, is not known")
        if not self.is_sound:
            raise Damaged("its checksum is another than that of its bytes")
        if self.magic != MAGIC:
            yield from self._read_old()
            return
        bytes_ = _Bytes(compression.pieces(self.attributes & DefaultRecordBase.CODEC_MASK, self.data[HEADER.size :]))
        for _ in range(self.count):
            yield self._read_record(bytes_)
        if bytes_.has(1):
            raise Damaged("it holds more than its records")

    def _read_old(self) -> Iterator[Record]:
        """A message of the formats before records had headers."""
        old = LegacyRecordBatch(self.data, self.magic)
        if old.compression_type:
            raise Damaged(f"compressed messages of format {self.magic} are not read")
        for each in old:
            yield Record(self.topic, self.partition, each.offset, each.timestamp or -1, each.key, each.value, [])

    def _read_record(self, bytes_: "_Bytes") -> Record:
        bytes_.has(10)
        length, bytes_.at = decode_varint(bytes_.held, bytes_.at)
        if length < 0:
            raise Damaged("a record has less than no bytes")
        looked_at = length if length <= WHOLE else GLIMPSE
        if not bytes_.has(looked_at):
            raise Damaged("its end is missing")
        held, at = bytes_.held, bytes_.at
        end = at + looked_at
        _, at = decode_varint(held, at)  # attributes, of which there are none yet
        delta, at = decode_varint(held, at)
        at_log_end = self.attributes & DefaultRecordBase.TIMESTAMP_TYPE_MASK
        timestamp = self.latest_ms if at_log_end else self.began_ms + delta
        delta, at = decode_varint(held, at)
        offset = self.first + delta
        if length > WHOLE:
            key, size = _glimpsed(held[at:end], length)
            if not bytes_.skip(length):
                raise Damaged("its end is missing")
            skipped = Skipped("too_large", f"expected at most {MAX_BYTES} bytes, found {size}", size, offset)
            return Record(self.topic, self.partition, offset, timestamp, key, None, [], skipped)
        key, at = _nullable(held, at)
        value, at = _nullable(held, at)
        count, at = decode_varint(held, at)
        headers = []
        for _ in range(count):
            name, at = _nullable(held, at)
            content, at = _nullable(held, at)
            headers.append(((name or b"").decode(errors="backslashreplace"), content))
            if at > end:
                break
        if at != end:
            raise Damaged("a record has another length than it says")
        bytes_.at = end
        return Record(self.topic, self.partition, offset, timestamp, key, value, headers)

    def _skipped(self, first: int, code: str, why: str) -> Record:
        which = f"record {first}" if first == self.last else f"the records {first} to {self.last}"
        skipped = Skipped(code, f"{which} could not be read: {why}", self.size, self.last)
        return Record(self.topic, self.partition, first, -1, None, None, [], skipped)


def _glimpsed(held: bytes, length: int) -> tuple[bytes | None, int]:
    """The key of a record that is too large, if it is short, and the size of its value; else of all of it."""
    key_length, at = decode_varint(held)
    end = at + max(0, key_length)
    if end > len(held) - 10:
        return None, length
    size, _ = decode_varint(held, end)
    return (held[at:end] if key_length >= 0 else None), size if 0 <= size <= length else length


def _must_lie(offset: int, at: int, last: int) -> None:
    if not at <= offset <= last:
        raise Damaged(f"it says of a record that its offset is {offset}")


def _nullable(held: bytes, at: int) -> tuple[bytes | None, int]:
    length, at = decode_varint(held, at)
    if length < 0:
        return None, at
    end = at + length
    return held[at:end], end


class _Bytes:
    """A stream of bytes of which only what is being read is held, from `at` on."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.held = b""
        self.at = 0
        self._pieces = pieces

    def has(self, count: int) -> bool:
        """Hold so many bytes, if there are."""
        have = len(self.held) - self.at
        if have >= count:
            return True
        parts = [self.held[self.at :]]
        for piece in self._pieces:
            parts.append(piece)
            have += len(piece)
            if have >= count:
                break
        self.held, self.at = b"".join(parts), 0
        return have >= count

    def skip(self, count: int) -> bool:
        """Go past so many bytes, if there are."""
        self.at += count
        for piece in self._pieces if self.at > len(self.held) else ():
            self.at -= len(self.held)
            self.held = piece
            if self.at <= len(piece):
                break
        return self.at <= len(self.held)


def batches(topic: str, partition: int, data: memoryview, wanted: int, end: int) -> Iterator[RecordBatch]:
    """The batches in what was fetched from the offset `wanted`, but for one that is cut off; the partition ends at `end`."""
    at = 0
    while len(data) - at >= FRAMING.size:
        _, length = FRAMING.unpack_from(data, at)
        stop = at + FRAMING.size + length
        if stop <= at + MAGIC_AT:
            # Where the next one begins can't be known any more; it is asked for again, one offset further.
            lost = bytearray(HEADER.size)
            FRAMING.pack_into(lost, 0, wanted, 0)
            yield RecordBatch(topic, partition, memoryview(bytes(lost)), wanted, end, ends_there=False)
            return
        if stop > len(data):
            return
        following = FRAMING.unpack_from(data, stop)[0] if len(data) - stop >= FRAMING.size else None
        batch = RecordBatch(topic, partition, data[at:stop], wanted, following or end, ends_there=following is not None)
        yield batch
        wanted = max(wanted, batch.last + 1)
        at = stop
