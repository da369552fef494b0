"""Times and days are those of RFC 3339, wherever a message has one."""

from typing import Any

import pytest

from infra.intake.message import Message, parse
from infra.intake.receipt import Receipt
from tests.messages import line

GOOD_TIMES = [
    "2026-03-02T09:00:00Z",
    "2026-03-02t09:00:00z",
    "2026-03-02T09:00:00.5Z",
    "2026-03-02T09:00:00.123456789012Z",
    "2026-03-02T09:00:00+05:30",
    "2026-03-02T09:00:00-23:59",
    "2026-03-02T09:00:00-00:00",
    "2024-02-29T00:00:00Z",
]
BAD_TIMES = {
    "2026-03-02T09:00:00": "naive_time",
    "2026-03-02T09:00:00.5": "naive_time",
    "1772442000": "naive_time",
    "2026-03-02T09:00:00,5Z": "bad_value",
    "2026-03-02 09:00:00Z": "bad_value",
    "2026-03-02_09:00:00Z": "bad_value",
    "2026-03-02T09:00Z": "bad_value",
    "2026-03-02T09Z": "bad_value",
    "2026-03-02T09:00:00+0100": "bad_value",
    "2026-03-02T09:00:00+01": "bad_value",
    "2026-03-02T09:00:00 Z": "bad_value",
    "2026-03-02T09:00:00.Z": "bad_value",
    "2026-03-02T24:00:00Z": "bad_value",
    "2026-03-02T09:60:00Z": "bad_value",
    "2016-12-31T23:59:60Z": "bad_value",
    "2026-03-02T09:00:61Z": "bad_value",
    "2026-03-02T09:00:00+24:00": "bad_value",
    "2026-02-30T09:00:00Z": "bad_value",
    "2026-3-2T09:00:00Z": "bad_value",
    "20260302T090000Z": "bad_value",
    "2026-W10-1T09:00:00Z": "bad_value",
    "+2026-03-02T09:00:00Z": "bad_value",
    " 2026-03-02T09:00:00Z": "bad_value",
    "2026-03-02T09:00:00Z\n": "bad_value",
    "٢٠٢٦-03-02T09:00:00Z": "bad_value",
    "2026-03-02": "bad_value",
    "": "bad_value",
}
DONE = {
    "session_id": "s1",
    "started_at": "2026-03-01T09:00:00Z",
    "ended_at": "2026-03-05T10:00:00Z",
    "present": ["mentee"],
    "joined": {"mentee": "2026-03-01T09:00:00Z"},
    "agenda": [],
}


def problems(raw: bytes) -> list[tuple[str, str | None]]:
    found = parse(raw)
    return [(each.code, each.field) for each in found.problems] if isinstance(found, Receipt) else []


def messages(value: str) -> dict[str, bytes]:
    """A message for each place that a time may have, with this one in it."""
    homework = {"homework_id": "h", "session_id": "s", "description": "d", "due_at": value}
    session = {"session_id": "s1", "starts_at": value, "channel": "email"}
    return {
        "time": line("ResumeRelationship", {}, time=value),
        "data.starts_at": line("ScheduleSession", session),
        "data.joined.mentee": line("CompleteSession", {**DONE, "joined": {"mentee": value}}),
        "data.due_at": line("AssignHomework", homework),
    }


@pytest.mark.parametrize("value", GOOD_TIMES)
def test_a_time_of_rfc_3339_is_taken(value: str) -> None:
    for field, raw in messages(value).items():
        assert isinstance(parse(raw), Message), field


@pytest.mark.parametrize("value,code", BAD_TIMES.items())
def test_another_time_is_invalid_wherever_it_stands(value: str, code: str) -> None:
    for field, raw in messages(value).items():
        assert problems(raw) == [(code, field)]


def test_a_leap_second_is_told_what_to_give_instead() -> None:
    found = parse(line("ResumeRelationship", {}, time="2016-12-31T23:59:60Z"))
    assert isinstance(found, Receipt)
    assert ":59" in found.problems[0].message


BAD_DAYS = [
    "2026-3-2",
    "20260302",
    "2026-03-02T00:00:00Z",
    "2026-02-30",
    "2026-W10-1",
    " 2026-03-02",
    "86400",
    "",
    "2026/03/02",
]


@pytest.mark.parametrize("value", BAD_DAYS)
@pytest.mark.parametrize(
    "name,data,field",
    [
        ("SecureRecords", {}, "retained_until"),
        ("PauseRelationship", {"reason": "r"}, "review_on"),
        ("ConfirmMentorTraining", {"course": "c"}, "completed_on"),
    ],
)
def test_a_day_is_four_two_and_two_digits(name: str, data: dict[str, Any], field: str, value: str) -> None:
    assert [where for _, where in problems(line(name, {**data, field: value}))] == [f"data.{field}"]
    assert isinstance(parse(line(name, {**data, field: "2026-03-02"})), Message)


@pytest.mark.parametrize("value", ["2026-03-02T09:00:00Z", "2026-03-02 09:00:00Z", "20260302", "soon"])
def test_a_consents_end_that_is_no_day_is_invalid_once(value: str) -> None:
    consent = {"data_class": "goals", "audience": "hr", "until": value}
    assert [field for _, field in problems(line("GrantConsent", consent))] == ["data.until"]
