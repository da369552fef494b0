"""Coaching tips for the mentors of a paid platform: what the check before a session and the session itself showed.

A tip goes to the mentor alone and names the clause, never content. Tips cost no health: that is left to the signals.
"""

from datetime import timedelta
from typing import Any, Final, assert_never

from pydantic import Field

from domain.codes.implements import implements
from domain.model import AnyRecorded, Time, events_of
from domain.relationship import events as e
from workers.model import NOTHING, Arm, Cancel, Deadline, Given, Over, Reaction, State, Worker
from workers.reactions import because, notify, tidy

ENVIRONMENT: Final = ("device", "quiet")
CONNECTION: Final = ("connection", "microphone", "speakers", "camera", "late_check")


Heard = (
    e.SessionScheduled
    | e.SessionRescheduled
    | e.SessionCancelled
    | e.SessionMissed
    | e.PresessionCheckRecorded
    | e.SessionCompleted
    | e.RelationshipTerminated
)


class Coaching(State):
    """Start of each session on the calendar; which sessions were checked, or had their missing check pointed out."""

    starts: dict[str, Time] = Field(default_factory=dict)
    checked: tuple[str, ...] = ()


def _tip(
    clause: str, version: int, given: Given, *, terms: tuple[str, ...] = (), of: str | None = None, **what: Any
) -> Reaction:
    clauses = given.cite(clause)
    if not clauses or given.relation is None:
        return NOTHING
    notices = notify((given.relation.mentor,), "coaching_tip", of=of, clause=clause, **what)
    return (because(clauses, (version,), *notices, terms=terms),)


def _react(state: Coaching, recorded: AnyRecorded, given: Given) -> tuple[Coaching, Reaction]:
    event: Heard = recorded.data
    version = recorded.version
    match event:
        case e.SessionScheduled() | e.SessionRescheduled():
            starts = {**state.starts, event.session_id: event.starts_at}
            return state.but(starts=starts), _await_check(state, event.session_id, event.starts_at, version, given)
        case e.SessionCancelled() | e.SessionMissed():
            return _off(state, event.session_id), tidy(Cancel(f"check:{event.session_id}"))
        case e.PresessionCheckRecorded():
            known = event.session_id in state.checked
            state = state.but(checked=(*state.checked, event.session_id))
            reaction = _environment(event, version, given) + (NOTHING if known else _connection(event, version, given))
            return state, tidy(Cancel(f"check:{event.session_id}")) + reaction
        case e.SessionCompleted():
            reaction = (
                _camera(event, version, given)
                + _punctuality(state, event, version, given)
                + _call_to_action(event, version, given)
            )
            return _off(state, event.session_id), reaction
        case e.RelationshipTerminated():
            return Coaching(), tidy(Over())
        case _:
            assert_never(event)


def _off(state: Coaching, session_id: str) -> Coaching:
    """Off the calendar; whether it was checked is kept, since a check may be recorded after the session."""
    return state.but(starts={key: value for key, value in state.starts.items() if key != session_id})


@implements("mentor247.environment")
def _environment(event: e.PresessionCheckRecorded, version: int, given: Given) -> Reaction:
    """A noisy place, or a phone."""
    failed = [item for item in event.findings if item in ENVIRONMENT]
    if not failed:
        return NOTHING
    return _tip("mentor247.environment", version, given, session_id=event.session_id, items=" ".join(failed))


@implements("mentor247.connection")
def _connection(event: e.PresessionCheckRecorded, version: int, given: Given) -> Reaction:
    """Line or equipment that failed, or was tried less than ten minutes before the start."""
    failed = [item for item in event.findings if item in CONNECTION]
    if not failed:
        return NOTHING
    return _tip("mentor247.connection", version, given, session_id=event.session_id, items=" ".join(failed))


@implements("mentor247.connection")
def _await_check(state: Coaching, session_id: str, starts_at: Time, version: int, given: Given) -> Reaction:
    """At the start of the session it shows whether there was a check at all."""
    if session_id in state.checked:
        return NOTHING
    return (because(given.cite("mentor247.connection"), (version,), Arm(f"check:{session_id}", starts_at)),)


@implements("mentor247.camera")
def _camera(event: e.SessionCompleted, version: int, given: Given) -> Reaction:
    """Camera off; nothing where it is not recorded."""
    if event.camera_on is not False:
        return NOTHING
    return _tip("mentor247.camera", version, given, session_id=event.session_id)


@implements("mentor247.punctuality")
def _punctuality(state: Coaching, event: e.SessionCompleted, version: int, given: Given) -> Reaction:
    """The call opened less than the minutes of grace before the start; after the start it is lateness."""
    joined, starts_at = event.joined.get("mentor"), state.starts.get(event.session_id)
    if joined is None or starts_at is None:
        return NOTHING
    if joined <= starts_at - timedelta(minutes=given.term("punctuality_minutes")):
        return NOTHING
    how = "late" if joined > starts_at else "close"
    terms = ("punctuality_minutes",)
    return _tip("mentor247.punctuality", version, given, session_id=event.session_id, how=how, terms=terms)


@implements("mentor247.call-to-action")
def _call_to_action(event: e.SessionCompleted, version: int, given: Given) -> Reaction:
    """The session ended without a call to action. Only whether there was one counts, never its content."""
    if event.call_to_action is not None:
        return NOTHING
    return _tip("mentor247.call-to-action", version, given, session_id=event.session_id)


@implements("mentor247.connection")
def _due(state: Coaching, deadline: Deadline, given: Given) -> tuple[Coaching, Reaction]:
    """The session begins and nobody has tried the equipment."""
    session_id = deadline.name.partition(":")[2]
    if session_id in state.checked or session_id not in state.starts:
        return state, NOTHING
    version = deadline.evidence[-1]
    state = state.but(checked=(*state.checked, session_id))
    return state, _tip("mentor247.connection", version, given, of=deadline.name, session_id=session_id, items="missing")


COACHING: Final = Worker(
    name="coaching",
    state=Coaching,
    under=frozenset({"mentor247"}),
    listens=events_of(Heard),
    react=_react,
    due=_due,
)
