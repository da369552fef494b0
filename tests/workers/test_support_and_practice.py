"""What waits for the office, practice questions at the middle and at the end, and what a suspended mentor is spared."""

import pytest

from domain.codes.questions import questions_of
from domain.mentor.events import MentorReinstated, MentorSuspended
from domain.relationship import commands as c
from domain.relationship import events as e
from tests.given_when_then import day
from tests.workers.happenings import booked, completed, ended, moved, planned
from tests.workers.stage import Stage
from workers.commitment import COMMITMENT
from workers.feedback import FEEDBACK
from workers.sessions import SESSIONS
from workers.support import SUPPORT

REVIEWED = e.RelationshipReviewed(note="Seen.")
MENTOR = "mentor:ben"


@pytest.mark.clause("cmn.competence")
def test_a_referral_under_cmn_is_a_task_of_hr_until_hr_has_reviewed_it() -> None:
    told = Stage("cmn", workers=[SUPPORT]).active().happens(e.MenteeReferred(to="A", reason="B"), on=3, by="mentor")
    [task] = told.tasks("hr_referral")
    assert (task.owner, task.due, task.clauses) == ("hr", day(10), ("cmn.competence",))
    assert told.happens(REVIEWED, on=4, by="coordinator").tasks("hr_referral")
    assert told.happens(REVIEWED, on=5, by="hr").tasks() == []
    other = Stage("leapfrog", workers=[SUPPORT]).active().happens(e.MenteeReferred(to="A", reason="B"), on=3)
    assert other.tasks() == []


@pytest.mark.parametrize("codes", [("pentalog",), ("leapfrog", "cmn")])
def test_mentee_and_mentor_are_asked_the_practice_questions_at_the_middle_and_at_the_end(
    codes: tuple[str, ...],
) -> None:
    told = Stage(*codes, workers=[FEEDBACK]).happens(planned(4), on=0).active(0)
    told.happens(completed("s1", 1), on=1.1)
    assert told.sent(c.RequestFeedback) == []
    told.happens(completed("s2", 2), on=2.1)
    asked = [(sent.respondent, sent.occasion, sent.questions) for sent in told.sent(c.RequestFeedback)]
    questions = questions_of(codes)
    assert asked == [("mentee", "mid", questions), ("mentor", "mid", questions)]
    told.happens(ended(), on=9)
    assert [(sent.respondent, sent.occasion) for sent in told.sent(c.RequestFeedback)[2:]] == [
        ("mentee", "end"),
        ("mentor", "end"),
    ]


def test_whom_the_coordinator_asked_about_practice_the_worker_does_not_ask_again() -> None:
    told = Stage("pentalog", workers=[FEEDBACK]).happens(planned(2), on=0).active(0)
    told.says(
        c.RequestFeedback(respondent="mentee", occasion="mid", questions=("pentalog.attention",)),
        by="coordinator",
        on=0.5,
    )
    told.happens(completed("s1", 1), on=1.1)
    assert [sent.respondent for sent in told.sent(c.RequestFeedback)] == ["mentor"]


@pytest.mark.clause("care.standing")
def test_nobody_is_reminded_of_a_session_with_a_suspended_mentor() -> None:
    told = Stage("pentalog", workers=[SESSIONS]).active().happens(booked("s1", 9), booked("s2", 19), on=1)
    told.happens(MentorSuspended(reason="x"), on=2, subject=MENTOR).passes(8)
    assert told.told("session_reminder") == []
    told.happens(MentorReinstated(), on=9, subject=MENTOR).passes(18)
    assert told.told("session_reminder") == ["mentee:ana", "mentor:ben"]


@pytest.mark.clause("pentalog.late-reschedules")
def test_the_party_whom_a_concern_is_about_is_told_with_its_evidence() -> None:
    told = Stage("pentalog", workers=[COMMITMENT]).active().happens(booked("s1", 5), booked("s2", 6), on=1)
    told.happens(moved("s1", 5, 30, 2), on=4.9, by="mentee")
    told.happens(moved("s2", 6, 40, 2), on=5.9, by="mentee")
    assert told.told("concern_about_you") == ["mentee:ana"]
    [note] = [note for note in told.notes if note.template == "concern_about_you"]
    [raised] = told.recorded(e.CommitmentConcernRaised)
    assert note.parameters["events"] == ", ".join(map(str, raised.evidence))
    assert told.told("concern_raised") == ["coordinator", "mentor:ben"]
