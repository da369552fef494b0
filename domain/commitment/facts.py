"""What commitment health needs of a relationship's events, and nothing else: no names, no content.

Each fact carries the version of its event, which is the evidence, and the moment at which it occurred. `Facts` is the
append-only list of them: health can be asked for at any time, and an event may be recorded long after it occurred, so
nothing is summed up or thrown away here.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from typing import Any, Final, NamedTuple, get_args

from domain.words import Party


class Proposed(NamedTuple):
    version: int
    at: int
    codes: tuple[str, ...]


class Activated(NamedTuple):
    version: int
    at: int


class Paused(NamedTuple):
    version: int
    at: int


class Resumed(NamedTuple):
    version: int
    at: int


class Terminated(NamedTuple):
    version: int
    at: int


class Planned(NamedTuple):
    version: int
    at: int
    sessions: int


class GoalOpened(NamedTuple):
    version: int
    at: int
    goal: str


class GoalClosed(NamedTuple):
    version: int
    at: int
    goal: str


class Progressed(NamedTuple):
    """Some progress on some goal; `session` where the record names one."""

    version: int
    at: int
    session: str | None


class Scheduled(NamedTuple):
    version: int
    at: int
    session: str
    start: int


class Rescheduled(NamedTuple):
    """`notice` is the time left until the start the session had; `party` asked for it and answers for it, if any."""

    version: int
    at: int
    session: str
    start: int
    notice: int
    party: Party | None


class Cancelled(NamedTuple):
    """As `Rescheduled`; `by_pause` when a pause cancelled the session."""

    version: int
    at: int
    session: str
    notice: int
    party: Party | None
    by_pause: bool


class Completed(NamedTuple):
    """`off_goal`: more than half of the agenda's minutes; `contracting`: it was the contracting session."""

    version: int
    at: int
    session: str
    started: int
    ended: int
    off_goal: bool
    mentee_joined: int | None
    mentor_joined: int | None
    contracting: bool


class Missed(NamedTuple):
    version: int
    at: int
    session: str
    absent: tuple[Party, ...]


class Worked(NamedTuple):
    """The hours of one homework so far; they belong to the session that gave it."""

    version: int
    at: int
    homework: str | None
    session: str
    hours: float


class InTouch(NamedTuple):
    version: int
    at: int


class TrustLost(NamedTuple):
    version: int
    at: int


class TrustRegained(NamedTuple):
    version: int
    at: int


class Disrespected(NamedTuple):
    version: int
    at: int


class RespectRestored(NamedTuple):
    version: int
    at: int


class Dismissed(NamedTuple):
    """A recommendation was dismissed: those of one clause, or all."""

    version: int
    at: int
    clause: str | None


# A fact is written as its place in this union and its fields; add at the end, never reorder.
Fact = (
    Proposed
    | Activated
    | Paused
    | Resumed
    | Terminated
    | Planned
    | GoalOpened
    | GoalClosed
    | Progressed
    | Scheduled
    | Rescheduled
    | Cancelled
    | Completed
    | Missed
    | Worked
    | InTouch
    | TrustLost
    | TrustRegained
    | Disrespected
    | RespectRestored
    | Dismissed
)

KINDS: Final[tuple[type[Fact], ...]] = get_args(Fact)
_PLACE: Final = {kind: place for place, kind in enumerate(KINDS)}


class Facts:
    """The facts of one relationship in the order of their versions, as far as they are recorded.

    Never changes: `plus` gives a longer one. Successors share one list, of which each sees its own length, so adding
    a fact costs the same however many there are. `in_order` says that they were recorded as they occurred.
    `checkpoint` is where the last timeline over them ended and the next may continue; it is no part of the value.
    """

    __slots__ = ("_count", "_shared", "checkpoint", "in_order")

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self._shared: list[Fact] = list(facts)
        self._count = len(self._shared)
        self.in_order = all(one.at <= other.at for one, other in pairwise(self._shared))
        self.checkpoint: object = None

    def plus(self, fact: Fact) -> "Facts":
        """These facts and one with a later version."""
        longer = object.__new__(Facts)
        shared = self._shared if len(self._shared) == self._count else self._shared[: self._count]
        longer.in_order = self.in_order and (not shared or shared[-1].at <= fact.at)
        shared.append(fact)
        longer._shared = shared
        longer._count = self._count + 1
        longer.checkpoint = self.checkpoint
        return longer

    def after(self, count: int) -> Iterator[Fact]:
        """The facts without the first so many."""
        return islice(self._shared, count, self._count)

    @property
    def last(self) -> Fact | None:
        """The fact of the latest version."""
        return self._shared[self._count - 1] if self._count else None

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Fact]:
        return islice(self._shared, self._count)

    def by_time(self) -> Iterable[Fact]:
        """The facts in the order in which they occurred, by version where two occurred at one moment."""
        return self if self.in_order else sorted(self, key=lambda fact: (fact.at, fact.version))

    def to_json(self) -> list[list[Any]]:
        """The facts as JSON values: a list for each."""
        return [[_PLACE[type(fact)], *fact] for fact in self]

    @classmethod
    def from_json(cls, rows: Sequence[Sequence[Any]]) -> "Facts":
        """Read what `to_json` gave."""
        return cls(_fact(*row) for row in rows)


def _fact(place: int, *fields: Any) -> Fact:
    return KINDS[place]._make(tuple(field) if isinstance(field, list) else field for field in fields)
