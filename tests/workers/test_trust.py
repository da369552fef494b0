from datetime import timedelta

import pytest

from domain.relationship import events as e
from domain.relationship.commands import EscalateRecommendation, RecommendShutdown
from tests.given_when_then import day
from tests.workers.stage import Stage

BREAKDOWN = e.TrustBreakdownReported(description="It came back to me.")
DISRESPECT = e.DisrespectReported(against="mentor", description="A remark.")
PAUSE = e.RelationshipPaused(
    reason="leave", review_on=day(30).date(), informed=("mentee", "mentor"), next_steps="write"
)


@pytest.mark.clause("pentalog.trust")
def test_a_trust_breakdown_is_put_up_for_decision_and_nobody_is_told_but_its_author_and_the_coordinator() -> None:
    stage = Stage("pentalog").active().happens(BREAKDOWN, on=3, by="mentee")
    assert stage.sent(RecommendShutdown) == [RecommendShutdown(clause="pentalog.trust", evidence=(3,))]
    assert stage.told("shutdown_recommended") == ["mentee:ana", "coordinator"]
    [task] = stage.tasks("shutdown_recommendation")
    assert (task.kind, task.clauses, task.evidence) == (
        "shutdown_recommendation", ("pentalog.trust", "care.trust"), (3,),
    )  # fmt: skip
    assert task.due == day(10)
    assert "DismissRecommendation" in task.settled_by
    assert stage.recorded(e.RelationshipTerminated) == []


@pytest.mark.clause("pentalog.trust")
def test_undecided_for_seven_days_it_is_escalated_once() -> None:
    stage = Stage("pentalog").active().happens(BREAKDOWN, on=3, by="mentee").passes(9.99)
    assert stage.sent(EscalateRecommendation) == []
    stage.passes(60)
    assert stage.sent(EscalateRecommendation) == [EscalateRecommendation(clause="pentalog.trust")]
    assert stage.told("recommendation_escalated") == ["coordinator"]
    assert [sent.at for sent in stage.all_sent] == [day(3), day(10)]
    assert stage.tasks("shutdown_recommendation")


@pytest.mark.clause("pentalog.trust")
@pytest.mark.parametrize(
    "answer",
    [
        e.TrustRestored(settled=True),
        e.RecommendationDismissed(reason="talked"),
        e.RelationshipTerminated(reason="trust_breakdown"),
    ],
)
def test_a_decision_settles_the_task_and_nothing_is_escalated(answer: e.RelationshipEvent) -> None:
    stage = Stage("pentalog").active().happens(BREAKDOWN, on=3, by="mentee").happens(answer, on=10).passes(60)
    assert stage.sent(EscalateRecommendation) == []
    assert stage.tasks("shutdown_recommendation") == []


@pytest.mark.clause("pentalog.respect", "leapfrog.respect")
def test_disrespect_is_recommended_for_shutdown_under_every_adopted_clause() -> None:
    stage = Stage("pentalog", "leapfrog").active().happens(DISRESPECT, on=1, by="mentee")
    assert [sent.clause for sent in stage.sent(RecommendShutdown)] == ["pentalog.respect"]
    [task] = stage.tasks("shutdown_recommendation")
    assert task.clauses == ("pentalog.respect", "leapfrog.respect", "care.respect")
    assert stage.told("shutdown_recommended").count("mentee:ana") == 1
    stage.happens(e.DisrespectResolved(resolution="apology"), on=2, by="hr").passes(30)
    assert stage.tasks("shutdown_recommendation") == []
    assert stage.sent(EscalateRecommendation) == []


@pytest.mark.clause("leapfrog.respect")
def test_disrespect_alone_under_leapfrog() -> None:
    stage = Stage("leapfrog").active().happens(DISRESPECT, on=1, by="mentee")
    assert [sent.clause for sent in stage.sent(RecommendShutdown)] == ["leapfrog.respect"]


@pytest.mark.clause("care.trust", "care.respect")
def test_without_a_code_that_asks_for_it_rapports_own_policy_recommends() -> None:
    stage = Stage("cmn", "nottingham").active().happens(BREAKDOWN, DISRESPECT, on=1, by="mentee").passes(9)
    assert [sent.clause for sent in stage.sent(RecommendShutdown)] == ["care.trust", "care.respect"]
    assert [task.clauses for task in stage.tasks("shutdown_recommendation")] == [("care.trust",), ("care.respect",)]


@pytest.mark.clause("pentalog.trust", "care.trust")
@pytest.mark.parametrize("who", ["mentee", "mentor", "customer", "line_manager"])
@pytest.mark.parametrize("pause", [False, True])
def test_stating_during_the_mentoring_that_one_is_not_ready_is_broken_trust(who: str, pause: bool) -> None:
    stage = Stage("pentalog").active()
    if pause:
        stage.happens(PAUSE, on=2)
    stage.happens(e.TrustReadinessStated(ready=False), on=3, by=who)
    [task] = stage.tasks("shutdown_recommendation")
    assert (task.clauses, task.due) == (("pentalog.trust", "care.trust"), day(10))
    stage.happens(e.TrustReadinessStated(ready=True, settled=True), on=4, by=who)
    assert stage.tasks("shutdown_recommendation") == []


