"""Deciding and folding what the parties say: NPS answers, requests for them, feedback."""

from typing import assert_never

from domain.codes.implements import implements
from domain.model import AnyRecorded, Context, Event
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.said import said
from domain.relationship.state import Relationship


@implements(
    "pentalog.attention",
    "mentor247.language",
    "cmn.inclusion",
    "cmn.ownership",
    "leapfrog.openness",
    "nottingham.individual-needs",
    "nottingham.opinions",
)
def decide_voice(state: Relationship, command: c.VoiceCommand, context: Context, found: list[Problem]) -> list[Event]:
    """Events of an answer or a question; after the end only the questions of the end are asked.

    Feedback answers are keyed by the id of the practice clause they are about.
    """
    if not isinstance(command, c.GiveFeedback) and state.status == "terminated" and command.occasion != "end":
        found.append(Problem("occasion", "after the end only the occasion end remains", field="data.occasion"))
    match command:
        case c.RespondToNps():
            return [said(e.NpsResponded, command, respondent=context.actor.role)]
        case c.RequestNps():
            if state.named(command.respondent) is None:
                message = f"the relationship names no {command.respondent}"
                found.append(Problem("actor", message, field="data.respondent"))
            asked = (command.respondent, command.occasion) in state.nps_asked
            return [] if asked else [said(e.NpsRequested, command)]
        case c.GiveFeedback():
            return [said(e.FeedbackGiven, command)]
        case _:
            assert_never(command)


def fold_voice(state: Relationship, event: e.VoiceEvent, _: AnyRecorded) -> Relationship:
    """The state after somebody spoke or was asked."""
    match event:
        case e.NpsRequested():
            return state.but(nps_asked=state.nps_asked | {(event.respondent, event.occasion)})
        case e.NpsResponded() | e.FeedbackGiven():
            return state
        case _:
            assert_never(event)
