"""Tasks of a mentoring's course: attention, stalled contracting, another mentor, the plan's end, declined terms, reports,
contests, claims, questions about practice. What the contract tests show from outside is here held to the hour.
"""

from typing import Any

import pytest

from domain.mentor.commands import RemoveMentor
from domain.mentor.events import MentorReinstated, MentorRemoved, MentorSuspended
from domain.model import Event
from domain.programme.events import ProgrammeCreated
from domain.relationship import events as e
from domain.relationship.commands import RequestFeedback
from domain.words import EndingReason, Party, Role
from tests.given_when_then import IDS, SUBJECT, day, proposed
from tests.workers.happenings import booked, completed, ended, paused, planned
from tests.workers.stage import MENTOR, Stage
from workers.attention import ATTENTION
from workers.claims import CLAIMS
from workers.conflicts import CONFLICTS
from workers.contests import CONTESTS
from workers.feedback import FEEDBACK
from workers.informing import INFORMING
from workers.model import AnyWorker
from workers.plan import PLAN
from workers.rematch import REMATCH
from workers.reporting import REPORTING
from workers.sessions import SESSIONS
from workers.stalled import STALLED
from workers.standing import STANDING
from workers.support import SUPPORT
from workers.terms import TERMS

NEXT = "72222222-2222-4222-8222-222222222222"
BROKEN = e.TrustBreakdownReported(description="x")
DISRESPECT = e.DisrespectReported(against="mentor", description="x")
RESTORED = e.TrustRestored()
RESOLVED = e.DisrespectResolved(resolution="x")


def stage(worker: AnyWorker, *codes: str) -> Stage:
    return Stage(*(codes or ("pentalog",)), workers=[worker]).active()


def goal(goal_id: str) -> e.GoalAgreed:
    return e.GoalAgreed(goal_id=goal_id, title="x", type="career", source="mentee", agreed_by=("mentee", "mentor"))


# --- attention -----------------------------------------------------------------------------------------------------
@pytest.mark.clause("care.attention")
def test_attention_opens_when_the_band_gets_bad_and_closes_when_it_is_better() -> None:
    told = stage(ATTENTION).happens(BROKEN, on=3, by="mentee")
    [task] = told.tasks()
    assert (task.kind, task.owner, task.since, task.due) == ("attention", "coordinator", day(3), day(10))
    assert (task.clauses, task.evidence) == (("pentalog.trust", "care.attention"), (3,))
    assert "PauseRelationship" not in task.settled_by
    assert told.happens(RESTORED, on=4, by="mentee").tasks() == []
    assert told.happens(BROKEN, on=5, by="mentee").tasks()
    assert told.happens(ended(), on=6).tasks() == []


@pytest.mark.clause("care.attention")
@pytest.mark.parametrize("again, opens", [(None, 18), (day(9).date(), 9 - 9 / 24)])
def test_attention_reviewed_opens_again_on_the_day_named_or_after_fourteen(again: Any, opens: float) -> None:
    told = stage(ATTENTION).happens(BROKEN, on=3, by="mentee")
    told.happens(e.RelationshipReviewed(note="x", look_again_on=again), on=4)
    assert told.tasks() == []
    assert told.passes(opens - 0.01).tasks() == []
    [task] = told.passes(opens).tasks()
    assert (task.since, task.due) == (day(opens), day(opens + 7))


@pytest.mark.clause("care.attention")
def test_attention_reviewed_does_not_open_again_when_things_are_better() -> None:
    told = stage(ATTENTION).happens(BROKEN, on=3, by="mentee").happens(e.RelationshipReviewed(note="x"), on=4)
    assert told.happens(RESTORED, on=5, by="mentee").passes(19).tasks() == []


