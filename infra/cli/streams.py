"""Standard output and standard error as they are found: closed, full, without a reader, or in a small encoding.

Standard output carries answers alone. While a command runs, `sys.stdout` is standard error, so whatever else prints (a
library's log line, a warning) can't get between them; answers go out through `write` of this module.
"""

import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, Final, TextIO

STANDARD: Final = ("stdin", "stdout", "stderr")


class OutputLost(Exception):
    """Standard output takes nothing; the message says why."""


class NobodyReads(Exception):
    """The reader of standard output has gone."""


class _Answers:
    """Where answers go while a command runs; None means `sys.stdout`."""

    stream: TextIO | None = None


class _Closed(io.RawIOBase):
    """Stands for standard output that was closed before we began: it fails as such a file does."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:  # noqa: ARG002 - none of it goes anywhere
        raise OSError("standard output is closed")


def prepare() -> None:
    """Make the three streams usable, whatever the caller made of them.

    The numbers of closed streams are taken, lest the next file that is opened (a store) be written to by a stray `print`.
    """
    for number, name in enumerate(STANDARD):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
        stream = getattr(sys, name)
        if stream is not None and name != "stdin":
            stream.reconfigure(errors="backslashreplace")
    if sys.stdout is None:
        sys.stdout = io.TextIOWrapper(_Closed(), encoding="utf-8", write_through=True)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - open as long as the process


def answering(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with standard output kept for its answers: what else is printed goes to standard error."""

    @wraps(command)
    def run(*arguments: Any, **named: Any) -> Any:
        before, _Answers.stream = _Answers.stream, answers()
        printed, sys.stdout = sys.stdout, sys.stderr
        try:
            return command(*arguments, **named)
        finally:
            _Answers.stream, sys.stdout = before, printed

    return run


def answers() -> TextIO:
    """The stream of answers."""
    return _Answers.stream or sys.stdout


def is_open() -> bool:
    """Whether there is a standard output at all."""
    return not isinstance(getattr(answers(), "buffer", None), _Closed)


def encoding() -> str:
    """The encoding of answers; UTF-8 when the stream has none."""
    return getattr(answers(), "encoding", None) or "utf-8"


def write(data: str | bytes) -> None:
    """Write answers at once.

    Raises:
        OutputLost: the disk is full, or standard output is closed.
        NobodyReads: the pipe has no reader any more.
    """
    out = answers()
    try:
        if isinstance(data, str):
            out.write(data)
        else:
            out.flush()
            out.buffer.write(data)
        out.flush()
    except BrokenPipeError:
        raise NobodyReads from None
    except OSError as error:
        why = f"standard output takes nothing: {error.strerror}" if error.strerror else str(error)
        raise OutputLost(why) from None


def complain(text: str) -> None:
    """Write a line on standard error; if that is impossible, the exit code alone must do."""
    with suppress(OSError, ValueError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def settle() -> None:
    """Flush both streams for the last time; Python must not complain at exit of what was told already."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), number)
