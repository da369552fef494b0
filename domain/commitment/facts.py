"""What commitment health needs of a relationship's events, and nothing else: no names, no content.

Each fact carries the version of its event, which is the evidence, and the moment at which it occurred. `Facts` is the
append-only list of them: health can be asked for at any time, and an event may be recorded long after it occurred, so
nothing is summed up or thrown away here.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple, cast, get_args

from domain.commitment.moments import EPOCH
from domain.model import TermSetting, TermWithdrawal
from domain.terms import DatedSetting, place
from domain.words import Document, Party


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
    """The agreed plan: how many sessions, and how long from one to the next."""

    version: int
    at: int
    sessions: int
    rhythm: int


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
    end: int


class Rescheduled(NamedTuple):
    """`notice` is the time left until the start the session had; `late` was judged when the move was recorded.

    `party` asked for it and answers for it, if any.
    """

    version: int
    at: int
    session: str
    start: int
    notice: int
    late: bool
    party: Party | None


class Cancelled(NamedTuple):
    """As `Rescheduled`; `by_pause` when a pause cancelled the session."""

    version: int
    at: int
    session: str
    notice: int
    late: bool
    party: Party | None
    by_pause: bool


class Completed(NamedTuple):
    """`together`: mentee and mentor were present, without which it does not count as completed.

    `off_goal`: more than half of the agenda's minutes; `contracting`: it was the contracting session.
    """

    version: int
    at: int
    session: str
    started: int
    ended: int
    together: bool
    off_goal: bool
    mentee_joined: int | None
    mentor_joined: int | None
    contracting: bool


class Missed(NamedTuple):
    """`absent` stayed away without an excuse: nobody where illness or the supplier was the cause."""

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
    """Mentee and mentor were in touch with one another."""

    version: int
    at: int


class TrustLost(NamedTuple):
    """A breakdown of trust was reported by somebody in this role."""

    version: int
    at: int
    by: str


class Unready(NamedTuple):
    """Somebody in this role stated that they are not ready to trust; once active it is a report of broken trust."""

    version: int
    at: int
    by: str


class Ready(NamedTuple):
    """Somebody in this role stated that they are ready to trust, which takes back that they were not."""

    version: int
    at: int
    by: str


class TrustRegained(NamedTuple):
    """Trust was restored: by the person in this role who had reported it broken, or (None) by anyone who had."""

    version: int
    at: int
    by: str | None


class Disrespected(NamedTuple):
    version: int
    at: int
    by: str


class RespectRestored(NamedTuple):
    version: int
    at: int
    by: str


class Dismissed(NamedTuple):
    """A recommendation was dismissed: those of one clause, or all."""

    version: int
    at: int
    clause: str | None
    by: str


class TermChanged(NamedTuple):
    """A document sets a term for this relationship, or (no value) sets it no more."""

    version: int
    at: int
    document: Document
    term: str
    value: float | None


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
    | Unready
    | Ready
    | TermChanged
)

KINDS: Final[tuple[type[Fact], ...]] = get_args(Fact)
# JSON has lists where these have tuples.
_WITH_TUPLES: Final = frozenset({Proposed, Missed})
_PLACE: Final = {kind: place for place, kind in enumerate(KINDS)}


class _Log:
    """The list that successors share, and what was last worked out over it, which is no part of any value."""

    __slots__ = ("facts", "walk", "watch")

    def __init__(self, facts: list[Fact]) -> None:
        self.facts = facts
        self.walk: object = None
        self.watch: object = None


class Facts:
    """The facts of one relationship in the order of their versions, as far as they are recorded.

    Never changes: `plus` gives a longer one. Successors share one log, of which each sees its own length, so adding
    a fact costs the same however many there are. Those read from JSON are made once somebody looks at them: most relationships of a
    long record have ended, and few look further.
    """

    __slots__ = ("_count", "_in_order", "_log", "_own", "_rows")

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self._rows: Sequence[Sequence[Any]] = ()
        self._fill(list(facts))

    def _fill(self, facts: list[Fact]) -> None:
        self._count = len(facts)
        moments = [fact.at for fact in facts]
        self._in_order = moments == sorted(moments)
        self._own: tuple[DatedSetting, ...] = ()
        if TermChanged in map(type, facts):
            for fact in facts:
                self._own = _with_own(self._own, fact)
        # Last: another thread that sees it sees the rest.
        self._log: _Log | None = _Log(facts)

    def _make(self) -> None:
        if self._log is None:
            self._fill([_fact(row) for row in self._rows])

    @property
    def log(self) -> _Log:
        """The list that successors share."""
        self._make()
        return cast("_Log", self._log)

    @property
    def in_order(self) -> bool:
        """Whether they were recorded as they occurred."""
        self._make()
        return self._in_order

    @property
    def own(self) -> tuple[DatedSetting, ...]:
        """The settings of terms for this relationship alone."""
        self._make()
        return self._own

    def plus(self, fact: Fact) -> "Facts":
        """These facts and one with a later version."""
        longer = object.__new__(Facts)
        log = self.log
        if len(log.facts) != self._count:
            log = _Log(log.facts[: self._count])
        longer._in_order = self._in_order and (not log.facts or log.facts[-1].at <= fact.at)
        log.facts.append(fact)
        longer._log, longer._rows = log, ()
        longer._own = _with_own(self._own, fact)
        longer._count = self._count + 1
        return longer

    def before(self, version: int) -> "Facts":
        """The facts in events before one of a version."""
        if self._log is None:
            return Facts.from_json(self._rows[: bisect_left(self._rows, version, key=itemgetter(1))])
        facts = self._log.facts
        return Facts(facts[: bisect_left(facts, version, hi=self._count, key=attrgetter("version"))])

    def after(self, count: int) -> Iterator[Fact]:
        """The facts without the first so many."""
        return iter(self.log.facts[count : self._count])

    def kinds_by(self, end: int) -> set[type[Fact]]:
        """The kinds of the facts that had occurred by a moment."""
        if self._log is None:
            return {KINDS[row[0]] for row in self._rows if row[2] <= end}
        return {type(fact) for fact in self if fact.at <= end}

    def latest(self) -> int:
        """The moment of the fact that occurred last; there must be one."""
        moments: list[int] = [row[2] for row in self._rows] if self._log is None else [fact.at for fact in self]
        return max(moments)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Fact]:
        return islice(self.log.facts, self._count)

    def by_time(self) -> Iterable[Fact]:
        """The facts in the order in which they occurred, by version where two share a moment."""
        return self if self.in_order else sorted(self, key=lambda fact: (fact.at, fact.version))

    def to_json(self) -> list[list[Any]]:
        """The facts as JSON values: a list for each."""
        return [[_PLACE[type(fact)], *fact] for fact in self]

    @classmethod
    def from_json(cls, rows: Sequence[Sequence[Any]]) -> "Facts":
        """Read what `to_json` gave."""
        facts = cls()
        facts._log, facts._rows, facts._count = None, rows, len(rows)
        return facts


def _fact(row: Sequence[Any]) -> Fact:
    kind = KINDS[row[0]]
    fields = row[1:]
    if kind in _WITH_TUPLES:
        fields = [tuple(field) if isinstance(field, list) else field for field in fields]
    fact: Fact = kind(*fields)
    return fact


def _with_own(own: tuple[DatedSetting, ...], fact: Fact) -> tuple[DatedSetting, ...]:
    """The relationship's own settings after a fact, which is one nearly never."""
    if not isinstance(fact, TermChanged):
        return own
    document, term, value = fact.document, fact.term, fact.value
    at = EPOCH + timedelta(microseconds=fact.at)
    if value is None:
        return place(own, DatedSetting(at, TermWithdrawal(document=document, term=term), own=True))
    return place(own, DatedSetting(at, TermSetting(document=document, term=term, value=value), own=True))
