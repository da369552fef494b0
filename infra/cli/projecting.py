"""Projections for a command: an engine on the open store, and its progress on stderr."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from infra.cli.opening import opened
from infra.cli.output import REFUSED, fail, print_note, stderr

if TYPE_CHECKING:
    from infra.projecting.engine import Engine

# Work of fewer steps is over before anybody could read of it.
WORTH_SHOWING = 5_000
SAY_EVERY_SECONDS = 2.0


@contextmanager
def projecting(*, aloud: bool = False) -> "Iterator[Engine]":
    """An engine for the block. With `aloud`, progress is told in lines where stderr is no terminal."""
    from infra.projecting.engine import Engine
    from infra.projecting.rebuild import AlreadyBuilding

    columns = [SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    shown = stderr.is_terminal
    with (
        opened() as rapport,
        Progress(*columns, TimeRemainingColumn(), console=stderr, transient=True, disable=not shown) as bar,
    ):
        watcher = _Lines() if aloud and not shown else _Bar(bar)
        try:
            yield Engine(rapport.store, rapport.clock, watcher=watcher)
        except AlreadyBuilding as error:
            fail(str(error), REFUSED)


def bring_up_to_date(done: str) -> None:
    """Bring the datasets to the head of the log, for whoever reads them with SQL after a command that recorded something.

    That they can't be is no fault of that command, of which `done` says what was done all the same.
    """
    try:
        with projecting() as engine:
            engine.catch_up()
    except typer.Exit:
        print_note(f"{done}; the datasets will follow with the next question")


class _Bar:
    """Shows long work as a bar."""

    def __init__(self, bar: Progress) -> None:
        self.bar = bar
        self.task = bar.add_task("", visible=False)

    def begin(self, what: str, total: int | None) -> None:
        worth = total is None or total >= WORTH_SHOWING
        self.bar.reset(self.task, description=what, total=total, visible=worth)

    def done(self, steps: int) -> None:
        self.bar.advance(self.task, steps)

    def note(self, message: str) -> None:
        print_note(message)


class _Lines:
    """Tells of long work in lines, now and then."""

    def __init__(self) -> None:
        self.what, self.total, self.count = "", 0, 0
        self.said_at = 0.0

    def begin(self, what: str, total: int | None) -> None:
        self.what, self.total, self.count = what, total or 0, 0
        if self.total:
            print_note(f"{what}: {self.total:,} to do")
        self.said_at = time.monotonic()

    def done(self, steps: int) -> None:
        self.count += steps
        if time.monotonic() - self.said_at >= SAY_EVERY_SECONDS:
            self.said_at = time.monotonic()
            print_note(f"{self.what}: {self.count:,} of {self.total:,}")

    def note(self, message: str) -> None:
        print_note(message)
