"""Contests: who may contest and answer what, and that the office alone settles it, never about itself."""

import json
from typing import Any

import pytest

from domain.relationship import commands as c
from domain.relationship import events as e
from tests.domain.relationship.samples import COMMANDS, in_state
from tests.domain.relationship.telling import Told, codes, correct, missed
from tests.given_when_then import IDS, At

OWN = {("own_matter", "actor")}


@pytest.mark.clause("care.contested")
@pytest.mark.parametrize("role", ["mentee", "mentor", "customer", "line_manager", "coordinator", "supplier", "hr"])
def test_any_party_contests_any_event_of_its_relationship(role: str) -> None:
    told = Told()
    for version in range(1, told.version + 1):
        if told.state.contests:
            told.tell(
                c.AnswerContest(version=min(told.state.contests), answer="it holds"), by="coordinator", as_id="carl"
            )
        told.tell(c.ContestFact(version=version, reason="that was otherwise"), by=role)
        assert told.contested() == (version,)


def test_a_fact_that_is_not_on_record_is_not_contested() -> None:
    told = Told()
    assert codes(told.refused(c.ContestFact(version=99, reason="no"))) == {("unknown_fact", "data.version")}


def test_a_contest_of_the_same_person_gives_none_while_it_is_open() -> None:
    told = Told()
    (first,) = told.tell(c.ContestFact(version=3, reason="no"))
    assert told.tell(c.ContestFact(version=3, reason="really not"), at=2) == []
    (second,) = told.tell(c.ContestFact(version=3, reason="nor do I think so"), by="mentor")
    assert told.contested() == (3,)
    told.tell(c.AnswerContest(version=first, answer="it holds"), by="coordinator")
    assert told.contested() == (3,), "the other one's is still open"
    told.tell(c.AnswerContest(version=second, answer="it holds"), by="coordinator")
    assert told.contested() == ()
    assert told.tell(c.ContestFact(version=3, reason="no"), at=3) != []


@pytest.mark.clause("care.contested")
def test_an_answer_needs_an_open_contest_and_comes_never_from_the_one_who_contested() -> None:
    told = Told()
    assert codes(told.refused(c.AnswerContest(version=3, answer="no"), by="coordinator")) == {
        ("nothing_open", "data.version")
    }
    (contest,) = told.tell(c.ContestFact(version=3, reason="no"), by="coordinator")
    own = told.refused(c.AnswerContest(version=contest, answer="all right"), by="coordinator")
    assert codes(own) == {("own_matter", "actor")}
    answer = c.AnswerContest(version=contest, answer="it holds")
    assert "role" in {code for code, _ in codes(told.refused(answer, by="mentor"))}
    told.tell(answer, by="supplier")
    assert codes(told.refused(answer, by="supplier")) == {("nothing_open", "data.version")}


def test_a_correction_settles_the_contests_of_its_fact() -> None:
    told = missed()
    told.tell(c.ContestFact(version=told.no_show, reason="I was there"))
    told.tell(c.ContestFact(version=3, reason="not that"))
    assert told.contested() == (3, told.no_show)
    told.tell(correct(told.no_show), by="coordinator")
    assert told.contested() == (3,)


# --- who settles it --------------------------------------------------------------------------------------------------
@pytest.mark.clause("care.contested")
def test_an_authors_correction_is_accepted_and_leaves_the_contest_open_until_the_office_answers_or_corrects() -> None:
    for settle in ("answer", "correct"):
        told = missed()
        (contest,) = told.tell(c.ContestFact(version=told.no_show, reason="I was there"), at=11)
        told.tell(correct(told.no_show), by="mentor", at=12)
        assert told.session("s1") == "scheduled"
        assert told.contested() == (told.no_show,)
        if settle == "answer":
            told.tell(c.AnswerContest(version=contest, answer="the mentor took it back"), by="coordinator", at=13)
        else:
            # Nothing changes but the contest: the office says that it is so.
            told.tell(correct(told.no_show), by="coordinator", at=13)
        assert told.contested() == ()
        assert told.tell(correct(told.no_show), by="supplier", at=14) == []


@pytest.mark.clause("care.contested")
def test_an_author_of_the_office_settles_what_another_contested_and_not_what_they_contested_themselves() -> None:
    for role in ("coordinator", "supplier"):
        told = Told()
        (no_show,) = told.tell(c.RecordNoShow(session_id="s0", absent=("mentee",)), by=role, at=10.1)
        told.tell(c.ContestFact(version=no_show, reason="I was there"), at=11)
        told.tell(correct(no_show), by=role, at=12)
        assert told.contested() == ()
        told.tell(c.ContestFact(version=no_show, reason="now I doubt it"), by=role, at=13)
        told.tell(c.ContestFact(version=no_show, reason="me too"), by="mentor", at=13)
        assert codes(told.refused(correct(no_show, {"session_id": "s0", "absent": ["mentor"]}), by=role, at=14)) == OWN


