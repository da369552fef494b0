"""What kafka-python does between the broker's answer and our loop, where the library can't be told to survive what it meets.

Three things are put in the place of its own, all of them here. `BoundedFetcher` reads batches by `infra.kafka.record_batches`, so
that a record that can't be read is told in its place instead of raised for ever; it ends a poll early once it holds enough; and
it knows how far each partition was read, past what no reader ever sees: control records and transactions that were aborted.
`Frame` holds no answer of the broker that is too large: a batch is sent whole, however little was asked for. `received` reads
no more from the socket at a time than a piece.
"""

import struct
from collections.abc import Iterator
from ssl import SSLSocket, SSLWantReadError, SSLWantWriteError
from typing import Any, Final

import kafka.net.transport
import kafka.protocol.parser
from kafka.consumer.fetcher import Fetcher, IsolationLevel
from kafka.errors import InvalidReceiveError, KafkaConnectionError
from kafka.protocol.frame import KafkaBytes
from kafka.structs import TopicPartition

from infra.kafka.record_batches import FRAMING, HEADER, MAGIC_AT, NOT_RECEIVED, Record, RecordBatch, batches

# What the broker is asked for at once: of a partition, and of all together. A batch that is larger is sent all the same.
PARTITION_BYTES: Final = 1024 * 1024
FETCH_BYTES: Final = 16 * 1024 * 1024
# The largest answer that is held, beside a copy of its records. Of a larger one only the ends are kept.
FRAME_BYTES: Final = 20 * 1024 * 1024
FRAME_HEAD: Final = 1024 * 1024
FRAME_TAIL: Final = 256 * 1024
RECEIVE_BYTES: Final = 256 * 1024
ANY_FRAME: Final = 2**31 - 1
# A poll ends when its records take so much memory, or so much was decompressed for them.
POLL_BYTES: Final = 8 * 1024 * 1024


class BoundedFetcher(Fetcher):  # type: ignore[misc]  # kafka-python ships no types
    """A fetcher whose records are those of `infra.kafka.record_batches`."""

    @classmethod
    def instead_of_its_own(cls, consumer: Any) -> None:
        """Give a new consumer this fetcher."""
        fetcher = cls(consumer._client, consumer._subscription, **consumer.config)  # noqa: SLF001 - no other way in
        fetcher._sensors = consumer._fetcher._sensors  # noqa: SLF001 - a metric is registered once
        consumer._fetcher = fetcher  # noqa: SLF001

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._reached: dict[TopicPartition, int] = {}

    def take_reached(self) -> dict[TopicPartition, int]:
        """The first offset not read of each partition that was read on since this was asked last."""
        reached, self._reached = self._reached, {}
        return reached

    def _parse_fetched_data(self, completed_fetch: Any) -> Any:
        parsed = super()._parse_fetched_data(completed_fetch)
        if parsed is not None:
            parsed.end = completed_fetch.partition_data.high_watermark
        return parsed

    def _append(self, drained: Any, part: Any, max_records: int, update_offsets: bool) -> int:
        before: int = part.next_fetch_offset
        taken = super()._append(drained, part, max_records, update_offsets)
        if part.next_fetch_offset > before:
            self._reached[part.topic_partition] = part.next_fetch_offset
        # So many are enough: the poll ends when it has none left to ask for.
        return max_records if part.is_enough else int(taken)

    class PartitionRecords(Fetcher.PartitionRecords):  # type: ignore[misc]
        """What was fetched of one partition."""

        end: int
        next_fetch_offset: int
        is_enough = False

        def take(self, n: int | None = None) -> list[Record]:
            """The next records, at most `n`; fewer when they take much memory, or took long to be skipped."""
            found: list[Record] = []
            held, self.is_enough = 0, False
            for record in self.record_iterator or ():
                found.append(record)
                held += record.cost
                self.is_enough = record.skipped is not None or held >= POLL_BYTES
                if self.is_enough or len(found) == n:
                    break
            return found

        def _unpack_records(self, tp: TopicPartition, records: Any, *_deserializers: Any) -> Iterator[Record]:
            data = memoryview(records._buffer)  # noqa: SLF001
            for batch in batches(tp.topic, tp.partition, data, self.next_fetch_offset, self.end):
                if batch.is_sound:
                    self.leader_epoch = batch.leader_epoch
                if self._counts(batch):
                    for record in batch.records(self.next_fetch_offset):
                        self.records_read += 1
                        self.next_fetch_offset = record.next
                        yield record
                self.bytes_read += batch.size
                self.next_fetch_offset = max(self.next_fetch_offset, batch.last + 1)
            self.drain()

        def _counts(self, batch: RecordBatch) -> bool:
            """Whether a batch holds messages, and not those of a transaction that was aborted."""
            if not (batch.is_sound or batch.magic == NOT_RECEIVED):
                return True
            if batch.producer_id >= 0 and self.isolation_level == IsolationLevel.READ_COMMITTED:
                self._consume_aborted_transactions_up_to(batch.last)
                if batch.is_abort:
                    self.aborted_producer_ids.discard(batch.producer_id)
                elif self._is_batch_aborted(batch):
                    return False
            return not batch.is_control


