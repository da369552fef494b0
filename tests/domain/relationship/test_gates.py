"""Each gate: unmet it refuses activation by its clause and no other, met it lets it pass."""

import pytest

from domain.model import Known
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.commands import ActivateRelationship, ProposeRelationship
from domain.relationship.events import RelationshipActivated, RelationshipProposed
from domain.relationship.gates import GATES
from tests.domain.relationship.samples import BOTH, TOPICS, contracted
from tests.given_when_then import ALL_CODES, START, At, Given, day, given, proposed

LEADERSHIP = e.GoalAgreed(goal_id="g9", title="Lead", type="leadership", source="mentee", agreed_by=BOTH)
DECLINED = e.TermsDeclined(document="privacy_policy", version="1")


def talk(*without: str) -> At:
    covered = tuple(topic for topic in TOPICS if topic not in without)
    return At(0, e.ContractingConversationRecorded(held_at=START, covered=covered), "mentor")


def but_talk(*without: str) -> list[At]:
    return [*contracted("ContractingConversationRecorded"), talk(*without)]


CASES = [
    pytest.param(
        contracted("GoalAgreed"),
        {"pentalog.goals", "cmn.objectives", "nottingham.goals"},
        marks=pytest.mark.clause("pentalog.goals", "cmn.objectives", "nottingham.goals"),
        id="no goal",
    ),
    pytest.param(
        [*contracted(), At(0.1, e.GoalDropped(goal_id="g1", reason="no"))],
        {"pentalog.goals", "cmn.objectives", "nottingham.goals"},
        marks=pytest.mark.clause("pentalog.goals", "cmn.objectives", "nottingham.goals"),
        id="goal dropped",
    ),
    pytest.param(
        [*contracted("GoalAgreed"), At(0, LEADERSHIP, "mentee")],
        {"nottingham.goals"},
        marks=pytest.mark.clause("nottingham.goals"),
        id="no career goal",
    ),
    pytest.param(
        [*contracted("TrustReadinessStated"), At(0, e.TrustReadinessStated(ready=True), "mentee")],
        {"pentalog.trust"},
        marks=pytest.mark.clause("pentalog.trust"),
        id="only the mentee is ready",
    ),
    pytest.param(
        [*contracted(), At(0.1, e.TrustReadinessStated(ready=False), "mentor")],
        {"pentalog.trust"},
        marks=pytest.mark.clause("pentalog.trust"),
        id="the latest statement counts",
    ),
    pytest.param(
        [*contracted(), At(0.1, DECLINED, "mentor")],
        {"mentor247.terms"},
        marks=pytest.mark.clause("mentor247.terms"),
        id="privacy policy declined since",
    ),
    pytest.param(
        contracted("TermsAccepted"),
        {"mentor247.terms", "cmn.commitment-to-code"},
        marks=pytest.mark.clause("mentor247.terms", "cmn.commitment-to-code"),
        id="nothing accepted",
    ),
    pytest.param(
        contracted("ContractingConversationRecorded"),
        {
            "mentor247.first-session",
            "cmn.contracting",
            "cmn.boundaries",
            "cmn.termination-discussed",
            "leapfrog.role",
            "leapfrog.protocols",
            "nottingham.ways-of-working",
            "nottingham.expectations",
        },
        marks=pytest.mark.clause("cmn.contracting"),
        id="no conversation",
    ),
    pytest.param(
        but_talk("invitation_to_share"),
        {"mentor247.first-session"},
        marks=pytest.mark.clause("mentor247.first-session"),
        id="no invitation to share",
    ),
    pytest.param(
        but_talk("what_mentoring_is_not"),
        {"cmn.boundaries"},
        marks=pytest.mark.clause("cmn.boundaries"),
        id="what mentoring is not",
    ),
    pytest.param(
        but_talk("termination"),
        {"cmn.termination-discussed"},
        marks=pytest.mark.clause("cmn.termination-discussed"),
        id="the end not discussed",
    ),
    pytest.param(
        but_talk("mentor_role"), {"leapfrog.role"}, marks=pytest.mark.clause("leapfrog.role"), id="the mentor's role"
    ),
    pytest.param(
        but_talk("complaints_procedure"),
        {"leapfrog.protocols"},
        marks=pytest.mark.clause("leapfrog.protocols"),
        id="complaints",
    ),
    pytest.param(
        but_talk("ways_of_working"),
        {"nottingham.ways-of-working"},
        marks=pytest.mark.clause("nottingham.ways-of-working"),
        id="ways of working",
    ),
    pytest.param(
        but_talk("expectations"),
        {"nottingham.expectations", "cmn.boundaries"},
        marks=pytest.mark.clause("nottingham.expectations"),
        id="expectations",
    ),
    pytest.param(
        contracted("PlanAgreed"),
        {"cmn.timeframe", "nottingham.schedule"},
        marks=pytest.mark.clause("cmn.timeframe", "nottingham.schedule"),
        id="no plan",
    ),
    pytest.param(
        contracted("ConflictOfInterestDeclared"),
        {"cmn.conflict-of-interest"},
        marks=pytest.mark.clause("cmn.conflict-of-interest"),
        id="nothing declared",
    ),
    pytest.param(
        [*contracted(), At(0.1, e.ConflictOfInterestDeclared(nature="financial"), "mentor")],
        {"cmn.conflict-of-interest"},
        marks=pytest.mark.clause("cmn.conflict-of-interest"),
        id="no mitigation",
    ),
    pytest.param(
        contracted("ConfidentialityAgreed"),
        {"cmn.confidentiality-level"},
        marks=pytest.mark.clause("cmn.confidentiality-level"),
        id="confidentiality",
    ),
    pytest.param(
        contracted("ReportingAgreed"), {"cmn.reporting"}, marks=pytest.mark.clause("cmn.reporting"), id="reporting"
    ),
    pytest.param(
        contracted("MentorTrainingConfirmed"),
        {"nottingham.training"},
        marks=pytest.mark.clause("nottingham.training"),
        id="training",
    ),
    pytest.param(
        [
            *contracted(),
            At(0.1, e.ConflictOfInterestDeclared(nature="friendship"), "mentee"),
            At(0.2, e.ConflictMitigationAgreed(mitigation="none helps")),
        ],
        {"nottingham.compromising", "cmn.conflict-of-interest"},
        marks=pytest.mark.clause("nottingham.compromising"),
        id="a friendship cannot be mitigated",
    ),
]


