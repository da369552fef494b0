"""The status of a relationship: activation, pause, resumption, the end and what comes after it."""

from collections.abc import Iterator
from typing import assert_never

from domain.codes.implements import implements
from domain.model import AnyRecorded, Context
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.goals import unknown_goal
from domain.relationship.moves import cancellation
from domain.relationship.state import ErasureRequest, Relationship, content_hash


def status_problems(state: Relationship, command: c.StatusCommand, context: Context) -> Iterator[Problem]:
    """The goals and people that a command names must be known, and its days not past; the step is allowed already."""
    yield from _past_days(command, context)
    if isinstance(command, c.RecordEndReview):
        for i, objective in enumerate(command.objectives):
            yield from unknown_goal(state, objective.goal_id, f"data.objectives.{i}.goal_id")
    elif isinstance(command, c.RequestErasure | c.ErasePersonalData) and command.person not in state.people:
        yield Problem("unknown_person", "the relationship names no such person", field="data.person")
    elif isinstance(command, c.ErasePersonalData):
        yield from _approval_problems(state, command, context)


def _approval_problems(state: Relationship, command: c.ErasePersonalData, context: Context) -> Iterator[Problem]:
    """An erasure was requested for this person, and somebody else than who requested it approves."""
    request = state.erasure_requests.get(command.request)
    if request is None or request.person != command.person:
        message = f"event {command.request} is no request to erase {command.person}'s data: request it first"
        yield Problem("unknown_request", message, field="data.request")
    elif request.by.partition(":")[2] == context.actor.id:
        message = "you requested this erasure: another person approves it"
        yield Problem("own_matter", message, field="actor")


def _past_days(command: c.StatusCommand, context: Context) -> Iterator[Problem]:
    """A day that is set for later must not lie before the day of the message, in the programme's time zone."""
    match command:
        case c.PostponeRelationship():
            name, day = "start_on", command.start_on
        case c.PauseRelationship():
            name, day = "review_on", command.review_on
        case c.SecureRecords():
            name, day = "retained_until", command.retained_until
        case _:
            return
    if day < context.today:
        message = f"{name} is {day}, which is past: give {context.today} or a later day"
        yield Problem("in_past", message, field=f"data.{name}")


def status_events(
    state: Relationship, command: c.StatusCommand, context: Context
) -> list[e.StatusEvent | e.SessionCancelled]:
    """The events of a step; a pause and the end also cancel the sessions to come. None when the state shows it already."""
    match command:
        case c.ActivateRelationship():
            return [e.RelationshipActivated()]
        case c.PostponeRelationship():
            return [
                e.RelationshipPostponed(
                    start_on=command.start_on,
                    reason=command.reason,
                    informed=command.informed,
                    next_steps=command.next_steps,
                )
            ]
        case c.ReviewRelationship():
            return [
                e.RelationshipReviewed(
                    note=command.note,
                    next_steps=command.next_steps,
                    look_again_on=command.look_again_on,
                    about=command.about,
                )
            ]
        case c.ShareReport():
            return [
                e.ReportShared(
                    with_whom=command.with_whom, period_from=command.period_from, period_to=command.period_to
                )
            ]
        case c.PauseRelationship():
            paused = e.RelationshipPaused(
                reason=command.reason,
                review_on=command.review_on,
                informed=command.informed,
                next_steps=command.next_steps,
            )
            return [paused, *_cancel_future(state, context, by_end=False)]
        case c.ResumeRelationship():
            return [e.RelationshipResumed(informed=command.informed, note=command.note)]
        case c.RecordEndReview():
            return [e.EndReviewRecorded(objectives=command.objectives, signposting=command.signposting)]
        case c.TerminateRelationship():
            ended = e.RelationshipTerminated(
                reason=command.reason, informed=command.informed, next_steps=command.next_steps
            )
            return [ended, *_cancel_future(state, context, by_end=True)]
        case c.SecureRecords():
            known = state.retained_until == command.retained_until
            return [] if known else [e.RecordsSecured(retained_until=command.retained_until)]
        case c.RequestErasure():
            requested = e.ErasureRequested(person=command.person, basis=command.basis, legal_hold=command.legal_hold)
            asked = ErasureRequest(command.person, str(context.actor), content_hash(requested))
            return [] if asked in state.erasure_requests.values() else [requested]
        case c.ErasePersonalData():
            erased = command.person in state.erased
            return [] if erased else [e.PersonalDataErased(person=command.person, request=command.request)]
        case _:
            assert_never(command)


@implements("cmn.pause-or-stop")
def _cancel_future(state: Relationship, context: Context, *, by_end: bool) -> list[e.SessionCancelled]:
    """A pause and the end cancel the sessions that were still to come, and they count for neither party."""
    reason = "the relationship ended" if by_end else "the relationship was paused"
    return [
        cancellation(state.sessions[session_id], context, reason=reason, by_pause=not by_end, by_end=by_end)
        for session_id in state.booked.after(context.occurred_at)
    ]


def fold_status(state: Relationship, event: e.StatusEvent, recorded: AnyRecorded) -> Relationship:
    """The state after a step of the course."""
    match event:
        case e.RelationshipActivated():
            return state.but(status="active", activated_at=recorded.occurred_at)
        case e.RelationshipPaused():
            return state.but(status="paused", paused_at=recorded.occurred_at)
        case e.RelationshipResumed():
            pauses = state.pauses
            if state.paused_at is not None:
                pauses = (*pauses, (state.paused_at, recorded.occurred_at))
            return state.but(status="active", paused_at=None, pauses=pauses)
        case e.RelationshipTerminated():
            return state.but(status="terminated", paused_at=None, ended_at=recorded.occurred_at)
        case e.RelationshipPostponed() | e.RelationshipReviewed() | e.ReportShared():
            return state
        case e.ErasureRequested():
            asked = ErasureRequest(event.person, recorded.actor, content_hash(event))
            return state.put("erasure_requests", recorded.version, asked)
        case e.EndReviewRecorded():
            return state.but(end_review=True)
        case e.RecordsSecured():
            return state.but(retained_until=event.retained_until)
        case e.PersonalDataErased():
            return state.but(erased=state.erased | {event.person})
        case _:
            assert_never(event)
