"""The sessions of a relationship: the calendar, what took place, homework, notes, contact."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, assert_never

from domain.codes.implements import implements
from domain.model import AnyRecorded, Context
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.goals import unknown_goal
from domain.relationship.state import Homework, Relationship, Session, SessionStatus
from domain.terms import values
from domain.words import PARTIES, Cause, Role

CHECK_LEAD: Final = timedelta(minutes=10)
CLOCK_SLACK: Final = timedelta(minutes=5)


# --- problems ------------------------------------------------------------------------------------------------------
def session_problems(state: Relationship, command: c.SessionCommand, context: Context) -> Iterator[Problem]:
    """The session must belong to this relationship, be in a fitting state and overlap no other."""
    match command:
        case c.ScheduleSession():
            yield from _schedule_problems(state, command, context)
        case c.RescheduleSession():
            yield from _reschedule_problems(state, command)
        case c.CancelSession() | c.RecordNoShow():
            yield from _session_problems(state, command.session_id, "scheduled")
        case c.RecordPresessionCheck():
            yield from _session_problems(state, command.session_id, "scheduled", "completed")
        case c.CompleteSession():
            yield from _completion_problems(state, command, context)
        case c.AssignHomework():
            if command.homework_id in state.homework:
                message = f"homework {command.homework_id} is assigned already: give another id"
                yield Problem("homework_exists", message, field="data.homework_id")
            yield from _session_problems(state, command.session_id, "scheduled", "completed")
        case c.ReportHomework():
            if command.homework_id is None:
                yield from _session_problems(state, command.session_id or "")
            elif command.homework_id not in state.homework:
                message = f"this relationship has no homework {command.homework_id}"
                yield Problem("unknown_homework", message, field="data.homework_id")
        case c.RecordSessionNote():
            yield from _session_problems(state, command.session_id)
        case c.RecordContact():
            pass
        case _:
            assert_never(command)


def _session_problems(state: Relationship, session_id: str, *statuses: SessionStatus) -> Iterator[Problem]:
    """A problem unless the relationship has the session, in one of the statuses where some are given."""
    session = state.sessions.get(session_id)
    if session is None:
        yield Problem("unknown_session", f"this relationship has no session {session_id}", field="data.session_id")
    elif statuses and session.status not in statuses:
        yield Problem("session_state", f"session {session_id} is {session.status} already", field="data.session_id")


def _schedule_problems(state: Relationship, command: c.ScheduleSession, context: Context) -> Iterator[Problem]:
    if command.session_id in state.sessions:
        message = f"session {command.session_id} exists already: reschedule it, or give another id"
        yield Problem("session_exists", message, field="data.session_id")
    minutes = _minutes(state, command, context)
    yield from _overlap_problems(state, command.session_id, command.starts_at, minutes)


def _reschedule_problems(state: Relationship, command: c.RescheduleSession) -> Iterator[Problem]:
    yield from _session_problems(state, command.session_id, "scheduled")
    session = state.sessions.get(command.session_id)
    if session and session.status == "scheduled" and session.starts_at != command.starts_at:
        yield from _overlap_problems(state, session.session_id, command.starts_at, session.minutes)


def _overlap_problems(state: Relationship, session_id: str, starts_at: datetime, minutes: int) -> Iterator[Problem]:
    for other_id in state.booked.overlapping(starts_at, starts_at + timedelta(minutes=minutes)):
        if other_id != session_id:
            other = state.sessions[other_id]
            message = f"this overlaps with session {other_id}, scheduled for {other.starts_at.isoformat()}"
            yield Problem("overlap", message, field="data.starts_at")


def _completion_problems(state: Relationship, command: c.CompleteSession, context: Context) -> Iterator[Problem]:
    """A session takes place once, without overlapping another, and before the pause if there is one."""
    yield from _session_problems(state, command.session_id, "scheduled")
    if command.ended_at > context.recorded_at + CLOCK_SLACK:
        yield Problem("in_future", "the session has not ended yet", field="data.ended_at")
    if state.paused_at and command.started_at >= state.paused_at:
        yield Problem("state", "no session takes place while paused", "cmn.pause-or-stop", "data.started_at")
    for other_id in state.held.overlapping(command.started_at, command.ended_at):
        if other_id != command.session_id:
            message = f"this overlaps with session {other_id}, which took place"
            yield Problem("overlap", message, field="data.started_at")
    for i, item in enumerate(command.agenda):
        if item.goal_id is not None:
            yield from unknown_goal(state, item.goal_id, f"data.agenda.{i}.goal_id")
    for role in command.joined:
        if role not in command.present:
            message = f"{role} joined, but is not listed as present"
            yield Problem("not_present", message, field=f"data.joined.{role}")


# --- events --------------------------------------------------------------------------------------------------------
def session_events(state: Relationship, command: c.SessionCommand, context: Context) -> list[e.SessionEvent]:
    """The event of a session; none when the state shows it already."""
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
        case c.RecordPresessionCheck():
            return [_checked(command, state.sessions[command.session_id])]
        case c.CompleteSession():
            return [_completed(state, command)]
        case c.RecordNoShow():
            return [e.SessionMissed(session_id=command.session_id, absent=command.absent, cause=command.cause)]
        case c.AssignHomework():
            return [
                e.HomeworkAssigned(
                    homework_id=command.homework_id,
                    session_id=command.session_id,
                    description=command.description,
                    due_at=command.due_at,
                )
            ]
        case c.ReportHomework():
            return _homework_events(state, command)
        case c.RecordSessionNote():
            return [
                e.SessionNoteRecorded(session_id=command.session_id, text=command.text, sensitive=command.sensitive)
            ]
        case c.RecordContact():
            return [_contact(command, context)]
        case _:
            assert_never(command)


def _minutes(state: Relationship, command: c.ScheduleSession, context: Context) -> int:
    """The length of a session: its own, else the plan's, else the term's."""
    planned = state.plan.minutes if state.plan else int(values(context.known.terms)["session_minutes"])
    return command.minutes or planned


def _scheduled(state: Relationship, command: c.ScheduleSession, context: Context) -> e.SessionScheduled:
    return e.SessionScheduled(
        session_id=command.session_id,
        starts_at=command.starts_at,
        channel=command.channel,
        minutes=_minutes(state, command, context),
        usual_minutes=True if command.minutes is None else None,
    )


def _reschedule_events(session: Session, command: c.RescheduleSession, context: Context) -> list[e.SessionEvent]:
    if session.starts_at == command.starts_at:
        return []
    hours, late = _notice(session, context)
    return [
        e.SessionRescheduled(
            session_id=command.session_id,
            starts_at=command.starts_at,
            reason=command.reason,
            previous_starts_at=session.starts_at,
            notice_hours=hours,
            late=late,
            cause=command.cause,
            on_behalf_of=command.on_behalf_of,
        )
    ]


def _notice(session: Session, context: Context) -> tuple[float, bool]:
    """Hours from the act to the start the session has; exactly late_notice_hours is not late."""
    hours = (session.starts_at - context.occurred_at).total_seconds() / 3600
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


def _checked(command: c.RecordPresessionCheck, session: Session) -> e.PresessionCheckRecorded:
    return e.PresessionCheckRecorded(
        session_id=command.session_id,
        checked_at=command.checked_at,
        device=command.device,
        connection=command.connection,
        microphone=command.microphone,
        speakers=command.speakers,
        camera=command.camera,
        quiet=command.quiet,
        background=command.background,
        attire=command.attire,
        findings=tuple(_findings(command, session)),
    )


@implements("mentor247.surroundings")
def _findings(command: c.RecordPresessionCheck, session: Session) -> Iterator[e.CheckFinding]:
    """The items that failed: the device, each yes/no item, and a check less than ten minutes before the start."""
    if command.device == "phone":
        yield "device"
    if not command.connection:
        yield "connection"
    if not command.microphone:
        yield "microphone"
    if not command.speakers:
        yield "speakers"
    if not command.camera:
        yield "camera"
    if not command.quiet:
        yield "quiet"
    if not command.background:
        yield "background"
    if command.attire is False:
        yield "attire"
    if command.checked_at > session.starts_at - CHECK_LEAD:
        yield "late_check"


@implements("pentalog.urgent-concerns", "leapfrog.mentee-agenda")
def _completed(state: Relationship, command: c.CompleteSession) -> e.SessionCompleted:
    """Each agenda item is recorded with who set it, and as urgent where it was given to an urgent concern."""
    return e.SessionCompleted(
        session_id=command.session_id,
        started_at=command.started_at,
        ended_at=command.ended_at,
        present=command.present,
        joined=command.joined,
        agenda=command.agenda,
        status=state.status,
        call_to_action=command.call_to_action,
        encouragement=command.encouragement,
        camera_on=command.camera_on,
    )


def _contact(command: c.RecordContact, context: Context) -> e.ContactRecorded:
    """Who was in touch: as told, else mentee and mentor where a party or a service tells it, else the actor alone."""
    role = context.actor.role
    usual = PARTIES if role in (*PARTIES, "service") else (role,)
    between = usual if command.between is None else command.between
    return e.ContactRecorded(channel=command.channel, between=between, minutes=command.minutes)


def _homework_events(state: Relationship, command: c.ReportHomework) -> list[e.SessionEvent]:
    if command.homework_id is None:
        return [e.HomeworkReported(hours=command.hours, done=command.done, session_id=command.session_id or "")]
    homework = state.homework[command.homework_id]
    if (homework.hours, homework.done) == (command.hours, command.done):
        return []
    return [
        e.HomeworkReported(
            homework_id=command.homework_id,
            hours=command.hours,
            done=command.done,
            session_id=homework.session_id,
        )
    ]


# --- the fold ------------------------------------------------------------------------------------------------------
def fold_session(state: Relationship, event: e.SessionEvent, recorded: AnyRecorded) -> Relationship:
    """The state after something happened to a session."""
    match event:
        case e.SessionCompleted():
            return _fold_completed(state, event)
        case e.SessionScheduled():
            session = Session(
                event.session_id, "scheduled", event.starts_at, event.minutes, event.channel, recorded.role
            )
            return _booked(_unbooked(state.known_as("session", event.session_id), event.session_id), session)
        case e.SessionRescheduled():
            return _fold_moved(state, event)
        case e.HomeworkAssigned():
            return state.known_as("homework", event.homework_id).put(
                "homework", event.homework_id, Homework(event.session_id)
            )
        case e.HomeworkReported():
            if event.homework_id is None:
                return state
            homework = Homework(event.session_id, event.hours, bool(event.done))
            return state.put("homework", event.homework_id, homework)
        case e.SessionCancelled():
            return _over(state, event.session_id, "cancelled")
        case e.SessionMissed():
            return _over(state, event.session_id, "missed")
        case e.PresessionCheckRecorded() | e.SessionNoteRecorded() | e.ContactRecorded():
            return state
        case _:
            assert_never(event)


def _fold_completed(state: Relationship, event: e.SessionCompleted) -> Relationship:
    session = state.sessions.get(event.session_id)
    if session is None:
        return state
    done = session._replace(status="completed", started_at=event.started_at, ended_at=event.ended_at)
    state = _unbooked(state, event.session_id)
    held = state.held.taken(event.session_id, event.started_at, event.ended_at)
    return state.put("sessions", event.session_id, done).but(held=held)


def _fold_moved(state: Relationship, event: e.SessionRescheduled) -> Relationship:
    session = state.sessions.get(event.session_id)
    if session is None:
        return state
    moved = session._replace(
        starts_at=event.starts_at, reschedules=session.reschedules + 1, late_moves=session.late_moves + event.late
    )
    return _booked(_unbooked(state, event.session_id), moved)


def _over(state: Relationship, session_id: str, status: SessionStatus) -> Relationship:
    session = state.sessions.get(session_id)
    return (
        _unbooked(state, session_id).put("sessions", session_id, session._replace(status=status)) if session else state
    )


def _booked(state: Relationship, session: Session) -> Relationship:
    """The state with a session as it is now, which takes its time if it is scheduled."""
    state = state.put("sessions", session.session_id, session)
    if session.status != "scheduled":
        return state
    ends_at = session.starts_at + timedelta(minutes=session.minutes)
    return state.but(booked=state.booked.taken(session.session_id, session.starts_at, ends_at))


def _unbooked(state: Relationship, session_id: str) -> Relationship:
    """The state in which a session no longer takes the time for which it is scheduled."""
    session = state.sessions.get(session_id)
    return state.but(booked=state.booked.freed(session_id, session.starts_at)) if session else state
