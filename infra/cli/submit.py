"""`rapport submit`: messages in, receipts out, both as JSON lines."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EACCES, EISDIR
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING, Annotated, BinaryIO, cast

import typer

from infra.cli import streams
from infra.cli.opening import opened
from infra.cli.output import REFUSED, USAGE, fail, is_watched, print_json_bytes, print_note, progress, standard_input
from infra.cli.projecting import bring_up_to_date

if TYPE_CHECKING:
    from infra.bootstrap import Rapport
    from infra.intake.lines import Readable
    from infra.intake.receipt import Receipt
    from infra.worker_runtime.pace import Pace

STDIN = "-"
FilesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILE…|-]", help="Files of messages, one JSON object a line; - or none is standard input."),
]
PlainOption = Annotated[bool, typer.Option("--json", hidden=True, help="Receipts are JSON lines in any case.")]

DatasetsOption = Annotated[
    bool, typer.Option("--datasets/--no-datasets", help="Whether to bring the datasets up to date afterwards.")
]
WalkOption = Annotated[
    bool,
    typer.Option(
        "--walk",
        help="Let the workers keep pace with the times of the messages, for a history that is submitted afterwards.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add `submit`."""
    app.command("submit")(submit)


def submit(
    files: FilesArgument = None,
    walk: WalkOption = False,
    as_json: PlainOption = False,  # noqa: ARG001
    datasets: DatasetsOption = True,
) -> None:
    """Submit messages and print one receipt for each, in order, on standard output.

    Exits 1 if any message was refused, invalid or in conflict. A receipt is printed once its message is committed; the
    same file may be submitted again at any time. Afterwards the datasets are brought up to date, so that SQL shows the new
    messages too.

    With --walk the workers do everything that is due before the time of a message before the message is taken: concerns,
    recommendations and tasks of a history come at their times. Notifications are kept and not sent.
    """
    names = files or [STDIN]
    if STDIN in names:
        standard_input()
    if not streams.is_open():
        fail("standard output is closed: there is no place for the receipts; nothing was handed in", USAGE)
    total = _size(names)
    counted: Counter[str] = Counter()
    unread = 0
    with opened() as rapport, _pace(rapport, walk=walk) as pace, progress("submitting, bytes", total) as advance:
        for name in names:
            try:
                for receipts in _answers(rapport, name, advance, pace):
                    counted.update(receipt.status for receipt in receipts)
                    _write(b"".join(receipt.to_json() + b"\n" for receipt in receipts))
            except _Unreadable as error:
                unread += 1
                print_note(f"error: {error}")
    if pace is not None:
        print_note(f"workers: {pace.tally}")
    if datasets:
        bring_up_to_date("the messages are recorded")
    if counted and not rapport.senders.checked:
        from infra.intake.senders import UNCHECKED

        print_note(UNCHECKED)
    if is_watched():
        print_note(f"{counted.total()} messages: " + ", ".join(f"{n} {status}" for status, n in counted.items()))
    if unread or counted["refused"] or counted["invalid"] or counted["conflict"]:
        raise typer.Exit(REFUSED)


@contextmanager
def _pace(rapport: "Rapport", *, walk: bool) -> "Iterator[Pace | None]":
    """The workers that keep pace, if they are to."""
    if not walk:
        yield None
        return
    from infra.worker_runtime.pace import AnotherWorks, keeping_pace

    try:
        with keeping_pace(rapport.store, rapport.handler, rapport.clock) as pace:
            yield pace
    except AnotherWorks as error:
        fail(str(error), REFUSED)


class _Unreadable(Exception):
    """A file that could not be opened, or not be read to its end, after all; the message names it."""


def _answers(
    rapport: "Rapport", name: str, advance: Callable[[int], None], pace: "Pace | None"
) -> "Iterator[list[Receipt]]":
    """The receipts of what a file holds, as they come. It is opened once: what a pipe has given it will not give again.

    Raises `_Unreadable`; what was read before is recorded and its receipts are given.
    """
    with _stream(name) as stream:
        handed_in = _lines(name, stream, advance)
        if pace is not None:
            yield from pace.handle_all(handed_in)
            return
        # A file has its next lines ready; a writer to a pipe may wait for the receipts of the last.
        ready = name != STDIN and S_ISREG(os.fstat(stream.fileno()).st_mode)
        yield from rapport.handler.handle_all(handed_in) if ready else map(rapport.handler.handle, handed_in)


def _lines(name: str, stream: BinaryIO, advance: Callable[[int], None]) -> Iterator[list[bytes]]:
    from infra.intake.lines import batches

    found = batches(cast("Readable", stream))
    while True:
        try:
            lines, size = next(found)
        except StopIteration:
            return
        except OSError as error:
            raise _Unreadable(f"can't read {name} to its end: {error.strerror}") from None
        yield lines
        advance(size)


def _size(names: list[str]) -> int | None:
    """The bytes to come, or None if nobody knows; a file that can't be read exits 2 before anything is handed in.

    Nothing is opened for that: a writer to a named pipe would take it for the reader.
    """
    total: int | None = 0
    for name in names:
        if name == STDIN:
            total = None
            continue
        try:
            status = Path(name).stat()
        except OSError as error:
            fail(f"can't read {name}: {error.strerror}", USAGE)
        if S_ISDIR(status.st_mode):
            fail(f"can't read {name}: {os.strerror(EISDIR)}", USAGE)
        if not os.access(name, os.R_OK):
            fail(f"can't read {name}: {os.strerror(EACCES)}", USAGE)
        total = total + status.st_size if total is not None and S_ISREG(status.st_mode) else None
    return total


@contextmanager
def _stream(name: str) -> Iterator[BinaryIO]:
    if name == STDIN:
        yield standard_input()
        return
    try:
        stream = Path(name).open("rb")  # noqa: SIM115 - what goes wrong in the block is no failure to open
    except OSError as error:
        raise _Unreadable(f"can't read {name}: {error.strerror}") from None
    with stream:
        yield stream


def _write(receipts: bytes) -> None:
    try:
        print_json_bytes(receipts)
    except streams.NobodyReads:
        # What was handed in is recorded; what was not yet, waits for somebody who reads the receipts.
        raise typer.Exit(REFUSED) from None
    except streams.OutputLost as error:
        fail(f"{error}; what was handed in so far is recorded: hand it in again to have its receipts", REFUSED)
