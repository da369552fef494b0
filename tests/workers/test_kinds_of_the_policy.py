"""The kinds of tasks that Rapport's own policy asks for: when each opens, until when, whose it is, and how it closes."""

from datetime import UTC, date, datetime

import pytest

from domain.relationship import events as e
from domain.relationship.commands import DiscloseConfidence
from domain.words import EndingReason, Role
from tests.given_when_then import day, proposed
from tests.workers.happenings import completed, ended, paused, planned
from tests.workers.stage import Stage
from workers.attention import ATTENTION
from workers.claims import CLAIMS
from workers.closing import CLOSING
from workers.contests import CONTESTS
from workers.informing import INFORMING
from workers.model import AnyWorker
from workers.plan import PLAN
from workers.rematch import REMATCH
from workers.reporting import REPORTING
from workers.safeguarding import SAFEGUARDING
from workers.stalled import STALLED
from workers.support import SUPPORT

OTHER = "11111111-1111-4111-8111-111111111111"
REVIEWED = e.RelationshipReviewed(note="Seen.")


def dissolved(*informed: Role, reason: EndingReason = "goals_met") -> e.RelationshipTerminated:
    return e.RelationshipTerminated(reason=reason, informed=informed, next_steps="None.")


@pytest.mark.clause("care.informed", "cmn.pause-or-stop")
@pytest.mark.parametrize(
    "by, informed, waiting",
    [
        ("mentee", (), ["mentor"]),
        ("mentor", (), ["mentee"]),
        ("customer", (), ["mentee", "mentor"]),
        ("coordinator", (), ["mentee", "mentor"]),
        ("coordinator", ("mentee",), ["mentor"]),
        ("mentee", ("mentor",), []),
    ],
)
def test_a_party_who_was_not_informed_of_the_end_is_informed_by_the_office(
    by: str, informed: tuple[Role, ...], waiting: list[str]
) -> None:
    told = Stage("cmn", workers=[INFORMING]).active().happens(dissolved(*informed), on=3, by=by)
    assert [task.about for task in told.tasks("inform_party")] == waiting
    for task in told.tasks():
        assert (task.owner, task.clauses) == ("coordinator", ("cmn.pause-or-stop", "care.informed"))
        # Thursday 5 March; the next working day ends with Friday.
        assert task.due == datetime(2026, 3, 7, tzinfo=UTC)


@pytest.mark.clause("care.informed")
def test_the_offices_word_with_that_party_closes_it_and_nobody_elses_does() -> None:
    told = Stage(workers=[INFORMING]).active().happens(dissolved(), on=3, by="mentee")
    told.happens(e.ContactRecorded(channel="telephone", between=("mentee", "mentor")), on=4, by="mentor")
    told.happens(e.ContactRecorded(channel="telephone", between=("coordinator", "mentee")), on=4, by="coordinator")
    assert [task.clauses for task in told.tasks("inform_party")] == [("cmn.pause-or-stop", "care.informed")]
    told.happens(e.ContactRecorded(channel="telephone", between=("coordinator", "mentor")), on=4, by="coordinator")
    assert told.tasks() == []


@pytest.mark.clause("care.rematch")
@pytest.mark.parametrize(
    "reason, sought",
    [("mentor_withdrawal", 1), ("referred", 1), ("compromising_relationship", 1), ("goals_met", 0)],
)
def test_a_mentee_whose_mentor_left_needs_another(reason: EndingReason, sought: int) -> None:
    told = Stage("cmn", workers=[REMATCH]).active().happens(dissolved(reason=reason), on=3)
    assert [(t.due, t.owner, t.clauses) for t in told.tasks("new_mentor")] == [
        (day(10), "coordinator", ("care.rematch",))
    ] * sought
    told.happens(e.MenteeSignposted(to="A guide.", reason="Help."), on=4)
    assert told.tasks() == []


@pytest.mark.clause("care.rematch")
def test_a_proposal_that_follows_or_in_the_same_programme_ends_the_search() -> None:
    told = Stage("cmn", workers=[REMATCH]).happens(e.MatchDeclined(), on=1, by="mentee")
    assert len(told.tasks("new_mentor")) == 1
    elsewhere = proposed("cmn").model_copy(update={"programme_id": "p2"})
    assert len(told.happens(elsewhere, on=2, subject=OTHER).tasks("new_mentor")) == 1
    assert told.happens(proposed("cmn"), on=3, subject=OTHER.replace("1", "2")).tasks("new_mentor") == []


