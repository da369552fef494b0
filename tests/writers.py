"""Writer processes that are told what to write, line by line, and answer each line."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from tests import command


@dataclass(frozen=True)
class Writer:
    """A process and the two pipes to it."""

    process: command.Fork
    stdin: TextIO
    stdout: TextIO


def start(module: str, *arguments: str, environment: Mapping[str, str]) -> Writer:
    reads, stdin = os.pipe()
    stdout, writes = os.pipe()
    files = (reads, writes, sys.__stderr__.fileno())  # type: ignore[union-attr]
    process = command.start(*arguments, env=environment, files=files, program=module)
    os.close(reads)
    os.close(writes)
    return Writer(process, os.fdopen(stdin, "w"), os.fdopen(stdout))


@contextmanager
def started(commands: Sequence[Sequence[str]], environment: Mapping[str, str] = os.environ) -> Iterator[list[Writer]]:
    """A process for each module with its arguments, once they have all said that they are ready; they must end well."""
    writers = [start(*each, environment=environment) for each in commands]
    for writer in writers:
        assert answer(writer) == "ready"
    yield writers
    for writer in writers:
        writer.stdin.close()
        assert writer.process.wait(30) == 0
        writer.stdout.close()


def answer(writer: Writer) -> str:
    """The next line that the writer says."""
    return writer.stdout.readline().strip()


def tell(writer: Writer, line: str) -> None:
    """Give the writer a line to act on."""
    writer.stdin.write(f"{line}\n")
    writer.stdin.flush()