def test_before_activation_it_is_a_gate_unmet_and_nothing_to_decide() -> None:
    stage = Stage("pentalog").happens(e.TrustReadinessStated(ready=False), on=1, by="mentee")
    assert stage.tasks("shutdown_recommendation") == []


@pytest.mark.clause("pentalog.trust")
def test_the_days_of_decision_run_on_in_a_pause() -> None:
    stage = Stage("pentalog").active().happens(BREAKDOWN, on=3, by="mentee").happens(PAUSE, on=5)
    assert stage.passes(9.99).sent(EscalateRecommendation) == []
    assert stage.passes(10).sent(EscalateRecommendation) == [EscalateRecommendation(clause="pentalog.trust")]
    assert stage.all_sent[-1].at == day(10)


def test_a_coordinators_recommendation_waits_for_a_decision_like_a_machines() -> None:
    event = e.ShutdownRecommended(clause="cmn.boundaries", evidence=(2,))
    stage = Stage("cmn").active().happens(event, on=1)
    assert stage.told("shutdown_recommended") == ["coordinator"]
    stage.passes(8)
    assert stage.sent(EscalateRecommendation) == [EscalateRecommendation(clause="cmn.boundaries")]


def test_one_report_after_the_other_makes_one_recommendation() -> None:
    stage = Stage("pentalog").active().happens(BREAKDOWN, on=3, by="mentee").happens(BREAKDOWN, on=4, by="mentor")
    assert len(stage.sent(RecommendShutdown)) == 1
    stage.happens(e.TrustRestored(settled=True), on=5).happens(BREAKDOWN, on=6, by="mentee")
    assert len(stage.sent(RecommendShutdown)) == 2
    assert stage.deadlines()["trust:escalate:trust"] == day(6) + timedelta(days=7)


def over(stage: Stage) -> bool:
    """Whether nothing waits for a decision any more."""
    waiting = [name for name in stage.deadlines() if name.startswith("trust:")]
    return not waiting and not stage.tasks("shutdown_recommendation")


@pytest.mark.clause("pentalog.respect", "leapfrog.respect", "care.respect", "care.trust")
def test_what_is_reported_while_a_decision_is_waited_for_reaches_the_office_too() -> None:
    against_mentee = e.DisrespectReported(against="mentee", description="So did she.")
    stage = Stage("leapfrog").active().happens(DISRESPECT, on=3, by="mentee").happens(against_mentee, on=5, by="mentor")
    assert len(stage.sent(RecommendShutdown)) == 1
    first, second = stage.tasks("shutdown_recommendation")
    assert (first.evidence, first.due) == ((3,), day(10))
    assert (second.evidence, second.due, second.clauses) == ((5,), day(12), ("leapfrog.respect", "care.respect"))
    assert stage.told("shutdown_recommended") == ["mentee:ana", "coordinator", "mentor:ben", "coordinator"]
    stage.passes(30)
    assert stage.told("recommendation_escalated") == ["coordinator", "coordinator"]
    stage.happens(e.DisrespectResolved(resolution="apologies"), on=31, by="hr")
    assert over(stage)


@pytest.mark.clause("pentalog.trust", "care.trust")
def test_the_same_person_again_is_heard_again_and_has_one_task() -> None:
    stage = Stage("pentalog").active().happens(BREAKDOWN, on=3, by="mentee").happens(BREAKDOWN, on=4, by="mentee")
    stage.happens(e.TrustReadinessStated(ready=False), on=5, by="mentee")
    assert stage.told("shutdown_recommended") == ["mentee:ana", "coordinator"] * 3
    [task] = stage.tasks("shutdown_recommendation")
    assert task.due == day(10)


@pytest.mark.clause("pentalog.trust", "care.trust")
def test_broken_trust_that_both_report_is_a_task_of_each_until_the_matter_is_settled() -> None:
    stage = Stage("pentalog").active().happens(BREAKDOWN, on=3, by="mentee").happens(BREAKDOWN, on=4, by="mentor")
    stage.happens(e.TrustRestored(settled=False), on=5, by="mentee")
    assert [task.evidence for task in stage.tasks("shutdown_recommendation")] == [(3,), (5,)]
    stage.happens(e.TrustRestored(settled=True), on=6, by="mentor")
    assert over(stage)


@pytest.mark.clause("care.respect")
def test_a_report_is_heard_while_a_coordinators_own_recommendation_is_open() -> None:
    event = e.ShutdownRecommended(clause="care.respect", evidence=(2,))
    stage = Stage("cmn").active().happens(event, on=1).happens(DISRESPECT, on=2, by="mentee")
    assert [task.evidence for task in stage.tasks("shutdown_recommendation")] == [(2,), (4,)]
    stage.happens(e.RecommendationDismissed(reason="talked"), on=3)
    assert over(stage)
