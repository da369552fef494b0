"""The sessions of a relationship as commitment health sees them: each once, however often and in whatever order it was told.

A session has the start that it was scheduled for or that its latest move gave it, an outcome or none, and moves that belong
to a party or to nobody. What the signals read is kept in sorted lists; a fact takes its session out of them and puts it back
as it is now. So a fact costs a few searches, and told late it costs the same.
"""

from bisect import bisect_left, insort
from typing import Any, Final, NamedTuple

from domain.commitment.course import Mark
from domain.commitment.facts import Cancelled, Completed, Missed, Rescheduled, Scheduled
from domain.commitment.terms import TermsInTime
from domain.words import PARTIES, Party

SessionFact = Scheduled | Rescheduled | Cancelled | Completed | Missed
Outcome = Cancelled | Completed | Missed


class Held(NamedTuple):
    """A completed session: whether it was off-goal, whether each party joined late, the hours of homework then wanted."""

    started: int
    version: int
    session: str
    off_goal: bool
    mentee_late: bool
    mentor_late: bool
    wanted: float


class Met(NamedTuple):
    """A completed or missed session in the order of starts: when it was recorded, and who stayed away."""

    start: int
    version: int
    session: str
    at: int
    absent: tuple[Party, ...]


class LateNotice(NamedTuple):
    """What was told of a session by an event of this version at this moment."""

    at: int
    version: int
    session: str


class _Session:
    """All that is known of one session; `moves` are the reschedules that belong to each party."""

    __slots__ = ("id", "late", "length", "moved", "moves", "outcome", "scheduled", "touched")

    def __init__(self, session: str) -> None:
        self.id = session
        self.scheduled: int | None = None
        self.length = 0
        self.moved: tuple[int, int, int] | None = None
        self.touched: LateNotice | None = None
        self.outcome: Outcome | None = None
        self.moves: dict[Party, list[int]] = {}
        self.late: dict[Party, list[LateNotice]] = {}

    @property
    def start(self) -> int | None:
        """The start it last had."""
        return self.scheduled if self.moved is None else self.moved[2]

    @property
    def contracting(self) -> bool:
        """Whether it was the contracting session, which counts for nothing."""
        return isinstance(self.outcome, Completed) and self.outcome.contracting and self.outcome.together


class LateMoves:
    """A party's moves at short notice in order of time, and for each session the latest of them."""

    __slots__ = ("all", "latest")

    def __init__(self) -> None:
        self.all: list[LateNotice] = []
        self.latest: list[LateNotice] = []


