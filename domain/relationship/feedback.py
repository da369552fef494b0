"""What the parties say of the mentoring: NPS answers, requests for them, feedback."""

from collections.abc import Iterable, Iterator
from typing import assert_never

from domain.codes.implements import implements
from domain.codes.questions import questions_of
from domain.model import AnyRecorded, Context
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.state import FeedbackRequest, Relationship
from domain.words import Occasion, Respondent, Role


def feedback_problems(state: Relationship, command: c.FeedbackCommand, _: Context) -> Iterator[Problem]:
    """After the end only the questions of the end are asked, only people whom the relationship names, only what its codes ask."""
    of_an_occasion = c.RespondToNps | c.RequestNps | c.RequestFeedback
    if isinstance(command, of_an_occasion) and state.status == "terminated" and command.occasion != "end":
        yield Problem(
            "occasion", "after the end of the relationship only the occasion `end` is possible", field="data.occasion"
        )
    if isinstance(command, c.RequestNps | c.RequestFeedback) and state.named(command.respondent) is None:
        yield Problem("actor", f"the relationship names no {command.respondent}", field="data.respondent")
    if isinstance(command, c.RequestFeedback):
        yield from _question_problems(state, command)


def _question_problems(state: Relationship, command: c.RequestFeedback) -> Iterator[Problem]:
    known = questions_of(state.codes)
    for i, clause in enumerate(command.questions):
        if clause not in known:
            message = f"the adopted codes ask no question about {clause}, only about {', '.join(known) or 'nothing'}"
            yield Problem("unknown_question", message, field=f"data.questions.{i}")


@implements(
    "pentalog.attention",
    "mentor247.language",
    "cmn.inclusion",
    "cmn.ownership",
    "leapfrog.openness",
    "nottingham.individual-needs",
    "nottingham.opinions",
)
def feedback_events(state: Relationship, command: c.FeedbackCommand, context: Context) -> list[e.FeedbackEvent]:
    """The event of an answer or a request; a request that was made before gives none.

    Feedback answers are keyed by the id of the practice clause they are about.
    """
    match command:
        case c.RespondToNps():
            # Only the three respondents may send it (`permissions`).
            respondent: Respondent = context.actor.role  # type: ignore[assignment]
            return [
                e.NpsResponded(
                    occasion=command.occasion, score=command.score, respondent=respondent, comment=command.comment
                )
            ]
        case c.RequestNps():
            asked = (command.respondent, command.occasion) in state.nps_asked
            return [] if asked else [e.NpsRequested(respondent=command.respondent, occasion=command.occasion)]
        case c.RequestFeedback():
            asked = _request(command.respondent, command.occasion, command.questions) in state.feedback_asked
            return (
                []
                if asked
                else [
                    e.FeedbackRequested(
                        respondent=command.respondent, occasion=command.occasion, questions=command.questions
                    )
                ]
            )
        case c.GiveTestimonial():
            return [e.TestimonialGiven(text=command.text)]
        case c.RecordSuccessStory():
            return [e.SuccessStoryRecorded(text=command.text)]
        case c.GiveFeedback():
            return [e.FeedbackGiven(about=command.about, answers=command.answers, text=command.text)]
        case _:
            assert_never(command)


def fold_feedback(state: Relationship, event: e.FeedbackEvent, _: AnyRecorded) -> Relationship:
    """The state after somebody spoke or was asked."""
    match event:
        case e.NpsRequested():
            return state.but(nps_asked=state.nps_asked | {(event.respondent, event.occasion)})
        case e.FeedbackRequested():
            request = _request(event.respondent, event.occasion, event.questions)
            return state.but(feedback_asked=state.feedback_asked | {request})
        case e.NpsResponded() | e.FeedbackGiven() | e.TestimonialGiven() | e.SuccessStoryRecorded():
            return state
        case _:
            assert_never(event)


def _request(respondent: Role, occasion: Occasion, questions: Iterable[str]) -> FeedbackRequest:
    return respondent, occasion, frozenset(questions)
