"""`rapport simulate`: made-up messages at realistic rates, for load, demonstrations and tests."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from infra.cli import streams
from infra.cli.output import USAGE, fail, print_note, progress
from infra.unknown_name import unknown_name

DAYS = ["%Y-%m-%d"]
BATCH = 512


def register(app: typer.Typer) -> None:
    """Add `simulate`."""
    app.command("simulate")(simulate)


def simulate(
    relationships: Annotated[int, typer.Option(min=0, help="How many relationships; each has some 65 messages.")],
    seed: Annotated[int, typer.Option(help="The same seed and options give the same bytes.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file instead of stdout.")] = None,
    start: Annotated[
        datetime | None,
        typer.Option(formats=DAYS, show_default="2024-01-01", help="The day on which it all begins."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=DAYS,
            help="Generate nothing from this day on; relationships active then stay active. At most today.",
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=36_500, help="Over how many days the relationships begin.")] = 365,
    codes: Annotated[
        str | None,
        typer.Option(show_default="all five", help="Only programmes with these codes: some of the five, with commas."),
    ] = None,
) -> None:
    """Generate mentoring at realistic rates: messages as JSON lines, in order of time, for `rapport submit`.

    The rules accept every one of them in a store that has none of them yet. Times are in the past. Memory grows with the
    relationships alive at one time (some 3 KB each), never with the messages.
    """
    from infra.simulate.stream import CODES, START, Simulation
    from infra.whole_file import whole_file

    named = set(CODES) if codes is None else set(codes.split(","))
    wanted = tuple(code for code in CODES if code in named)
    if unknown := named - set(wanted):
        fail(unknown_name("code", min(unknown), CODES), USAGE)
    today = _today()
    begin, cut = start.replace(tzinfo=UTC) if start else START, until.replace(tzinfo=UTC) if until else None
    if begin >= today or (cut and cut > today):
        fail("--start must be before today, --until not after it: messages tell what has happened", USAGE)
    if cut and cut <= begin:
        fail(f"--until is {cut.date()}, not after --start {begin.date()}: nothing would be told", USAGE)
    simulation = Simulation(relationships, seed, begin, cut, wanted, days)
    if simulation.ends_before > today:
        print_note(f"cut off at {today.date()}: give --until {today.date()} to have the same bytes on another day")
        simulation = Simulation(relationships, seed, begin, today, wanted, days)
    try:
        with whole_file(output) if output else nullcontext() as file:
            _write(simulation.messages(), file.write if file else streams.write)
    except streams.NobodyReads:
        return
    except OSError as error:
        fail(f"can't write {output}: {error.strerror or error}; nothing was written")


def _today() -> datetime:
    """The beginning of the present day, in UTC."""
    from infra.clock import Clock
    from infra.settings import WrongSettings, load

    try:
        return Clock(load().clock).now().replace(hour=0, minute=0, second=0, microsecond=0)
    except WrongSettings as error:
        fail(str(error), USAGE)


def _write(messages: Iterator[bytes], write: Callable[[bytes], object]) -> None:
    """One message a line, in batches."""
    with progress("messages") as advance:
        while batch := list(islice(messages, BATCH)):
            write(b"\n".join([*batch, b""]))
            advance(len(batch))