@pytest.mark.clause("care.attention")
def test_attention_reviewed_at_risk_opens_at_once_when_it_turns_critical() -> None:
    told = stage(ATTENTION).passes(31)
    # Nothing scheduled and no contact: 75, a watch; late moves of two sessions take it to 55.
    for number in (1, 2):
        told.happens(
            e.SessionScheduled(session_id=f"s{number}", starts_at=day(32), minutes=60, channel="platform"), on=31.5
        )
        told.happens(
            e.SessionRescheduled(
                session_id=f"s{number}", starts_at=day(33 + number), previous_starts_at=day(32), reason="x",
                notice_hours=1, late=True,
            ),
            on=32 - 1 / 24,
            by="mentee",
        )  # fmt: skip
    told.happens(e.SessionMissed(session_id="s1", absent=("mentee",)), on=34.1, by="mentor")
    [task] = told.tasks()
    assert task.about == "at_risk"
    assert told.happens(e.RelationshipReviewed(note="x"), on=35).tasks() == []
    [again] = told.happens(BROKEN, on=35.1, by="mentee").tasks()
    assert (again.about, again.since) == ("critical", day(35.1))


# --- contracting ---------------------------------------------------------------------------------------------------
def contracting(*codes: str) -> Stage:
    return Stage(*codes, workers=[STALLED])


@pytest.mark.clause("care.stalled")
def test_contracting_for_more_than_thirty_days_is_a_task_with_the_unmet_gates() -> None:
    told = contracting("pentalog", "nottingham").happens(planned(6), goal("g1"), on=2).passes(30)
    assert told.tasks() == []
    [task] = told.passes(30.01).tasks()
    assert (task.kind, task.owner) == ("stalled_match", "coordinator")
    assert task.clauses == (
        "pentalog.trust", "nottingham.ways-of-working", "nottingham.expectations", "nottingham.training", "care.stalled",
    )  # fmt: skip
    assert task.due is not None
    assert round((task.due - task.since).total_seconds()) == 7 * 86400


@pytest.mark.clause("care.stalled")
@pytest.mark.parametrize(
    "event",
    [e.RelationshipActivated(), ended("never_started"), e.RelationshipPostponed(start_on=day(50).date(), reason="x")],
)
def test_a_stalled_match_closes_on_activation_the_end_or_postponement(event: Event) -> None:
    told = contracting("pentalog").passes(31)
    assert told.tasks()
    assert told.happens(event, on=32).tasks() == []


@pytest.mark.clause("care.stalled")
def test_a_postponed_start_has_its_own_days_from_then_on() -> None:
    told = contracting("pentalog").happens(e.RelationshipPostponed(start_on=day(20).date(), reason="x"), on=5)
    assert told.passes(20 + 30 - 9 / 24).tasks() == []
    assert told.passes(20 + 30).tasks()


@pytest.mark.clause("nottingham.training", "care.stalled")
@pytest.mark.parametrize("timezone, cited", [("UTC", False), ("Pacific/Midway", True)])
def test_whether_a_training_was_completed_by_then_goes_by_the_day_of_the_programme(timezone: str, cited: bool) -> None:
    """Months and days are those of the programme's time zone: in Midway the day of the training is still to come."""
    told = Stage("nottingham", propose=False)
    told.happens(ProgrammeCreated(name="p", timezone=timezone), subject="programme:p1")
    told.happens(proposed("nottingham")).happens(
        e.MentorTrainingConfirmed(course="mentoring", completed_on=day(30).date()), on=1
    )
    (task,) = told.passes(31).tasks("stalled_match")
    assert ("nottingham.training" in task.clauses) == cited


@pytest.mark.clause("care.stalled", "care.standing")
def test_half_way_a_suspended_mentor_is_not_reminded() -> None:
    told = contracting("cmn").happens(MentorSuspended(reason="x"), on=2, subject=MENTOR).passes(15)
    assert "mentor:ben" not in told.told("gate_reminder")
    assert "mentee:ana" in told.told("gate_reminder")


