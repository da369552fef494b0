"""Times on the command line: with their offset, or a day."""

from datetime import UTC, datetime

import pytest
import typer

from infra.cli.times import aware_time, shown_minute


@pytest.mark.parametrize(
    "text, time",
    [
        ("2026-03-02T09:00:00Z", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-03-02T09:00:00+01:00", datetime(2026, 3, 2, 8, tzinfo=UTC)),
        ("2026-03-02", datetime(2026, 3, 2, 23, 59, 59, 999999, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)),
    ],
)
def test_days_are_taken_wherever_times_are(text: str, time: datetime) -> None:
    assert aware_time(text) == time


@pytest.mark.parametrize("text", ["2026-03-02T09:00:00", "2026-02-30", "20260302", "yesterday", "", "2026-W10-1"])
def test_anything_else_is_a_wrong_call_that_says_what_was_expected(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="or a day such as 2026-03-02"):
        aware_time(text)


def test_a_time_that_is_kept_as_a_text_is_shown_like_any_other() -> None:
    assert shown_minute("2026-12-01T05:39:27.925Z") == "2026-12-01 05:39Z"
    assert shown_minute("") == ""