@pytest.mark.parametrize("events, clauses", CASES)
def test_an_unmet_gate_refuses_activation_by_its_clause(events: list[At], clauses: set[str]) -> None:
    problems = given(*events).when(ActivateRelationship(), by="mentor").then_refused()
    assert {problem.clause for problem in problems} == clauses
    assert all(problem.code == "gate" and problem.message for problem in problems)


@pytest.mark.parametrize("events, clauses", CASES)
def test_a_gate_holds_only_for_those_who_adopted_its_code(events: list[At], clauses: set[str]) -> None:
    others = [code for code in ALL_CODES if code not in {clause.split(".")[0] for clause in clauses}]
    if not others:
        return
    adopted = [At(0, proposed(*others)), *events[1:]]
    given(*adopted).when(ActivateRelationship(), by="mentor").then(RelationshipActivated)


@pytest.mark.clause("cmn.conflict-of-interest")
def test_a_mitigated_conflict_passes() -> None:
    events = [
        *contracted(codes=("cmn",)),
        At(0.1, e.ConflictOfInterestDeclared(nature="financial"), "mentor"),
        At(0.2, e.ConflictMitigationAgreed(mitigation="steps aside")),
    ]
    given(*events).when(ActivateRelationship(), by="mentor").then(RelationshipActivated)


def test_one_refusal_lists_every_unmet_gate() -> None:
    problems = given(proposed()).when(ActivateRelationship(), by="mentee").then_refused()
    assert len({problem.clause for problem in problems}) == len(
        {clause for gate in GATES for clause in gate.clauses} - {"nottingham.compromising"}
    )


def test_a_suspended_mentor_activates_nothing() -> None:
    suspended = Known(mentor_standing="suspended")
    given(*contracted()).knowing(suspended).when(ActivateRelationship(), by="coordinator").then_refused(
        "mentor_standing"
    )


def test_a_proposal_pins_the_programmes_codes_with_their_versions() -> None:
    bare = Given([], codes=("cmn", "leapfrog"))
    propose = ProposeRelationship(programme_id="p1", mentee_id="ana", mentor_id="ben")
    [event] = bare.when(propose, by="service").then(RelationshipProposed)
    assert isinstance(event, RelationshipProposed)
    assert event.codes == {"cmn": "1", "leapfrog": "1"}


def test_mentee_and_mentor_are_two_people() -> None:
    propose = ProposeRelationship(programme_id="p1", mentee_id="ana", mentor_id="ana")
    Given([]).when(propose, by="service").then_refused("same_person")


@pytest.mark.clause("cmn.contracting", "cmn.boundaries")
def test_a_conversation_that_is_yet_to_be_held_is_refused_and_meets_no_gate() -> None:
    events = contracted("ContractingConversationRecorded")
    later = c.RecordContractingConversation(held_at=day(1.5), covered=TOPICS)
    (problem,) = given(*events).when(later, by="mentor", at=1).then_refused("in_future")
    assert problem.field == "data.held_at"
    given(*events).when(c.ActivateRelationship(), by="mentor", at=1).then_refused("cmn.contracting", "cmn.boundaries")
    given(*events).when(later, by="mentor", at=1.5).then(e.ContractingConversationRecorded)