@pytest.mark.clause("care.stalled")
def test_half_way_those_are_reminded_who_can_meet_a_gate() -> None:
    told = contracting("cmn").happens(
        planned(6), goal("g1"), e.ConflictOfInterestDeclared(nature="none"), on=1, by="mentor"
    )
    assert told.passes(14.99).notes == []
    told.passes(15)
    assert set(told.told("gate_reminder")) == {"mentee:ana", "mentor:ben", "line_manager:lou"}
    clauses = {note.recipient: str(note.parameters["clauses"]).split() for note in told.notes}
    assert clauses["line_manager:lou"] == ["cmn.reporting"]
    assert "cmn.commitment-to-code" in clauses["mentor:ben"]
    assert "cmn.commitment-to-code" not in clauses["mentee:ana"]
    assert "care.stalled" in told.clauses("gate_reminder")


# --- another mentor ------------------------------------------------------------------------------------------------
def successor(follows: str | None = None, programme_id: str = "p1", mentee_id: str = "ana") -> e.RelationshipProposed:
    changes = {"mentor_id": "zoe", "follows": follows, "programme_id": programme_id, "mentee_id": mentee_id}
    return proposed("pentalog").model_copy(update=changes)


@pytest.mark.clause("care.rematch")
@pytest.mark.parametrize("reason", ["mentor_withdrawal", "referred", "compromising_relationship"])
def test_an_ending_for_the_mentor_asks_for_another_one(reason: EndingReason) -> None:
    told = stage(REMATCH, "nottingham").happens(ended(reason), on=3)
    [task] = told.tasks()
    assert (task.kind, task.subject, task.owner, task.due) == ("new_mentor", SUBJECT, "coordinator", day(10))
    assert task.clauses == ("nottingham.refer", "care.rematch")
    assert (task.programme_id, task.mentee_id, task.mentor_id) == ("p1", "ana", "ben")


@pytest.mark.clause("care.rematch")
@pytest.mark.parametrize("reason", ["goals_met", "mentee_choice", "supplier_decision", "breach"])
def test_another_ending_asks_for_nobody(reason: EndingReason) -> None:
    assert stage(REMATCH).happens(ended(reason), on=3).tasks() == []


@pytest.mark.clause("care.rematch")
@pytest.mark.parametrize(
    "proposal, closes",
    [
        (successor(), True),
        (successor(SUBJECT, programme_id="p2"), True),
        (successor(programme_id="p2"), False),
        (successor(SUBJECT, mentee_id="eva"), False),
    ],
)
def test_the_search_ends_with_a_proposal_for_the_same_mentee(proposal: e.RelationshipProposed, closes: bool) -> None:
    told = stage(REMATCH).happens(e.MenteeReferred(to="x", reason="x"), on=3).happens(proposal, on=4, subject=NEXT)
    assert (told.tasks() == []) is closes


@pytest.mark.clause("care.rematch")
@pytest.mark.parametrize("over, left", [(False, ["new_mentor"]), (True, [])])
def test_signposting_ends_the_search_after_the_end_alone(over: bool, left: list[str]) -> None:
    told = stage(REMATCH).happens(e.MenteeReferred(to="x", reason="x"), on=3)
    if over:
        told.happens(ended("goals_met"), on=4)
    told.happens(e.MenteeSignposted(to="x", reason="x"), on=5)
    assert [task.kind for task in told.tasks()] == left


@pytest.mark.clause("care.rematch")
def test_nobody_is_sought_at_the_end_when_the_next_mentor_was_proposed_before_it() -> None:
    told = stage(REMATCH).happens(e.MenteeReferred(to="x", reason="x"), on=3).happens(successor(), on=4, subject=NEXT)
    assert told.happens(ended("referred"), on=5).tasks() == []
    other = stage(REMATCH).happens(successor(SUBJECT), on=4, subject=NEXT)
    assert other.happens(ended("mentor_withdrawal"), on=5).tasks() == []
    # The next one doesn't come about: the search goes on for that one.
    [task] = other.happens(e.MatchDeclined(), on=6, by="mentor", subject=NEXT).tasks()
    assert task.subject == NEXT


@pytest.mark.clause("care.rematch")
def test_a_removal_seeks_another_mentor() -> None:
    told = Stage("pentalog", workers=[STANDING, REMATCH]).happens(MentorRemoved(reason="x"), on=3, subject=MENTOR)
    assert [task.kind for task in told.tasks()] == ["new_mentor"]