@pytest.mark.clause("care.problem", "care.feedback", "cmn.competence", "care.disclosure", "care.attention")
def test_a_review_that_names_events_closes_only_the_tasks_whose_evidence_it_names() -> None:
    """ReviewRelationship has `about? [version…]`; without it a review closes all that a review closes."""
    workers: list[AnyWorker] = [SUPPORT, SAFEGUARDING, ATTENTION]
    bad = e.FeedbackGiven(about="mentor", answers={"cmn.inclusion": False})
    matters = [
        e.MenteeReferred(to="hr", reason="x"),
        e.ProblemReported(description="x"),
        e.ProblemReported(description="x"),
        bad,
        e.TrustBreakdownReported(description="x"),
    ]
    told = Stage("cmn", workers=workers).active().happens(*matters, on=3, by="mentee")
    kinds = dict(enumerate(("hr_referral", "problem", "problem", "feedback_concern", "attention"), 3))
    assert sorted((task.evidence, task.kind) for task in told.tasks()) == [((v,), kind) for v, kind in kinds.items()]
    for by, about in (("coordinator", 2), ("hr", 4), ("coordinator", 4), ("coordinator", 6), ("coordinator", 7)):
        told.happens(e.RelationshipReviewed(note="x", about=(about, 1)), on=4, by=by)
        if by == "coordinator":
            kinds.pop(about, None)
        assert sorted(task.evidence for task in told.tasks()) == [(version,) for version in kinds]
    told.happens(e.RelationshipReviewed(note="x", about=(3,)), on=5, by="hr")
    assert [task.evidence for task in told.tasks()] == [(5,)]
    assert told.happens(REVIEWED, on=6, by="coordinator").tasks() == []


@pytest.mark.clause("care.disclosure", "nottingham.confidentiality")
def test_a_review_about_one_disclosure_leaves_the_other_to_be_reviewed() -> None:
    told = Stage("cmn", "nottingham", workers=[SAFEGUARDING]).active()
    for words in ("x", "y"):
        told.says(
            DiscloseConfidence(exception="policy_breach", recipient="hr:hanna", disclosed=words, urgency="routine"),
            by="mentor",
            on=3,
        )
    first, second = sorted(task.evidence for task in told.tasks("disclosure_review"))
    told.happens(e.RelationshipReviewed(note="x", about=second), on=4)
    assert [task.evidence for task in told.tasks()] == [first]
    assert told.happens(REVIEWED, on=5).tasks() == []


@pytest.mark.clause("care.contested")
def test_a_contest_is_a_task_until_it_was_answered() -> None:
    told = Stage(workers=[CONTESTS]).active().happens(e.FactContested(version=2, reason="No."), on=3, by="mentor")
    [task] = told.tasks("contested")
    assert (task.due, task.owner, task.clauses, task.settled_by) == (
        day(10), "coordinator", ("care.contested",), ("CorrectFact", "AnswerContest"),
    )  # fmt: skip
    assert told.happens(e.ContestAnswered(version=3, answer="It stands."), on=4).tasks() == []


@pytest.mark.clause("care.closing")
def test_as_many_sessions_as_planned_ask_the_mentor_to_extend_agree_anew_or_end() -> None:
    plan = planned(1).model_copy(update={"ends_on": date(2026, 6, 1)})
    told = Stage("cmn", workers=[PLAN]).happens(plan).active().happens(completed("s1", 5), on=5.1)
    [task] = told.tasks("plan_end")
    assert (task.due, task.owner, task.clauses) == (day(12.1), "coordinator", ("care.closing",))
    assert told.told("plan_end") == ["mentor:ben", "coordinator"]
    assert told.happens(plan, on=6).tasks("plan_end") == []


@pytest.mark.clause("care.closing", "nottingham.end")
def test_the_last_day_of_the_plan_is_moved_by_pauses() -> None:
    plan = planned(6).model_copy(update={"ends_on": day(20).date()})
    told = Stage("nottingham", workers=[PLAN]).happens(plan).active()
    told.happens(paused(30), on=5).happens(e.RelationshipResumed(), on=15).passes(30.5)
    assert told.tasks("plan_end") == []
    [task] = told.passes(31).tasks("plan_end")
    assert task.clauses == ("nottingham.end", "care.closing")
    assert told.happens(ended(), on=32).tasks() == []


