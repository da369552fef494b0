"""Projections for a command: an engine on the open store, and its progress on stderr."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from infra.cli.opening import opened
from infra.cli.output import REFUSED, ProgressLines, fail, is_watched, print_note

if TYPE_CHECKING:
    from infra.bootstrap import Rapport
    from infra.projection_engine.engine import Engine

# Work of fewer steps is over before anybody could read of it.
WORTH_SHOWING = 5_000


@contextmanager
def projecting(*, aloud: bool = False) -> "Iterator[Engine]":
    """An engine for the block. Long work is told on a terminal, and with `aloud` in any case, from its beginning."""
    with opened() as rapport, engine_of(rapport, aloud=aloud) as engine:
        yield engine


@contextmanager
def engine_of(rapport: "Rapport", *, aloud: bool = False) -> "Iterator[Engine]":
    """The same, of a store that is open."""
    from infra.projection_engine.build import AlreadyBuilding

    try:
        yield rapport.engine(Watching(aloud=aloud))
    except AlreadyBuilding as error:
        fail(str(error), REFUSED)


def bring_up_to_date(done: str) -> None:
    """Bring the datasets to the head of the log, for those who read them with SQL after a command that recorded something.

    That they can't be is no fault of that command, of which `done` says what was done all the same.
    """
    try:
        with projecting() as engine:
            engine.catch_up()
    except typer.Exit:
        print_note(f"{done}; the datasets will follow with the next question")


class Watching:
    """Tells of long work in lines, now and then."""

    def __init__(self, *, aloud: bool) -> None:
        self.aloud = aloud
        self.lines: ProgressLines | None = None

    def begin(self, what: str, total: int | None) -> None:
        worth = total is None or total >= WORTH_SHOWING
        self.lines = ProgressLines(what, total) if self.aloud or (worth and is_watched()) else None
        if self.aloud and total:
            print_note(f"{what}: {total:,} to do")

    def done(self, steps: int) -> None:
        if self.lines is not None:
            self.lines.done(steps)

    def note(self, message: str) -> None:
        print_note(message)