# --- the plan's end ------------------------------------------------------------------------------------------------
def plan_of(sessions: int, ends_on: float) -> e.PlanAgreed:
    return planned(sessions).model_copy(update={"ends_on": day(ends_on).date()})


@pytest.mark.clause("care.closing")
def test_the_plans_end_is_moved_by_pauses() -> None:
    told = stage(PLAN).happens(plan_of(6, 20), on=1).happens(paused(40), on=5).passes(30)
    assert told.tasks() == []
    told.happens(e.RelationshipResumed(), on=30)
    over = 21 + 25 - 9 / 24
    assert told.passes(over - 0.01).tasks() == []
    [task] = told.passes(over).tasks()
    assert (task.kind, task.owner, task.clauses) == ("plan_end", "coordinator", ("care.closing",))
    assert task.due == day(over + 7)
    assert "mentor:ben" in told.told("plan_end")


@pytest.mark.clause("care.closing")
def test_a_new_goal_after_the_last_session_leaves_the_plans_last_day_as_it_is() -> None:
    told = stage(PLAN).happens(plan_of(1, 20), on=1).happens(completed("s1", 2), on=2.1)
    assert told.tasks()
    assert told.happens(goal("g2"), on=3).tasks() == []
    assert told.passes(21).tasks()


@pytest.mark.clause("care.closing")
def test_further_sessions_do_not_ask_again_while_the_task_is_open() -> None:
    told = stage(PLAN).happens(plan_of(1, 90), on=1)
    told.happens(completed("s1", 2), on=2.1).happens(completed("s2", 3), on=3.1)
    assert told.told("plan_end").count("mentor:ben") == 1
    assert told.happens(plan_of(4, 90), on=4).tasks() == []


@pytest.mark.clause("nottingham.end")
def test_all_goals_achieved_ask_and_all_goals_dropped_do_not() -> None:
    told = stage(PLAN, "nottingham").happens(goal("g1"), goal("g2"), on=1).happens(e.GoalAchieved(goal_id="g1"), on=2)
    assert told.tasks() == []
    [task] = told.happens(e.GoalDropped(goal_id="g2", reason="x"), on=3).tasks()
    assert task.clauses == ("nottingham.end", "care.closing")
    dropped = stage(PLAN).happens(goal("g1"), on=1).happens(e.GoalDropped(goal_id="g1", reason="x"), on=2)
    assert dropped.tasks() == []


# --- declined terms ------------------------------------------------------------------------------------------------
def declined(document: Any) -> e.TermsDeclined:
    return e.TermsDeclined(document=document, version="2")


@pytest.mark.clause("mentor247.terms", "cmn.commitment-to-code", "care.commitment")
def test_declined_terms_stand_still_in_pauses_and_open_again_on_resuming() -> None:
    told = stage(TERMS, "mentor247", "cmn").happens(declined("code_of_conduct"), on=1, by="mentor")
    [task] = told.tasks()
    assert task.clauses == ("mentor247.terms", "cmn.commitment-to-code", "care.commitment")
    assert task.due == day(8)
    told.happens(paused(40), on=3)
    assert told.tasks() == []
    told.happens(declined("privacy_policy"), on=5, by="mentor").passes(12)
    assert told.tasks() == []
    told.happens(e.RelationshipResumed(), on=13)
    assert {task.about: task.due for task in told.tasks()} == {"code_of_conduct": day(18), "privacy_policy": day(20)}
    assert told.passes(17.99).all_sent == []
    told.passes(18)
    assert [command.programme_id for command in told.sent(RemoveMentor)] == ["p1"]


@pytest.mark.clause("mentor247.terms")
def test_terms_accepted_in_time_end_the_matter_also_in_a_pause() -> None:
    told = stage(TERMS, "mentor247").happens(declined("terms_of_use"), on=1, by="mentor").happens(paused(40), on=3)
    told.happens(e.TermsAccepted(document="terms_of_use", version="2"), on=4, by="mentor")
    assert told.happens(e.RelationshipResumed(), on=5).passes(60).tasks() == []
    assert told.all_sent == []


