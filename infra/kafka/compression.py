"""Compressed batches, decompressed piece by piece: no more than a piece and the codec's own window is ever in memory.

kafka-python decompresses a batch in one go, so that one megabyte from a producer could become gigabytes here. These four read
on only as far as their reader does, and give up on a batch after `MOST` bytes.
"""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import lz4.frame
import zstandard
from cramjam import snappy

# How much is decompressed at a time, and how much is handed to a codec at a time.
PIECE: Final = 256 * 1024
# The most bytes that a batch may become: reading them takes a second or two, however small they were.
MOST: Final = 512 * 1024 * 1024
# A block of snappy can only be decompressed whole. Producers make blocks of 32 KiB, or one of a batch, which has 1 MiB.
SNAPPY_BLOCK: Final = 16 * 1024 * 1024
XERIAL: Final = b"\x82SNAPPY\x00"
XERIAL_HEADER: Final = 16
# Zstandard looks back so far, as its levels up to 19 do. A batch of a higher level may ask for 128 MiB, but gets only as much
# as it fills, so it may become no larger than this.
ZSTD_WINDOW: Final = 8 * 1024 * 1024
ZSTD_WIDEST: Final = 128 * 1024 * 1024
ZSTD_WIDE_MOST: Final = 32 * 1024 * 1024

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
NAMES: Final[Mapping[int, str]] = {NONE: "no compression", GZIP: "gzip", SNAPPY: "snappy", LZ4: "lz4", ZSTD: "zstd"}


class Damaged(Exception):
    """These bytes are not what they say they are."""


class TooMuch(Exception):
    """The batch becomes larger than anybody may make us read."""


def pieces(codec: int, data: memoryview) -> Iterator[bytes]:
    """The decompressed bytes of a batch, in pieces of at most `PIECE` (of snappy, a block).

    Raises:
        Damaged: the data is not of this codec, or there is no such codec.
        TooMuch: the pieces have more than `MOST` bytes in all.
    """
    read = _CODECS.get(codec)
    if read is None:
        raise Damaged(f"there is no codec of number {codec}")
    total, most = 0, MOST
    if codec == ZSTD and _zstd_window(data) > ZSTD_WINDOW:
        most = ZSTD_WIDE_MOST
    try:
        for piece in read(data):
            total += len(piece)
            if total > most:
                break
            yield piece
        else:
            return
    except (TooMuch, Damaged):
        raise
    except Exception as error:  # each codec has errors of its own, and they mean the same
        raise Damaged(f"this is not {NAMES[codec]}: {error}") from error
    raise TooMuch(f"{NAMES[codec]} makes more than {most} bytes of it")


def _plain(data: memoryview) -> Iterator[bytes]:
    for start in range(0, len(data), PIECE):
        yield bytes(data[start : start + PIECE])


def _gzip(data: memoryview) -> Iterator[bytes]:
    codec = zlib.decompressobj(wbits=31)
    for given in _plain(data):
        while given:
            if codec.eof:
                codec = zlib.decompressobj(wbits=31)
            yield codec.decompress(given, PIECE)
            given = codec.unused_data if codec.eof else codec.unconsumed_tail  # noqa: PLW2901 - what is left of it
    while not codec.eof:
        # What the codec still holds; nothing more means that the end is missing.
        if not (rest := codec.decompress(b"", PIECE)):
            raise Damaged("its end is missing")
        yield rest


def _lz4(data: memoryview) -> Iterator[bytes]:
    codec = lz4.frame.LZ4FrameDecompressor()
    for given in _plain(data):
        while given or not (codec.needs_input or codec.eof):
            if codec.eof:
                codec = lz4.frame.LZ4FrameDecompressor()
            yield codec.decompress(given, max_length=PIECE)
            given = codec.unused_data or b"" if codec.eof else b""  # noqa: PLW2901 - what is left of it
    if not codec.eof:
        raise Damaged("its end is missing")


def _zstd(data: memoryview) -> Iterator[bytes]:
    window = ZSTD_WIDEST if _zstd_window(data) > ZSTD_WINDOW else ZSTD_WINDOW
    codec = zstandard.ZstdDecompressor(max_window_size=window)
    with codec.stream_reader(data, read_across_frames=True) as reader:
        while piece := reader.read(PIECE):
            yield piece


def _zstd_window(data: memoryview) -> int:
    try:
        return int(zstandard.get_frame_parameters(data).window_size)
    except zstandard.ZstdError:
        return 0


def _snappy(data: memoryview) -> Iterator[bytes]:
    """One block, or the blocks that Java's library writes, each after its length."""
    if bytes(data[: len(XERIAL)]) != XERIAL:
        yield _snappy_block(data)
        return
    at = XERIAL_HEADER
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        at += 4
        if at + length > len(data):
            raise Damaged("its end is missing")
        yield _snappy_block(data[at : at + length])
        at += length


def _snappy_block(block: memoryview) -> bytes:
    compressed = bytes(block)
    if snappy.decompress_raw_len(compressed) > SNAPPY_BLOCK:
        raise TooMuch(f"snappy makes more than {SNAPPY_BLOCK} bytes of one block")
    return bytes(snappy.decompress_raw(compressed))


_CODECS: Final[Mapping[int, Callable[[memoryview], Iterator[bytes]]]] = {
    NONE: _plain,
    GZIP: _gzip,
    SNAPPY: _snappy,
    LZ4: _lz4,
    ZSTD: _zstd,
}
