"""What the parties are asked and say: practice questions, feedback, testimonials, success stories."""

import pytest

from domain.codes.questions import Answer, questions_of
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.words import Role, Status
from tests.domain.relationship.samples import in_state
from tests.given_when_then import ALL_CODES, At, Given, given


def story(*codes: str) -> Given:
    return given(*in_state("active", *codes))


@pytest.mark.parametrize("respondent", ["mentee", "mentor", "customer", "line_manager", "supplier"])
@pytest.mark.parametrize("by", ["worker", "coordinator"])
def test_every_party_is_asked_the_practice_questions_of_its_adopted_codes(respondent: Role, by: str) -> None:
    ask = c.RequestFeedback(respondent=respondent, occasion="mid", questions=questions_of(ALL_CODES))
    [event] = story().when(ask, by=by).then(e.FeedbackRequested)
    assert isinstance(event, e.FeedbackRequested)
    assert (event.respondent, event.occasion, event.questions) == (respondent, "mid", questions_of(ALL_CODES))


@pytest.mark.parametrize("respondent", ["hr", "coordinator", "service"])
def test_only_somebody_whom_the_relationship_names_is_asked(respondent: Role) -> None:
    ask = c.RequestFeedback(respondent=respondent, occasion="mid", questions=("pentalog.attention",))
    problems = story().when(ask, by="worker").then_refused("actor")
    assert problems[0].field == "data.respondent"


@pytest.mark.parametrize("question", ["cmn.inclusion", "pentalog.goals", "pentalog.mentor-time", "weather"])
def test_only_questions_of_the_adopted_codes_are_asked(question: str) -> None:
    ask = c.RequestFeedback(respondent="mentee", occasion="mid", questions=("pentalog.attention", question))
    problems = story("pentalog").when(ask, by="worker").then_refused("unknown_question")
    assert [problem.field for problem in problems] == ["data.questions.1"]
    assert "pentalog.attention" in problems[0].message


def test_the_same_request_again_gives_none() -> None:
    ask = c.RequestFeedback(respondent="mentee", occasion="end", questions=("pentalog.attention", "cmn.inclusion"))
    asked = e.FeedbackRequested(respondent="mentee", occasion="end", questions=("pentalog.attention", "cmn.inclusion"))
    again = given(*in_state("active"), At(0.6, asked, "worker"))
    again.when(ask, by="worker", at=5).then_nothing()
    again.when(ask.model_copy(update={"questions": ask.questions[::-1]}), by="coordinator", at=5).then_nothing()
    for other in ({"respondent": "mentor"}, {"occasion": "mid"}, {"questions": ("pentalog.attention",)}):
        again.when(ask.model_copy(update=other), by="worker", at=5).then(e.FeedbackRequested)


def test_after_the_end_only_the_occasion_end_is_asked_about() -> None:
    over = given(*in_state("terminated"))
    mid = c.RequestFeedback(respondent="mentee", occasion="mid", questions=("pentalog.attention",))
    over.when(mid, by="worker").then_refused("occasion")
    over.when(mid.model_copy(update={"occasion": "end"}), by="worker").then(e.FeedbackRequested)
    over.when(c.RequestNps(respondent="mentee", occasion="mid"), by="worker").then_refused("occasion")
    over.when(c.RequestNps(respondent="mentee", occasion="end"), by="worker").then(e.NpsRequested)
    over.when(c.RespondToNps(occasion="mid", score=9)).then_refused("occasion")
    over.when(c.RespondToNps(occasion="end", score=9)).then(e.NpsResponded)


@pytest.mark.clause(
    "pentalog.attention",
    "mentor247.language",
    "cmn.inclusion",
    "cmn.ownership",
    "leapfrog.openness",
    "nottingham.individual-needs",
    "nottingham.opinions",
)
def test_answers_are_keyed_by_practice_clause_or_free_key() -> None:
    answers: dict[str, Answer] = {
        **dict.fromkeys(questions_of(ALL_CODES), 4),
        "pentalog.attention": False,
        "pace": "slow",
    }
    give = c.GiveFeedback(about="mentor", answers=answers)
    statuses: tuple[Status, ...] = ("active", "terminated")
    for status in statuses:
        [event] = given(*in_state(status)).when(give).then(e.FeedbackGiven)
        assert isinstance(event, e.FeedbackGiven)
        assert event.answers == answers


@pytest.mark.clause("pentalog.supplier-with-consent")
def test_a_testimonial_is_a_partys_and_a_success_story_the_suppliers() -> None:
    for role in ("mentee", "mentor", "customer"):
        [event] = story().when(c.GiveTestimonial(text="it helped"), by=role).then(e.TestimonialGiven)
        assert event == e.TestimonialGiven(text="it helped")
    story().when(c.GiveTestimonial(text="it helped"), by="coordinator").then_refused("role")
    [event] = story().when(c.RecordSuccessStory(text="a new team"), by="supplier").then(e.SuccessStoryRecorded)
    assert event == e.SuccessStoryRecorded(text="a new team")
    for role in ("mentee", "mentor", "coordinator"):
        story().when(c.RecordSuccessStory(text="a new team"), by=role).then_refused("role")
    given(*in_state("terminated")).when(c.GiveTestimonial(text="it helped")).then(e.TestimonialGiven)
