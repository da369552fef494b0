"""Who may send what: the whole table, role by role, and that a party acts under the id that the relationship names."""

import pytest

from domain.model import Command, Known
from domain.relationship import commands as c
from domain.relationship.events import RelationshipTerminated
from domain.relationship.permissions import may_send
from domain.words import ROLES
from tests.domain.relationship.samples import COMMANDS, in_state
from tests.given_when_then import given

# role -> the commands beyond those of mentee and mentor, as the contract lists them.
OTHERS = {
    "coordinator": "ProposeRelationship ActivateRelationship ScheduleSession RescheduleSession CancelSession "
    "RecordNoShow RecordContact AgreePlan AgreeReporting PauseRelationship ResumeRelationship DismissRecommendation "
    "ResolveConcern ReferMentee RecordEndReview TerminateRelationship ConfirmMentorTraining RecommendShutdown "
    "RaiseConcern RequestNps DiscloseConfidence SecureRecords ErasePersonalData ResolveDisrespect",
    "supplier": "ProposeRelationship ActivateRelationship ScheduleSession RescheduleSession CancelSession RecordNoShow "
    "RecordContact AgreePlan AgreeReporting PauseRelationship ResumeRelationship DismissRecommendation ResolveConcern "
    "ReferMentee RecordEndReview TerminateRelationship ConfirmMentorTraining RecommendShutdown RaiseConcern "
    "SecureRecords ErasePersonalData ResolveDisrespect",
    "service": "ProposeRelationship ActivateRelationship ScheduleSession RescheduleSession CancelSession "
    "CompleteSession RecordNoShow RecordPresessionCheck RecordContact ConfirmMentorTraining",
    "worker": "RaiseConcern RecommendShutdown ResolveConcern EscalateConcern EscalateRecommendation RequestNps "
    "TerminateRelationship",
    "customer": "TerminateRelationship RespondToNps AcceptTerms DeclineTerms StateTrustReadiness GrantConsent "
    "WithdrawConsent",
    "line_manager": "AgreeReporting AcceptTerms DeclineTerms StateTrustReadiness GrantConsent WithdrawConsent",
    "hr": "SecureRecords ErasePersonalData ResolveDisrespect",
    "analyst": "",
    "auditor": "",
}
NOT_PARTIES = {
    "ConfirmMentorTraining",
    "RecommendShutdown",
    "RaiseConcern",
    "EscalateConcern",
    "EscalateRecommendation",
    "RequestNps",
    "SecureRecords",
    "ErasePersonalData",
    "ResolveDisrespect",
}
NOT_MENTOR = {"MarkTopicPrivate", "OpenTopic"}
NOT_MENTEE = {"DiscloseConfidence"}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: type(command).__name__)
@pytest.mark.parametrize("role", ROLES)
def test_the_table_of_who_may(role: str, command: Command) -> None:
    name = type(command).__name__
    if role == "mentee":
        may = name not in NOT_PARTIES | NOT_MENTEE
    elif role == "mentor":
        may = name not in NOT_PARTIES | NOT_MENTOR
    else:
        may = name in OTHERS[role].split()
    assert (role in may_send(type(command))) is may


@pytest.mark.parametrize("role", ["mentee", "mentor", "customer", "line_manager", "supplier"])
def test_a_party_acts_under_its_own_id(role: str) -> None:
    given(*in_state("active")).when(c.StateTrustReadiness(ready=True), by=role, as_id="eve").then_refused("actor")


def test_nobody_acts_for_a_role_that_the_relationship_does_not_name() -> None:
    events = in_state("active")
    alone = events[0].event.model_copy(update={"customer_id": None})
    end = COMMANDS[c.TerminateRelationship]
    given(alone, *events[1:]).when(end, by="customer").then_refused("actor")


def test_where_no_supplier_is_named_any_supplier_runs_the_programme() -> None:
    events = in_state("active")
    alone = events[0].event.model_copy(update={"supplier_id": None})
    end = COMMANDS[c.TerminateRelationship]
    given(alone, *events[1:]).when(end, by="supplier").then(RelationshipTerminated)
    given(*events).when(end, by="supplier", as_id="another").then_refused("actor")


def test_a_wrong_role_is_refused_and_told_who_may() -> None:
    problems = given(*in_state("active")).when(c.MarkTopicPrivate(topic="health"), by="mentor").then_refused("role")
    assert problems[0].field == "actor"
    assert "mentee" in problems[0].message


def test_a_worker_ends_a_relationship_only_when_its_mentor_was_removed() -> None:
    end = COMMANDS[c.TerminateRelationship]
    active = given(*in_state("active"))
    active.when(end, by="worker").then_refused("role")
    active.knowing(Known(mentor_standing="removed")).when(end, by="worker").then(RelationshipTerminated)


def test_a_goal_is_agreed_by_both() -> None:
    goal = c.AgreeGoal(goal_id="g2", title="x", type="other", source="mentee", agreed_by=("mentee",))
    problems = given(*in_state("active")).when(goal).then_refused("agreed_by", "cmn.objectives")
    assert problems[0].field == "data.agreed_by"
