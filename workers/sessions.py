"""Sessions: a reminder before, the outcome after, the date of the next one, the first one in time, two no-shows running.

Dates belong to the parties: this worker only reminds, and hands the coordinator what the parties leave undone.
"""

from datetime import datetime, timedelta
from typing import Any, Final, assert_never

from pydantic import Field

from domain.codes.implements import implements
from domain.model import AnyRecorded, Time, events_of
from domain.relationship import events as e
from domain.words import PARTIES, Party
from workers.model import (
    NOTHING,
    Arm,
    Cancel,
    CloseTask,
    Deadline,
    Effect,
    Given,
    OpenTask,
    Over,
    Reaction,
    State,
    Worker,
)
from workers.reactions import COORDINATOR, because, everybody, notify, parties, tidy

# A reminder leaves so much time, after the day from which a move is late, to move the session in time.
ROOM_HOURS: Final = 12
FIRST: Final = "first_session"
NEXT: Final = "next_session"


Heard = (
    e.PlanAgreed
    | e.RelationshipActivated
    | e.SessionScheduled
    | e.SessionRescheduled
    | e.SessionCancelled
    | e.SessionCompleted
    | e.SessionMissed
    | e.ContactRecorded
    | e.RelationshipTerminated
)


class Booked(State):
    """A session on the calendar, the version that put it where it is, and when its latest move was asked for."""

    starts_at: Time
    minutes: int
    version: int
    moved_at: Time | None = None


class Outcome(State):
    """A session that took place (nobody absent) or was missed."""

    starts_at: Time
    absent: tuple[Party, ...]
    version: int


class Sessions(State):
    """The calendar of a relationship; `done` counts the sessions completed while active."""

    booked: dict[str, Booked] = Field(default_factory=dict)
    outcomes: tuple[Outcome, ...] = ()
    planned: int | None = None
    done: int = 0
    active_since: int | None = None


def _react(state: Sessions, recorded: AnyRecorded, given: Given) -> tuple[Sessions, Reaction]:
    event: Heard = recorded.data
    version = recorded.version
    match event:
        case e.PlanAgreed():
            return state.but(planned=event.sessions), NOTHING
        case e.RelationshipActivated():
            state = state.but(active_since=version)
            return state, _await_first(state, given)
        case e.SessionScheduled():
            return _booked(
                state,
                event.session_id,
                Booked(starts_at=event.starts_at, minutes=event.minutes, version=version),
                given,
            )
        case e.SessionRescheduled():
            return _moved(state, event, recorded, given)
        case e.SessionCancelled():
            state, _, effects = _unbook(state, event.session_id)
            return state, tidy(*effects) + _await_first(state, given)
        case e.SessionCompleted():
            return _completed(state, event, version, given)
        case e.SessionMissed():
            return _missed(state, event, version, given)
        case e.ContactRecorded():
            return state, tidy(*(CloseTask(f"no_shows:{party}") for party in PARTIES))
        case e.RelationshipTerminated():
            return Sessions(), tidy(Over())
        case _:
            assert_never(event)


def _moved(
    state: Sessions, event: e.SessionRescheduled, recorded: AnyRecorded, given: Given
) -> tuple[Sessions, Reaction]:
    """A move told late, whose time lies before the latest move, leaves the session where that put it; one that is over stays so."""
    before, at = state.booked.get(event.session_id), recorded.occurred_at
    if before is None or (before.moved_at is not None and at < before.moved_at):
        return state, NOTHING
    booked = before.but(starts_at=event.starts_at, version=recorded.version, moved_at=at)
    return _booked(state, event.session_id, booked, given)


def _booked(state: Sessions, session_id: str, booked: Booked, given: Given) -> tuple[Sessions, Reaction]:
    """Remind of it before, while it can be moved in time; ask for its outcome after; the first session is then found."""
    remind_at = booked.starts_at - timedelta(
        hours=max(given.term("reminder_hours"), given.term("late_notice_hours") + ROOM_HOURS)
    )
    ends_at = booked.starts_at + timedelta(minutes=booked.minutes)
    # A date made so late needs no reminder: both have just agreed on it.
    remind: Effect = Arm(f"remind:{session_id}", remind_at) if remind_at > given.at else Cancel(f"remind:{session_id}")
    outcome = Arm(f"outcome:{session_id}", ends_at + timedelta(hours=given.term("outcome_hours")))
    closing = (Cancel(FIRST), CloseTask(FIRST), Cancel(NEXT), CloseTask(f"outcome:{session_id}"))
    state = state.but(booked={**state.booked, session_id: booked})
    return state, (because((), (booked.version,), remind, outcome, *closing),)


def _unbook(state: Sessions, session_id: str) -> tuple[Sessions, Booked | None, tuple[Cancel | CloseTask, ...]]:
    booked = state.booked.get(session_id)
    rest = {key: value for key, value in state.booked.items() if key != session_id}
    effects = Cancel(f"remind:{session_id}"), Cancel(f"outcome:{session_id}"), CloseTask(f"outcome:{session_id}")
    return state.but(booked=rest), booked, effects


def _ahead(state: Sessions, at: datetime) -> bool:
    """Whether a session is scheduled: one whose start has passed without an outcome is not any more."""
    return any(booked.starts_at > at for booked in state.booked.values())


