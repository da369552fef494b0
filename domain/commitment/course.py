"""The course of a relationship: when it was active, when it was paused, and the clock that stands still during pauses.

Days in every window and gap are days outside pauses. What is recorded late has its place in the order of versions, and
yet only its neighbours there are looked at again: so pauses may be told in any order at the same cost.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from domain.commitment.facts import Activated, Paused, Proposed, Resumed, Terminated
from domain.words import Status

CourseFact = Proposed | Activated | Paused | Resumed | Terminated


class Mark(NamedTuple):
    """A moment and the version of the event that made it count."""

    at: int
    version: int


class _Step(NamedTuple):
    """A pause or a resumption, in the order of versions."""

    version: int
    at: int
    pauses: bool


class Clock:
    """The pauses that are over, in order of their starts, and how long they lasted together; they may overlap.

    `_reach` and `_gone` hold, as far as they are worked out, the latest end and the time in pauses up to each of them.
    """

    __slots__ = ("_gone", "_reach", "_spans")

    def __init__(self) -> None:
        self._spans: list[tuple[int, int]] = []
        self._reach: list[int] = []
        self._gone: list[int] = []

    def add(self, start: int, end: int) -> None:
        """One more pause; one that ends before it starts is none."""
        if start < end:
            place = bisect_right(self._spans, (start, end))
            self._spans.insert(place, (start, end))
            self._forget(place)

    def remove(self, start: int, end: int) -> None:
        """Take out a pause that was added."""
        if start < end:
            place = bisect_left(self._spans, (start, end))
            del self._spans[place]
            self._forget(place)

    def _forget(self, place: int) -> None:
        del self._reach[place:], self._gone[place:]

    def outside(self, at: int) -> int:
        """The moment less all the time in pauses before it."""
        spans = self._spans
        if not spans:
            return at
        for start, end in spans[len(self._reach) :]:
            reach = self._reach[-1] if self._reach else start
            self._gone.append((self._gone[-1] if self._gone else 0) + max(0, end - max(start, reach)))
            self._reach.append(max(end, reach))
        place = bisect_left(spans, (at,))
        return at - (self._gone[place - 1] - max(0, self._reach[place - 1] - at)) if place else at

    def elapsed(self, since: int, now: int) -> int:
        """Microseconds outside pauses from one moment to another; negative when `since` is still to come."""
        return self.outside(now) - self.outside(since) if self._spans else now - since


class Course:
    """What the facts of the course amount to, in whatever order they are taken."""

    __slots__ = ("_proposed", "_resumed", "_steps", "_terminated", "activated", "clock", "pause")

    def __init__(self) -> None:
        self.activated: Mark | None = None
        self.pause: Mark | None = None
        self.clock = Clock()
        self._proposed = self._terminated = False
        self._steps: list[_Step] = []
        self._resumed: list[Mark] = []

    @property
    def status(self) -> Status | None:
        """Where the relationship stands; nothing counts before its proposal."""
        if not self._proposed:
            return None
        if self._terminated:
            return "terminated"
        if self.activated is None:
            return "contracting"
        return "active" if self.pause is None else "paused"

    @property
    def resumed(self) -> Mark | None:
        """The latest resumption."""
        return self._resumed[-1] if self._resumed else None

    def take(self, fact: CourseFact) -> None:
        """One more fact."""
        match fact:
            case Proposed():
                self._proposed = True
            case Terminated():
                self._terminated = True
            case Activated():
                self._activate(Mark(fact.at, fact.version))
            case Paused() | Resumed():
                self._step(_Step(fact.version, fact.at, isinstance(fact, Paused)))

    def _activate(self, mark: Mark) -> None:
        """Only what was recorded after activation can have been a pause."""
        if self.activated is not None and self.activated.version < mark.version:
            return
        self.activated = mark
        steps, self._steps, self._resumed, self.clock, self.pause = self._steps, [], [], Clock(), None
        for step in steps:
            self._step(step)

    def _step(self, step: _Step) -> None:
        if self.activated is not None and step.version < self.activated.version:
            return
        steps = self._steps
        place = first = bisect_left(steps, step)
        while first and steps[first - 1].pauses:
            first -= 1
        after = place
        while after < len(steps) and steps[after].pauses:
            after += 1
        around = (steps[first:place], steps[place : after + 1])
        self._change([*around[0], *around[1]], [*around[0], step, *around[1]])
        steps.insert(place, step)
        self.pause = self._open_pause()

    def _change(self, before: Iterable[_Step], now: Iterable[_Step]) -> None:
        """The pauses among some neighbours as they were, and as they are now."""
        for start, end in _pauses(before):
            self.clock.remove(start, end.at)
            del self._resumed[bisect_left(self._resumed, end)]
        for start, end in _pauses(now):
            self.clock.add(start, end.at)
            insort(self._resumed, end)

    def _open_pause(self) -> Mark | None:
        pause: _Step | None = None
        for step in reversed(self._steps):
            if not step.pauses:
                break
            pause = step
        return None if pause is None else Mark(pause.at, pause.version)


def _pauses(steps: Iterable[_Step]) -> Iterator[tuple[int, Mark]]:
    """Each pause that was resumed: its start, and the resumption. A second pause within a pause is none."""
    start: int | None = None
    for step in steps:
        if step.pauses:
            start = step.at if start is None else start
        elif start is not None:
            yield start, Mark(step.at, step.version)
            start = None