class Frame(KafkaBytes):  # type: ignore[misc]
    """An answer of the broker while it is received. Of one that is too large only a batch's header is handed on."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.is_whole = size <= FRAME_BYTES
        super().__init__(size if self.is_whole else 0)
        self._tail = bytearray()

    def __len__(self) -> int:
        return self.size

    def write(self, data: bytes) -> None:
        """Take in the next bytes."""
        if self.is_whole:
            super().write(data)
            return
        if self._idx < FRAME_HEAD:
            self.extend(data[: FRAME_HEAD - self._idx])
        self._tail += data
        del self._tail[:-FRAME_TAIL]
        self._idx += len(data)

    def seek(self, idx: int) -> None:
        """Go to a place; to read, once all has arrived."""
        if not self.is_whole:
            self[:] = self._without_its_batch()
            self.size, self.is_whole = super().__len__(), True
        super().seek(idx)

    def read(self, nbytes: int | None = None) -> bytes | memoryview:
        """The next bytes; all that are left without a copy."""
        return memoryview(self)[self._idx :] if nbytes is None else bytes(super().read(nbytes))

    def _without_its_batch(self) -> bytearray:
        """The answer with no more than the header of its batch. Raises `InvalidReceiveError`.

        The broker sends the one batch alone. It lies where a length is followed by a batch of just this length.
        """
        head = bytes(self)
        for at in range(len(head) - HEADER.size):
            length, start = _length(head, at)
            if (
                length > self.size - FRAME_HEAD - FRAME_TAIL
                and FRAMING.unpack_from(head, start)[1] == length - FRAMING.size
            ):
                break
        else:
            raise InvalidReceiveError(f"an answer of {self.size} bytes, and not for one batch that is too large")
        batch = bytearray(head[start : start + HEADER.size])
        FRAMING.pack_into(batch, 0, FRAMING.unpack_from(batch)[0], HEADER.size - FRAMING.size)
        struct.pack_into(">bI", batch, MAGIC_AT, NOT_RECEIVED, length)
        after = self.size - start - length
        rest = self._tail[-after:] if after else b""
        return bytearray(head[:at] + bytes([HEADER.size + 1]) + batch + rest)


def _length(data: bytes, at: int) -> tuple[int, int]:
    """The length of records that is written here, in the way of today's answers, and where they begin."""
    value = shift = 0
    while shift < 35:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            break
    return value - 1, at


def received(transport: Any) -> tuple[bytes, KafkaConnectionError | None]:
    """What has come on a connection, as much as one piece holds, and what is wrong with it.

    The library's own reads until nothing more has come, which of a broker that is as fast as we are is a whole answer.
    """
    socket, data = transport._sock, b""  # noqa: SLF001
    try:
        data = socket.recv(RECEIVE_BYTES)
        # TLS may hold the rest of what it decrypted, of which the selector knows nothing.
        while data and isinstance(socket, SSLSocket) and socket.pending():
            data += socket.recv(RECEIVE_BYTES)
    except (BlockingIOError, InterruptedError, SSLWantReadError, SSLWantWriteError):
        return data, None
    except Exception as error:  # noqa: BLE001 - the connection is given up, whatever it is
        return data, KafkaConnectionError(error)
    return data, None if data else KafkaConnectionError("the broker has closed the connection")


# The library makes both by name, and there is no setting for others.
kafka.protocol.parser.KafkaBytes = Frame
kafka.net.transport.KafkaTCPTransport._sock_recv = received  # noqa: SLF001
kafka.net.transport.KafkaSSLTransport._sock_recv = received  # noqa: SLF001