def _await_first(state: Sessions, given: Given) -> Reaction:
    """Active, nothing held yet and nothing on the calendar: the first session has its days to be found."""
    if state.active_since is None or state.outcomes or _ahead(state, given.at):
        return NOTHING
    due = given.at + timedelta(days=given.term("first_session_days"))
    clauses = given.cite_or("care.attention", "pentalog.next-session")
    return (because(clauses, (state.active_since,), Arm(FIRST, due, freezes=True)),)


def _completed(state: Sessions, event: e.SessionCompleted, version: int, given: Given) -> tuple[Sessions, Reaction]:
    state, booked, effects = _unbook(state, event.session_id)
    if event.status == "contracting" or not set(PARTIES) <= set(event.present):
        return state, tidy(*effects)
    starts_at = booked.starts_at if booked else event.started_at
    outcome = Outcome(starts_at=starts_at, absent=(), version=version)
    state = state.but(done=state.done + 1, outcomes=(*state.outcomes, outcome))
    settled = *effects, Cancel(FIRST), CloseTask(FIRST), *(CloseTask(f"no_shows:{party}") for party in PARTIES)
    return state, tidy(*settled) + _next_session(state, version, given)


@implements("pentalog.next-session")
def _next_session(state: Sessions, version: int, given: Given) -> Reaction:
    """Sessions still to come and none scheduled: both are reminded at once."""
    clauses = given.cite("pentalog.next-session")
    planned = state.planned or int(given.term("planned_sessions"))
    if not clauses or not given.relation or given.relation.status != "active":
        return NOTHING
    if state.done >= planned or _ahead(state, given.at) or given.mentor_rests():
        return NOTHING
    notices = notify(parties(given.relation), NEXT, of=NEXT, sessions_left=planned - state.done)
    return (because(clauses, (version,), *notices, terms=() if state.planned else ("planned_sessions",)),)


def _missed(state: Sessions, event: e.SessionMissed, version: int, given: Given) -> tuple[Sessions, Reaction]:
    state, booked, effects = _unbook(state, event.session_id)
    # Illness and the supplier's doing excuse: such a session was missed by nobody.
    excused = event.cause in {"illness", "supplier"}
    absent = () if excused else tuple(party for party in PARTIES if party in event.absent)
    starts_at = booked.starts_at if booked else given.at
    new = Outcome(starts_at=starts_at, absent=absent, version=version)
    ordered = tuple(sorted((*state.outcomes, new), key=lambda outcome: (outcome.starts_at, outcome.version)))
    state = state.but(outcomes=ordered)
    reaction = tidy(*effects)
    for party in absent:
        reaction += _two_running(ordered, new, party, given)
    return state, reaction


def _two_running(outcomes: tuple[Outcome, ...], new: Outcome, party: Party, given: Given) -> Reaction:
    """Two neighbours, in order of start, both missed by one party within the window: somebody should ask why."""
    place = outcomes.index(new)
    oldest = given.at - timedelta(days=given.term("late_window_days"))
    near = [*outcomes[max(place - 1, 0) : place], *outcomes[place + 1 : place + 2]]
    pair = next((o for o in near if party in o.absent and min(o.starts_at, new.starts_at) >= oldest), None)
    if pair is None:
        return NOTHING
    settled_by = "RecordContact", "CompleteSession", "PauseRelationship", "TerminateRelationship"
    task = OpenTask(f"no_shows:{party}", "two_no_shows", settled_by, about=party)
    evidence = sorted((pair.version, new.version))
    notices = notify((COORDINATOR,), "two_no_shows", of=task.id, party=party)
    return (
        because(
            given.cite_or("care.attention", "leapfrog.notice"), evidence, task, *notices, terms=("late_window_days",)
        ),
    )


def _due(state: Sessions, deadline: Deadline, given: Given) -> tuple[Sessions, Reaction]:
    kind, _, session_id = deadline.name.partition(":")
    relation, booked = given.relation, state.booked.get(session_id)
    if relation is None:
        return state, NOTHING
    if kind == FIRST:
        task = OpenTask(FIRST, FIRST, ("ScheduleSession",))
        notices = notify(everybody(relation), "first_session", of=FIRST)
        return state, (because(deadline.clauses, deadline.evidence, task, *notices, terms=("first_session_days",)),)
    if booked is None:
        return state, NOTHING
    parameters: dict[str, Any] = {"session_id": session_id, "starts_at": booked.starts_at.isoformat()}
    if kind == "remind":
        if given.mentor_rests():
            return state, NOTHING
        # Nobody is reminded of what has begun: workers may have been away.
        reminded = notify(parties(relation), "session_reminder", of=deadline.name, until=booked.starts_at, **parameters)
        return state, (because((), (booked.version,), *reminded, terms=("reminder_hours",)),)
    settled_by = "CompleteSession", "RecordNoShow", "CancelSession"
    task = OpenTask(f"outcome:{session_id}", "session_outcome", settled_by, about=session_id)
    notices = notify((relation.mentor, COORDINATOR), "session_outcome", of=task.id, **parameters)
    return state, (because(given.cite("care.attention"), (booked.version,), task, *notices, terms=("outcome_hours",)),)


SESSIONS: Final = Worker(
    name="sessions",
    state=Sessions,
    listens=events_of(Heard),
    react=_react,
    due=_due,
)
