"""The statistics behind the answers: survival with intervals, the log-rank test, shares, the area under the curve.

They are a few lines of numpy each, which tests hold against scipy and statsmodels: to import these takes longer than most questions
take with everything else.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A half is a half, whichever way its product was rounded.
HALF: Final = 0.5 + 1e-9
# Within as many standard deviations of its mean lie 95 % of a normal distribution.
Z: Final = 1.959963984540054


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
    import numpy as np

    over = np.asarray(ended, dtype=bool)
    times, when = np.unique(np.asarray(days, dtype=float), return_inverse=True)
    at_risk = _at_risk(np.bincount(when, minlength=len(times)))
    now = np.bincount(when, weights=over, minlength=len(times))
    left = np.cumprod((at_risk - now) / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Greenwood's variance, of the logarithm of minus the logarithm; where all or none are left there is no interval.
        error = np.sqrt(1 / np.log(left) ** 2 * np.cumsum(now / (at_risk * (at_risk - now))))
        middle = np.log(-np.log(left))
        low, high = (np.exp(-np.exp(middle + each * error)) for each in (Z, -Z))
    steps = [] if len(times) and not times[0] else [Step(0.0, len(over), 0, 1.0, 1.0, 1.0)]
    for day, risk, count, survival, lowest, highest in zip(
        *(each.tolist() for each in (times, at_risk, now, left, low, high)), strict=True
    ):
        bounds = (survival, survival) if survival in (0, 1) else (lowest, highest)
        steps.append(Step(day, risk, int(count), survival, *bounds))
    shown = tuple(takewhile(lambda step: step.at_risk >= minimum, steps))
    return Curve(
        len(over),
        int(over.sum()),
        shown,
        _first_half(shown, lambda step: step.survival),
        _first_half(shown, lambda step: step.low),
        _first_half(shown, lambda step: step.high),
    )


def _at_risk(counts: "NDArray[Any]") -> "NDArray[Any]":
    """How many are left at each time, those of that time included; times are along the last axis."""
    found: NDArray[Any] = counts[..., ::-1].cumsum(axis=-1)[..., ::-1]
    return found


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
    from scipy.special import chdtrc

    days, ended = (np.concatenate(every) for every in zip(*compared, strict=True))
    group = np.repeat(np.arange(len(compared)), [len(each) for each, _ in compared])
    times, when = np.unique(days, return_inverse=True)
    # By group and time: who ended, and who was at risk, the first group left out, for it follows from the others.
    shape = len(compared), len(times)
    place = group * len(times) + when
    events = np.bincount(place, weights=ended, minlength=math.prod(shape)).reshape(shape)
    left = _at_risk(np.bincount(place, minlength=math.prod(shape)).reshape(shape))
    over, at_risk = events.sum(axis=0), left.sum(axis=0)
    share_of = (left / at_risk)[1:]
    differs = (events[1:] - share_of * over).sum(axis=1)
    # The variance of a hypergeometric draw at each time, which is none where one alone is left.
    spread = over * (at_risk - over) / np.maximum(at_risk - 1, 1)
    weighted = share_of * spread
    variance = np.diag(weighted.sum(axis=1)) - weighted @ share_of.T
    try:
        statistic = float(differs @ np.linalg.solve(variance, differs))
    except np.linalg.LinAlgError:
        # Of some groups all members were left, or all ended, whenever something did: nothing is left to compare.
        return None
    degrees = len(compared) - 1
    return LogRank(statistic, degrees, float(chdtrc(degrees, statistic)))


def share(count: int, of: int) -> Share | None:
    """A share of some; None of nothing."""
    if not of:
        return None
    found = count / of
    spread = 2 * (of + Z**2)
    middle = (2 * of * found + Z**2) / spread
    reach = Z / spread * math.sqrt(4 * of * found * (1 - found) + Z**2)
    return Share(found, middle - reach if count else 0.0, middle + reach if count < of else 1.0)


def area(scores: Sequence[float], happened: Sequence[bool]) -> float | None:
    """How well a low score tells what happens (the area under the curve): 1 always, 0.5 not at all; None without both outcomes."""
    of_those: Counter[float] = Counter()
    of_others: Counter[float] = Counter()
    for score, one in zip(scores, happened, strict=True):
        (of_those if one else of_others)[score] += 1
    pairs = of_those.total() * of_others.total()
    if not pairs:
        return None
    # Of each pair of one of those and another the lower score counts one, and of the same a half.
    told, others_above = 0.0, of_others.total()
    for score in sorted(of_those | of_others):
        others_above -= of_others[score]
        told += of_those[score] * (others_above + of_others[score] / 2)
    return told / pairs


def quantile(values: Sequence[float], part: float) -> float | None:
    """The value below which a part of the values lies, interpolated; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    place = part * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