@pytest.mark.clause("cmn.commitment-to-code", "care.commitment")
def test_days_that_were_over_before_a_pause_are_not_moved_by_it() -> None:
    told = stage(TERMS, "cmn").happens(declined("code_of_conduct"), on=1, by="mentor").passes(12)
    told.happens(paused(40), on=20).happens(e.RelationshipResumed(), on=30)
    assert [task.due for task in told.tasks()] == [day(8)]


@pytest.mark.clause("mentor247.terms")
def test_declining_once_more_puts_nothing_off() -> None:
    told = stage(TERMS, "mentor247").happens(declined("terms_of_use"), on=1, by="mentor")
    told.happens(declined("terms_of_use"), on=7, by="mentor")
    assert [task.due for task in told.tasks()] == [day(8)]
    assert len(told.passes(8).sent(RemoveMentor)) == 1


# --- conflicts, answers, contests, endings -------------------------------------------------------------------------
@pytest.mark.clause("care.conflict")
def test_a_conflict_declared_while_paused_is_a_task() -> None:
    told = stage(CONFLICTS).happens(paused(40), on=2).happens(e.ConflictOfInterestDeclared(nature="other"), on=3)
    assert [task.due for task in told.tasks("conflict")] == [day(10)]


BAD: list[Any] = [False, "no", "No ", 1, 2, 2.0]
GOOD: list[Any] = [True, "yes", 3, 5, "He listened."]
ASKED = (
    "pentalog.attention", "cmn.inclusion", "nottingham.opinions", "nottingham.individual-needs",
    "mentor247.language", "leapfrog.openness",
)  # fmt: skip


@pytest.mark.clause(
    "care.feedback",
    "pentalog.attention",
    "cmn.inclusion",
    "nottingham.opinions",
    "nottingham.individual-needs",
    "mentor247.language",
    "leapfrog.openness",
)
@pytest.mark.parametrize("clause", ASKED)
def test_a_bad_answer_is_a_task_without_the_words(clause: str) -> None:
    for answer in BAD:
        told = stage(SUPPORT, clause.partition(".")[0])
        told.happens(e.FeedbackGiven(about="mentor", answers={clause: answer}, text="Words."), on=3, by="mentee")
        [task] = told.tasks()
        assert (task.kind, task.owner, task.due) == ("feedback_concern", "coordinator", day(10))
        assert task.clauses == (clause, "care.feedback")
        assert "Words" not in str(told.notes)
        assert told.happens(e.RelationshipReviewed(note="x"), on=4).tasks() == []
    for answer in GOOD:
        told = stage(SUPPORT, clause.partition(".")[0])
        assert told.happens(e.FeedbackGiven(about="mentor", answers={clause: answer}), on=3, by="mentee").nothing()


@pytest.mark.clause("care.feedback")
def test_a_bad_answer_counts_under_another_code_too() -> None:
    told = stage(SUPPORT, "cmn").happens(e.FeedbackGiven(about="mentor", answers={"pentalog.attention": 1}), on=3)
    assert [task.clauses for task in told.tasks()] == [("care.feedback",)]
    assert stage(SUPPORT).happens(e.FeedbackGiven(about="process", answers={"room": 1}), on=3).nothing()


@pytest.mark.clause("care.contested")
def test_each_contest_is_a_task_of_its_own() -> None:
    told = stage(CONTESTS).happens(
        e.FactContested(version=2, reason="x"), e.FactContested(version=1, reason="x"), on=3, by="mentor"
    )
    assert [(task.about, task.due) for task in told.tasks("contested")] == [("2", day(10)), ("1", day(10))]
    told.happens(e.ContestAnswered(version=3, answer="x"), on=4)
    assert [task.about for task in told.tasks()] == ["1"]


