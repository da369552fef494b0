"""Moments as whole microseconds since 1970 (UTC): exact, ordered, and cheap to add and compare.

Windows and gaps are differences of moments. A window that holds "at exactly n days" and a gap of "more than n days"
change one microsecond later, the smallest step that a time can make.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE: Final = 60_000_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

# Longer than any time that a message may carry; a term that asks for more never comes about.
FOREVER: Final = 10_000 * 366 * DAY
_LAST: Final = datetime(9999, 12, 31, tzinfo=UTC)


def moment(time: datetime) -> int:
    """Microseconds from 1970 to an aware time."""
    since = time - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


_LAST_MOMENT: Final = moment(_LAST)


def time_of(at: int) -> datetime | None:
    """The UTC time of a moment; None beyond the last year that a calendar can show."""
    return EPOCH + timedelta(microseconds=at) if at <= _LAST_MOMENT else None


def span(amount: float, unit: int) -> int:
    """So many minutes, hours or days as microseconds, rounded to the nearest and at most `FOREVER` either way."""
    return round(max(-FOREVER, min(FOREVER, amount * unit)))
