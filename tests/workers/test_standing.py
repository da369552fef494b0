import pytest

from domain.case.commands import DecideCase
from domain.mentor.commands import RemoveMentor
from domain.mentor.events import MentorReinstated, MentorRemoved, MentorSuspended
from domain.relationship import events as e
from domain.relationship.commands import TerminateRelationship
from domain.words import Document
from tests.given_when_then import SUBJECT, day, proposed
from tests.workers.happenings import booked, ended, kinds, missed, moved, paused
from tests.workers.stage import MENTOR, Stage
from workers.conduct import CONDUCT
from workers.standing import STANDING
from workers.terms import TERMS

SECOND = "72222222-2222-4222-8222-222222222222"
THIRD = "83333333-3333-4333-8333-333333333333"
OF_ANOTHER = "94444444-4444-4444-8444-444444444444"


def stage(*codes: str) -> Stage:
    """A mentor with one active, one paused, one contracting and one ended relationship, and another mentor's."""
    told = Stage(*(codes or ("mentor247",)), workers=[CONDUCT, STANDING, TERMS]).active()
    for subject in (SECOND, THIRD, "55555555-5555-4555-8555-555555555555"):
        told.happens(proposed(*codes), on=1, subject=subject)
    told.happens(e.RelationshipActivated(), paused(30), on=2, subject=SECOND)
    told.happens(ended(), on=2, subject="55555555-5555-4555-8555-555555555555")
    other = proposed(*codes).model_copy(update={"mentor_id": "zoe"})
    return told.happens(other, on=1, subject=OF_ANOTHER)


def status(told: Stage) -> dict[str, str]:
    return {subject: getattr(told.states[subject], "status", "") for subject in (SUBJECT, SECOND, THIRD, OF_ANOTHER)}


OVER = {SUBJECT: "terminated", SECOND: "terminated", THIRD: "terminated", OF_ANOTHER: "contracting"}


@pytest.mark.clause("mentor247.terms")
@pytest.mark.parametrize("document", ["terms_of_use", "privacy_policy", "code_of_conduct"])
def test_a_document_not_accepted_in_time_removes_the_mentor_from_the_programme(document: Document) -> None:
    told = stage().happens(e.TermsDeclined(document=document, version="2"), on=5, by="mentor")
    [task] = told.tasks("terms_declined")
    assert task.clauses == ("mentor247.terms", "care.commitment")
    assert told.passes(11.99).sent(RemoveMentor) == []
    told.passes(12)
    assert [command.programme_id for command in told.sent(RemoveMentor)] == ["p1"]
    assert status(told) == OVER
    assert told.tasks("terms_declined") == []
    command = told.sent(TerminateRelationship)[0]
    assert (command.reason, command.informed) == ("supplier_decision", ("mentee", "mentor"))
    assert command.next_steps
    assert told.told("mentor_removed").count("mentee:ana") == 3


@pytest.mark.clause("mentor247.terms", "care.commitment")
def test_accepting_in_time_ends_the_matter() -> None:
    told = stage().happens(e.TermsDeclined(document="code_of_conduct", version="2"), on=5, by="mentor")
    told.happens(e.TermsAccepted(document="code_of_conduct", version="2"), on=11, by="mentor").passes(40)
    assert told.tasks("terms_declined") == []
    assert told.sent(RemoveMentor) == []


@pytest.mark.clause("mentor247.terms")
def test_the_days_to_accept_stand_still_in_a_pause_and_the_task_opens_again() -> None:
    told = stage().happens(e.TermsDeclined(document="terms_of_use", version="2"), on=5, by="mentor")
    told.happens(paused(30), on=7).passes(20)
    assert told.tasks("terms_declined") == []
    told.happens(e.RelationshipResumed(), on=20)
    assert [task.due for task in told.tasks("terms_declined")] == [day(25)]
    assert told.passes(24.99).sent(RemoveMentor) == []
    assert len(told.passes(25).sent(RemoveMentor)) == 1