def test_who_contested_settles_neither_by_answer_nor_by_correction_in_any_role() -> None:
    told = missed()
    (contest,) = told.tell(c.ContestFact(version=told.no_show, reason="no"), by="hr")
    correction = told.refused(correct(told.no_show), by="coordinator", as_id=IDS["hr"])
    answer = told.refused(c.AnswerContest(version=contest, answer="so"), by="coordinator", as_id=IDS["hr"])
    assert codes(correction) == codes(answer) == OWN


def test_an_author_outside_the_office_may_correct_what_they_contested_themselves_and_settles_nothing() -> None:
    told = missed()
    told.tell(c.ContestFact(version=told.no_show, reason="I typed the wrong name"), by="mentor")
    told.tell(correct(told.no_show, {"session_id": "s1", "absent": ["mentor"]}), by="mentor")
    assert told.contested() == (told.no_show,)


@pytest.mark.clause("care.contested")
def test_what_the_office_corrected_its_author_alone_does_not_overturn() -> None:
    for data in (None, {"session_id": "s1", "absent": ["mentee"], "cause": "illness"}):
        told = missed()
        told.tell(correct(told.no_show, data), by="coordinator", at=11)
        (problem,) = told.refused(correct(told.no_show, {"session_id": "s1", "absent": ["mentee"]}), by="mentor", at=12)
        assert (problem.code, problem.clause) == ("own_matter", "care.contested")
        assert "contest it instead" in problem.message
        told.tell(c.ContestFact(version=told.no_show, reason="he was not there"), by="mentor", at=12)
        told.tell(correct(told.no_show, {"session_id": "s1", "absent": ["mentee"]}), by="supplier", at=13)
        assert told.session("s1") == "missed"


# --- one person, two hats --------------------------------------------------------------------------------------------
@pytest.mark.clause("care.contested")
@pytest.mark.parametrize("hat", ["mentee", "mentor"])
def test_the_office_person_whom_a_fact_is_about_or_who_stated_it_as_a_party_settles_nothing(hat: str) -> None:
    told = missed()
    (contest,) = told.tell(c.ContestFact(version=told.no_show, reason="no"), by="customer", at=11)
    both = (correct(told.no_show), c.AnswerContest(version=contest, answer="so it is"))
    for command in both:
        problems = told.refused(command, by="coordinator", as_id=IDS[hat], at=12)
        assert codes(problems) == OWN
        assert problems[0].clause == "care.contested"
    told.tell(both[1], by="coordinator", at=12)


def test_a_mentee_who_coordinates_does_not_void_the_no_show_against_herself() -> None:
    by_mentor = missed()
    void = correct(by_mentor.no_show)
    assert codes(by_mentor.refused(void, by="coordinator", as_id=IDS["mentee"], at=11)) == OWN
    # Nor one that she recorded herself in the office.
    told = Told()
    (own,) = told.tell(
        c.RecordNoShow(session_id="s0", absent=("mentee",)), by="coordinator", as_id=IDS["mentee"], at=10.1
    )
    assert codes(told.refused(correct(own), by="coordinator", as_id=IDS["mentee"], at=11)) == OWN
    # As the author of a party's own fact she corrects it, and settles nothing.
    (report,) = told.tell(c.ReportHomework(homework_id="h1", hours=3), at=11)
    told.tell(c.ContestFact(version=report, reason="one hour"), by="mentor", at=12)
    told.tell(correct(report, {"homework_id": "h1", "hours": 1.0}), at=13)
    assert told.contested() == (report,)


@pytest.mark.parametrize("kind", [c.RecordPresessionCheck, c.ReportHomework, c.RecordAssessment, c.CompleteSession])
def test_what_a_fact_says_of_a_party_is_that_partys_matter(kind: Any) -> None:
    about = {c.RecordPresessionCheck: "mentor", c.ReportHomework: "mentee", c.RecordAssessment: "mentee"}
    teller = {c.RecordAssessment: "supplier", c.ReportHomework: "mentor"}.get(kind, "service")
    told = Told()
    (fact,) = told.tell(COMMANDS[kind], by=teller, at=10.1)  # type: ignore[arg-type]
    hat = IDS[about.get(kind, "mentee")]
    assert codes(told.refused(correct(fact), by="coordinator", as_id=hat, at=11)) >= OWN
    told.tell(correct(fact), by="coordinator", at=11)


def test_a_contest_of_a_report_is_not_answered_by_whom_the_report_is_against() -> None:
    told = Told(*in_state("active"), At(0.7, e.DisrespectReported(against="coordinator", description="x"), "mentee"))
    report = told.version
    (contest,) = told.tell(c.ContestFact(version=report, reason="he was joking"), by="mentor")
    answer = c.AnswerContest(version=contest, answer="I was")
    assert codes(told.refused(answer, by="coordinator")) == OWN
    told.tell(answer, by="supplier")


# --- what no mitigation helps ----------------------------------------------------------------------------------------
FRIENDS, NONE = {"nature": "friendship"}, {"nature": "none"}


