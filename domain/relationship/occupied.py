"""Stretches of time that are taken, so arranged that whether a new one overlaps any is found without looking at all of them.

A relationship may have thousands of sessions; each new one is compared with its neighbours alone.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple


class Stretch(NamedTuple):
    """From `start` up to `end`, taken by the session of this id. `reach` is the latest end of this and all earlier ones."""

    start: datetime
    session_id: str
    end: datetime
    reach: datetime


class Occupied(NamedTuple):
    """Stretches in the order of their starts. A frozen value; one more or less gives another."""

    stretches: tuple[Stretch, ...] = ()

    def overlapping(self, start: datetime, end: datetime) -> Iterator[str]:
        """The ids of what overlaps with a stretch, the latest first; what only touches it does not."""
        index = bisect_left(self.stretches, (end,))
        while index and self.stretches[index - 1].reach > start:
            index -= 1
            if self.stretches[index].end > start:
                yield self.stretches[index].session_id

    def after(self, moment: datetime) -> Iterator[str]:
        """The ids of what begins after a moment, the earliest first."""
        for stretch in self.stretches[bisect_left(self.stretches, (moment,)) :]:
            if stretch.start > moment:
                yield stretch.session_id

    def taken(self, session_id: str, start: datetime, end: datetime) -> "Occupied":
        """With one more."""
        index = bisect_left(self.stretches, (start, session_id))
        before, after = self.stretches[:index], self.stretches[index:]
        reach = max(end, before[-1].reach) if before else end
        passed = 0
        while passed < len(after) and after[passed].reach < reach:
            passed += 1
        covered = tuple(each._replace(reach=reach) for each in after[:passed])
        return Occupied((*before, Stretch(start, session_id, end, reach), *covered, *after[passed:]))

    def freed(self, session_id: str, start: datetime) -> "Occupied":
        """Without the one of this id that begins then; the `reach` of later ones may then be too late, never too early."""
        index = bisect_left(self.stretches, (start, session_id))
        if index == len(self.stretches) or self.stretches[index][:2] != (start, session_id):
            return self
        return Occupied(self.stretches[:index] + self.stretches[index + 1 :])


FREE: Final = Occupied()
