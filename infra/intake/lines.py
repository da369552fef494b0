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
    rest, cutting = b"", False
    while chunk := stream.read1(READ):
        size = len(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        if cutting and lines:
            # The end of a line of which the beginning was handed on already.
            del lines[0]
            cutting = False
        if cutting:
            rest = b""
        elif len(rest) > LONGEST:
            lines.append(rest[: LONGEST + 1])
            rest, cutting = b"", True
        yield from _filled(lines, size)
    yield from _filled([rest], 0)


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
