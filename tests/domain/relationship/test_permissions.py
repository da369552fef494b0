"""Who may send what: the whole table, role by role, and that a party acts under the id that the relationship names."""

from typing import get_args

import pytest

from domain.model import Command, Known
from domain.relationship import commands as c
from domain.relationship.events import ErasureRequested, RelationshipTerminated, SessionCancelled
from domain.relationship.permissions import may_send
from domain.words import ROLES, Status
from tests.domain.relationship.samples import COMMANDS, in_state
from tests.given_when_then import IDS, given

BOTH = {"mentee", "mentor"}
OFFICE = {"coordinator", "supplier"}
EACH = BOTH | {"customer", "line_manager"}
ANYBODY = EACH | OFFICE | {"hr"}


def named(names: str, *roles: str) -> dict[str, set[str]]:
    return {name: set(roles) for name in names.split()}


# "Who may" of the contract, sentence by sentence. Mentee and mentor may send every relationship command but these:
RESERVED = {
    **named("ConfirmMentorTraining", "coordinator", "supplier", "service"),
    **named("RecommendShutdown RaiseConcern", "worker", "coordinator", "supplier"),
    # Each party for itself, customer and line manager too.
    **named("AcceptTerms DeclineTerms StateTrustReadiness GrantConsent WithdrawConsent", *EACH),
    **named("MarkTopicPrivate OpenTopic", "mentee"),
    **named("RespondToNps", "mentee", "mentor", "customer"),
    **named("DiscloseConfidence", "mentor", "coordinator"),
    **named("SecureRecords ErasePersonalData ResolveDisrespect", "coordinator", "supplier", "hr"),
    # The person, coordinator, supplier, hr.
    **named("RequestErasure", *ANYBODY),
    # Every role but service, worker, auditor, analyst.
    **named("ReportBreach ReportProblem ReportDisrespect ContestFact", *ANYBODY),
    **named("GiveTestimonial", "mentee", "mentor", "customer"),
    **named("RecordSuccessStory", "supplier"),
    **named("ConfirmAgreement", "mentee", "mentor", "line_manager"),
    **named("RecordAssessment ChangeParty AnswerContest", "coordinator", "supplier"),
    **named("ReviewRelationship", "coordinator", "supplier", "hr"),
    **named("ShareReport", "mentee"),
    # Who stated the fact, coordinator, supplier.
    **named("CorrectFact", *ANYBODY, "service"),
    **named("RespondToMatch", "mentee", "mentor"),
    # A relationship's own terms.
    **named("SetTerm WithdrawTerm", "coordinator", "supplier"),
    **named("RequestNps RequestFeedback", "worker", "coordinator"),
    **named("EscalateConcern EscalateRecommendation", "worker"),
}
# What others may also send.
ALSO = {
    **dict.fromkeys(
        OFFICE,
        "ProposeRelationship ActivateRelationship ScheduleSession RescheduleSession CancelSession RecordNoShow "
        "RecordContact AgreePlan AgreeReporting PauseRelationship ResumeRelationship DismissRecommendation ResolveConcern "
        "ReferMentee SignpostMentee RecordEndReview PostponeRelationship AgreeGoal AgreeConfidentiality "
        "RecordContractingConversation TerminateRelationship AgreeConflictMitigation RestoreTrust",
    ),
    "service": "ProposeRelationship ActivateRelationship ScheduleSession RescheduleSession CancelSession "
    "CompleteSession RecordNoShow RecordPresessionCheck RecordContact",
    "worker": "ResolveConcern TerminateRelationship",
    "customer": "TerminateRelationship",
    "line_manager": "AgreeReporting",
    "hr": "DismissRecommendation",
}


@pytest.mark.parametrize("command", get_args(c.RelationshipCommand), ids=lambda command: command.__name__)
@pytest.mark.parametrize("role", ROLES)
def test_the_table_of_who_may(role: str, command: type[Command]) -> None:
    name = command.__name__
    may = role in RESERVED[name] if name in RESERVED else role in BOTH or name in ALSO.get(role, "").split()
    assert (role in may_send(command)) is may


def test_the_table_names_only_commands_that_there_are() -> None:
    names = {command.__name__ for command in get_args(c.RelationshipCommand)}
    assert set(RESERVED) | {name for listed in ALSO.values() for name in listed.split()} <= names


@pytest.mark.parametrize("role", ["mentee", "mentor", "customer", "line_manager"])
def test_the_erasure_of_their_own_data_alone_is_asked_for_by_each_person(role: str) -> None:
    own = c.RequestErasure(person=IDS[role], basis="objection")
    others = c.RequestErasure(person="ben" if role == "mentee" else "ana", basis="objection")
    given(*in_state("active")).when(own, by=role).then(ErasureRequested)
    [problem] = given(*in_state("active")).when(others, by=role).then_refused("role")
    assert problem.field == "data.person"
    for office in ("coordinator", "supplier", "hr"):
        given(*in_state("active")).when(others, by=office).then(ErasureRequested)


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
    given(alone, *events[1:]).when(end, by="supplier").then(RelationshipTerminated, SessionCancelled)
    given(*events).when(end, by="supplier", as_id="another").then_refused("actor")


def test_a_wrong_role_is_refused_and_told_who_may() -> None:
    problems = given(*in_state("active")).when(c.MarkTopicPrivate(topic="health"), by="mentor").then_refused("role")
    assert problems[0].field == "actor"
    assert "mentee" in problems[0].message


@pytest.mark.parametrize("state", ["contracting", "active", "paused"])
def test_a_worker_ends_a_relationship_only_when_its_mentor_was_removed_in_any_state(state: Status) -> None:
    end = COMMANDS[c.TerminateRelationship]
    history = given(*in_state(state))
    for standing in ("good", "suspended"):
        history.knowing(Known(mentor_standing=standing)).when(end, by="worker").then_refused("role")
    ended = history.knowing(Known(mentor_standing="removed")).when(end, by="worker").outcome
    assert isinstance(ended, list)
    assert isinstance(ended[0], RelationshipTerminated)


def test_a_goal_is_agreed_by_both() -> None:
    goal = c.AgreeGoal(goal_id="g2", title="x", type="other", source="mentee", agreed_by=("mentee",))
    problems = given(*in_state("active")).when(goal).then_refused("agreed_by", "cmn.objectives")
    assert problems[0].field == "data.agreed_by"
