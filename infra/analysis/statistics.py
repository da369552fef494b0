"""The statistics behind the answers, from scipy and statsmodels: survival with intervals, the log-rank test, shares, the area under the curve."""

import math
import warnings
from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from itertools import takewhile
from typing import Final, NamedTuple

# A half is a half, whichever way its product was rounded.
ROUNDING: Final = 1e-9
HALF: Final = 0.5 + ROUNDING


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

    def reached(self, part: float) -> float | None:
        """The first day by which this part has ended; None where it is not known to."""
        return next((step.day for step in self.steps if 1 - step.survival >= part - ROUNDING), None)

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


def curve(days: Sequence[float], ended: Sequence[bool], minimum: int = 1, people: Sequence[str] | None = None) -> Curve:
    """The Kaplan-Meier estimate; it ends where fewer than the minimum are at risk, since the rest would tell of single ones.

    `people` are those whom each is about, where several may be about one: then as many different people must be at risk.
    """
    import numpy as np
    from scipy.stats import CensoredData, ecdf

    times, over = np.asarray(days, dtype=float), np.asarray(ended, dtype=bool)
    found = ecdf(CensoredData(times[over], right=times[~over])).sf
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        # Where all or none are left there is no interval, which scipy warns of.
        warnings.simplefilter("ignore", RuntimeWarning)
        interval = found.confidence_interval(method="log-log")
    at_risk = len(times) - np.searchsorted(np.sort(times), found.quantiles)
    observed = np.searchsorted(np.sort(times[over]), found.quantiles, "right")
    steps = [] if len(times) and not times.min() else [Step(0.0, len(times), 0, 1.0, 1.0, 1.0)]
    for day, left, now, survival, low, high in zip(
        found.quantiles,
        at_risk,
        np.diff(observed, prepend=0),
        found.probabilities,
        interval.low.probabilities,
        interval.high.probabilities,
        strict=True,
    ):
        share = float(survival)
        bounds = (share, share) if share in (0, 1) else (float(low), float(high))
        steps.append(Step(float(day), int(left), int(now), share, *bounds))
    longest: dict[object, float] = {}
    for whose, lasted in zip(range(len(days)) if people is None else people, days, strict=True):
        longest[whose] = max(lasted, longest.get(whose, 0.0))
    ordered = sorted(longest.values())
    shown = tuple(takewhile(lambda step: len(ordered) - bisect_left(ordered, step.day) >= minimum, steps))
    return Curve(
        len(times),
        int(over.sum()),
        shown,
        _first_half(shown, lambda step: step.survival),
        _first_half(shown, lambda step: step.low),
        _first_half(shown, lambda step: step.high),
    )


def _first_half(steps: Sequence[Step], value: Callable[[Step], float]) -> float | None:
    """The first day on which no more than a half is left: the median of a curve, and of its bounds those of the median."""
    return next((step.day for step in steps if value(step) <= HALF), None)


def log_rank(groups: Sequence[tuple[Sequence[float], Sequence[bool]]]) -> LogRank | None:
    """The log-rank test between groups; None of fewer than two, where nothing ended, and where they can't be compared.

    A group that had nobody left when something first ended says nothing, and is left out.
    """
    first = min(
        (day for days, ended in groups for day, over in zip(days, ended, strict=True) if over), default=math.inf
    )
    compared = [(days, ended) for days, ended in groups if max(days, default=0) >= first]
    if len(compared) < 2:
        return None
    import numpy as np
    from statsmodels.duration.survfunc import survdiff

    days = np.concatenate([group for group, _ in compared])
    ended = np.concatenate([over for _, over in compared])
    names = np.repeat(range(len(compared)), [len(group) for group, _ in compared])
    try:
        statistic, p = survdiff(days, ended.astype(int), names)
    except np.linalg.LinAlgError:
        # Of some groups all members were left, or all ended, whenever something did: nothing is left to compare.
        return None
    return LogRank(float(statistic), len(compared) - 1, float(p))


def share(count: int, of: int) -> Share | None:
    """A share of some; None of nothing."""
    from scipy.stats import binomtest

    if not of:
        return None
    interval = binomtest(count, of).proportion_ci(method="wilson")
    return Share(count / of, float(interval.low), float(interval.high))


def area(scores: Sequence[float], happened: Sequence[bool]) -> float | None:
    """How well a low score tells what happens (the area under the curve): 1 always, 0.5 not at all; None without both outcomes."""
    from scipy.stats import rankdata

    positive = sum(happened)
    negative = len(happened) - positive
    if not positive or not negative:
        return None
    ranks = rankdata([-score for score in scores])
    summed = sum(rank for rank, one in zip(ranks, happened, strict=True) if one)
    return float((summed - positive * (positive + 1) / 2) / (positive * negative))


def median_of_enough(values: Collection[tuple[str, float]], minimum: int) -> float | None:
    """The median of values, each beside the person whom it is about; None of fewer different people than the minimum."""
    is_enough = len({person for person, _ in values}) >= minimum
    return quantile([value for _, value in values], 0.5) if is_enough else None


def quantile(values: Sequence[float], part: float) -> float | None:
    """The value below which a part of the values lies, interpolated; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    place = part * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
