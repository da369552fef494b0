import pytest

from domain.case.commands import DecideCase
from domain.mentor.commands import RemoveMentor
from domain.mentor.events import MentorReinstated, MentorRemoved, MentorSuspended
from domain.relationship import events as e
from domain.relationship.commands import TerminateRelationship
from domain.words import Document
from tests.given_when_then import SUBJECT, day, proposed
from tests.workers.happenings import booked, completed, ended, kinds, paused
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
def test_a_document_declined_and_not_accepted_in_time_removes_the_mentor_from_the_programme(document: Document) -> None:
    told = stage().happens(e.TermsDeclined(document=document, version="2"), on=5, by="mentor").passes(11.99)
    assert told.sent(RemoveMentor) == []
    told.passes(12)
    [removal] = told.sent(RemoveMentor)
    assert removal.programme_id == "p1"
    assert status(told) == OVER
    assert [(sent.subject, sent.accepted) for sent in told.all_sent[1:]] == [
        (SUBJECT, True), (SECOND, True), (THIRD, True),
    ]  # fmt: skip
    command = told.sent(TerminateRelationship)[0]
    assert (command.reason, command.informed) == ("supplier_decision", ("mentee", "mentor"))
    assert command.next_steps
    assert told.told("mentor_removed").count("mentee:ana") == 3
    assert told.clauses("mentor_removed") == ("mentor247.terms", "care.standing")


@pytest.mark.clause("mentor247.terms")
def test_declining_something_else_or_by_somebody_else_or_under_another_code_removes_nobody() -> None:
    told = stage().happens(e.TermsDeclined(document="statement_of_work", version="2"), on=5, by="mentor")
    told.happens(e.TermsDeclined(document="terms_of_use", version="2"), on=5, by="mentee").passes(30)
    assert told.all_sent == []
    other = stage("pentalog", "cmn").happens(e.TermsDeclined(document="terms_of_use", version="2"), on=5, by="mentor")
    assert other.passes(30).all_sent == []


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


def test_a_suspension_asks_what_becomes_of_each_relationship_that_runs() -> None:
    told = stage().happens(booked("s1", 9), on=3, subject=THIRD)
    told.happens(MentorSuspended(reason="x"), on=5, subject=MENTOR)
    assert [(task.subject, task.due) for task in told.tasks("mentor_suspended")] == [
        (SUBJECT, day(12)), (THIRD, day(12)),
    ]  # fmt: skip
    assert told.tasks()[0].clauses == ("care.standing",)
    assert told.told("mentor_suspended") == ["mentor:ben", "coordinator", "coordinator"]
    assert status(told)[SUBJECT] == "active"
    told.happens(paused(30), on=6)
    assert [task.subject for task in told.tasks("mentor_suspended")] == [THIRD]
    assert kinds(told.happens(e.RelationshipResumed(), on=7).tasks()) == ["mentor_suspended"] * 2
    assert told.happens(MentorReinstated(), on=8, subject=MENTOR).tasks() == []


@pytest.mark.clause("care.standing")
def test_a_contracting_relationship_without_sessions_to_come_waits_for_nobody() -> None:
    told = stage().happens(booked("s1", 3), booked("s2", 20), on=2.5, subject=THIRD)
    told.happens(completed("s1", 3, status="contracting"), on=3.1, subject=THIRD)
    told.happens(e.SessionCancelled(session_id="s2", reason="x", notice_hours=99, late=False), on=4, subject=THIRD)
    told.happens(MentorSuspended(reason="x"), on=5, subject=MENTOR)
    assert [task.subject for task in told.tasks("mentor_suspended")] == [SUBJECT]


@pytest.mark.clause("care.standing")
def test_a_suspension_and_a_removal_in_one_programme_leave_the_others_alone() -> None:
    told = stage("cmn")
    elsewhere = proposed("cmn").model_copy(update={"programme_id": "p2"})
    other = "77777777-7777-4777-8777-777777777777"
    told.happens(elsewhere, e.RelationshipActivated(), on=2, subject=other)
    told.happens(MentorSuspended(reason="x", programme_id="p2"), on=5, subject=MENTOR)
    [task] = told.tasks()
    assert (task.subject, task.programme_id, task.clauses) == (other, "p2", ("cmn.breaches", "care.standing"))
    told.happens(MentorReinstated(programme_id="p1"), on=6, subject=MENTOR)
    assert told.tasks()
    told.happens(MentorRemoved(reason="x", programme_id="p2"), on=7, subject=MENTOR)
    assert getattr(told.states[other], "status", "") == "terminated"
    assert (status(told)[SUBJECT], told.tasks()) == ("active", [])


def test_what_is_proposed_for_a_removed_mentor_all_the_same_is_ended() -> None:
    told = stage().happens(MentorRemoved(reason="x"), on=5, subject=MENTOR)
    late = "66666666-6666-4666-8666-666666666666"
    told.happens(proposed("mentor247"), on=6, subject=late)
    assert getattr(told.states[late], "status", "") == "terminated"
