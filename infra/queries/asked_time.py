"""The time of a question, as it is written on the command line and over HTTP."""

import re
from datetime import UTC, datetime
from datetime import time as time_of_day
from typing import Final

from domain.model import FIRST_YEAR, LAST_YEAR

# Nothing is recorded or planned before or after: a time further off has the same answer, and Python's years end before days in
# every time zone do.
_BEFORE: Final = datetime(FIRST_YEAR - 1, 12, 1, tzinfo=UTC)
_AFTER: Final = datetime(LAST_YEAR + 1, 1, 31, tzinfo=UTC)

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.]\d+)?)?([Zz]|[+-]\d{2}:\d{2})?", re.ASCII)
_END_OF_DAY: Final = time_of_day.max
EXPECTED: Final = (
    "expected a time with its offset such as 2026-03-02T09:00:00Z, or a day such as 2026-03-02 (to its end, in UTC)"
)


def asked_time(text: str) -> datetime:
    """A time with its offset, in UTC, or the nearest of the years that Rapport records.

    A day stands for its end in UTC: as of a day, all of that day had happened.

    Raises:
        ValueError: The text is neither; the sentence says what is expected.
    """
    try:
        found = datetime.fromisoformat(text.upper()) if _TIME.fullmatch(text) or _DAY.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None:
        raise ValueError(EXPECTED)
    if _DAY.fullmatch(text):
        found = datetime.combine(found.date(), _END_OF_DAY, tzinfo=UTC)
    if found.tzinfo is None:
        raise ValueError(f"it has no offset; {EXPECTED}")
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        return _BEFORE if found.year < FIRST_YEAR else _AFTER
    return found.astimezone(UTC)
