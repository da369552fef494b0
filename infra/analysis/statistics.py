"""The statistics behind the answers: survival with intervals, the log-rank test, shares, the area under the curve.

They are reckoned here, since the libraries that know them take longer to load than any question takes to answer (decision 0046). The tests
hold them to lifelines and scipy, and to figures that others published.
"""

import math
from collections import Counter
from collections.abc import Sequence
from statistics import NormalDist
from typing import Final, NamedTuple

# As many standard errors to each side are an interval of 95 %.
REACH: Final = NormalDist().inv_cdf(0.975)
HALF: Final = 0.5
# A half is a half, whichever way its product was rounded.
ROUNDING: Final = 1e-9


class Step(NamedTuple):
    """A day at which something ended: how many were at risk, how many ended, which share lasts longer, and its 95 % interval."""

    day: float
    at_risk: int
    ended: int
    survival: float
    low: float
    high: float


class Curve(NamedTuple):
    """How long things last (Kaplan and Meier), with the log-log interval; a median that is not reached is None."""

    n: int
    ended: int
    steps: tuple[Step, ...]
    median: float | None
    median_low: float | None
    median_high: float | None

    def at(self, day: float) -> Step | None:
        """The curve at a day; None beyond what is known of it."""
        before = [step for step in self.steps if step.day <= day]
        return before[-1] if before and (before[-1] is not self.steps[-1] or before[-1].day == day) else None


class LogRank(NamedTuple):
    """Whether groups last differently long: the chi-square statistic, its degrees of freedom, the p-value."""

    statistic: float
    degrees: int
    p: float


class Share(NamedTuple):
    """A share and its 95 % interval (Wilson)."""

    share: float
    low: float
    high: float


def curve(days: Sequence[float], ended: Sequence[bool], minimum: int = 1) -> Curve:
    """The Kaplan-Meier estimate; it ends where fewer than the minimum are at risk, since the rest would tell of single ones.

    The interval is that of the logarithm of minus the logarithm, with Greenwood's variance. At the beginning all are there.
    """
    gone, over = Counter(days), Counter(day for day, one in zip(days, ended, strict=True) if one)
    at_risk, survival, variance = len(days), 1.0, 0.0
    steps = []
    for day in sorted({0, *gone}):
        if at_risk < minimum:
            break
        survival *= 1 - over[day] / at_risk
        if over[day] < at_risk:
            variance += over[day] / (at_risk * (at_risk - over[day]))
        steps.append(Step(float(day), at_risk, over[day], survival, *_log_log(survival, variance)))
        at_risk -= gone[day]
    halves = (
        _half(steps, [step.survival for step in steps]),
        _half(steps, [step.low for step in steps]),
        _half(steps, [step.high for step in steps]),
    )
    return Curve(len(days), sum(ended), tuple(steps), *halves)


def _half(steps: Sequence[Step], shares: Sequence[float]) -> float | None:
    """The first day on which no more than a half is left."""
    return next((step.day for step, left in zip(steps, shares, strict=True) if left <= HALF + ROUNDING), None)


def _log_log(survival: float, variance: float) -> tuple[float, float]:
    if survival in (0, 1):
        return survival, survival
    reach = REACH * math.sqrt(variance) / math.log(survival)
    return survival ** math.exp(-reach), survival ** math.exp(reach)


def log_rank(groups: Sequence[tuple[Sequence[float], Sequence[bool]]]) -> LogRank | None:
    """The log-rank test between groups; None of fewer than two, or where nothing ended.

    Raises:
        ModuleNotFoundError: scipy is not installed.
    """
    if len(groups) < 2 or not any(any(ended) for _, ended in groups):
        return None
    import numpy as np
    from scipy.special import chdtrc

    lasted = [np.sort(np.asarray(days, float)) for days, _ in groups]
    ends = [np.sort(np.asarray(days, float)[np.asarray(ended, bool)]) for days, ended in groups]
    times = np.unique(np.concatenate(ends))
    at_risk = np.array([days.size - np.searchsorted(days, times) for days in lasted], float)
    ended = np.array([np.searchsorted(end, times, "right") - np.searchsorted(end, times) for end in ends], float)
    all_at_risk, all_ended = at_risk.sum(0), ended.sum(0)
    part = at_risk / all_at_risk
    # The last one at risk leaves nothing to vary.
    factor = all_ended * (all_at_risk - all_ended) / np.maximum(all_at_risk - 1, 1)
    beyond = (ended - part * all_ended).sum(1)[:-1]
    covariance = (np.diag(part @ factor) - (part * factor) @ part.T)[:-1, :-1]
    statistic = float(beyond @ np.linalg.pinv(covariance) @ beyond)
    return LogRank(statistic, len(groups) - 1, float(chdtrc(len(groups) - 1, statistic)))


def share(count: int, of: int) -> Share | None:
    """A share of some; None of nothing."""
    if not of:
        return None
    found, squared = count / of, REACH**2
    middle = (found + squared / (2 * of)) / (1 + squared / of)
    reach = REACH * math.sqrt(found * (1 - found) / of + squared / (4 * of**2)) / (1 + squared / of)
    return Share(found, middle - reach if count else 0.0, middle + reach if count < of else 1.0)


def area(scores: Sequence[float], happened: Sequence[bool]) -> float | None:
    """How well a low score tells what happens (the area under the curve): 1 always, 0.5 not at all; None without both outcomes."""
    happening, other = (
        Counter(score for score, one in zip(scores, happened, strict=True) if one is wanted) for wanted in (True, False)
    )
    if not happening or not other:
        return None
    higher, pairs = other.total(), 0.0
    for score in sorted(happening | other):
        higher -= other[score]
        pairs += happening[score] * (higher + other[score] / 2)
    return pairs / (happening.total() * other.total())


def quantile(values: Sequence[float], part: float) -> float | None:
    """The value below which a part of the values lies, interpolated; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    place = part * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
