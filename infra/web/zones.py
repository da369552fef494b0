"""Time as a reader's clock shows it: their own zone, 24 hours, and the zone named."""

from datetime import UTC, date, datetime
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from starlette.requests import Request

COOKIE: Final = "rapport_zone"


@cache
def zones() -> tuple[str, ...]:
    """The names of all zones that a person may choose."""
    return tuple(sorted(name for name in available_timezones() if "/" in name or name == "UTC"))


def chosen_zone(request: Request) -> str | None:
    """The zone of a reader: of their own entry, else the one they chose (a cookie)."""
    entry = request.scope.get("session", {}).get("zone")
    name = entry or request.cookies.get(COOKIE)
    return name if name in zones() else None


def zone_of(request: Request, programme: str | None = None) -> ZoneInfo:
    """The zone in which times are shown: the reader's, else their programme's, else UTC."""
    return ZoneInfo(chosen_zone(request) or (programme if programme in zones() else None) or "UTC")


def shown_time(value: datetime | str | None, zone: ZoneInfo) -> str:
    """A time to the minute with its zone, `2026-03-05 17:00 CET`; nothing where there is none."""
    found = moment_of(value)
    return "" if found is None else f"{found.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def shown_day(value: date | datetime | str | None, zone: ZoneInfo) -> str:
    """A day, `2026-03-05`; of a time the day in the zone."""
    if isinstance(value, str) and len(value) > len("2026-03-05"):
        value = moment_of(value)
    if isinstance(value, datetime):
        value = value.astimezone(zone).date()
    return "" if value is None else str(value)


def moment_of(value: datetime | str | None) -> datetime | None:
    """A time, also where an answer has it as text."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if value is not None and value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return value
