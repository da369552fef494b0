"""`requests`: who was asked for an NPS answer or for feedback, on which occasion, and whether they answered. No answer is here.

Requests and answers may be told in any order: what was first and what answers what goes by when they happened, as in `practices`.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, assert_never

from domain.immutable import Immutable
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from projections.dataset import Column, Row, Table, relationship_id
from projections.projection import RowContext, StateFold, Worked

Asked = e.NpsRequested | e.FeedbackRequested
Heard = e.RelationshipProposed | Asked | e.NpsResponded | e.FeedbackGiven

UNASKED: Final = ""

TABLE: Final = Table(
    "requests",
    "One row a question to one respondent on one occasion of a relationship: NPS or feedback, asked and answered.",
    (
        relationship_id(),
        Column("kind", "text", "nps or feedback."),
        Column("respondent", "text", "The role that was asked, or that answered unasked."),
        Column("occasion", "text", "mid or end; empty for feedback that nobody had asked for."),
        Column("requests", "integer", "How often it was asked for."),
        Column("requested_at", "time", "When it was first asked for; empty for an answer that nobody asked for."),
        Column("requested_by", "text", "The role that asked first."),
        Column("questions", "texts", "The practice clauses that feedback was last asked about."),
        Column("answers", "integer", "How often it was answered."),
        Column("answered_at", "time", "When it was first answered; empty while it was not."),
        Column("answered", "boolean", "Whether it was answered."),
        Column("days_to_answer", "real", "Days of 24 hours from the first request to the first answer."),
    ),
    key=("relationship_id", "kind", "respondent", "occasion"),
    indexes=(("kind", "answered"),),
)


class Question(NamedTuple):
    """A question to one respondent on one occasion."""

    kind: str
    respondent: str
    occasion: str


class Request(NamedTuple):
    """One time that a question was asked: when, by which role, about which clauses."""

    question: Question
    at: datetime
    by: str
    clauses: tuple[str, ...] = ()


class Answered(NamedTuple):
    """One time that somebody answered. Feedback names no occasion: it answers what that role was asked last before."""

    question: Question
    at: datetime


@dataclass(frozen=True)
class State(Immutable):
    """Everything that was asked and answered in a relationship, in the order of versions."""

    requests: tuple[Request, ...] = ()
    answers: tuple[Answered, ...] = ()


def fold(state: State | None, recorded: AnyRecorded) -> State:
    """The state after an event. It begins with the proposal, which no correction takes away as it may all others."""
    before, at = state or State(), recorded.occurred_at
    event: Heard = recorded.data
    match event:
        case e.RelationshipProposed():
            return before
        case e.NpsRequested():
            request = Request(Question("nps", event.respondent, event.occasion), at, recorded.role)
            return before.but(requests=(*before.requests, request))
        case e.FeedbackRequested():
            question = Question("feedback", event.respondent, event.occasion)
            request = Request(question, at, recorded.role, tuple(event.questions))
            return before.but(requests=(*before.requests, request))
        case e.NpsResponded():
            answer = Answered(Question("nps", event.respondent, event.occasion), at)
            return before.but(answers=(*before.answers, answer))
        case e.FeedbackGiven():
            answer = Answered(Question("feedback", recorded.role, UNASKED), at)
            return before.but(answers=(*before.answers, answer))
        case _:
            assert_never(event)


def work(state: State, context: RowContext) -> Worked:
    """A row for each question that was asked or answered."""
    requests: defaultdict[Question, list[Request]] = defaultdict(list)
    answers: defaultdict[Question, list[datetime]] = defaultdict(list)
    in_time = sorted(state.requests, key=lambda request: request.at)
    for request in in_time:
        requests[request.question].append(request)
    for answer in state.answers:
        answers[_question(in_time, answer)].append(answer.at)
    questions = sorted(requests.keys() | answers.keys())
    return Worked({TABLE.name: [_row(context.subject, each, requests[each], answers[each]) for each in questions]})


def _question(in_time: Sequence[Request], answer: Answered) -> Question:
    """The question that an answer belongs to: NPS names it, feedback answers the latest request to that role before it."""
    asked = answer.question
    if asked.kind == "feedback":
        for request in in_time:
            if request.question[:2] == asked[:2] and request.at <= answer.at:
                asked = request.question
    return asked


def _row(subject: str, question: Question, requests: Sequence[Request], answers: Sequence[datetime]) -> Row:
    """The row of a question; its requests are in the order of their times."""
    asked_at, answered_at = (requests[0].at if requests else None), min(answers, default=None)
    waited = None if asked_at is None or answered_at is None or answered_at < asked_at else answered_at - asked_at
    return {
        "relationship_id": subject,
        **question._asdict(),
        "requests": len(requests),
        "requested_at": asked_at,
        "requested_by": requests[0].by if requests else None,
        "questions": list(requests[-1].clauses) if requests else [],
        "answers": len(answers),
        "answered_at": answered_at,
        "answered": bool(answers),
        "days_to_answer": None if waited is None else waited / timedelta(days=1),
    }


def dump(state: State) -> Any:
    """The state as JSON values."""
    requests = [[*each.question, each.at.isoformat(), each.by, each.clauses] for each in state.requests]
    return [requests, [[*each.question, each.at.isoformat()] for each in state.answers]]


def load(values: Any) -> State:
    """Read what `dump` gave."""
    requests, answers = values
    return State(
        tuple(
            Request(Question(*question), datetime.fromisoformat(at), by, tuple(clauses))
            for *question, at, by, clauses in requests
        ),
        tuple(Answered(Question(*question), datetime.fromisoformat(at)) for *question, at in answers),
    )


PROJECTION: Final = StateFold("requests", 2, (TABLE,), events_of(Heard), fold, work, dump, load)