@pytest.mark.clause("care.informed")
@pytest.mark.parametrize(
    "by, informed, waiting",
    [
        ("mentee", (), ["mentor"]),
        ("mentor", ("mentee",), []),
        ("coordinator", (), ["mentee", "mentor"]),
        ("customer", ("mentor",), ["mentee"]),
    ],
)
def test_who_was_not_informed_of_an_ending_is_informed_by_the_office(
    by: Role, informed: tuple[Role, ...], waiting: list[Party]
) -> None:
    told = stage(INFORMING).happens(e.RelationshipTerminated(reason="mentee_choice", informed=informed), on=3, by=by)
    assert [task.about for task in told.tasks("inform_party")] == waiting
    # One working day: Thursday's ending is due by the end of Friday.
    assert {task.due for task in told.tasks()} <= {day(5 - 9 / 24)}
    told.happens(e.ContactRecorded(channel="email", between=("mentee", "mentor")), on=3.1, by="mentee")
    assert [task.about for task in told.tasks("inform_party")] == waiting
    told.happens(e.ContactRecorded(channel="email", between=("mentee", "mentor")), on=4, by="coordinator")
    assert told.tasks() == []


# --- reports, claims, questions ------------------------------------------------------------------------------------
@pytest.mark.clause("cmn.reporting")
def test_a_report_is_due_every_so_many_days_outside_pauses() -> None:
    told = Stage("cmn", workers=[REPORTING])
    told.happens(e.ReportingAgreed(with_whom="line_manager", outputs=("attendance",), every_days=10), on=0)
    told.active(2).happens(paused(40), on=5).happens(e.RelationshipResumed(), on=25).passes(31.99)
    assert told.tasks() == []
    [task] = told.passes(32).tasks()
    assert (task.kind, task.owner, task.due, task.clauses) == ("report_due", "mentee", day(39), ("cmn.reporting",))
    shared = e.ReportShared(with_whom="line_manager", period_from=day(2).date(), period_to=day(32).date())
    assert told.happens(shared, on=33, by="mentee").tasks() == []
    assert [task.since for task in told.passes(42).tasks()] == [day(42)]


CLAIMED: list[tuple[Event, str, str]] = [
    (goal("g1"), "mentee", "mentor:ben"),
    (planned(6), "mentor", "mentee:ana"),
    (e.ConfidentialityAgreed(shared=(), not_shared=()), "mentee", "mentor:ben"),
    (e.ContractingConversationRecorded(held_at=day(0), covered=("expectations",)), "mentor", "mentee:ana"),
    (e.ReportingAgreed(with_whom="line_manager", outputs=("attendance",)), "mentee", "line_manager:lou"),
    (e.ReportingAgreed(with_whom="line_manager", outputs=("attendance",)), "coordinator", "line_manager:lou"),
]


@pytest.mark.clause("care.claims")
@pytest.mark.parametrize("claim, by, other", CLAIMED)
def test_what_one_says_both_agreed_is_put_before_the_other_once_after_seven_days(
    claim: Event, by: str, other: str
) -> None:
    told = stage(CLAIMS).happens(claim, on=1, by=by).passes(7.99)
    assert told.notes == []
    assert told.passes(60).told("claim_waits") == [other]
    assert told.clauses("claim_waits") == ("care.claims",)
    for answer in (e.AgreementConfirmed(version=3), e.FactContested(version=3, reason="x")):
        assert stage(CLAIMS).happens(claim, on=1, by=by).happens(answer, on=2).passes(60).notes == []


@pytest.mark.clause("care.claims")
def test_the_offices_word_a_dropped_goal_and_a_later_agreement_leave_no_claim() -> None:
    assert stage(CLAIMS).happens(planned(6), on=1, by="coordinator").passes(60).notes == []
    dropped = (
        stage(CLAIMS).happens(goal("g1"), on=1, by="mentor").happens(e.GoalDropped(goal_id="g1", reason="x"), on=2)
    )
    assert dropped.passes(60).notes == []
    later = stage(CLAIMS).happens(planned(6), on=1, by="mentor").happens(planned(4), on=5, by="mentee").passes(60)
    assert [(note.recipient, note.at) for note in later.notes] == [("mentor:ben", day(12))]


