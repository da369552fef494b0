"""Days, working days and the clock on the wall: deadlines in a programme's time zone, right over daylight saving changes.

Working days are Monday to Friday; Rapport knows no public holidays. Instants go in and come out in UTC. A zone is the
name of the IANA database; one that is not there raises `ZoneInfoNotFoundError`, and commands refuse it before that.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5
_WORKING_DAYS_A_WEEK: Final = 5


def is_working_day(day: date) -> bool:
    """Whether a day is a Monday to Friday."""
    return day.weekday() < _SATURDAY


def add_working_days(day: date, n: int) -> date:
    """The n-th working day after a day; for 0 the day itself, or the next working day when it is a weekend's.

    Raises:
        ValueError: n is negative.
    """
    if n < 0:
        raise ValueError(f"expected a number of working days from 0, got {n}")
    if n == 0:
        return day if is_working_day(day) else add_working_days(day, 1)
    # Friday is the last day from which counting starts afresh: a weekend counts like the Friday before it.
    start = day - _DAY * max(0, day.weekday() - _SATURDAY + 1)
    weeks, rest = divmod(n, _WORKING_DAYS_A_WEEK)
    over_weekend = start.weekday() + rest >= _SATURDAY
    return start + timedelta(days=7 * weeks + rest + (2 if over_weekend else 0))


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or the last day of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def local_day(at: datetime, timezone: str) -> date:
    """The day that it is in a time zone at an instant."""
    return at.astimezone(ZoneInfo(timezone)).date()


def local_month(at: datetime, timezone: str) -> str:
    """The month that it is in a time zone at an instant, as YYYY-MM."""
    return f"{local_day(at, timezone):%Y-%m}"


def at_local(day: date, clock: time, timezone: str) -> datetime:
    """The instant at which clocks in the zone show a time on a day.

    A time that clocks skip stands for the one as long after the change as it would have been; of a time that they show
    twice the first is meant.
    """
    wall = datetime.combine(day, clock.replace(tzinfo=None, fold=0), ZoneInfo(timezone))
    return wall.astimezone(UTC)


def end_of_local_day(day: date, timezone: str) -> datetime:
    """The first instant after a day in a time zone: what is due by that day is overdue from then on."""
    return at_local(day + _DAY, time(0), timezone)


def working_day_deadline(at: datetime, n: int, timezone: str) -> datetime:
    """When n working days after the local day of an instant are over."""
    return end_of_local_day(add_working_days(local_day(at, timezone), n), timezone)