@pytest.mark.clause("mentor247.terms")
def test_declining_something_else_or_by_somebody_else_or_under_another_code_removes_nobody() -> None:
    told = stage().happens(e.TermsDeclined(document="statement_of_work", version="2"), on=5, by="mentor")
    told.happens(e.TermsDeclined(document="terms_of_use", version="2"), on=5, by="mentee")
    assert told.all_sent == []
    other = stage("pentalog", "cmn").happens(e.TermsDeclined(document="terms_of_use", version="2"), on=5, by="mentor")
    assert other.all_sent == []


@pytest.mark.clause("cmn.breaches", "pentalog.trust")
def test_a_case_may_end_in_removal_which_ends_each_relationship() -> None:
    told = stage("cmn").happens(e.BreachReported(against="mentor", kind="code", description="x"), on=5, by="mentee")
    case = next(sent.subject for sent in told.all_sent)
    told.says(DecideCase(decision="mentor_removed", reason="Grave."), by="hr", on=8, subject=case)
    assert status(told) == OVER
    assert {command.reason for command in told.sent(TerminateRelationship)} == {"breach"}
    assert told.clauses("mentor_removed") == ("cmn.breaches", "care.breach")


@pytest.mark.clause("cmn.breaches")
def test_a_case_may_end_in_no_action() -> None:
    told = stage("cmn").happens(e.BreachReported(against="mentor", kind="code", description="x"), on=5, by="mentee")
    case = next(sent.subject for sent in told.all_sent)
    told.says(DecideCase(decision="no_action", reason="Small."), by="hr", on=8, subject=case)
    assert told.sent(RemoveMentor) == []
    assert status(told)[SUBJECT] == "active"


@pytest.mark.clause("pentalog.trust")
def test_a_removal_by_hand_ends_each_relationship_too() -> None:
    told = stage("pentalog").happens(MentorRemoved(reason="x"), on=5, subject=MENTOR)
    assert status(told) == OVER
    assert told.sent(RemoveMentor) == []


@pytest.mark.clause("cmn.breaches", "care.standing")
def test_a_suspension_asks_what_becomes_of_each_relationship_that_runs() -> None:
    told = stage().happens(booked("s1", 9), on=4, subject=THIRD)
    told.happens(MentorSuspended(reason="x"), on=5, subject=MENTOR)
    assert [task.subject for task in told.tasks("mentor_suspended")] == [SUBJECT, THIRD]
    assert told.told("mentor_suspended") == ["mentor:ben", "coordinator", "coordinator"]
    assert status(told)[SUBJECT] == "active"
    told.happens(paused(30), on=6)
    assert [task.subject for task in told.tasks("mentor_suspended")] == [THIRD]
    assert kinds(told.happens(e.RelationshipResumed(), on=7).tasks()) == ["mentor_suspended"] * 2
    assert told.happens(MentorReinstated(), on=8, subject=MENTOR).tasks() == []


def test_what_is_proposed_for_a_removed_mentor_all_the_same_is_ended() -> None:
    told = stage().happens(MentorRemoved(reason="x"), on=5, subject=MENTOR)
    late = "66666666-6666-4666-8666-666666666666"
    told.happens(proposed("mentor247"), on=6, subject=late)
    assert getattr(told.states[late], "status", "") == "terminated"


@pytest.mark.clause("care.standing")
def test_sessions_before_activation_keep_the_start_of_their_latest_move_whenever_it_is_told() -> None:
    told = Stage("mentor247", workers=[STANDING]).happens(booked("s1", 5), on=1)
    told.happens(moved("s1", 5, 20, 60), on=2.5).happens(moved("s1", 5, 4, 72), on=2)
    assert kinds(told.happens(MentorSuspended(reason="x"), on=10, subject=MENTOR).tasks()) == ["mentor_suspended"]
    over = Stage("mentor247", workers=[STANDING]).happens(booked("s1", 5), on=1).happens(missed("s1", "mentee"), on=5.1)
    over.happens(moved("s1", 5, 20, 60), on=2.5)
    assert over.happens(MentorSuspended(reason="x"), on=10, subject=MENTOR).tasks() == []
