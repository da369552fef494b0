"""One more fact: how each kind of fact changes the picture.

Facts come in the order of their versions, whatever the order in which they occurred. So nothing here relies on time
moving forward, and a fact may be about something that has not occurred yet.
"""

from bisect import insort
from collections.abc import Mapping
from operator import attrgetter
from typing import TypeVar, assert_never

from domain.codes.clauses import RESPECT_CLAUSES, TRUST_CLAUSES
from domain.codes.implements import implements
from domain.commitment import facts as f
from domain.commitment.facts import Fact
from domain.commitment.moments import with_pause
from domain.commitment.picture import Due, Held, Mark, Move, NoShow, Picture, Work

K = TypeVar("K", Held, NoShow, int)
V = TypeVar("V")


def with_fact(picture: Picture, fact: Fact) -> Picture:
    """The picture after one more fact, of a later version than those before.

    What is recorded during a pause goes into the picture, where resumption finds it, and not into what the pause froze.
    """
    after = _after_fact(picture, fact)
    if picture.frozen is not None and picture.paused is not None and of_pause(fact, picture.paused):
        return after.but(frozen=_after_fact(picture.frozen, fact))
    return after


def of_pause(fact: Fact, paused: Mark) -> bool:
    """Whether the fact is one of the cancellations that came with a pause."""
    return isinstance(fact, f.Cancelled) and fact.by_pause and fact.at == paused.at


def _after_fact(picture: Picture, fact: Fact) -> Picture:
    match fact:
        case f.Scheduled() | f.Rescheduled() | f.Cancelled() | f.Completed() | f.Missed():
            return _session(picture, fact)
        case f.Worked():
            return picture.but(version=fact.version, homework=_worked(picture.homework, fact))
        case f.Progressed():
            if fact.session is None:
                return picture.but(version=fact.version, progress=_placed(picture.progress, fact.at))
            return picture.but(version=fact.version, progressed=picture.progressed | {fact.session})
        case f.GoalOpened():
            return picture.but(version=fact.version, goals=picture.goals | {fact.goal})
        case f.GoalClosed():
            if fact.goal not in picture.goals:
                return picture.but(version=fact.version)
            closed = _later(picture.goal_closed, fact.at, fact.version)
            return picture.but(version=fact.version, goals=picture.goals - {fact.goal}, goal_closed=closed)
        case f.InTouch():
            return picture.but(version=fact.version, in_touch=_later(picture.in_touch, fact.at, fact.version))
        case f.Proposed():
            return picture.but(version=fact.version, codes=fact.codes, status="contracting")
        case f.Planned():
            return picture.but(version=fact.version, planned=fact.sessions)
        case f.Activated() | f.Paused() | f.Resumed() | f.Terminated():
            return _course(picture, fact)
        case f.TrustLost() | f.TrustRegained() | f.Disrespected() | f.RespectRestored() | f.Dismissed():
            return _conduct(picture, fact)
        case _:
            assert_never(fact)


def _course(picture: Picture, fact: f.Activated | f.Paused | f.Resumed | f.Terminated) -> Picture:
    version, at = fact.version, fact.at
    match fact:
        case f.Activated():
            if picture.status != "contracting":
                return picture.but(version=version)
            touched = _later(picture.in_touch, at, version)
            return picture.but(version=version, status="active", activated=Mark(at, version), in_touch=touched)
        case f.Paused():
            if picture.status != "active":
                return picture.but(version=version)
            return picture.but(version=version, status="paused", paused=Mark(at, version), frozen=picture)
        case f.Resumed():
            if picture.paused is None:
                return picture.but(version=version)
            return picture.but(
                version=version,
                status="active",
                paused=None,
                frozen=None,
                pauses=with_pause(picture.pauses, picture.paused.at, at),
                in_touch=_later(picture.in_touch, at, version),
            )
        case f.Terminated():
            return picture.but(version=version, status="terminated", paused=None, frozen=None)
        case _:
            assert_never(fact)


def _session(picture: Picture, fact: f.Scheduled | f.Rescheduled | f.Cancelled | f.Completed | f.Missed) -> Picture:
    version, at, session = fact.version, fact.at, fact.session
    match fact:
        case f.Scheduled():
            return picture.but(version=version, calendar={**picture.calendar, session: fact.start})
        case f.Rescheduled():
            return picture.but(
                version=version,
                calendar={**picture.calendar, session: fact.start},
                due=_due(picture, fact),
                moves=_moved(picture, fact, fact.notice),
            )
        case f.Cancelled():
            start = picture.calendar.get(session, at + fact.notice)
            return picture.but(
                version=version,
                calendar=_without(picture.calendar, session),
                due=_due(picture, fact),
                moves=_moved(picture, fact, start - at),
                last_session=_later(picture.last_session, start, version),
            )
        case f.Missed():
            start = picture.calendar.get(session, at)
            return picture.but(
                version=version,
                calendar=_without(picture.calendar, session),
                due=_due(picture, fact),
                no_shows=_placed(picture.no_shows, NoShow(start, version, session, at, fact.absent)),
                last_session=_later(picture.last_session, start, version),
            )
        case f.Completed():
            return _completed(picture, fact)
        case _:
            assert_never(fact)


