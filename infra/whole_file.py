"""A file that is there whole or not at all: written beside its place, which it takes when all is on disk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, cast


@contextmanager
def whole_file(target: Path) -> Iterator[IO[bytes]]:
    """The file to write; it takes the target's place at the end of the block. A device or a pipe is written to as it is.

    Raises:
        OSError: it can't be written; what stood there before stays.
    """
    if target.exists() and not target.is_file():
        with target.open("wb") as out:
            yield out
        return
    with beside(target) as out:
        yield out
        save(out)
        put(out, target)


@contextmanager
def beside(target: Path) -> Iterator[IO[bytes]]:
    """A new file in the target's folder, which is gone after the block unless it was put in place."""
    with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as out:
        try:
            yield cast("IO[bytes]", out)
        finally:
            Path(out.name).unlink(missing_ok=True)


def save(*files: IO[bytes]) -> None:
    """Bring files to the disk."""
    for out in files:
        out.flush()
        os.fsync(out.fileno())


def put(out: IO[bytes], target: Path) -> None:
    """Let a file take the target's place."""
    path = Path(out.name)
    # It keeps the rights that it was made with: its owner's alone.
    path.replace(target)
