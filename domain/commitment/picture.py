"""What the signals are evaluated on: the facts of a relationship up to some moment, arranged for quick answers.

A picture grows by one fact at a time. What it amounts to does not depend on the order in which facts are taken: of most that
are about the same thing the one with the highest version counts, and moves count by their time. So facts that are recorded
late are put in where they belong, and nothing is folded again.
"""

from bisect import bisect_right, insort
from collections.abc import Iterator
from typing import assert_never

from domain.codes.clauses import RESPECT_CLAUSES, TRUST_CLAUSES
from domain.codes.implements import implements
from domain.commitment import facts as f
from domain.commitment.course import Course, Mark
from domain.commitment.facts import Fact
from domain.commitment.sessions import Sessions
from domain.commitment.terms import TermsInTime

ConductFact = f.TrustLost | f.TrustRegained | f.Unready | f.Ready | f.Disrespected | f.RespectRestored | f.Dismissed


class Reports:
    """Reports of one kind and what settled them: everybody's, or those of one role alone; each settles the earlier ones."""

    __slots__ = ("_everybody", "_settled", "_versions")

    def __init__(self) -> None:
        self._versions: dict[str, list[int]] = {}
        self._settled: dict[str, int] = {}
        self._everybody = 0

    def add(self, by: str, version: int) -> None:
        """Somebody in a role reported it."""
        insort(self._versions.setdefault(by, []), version)

    def settled(self, by: str, version: int) -> None:
        """What somebody in this role reported before is settled."""
        self._settled[by] = max(version, self._settled.get(by, 0))

    def all_settled(self, version: int) -> None:
        """What anybody reported before is settled."""
        self._everybody = max(version, self._everybody)

    def stand(self, after: int = 0) -> bool:
        """Whether one of a later version than `after` stands."""
        return any(versions[-1] > self._from(by, after) for by, versions in self._versions.items())

    def standing(self, after: int = 0) -> Iterator[int]:
        """The versions of those that stand."""
        for by, versions in self._versions.items():
            yield from versions[bisect_right(versions, self._from(by, after)) :]

    def _from(self, by: str, after: int) -> int:
        return max(after, self._everybody, self._settled.get(by, 0))


class Goals:
    """The open goals, and when goals that were open were closed; of each goal the facts in the order of versions."""

    __slots__ = ("_by_goal", "closings", "open")

    def __init__(self) -> None:
        self._by_goal: dict[str, list[tuple[int, int, bool]]] = {}
        self.open: set[str] = set()
        self.closings: list[Mark] = []

    def take(self, fact: f.GoalOpened | f.GoalClosed) -> None:
        """One more fact about a goal."""
        turns = self._by_goal.setdefault(fact.goal, [])
        for mark in _closings(turns):
            self.closings.remove(mark)
        insort(turns, (fact.version, fact.at, isinstance(fact, f.GoalOpened)))
        for mark in _closings(turns):
            insort(self.closings, mark)
        if turns[-1][2]:
            self.open.add(fact.goal)
        else:
            self.open.discard(fact.goal)


def _closings(turns: list[tuple[int, int, bool]]) -> Iterator[Mark]:
    """When a goal was closed that was open."""
    was_open = False
    for version, at, opened in turns:
        if was_open and not opened:
            yield Mark(at, version)
        was_open = opened


class Picture:
    """A relationship as commitment health sees it. Sessions completed while contracting are nowhere.

    `contact` is the latest contact, `progress` the moments of progress outside sessions,
    `progressed` the sessions with progress, `homework` for each session the latest report on each homework.
    """

    __slots__ = (
        "codes",
        "contact",
        "course",
        "goals",
        "homework",
        "plan",
        "progress",
        "progressed",
        "readiness",
        "respect",
        "sessions",
        "trust",
    )

    def __init__(self, terms: TermsInTime) -> None:
        self.codes: tuple[str, ...] = ()
        self.course = Course()
        self.sessions = Sessions(terms)
        self.goals = Goals()
        self.plan: f.Planned | None = None
        self.contact: Mark | None = None
        self.progress: list[int] = []
        self.progressed: set[str] = set()
        self.homework: dict[str, dict[str | None, f.Worked]] = {}
        self.trust = Reports()
        self.readiness = Reports()
        self.respect = Reports()

    def take(self, fact: Fact) -> bool:
        """One more fact; whether any signal may have changed, and not only those that such a fact usually touches."""
        match fact:
            case f.Scheduled() | f.Rescheduled() | f.Cancelled() | f.Completed() | f.Missed():
                return self.sessions.take(fact)
            case f.Worked():
                works = self.homework.setdefault(fact.session, {})
                works[fact.homework] = max(fact, works.get(fact.homework, fact))
            case f.Progressed():
                if fact.session is None:
                    insort(self.progress, fact.at)
                else:
                    self.progressed.add(fact.session)
            case f.GoalOpened() | f.GoalClosed():
                self.goals.take(fact)
            case f.InTouch():
                mark = Mark(fact.at, fact.version)
                self.contact = mark if self.contact is None else max(self.contact, mark)
            case f.Planned():
                self.plan = fact if self.plan is None else max(self.plan, fact)
            case f.Proposed():
                self.codes = fact.codes
                self.course.take(fact)
            case f.Activated() | f.Paused() | f.Resumed() | f.Terminated():
                self.course.take(fact)
            case f.TermChanged():
                # It counts through the terms.
                pass
            case _:
                self._conduct(fact)
        return False

    @implements("pentalog.trust", "pentalog.respect", "leapfrog.respect")
    def _conduct(self, fact: ConductFact) -> None:
        """Reports that stand: a party restores the trust that it reported broken itself, the office what anybody reported."""
        match fact:
            case f.TrustLost():
                self.trust.add(fact.by, fact.version)
            case f.Unready():
                self.readiness.add(fact.by, fact.version)
            case f.Disrespected():
                self.respect.add(fact.by, fact.version)
            case f.Ready():
                self.readiness.settled(fact.by, fact.version)
            case f.TrustRegained() | f.RespectRestored() | f.Dismissed():
                # Who may dismiss or resolve is decided before; only trust is restored for one alone.
                own = fact.by if isinstance(fact, f.TrustRegained) else None
                for reports in self._settled_by(fact):
                    if own is None:
                        reports.all_settled(fact.version)
                    else:
                        reports.settled(own, fact.version)
            case _:
                assert_never(fact)

    def _settled_by(self, fact: f.TrustRegained | f.RespectRestored | f.Dismissed) -> tuple[Reports, ...]:
        match fact:
            case f.TrustRegained():
                return self.trust, self.readiness
            case f.RespectRestored():
                return (self.respect,)
            case f.Dismissed():
                trust = fact.clause is None or fact.clause in TRUST_CLAUSES
                respect = fact.clause is None or fact.clause in RESPECT_CLAUSES
                return (*((self.trust, self.readiness) if trust else ()), *((self.respect,) if respect else ()))

    # --- what several signals ask ----------------------------------------------------------------------------------
    @property
    def in_touch(self) -> Mark | None:
        """The latest of activation, resumption, a session's end and a contact."""
        ends = self.sessions.ends
        marks = (self.contact, self.course.activated, self.course.resumed, ends[-1] if ends else None)
        return max((mark for mark in marks if mark is not None), default=None)

    @property
    def unready_since(self) -> int:
        """Only what was stated after activation takes trust back; before, the gate asks for it."""
        return 0 if self.course.activated is None else self.course.activated.version