def _completed(picture: Picture, fact: f.Completed) -> Picture:
    """A completed session; one completed while contracting leaves no trace, its moves neither."""
    version, session = fact.version, fact.session
    calendar = _without(picture.calendar, session)
    if fact.contracting:
        due = _without(picture.due, session)
        moves = tuple(move for move in picture.moves if move.session != session)
        return picture.but(version=version, calendar=calendar, due=due, moves=moves)
    start = picture.calendar.get(session)
    mentee_late = 0 if start is None or fact.mentee_joined is None else fact.mentee_joined - start
    mentor_late = 0 if start is None or fact.mentor_joined is None else fact.mentor_joined - start
    held = Held(fact.started, version, session, fact.ended, fact.off_goal, mentee_late, mentor_late)
    return picture.but(
        version=version,
        calendar=calendar,
        held=_placed(picture.held, held),
        due=_due(picture, fact),
        in_touch=_later(picture.in_touch, fact.ended, version),
        last_session=_later(picture.last_session, fact.ended, version),
    )


@implements("pentalog.trust", "pentalog.respect", "leapfrog.respect")
def _conduct(
    picture: Picture, fact: f.TrustLost | f.TrustRegained | f.Disrespected | f.RespectRestored | f.Dismissed
) -> Picture:
    """Reports that stand: each is settled by what restores it, or by dismissing the recommendation that follows it."""
    version = fact.version
    match fact:
        case f.TrustLost():
            return picture.but(version=version, trust_lost=_placed(picture.trust_lost, version))
        case f.Disrespected():
            return picture.but(version=version, disrespected=_placed(picture.disrespected, version))
        case f.TrustRegained() | f.RespectRestored() | f.Dismissed():
            settled = settles(fact)
            return picture.but(
                version=version,
                trust_lost=_after(version, picture.trust_lost) if "trust" in settled else picture.trust_lost,
                disrespected=_after(version, picture.disrespected) if "respect" in settled else picture.disrespected,
            )
        case _:
            assert_never(fact)


def settles(fact: f.TrustRegained | f.RespectRestored | f.Dismissed) -> tuple[str, ...]:
    """Which earlier reports a fact settles: those about trust, about respect, or both."""
    match fact:
        case f.TrustRegained():
            return ("trust",)
        case f.RespectRestored():
            return ("respect",)
        case f.Dismissed(clause=None):
            return "trust", "respect"
        case f.Dismissed():
            return tuple(
                what
                for what, clauses in (("trust", TRUST_CLAUSES), ("respect", RESPECT_CLAUSES))
                if fact.clause in clauses
            )
        case _:
            assert_never(fact)


def _after(version: int, reports: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(each for each in reports if each > version)


def _worked(known: Mapping[str, tuple[Work, ...]], fact: f.Worked) -> Mapping[str, tuple[Work, ...]]:
    """The homework of each session, in the order of their latest reports: what was reported last counts."""
    works = known.get(fact.session, ())
    if any(work.homework == fact.homework and work.version > fact.version for work in works):
        return known
    rest = [work for work in works if work.homework != fact.homework]
    insort(rest, Work(fact.homework, fact.hours, fact.version), key=attrgetter("version"))
    return {**known, fact.session: tuple(rest)}


def _due(picture: Picture, fact: f.Rescheduled | f.Cancelled | f.Completed | f.Missed) -> dict[str, Due]:
    """The sessions that were due or moved, in the order of their latest such event, of which this is one."""
    latest = Due(fact.at, fact.version, fact.session)
    known = picture.due.get(fact.session)
    if known is not None and known > latest:
        return picture.due
    due = _without(picture.due, fact.session)
    last = next(reversed(due.values()), None)
    due[fact.session] = latest
    return due if last is None or last < latest else {each.session: each for each in sorted(due.values())}


def _moved(picture: Picture, fact: f.Rescheduled | f.Cancelled, notice: int) -> tuple[Move, ...]:
    if fact.party is None:
        return picture.moves
    rescheduled = isinstance(fact, f.Rescheduled)
    moves = list(picture.moves)
    move = Move(fact.at, fact.version, fact.session, fact.party, notice, rescheduled)
    insort(moves, move, key=attrgetter("version"))
    return tuple(moves)


def _later(known: Mark | None, at: int, version: int) -> Mark:
    new = Mark(at, version)
    return new if known is None or known < new else known


def _placed(row: tuple[K, ...], new: K) -> tuple[K, ...]:
    """A sorted row with one more in its place, which is nearly always the end."""
    longer = list(row)
    insort(longer, new)
    return tuple(longer)


def _without(mapping: Mapping[str, V], key: str) -> dict[str, V]:
    rest = dict(mapping)
    rest.pop(key, None)
    return rest
