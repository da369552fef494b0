"""Contact: when the two have not been in touch for longer than agreed, the coordinator hears of it, once per silence.

The signal `out_of_contact` lowers health by itself; this worker only brings it to somebody's desk. Days in a pause
don't count, and resumption begins a new count.
"""

from datetime import datetime, timedelta
from typing import Final, assert_never

from domain.codes.implements import implements
from domain.model import AnyRecorded, Time, events_of
from domain.relationship import events as e
from domain.words import PARTIES
from workers.model import NOTHING, Arm, Cancel, CloseTask, Deadline, Given, OpenTask, Over, Reaction, State, Worker
from workers.reactions import COORDINATOR, because, notify, tidy

SILENCE: Final = "silence"
# More than so many days of silence begins right after they are full.
RIGHT_AFTER: Final = timedelta(microseconds=1)
SETTLED_BY: Final = ("RecordContact", "CompleteSession", "PauseRelationship", "TerminateRelationship")


Heard = (
    e.PlanAgreed
    | e.RelationshipActivated
    | e.RelationshipPaused
    | e.RelationshipResumed
    | e.SessionCompleted
    | e.ContactRecorded
    | e.RelationshipTerminated
)


class Contact(State):
    """When the two were last in touch, or None while they need not be; and the agreed rhythm of sessions in days."""

    last: Time | None = None
    every_days: int = 0


def _react(state: Contact, recorded: AnyRecorded, given: Given) -> tuple[Contact, Reaction]:
    event: Heard = recorded.data
    version = recorded.version
    match event:
        case e.PlanAgreed():
            return state.but(every_days=event.every_days), NOTHING
        case e.RelationshipActivated() | e.RelationshipResumed():
            return _in_touch(state.but(last=None), given.at, version, given)
        case e.SessionCompleted() if state.last is not None:
            return _in_touch(state, event.ended_at, version, given)
        case e.ContactRecorded() if state.last is not None and set(PARTIES) <= set(event.between):
            return _in_touch(state, given.at, version, given)
        case e.RelationshipPaused():
            return state.but(last=None), tidy(Cancel(SILENCE), CloseTask(SILENCE))
        case e.RelationshipTerminated():
            return Contact(), tidy(Over())
        case e.SessionCompleted() | e.ContactRecorded():
            return state, NOTHING
        case _:
            assert_never(event)


def _in_touch(state: Contact, at: datetime, version: int, given: Given) -> tuple[Contact, Reaction]:
    """In touch at that time: the days of silence begin anew. An event that is recorded late doesn't shorten them."""
    if state.last is not None and at <= state.last:
        return state, NOTHING
    gap = max(given.term("contact_gap_days"), state.every_days + given.term("contact_slack_days"))
    clauses = given.cite_or("care.attention", "nottingham.regular-contact")
    arm = because(clauses, (version,), Arm(SILENCE, at + timedelta(days=gap) + RIGHT_AFTER), CloseTask(SILENCE))
    return state.but(last=at), (arm,)


@implements("nottingham.regular-contact")
def _due(state: Contact, deadline: Deadline, given: Given) -> tuple[Contact, Reaction]:
    """More than the allowed days of silence."""
    if given.relation is None or state.last is None:
        return state, NOTHING
    task = OpenTask(SILENCE, "out_of_contact", SETTLED_BY)
    notices = notify((COORDINATOR,), "out_of_contact", of=SILENCE)
    return state, (
        because(deadline.clauses, deadline.evidence, task, *notices, terms=("contact_gap_days", "contact_slack_days")),
    )


CONTACT: Final = Worker(
    name="contact",
    state=Contact,
    listens=events_of(Heard),
    react=_react,
    due=_due,
)
