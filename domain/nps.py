"""Net Promoter Score: what counts as an answer, the score, and how far to trust it.

A respondent answers a question from 0 to 10: promoters say 9 or 10, passives 7 or 8, detractors less. The interval is the
adjusted-Wald interval for a difference of shares, which behaves for small groups, where the plain one promises too much. One
person's answers hang together, so it is as wide as the number of different people makes it, however much they answered.
"""

from collections.abc import Iterable
from datetime import datetime
from math import sqrt
from typing import Final, Literal, NamedTuple

Kind = Literal["promoter", "passive", "detractor"]

# The order in which the three are counted.
PLACES: Final[dict[Kind, int]] = {"promoter": 0, "passive": 1, "detractor": 2}
PROMOTER_FROM: Final = 9
PASSIVE_FROM: Final = 7
Z: Final = 1.96  # 95 %
ADDED: Final = 0.75  # to promoters and to detractors
ADDED_TO_ALL: Final = 3


class Figures(NamedTuple):
    """One group's figures. `nps`, `low` and `high` run from -100 to 100, to one decimal; None where nobody answered.

    `n` counts answers, `respondents` the different people who gave them, `asked` those who were asked or answered,
    `response_rate` is the share n / asked from 0 to 1; both are None where they must not be said.
    """

    n: int | None
    respondents: int | None
    asked: int | None
    response_rate: float | None
    promoters: int | None
    passives: int | None
    detractors: int | None
    nps: float | None
    low: float | None
    high: float | None


# What is shown of a group that is hidden: nothing, not even how many answered.
HIDDEN: Final = Figures(*[None] * len(Figures._fields))


def without_asked(figures: Figures) -> Figures:
    """The figures of a group of which it must not be said how many were asked."""
    return figures._replace(asked=None, response_rate=None)


class SurveyRecord(NamedTuple):
    """One request or answer of one respondent on one occasion; `score` is None for a request.

    `order` is the version of its event, which decides between two at the same time. `by` is the person who answered.
    """

    at: datetime
    recorded_at: datetime
    order: int
    score: int | None
    by: str | None = None


class Counted(NamedTuple):
    """What counts of one respondent on one occasion: the latest answer, or else the first request (score None)."""

    at: datetime
    score: int | None
    by: str | None = None


def kind_of(score: int) -> Kind:
    """What a score makes of its respondent."""
    if score >= PROMOTER_FROM:
        return "promoter"
    return "passive" if score >= PASSIVE_FROM else "detractor"


def counted(
    records: Iterable[SurveyRecord], as_of: datetime | None = None, known_at: datetime | None = None
) -> Counted | None:
    """What counts of the records up to `as_of` that were known by `known_at`; None when there are none."""
    one = record_that_counts(records, as_of, known_at)
    return None if one is None else Counted(one.at, one.score, one.by)


def record_that_counts(
    records: Iterable[SurveyRecord], as_of: datetime | None = None, known_at: datetime | None = None
) -> SurveyRecord | None:
    """The record that counts of those up to `as_of` that were known by `known_at`; None when there are none.

    A later answer replaces an earlier one, by the time at which it was given: an old answer that is recorded late
    replaces nothing.
    """
    known = [
        one
        for one in records
        if (as_of is None or one.at <= as_of) and (known_at is None or one.recorded_at <= known_at)
    ]
    answers = [one for one in known if one.score is not None]
    if answers:
        return max(answers, key=_when)
    return min(known, key=_when) if known else None


def figure(promoters: int, passives: int, detractors: int, asked: int, respondents: int) -> Figures:
    """The figures of a group of which `asked` were asked or answered, and `respondents` different people answered."""
    n = promoters + passives + detractors
    assert 0 <= respondents <= n <= asked, "everybody who answered counts as asked"
    rate = n / asked if asked else None
    if not n:
        return Figures(0, 0, asked, rate, 0, 0, 0, None, None, None)
    low, high = interval(promoters, detractors, n, respondents)
    score = 100 * (promoters - detractors) / n
    return Figures(
        n, respondents, asked, rate, promoters, passives, detractors, _rounded(score), _rounded(low), _rounded(high)
    )


def interval(promoters: int, detractors: int, n: int, respondents: int) -> tuple[float, float]:
    """The 95 % adjusted-Wald interval of the score of n answers of so many people, clipped to -100 and 100."""
    weight = respondents / n
    all_ = respondents + ADDED_TO_ALL
    p, d = (promoters * weight + ADDED) / all_, (detractors * weight + ADDED) / all_
    centre = 100 * (p - d)
    half = 100 * Z * sqrt((p + d - (p - d) ** 2) / all_)
    return max(-100.0, centre - half), min(100.0, centre + half)


def _when(one: SurveyRecord) -> tuple[datetime, int]:
    return one.at, one.order


def _rounded(value: float) -> float:
    return round(value, 1) + 0.0  # never -0.0
