import pytest

from domain.mentor.events import MentorSuspended
from domain.relationship import events as e
from domain.relationship.commands import RequestNps, RespondToNps
from tests.given_when_then import day
from tests.workers.happenings import completed, ended, kinds, paused, planned
from tests.workers.stage import MENTOR, Stage
from workers.feedback import FEEDBACK

ALL = ["mentee", "mentor", "customer"]


def stage(*codes: str, held: int = 0, plan: int = 4) -> Stage:
    """So many sessions held, one a day from day 1 on."""
    told = Stage(*(codes or ("pentalog",)), workers=[FEEDBACK]).happens(planned(plan)).active()
    for number in range(1, held + 1):
        told.happens(completed(f"s{number}", number), on=number + 0.1)
    return told


def asked(told: Stage, occasion: str) -> list[str]:
    return [sent.respondent for sent in told.sent(RequestNps) if sent.occasion == occasion]


def test_everybody_is_asked_when_half_of_the_sessions_are_held() -> None:
    assert asked(stage(held=1), "mid") == []
    told = stage(held=2)
    assert asked(told, "mid") == ALL
    assert told.told("nps_request") == ["mentee:ana", "mentor:ben", "customer:acme"]
    assert asked(stage(held=4), "mid") == ALL
    assert asked(stage(held=2, plan=5), "mid") == []
    assert asked(stage(held=3, plan=5), "mid") == ALL


def test_a_plan_that_was_never_agreed_has_the_sessions_of_the_terms() -> None:
    told = Stage("pentalog", workers=[FEEDBACK]).active()
    for number in (1, 2, 3):
        assert asked(told, "mid") == []
        told.happens(completed(f"s{number}", number), on=number + 0.1)
    assert asked(told, "mid") == ALL
    assert told.receipts[0][1].terms == {"planned_sessions": 6}


def test_the_end_asks_again_and_one_that_never_began_asks_nobody() -> None:
    assert asked(stage(held=1).happens(ended(), on=9), "end") == ALL
    never = Stage("pentalog", workers=[FEEDBACK]).happens(ended("never_started"), on=9)
    assert never.sent(RequestNps) == []


def test_one_reminder_after_seven_days_to_those_who_have_not_answered() -> None:
    told = stage(held=2).says(RespondToNps(occasion="mid", score=9), by="mentor", on=4).passes(9.09)
    assert told.told("nps_reminder") == []
    told.passes(60)
    assert told.told("nps_reminder") == ["customer:acme", "mentee:ana"]
    assert {note.at for note in told.notes if note.template == "nps_reminder"} == {day(9.1)}


@pytest.mark.clause("care.standing")
def test_a_suspended_mentor_is_not_reminded() -> None:
    told = stage(held=2).happens(MentorSuspended(reason="x"), on=5, subject=MENTOR).passes(60)
    assert told.told("nps_reminder") == ["customer:acme", "mentee:ana"]


def test_nobody_is_reminded_in_a_pause_or_of_the_middle_after_the_end() -> None:
    told = stage(held=2).happens(paused(30), on=4).passes(30)
    assert told.told("nps_reminder") == []
    told.happens(e.RelationshipResumed(), on=30).passes(34)
    assert told.told("nps_reminder") == []
    assert len(told.passes(36).told("nps_reminder")) == 3
    assert stage(held=2).happens(ended(), on=5).passes(11).told("nps_reminder") == []


def test_who_was_asked_by_the_coordinator_or_has_answered_is_not_asked_again() -> None:
    told = stage().says(RequestNps(respondent="mentee", occasion="mid"), by="coordinator", on=0.5)
    told.says(RespondToNps(occasion="mid", score=7), by="mentor", on=0.6)
    told.happens(completed("s1", 1), on=1.1).happens(completed("s2", 2), on=2.1)
    assert asked(told, "mid") == ["customer"]
    assert told.passes(8).told("nps_reminder") == ["mentee:ana"]


@pytest.mark.clause("nottingham.coordinator-feedback")
def test_the_mentor_tells_the_coordinator_at_the_middle_and_at_the_end() -> None:
    told = stage("nottingham", held=2)
    assert kinds(told.tasks()) == ["coordinator_feedback"]
    assert told.tasks()[0].clauses == ("nottingham.coordinator-feedback",)
    assert told.told("coordinator_feedback") == ["mentor:ben"]
    told.happens(e.FeedbackGiven(about="process", answers={}), on=4, by="mentee")
    assert told.tasks()
    told.happens(e.FeedbackGiven(about="process", answers={}), on=5, by="mentor")
    assert told.tasks() == []
    assert told.told("feedback_given") == ["coordinator"]
    told.happens(ended(), on=6)
    assert [task.about for task in told.tasks()] == ["end"]


@pytest.mark.clause("nottingham.feedback-on-practice")
def test_every_third_session_the_mentor_is_prompted_to_ask_about_their_practice() -> None:
    assert stage("nottingham", held=2, plan=9).told("feedback_on_practice") == []
    told = stage("nottingham", held=6, plan=9)
    assert told.told("feedback_on_practice") == ["mentor:ben"] * 2
    assert told.clauses("feedback_on_practice") == ("nottingham.feedback-on-practice",)


@pytest.mark.clause("nottingham.coordinator-feedback", "nottingham.feedback-on-practice")
def test_under_other_codes_the_mentor_is_asked_for_neither() -> None:
    told = stage("pentalog", "cmn", held=6).happens(e.FeedbackGiven(about="mentee", answers={}), on=9, by="mentor")
    assert told.tasks() == []
    assert {note.template for note in told.notes} == {"nps_request", "practice_questions"}
