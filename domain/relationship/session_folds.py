"""Folding what happened to sessions into the state."""

from datetime import timedelta
from typing import assert_never

from domain.model import AnyRecorded
from domain.relationship import events as e
from domain.relationship.state import Homework, Relationship, Session, SessionStatus


def fold_session(state: Relationship, event: e.SessionEvent, recorded: AnyRecorded) -> Relationship:
    """The state after something happened to a session."""
    match event:
        case e.SessionCompleted():
            return _completed(state, event)
        case e.SessionScheduled():
            session = Session(
                event.session_id, "scheduled", event.starts_at, event.minutes, event.channel, recorded.role
            )
            return _booked(_unbooked(state.known_as("session", event.session_id), event.session_id), session)
        case e.SessionRescheduled():
            return _moved(state, event)
        case e.HomeworkAssigned():
            return state.known_as("homework", event.homework_id).put(
                "homework", event.homework_id, Homework(event.session_id)
            )
        case e.HomeworkReported():
            homework = Homework(event.session_id, event.hours, event.done)
            return state.put("homework", event.homework_id, homework)
        case e.SessionCancelled():
            return _over(state, event.session_id, "cancelled")
        case e.SessionMissed():
            return _over(state, event.session_id, "missed")
        case e.PresessionCheckRecorded() | e.SessionNoteRecorded() | e.ContactRecorded():
            return state
        case _:
            assert_never(event)


def _completed(state: Relationship, event: e.SessionCompleted) -> Relationship:
    session = state.sessions.get(event.session_id)
    if session is None:
        return state
    done = session._replace(status="completed", started_at=event.started_at, ended_at=event.ended_at)
    state = _unbooked(state, event.session_id)
    held = state.held.taken(event.session_id, event.started_at, event.ended_at)
    return state.put("sessions", event.session_id, done).but(held=held)


def _moved(state: Relationship, event: e.SessionRescheduled) -> Relationship:
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