@pytest.mark.clause("care.claims", "cmn.reporting")
def test_the_same_outputs_confirm_reporting_and_others_are_awaited_anew() -> None:
    mine = e.ReportingAgreed(with_whom="line_manager", outputs=("attendance",))
    other = e.ReportingAgreed(with_whom="line_manager", outputs=("schedule",))
    same = stage(CLAIMS, "cmn").happens(mine, on=1, by="mentee").happens(mine, on=2, by="line_manager").passes(60)
    assert same.notes == []
    anew = stage(CLAIMS, "cmn").happens(mine, on=1, by="mentee").happens(other, on=2, by="line_manager").passes(60)
    assert anew.told("claim_waits") == ["mentee:ana"]


@pytest.mark.clause("pentalog.attention", "leapfrog.openness")
def test_every_party_is_asked_the_practice_questions_at_the_middle_and_at_the_end() -> None:
    told = stage(FEEDBACK, "pentalog", "leapfrog").happens(planned(2), on=0.5).happens(completed("s1", 1), on=1.1)
    asked = [(sent.respondent, sent.occasion, set(sent.questions)) for sent in told.sent(RequestFeedback)]
    questions = {"pentalog.attention", "leapfrog.openness"}
    assert asked == [("mentee", "mid", questions), ("mentor", "mid", questions)]
    told.happens(completed("s2", 2), on=2.1)
    assert len(told.sent(RequestFeedback)) == 2
    told.happens(ended(), on=3)
    assert [(sent.respondent, sent.occasion) for sent in told.sent(RequestFeedback)[2:]] == [
        ("mentee", "end"), ("mentor", "end"),
    ]  # fmt: skip
    assert told.told("practice_questions") == [f"{role}:{IDS[role]}" for role in ("mentee", "mentor")] * 2


# --- standing in one programme -------------------------------------------------------------------------------------
@pytest.mark.clause("care.standing")
def test_a_contracting_relationship_without_sessions_to_come_waits_for_nobody() -> None:
    told = Stage("pentalog", workers=[STANDING]).happens(booked("s1", 3), booked("s2", 20), on=2)
    told.happens(completed("s1", 3, status="contracting"), on=3.1)
    suspended = MentorSuspended(reason="x")
    told.happens(e.SessionCancelled(session_id="s2", reason="x", notice_hours=99, late=False), on=4)
    assert told.happens(suspended, on=5, subject=MENTOR).tasks() == []
    other = Stage("pentalog", workers=[STANDING]).happens(booked("s1", 9), on=2)
    assert [task.due for task in other.happens(suspended, on=5, subject=MENTOR).tasks()] == [day(12)]


@pytest.mark.clause("care.standing", "cmn.breaches")
def test_a_suspension_and_a_removal_in_one_programme_leave_the_others_alone() -> None:
    told = stage(STANDING, "cmn")
    elsewhere = proposed("cmn").model_copy(update={"programme_id": "p2"})
    told.happens(elsewhere, e.RelationshipActivated(), on=2, subject=NEXT)
    told.happens(MentorSuspended(reason="x", programme_id="p2"), on=5, subject=MENTOR)
    [task] = told.tasks()
    assert (task.subject, task.programme_id, task.clauses) == (NEXT, "p2", ("cmn.breaches", "care.standing"))
    assert told.happens(MentorReinstated(programme_id="p1"), on=6, subject=MENTOR).tasks()
    told.happens(MentorRemoved(reason="x", programme_id="p2"), on=7, subject=MENTOR)
    assert [sent.subject for sent in told.all_sent] == [NEXT]
    assert told.tasks() == []


@pytest.mark.clause("care.standing")
@pytest.mark.parametrize("programme, reminded", [("p1", 0), (None, 0), ("p2", 2)])
def test_there_is_no_reminder_for_a_mentor_who_is_suspended_there(programme: str | None, reminded: int) -> None:
    told = stage(SESSIONS).happens(booked("s1", 9), on=1)
    told.happens(MentorSuspended(reason="x", programme_id=programme), on=2, subject=MENTOR)
    assert len(told.passes(8).told("session_reminder")) == reminded
