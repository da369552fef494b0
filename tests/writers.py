"""Writer processes that are told what to write, line by line, and answer each line."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

Writer = subprocess.Popen[str]


@contextmanager
def started(commands: Sequence[Sequence[str]], environment: Mapping[str, str] | None = None) -> Iterator[list[Writer]]:
    """A process for each module with its arguments, once they have all said that they are ready; they must end well."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", *command],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    for writer in writers:
        assert answer(writer) == "ready"
    yield writers
    for writer in writers:
        writer.communicate(timeout=30)
        assert writer.returncode == 0


def answer(writer: Writer) -> str:
    """The next line that the writer says."""
    assert writer.stdout is not None
    return writer.stdout.readline().strip()


def tell(writer: Writer, line: str) -> None:
    """Give the writer a line to act on."""
    assert writer.stdin is not None
    writer.stdin.write(f"{line}\n")
    writer.stdin.flush()
