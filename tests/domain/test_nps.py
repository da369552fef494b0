"""The arithmetic of NPS, against figures worked out by hand from the rule."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.nps import Counted, SurveyRecord, counted, figure, interval, kind_of

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "promoters, passives, detractors, nps, low, high",
    [
        (5, 0, 0, 100.0, 17.5, 100.0),  # 62.5 less and plus 45, clipped
        (0, 0, 5, -100.0, -100.0, -17.5),
        (0, 5, 0, 0.0, -30.0, 30.0),
        (4, 1, 0, 80.0, 4.2, 95.8),
        (3, 1, 1, 40.0, -29.8, 79.8),
        (6, 3, 1, 50.0, -0.2, 77.1),
        (50, 30, 20, 30.0, 14.1, 44.2),
        (1, 0, 2, -33.3, -84.7, 51.3),
        (0, 0, 0, None, None, None),
    ],
)
def test_score_and_interval(
    promoters: int, passives: int, detractors: int, nps: float | None, low: float | None, high: float | None
) -> None:
    found = figure(promoters, passives, detractors, n := promoters + passives + detractors, n)
    assert (found.nps, found.low, found.high) == (nps, low, high)


def test_the_response_rate_is_the_share_of_those_asked_who_answered() -> None:
    assert figure(3, 1, 1, 8, 5).response_rate == 0.625
    assert figure(0, 0, 0, 2, 0).response_rate == 0
    assert figure(0, 0, 0, 0, 0).response_rate is None


def test_the_interval_is_that_of_as_many_people_as_answered() -> None:
    """With n answers of r people it is computed from promoters x r/n, detractors x r/n and r."""
    found = figure(12, 4, 4, 20, 5)
    assert found.nps == 40.0
    as_five = figure(3, 1, 1, 5, 5)
    assert (found.low, found.high) == (as_five.low, as_five.high) == (-29.8, 79.8)
    wide, narrow = interval(7, 2, 10, 4), interval(7, 2, 10, 10)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 200))
def test_the_interval_stays_within_the_scale(promoters: int, passives: int, detractors: int) -> None:
    found = figure(promoters, passives, detractors, n := promoters + passives + detractors, n)
    if found.n:
        assert found.low is not None
        assert found.high is not None
        assert -100 <= found.low < found.high <= 100


@pytest.mark.parametrize(
    "score, kind",
    [(0, "detractor"), (6, "detractor"), (7, "passive"), (8, "passive"), (9, "promoter"), (10, "promoter")],
)
def test_what_a_score_makes_of_a_respondent(score: int, kind: str) -> None:
    assert kind_of(score) == kind


def said(day: int, score: int | None, *, told: int | None = None, order: int = 0) -> SurveyRecord:
    return SurveyRecord(
        START + timedelta(days=day), START + timedelta(days=day if told is None else told), order, score
    )


def counts(day: int, score: int | None) -> Counted:
    return Counted(START + timedelta(days=day), score)


def test_a_later_answer_replaces_an_earlier_one() -> None:
    assert counted([said(0, None), said(1, 3), said(5, 9)]) == counts(5, 9)


def test_an_old_answer_told_late_replaces_nothing() -> None:
    assert counted([said(5, 9), said(1, 3, told=8)]) == counts(5, 9)


def test_of_two_answers_at_one_time_the_later_version_counts() -> None:
    assert counted([said(1, 3, order=4), said(1, 9, order=5)]) == counts(1, 9)


def test_without_an_answer_the_first_request_counts_as_asked() -> None:
    assert counted([said(7, None), said(0, None)]) == counts(0, None)
    assert counted([]) is None


def test_as_of_a_time_only_what_had_been_said_by_then_counts() -> None:
    history = [said(0, None), said(1, 3), said(5, 9)]
    assert counted(history, as_of=START + timedelta(days=1)) == counts(1, 3)
    assert counted(history, as_of=START + timedelta(hours=1)) == counts(0, None)
    assert counted(history, as_of=START - timedelta(days=1)) is None


def test_known_at_a_time_only_what_had_been_recorded_by_then_counts() -> None:
    history = [said(0, None), said(1, 3), said(2, 9, told=30)]
    assert counted(history, known_at=START + timedelta(days=10)) == counts(1, 3)
    assert counted(history, as_of=START + timedelta(days=10)) == counts(2, 9)
