"""Working days, and days and times in a zone whose clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import (
    add_months,
    add_working_days,
    at_local,
    end_of_local_day,
    is_working_day,
    local_day,
    working_day_deadline,
)

BUCHAREST = "Europe/Bucharest"
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
_days = st.dates(date(1971, 1, 1), date(2100, 1, 1))
_zones = st.sampled_from(
    [BUCHAREST, "UTC", "America/New_York", "America/Havana", "Australia/Lord_Howe", "Asia/Kathmandu"]
)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    "day, n, expected",
    [
        ("2026-03-06", 0, "2026-03-06"),
        ("2026-03-06", 1, "2026-03-09"),
        ("2026-03-06", 10, "2026-03-20"),
        ("2026-03-07", 0, "2026-03-09"),
        ("2026-03-07", 1, "2026-03-09"),
        ("2026-03-08", 5, "2026-03-13"),
        ("2026-12-30", 3, "2027-01-04"),
    ],
)
def test_working_days_pass_over_weekends(day: str, n: int, expected: str) -> None:
    assert add_working_days(date.fromisoformat(day), n) == date.fromisoformat(expected)


@given(_days, st.integers(0, 60))
def test_so_many_working_days_lie_between(day: date, n: int) -> None:
    end = add_working_days(day, n)
    passed = [day + timedelta(days=k) for k in range(1, (end - day).days + 1)]
    assert is_working_day(end)
    assert sum(map(is_working_day, passed)) == (n if n or is_working_day(day) else 1)


def test_working_days_are_not_counted_back() -> None:
    with pytest.raises(ValueError, match="-1"):
        add_working_days(SPRING, -1)


@pytest.mark.parametrize(
    "day, months, expected",
    [
        ("2026-03-15", 12, "2027-03-15"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2026-01-31", 1, "2026-02-28"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-12-01", 0, "2026-12-01"),
        ("2026-03-31", -1, "2026-02-28"),
    ],
)
def test_months_end_where_a_month_is_shorter(day: str, months: int, expected: str) -> None:
    assert add_months(date.fromisoformat(day), months) == date.fromisoformat(expected)


def test_the_day_is_the_one_of_the_zone() -> None:
    late = instant("2026-03-02T23:30:00Z")
    assert local_day(late, "UTC") == date(2026, 3, 2)
    assert local_day(late, BUCHAREST) == date(2026, 3, 3)
    assert local_day(late, "America/New_York") == date(2026, 3, 2)


def test_a_day_on_which_clocks_go_forward_has_23_hours_and_back_25() -> None:
    lengths = [
        end_of_local_day(day, BUCHAREST) - end_of_local_day(day - timedelta(days=1), BUCHAREST)
        for day in (SPRING, AUTUMN, date(2026, 6, 1))
    ]
    assert lengths == [timedelta(hours=23), timedelta(hours=25), timedelta(hours=24)]


def test_a_time_of_day_keeps_to_the_clock_on_the_wall_over_a_change() -> None:
    nine = time(9)
    assert at_local(SPRING - timedelta(days=1), nine, BUCHAREST) == instant("2026-03-28T07:00:00Z")
    assert at_local(SPRING, nine, BUCHAREST) == instant("2026-03-29T06:00:00Z")
    assert at_local(AUTUMN, nine, BUCHAREST) == instant("2026-10-25T07:00:00Z")


def test_a_time_that_clocks_skip_comes_after_the_change() -> None:
    skipped = at_local(SPRING, time(3, 30), BUCHAREST)
    assert skipped == instant("2026-03-29T04:30:00+03:00")


def test_of_a_time_that_clocks_show_twice_the_first_is_meant() -> None:
    twice = at_local(AUTUMN, time(3, 30), BUCHAREST)
    assert twice == instant("2026-10-25T03:30:00+03:00")
    assert at_local(AUTUMN, time(3, 30, fold=1), BUCHAREST) == twice


def test_a_day_may_begin_at_one_in_the_morning_or_twice_at_midnight() -> None:
    # In Havana clocks go from midnight to one, and back from one to midnight.
    assert end_of_local_day(date(2026, 3, 7), "America/Havana") == instant("2026-03-08T01:00:00-04:00")
    assert end_of_local_day(date(2026, 10, 31), "America/Havana") == instant("2026-11-01T00:00:00-04:00")


def test_a_day_that_a_zone_left_out_ends_where_the_one_before_it_does() -> None:
    # Samoa crossed the date line: there was no 30 December 2011.
    assert end_of_local_day(date(2011, 12, 29), "Pacific/Apia") == instant("2011-12-31T00:00:00+14:00")


@given(_days, _zones)
def test_a_day_ends_when_the_next_begins(day: date, zone: str) -> None:
    end = end_of_local_day(day, zone)
    assert end.tzinfo is UTC
    assert local_day(end, zone) == day + timedelta(days=1)
    assert local_day(end - timedelta(microseconds=1), zone) == day


@given(_days, st.times(), _zones)
def test_a_time_of_day_falls_on_its_day(day: date, clock: time, zone: str) -> None:
    shown = at_local(day, clock, zone).astimezone(ZoneInfo(zone))
    assert shown.date() == day
    assert timedelta(0) <= shown.replace(tzinfo=None) - datetime.combine(day, clock) <= timedelta(hours=1)


def test_a_deadline_in_working_days_ends_with_the_local_day_over_a_change() -> None:
    # Friday late in Bucharest is Friday still in UTC; ten working days later clocks have gone forward.
    asked = instant("2026-03-20T21:30:00Z")
    assert working_day_deadline(asked, 10, BUCHAREST) == instant("2026-04-04T00:00:00+03:00")
    assert working_day_deadline(instant("2026-03-20T22:30:00Z"), 10, BUCHAREST) == instant("2026-04-04T00:00:00+03:00")
    assert working_day_deadline(asked, 10, "UTC") == instant("2026-04-04T00:00:00Z")


def test_a_zone_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        end_of_local_day(SPRING, "Nowhere/City")
