"""`rapport submit`: messages in, receipts out, both as JSON lines."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, cast

import typer

from infra.cli.opening import opened
from infra.cli.output import REFUSED, USAGE, fail, print_note, progress, stderr
from infra.cli.projecting import bring_up_to_date

if TYPE_CHECKING:
    from infra.intake.lines import Readable

STDIN = "-"
FilesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILE…|-]", help="Files of messages, one JSON object a line; - or none is standard input."),
]
PlainOption = Annotated[bool, typer.Option("--json", hidden=True, help="Receipts are JSON lines in any case.")]

DatasetsOption = Annotated[
    bool, typer.Option("--datasets/--no-datasets", help="Whether to bring the datasets up to date afterwards.")
]


def register(app: typer.Typer) -> None:
    """Add `submit`."""
    app.command("submit")(submit)


def submit(files: FilesArgument = None, as_json: PlainOption = False, datasets: DatasetsOption = True) -> None:  # noqa: ARG001
    """Hand in messages; the receipts, one for each, come in order on standard output.

    Exits 1 if any message was refused, invalid or in conflict. A receipt is printed once its message is committed; the
    same file may be handed in again at any time. Afterwards the datasets are brought up to date, so that whoever opens
    the store with SQL finds what was just handed in.
    """
    names = files or [STDIN]
    total = _size(names)
    counted: Counter[str] = Counter()
    with opened() as rapport, progress("submitting", total) as advance:
        out = sys.stdout.buffer
        for name in names:
            with _stream(name) as stream:
                handed_in = _lines(stream, advance)
                # A file has its next lines ready; whoever writes to a pipe may wait for the receipts of the last.
                ready = name != STDIN and Path(name).is_file()
                answers = rapport.handler.handle_all(handed_in) if ready else map(rapport.handler.handle, handed_in)
                for receipts in answers:
                    counted.update(receipt.status for receipt in receipts)
                    _write(out, b"".join(receipt.to_json() + b"\n" for receipt in receipts))
    if datasets:
        bring_up_to_date("the messages are recorded")
    if counted and not rapport.senders.checked:
        from infra.intake.senders import UNCHECKED

        print_note(UNCHECKED)
    if stderr.is_terminal:
        print_note(f"{counted.total()} messages: " + ", ".join(f"{n} {status}" for status, n in counted.items()))
    if counted["refused"] or counted["invalid"] or counted["conflict"]:
        raise typer.Exit(REFUSED)


def _lines(stream: "Readable", advance: Callable[[int], None]) -> Iterator[list[bytes]]:
    from infra.intake.lines import batches

    for lines, size in batches(stream):
        yield lines
        advance(size)


def _size(names: list[str]) -> int | None:
    """The bytes to come, or None if nobody knows; a file that can't be read exits 2 before anything is handed in."""
    total = 0
    for name in names:
        if name == STDIN:
            continue
        try:
            with Path(name).open("rb"):
                total += Path(name).stat().st_size
        except OSError as error:
            fail(f"can't read {name}: {error.strerror}", USAGE)
    return None if STDIN in names else total


@contextmanager
def _stream(name: str) -> "Iterator[Readable]":
    if name == STDIN:
        yield cast("Readable", sys.stdin.buffer)
        return
    with Path(name).open("rb") as stream:
        yield stream


def _write(out: BinaryIO, text: bytes) -> None:
    try:
        out.write(text)
        out.flush()
    except BrokenPipeError:
        # Whoever read the receipts has gone; what was handed in is recorded. Python must not complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(REFUSED) from None
