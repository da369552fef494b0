"""The sessions of a relationship: when they are to be (`moves`), what became of them (`attendance`), and what belongs to them.

This is the theme of all their commands, and itself decides homework, notes and contact outside sessions.
"""

from collections.abc import Iterator, Sequence
from typing import assert_never

from domain.codes.implements import implements
from domain.model import AnyRecorded, Context, Finding
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.attendance import (
    attendance_events,
    attendance_findings,
    attendance_problems,
    fold_attendance,
    homework_problems,
    people_problems,
)
from domain.relationship.guards import private_texts
from domain.relationship.moves import (
    fold_move,
    move_events,
    move_findings,
    move_problems,
    session_problems,
)
from domain.relationship.state import Homework, Relationship
from domain.words import PARTIES


def problems(state: Relationship, command: c.SessionCommand, context: Context) -> Iterator[Problem]:
    """The session must belong to this relationship and be in a fitting state; homework is assigned once, then reported."""
    match command:
        case c.ScheduleSession() | c.RescheduleSession() | c.CancelSession():
            yield from move_problems(state, command, context)
        case c.RecordPresessionCheck() | c.CompleteSession() | c.RecordNoShow():
            yield from attendance_problems(state, command, context)
        case c.AssignHomework():
            if command.homework_id in state.homework:
                message = f"homework {command.homework_id} is assigned already: give another id"
                yield Problem("homework_exists", message, field="data.homework_id")
            yield from session_problems(state, command.session_id, "scheduled", "completed")
        case c.ReportHomework():
            if command.homework_id is None:
                yield from session_problems(state, command.session_id or "")
            else:
                yield from homework_problems(state, command.homework_id)
        case c.RecordSessionNote():
            yield from session_problems(state, command.session_id)
        case c.RecordContact():
            yield from people_problems(command.between or (), "data.between")
        case _:
            assert_never(command)


def findings(state: Relationship, command: c.SessionCommand, context: Context) -> Iterator[Finding]:
    """The rules that a fact went against which is told afterwards."""
    match command:
        case c.ScheduleSession() | c.RescheduleSession() | c.CancelSession():
            yield from move_findings(state, command, context)
        case c.RecordPresessionCheck() | c.CompleteSession() | c.RecordNoShow():
            yield from attendance_findings(state, command, context)
        case c.AssignHomework():
            yield from _homework_findings(state, command, context)
        case c.ReportHomework() | c.RecordSessionNote() | c.RecordContact():
            pass
        case _:
            assert_never(command)


@implements("leapfrog.privacy")
def _homework_findings(state: Relationship, command: c.AssignHomework, context: Context) -> Iterator[Finding]:
    """Homework that is told after the end was given before it: a fact, and no plan that could still be refused."""
    late = state.status == "terminated" and context.actor.role != "mentee"
    if late and any(private_texts(state, [command.description])):
        yield Finding(code="private_topic", clause="leapfrog.privacy")


def events(state: Relationship, command: c.SessionCommand, context: Context) -> Sequence[e.SessionEvent]:
    """The event of a session; none when the state shows it already."""
    match command:
        case c.ScheduleSession() | c.RescheduleSession() | c.CancelSession():
            return move_events(state, command, context)
        case c.RecordPresessionCheck() | c.CompleteSession() | c.RecordNoShow():
            return attendance_events(state, command, context)
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


@implements("pentalog.mentor-time")
def _contact(command: c.RecordContact, context: Context) -> e.ContactRecorded:
    """Who was in touch, for how long: as told, else mentee and mentor where a party or a service tells it, else the actor alone."""
    role = context.actor.role
    usual = PARTIES if role in (*PARTIES, "service") else (role,)
    between = usual if command.between is None else command.between
    return e.ContactRecorded(channel=command.channel, between=between, minutes=command.minutes)


def _homework_events(state: Relationship, command: c.ReportHomework) -> list[e.SessionEvent]:
    """The hours so far of a homework, or of the work after a session that nobody assigned; none where they are known."""
    if command.homework_id is None:
        session = state.sessions[command.session_id or ""]
        session_id, hours, done = session.session_id, session.hours, session.homework_done
    else:
        session_id, hours, done = state.homework[command.homework_id]
    if (hours, done) == (command.hours, bool(command.done)):
        return []
    return [
        e.HomeworkReported(
            homework_id=command.homework_id, hours=command.hours, done=command.done, session_id=session_id
        )
    ]


def fold_session(state: Relationship, event: e.SessionEvent, recorded: AnyRecorded) -> Relationship:
    """The state after something happened to a session."""
    match event:
        case e.SessionScheduled() | e.SessionRescheduled() | e.SessionCancelled():
            return fold_move(state, event, recorded)
        case e.SessionCompleted() | e.SessionMissed() | e.PresessionCheckRecorded():
            return fold_attendance(state, event, recorded)
        case e.HomeworkAssigned():
            return state.known_as("homework", event.homework_id).put(
                "homework", event.homework_id, Homework(event.session_id)
            )
        case e.HomeworkReported():
            return _fold_hours(state, event)
        case e.SessionNoteRecorded() | e.ContactRecorded():
            return state
        case _:
            assert_never(event)


def _fold_hours(state: Relationship, event: e.HomeworkReported) -> Relationship:
    if event.homework_id is not None:
        return state.put("homework", event.homework_id, Homework(event.session_id, event.hours, bool(event.done)))
    session = state.sessions.get(event.session_id)
    if session is None:
        return state
    return state.put("sessions", event.session_id, session._replace(hours=event.hours, homework_done=bool(event.done)))
