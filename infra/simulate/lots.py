"""The one source of chance, and the calendar arithmetic that goes with it. Times are whole seconds since 1970, UTC."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import accumulate
from math import log
from random import Random
from typing import Final, TypeVar

from infra.simulate import rates

T = TypeVar("T")

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86_400
_FIRST_MONDAY: Final = 4  # 1970-01-05
_OPENS, _CLOSES = 8 * HOUR, 18 * HOUR
_CONTENT = tuple(accumulate(rates.NPS_CONTENT))
_DISAPPOINTED = tuple(accumulate(rates.NPS_DISAPPOINTED))


def moment(time: int) -> datetime:
    """The time as an aware datetime in UTC."""
    return datetime.fromtimestamp(time, UTC)


def day(time: int) -> date:
    """The day of the time, in UTC."""
    return datetime.fromtimestamp(time, UTC).date()


class Lots(Random):
    """Draws of the kinds that a mentoring life needs. One instance serves a whole stream, in the stream's own order."""

    def chance(self, share: float) -> bool:
        """True in that share of the draws."""
        return self.random() < share

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self.random() * (high - low + 1))

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, all alike."""
        return options[int(self.random() * len(options))]

    def weigh(self, options: Sequence[tuple[float, T]]) -> T:
        """One of the options by its share; the shares add up to 1."""
        left = self.random()
        for share, option in options:
            left -= share
            if left < 0:
                return option
        return options[-1][1]

    def homework_hours(self, diligence: float) -> float:
        """Hours on a piece of homework, in quarters: often none, mostly a few, now and then very many."""
        if self.random() < rates.HOMEWORK_NOTHING:
            return 0.0
        scale = rates.HOMEWORK_HOURS_SCALE * diligence
        return min(round(-log((1 - self.random()) * (1 - self.random())) * scale * 4) / 4, 40.0)

    def nps_score(self, *, disappointed: bool) -> int:
        """An answer from 0 to 10: bunched at 8 to 10 with a tail below, or spread out where things went badly."""
        weights = _DISAPPOINTED if disappointed else _CONTENT
        mark = self.random() * weights[-1]
        return next(score for score, reached in enumerate(weights) if mark < reached)

    def working_time(self, earliest: int) -> int:
        """A time at which somebody would write: the next moment of a working day, from earliest on."""
        at = earliest + int(self.random() * 3 * HOUR)
        second = at % DAY
        if second < _OPENS:
            at += _OPENS - second + int(self.random() * 2 * HOUR)
        elif second >= _CLOSES:
            at += DAY - second + _OPENS + int(self.random() * 2 * HOUR)
        return at + DAY * _days_to_work(at)

    def session_start(self, around: int) -> int:
        """A quarter of an hour on a working day, on that day or the next working one."""
        at = around - around % DAY + 9 * HOUR + self.whole(0, 31) * 15 * MINUTE
        return at + DAY * _days_to_work(at)


def _days_to_work(at: int) -> int:
    weekday = (at // DAY - _FIRST_MONDAY) % 7
    return 7 - weekday if weekday >= 5 else 0
