"""Deciding and folding the course: activation, pause, resumption, the end and what comes after it."""

from typing import assert_never

from domain.codes.implements import implements
from domain.model import AnyRecorded, Context, Event
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.goals import known_goal
from domain.relationship.said import said
from domain.relationship.sessions import cancellation
from domain.relationship.state import Relationship


def decide_course(state: Relationship, command: c.CourseCommand, context: Context, found: list[Problem]) -> list[Event]:
    """Events of the course; whether the state allows the step was the statechart's to say."""
    match command:
        case c.ActivateRelationship():
            return [said(e.RelationshipActivated, command)]
        case c.PauseRelationship():
            return [said(e.RelationshipPaused, command), *_cancel_future(state, context)]
        case c.ResumeRelationship():
            return [said(e.RelationshipResumed, command)]
        case c.RecordEndReview():
            for i, objective in enumerate(command.objectives):
                known_goal(state, objective.goal_id, found, f"data.objectives.{i}.goal_id")
            return [said(e.EndReviewRecorded, command)]
        case c.TerminateRelationship():
            return [said(e.RelationshipTerminated, command)]
        case c.SecureRecords():
            return [] if state.retained_until == command.retained_until else [said(e.RecordsSecured, command)]
        case c.ErasePersonalData():
            named = (state.mentee_id, state.mentor_id, state.customer_id, state.line_manager_id, state.supplier_id)
            if command.person not in named:
                found.append(Problem("unknown_person", "the relationship names no such person", field="data.person"))
            return [] if command.person in state.erased else [said(e.PersonalDataErased, command)]
        case _:
            assert_never(command)


@implements("cmn.pause-or-stop")
def _cancel_future(state: Relationship, context: Context) -> list[Event]:
    """A pause cancels the sessions that were still to come, and they count for neither party."""
    return [
        cancellation(
            state.sessions[session_id],
            c.CancelSession(session_id=session_id, reason="the relationship was paused"),
            context,
            by_pause=True,
        )
        for session_id in state.booked.after(context.occurred_at)
    ]


def fold_course(state: Relationship, event: e.CourseEvent, recorded: AnyRecorded) -> Relationship:
    """The state after a step of the course."""
    match event:
        case e.RelationshipActivated():
            return state.but(status="active", activated_at=recorded.occurred_at)
        case e.RelationshipPaused():
            return state.but(status="paused", paused_at=recorded.occurred_at)
        case e.RelationshipResumed():
            return state.but(status="active", paused_at=None)
        case e.RelationshipTerminated():
            return state.but(status="terminated", paused_at=None)
        case e.EndReviewRecorded():
            return state.but(end_review=True)
        case e.RecordsSecured():
            return state.but(retained_until=event.retained_until)
        case e.PersonalDataErased():
            return state.but(erased=state.erased | {event.person})
        case _:
            assert_never(event)
