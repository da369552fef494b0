"""Questions to the people: NPS at the middle and at the end, a word to the coordinator, feedback on the mentor's practice.

Everybody is asked once for each occasion and reminded once. Someone who has answered already, or was asked by somebody else, is
not asked again.
"""

from datetime import timedelta
from typing import Final, assert_never, get_args

from domain.codes.clauses import CODES
from domain.codes.implements import implements
from domain.codes.questions import questions_of
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from domain.relationship.commands import RequestFeedback, RequestNps
from domain.words import PARTIES, Occasion, Respondent
from workers.model import (
    NOTHING,
    Arm,
    Cancel,
    CloseTask,
    Deadline,
    Given,
    OpenTask,
    Over,
    Reaction,
    Send,
    State,
    Worker,
)
from workers.reactions import COORDINATOR, because, notify, tidy, with_one

REMIND_AFTER: Final = timedelta(days=7)
# After every so many completed sessions the mentor is prompted to ask how their mentoring comes across.
PRACTICE_EVERY: Final = 3
PRACTICE: Final = "feedback_on_practice"
RESPONDENTS: Final[tuple[Respondent, ...]] = get_args(Respondent)
OCCASIONS: Final[tuple[Occasion, ...]] = get_args(Occasion)


Heard = (
    e.PlanAgreed
    | e.RelationshipActivated
    | e.SessionCompleted
    | e.NpsRequested
    | e.NpsResponded
    | e.FeedbackRequested
    | e.FeedbackGiven
    | e.RelationshipTerminated
)


class Feedback(State):
    """`done` counts sessions completed while active; `asked` and `answered` hold "occasion:respondent".

    `practice` holds the same of those who were asked the questions about practice.
    """

    planned: int | None = None
    done: int = 0
    active: bool = False
    half_told: bool = False
    asked: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    practice: tuple[str, ...] = ()


def _react(state: Feedback, recorded: AnyRecorded, given: Given) -> tuple[Feedback, Reaction]:
    event: Heard = recorded.data
    version = recorded.version
    match event:
        case e.PlanAgreed():
            return state.but(planned=event.sessions), NOTHING
        case e.RelationshipActivated():
            return state.but(active=True), NOTHING
        case e.SessionCompleted() if event.status != "contracting":
            return _completed(state.but(done=state.done + 1), version, given)
        case e.NpsRequested():
            name = f"{event.occasion}:{event.respondent}"
            return (state, NOTHING) if name in state.asked else _await_answer(state, name, version, given)
        case e.NpsResponded():
            name = f"{event.occasion}:{event.respondent}"
            return state.but(answered=(*state.answered, name)), tidy(Cancel(f"nps:{name}"))
        case e.FeedbackRequested():
            name = f"{event.occasion}:{event.respondent}"
            return state.but(practice=with_one(state.practice, name)), NOTHING
        case e.FeedbackGiven() if recorded.role == "mentor":
            return state, _given(version, given)
        case e.RelationshipTerminated():
            if not state.active:
                return state, tidy(Over())
            state, asking = _ask(state, "end", version, given)
            state, about_practice = _ask_about_practice(state, "end", version, given)
            asking += about_practice
            middle = [f"nps:mid:{respondent}" for respondent in RESPONDENTS]
            return state, tidy(Cancel(PRACTICE), *map(Cancel, middle)) + asking + _to_coordinator("end", version, given)
        case e.SessionCompleted() | e.FeedbackGiven():
            return state, NOTHING
        case _:
            assert_never(event)


def _completed(state: Feedback, version: int, given: Given) -> tuple[Feedback, Reaction]:
    reaction = _on_practice(state, version, given)
    planned = state.planned or given.term("planned_sessions")
    if state.half_told or state.done * 2 < planned:
        return state, reaction
    state, asking = _ask(state.but(half_told=True), "mid", version, given)
    state, about_practice = _ask_about_practice(state, "mid", version, given)
    return state, asking + about_practice + _to_coordinator("mid", version, given) + reaction


