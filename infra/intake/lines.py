"""Messages out of a stream of JSON lines, some hundreds at a time, in flat memory however long the stream or a line is."""

from collections.abc import Iterator
from typing import Final, Protocol

from infra.intake.message import BYTE_ORDER_MARK, MAX_BYTES

READ: Final = 256 * 1024
MAX_LINES: Final = 1000
# A line that has more is too large, whatever it begins and ends with.
LONGEST: Final = len(BYTE_ORDER_MARK) + MAX_BYTES + len(b"\r")


class Readable(Protocol):
    """What gives its bytes as they come."""

    def read1(self, size: int = ..., /) -> bytes:
        """At most `size` bytes, as soon as there are any; none at the end."""


def batches(stream: Readable) -> Iterator[tuple[list[bytes], int]]:
    """Batches of lines, and the bytes read for each; blank lines are left out.

    Any line may begin with a byte order mark, as the first of each file does that was joined with others on its way.

    A line that is longer than a message may be comes cut off right after the limit, which is enough to call it too
    large. What a pipe has is handed on at once; nothing waits for a batch to fill up.
    """
    cutter = Cutter()
    while chunk := stream.read1(READ):
        yield from _filled(cutter.lines(chunk), len(chunk))
    yield from _filled([cutter.rest], 0)


class Cutter:
    """Cuts what comes in pieces into lines; `rest` is the last one as far as it came.

    A line that is longer than a message may be is handed on right after the limit, and its end is dropped.
    """

    def __init__(self) -> None:
        self.rest = b""
        self._cutting = False

    def lines(self, piece: bytes) -> list[bytes]:
        """The lines that end in a piece."""
        *lines, self.rest = (self.rest + piece).split(b"\n")
        if self._cutting and lines:
            # The end of a line of which the beginning was handed on already.
            del lines[0]
            self._cutting = False
        if self._cutting:
            self.rest = b""
        elif len(self.rest) > LONGEST:
            lines.append(self.rest[: LONGEST + 1])
            self.rest, self._cutting = b"", True
        return lines


def _filled(lines: list[bytes], size: int) -> Iterator[tuple[list[bytes], int]]:
    full = [
        line
        for each in lines
        if (line := each.removeprefix(BYTE_ORDER_MARK).removesuffix(b"\r")) and not line.isspace()
    ]
    for start in range(0, len(full), MAX_LINES):
        yield full[start : start + MAX_LINES], size if start == 0 else 0
    if not full:
        yield [], size
