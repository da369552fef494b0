"""Folding what happened to sessions into the state."""

from typing import Any, assert_never

from domain.model import AnyRecorded
from domain.relationship import events as e
from domain.relationship.state import Homework, Relationship, Session


def fold_session(state: Relationship, event: e.SessionEvent, recorded: AnyRecorded) -> Relationship:
    """The state after something happened to a session."""
    match event:
        case e.SessionCompleted():
            changes = {"status": "completed", "started_at": event.started_at, "ended_at": event.ended_at}
            return _changed(state, event.session_id, **changes)
        case e.SessionScheduled():
            session = Session(
                event.session_id, "scheduled", event.starts_at, event.minutes, event.channel, recorded.role
            )
            return state.put("sessions", event.session_id, session)
        case e.SessionRescheduled():
            before = state.sessions.get(event.session_id)
            moves = before.reschedules + 1 if before else 1
            late = (before.late_moves if before else 0) + event.late
            return _changed(state, event.session_id, starts_at=event.starts_at, reschedules=moves, late_moves=late)
        case e.HomeworkAssigned():
            return state.put("homework", event.homework_id, Homework(event.session_id))
        case e.HomeworkReported():
            homework = Homework(event.session_id, event.hours, event.done)
            return state.put("homework", event.homework_id, homework)
        case e.SessionCancelled():
            return _changed(state, event.session_id, status="cancelled")
        case e.SessionMissed():
            return _changed(state, event.session_id, status="missed")
        case e.PresessionCheckRecorded() | e.SessionNoteRecorded() | e.ContactRecorded():
            return state
        case _:
            assert_never(event)


def _changed(state: Relationship, session_id: str, **changes: Any) -> Relationship:
    session = state.sessions.get(session_id)
    return state.put("sessions", session_id, session._replace(**changes)) if session else state