def _ask(state: Feedback, occasion: Occasion, version: int, given: Given) -> tuple[Feedback, Reaction]:
    """Ask everybody whom the relationship names, unless they were asked or have answered."""
    reaction: Reaction = NOTHING
    for respondent in RESPONDENTS:
        name = f"{occasion}:{respondent}"
        person = given.relation and given.relation.person(respondent)
        if not person or name in state.asked or name in state.answered:
            continue
        sent = Send(given.key, RequestNps(respondent=respondent, occasion=occasion), f"nps:{name}")
        notices = notify((person,), "nps_request", of=f"nps:{name}", occasion=occasion)
        terms = () if state.planned or occasion == "end" else ("planned_sessions",)
        state, waiting = _await_answer(state, name, version, given)
        reaction += (because((), (version,), sent, *notices, terms=terms), *waiting)
    return state, reaction


@implements(*questions_of(CODES))
def _ask_about_practice(state: Feedback, occasion: Occasion, version: int, given: Given) -> tuple[Feedback, Reaction]:
    """Ask mentee and mentor the practice questions of the adopted codes, once for each occasion."""
    questions = questions_of(given.relation.codes) if given.relation is not None else ()
    reaction: Reaction = NOTHING
    for respondent in PARTIES:
        name = f"{occasion}:{respondent}"
        person = given.relation and given.relation.person(respondent)
        if not questions or not person or name in state.practice:
            continue
        command = RequestFeedback(respondent=respondent, occasion=occasion, questions=questions)
        sent = Send(given.key, command, f"practice:{name}")
        notices = notify((person,), "practice_questions", of=f"practice:{name}", occasion=occasion)
        state = state.but(practice=(*state.practice, name))
        reaction += (because(questions, (version,), sent, *notices),)
    return state, reaction


def _await_answer(state: Feedback, name: str, version: int, given: Given) -> tuple[Feedback, Reaction]:
    state = state.but(asked=(*state.asked, name))
    if name in state.answered:
        return state, NOTHING
    # Nobody is reminded during a pause; after the end there are no pauses.
    arm = Arm(f"nps:{name}", given.at + REMIND_AFTER, freezes=name.startswith("mid"))
    return state, (because((), (version,), arm),)


@implements("nottingham.coordinator-feedback")
def _to_coordinator(occasion: Occasion, version: int, given: Given) -> Reaction:
    """At the middle and at the end the mentor reports to the coordinator how it goes."""
    clauses = given.cite("nottingham.coordinator-feedback")
    if not clauses or given.relation is None:
        return NOTHING
    due = given.at + REMIND_AFTER
    task = OpenTask(
        f"coordinator_feedback:{occasion}", "coordinator_feedback", ("GiveFeedback",), due=due, about=occasion
    )
    notices = notify((given.relation.mentor,), "coordinator_feedback", of=task.id, occasion=occasion)
    return (because(clauses, (version,), task, *notices),)


@implements("nottingham.coordinator-feedback")
def _given(version: int, given: Given) -> Reaction:
    """The mentor has spoken: the coordinator learns that there is something to read."""
    closed = tidy(*(CloseTask(f"coordinator_feedback:{occasion}") for occasion in OCCASIONS))
    clauses = given.cite("nottingham.coordinator-feedback")
    notices = notify((COORDINATOR,), "feedback_given", version=version)
    return closed + ((because(clauses, (version,), *notices),) if clauses else NOTHING)


@implements("nottingham.feedback-on-practice")
def _on_practice(state: Feedback, version: int, given: Given) -> Reaction:
    """Every few sessions the mentor is prompted to ask for feedback on their practice."""
    clauses = given.cite("nottingham.feedback-on-practice")
    if not clauses or given.relation is None or state.done % PRACTICE_EVERY:
        return NOTHING
    return (because(clauses, (version,), *notify((given.relation.mentor,), "feedback_on_practice", of=PRACTICE)),)


def _due(state: Feedback, deadline: Deadline, given: Given) -> tuple[Feedback, Reaction]:
    """No answer for a week: one reminder."""
    _, occasion, respondent = deadline.name.split(":")
    person = given.relation and given.relation.person(respondent)  # type: ignore[arg-type]
    if not person or f"{occasion}:{respondent}" in state.answered or (respondent == "mentor" and given.mentor_rests()):
        return state, NOTHING
    notices = notify((person,), "nps_reminder", of=deadline.name, occasion=occasion)
    return state, (because((), deadline.evidence, *notices),)


FEEDBACK: Final = Worker(
    name="feedback",
    state=Feedback,
    listens=events_of(Heard),
    react=_react,
    due=_due,
)
