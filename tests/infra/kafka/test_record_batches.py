"""Whatever bytes a batch has, each of its offsets is given or told once, in order, and the next batch is read."""

import gzip
import random
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import lz4.frame
import pytest
import snappy
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.codec import snappy_encode
from kafka.record import MemoryRecordsBuilder
from kafka.structs import TopicPartition

from infra.kafka import compression, record_batches
from infra.kafka.fetching import POLL_BYTES, BoundedFetcher, Frame
from infra.kafka.record_batches import Record, batches
from tests.infra.kafka.record_bytes import batch, nullable, record, varint

VALUES: Final = [b"one", b"", None, b"x" * 300_000, b"last"]
END: Final = 1000


def zstd(data: bytes, level: int = 3) -> bytes:
    """As Java's producer compresses: without saying how much it is."""
    compressor = zstandard.ZstdCompressor(level=level).compressobj()
    return compressor.compress(data) + compressor.flush()


COMPRESSED: Final[dict[str, tuple[int, Callable[[bytes], bytes]]]] = {
    "none": (compression.NONE, bytes),
    "gzip": (compression.GZIP, gzip.compress),
    "snappy": (compression.SNAPPY, snappy.compress),
    "snappy-in-blocks": (compression.SNAPPY, snappy_encode),
    "lz4": (compression.LZ4, lz4.frame.compress),
    "lz4-with-large-blocks": (
        compression.LZ4,
        lambda data: lz4.frame.compress(data, block_size=7, content_checksum=True),
    ),
    "zstd": (compression.ZSTD, zstd),
    "zstd-with-its-size": (compression.ZSTD, zstandard.ZstdCompressor().compress),
    "zstd-of-the-highest-level": (compression.ZSTD, lambda data: zstd(data, 22)),
}
every_codec = pytest.mark.parametrize("name", COMPRESSED)


def body(values: list[bytes | None] = VALUES) -> bytes:
    return b"".join(record(value, delta=delta) for delta, value in enumerate(values))


def compressed(name: str, data: bytes, count: int, **more: int) -> bytes:
    codec, compress = COMPRESSED[name]
    return batch(compress(data), count, codec=codec, **more)


def read(data: bytes, wanted: int = 0, end: int = END) -> list[Record]:
    return [r for b in batches("t", 0, memoryview(data), wanted, end) for r in b.records(wanted)]


def codes(records: list[Record]) -> list[tuple[int, int, str | None]]:
    return [(r.offset, r.next, r.skipped and r.skipped.code) for r in records]


class TestWhatIsSound:
    @every_codec
    def test_is_read_in_order(self, name: str) -> None:
        found = read(compressed(name, body(), len(VALUES), first=7))
        assert [(r.offset, r.value, r.key, r.headers, r.skipped) for r in found] == [
            (7 + n, value, None, [], None) for n, value in enumerate(VALUES)
        ]

    @every_codec
    def test_is_read_from_the_offset_that_was_asked_for(self, name: str) -> None:
        assert [r.offset for r in read(compressed(name, body(), len(VALUES), first=7), wanted=10)] == [10, 11]

    @pytest.mark.parametrize("codec", range(5))
    def test_of_kafka_pythons_own_making_is_read(self, codec: int) -> None:
        builder = MemoryRecordsBuilder(2, codec, 10_000_000)
        for value in VALUES:
            builder.append(1234, b"key", value, [("name", b"content")])
        builder.close()
        found = read(bytes(builder.buffer()))
        assert [(r.value, r.timestamp, r.headers) for r in found] == [(v, 1234, [("name", b"content")]) for v in VALUES]

    def test_may_have_any_key_headers_and_value(self) -> None:
        headers: list[tuple[bytes, bytes | None]] = [
            (b"\xff\xfe", b"\xff"),
            (b"", b""),
            (b"null", None),
            (b"a" * 300, b"b" * 300),
        ]
        for key in (None, b"", b"\xff\x00", b"k" * 5000):
            [found] = read(batch(record(None, key=key, headers=headers), 1))
            assert (found.key, found.value, found.skipped) == (key, None, None)
            assert found.headers == [("\\xff\\xfe", b"\xff"), ("", b""), ("null", None), ("a" * 300, b"b" * 300)]

    def test_messages_of_the_oldest_formats_are_read(self) -> None:
        for magic in (0, 1):
            builder = MemoryRecordsBuilder(magic, 0, 10_000)
            builder.append(5, b"key", b"value")
            builder.close()
            [found] = read(bytes(builder.buffer()))
            assert (found.offset, found.key, found.value, found.skipped) == (0, b"key", b"value", None)

    def test_gaps_that_compaction_left_are_none(self) -> None:
        two = record(b"one") + record(b"five", delta=4)
        assert codes(read(batch(two, 2, last_delta=9))) == [(0, 1, None), (4, 5, None)]
        assert read(batch(b"", 0, last_delta=9)) == []


