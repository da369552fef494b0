"""Deciding what happens to sessions: the calendar, what took place, homework, notes, contact."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import assert_never

from domain.codes.implements import implements
from domain.model import Context, Event
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.goals import known_goal
from domain.relationship.said import said
from domain.relationship.state import Relationship, Session
from domain.terms import values

CHECK_LEAD = timedelta(minutes=10)
CLOCK_SLACK = timedelta(minutes=5)


def decide_session(
    state: Relationship, command: c.SessionCommand, context: Context, found: list[Problem]
) -> list[Event]:
    """Events of a session; a session belongs to this relationship and is in a fitting state."""
    match command:
        case c.ScheduleSession():
            return _schedule(state, command, context, found)
        case c.RescheduleSession():
            return _reschedule(state, command, context, found)
        case c.CancelSession():
            session = _session(state, command.session_id, found, "scheduled")
            return [cancellation(session, command, context)] if session else []
        case c.RecordPresessionCheck():
            session = _session(state, command.session_id, found, "scheduled", "completed")
            findings = tuple(_findings(command, session)) if session else ()
            return [said(e.PresessionCheckRecorded, command, findings=findings)]
        case c.CompleteSession():
            return _complete(state, command, context, found)
        case c.RecordNoShow():
            _session(state, command.session_id, found, "scheduled")
            return [said(e.SessionMissed, command)]
        case c.AssignHomework():
            return _assign(state, command, found)
        case c.ReportHomework():
            return _report(state, command, found)
        case c.RecordSessionNote():
            _session(state, command.session_id, found)
            return [said(e.SessionNoteRecorded, command)]
        case c.RecordContact():
            return [said(e.ContactRecorded, command)]
        case _:
            assert_never(command)


def _session(state: Relationship, session_id: str, found: list[Problem], *statuses: str) -> Session | None:
    session = state.sessions.get(session_id)
    if session is None:
        found.append(
            Problem("unknown_session", f"this relationship has no session {session_id}", field="data.session_id")
        )
        return None
    if statuses and session.status not in statuses:
        found.append(
            Problem("session_state", f"session {session_id} is {session.status} already", field="data.session_id")
        )
        return None
    return session


def _schedule(state: Relationship, command: c.ScheduleSession, context: Context, found: list[Problem]) -> list[Event]:
    if command.session_id in state.sessions:
        message = f"there is a session {command.session_id} already"
        found.append(Problem("session_exists", message, field="data.session_id"))
    planned = state.plan.minutes if state.plan else int(values(context.known.terms)["session_minutes"])
    minutes = command.minutes or planned
    _no_overlap(state, command.session_id, command.starts_at, minutes, found)
    return [said(e.SessionScheduled, command, minutes=minutes)]


def _no_overlap(state: Relationship, session_id: str, starts_at: datetime, minutes: int, found: list[Problem]) -> None:
    for other_id in state.booked.overlapping(starts_at, starts_at + timedelta(minutes=minutes)):
        if other_id != session_id:
            other = state.sessions[other_id]
            message = f"this overlaps with session {other_id}, scheduled for {other.starts_at.isoformat()}"
            found.append(Problem("overlap", message, field="data.starts_at"))


def _reschedule(
    state: Relationship, command: c.RescheduleSession, context: Context, found: list[Problem]
) -> list[Event]:
    session = _session(state, command.session_id, found, "scheduled")
    if session is None or session.starts_at == command.starts_at:
        return []
    _no_overlap(state, session.session_id, command.starts_at, session.minutes, found)
    hours, late = _notice(session, context)
    return [
        said(
            e.SessionRescheduled,
            command,
            previous_starts_at=session.starts_at,
            notice_hours=hours,
            late=late,
        )
    ]


def _notice(session: Session, context: Context) -> tuple[float, bool]:
    """Hours from the act to the start the session has; exactly late_notice_hours is not late."""
    hours = (session.starts_at - context.occurred_at).total_seconds() / 3600
    return hours, hours < values(context.known.terms)["late_notice_hours"]


def cancellation(session: Session, command: c.CancelSession, context: Context, *, by_pause: bool = False) -> Event:
    """The cancellation of a session, with the notice that was given."""
    hours, late = _notice(session, context)
    return said(e.SessionCancelled, command, notice_hours=hours, late=late and not by_pause, by_pause=by_pause)


@implements("mentor247.surroundings")
def _findings(command: c.RecordPresessionCheck, session: Session) -> Iterable[e.Finding]:
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
    if command.checked_at > session.starts_at - CHECK_LEAD:
        yield "late_check"


@implements("pentalog.urgent-concerns", "leapfrog.mentee-agenda")
def _complete(state: Relationship, command: c.CompleteSession, context: Context, found: list[Problem]) -> list[Event]:
    """A session that took place, once, without overlapping another, before the pause if there is one.

    Who set each agenda item is recorded, and items given to an urgent concern are recorded as such.
    """
    _session(state, command.session_id, found, "scheduled")
    if command.ended_at > context.recorded_at + CLOCK_SLACK:
        found.append(Problem("in_future", "the session has not ended yet", field="data.ended_at"))
    if state.paused_at and command.started_at >= state.paused_at:
        found.append(Problem("state", "no session takes place while paused", "cmn.pause-or-stop", "data.started_at"))
    for other_id in state.held.overlapping(command.started_at, command.ended_at):
        if other_id != command.session_id:
            message = f"this overlaps with session {other_id}, which took place"
            found.append(Problem("overlap", message, field="data.started_at"))
    for i, item in enumerate(command.agenda):
        if item.goal_id is not None:
            known_goal(state, item.goal_id, found, f"data.agenda.{i}.goal_id")
    for role in command.joined:
        if role not in command.present:
            message = f"{role} joined but is not among those present"
            found.append(Problem("not_present", message, field=f"data.joined.{role}"))
    return [said(e.SessionCompleted, command, status=state.status)]


def _assign(state: Relationship, command: c.AssignHomework, found: list[Problem]) -> list[Event]:
    if command.homework_id in state.homework:
        message = f"homework {command.homework_id} is assigned already"
        found.append(Problem("homework_exists", message, field="data.homework_id"))
    _session(state, command.session_id, found, "scheduled", "completed")
    return [said(e.HomeworkAssigned, command)]


def _report(state: Relationship, command: c.ReportHomework, found: list[Problem]) -> list[Event]:
    homework = state.homework.get(command.homework_id)
    if homework is None:
        message = f"no homework {command.homework_id} was assigned here"
        found.append(Problem("unknown_homework", message, field="data.homework_id"))
        return []
    if (homework.hours, homework.done) == (command.hours, command.done):
        return []
    return [said(e.HomeworkReported, command, session_id=homework.session_id)]
