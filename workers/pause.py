"""Pauses: looked at again on the day that was agreed, and not without end.

A pause of more than the allowed days is put before those who oversee the mentoring; resuming or ending stays theirs.
"""

from datetime import datetime, time, timedelta
from typing import Final, assert_never

from domain.calendar import at_local
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from workers.model import NOTHING, Arm, Cancel, CloseTask, Deadline, Given, OpenTask, Over, Reaction, State, Worker
from workers.reactions import because, everybody, notify, tidy

REVIEW: Final = "review"
LIMIT: Final = "limit"
CLAUSES: Final = ("cmn.pause-or-stop", "nottingham.withdrawal")
SETTLED_BY: Final = ("ResumeRelationship", "TerminateRelationship")
# The hour of the day, in the programme's time zone, at which somebody is reminded of that day.
MORNING: Final = time(9)


Heard = e.RelationshipPaused | e.RelationshipResumed | e.RelationshipTerminated


class Pause(State):
    """The version of the pause, or None while there is none."""

    paused: int | None = None


def _react(_: Pause, recorded: AnyRecorded, given: Given) -> tuple[Pause, Reaction]:
    event: Heard = recorded.data
    match event:
        case e.RelationshipPaused(review_on=review_on):
            review_at = at_local(review_on, MORNING, given.programme.timezone)
            return Pause(paused=recorded.version), _watch(review_at, recorded.version, given)
        case e.RelationshipResumed():
            ended = (Cancel(REVIEW), Cancel(LIMIT), CloseTask(REVIEW), CloseTask(LIMIT))
            return Pause(), tidy(*ended)
        case e.RelationshipTerminated():
            return Pause(), tidy(Over())
        case _:
            assert_never(event)


def _watch(review_at: datetime, version: int, given: Given) -> Reaction:
    """The review and the limit run while paused: they are what the pause itself sets going."""
    limit_at = given.at + timedelta(days=given.term("pause_days_max"))
    task = OpenTask(REVIEW, "pause_review", SETTLED_BY, due=review_at)
    clauses = given.cite_or("care.attention", *CLAUSES)
    return (
        because(clauses, (version,), Arm(REVIEW, review_at), Arm(LIMIT, limit_at), task, terms=("pause_days_max",)),
    )


def _due(state: Pause, deadline: Deadline, given: Given) -> tuple[Pause, Reaction]:
    if given.relation is None or state.paused is None:
        return state, NOTHING
    if deadline.name == REVIEW:
        notices = notify(everybody(given.relation), "pause_review", of=REVIEW)
        return state, (because(deadline.clauses, deadline.evidence, *notices),)
    task = OpenTask(LIMIT, "pause_too_long", SETTLED_BY)
    notices = notify(given.relation.overseers, "pause_too_long", of=LIMIT)
    return state, (because(deadline.clauses, deadline.evidence, task, *notices, terms=("pause_days_max",)),)


PAUSE: Final = Worker(
    name="pause",
    state=Pause,
    listens=events_of(Heard),
    react=_react,
    due=_due,
)