class TestWhatIsLarge:
    @every_codec
    def test_is_told_in_its_place_and_the_rest_of_its_batch_is_read(self, name: str) -> None:
        large = record_batches.WHOLE + 1
        data = record(b"one") + record(b" " * large, delta=1, key=b"key") + record(b"three", delta=2)
        found = read(compressed(name, data, 3))
        assert codes(found) == [(0, 1, None), (1, 2, "too_large"), (2, 3, None)]
        assert found[1].key == b"key"
        assert found[1].skipped is not None
        assert found[1].skipped.size >= large

    @pytest.mark.parametrize("name", ["gzip", "lz4", "zstd"])
    def test_a_bomb_is_given_up_and_the_next_batch_is_read(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compression, "MOST", 3_000_000)
        data = record(b"one") + record(b" " * 5_000_000, delta=1) + record(b"three", delta=2)
        found = read(compressed(name, data, 3) + batch(record(b"four"), 1, first=3))
        assert codes(found) == [(0, 1, None), (1, 3, "too_large"), (3, 4, None)]

    def test_a_block_of_snappy_that_says_it_is_huge_is_not_begun(self) -> None:
        huge = varint(2**31)[:4] + b"\x7f" + b"x" * 20
        [found] = read(batch(huge, 2, codec=compression.SNAPPY))
        assert found.skipped is not None
        assert (found.offset, found.skipped.last_offset) == (0, 1)

    @pytest.mark.parametrize("name", ["gzip", "lz4", "zstd", "zstd-with-a-wide-window"])
    def test_no_more_of_a_bomb_is_held_than_a_few_pieces(self, name: str, tmp_path: Path) -> None:
        """Read in a process of its own, whose memory has not held the bomb while it was made."""
        file = tmp_path / "bomb"
        file.write_bytes(bomb(name, 200_000_000))
        script = (
            "import re, sys, pathlib\n"
            "from infra.kafka import record_batches\n"
            "def peak(): return int(re.search('VmHWM: *(.*) kB', open('/proc/self/status').read())[1])\n"
            "data, before = memoryview(pathlib.Path(sys.argv[1]).read_bytes()), peak()\n"
            "found = [r.skipped and r.skipped.code for b in record_batches.batches('t', 0, data, 0, 9) for r in b.records(0)]\n"
            "print(found, peak() - before)\n"
        )
        done = subprocess.run([sys.executable, "-c", script, file], capture_output=True, text=True, check=True)
        told, _, held = done.stdout.rpartition(" ")
        # Of the wide window only as much as it fills is ever there; the batch is given up when that is 32 MiB.
        assert told == str([None, "too_large"] if "wide" in name else [None, "too_large", None])
        assert int(held) < 64 * 1024


