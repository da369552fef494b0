"""Net Promoter Score: what counts as an answer, the score, and how far to trust it.

A respondent answers a question from 0 to 10: promoters say 9 or 10, passives 7 or 8, detractors less. The interval is the
adjusted-Wald interval for a difference of shares, which behaves for small groups, where the plain one promises too much.
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


class Figure(NamedTuple):
    """One group's figures. `nps`, `low` and `high` run from -100 to 100, to one decimal; None where nobody answered.

    `n` counts answers, `asked` those who were asked or answered, `response_rate` is the share n / asked from 0 to 1.
    """

    n: int
    asked: int
    response_rate: float | None
    promoters: int
    passives: int
    detractors: int
    nps: float | None
    low: float | None
    high: float | None


class SurveyRecord(NamedTuple):
    """One request or answer of one respondent on one occasion; `score` is None for a request.

    `order` is the version of its event, which decides between two at the same time.
    """

    at: datetime
    recorded_at: datetime
    order: int
    score: int | None


class Counted(NamedTuple):
    """What counts of one respondent on one occasion: the latest answer, or else the first request (score None)."""

    at: datetime
    score: int | None


def kind_of(score: int) -> Kind:
    """What a score makes of its respondent."""
    if score >= PROMOTER_FROM:
        return "promoter"
    return "passive" if score >= PASSIVE_FROM else "detractor"


def counted(
    records: Iterable[SurveyRecord], as_of: datetime | None = None, known_at: datetime | None = None
) -> Counted | None:
    """What counts of the records up to `as_of` that were known by `known_at`; None when there are none.

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
        last = max(answers, key=_when)
        return Counted(last.at, last.score)
    return Counted(min(known, key=_when).at, None) if known else None


def figure(promoters: int, passives: int, detractors: int, asked: int) -> Figure:
    """The figures of a group of which `asked` were asked or answered."""
    n = promoters + passives + detractors
    assert 0 <= n <= asked, "everybody who answered counts as asked"
    rate = n / asked if asked else None
    if not n:
        return Figure(0, asked, rate, 0, 0, 0, None, None, None)
    low, high = interval(promoters, detractors, n)
    score = 100 * (promoters - detractors) / n
    return Figure(n, asked, rate, promoters, passives, detractors, _rounded(score), _rounded(low), _rounded(high))


def interval(promoters: int, detractors: int, n: int) -> tuple[float, float]:
    """The 95 % adjusted-Wald interval of the score of n answers, clipped to -100 and 100."""
    all_ = n + ADDED_TO_ALL
    p, d = (promoters + ADDED) / all_, (detractors + ADDED) / all_
    centre = 100 * (p - d)
    half = 100 * Z * sqrt((p + d - (p - d) ** 2) / all_)
    return max(-100.0, centre - half), min(100.0, centre + half)


def _when(one: SurveyRecord) -> tuple[datetime, int]:
    return one.at, one.order


def _rounded(value: float) -> float:
    return round(value, 1) + 0.0  # never -0.0
