"""Which clocks a store was written by: the machine's, a fixed one (`RAPPORT_CLOCK`, `work --until`), or both.

A fixed clock is for tests and what-ifs. In a record of what really happened it puts events at recorded times that were none,
and since recorded time never goes back, everything after them too. So each kind of clock leaves a mark at its first use, which
stays, and a store that the machine's clock wrote first takes a fixed one only by force.
"""

from datetime import datetime
from typing import Final, Literal, NamedTuple

from infra.store.session import StoreSession, as_time

ClockKind = Literal["machine", "fixed"]
COLUMNS: Final = ("clock", "position", "at")


class ClockMark(NamedTuple):
    """The first use of a kind of clock: the head of the log at that time, and what the clock said."""

    clock: ClockKind
    position: int
    at: datetime


def read_marks(session: StoreSession) -> list[ClockMark]:
    """The marks of the store, in the order in which they were made."""
    rows = session.query("SELECT clock, position, at FROM store_clocks ORDER BY position, clock")
    return [ClockMark(clock, position, as_time(at)) for clock, position, at in rows]


def leave_mark(session: StoreSession, mark: ClockMark) -> None:
    """Note the first use of a kind of clock; a mark that is there stays as it is."""
    clock, position, at = mark
    session.execute(
        "INSERT INTO store_clocks (clock, position, at) VALUES (?, ?, ?) ON CONFLICT (clock) DO NOTHING",
        (clock, position, at),
    )


def is_real(marks: list[ClockMark]) -> bool:
    """Whether the machine's clock wrote the store first: then it is a record of what really happened."""
    return bool(marks) and marks[0].clock == "machine"
