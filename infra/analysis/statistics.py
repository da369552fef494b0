"""The statistics behind the answers, from lifelines and scipy: survival with intervals, the log-rank test, shares, the area under the curve."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

# A half is a half, whichever way its product was rounded.
HALF: Final = 0.5 + 1e-9


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
    """The Kaplan-Meier estimate; it ends where fewer than the minimum are at risk, since the rest would tell of single ones."""
    from lifelines import KaplanMeierFitter
    from lifelines.utils import median_survival_times

    fitted = KaplanMeierFitter().fit(days, ended)
    interval = fitted.confidence_interval_survival_function_
    steps = []
    for day, (at_risk, observed), survival, (low, high) in zip(
        fitted.event_table.index,
        fitted.event_table[["at_risk", "observed"]].itertuples(index=False),
        fitted.survival_function_.iloc[:, 0],
        interval.itertuples(index=False),
        strict=True,
    ):
        if at_risk < minimum:
            break
        # At the beginning all are there, which lifelines gives no interval for.
        whole = survival == 1
        steps.append(
            Step(
                float(day),
                int(at_risk),
                int(observed),
                float(survival),
                1.0 if whole else float(low),
                1.0 if whole else float(high),
            )
        )
    # lifelines takes a half that was rounded up for more than a half.
    median = next((step.day for step in steps if step.survival <= HALF), None)
    low, high = median_survival_times(interval).iloc[0]
    last = steps[-1].day if steps else 0
    return Curve(
        len(days), int(sum(ended)), tuple(steps), median, *(_reached(float(each), last) for each in (low, high))
    )


def _reached(day: float, last: float) -> float | None:
    return day if math.isfinite(day) and day <= last else None


def log_rank(groups: Sequence[tuple[Sequence[float], Sequence[bool]]]) -> LogRank | None:
    """The log-rank test between groups; None of fewer than two, or where nothing ended."""
    from lifelines.statistics import multivariate_logrank_test

    days = [day for group, _ in groups for day in group]
    ended = [one for _, group in groups for one in group]
    names = [name for name, (group, _) in enumerate(groups) for _ in group]
    if len(groups) < 2 or not any(ended):
        return None
    found = multivariate_logrank_test(days, names, ended)
    return LogRank(float(found.test_statistic), len(groups) - 1, float(found.p_value))


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


def quantile(values: Sequence[float], part: float) -> float | None:
    """The value below which a part of the values lies, interpolated; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    place = part * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
