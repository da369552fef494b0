"""Coaching tips for mentors: what the check before a session and the session itself showed.

A tip goes to the mentor alone and names the clause, never content. Tips cost no health: that is left to the signals.
Messages come late, so each fact is judged against the start that the session had at the time of the fact.
"""

from datetime import datetime, timedelta
from typing import Any, Final, assert_never

from pydantic import Field

from domain.codes.implements import implements
from domain.model import AnyRecorded, Time, events_of
from domain.relationship import events as e
from domain.relationship.state import Move, start_at, with_move
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


class Start(State):
    """The start that a session had at first, and its moves in the order of their times."""

    first: Time
    moves: tuple[Move, ...] = ()

    def at(self, moment: datetime) -> datetime:
        """The start that it had at a time."""
        return start_at(self.first, self.moves, moment)

    @property
    def latest(self) -> datetime:
        """The start that it has."""
        return self.moves[-1].starts_at if self.moves else self.first


class Coaching(State):
    """The starts of the sessions on the calendar; which sessions were checked, and of which it was pointed out that none was."""

    starts: dict[str, Start] = Field(default_factory=dict)
    checked: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


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
        case e.SessionScheduled():
            start = Start(first=event.starts_at)
            state = state.but(starts={**state.starts, event.session_id: start})
            return state, _await_check(state, event.session_id, event.starts_at, version, given)
        case e.SessionRescheduled():
            return _moved(state, event, recorded, given)
        case e.SessionCancelled() | e.SessionMissed():
            return _off(state, event.session_id), tidy(Cancel(f"check:{event.session_id}"))
        case e.PresessionCheckRecorded():
            reaction = _environment(event, version, given) + _connection(state, event, version, given)
            checked = tuple(dict.fromkeys((*state.checked, event.session_id)))
            return state.but(checked=checked), tidy(Cancel(f"check:{event.session_id}")) + reaction
        case e.SessionCompleted():
            reaction = (
                _camera(event, version, given)
                + _punctuality(state, event, version, given)
                + _call_to_action(event, version, given)
                + _private_topic(event, recorded, given)
            )
            return _off(state, event.session_id), reaction
        case e.RelationshipTerminated():
            # What took place before may still be told.
            return state, tidy(Over())
        case _:
            assert_never(event)


def _off(state: Coaching, session_id: str) -> Coaching:
    """Off the calendar; whether it was checked is kept, since a check may be recorded after the session."""
    return state.but(starts={key: value for key, value in state.starts.items() if key != session_id})


def _moved(
    state: Coaching, event: e.SessionRescheduled, recorded: AnyRecorded, given: Given
) -> tuple[Coaching, Reaction]:
    """The check is awaited at the new start, unless the move is told after a later one, or after the session was over."""
    session_id, at = event.session_id, recorded.occurred_at
    before = state.starts.get(session_id)
    if before is None:
        return state, NOTHING
    start = before.but(moves=with_move(before.moves, Move(at, event.starts_at)))
    # That none was made before the old start says nothing about the new one.
    missing = state.missing if start.latest == before.latest else tuple(it for it in state.missing if it != session_id)
    state = state.but(starts={**state.starts, session_id: start}, missing=missing)
    if start.latest == before.latest:
        return state, NOTHING
    return state, _await_check(state, session_id, start.latest, recorded.version, given)


@implements("mentor247.environment")
def _environment(event: e.PresessionCheckRecorded, version: int, given: Given) -> Reaction:
    """A noisy place, or a phone."""
    failed = [item for item in event.findings if item in ENVIRONMENT]
    if not failed:
        return NOTHING
    return _tip("mentor247.environment", version, given, session_id=event.session_id, items=" ".join(failed))


@implements("mentor247.connection")
def _connection(state: Coaching, event: e.PresessionCheckRecorded, version: int, given: Given) -> Reaction:
    """Line or equipment that failed, or was tried less than ten minutes before the start.

    Of a session whose missing check was pointed out, that it was late is known.
    """
    failed = [item for item in event.findings if item in CONNECTION]
    if not failed or (failed == ["late_check"] and event.session_id in state.missing):
        return NOTHING
    return _tip("mentor247.connection", version, given, session_id=event.session_id, items=" ".join(failed))


@implements("mentor247.connection")
def _await_check(state: Coaching, session_id: str, starts_at: Time, version: int, given: Given) -> Reaction:
    """At the start of the session it shows whether there was a check at all."""
    if session_id in state.checked or not given.cite("mentor247.connection"):
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
    joined, start = event.joined.get("mentor"), state.starts.get(event.session_id)
    if joined is None or start is None:
        return NOTHING
    starts_at = start.at(joined)
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


@implements("leapfrog.privacy")
def _private_topic(event: e.SessionCompleted, recorded: AnyRecorded, given: Given) -> Reaction:
    """Somebody else than the mentee raised what the mentee keeps private; what it was is not said."""
    if not any(finding.code == "private_topic" for finding in recorded.findings or ()):
        return NOTHING
    return _tip("leapfrog.privacy", recorded.version, given, session_id=event.session_id)


@implements("mentor247.connection")
def _due(state: Coaching, deadline: Deadline, given: Given) -> tuple[Coaching, Reaction]:
    """The session begins and nobody has tried the equipment."""
    session_id = deadline.name.partition(":")[2]
    if session_id in state.checked or session_id not in state.starts:
        return state, NOTHING
    version = deadline.evidence[-1]
    state = state.but(missing=(*state.missing, session_id))
    return state, _tip("mentor247.connection", version, given, of=deadline.name, session_id=session_id, items="missing")


COACHING: Final = Worker(
    name="coaching",
    state=Coaching,
    under=frozenset({"mentor247", "leapfrog"}),
    listens=events_of(Heard),
    react=_react,
    due=_due,
)
