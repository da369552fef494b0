"""Reporting: on the agreed rhythm a report with exactly the agreed outputs is due from the mentee (cmn.reporting)."""

from datetime import datetime, timedelta
from math import floor
from typing import Final, assert_never

from pydantic import Field

from domain.codes.implements import implements
from domain.model import AnyRecorded, Time, events_of
from domain.relationship import events as e
from domain.words import ReportingAudience
from workers.model import NOTHING, Arm, Cancel, CloseTask, Deadline, Given, OpenTask, Over, Reaction, State, Worker
from workers.reactions import because, notify, tidy

REPORT_WITHIN: Final = timedelta(days=7)

Heard = (
    e.ReportingAgreed
    | e.RelationshipActivated
    | e.RelationshipPaused
    | e.RelationshipResumed
    | e.ReportShared
    | e.RelationshipTerminated
)


class Rhythm(State):
    """Every how many days a report is due, and the version of the agreement."""

    every_days: int = 0
    version: int = 0


class Reporting(State):
    """The rhythm with each audience. `begun` is when the mentoring began, later by what pauses took; `paused` since when."""

    rhythms: dict[ReportingAudience, Rhythm] = Field(default_factory=dict)
    begun: Time | None = None
    paused: Time | None = None


def _react(state: Reporting, recorded: AnyRecorded, given: Given) -> tuple[Reporting, Reaction]:
    event: Heard = recorded.data
    match event:
        case e.ReportingAgreed():
            return _agreed(state, event, recorded.version, given)
        case e.RelationshipActivated():
            state = state.but(begun=recorded.occurred_at)
            reaction: Reaction = NOTHING
            for audience in state.rhythms:
                reaction += _await(state, audience, given)
            return state, reaction
        case e.RelationshipPaused():
            return state.but(paused=recorded.occurred_at), NOTHING
        case e.RelationshipResumed():
            return _resumed(state, recorded.occurred_at), NOTHING
        case e.ReportShared():
            return state, tidy(CloseTask(f"report:{event.with_whom}"))
        case e.RelationshipTerminated():
            return Reporting(), tidy(Over())
        case _:
            assert_never(event)


def _resumed(state: Reporting, at: datetime) -> Reporting:
    stood = at - state.paused if state.paused is not None else timedelta(0)
    return state.but(paused=None, begun=state.begun + stood if state.begun is not None else None)


def _agreed(state: Reporting, event: e.ReportingAgreed, version: int, given: Given) -> tuple[Reporting, Reaction]:
    audience = event.with_whom
    rest = {key: rhythm for key, rhythm in state.rhythms.items() if key != audience}
    if event.every_days is None:
        return state.but(rhythms=rest), tidy(Cancel(f"report:{audience}"), CloseTask(f"report:{audience}"))
    before = state.rhythms.get(audience)
    if before is not None and before.every_days == event.every_days:
        return state, NOTHING
    state = state.but(rhythms={**rest, audience: Rhythm(every_days=event.every_days, version=version)})
    return state, _await(state, audience, given)


def _await(state: Reporting, audience: ReportingAudience, given: Given) -> Reaction:
    """The next day of the rhythm, counted from activation outside pauses."""
    clauses = given.cite("cmn.reporting")
    if state.begun is None or not clauses:
        return NOTHING
    rhythm = state.rhythms[audience]
    every = timedelta(days=rhythm.every_days)
    # While paused time stands still.
    now = state.paused or given.at
    due = state.begun + (floor(max(now - state.begun, timedelta(0)) / every) + 1) * every
    return (because(clauses, (rhythm.version,), Arm(f"report:{audience}", due, freezes=True)),)


@implements("cmn.reporting")
def _due(state: Reporting, deadline: Deadline, given: Given) -> tuple[Reporting, Reaction]:
    """A report is due from the mentee."""
    audience: ReportingAudience = deadline.name.partition(":")[2]  # type: ignore[assignment]
    if given.relation is None or audience not in state.rhythms:
        return state, NOTHING
    task = OpenTask(
        f"report:{audience}",
        "report_due",
        ("ShareReport",),
        due=given.at + REPORT_WITHIN,
        about=audience,
        owner="mentee",
    )
    notices = notify((given.relation.mentee,), "report_due", of=task.id, audience=audience)
    return state, (because(deadline.clauses, deadline.evidence, task, *notices), *_await(state, audience, given))


REPORTING: Final = Worker(name="reporting", state=Reporting, listens=events_of(Heard), react=_react, due=_due)
