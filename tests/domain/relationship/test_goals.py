"""Goals and assessments: who agrees, who revises, who drops; where a goal comes from."""

import pytest

from domain.model import Event
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.state import Relationship
from tests.domain.relationship.samples import BOTH, GOAL, in_state
from tests.given_when_then import At, day, fold, given, history, proposed

REVISE = c.ReviseGoal(goal_id="g1", title="Lead two teams", agreed_by=BOTH)
DROP = c.DropGoal(goal_id="g1", reason="done with it")
ASSESSMENT = c.RecordAssessment(assessment_id="a1", area="leadership", score=3.5)
RECORDED = e.AssessmentRecorded(assessment_id="a1", area="leadership", score=3.5)
TOLD: list[Event | At] = [proposed(), At(1, GOAL, "mentee")]
CLOSED = {
    "achieved": At(2, e.GoalAchieved(goal_id="g1"), "mentee"),
    "dropped": At(2, e.GoalDropped(goal_id="g1", reason="no"), "mentee"),
}


@pytest.mark.parametrize("role", ["mentee", "mentor", "coordinator", "supplier"])
def test_a_goal_is_agreed_for_both_by_a_party_or_the_office(role: str) -> None:
    goal = c.AgreeGoal(goal_id="g2", title="x", type="other", source="mentee", agreed_by=BOTH)
    given(*TOLD).when(goal, by=role).then(e.GoalAgreed)
    alone = goal.model_copy(update={"agreed_by": ("mentee",)})
    assert given(*TOLD).when(alone, by=role).then_refused("agreed_by", "cmn.objectives")[0].field == "data.agreed_by"


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("agreed_by", [("mentee",), ("mentor",), ()])
def test_both_agree_on_a_revision(role: str, agreed_by: tuple[str, ...]) -> None:
    given(*TOLD).when(REVISE, by=role).then(e.GoalRevised)
    alone = REVISE.model_copy(update={"agreed_by": agreed_by})
    problems = given(*TOLD).when(alone, by=role).then_refused("agreed_by")
    assert [problem.field for problem in problems] == ["data.agreed_by"]


@pytest.mark.parametrize("command", [REVISE, DROP], ids=["revise", "drop"])
@pytest.mark.parametrize("status", CLOSED)
def test_only_an_open_goal_is_revised_or_dropped(command: c.ReviseGoal | c.DropGoal, status: str) -> None:
    problems = given(*TOLD, CLOSED[status]).when(command, by="mentee").then_refused("goal_state")
    assert f"is {status} already" in problems[0].message


def test_the_mentee_or_both_drop_a_goal_not_the_mentor_alone() -> None:
    given(*TOLD).when(DROP, by="mentee").then(e.GoalDropped)
    for agreed_by in (None, (), ("mentor",), ("mentee",)):
        alone = DROP.model_copy(update={"agreed_by": agreed_by})
        assert given(*TOLD).when(alone, by="mentor").then_refused("own_matter")[0].field == "data.agreed_by"
    both = DROP.model_copy(update={"agreed_by": BOTH})
    given(*TOLD).when(both, by="mentor").then(e.GoalDropped)


@pytest.mark.clause("pentalog.assessment-visible")
@pytest.mark.parametrize("source", ["assessment", "mentee"])
def test_a_goal_names_an_assessment_that_is_recorded(source: str) -> None:
    goal = c.AgreeGoal(goal_id="g2", title="x", type="other", source=source, assessment_id="a1", agreed_by=BOTH)  # type: ignore[arg-type]
    problems = given(*TOLD).when(goal, by="mentee").then_refused("unknown_assessment", "pentalog.assessment-visible")
    assert problems[0].field == "data.assessment_id"
    given(*TOLD, At(2, RECORDED)).when(goal, by="mentee").then(e.GoalAgreed)
    without = goal.model_copy(update={"assessment_id": None})
    given(*TOLD).when(without, by="mentee").then(e.GoalAgreed)


@pytest.mark.clause("pentalog.assessment-visible")
def test_an_assessment_is_recorded_once() -> None:
    given(*TOLD).when(ASSESSMENT, by="coordinator").then(RECORDED)
    told = given(*TOLD, At(2, RECORDED))
    told.when(ASSESSMENT, by="coordinator", at=3).then_nothing()
    other = ASSESSMENT.model_copy(update={"score": 4.0})
    assert told.when(other, by="supplier").then_refused("assessment_exists")[0].field == "data.assessment_id"
    for role in BOTH:
        told.when(ASSESSMENT, by=role).then_refused("role")


def test_the_first_spelling_of_an_assessment_stands() -> None:
    told = given(*TOLD, At(2, e.AssessmentRecorded(assessment_id="A1", area="leadership")))
    told.when(c.RecordAssessment(assessment_id="a1", area="leadership"), by="coordinator").then_nothing()
    goal = c.AgreeGoal(goal_id="g2", title="x", type="other", source="assessment", assessment_id="a1", agreed_by=BOTH)
    [agreed] = told.when(goal, by="mentee").then(e.GoalAgreed)
    assert isinstance(agreed, e.GoalAgreed)
    assert agreed.assessment_id == "A1"


def test_a_revision_told_twice_at_once_is_told_once() -> None:
    revised = e.GoalRevised(goal_id="g1", title="Lead two teams", agreed_by=BOTH)
    given(*TOLD, At(2, revised, "mentee")).when(REVISE, by="mentee", at=2).then_nothing()


def test_the_office_drops_and_revises_no_goal() -> None:
    for command in (REVISE, DROP):
        given(*TOLD).when(command, by="coordinator").then_refused("role")


def test_an_agreed_goal_keeps_its_claim_when_it_is_achieved() -> None:
    state = fold(history(*TOLD, CLOSED["achieved"]))
    assert isinstance(state, Relationship)
    assert [claim.version for claim in state.claims] == [2]


@pytest.mark.clause("pentalog.no-progress")
def test_another_session_that_achieved_an_achieved_goal_is_progress_of_that_session() -> None:
    def achieved(session_id: str | None) -> c.RecordGoalProgress:
        return c.RecordGoalProgress(goal_id="g1", progress="achieved", session_id=session_id)

    sessions = [
        e.SessionScheduled(session_id=name, starts_at=day(2), minutes=60, channel="email") for name in ("s1", "s2")
    ]
    told = [*TOLD, *(At(1, session, "mentee") for session in sessions)]
    first = given(*told).when(achieved("s1"), at=2).then(e.GoalProgressRecorded, e.GoalAchieved)
    told += [At(2, event, "mentee") for event in first]
    for known in ("s1", None):
        given(*told).when(achieved(known), at=3).then_nothing()
    given(*told).when(achieved("s2"), at=3).then(e.GoalProgressRecorded)


def test_a_dropped_goal_is_not_agreed_again_and_every_refusal_says_to_choose_a_new_id() -> None:
    dropped = [*in_state("active"), At(0.7, e.GoalDropped(goal_id="g1", reason="x"), "mentee")]
    same = c.AgreeGoal(goal_id="g1", title="Lead a team", type="career", source="mentee", agreed_by=BOTH)
    other = same.model_copy(update={"title": "Sing"})
    progress = c.RecordGoalProgress(goal_id="g1", progress="some")
    revise = c.ReviseGoal(goal_id="g1", title="Sing", agreed_by=BOTH)
    for command, code in (
        (same, "goal_exists"),
        (other, "goal_exists"),
        (progress, "goal_state"),
        (revise, "goal_state"),
    ):
        (problem,) = given(*dropped).when(command, by="mentee").then_refused(code)
        assert "new goal_id" in problem.message
