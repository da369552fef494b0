"""What became of a session: the mentor's check before it, the session that took place, the one that somebody missed.

These are facts, told afterwards. One that went against a rule is recorded with a finding; one that can't be is refused.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final, assert_never

from domain.codes.implements import implements
from domain.model import AnyRecorded, Context, Finding
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.goals import unknown_goal
from domain.relationship.guards import first_clause, in_future, raises_private_topic
from domain.relationship.moves import over, session_problems, unbooked
from domain.relationship.state import Relationship, Session
from domain.words import PARTIES, PEOPLE, Role, Status

AttendanceCommand = c.RecordPresessionCheck | c.CompleteSession | c.RecordNoShow
AttendanceEvent = e.PresessionCheckRecorded | e.SessionCompleted | e.SessionMissed

CHECK_LEAD: Final = timedelta(minutes=10)
CLOCK_SLACK: Final = timedelta(minutes=5)


# --- problems ------------------------------------------------------------------------------------------------------
def attendance_problems(state: Relationship, command: AttendanceCommand, context: Context) -> Iterator[Problem]:
    """A session takes place or is missed once, after its start; mentee and mentor are there, or one of them is not."""
    match command:
        case c.RecordPresessionCheck():
            yield from session_problems(state, command.session_id, "scheduled", "completed", "missed")
            yield from in_future(command.checked_at, context, "the check", "data.checked_at")
        case c.CompleteSession():
            yield from session_problems(state, command.session_id, "scheduled")
            yield from _time_problems(state, command, context)
            yield from _presence_problems(command)
            yield from _agenda_problems(state, command)
        case c.RecordNoShow():
            yield from session_problems(state, command.session_id, "scheduled")
            yield from _absence_problems(state, command, context)
        case _:
            assert_never(command)


def _time_problems(state: Relationship, command: c.CompleteSession, context: Context) -> Iterator[Problem]:
    # A session is often told at its start, with the end in it; what was corrected is told at the time of the correction.
    until = (context.told_at if context.correction else context.recorded_at) + CLOCK_SLACK
    for role, joined in command.joined.items():
        if joined > until:
            yield Problem(
                "in_future",
                f"{role} had not joined by the time of this message: send it afterwards",
                field=f"data.joined.{role}",
            )
    if command.started_at > context.told_at + CLOCK_SLACK:
        message = "the session has not started at the time of this message: send it once the session took place"
        yield Problem("not_started", message, field="data.started_at")
    elif command.ended_at > until:
        yield Problem("in_future", "the session has not ended yet: send it afterwards", field="data.ended_at")
    else:
        told_at = max(context.occurred_at, command.ended_at)
        yield from _start_problems(state.sessions.get(command.session_id), told_at, context)


def _start_problems(session: Session | None, told_at: datetime, context: Context) -> Iterator[Problem]:
    """What became of a session is not told before the start that it has at the time of the message."""
    if session is None or session.status != "scheduled":
        return
    starts_at = session.start_at(context.occurred_at)
    if told_at < starts_at:
        message = (
            f"session {session.session_id} starts at {starts_at.isoformat()}, which is still to come: "
            "tell what became of it afterwards, or first reschedule it to when it took place"
        )
        yield Problem("not_started", message, field="data.session_id")


def people_problems(roles: Iterable[Role], field: str) -> Iterator[Problem]:
    """A problem for each role that nobody takes part in a mentoring in, such as a service."""
    for role in dict.fromkeys(roles):
        if role not in PEOPLE:
            message = f"nobody takes part in the mentoring as {role}: name who did, of {', '.join(PEOPLE)}"
            yield Problem("not_a_participant", message, field=field)


def _presence_problems(command: c.CompleteSession) -> Iterator[Problem]:
    yield from people_problems(command.present, "data.present")
    missing = [party for party in PARTIES if party not in command.present]
    if missing:
        message = (
            f"a session takes place with mentee and mentor, and {' and '.join(missing)} {'was' if len(missing) == 1 else 'were'} not there: "
            "record the no-show, or cancel"
        )
        yield Problem("not_present", message, field="data.present")
    for role in command.joined:
        if role not in command.present:
            message = (
                f"{role} joined, but is not among those present: add the role to present, or leave it out of joined"
            )
            yield Problem("not_present", message, field=f"data.joined.{role}")


def _agenda_problems(state: Relationship, command: c.CompleteSession) -> Iterator[Problem]:
    for i, item in enumerate(command.agenda):
        if item.goal_id is not None:
            yield from unknown_goal(state, item.goal_id, f"data.agenda.{i}.goal_id")
        if item.homework_id is not None:
            yield from homework_problems(state, item.homework_id, f"data.agenda.{i}.homework_id")


def homework_problems(state: Relationship, homework_id: str, field: str = "data.homework_id") -> Iterator[Problem]:
    """A problem unless the homework was assigned."""
    if homework_id not in state.homework:
        yield Problem("unknown_homework", f"this relationship has no homework {homework_id}", field=field)


def _absence_problems(state: Relationship, command: c.RecordNoShow, context: Context) -> Iterator[Problem]:
    yield from _start_problems(state.sessions.get(command.session_id), context.told_at, context)
    yield from people_problems(command.absent, "data.absent")
    if not set(PARTIES) & set(command.absent):
        message = "a session is missed by mentee, mentor or both: without anybody else it still takes place"
        yield Problem("nobody_absent", message, field="data.absent")


# --- findings ------------------------------------------------------------------------------------------------------
@implements("leapfrog.privacy")
def attendance_findings(state: Relationship, command: AttendanceCommand, _: Context) -> Iterator[Finding]:
    """A session is recorded as it was: beside another one, during a pause, about what the mentee keeps private."""
    if not isinstance(command, c.CompleteSession):
        return
    if any(other != command.session_id for other in state.held.overlapping(command.started_at, command.ended_at)):
        yield Finding(code="overlap")
    if state.was_paused(command.started_at):
        yield Finding(code="state", clause=first_clause(state.codes, "cmn.pause-or-stop"))
    if raises_private_topic(state, command.agenda):
        yield Finding(code="private_topic", clause="leapfrog.privacy")


# --- events --------------------------------------------------------------------------------------------------------
def attendance_events(state: Relationship, command: AttendanceCommand, _: Context) -> list[AttendanceEvent]:
    """The event of a check, a session that took place or one that was missed."""
    match command:
        case c.RecordPresessionCheck():
            return [_checked(command, state.sessions[command.session_id])]
        case c.CompleteSession():
            return [_completed(state, command)]
        case c.RecordNoShow():
            return [e.SessionMissed(session_id=command.session_id, absent=command.absent, cause=command.cause)]
        case _:
            assert_never(command)


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
        findings=tuple(_failed_items(command, session)),
    )


@implements("mentor247.surroundings")
def _failed_items(command: c.RecordPresessionCheck, session: Session) -> Iterator[e.CheckFinding]:
    """The items that failed: the device, each yes/no item, and a check less than ten minutes before the start that the session then had."""
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
    if command.checked_at > session.start_at(command.checked_at) - CHECK_LEAD:
        yield "late_check"


@implements("pentalog.urgent-concerns", "leapfrog.mentee-agenda", "cmn.homework-reviewed")
def _completed(state: Relationship, command: c.CompleteSession) -> e.SessionCompleted:
    """Each agenda item is recorded with who set it, as urgent where it was given to an urgent concern, and with the homework it discussed."""
    return e.SessionCompleted(
        session_id=command.session_id,
        started_at=command.started_at,
        ended_at=command.ended_at,
        present=command.present,
        joined=command.joined,
        agenda=command.agenda,
        status=_status_at(state, command.started_at),
        call_to_action=command.call_to_action,
        encouragement=command.encouragement,
        camera_on=command.camera_on,
    )


def _status_at(state: Relationship, moment: datetime) -> Status:
    """Contracting for what took place before activation, however late it is told; else active, for sessions are held while active."""
    return "contracting" if state.activated_at is None or moment < state.activated_at else "active"


# --- the fold ------------------------------------------------------------------------------------------------------
def fold_attendance(state: Relationship, event: AttendanceEvent, recorded: AnyRecorded) -> Relationship:
    """The state after a session took place or was missed."""
    match event:
        case e.SessionCompleted():
            return _fold_completed(state, event)
        case e.SessionMissed():
            return over(state, event.session_id, "missed", recorded.occurred_at)
        case e.PresessionCheckRecorded():
            return state
        case _:
            assert_never(event)


def _fold_completed(state: Relationship, event: e.SessionCompleted) -> Relationship:
    session = state.sessions.get(event.session_id)
    if session is None:
        return state
    done = session._replace(
        status="completed",
        started_at=event.started_at,
        ended_at=event.ended_at,
        over_at=event.started_at,
        present=event.present,
    )
    state = unbooked(state, event.session_id)
    held = state.held.taken(event.session_id, event.started_at, event.ended_at)
    return state.put("sessions", event.session_id, done).but(held=held)
