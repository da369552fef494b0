"""Messages out of a stream of JSON lines, some hundreds at a time, in flat memory however long the stream or a line is."""

from collections.abc import Iterator
from typing import Final, Protocol

from infra.intake.message import MAX_BYTES

READ: Final = 256 * 1024
MAX_LINES: Final = 1000
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class Readable(Protocol):
    """What gives its bytes as they come."""

    def read1(self, size: int = ..., /) -> bytes:
        """At most `size` bytes, as soon as there are any; none at the end."""


def batches(stream: Readable) -> Iterator[tuple[list[bytes], int]]:
    """Batches of lines, and the bytes read for each; blank lines are left out.

    A line that is longer than a message may be comes cut off right after the limit, which is enough to call it too
    large. What a pipe has is handed on at once; nothing waits for a batch to fill up.
    """
    rest, cutting, first = b"", False, True
    while chunk := stream.read1(READ):
        size = len(chunk)
        if first:
            chunk, first = chunk.removeprefix(BYTE_ORDER_MARK), False
        *lines, rest = (rest + chunk).split(b"\n")
        if cutting and lines:
            # The end of a line of which the beginning was handed on already.
            del lines[0]
            cutting = False
        if cutting:
            rest = b""
        elif len(rest) > MAX_BYTES + 1:
            lines.append(rest[: MAX_BYTES + 2])
            rest, cutting = b"", True
        yield from _filled(lines, size)
    yield from _filled([rest], 0)


def _filled(lines: list[bytes], size: int) -> Iterator[tuple[list[bytes], int]]:
    full = [line.removesuffix(b"\r") for line in lines if line and not line.isspace()]
    for start in range(0, len(full), MAX_LINES):
        yield full[start : start + MAX_LINES], size if start == 0 else 0
    if not full:
        yield [], size
