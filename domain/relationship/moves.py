"""When sessions are to take place: putting them on the calendar, moving them, cancelling them.

Notice is measured by the time of the act: against the start that the session had then, even where the move is told after
later ones. The session keeps the start of its latest move.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, assert_never

from domain.codes.implements import implements
from domain.model import AnyRecorded, Context, Finding
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.guards import against_planning, is_told_afterwards, started_already
from domain.relationship.state import Move, Relationship, Session, SessionStatus, with_move
from domain.terms import values
from domain.words import OFFICE, PARTIES, Cause, Role

MoveCommand = c.ScheduleSession | c.RescheduleSession | c.CancelSession
MoveEvent = e.SessionScheduled | e.SessionRescheduled | e.SessionCancelled

# Who passes on what somebody else asked for. Mentee and mentor speak for themselves.
PASSING_ON: Final[tuple[Role, ...]] = ("service", *OFFICE)
_ASKING: Final[tuple[Role, ...]] = (*PARTIES, "customer", "line_manager", "supplier")


# --- problems ------------------------------------------------------------------------------------------------------
def move_problems(state: Relationship, command: MoveCommand, context: Context) -> Iterator[Problem]:
    """A session is scheduled once, at a free time; it is moved and cancelled before it starts, as long as it is not over."""
    match command:
        case c.ScheduleSession():
            if command.session_id in state.sessions:
                message = f"session {command.session_id} exists already: reschedule it, or give another id"
                yield Problem("session_exists", message, field="data.session_id")
            if not is_told_afterwards(command, context):
                yield from _scheduling_overlaps(state, command, context)
        case c.RescheduleSession():
            yield from asker_problems(state, _teller(context), command.on_behalf_of)
            yield from _reschedule_problems(state, command, context)
        case c.CancelSession():
            yield from asker_problems(state, _teller(context), command.on_behalf_of)
            yield from _cancel_problems(state, command, context)
        case _:
            assert_never(command)


def session_problems(state: Relationship, session_id: str, *statuses: SessionStatus) -> Iterator[Problem]:
    """A problem unless the relationship has the session, in one of the statuses where some are given."""
    session = state.sessions.get(session_id)
    if session is None:
        yield Problem("unknown_session", f"this relationship has no session {session_id}", field="data.session_id")
    elif statuses and session.status not in statuses:
        yield over_already(session)


def over_already(session: Session) -> Problem:
    """What is told of a session does not fit what became of it."""
    message = (
        f"session {session.session_id} is {session.status} already: if that is wrong, have it corrected (CorrectFact)"
    )
    return Problem("session_state", message, field="data.session_id")


def _teller(context: Context) -> Role:
    """Who says whose wish it was: the role that tells it, or that corrected it (the office may correct a party's own move)."""
    return context.correction.by.role if context.correction else context.actor.role


def passing_on_problem(role: Role, on_behalf_of: Role | None) -> Problem | None:
    """The problem of somebody who speaks for another and may only speak for themselves."""
    if on_behalf_of is None or role in PASSING_ON:
        return None
    expected = f"expected no on_behalf_of from a {role}, who asks in their own name; it is for {', '.join(PASSING_ON)}"
    return Problem("bad_value", expected, field="data.on_behalf_of")


def asker_problems(state: Relationship, role: Role, on_behalf_of: Role | None) -> Iterator[Problem]:
    """A service or the office names somebody who takes part in this relationship."""
    if problem := passing_on_problem(role, on_behalf_of):
        yield problem
    elif on_behalf_of is not None and not _takes_part(state, on_behalf_of):
        names = ", ".join(each for each in _ASKING if _takes_part(state, each))
        message = f"on_behalf_of names who asked for it, one of {names}; leave it out where it was nobody's wish"
        yield Problem("on_behalf_of", message, field="data.on_behalf_of")


def _takes_part(state: Relationship, role: Role) -> bool:
    # Where a relationship names no supplier, it is any supplier's (decision 0013).
    return role in _ASKING and (role == "supplier" or state.named(role) is not None)


def _reschedule_problems(state: Relationship, command: c.RescheduleSession, context: Context) -> Iterator[Problem]:
    """A move that is told after the session was over counts as well, if it was asked for before."""
    session = state.sessions.get(command.session_id)
    if session is None:
        yield from session_problems(state, command.session_id)
    elif session.status != "scheduled":
        if not _was_scheduled(session, context.occurred_at):
            yield over_already(session)
    elif (
        session.starts_at != command.starts_at
        and session.is_latest_move(context.occurred_at)
        and not is_told_afterwards(command, context)
    ):
        yield from _overlap_problems(state, session.session_id, command.starts_at, session.minutes)


def _was_scheduled(session: Session, at: datetime) -> bool:
    """Whether a session that is over now was still to come at a time."""
    return at < session.start_at(at) and (session.over_at is None or at < session.over_at)


def _cancel_problems(state: Relationship, command: c.CancelSession, context: Context) -> Iterator[Problem]:
    yield from session_problems(state, command.session_id, "scheduled")
    yield from started_already(state.sessions.get(command.session_id), context.occurred_at)


def _scheduling_overlaps(state: Relationship, command: c.ScheduleSession, context: Context) -> Iterator[Problem]:
    return _overlap_problems(state, command.session_id, command.starts_at, _minutes(state, command, context))


def _overlap_problems(state: Relationship, session_id: str, starts_at: datetime, minutes: int) -> Iterator[Problem]:
    for other_id in state.booked.overlapping(starts_at, starts_at + timedelta(minutes=minutes)):
        if other_id != session_id:
            other = state.sessions[other_id]
            message = f"this overlaps with session {other_id}, scheduled for {other.starts_at.isoformat()}"
            yield Problem("overlap", message, field="data.starts_at")


# --- findings ------------------------------------------------------------------------------------------------------
def move_findings(state: Relationship, command: MoveCommand, context: Context) -> Iterator[Finding]:
    """A session that is put on the calendar after its start is a fact: what would refuse a plan is found in it."""
    match command:
        case c.ScheduleSession():
            if is_told_afterwards(command, context):
                for problem in against_planning(state, command.channel, context):
                    yield Finding(code=problem.code, clause=problem.clause)
                yield from _overlap_findings(_scheduling_overlaps(state, command, context))
        case c.RescheduleSession():
            session = state.sessions[command.session_id]
            if session.status in ("completed", "missed"):
                if session.over_at is not None and command.starts_at > session.over_at:
                    # It was moved to after the time at which it is said to have taken place or to have been missed.
                    yield Finding(code="session_state")
            elif session.is_latest_move(context.occurred_at) and is_told_afterwards(command, context):
                yield from _overlap_findings(
                    _overlap_problems(state, session.session_id, command.starts_at, session.minutes)
                )
        case c.CancelSession():
            pass
        case _:
            assert_never(command)


def _overlap_findings(problems: Iterator[Problem]) -> Iterator[Finding]:
    if any(True for _ in problems):
        yield Finding(code="overlap")


# --- events --------------------------------------------------------------------------------------------------------
def move_events(state: Relationship, command: MoveCommand, context: Context) -> list[MoveEvent]:
    """The event of a session that is scheduled, moved or cancelled; none when it has that start already."""
    match command:
        case c.ScheduleSession():
            return [_scheduled(state, command, context)]
        case c.RescheduleSession():
            return _reschedule_events(state.sessions[command.session_id], command, context)
        case c.CancelSession():
            session = state.sessions[command.session_id]
            return [
                cancellation(
                    session,
                    context,
                    reason=command.reason,
                    cause=command.cause,
                    on_behalf_of=command.on_behalf_of,
                )
            ]
        case _:
            assert_never(command)


def _minutes(state: Relationship, command: c.ScheduleSession, context: Context) -> int:
    """The length of a session: its own, else the plan's, else the term's."""
    planned = state.plan.minutes if state.plan else int(values(context.known.terms)["session_minutes"])
    return command.minutes or planned


@implements("mentor247.on-platform")
def _scheduled(state: Relationship, command: c.ScheduleSession, context: Context) -> e.SessionScheduled:
    """Under mentor247 a session on any other channel than the platform is at risk of not being paid."""
    return e.SessionScheduled(
        session_id=command.session_id,
        starts_at=command.starts_at,
        channel=command.channel,
        minutes=_minutes(state, command, context),
        usual_minutes=True if command.minutes is None else None,
        unpaid_at_risk="mentor247" in state.codes and command.channel != "platform",
    )


def _reschedule_events(session: Session, command: c.RescheduleSession, context: Context) -> list[MoveEvent]:
    previous = session.start_at(context.occurred_at)
    if previous == command.starts_at:
        return []
    hours, late = _notice(session, context)
    return [
        e.SessionRescheduled(
            session_id=command.session_id,
            starts_at=command.starts_at,
            reason=command.reason,
            previous_starts_at=previous,
            notice_hours=hours,
            late=late,
            cause=command.cause,
            on_behalf_of=command.on_behalf_of,
        )
    ]


def _notice(session: Session, context: Context) -> tuple[float, bool]:
    """Hours from the act to the start that the session had then; exactly late_notice_hours is not late."""
    hours = (session.start_at(context.occurred_at) - context.occurred_at).total_seconds() / 3600
    return hours, hours < values(context.known.terms)["late_notice_hours"]


def cancellation(
    session: Session,
    context: Context,
    *,
    reason: str,
    cause: Cause | None = None,
    on_behalf_of: Role | None = None,
    by_pause: bool = False,
    by_end: bool = False,
) -> e.SessionCancelled:
    """The cancellation of a session, with the notice that was given."""
    hours, late = _notice(session, context)
    return e.SessionCancelled(
        session_id=session.session_id,
        reason=reason,
        notice_hours=hours,
        late=late and not (by_pause or by_end),
        cause=cause,
        on_behalf_of=on_behalf_of,
        by_pause=by_pause,
        by_end=by_end,
    )


# --- the fold ------------------------------------------------------------------------------------------------------
def fold_move(state: Relationship, event: MoveEvent, recorded: AnyRecorded) -> Relationship:
    """The state after a session was scheduled, moved or cancelled."""
    match event:
        case e.SessionScheduled():
            session = Session(
                event.session_id,
                "scheduled",
                event.starts_at,
                event.minutes,
                event.channel,
                recorded.role,
                first_start=event.starts_at,
            )
            return _booked(unbooked(state.known_as("session", event.session_id), event.session_id), session)
        case e.SessionRescheduled():
            return _fold_rescheduled(state, event, recorded.occurred_at)
        case e.SessionCancelled():
            return over(state, event.session_id, "cancelled", recorded.occurred_at)
        case _:
            assert_never(event)


def _fold_rescheduled(state: Relationship, event: e.SessionRescheduled, at: datetime) -> Relationship:
    session = state.sessions.get(event.session_id)
    if session is None:
        return state
    moves = with_move(session.moves, Move(at, event.starts_at))
    moved = session._replace(
        starts_at=moves[-1].starts_at,
        moves=moves,
        reschedules=session.reschedules + 1,
        late_moves=session.late_moves + event.late,
    )
    return _booked(unbooked(state, event.session_id), moved)


def over(state: Relationship, session_id: str, status: SessionStatus, at: datetime) -> Relationship:
    """The state after a session took place no more, at that time."""
    session = state.sessions.get(session_id)
    if session is None:
        return state
    done = session._replace(status=status, over_at=at)
    return unbooked(state, session_id).put("sessions", session_id, done)


def _booked(state: Relationship, session: Session) -> Relationship:
    """The state with a session as it is now, which takes its time if it is scheduled."""
    state = state.put("sessions", session.session_id, session)
    if session.status != "scheduled":
        return state
    ends_at = session.starts_at + timedelta(minutes=session.minutes)
    return state.but(booked=state.booked.taken(session.session_id, session.starts_at, ends_at))


def unbooked(state: Relationship, session_id: str) -> Relationship:
    """The state in which a session no longer takes the time for which it is scheduled."""
    session = state.sessions.get(session_id)
    return state.but(booked=state.booked.freed(session_id, session.starts_at)) if session else state