class Sessions:
    """What the signals ask about sessions. `terms` are those under which an act was late, on time or enough.

    `calendar` holds the planned ends of the sessions without an outcome; `held` the completed ones and `met` these and the
    missed ones in order of start; `missed` the no-shows of each party in order of time, `running` each two that are
    neighbours, by the time of the earlier record; `times` the times of those with an outcome, `ends` the ends of the
    completed ones; `due` those that were due or moved, in the order of their latest such event.
    """

    __slots__ = ("_known", "_terms", "calendar", "due", "ends", "held", "late", "met", "missed", "running", "times")

    def __init__(self, terms: TermsInTime) -> None:
        self._terms = terms
        self._known: dict[str, _Session] = {}
        self.calendar: list[tuple[int, str]] = []
        self.held: list[Held] = []
        self.met: list[Met] = []
        self.times: list[Mark] = []
        self.ends: list[Mark] = []
        self.due: list[LateNotice] = []
        self.late: Final = {party: LateMoves() for party in PARTIES}
        self.missed: Final[dict[Party, list[LateNotice]]] = {party: [] for party in PARTIES}
        self.running: Final[dict[Party, list[tuple[int, int, int]]]] = {party: [] for party in PARTIES}

    def moves(self, session: str, party: Party) -> list[int]:
        """The versions of the reschedules of a session that belong to a party."""
        return self._known[session].moves.get(party, [])

    def take(self, fact: SessionFact) -> bool:
        """One more fact; whether it changed more than such a fact usually does, since it came out of order."""
        session = self._known.get(fact.session)
        if session is None:
            session = self._known[fact.session] = _Session(fact.session)
        over, counted = session.outcome is not None, not session.contracting
        self._take_out(session)
        match fact:
            case Scheduled():
                session.scheduled, session.length = fact.start, fact.end - fact.start
            case Rescheduled():
                if session.moved is None or session.moved[:2] <= (fact.at, fact.version):
                    session.moved = (fact.at, fact.version, fact.start)
                self._moved(session, fact)
            case Cancelled() | Completed() | Missed():
                if session.outcome is None or session.outcome.version < fact.version:
                    session.outcome = fact
                if counted and session.contracting:
                    self._forget_late(session)
                if isinstance(fact, Cancelled):
                    self._moved(session, fact)
        if not (isinstance(fact, Scheduled) or (isinstance(fact, Completed) and not fact.together)):
            touched = LateNotice(fact.at, fact.version, fact.session)
            session.touched = touched if session.touched is None else max(session.touched, touched)
        self._put_in(session)
        return over

    def _moved(self, session: _Session, fact: Rescheduled | Cancelled) -> None:
        if fact.party is None:
            return
        if isinstance(fact, Rescheduled):
            session.moves.setdefault(fact.party, []).append(fact.version)
        if self._terms.is_late(fact.notice, judged=fact.late):
            notice, known = LateNotice(fact.at, fact.version, fact.session), session.late.setdefault(fact.party, [])
            if not session.contracting:
                late = self.late[fact.party]
                insort(late.all, notice)
                if known:
                    _drop(late.latest, known[-1])
                insort(late.latest, max([notice, *known[-1:]]))
            insort(known, notice)

    def _forget_late(self, session: _Session) -> None:
        """It was the contracting session: what was moved of it counts for nobody."""
        for party, known in session.late.items():
            _drop(self.late[party].latest, known[-1])
            for notice in known:
                _drop(self.late[party].all, notice)

    # --- what a session is in the lists ----------------------------------------------------------------------------
    def _put_in(self, session: _Session) -> None:
        outcome, start = session.outcome, session.start
        if session.contracting:
            return
        if session.touched is not None:
            insort(self.due, session.touched)
        match outcome:
            case None:
                if start is not None:
                    insort(self.calendar, (start + session.length, session.id))
            case Cancelled():
                insort(self.times, Mark(outcome.at + outcome.notice if start is None else start, outcome.version))
            case Missed():
                begun = outcome.at if start is None else start
                insort(self.times, Mark(begun, outcome.version))
                for party in outcome.absent:
                    insort(self.missed[party], LateNotice(outcome.at, outcome.version, session.id))
                self._meet(Met(begun, outcome.version, session.id, outcome.at, outcome.absent))
            case Completed():
                if not outcome.together:
                    return
                insort(self.times, Mark(outcome.ended, outcome.version))
                insort(self.ends, Mark(outcome.ended, outcome.version))
                insort(self.held, self._held(outcome, start))
                self._meet(Met(outcome.started, outcome.version, session.id, outcome.at, ()))

    def _take_out(self, session: _Session) -> None:
        outcome, start = session.outcome, session.start
        if session.contracting:
            return
        if session.touched is not None:
            _drop(self.due, session.touched)
        match outcome:
            case None:
                if start is not None:
                    _drop(self.calendar, (start + session.length, session.id))
            case Cancelled():
                _drop(self.times, Mark(outcome.at + outcome.notice if start is None else start, outcome.version))
            case Missed():
                begun = outcome.at if start is None else start
                _drop(self.times, Mark(begun, outcome.version))
                for party in outcome.absent:
                    _drop(self.missed[party], LateNotice(outcome.at, outcome.version, session.id))
                self._unmeet(Met(begun, outcome.version, session.id, outcome.at, outcome.absent))
            case Completed():
                if not outcome.together:
                    return
                _drop(self.times, Mark(outcome.ended, outcome.version))
                _drop(self.ends, Mark(outcome.ended, outcome.version))
                _drop(self.held, self._held(outcome, start))
                self._unmeet(Met(outcome.started, outcome.version, session.id, outcome.at, ()))

    def _held(self, fact: Completed, start: int | None) -> Held:
        """A completed session, judged by the terms in force at its completion; lateness is that after the scheduled start."""
        terms = self._terms.at(fact.at)

        def late(joined: int | None) -> bool:
            return start is not None and joined is not None and joined - start > terms.punctuality

        return Held(
            fact.started,
            fact.version,
            fact.session,
            fact.off_goal,
            late(fact.mentee_joined),
            late(fact.mentor_joined),
            terms.homework_hours,
        )

    # --- neighbours ------------------------------------------------------------------------------------------------
    def _meet(self, one: Met) -> None:
        place = bisect_left(self.met, one)
        before = self.met[place - 1] if place else None
        after = self.met[place] if place < len(self.met) else None
        self._pair(before, after, together=False)
        self._pair(before, one, together=True)
        self._pair(one, after, together=True)
        self.met.insert(place, one)

    def _unmeet(self, one: Met) -> None:
        place = bisect_left(self.met, one)
        before = self.met[place - 1] if place else None
        after = self.met[place + 1] if place + 1 < len(self.met) else None
        self._pair(before, one, together=False)
        self._pair(one, after, together=False)
        self._pair(before, after, together=True)
        del self.met[place]

    def _pair(self, one: Met | None, other: Met | None, *, together: bool) -> None:
        """Two that are neighbours now, or are neighbours no more, are running no-shows of the party who missed both."""
        if one is None or other is None:
            return
        for party in one.absent:
            if party in other.absent:
                pair = (min(one.at, other.at), one.version, other.version)
                if together:
                    insort(self.running[party], pair)
                else:
                    _drop(self.running[party], pair)


def _drop(row: list[Any], entry: Any) -> None:
    """Take an entry out of a sorted list that has it."""
    place = bisect_left(row, entry)
    assert row[place] == entry, "what was put in is taken out as it was"
    del row[place]