@pytest.mark.clause("nottingham.compromising")
@pytest.mark.parametrize("words", [None, NONE], ids=["void", "none"])
def test_a_declared_compromising_relationship_is_corrected_by_the_office_alone_with_a_finding(words: Any) -> None:
    told = Told(*in_state("active", "nottingham"))
    (declared,) = told.tell(c.DeclareConflictOfInterest(nature="friendship"), by="mentor")
    (problem,) = told.refused(correct(declared, words), by="mentor", at=2)
    assert (problem.code, problem.clause) == ("role", "nottingham.compromising")
    assert "coordinator" in problem.message
    for hat in ("mentee", "mentor"):
        assert codes(told.refused(correct(declared, words), by="coordinator", as_id=IDS[hat], at=2)) == OWN
    told.tell(correct(declared, words), by="coordinator", at=2)
    (finding,) = told.records[-1].findings or ()
    assert (finding.code, finding.clause) == ("compromising", "nottingham.compromising")
    assert not any(conflict.nature == "friendship" for conflict in told.state.conflicts)
    assert told.records[declared - 1].data.nature == "friendship"


def test_who_said_other_and_then_friendship_does_not_take_it_back_alone() -> None:
    told = Told(*in_state("active", "nottingham"))
    (declared,) = told.tell(c.DeclareConflictOfInterest(nature="other"), by="mentor")
    told.tell(correct(declared, FRIENDS), by="mentor", at=2)
    assert told.records[-1].findings is None
    assert codes(told.refused(correct(declared, NONE), by="mentor", at=3)) == {("role", "actor")}


def test_other_conflicts_and_other_codes_leave_the_correction_to_the_author() -> None:
    for codes_adopted, nature in ((("nottingham",), "financial"), (("leapfrog",), "friendship")):
        told = Told(*in_state("active", *codes_adopted))
        (declared,) = told.tell(c.DeclareConflictOfInterest(nature=nature), by="mentor")  # type: ignore[arg-type]
        told.tell(correct(declared, NONE), by="mentor", at=2)
        assert told.records[-1].findings is None


# --- what a refusal gives away, and what new words say ------------------------------------------------------------------
@pytest.mark.clause("care.respect")
@pytest.mark.parametrize(
    "report",
    [
        e.DisrespectReported(against="mentor", description="x"),
        e.TrustBreakdownReported(description="x"),
        e.ProblemReported(description="x"),
        e.ConsentWithdrawn(data_class="goals", audience="supplier"),
    ],
    ids=lambda report: type(report).__name__,
)
@pytest.mark.parametrize("role", ["mentor", "customer", "line_manager", "supplier"])
def test_the_refusal_of_a_correction_names_neither_the_kind_of_the_fact_nor_its_author(role: str, report: Any) -> None:
    told = Told(*in_state("active"), At(0.7, report, "mentee"))
    problems = told.refused(correct(told.version), by=role)
    said = " ".join(problem.message for problem in problems)
    assert type(report).__name__ not in said
    assert "mentee" not in said
    same = Told(*in_state("active"), At(0.7, e.TermsAccepted(document="terms_of_use", version="1"), "mentee"))
    assert problems == same.refused(correct(same.version), by=role), "every such fact is answered alike"


def goal_before_a_private_topic(told: Told, title: str) -> tuple[dict[str, Any], int]:
    """A goal that was agreed before the mentee kept a divorce private: its data, and the version of its event."""
    both = ["mentee", "mentor"]
    goal = {"goal_id": "g9", "title": title, "type": "career", "source": "mentee", "agreed_by": both}
    (agreed,) = told.tell(c.AgreeGoal.model_validate_json(json.dumps(goal)), by="mentor")
    told.tell(c.MarkTopicPrivate(topic="divorce"))
    return goal, agreed


@pytest.mark.clause("leapfrog.privacy")
@pytest.mark.parametrize("role", ["mentor", "coordinator"])
def test_new_words_about_a_goal_keep_off_what_the_mentee_keeps_private_now(role: str) -> None:
    told = Told(*in_state("active", "leapfrog"))
    goal, agreed = goal_before_a_private_topic(told, "Speak up")
    new = goal | {"title": "Her divorce", "success_measure": "The divorce is over"}
    assert codes(told.refused(correct(agreed, new), by=role, at=2)) == {
        ("private_topic", "data.data.title"),
        ("private_topic", "data.data.success_measure"),
    }
    told.tell(correct(agreed, goal | {"title": "Speak in public"}), by=role, at=2)
    assert told.effective(agreed).model_dump()["title"] == "Speak in public"


@pytest.mark.clause("leapfrog.privacy")
def test_words_that_were_there_before_the_topic_was_private_stay() -> None:
    told = Told(*in_state("active", "leapfrog"))
    goal, agreed = goal_before_a_private_topic(told, "My divorce")
    told.tell(correct(agreed, goal | {"type": "wellbeing"}), by="mentor", at=2)
    assert told.effective(agreed).model_dump()["type"] == "wellbeing"