def bomb(name: str, size: int) -> bytes:
    """A record of so many bytes between two small ones."""
    head = b"\0" + varint(0) + varint(1) + nullable(None) + varint(size)
    before = record(b"one") + varint(len(head) + size + 1) + head
    pieces = [before, *[bytes(1_000_000)] * (size // 1_000_000), varint(0) + record(b"three", delta=2)]
    if name == "gzip":
        deflate = zlib.compressobj(1, wbits=31)
        data = b"".join([*(deflate.compress(piece) for piece in pieces), deflate.flush()])
        return batch(data, 3, codec=compression.GZIP)
    if name == "lz4":
        frame = lz4.frame.LZ4FrameCompressor()
        data = b"".join([frame.begin(), *(frame.compress(piece) for piece in pieces), frame.flush()])
        return batch(data, 3, codec=compression.LZ4)
    window = 27 if "wide" in name else 21
    compressor = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters(window_log=window, strategy=1)
    ).compressobj()
    data = b"".join([*(compressor.compress(piece) for piece in pieces), compressor.flush()])
    return batch(data, 3, codec=compression.ZSTD)


class TestWhatIsDamaged:
    def test_a_false_checksum_is_told_and_the_next_batch_is_read(self) -> None:
        found = read(batch(body(), 5, crc=1) + batch(record(b"six"), 1, first=5))
        assert codes(found) == [(0, 5, "unreadable_record"), (5, 6, None)]
        assert found[0].skipped is not None
        assert "0 to 4" in found[0].skipped.message
        assert "checksum" in found[0].skipped.message

    @pytest.mark.parametrize("magic", [-128, -1, 0, 1, 3, 127])
    def test_an_unknown_format_is_told(self, magic: int) -> None:
        assert [r.offset for r in read(batch(body(), 5, magic=magic) + batch(record(b"six"), 1, first=5))] == [0, 5]

    @pytest.mark.parametrize("last_delta", [-1, 2**31 - 1])
    def test_of_an_unsound_batch_nothing_is_believed_beyond_the_end(self, last_delta: int) -> None:
        damaged = batch(body(), 5, crc=1, last_delta=last_delta)
        assert codes(read(damaged + batch(record(b"six"), 1, first=5)))[1] == (5, 6, None)
        [alone] = read(damaged, end=30)
        assert alone.next in {1, 30}
        # Asked for again from the middle it is told again, and reading goes on.
        assert [r.offset for r in read(damaged, wanted=3, end=30)] == [3]

    @every_codec
    def test_data_of_another_codec_is_told(self, name: str) -> None:
        codec, compress = COMPRESSED[name]
        data = compress(body())
        for other in {0, 1, 2, 3, 4, 5, 6, 7} - {codec}:
            found = read(batch(data, 5, codec=other) + batch(record(b"six"), 1, first=5))
            assert [r.skipped and r.skipped.last_offset for r in found] == [4, None]

    @pytest.mark.parametrize(
        "broken",
        [
            varint(-5),
            varint(2**40),
            varint(10) + b"\xff" * 10,
            record(b"x", delta=-1),
            record(b"x", delta=9),
            record(b"x")[:-1],
            record(b"x")[:-1] + varint(-1),
            record(b"x")[:-1] + varint(2**30),
            b"",
            record(b"x") * 2,
        ],
        ids=repr,
    )
    def test_a_broken_record_ends_its_batch(self, broken: bytes) -> None:
        found = read(batch(record(b"one") + broken, 5) + batch(record(b"six"), 1, first=5))
        assert codes(found) == [(0, 1, None), (1, 5, "unreadable_record"), (5, 6, None)]

    @pytest.mark.parametrize("length", [-(2**31), -13, -12, -1, 0, 4])
    def test_a_length_that_is_none_costs_one_offset_at_a_time(self, length: int) -> None:
        data = batch(body(), 5, length=length)
        assert [r.offset for r in read(data, wanted=2)] == [2]

    def test_what_is_cut_off_is_read_later(self) -> None:
        whole = batch(record(b"one"), 1)
        for cut in range(1, len(whole)):
            assert codes(read(whole + batch(record(b"two"), 1, first=1)[:-cut])) == [(0, 1, None)]

    def test_a_mistake_of_ours_is_told_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(record_batches.RecordBatch, "_read_record", fail)
        assert codes(read(batch(body(), 5))) == [(0, 5, "internal")]

    @settings(max_examples=200, deadline=None)
    @given(
        st.sampled_from(sorted(COMPRESSED.keys() - {"zstd-of-the-highest-level"})),
        st.randoms(use_true_random=False),
        st.booleans(),
    )
    def test_any_bytes_changed_anywhere(self, name: str, lots: random.Random, sealed: bool) -> None:
        """Each offset once and in order; with the checksum of the changed bytes, for who damages on purpose."""
        values: list[bytes | None] = [b"one", None, b"x" * 5000, b"last"]
        data = bytearray(COMPRESSED[name][1](body(values)))
        for _ in range(lots.randint(1, 4)):
            data[lots.randrange(len(data))] = lots.randrange(256)
        made = bytearray(batch(bytes(data), 4, codec=COMPRESSED[name][0]))
        if not sealed:
            made[lots.randrange(12, len(made))] ^= 1 << lots.randrange(8)
        found = read(bytes(made) + batch(record(b"five"), 1, first=4))
        at = 0
        for each in found:
            assert each.offset == at
            at = each.next
        assert at == 5
        assert found[-1].value == b"five"


def partition_records(data: bytes, wanted: int = 0) -> BoundedFetcher.PartitionRecords:
    class Held:
        _buffer = data

    found = BoundedFetcher.PartitionRecords(wanted, TopicPartition("t", 0), Held())
    found.end = END
    return found


class TestPolls:
    def test_end_when_they_hold_enough_and_go_on_where_they_were(self) -> None:
        found = partition_records(compressed("zstd", body([b" " * 1_000_000] * 100), 100))
        taken: list[Record] = []
        rounds = 0
        while found.record_iterator is not None:
            more = found.take(500)
            assert sum(r.cost for r in more) < POLL_BYTES + 1_100_000
            taken += more
            rounds += 1
        assert [r.offset for r in taken] == list(range(100))
        assert rounds > 5

    def test_end_after_what_took_long_to_skip(self) -> None:
        found = partition_records(compressed("zstd", body([b" " * 2_000_000, b"two"] * 2), 4))
        assert [len(found.take(500)) for _ in range(3)] == [1, 2, 1]

    def test_count_records_of_thousands_of_headers_for_what_they_take(self) -> None:
        many = record(b"x", headers=[(b"", b"")] * 100_000)
        assert read(batch(many, 1))[0].cost > 10_000_000


class TestFrames:
    def test_what_fits_is_handed_on_as_it_is(self) -> None:
        frame = Frame(10)
        frame.write(b"01234")
        frame.write(b"56789")
        frame.seek(0)
        assert (frame.read(3), bytes(frame.read()), len(frame)) == (b"012", b"3456789", 10)
