"""Times on the command line: as they are shown, and the options that ask about another one.

`--as-of` asks how it was by then, as it had happened; `--known-at` how it was known then.
"""

import re
from datetime import UTC, datetime
from datetime import time as time_of_day
from typing import Annotated, Final

import typer

from domain.model import FIRST_YEAR, LAST_YEAR

# Nothing is recorded or planned before or after: a time further off has the same answer, and Python's years end before days in
# every time zone do.
_BEFORE: Final = datetime(FIRST_YEAR - 1, 12, 1, tzinfo=UTC)
_AFTER: Final = datetime(LAST_YEAR + 1, 1, 31, tzinfo=UTC)

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_END_OF_DAY: Final = time_of_day.max
_EXPECTED: Final = "one such as 2026-03-02T09:00:00Z, or a day such as 2026-03-02 (to its end, in UTC)"


def aware_time(text: str) -> datetime:
    """A time with its offset, in UTC, or the end of the years that Rapport records; a wrong one ends the command with exit code 2.

    A day stands for its end in UTC: as of a day, all of that day had happened.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time: expected {_EXPECTED}") from None
    if _DAY.fullmatch(text):
        time = datetime.combine(time.date(), _END_OF_DAY, tzinfo=UTC)
    if time.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no offset: expected {_EXPECTED}")
    if not FIRST_YEAR <= time.year <= LAST_YEAR:
        return _BEFORE if time.year < FIRST_YEAR else _AFTER
    return time.astimezone(UTC)


def shown_time(value: datetime | None) -> str:
    """A time for a person, to the minute in UTC; nothing where there is none."""
    return f"{value:%Y-%m-%d %H:%M}Z" if value else ""


AsOf = Annotated[
    datetime | None,
    typer.Option(parser=aware_time, metavar="TIME", help="As it was by then: what had occurred by this time (or day)."),
]
KnownAt = Annotated[
    datetime | None,
    typer.Option(
        parser=aware_time, metavar="TIME", help="As it was known then: what had been recorded by this time (or day)."
    ),
]
