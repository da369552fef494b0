"""The status of a relationship: activation, pause, resumption, the end and what comes after it."""

from collections.abc import Iterator
from datetime import date
from typing import assert_never

from domain.codes.implements import implements
from domain.model import AnyRecorded, Context, Finding
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.erasure import (
    ErasureRequest,
    asked_for,
    carried_out,
    erasure_problems,
    hold_problems,
    holds,
    lifts,
    requested,
)
from domain.relationship.goals import unknown_goal
from domain.relationship.guards import first_clause, informed_of_the_end
from domain.relationship.moves import cancellation
from domain.relationship.reviews import review_problems
from domain.relationship.state import Relationship, content_hash
from domain.words import PARTIES


def status_problems(state: Relationship, command: c.StatusCommand, context: Context) -> Iterator[Problem]:
    """The goals and people that a command names must be known, and its days not past; the step is allowed already."""
    yield from _past_days(command, context)
    match command:
        case c.RecordEndReview():
            for i, objective in enumerate(command.objectives):
                yield from unknown_goal(state, objective.goal_id, f"data.objectives.{i}.goal_id")
        case c.ReviewRelationship():
            yield from review_problems(state, command, context)
        case c.ShareReport():
            yield from _report_problems(state, command, context)
        case c.RequestErasure():
            yield from _person_problems(state, command.person)
            yield from hold_problems(state.erasure_requests, command, context)
        case c.ErasePersonalData() if command.person not in state.people:
            yield from _person_problems(state, command.person)
        case c.ErasePersonalData():
            yield from erasure_problems(state.erasure_requests, command, context)
        case (
            c.ActivateRelationship()
            | c.PostponeRelationship()
            | c.PauseRelationship()
            | c.ResumeRelationship()
            | c.TerminateRelationship()
            | c.SecureRecords()
        ):
            pass
        case _:
            assert_never(command)


@implements("cmn.reporting")
def _report_problems(state: Relationship, command: c.ShareReport, context: Context) -> Iterator[Problem]:
    """A report goes to somebody with whom reporting was agreed, about days that have come."""
    if command.with_whom not in state.reporting:
        agreed = ", ".join(state.reporting) or "nobody"
        message = (
            f"no reporting was agreed with the {command.with_whom}, only with {agreed}: agree it first (AgreeReporting)"
        )
        yield Problem("not_agreed", message, first_clause(state.codes, "cmn.reporting"), "data.with_whom")
    if command.period_to > context.today:
        message = f"the period ends on {command.period_to}, a day that is still to come: give {context.today} or an earlier day"
        yield Problem("in_future", message, field="data.period_to")


def _person_problems(state: Relationship, person: str) -> Iterator[Problem]:
    if person not in state.people:
        yield Problem("unknown_person", "the relationship names no such person", field="data.person")


def _past_days(command: c.StatusCommand, context: Context) -> Iterator[Problem]:
    """A day that is set for later must not lie before the day of the message, in the programme's time zone."""
    day: date | None
    match command:
        case c.PostponeRelationship():
            name, day = "start_on", command.start_on
        case c.PauseRelationship():
            name, day = "review_on", command.review_on
        case c.SecureRecords():
            name, day = "retained_until", command.retained_until
        case c.ReviewRelationship():
            name, day = "look_again_on", command.look_again_on
        case _:
            return
    if day is not None and day < context.today:
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
            return [*requested(state.erasure_requests, command, context, content_hash(asked_for(command)))]
        case c.ErasePersonalData():
            return [*carried_out(state.erasure_requests, command)]
        case _:
            assert_never(command)


@implements("care.informed")
def status_findings(_: Relationship, command: c.StatusCommand, context: Context) -> Iterator[Finding]:
    """An ending of which a party was not informed: the office informs them."""
    if isinstance(command, c.TerminateRelationship) and not set(PARTIES) <= set(informed_of_the_end(command, context)):
        yield Finding(code="not_informed", clause="care.informed")


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
            asked = ErasureRequest(event.person, recorded.actor, event.legal_hold is not None, content_hash(event))
            for held in holds(state.erasure_requests, event.person) if lifts(event, recorded.role) else ():
                state = state.put("erasure_requests", held, state.erasure_requests[held]._replace(held=False))
            return state.put("erasure_requests", recorded.version, asked)
        case e.EndReviewRecorded():
            return state.but(end_review=True)
        case e.RecordsSecured():
            return state.but(retained_until=event.retained_until)
        case e.PersonalDataErased():
            state = state.but(erased=state.erased | {event.person})
            request = state.erasure_requests.get(event.request)
            if request is None:
                return state
            return state.put("erasure_requests", event.request, request._replace(done=True))
        case _:
            assert_never(event)
