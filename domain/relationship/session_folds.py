"""Folding what happened to sessions into the state."""

from datetime import UTC, datetime
from typing import Any, Final, assert_never

from domain.model import AnyRecorded
from domain.relationship import events as e
from domain.relationship.state import Homework, Relationship, Session

# A copy of these is cheaper than a new one: a long history makes hundreds.
_NEW_SESSION: Final = Session("", "scheduled", datetime(1970, 1, 1, tzinfo=UTC), 0, "", "")
_NEW_HOMEWORK: Final = Homework("")


def fold_session(state: Relationship, event: e.SessionEvent, recorded: AnyRecorded) -> Relationship:
    """The state after something happened to a session."""
    match event:
        case e.SessionCompleted():
            changes = {"status": "completed", "started_at": event.started_at, "ended_at": event.ended_at}
            return _changed(state, event.session_id, **changes)
        case e.SessionScheduled():
            session = _NEW_SESSION.but(
                session_id=event.session_id,
                starts_at=event.starts_at,
                minutes=event.minutes,
                channel=event.channel,
                scheduled_by=recorded.role,
            )
            return state.put("sessions", event.session_id, session)
        case e.SessionRescheduled():
            before = state.sessions.get(event.session_id)
            moves = before.reschedules + 1 if before else 1
            late = (before.late_moves if before else 0) + event.late
            return _changed(state, event.session_id, starts_at=event.starts_at, reschedules=moves, late_moves=late)
        case e.HomeworkAssigned():
            return state.put("homework", event.homework_id, _NEW_HOMEWORK.but(session_id=event.session_id))
        case e.HomeworkReported():
            homework = _NEW_HOMEWORK.but(session_id=event.session_id, hours=event.hours, done=event.done)
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
    return state.put("sessions", session_id, session.but(**changes)) if session else state