@pytest.mark.clause("cmn.reporting")
def test_a_report_is_due_on_its_rhythm_outside_pauses() -> None:
    agreed = e.ReportingAgreed(with_whom="line_manager", outputs=("attendance",), every_days=10)
    told = Stage("cmn", workers=[REPORTING]).happens(agreed).active()
    told.happens(paused(30), on=5).happens(e.RelationshipResumed(), on=9).passes(13.99)
    assert told.tasks() == []
    [task] = told.passes(14).tasks("report_due")
    assert (task.owner, task.due, task.clauses) == ("mentee", day(21), ("cmn.reporting",))
    assert told.told("report_due") == ["mentee:ana"]


@pytest.mark.clause("care.claims")
def test_the_other_is_asked_once_after_the_days_of_a_claim() -> None:
    told = Stage("cmn", workers=[CLAIMS]).active().happens(planned(6), on=2, by="mentor").passes(8.99)
    assert told.told("claim_waits") == []
    assert told.passes(60).told("claim_waits") == ["mentee:ana"]
    confirmed = Stage("cmn", workers=[CLAIMS]).active().happens(planned(6), on=2, by="mentor")
    assert confirmed.happens(e.AgreementConfirmed(version=3), on=3, by="mentee").passes(60).notes == []
    assert Stage("cmn", workers=[CLAIMS]).active().happens(planned(6), on=2, by="coordinator").passes(60).nothing()


@pytest.mark.clause("care.stalled")
def test_contracting_for_too_long_lists_the_unmet_gates() -> None:
    told = Stage("pentalog", workers=[STALLED]).passes(14.99)
    assert told.notes == []
    assert {"mentee:ana", "mentor:ben"} <= set(told.passes(15).told("gate_reminder"))
    assert told.passes(30).tasks() == []
    [task] = told.passes(30.1).tasks("stalled_match")
    assert task.owner == "coordinator"
    assert task.clauses == ("pentalog.goals", "pentalog.trust", "care.stalled")
    assert told.happens(e.RelationshipActivated(), on=31).tasks() == []


@pytest.mark.clause("care.stalled")
def test_a_postponed_start_begins_the_days_anew() -> None:
    put_off = e.RelationshipPostponed(start_on=day(40).date(), reason="Leave.", informed=(), next_steps="They write.")
    told = Stage("pentalog", workers=[STALLED]).passes(31).happens(put_off, on=31).passes(69.5)
    assert told.tasks() == []
    assert len(told.passes(70.1).tasks("stalled_match")) == 1


@pytest.mark.clause("care.attention")
def test_a_critical_relationship_is_looked_at_and_again_until_it_is_better() -> None:
    broken = e.TrustBreakdownReported(description="x")
    told = Stage("pentalog", workers=[ATTENTION]).active().happens(broken, on=3, by="mentee")
    [task] = told.tasks("attention")
    assert (task.about, task.owner, task.due, task.clauses[-1]) == (
        "critical",
        "coordinator",
        day(10),
        "care.attention",
    )
    assert told.happens(REVIEWED, on=4).passes(17.99).tasks() == []
    assert len(told.passes(18).tasks("attention")) == 1
    told.happens(REVIEWED.model_copy(update={"look_again_on": day(25).date()}), on=19).passes(24)
    assert told.tasks() == []
    assert len(told.passes(25).tasks("attention")) == 1
    assert told.happens(ended(), on=26).tasks() == []


@pytest.mark.clause("leapfrog.finish")
def test_winding_down_is_shared_until_the_end_review() -> None:
    told = Stage("leapfrog", workers=[CLOSING]).active().happens(ended(), on=10)
    assert [(task.owner, task.due) for task in told.tasks("winding_down")] == [("mentee", day(24)), ("mentor", day(24))]
    assert told.happens(e.EndReviewRecorded(objectives=(), signposting=()), on=12).tasks() == []


@pytest.mark.clause("care.feedback", "leapfrog.openness")
def test_a_bad_answer_is_a_task_without_the_words_until_the_office_reviewed_it() -> None:
    told = Stage("leapfrog", workers=[SUPPORT]).active()
    told.happens(e.FeedbackGiven(about="mentor", answers={"leapfrog.openness": 2}), on=3, by="mentee")
    [task] = told.tasks("feedback_concern")
    assert (task.owner, task.due, task.clauses) == ("coordinator", day(10), ("leapfrog.openness", "care.feedback"))
    assert told.notes[0].parameters == {"clause": "leapfrog.openness"}
    assert told.happens(REVIEWED, on=4).tasks() == []
    assert (
        told.happens(e.FeedbackGiven(about="mentor", answers={"leapfrog.openness": 3}), on=5, by="mentee").tasks() == []
    )
