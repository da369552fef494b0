"""Gates: what has to be so before a relationship is activated, one row of the rules' table after the other."""

import pytest

from tests.e2e.contract.outside import at
from tests.e2e.contract.story import CODES, CONTRACTING, PARTIES, TOPICS, Story, World
from tests.e2e.contract.telling import Telling, told

CLOCK = at("2026-02-01 09:00")
ALL_GATES = {
    "pentalog.goals",
    "pentalog.trust",
    "mentor247.terms",
    "mentor247.first-session",
    "cmn.boundaries",
    "cmn.objectives",
    "cmn.contracting",
    "cmn.commitment-to-code",
    "cmn.timeframe",
    "cmn.conflict-of-interest",
    "cmn.confidentiality-level",
    "cmn.reporting",
    "cmn.termination-discussed",
    "leapfrog.role",
    "leapfrog.protocols",
    "nottingham.training",
    "nottingham.goals",
    "nottingham.ways-of-working",
    "nottingham.schedule",
    "nottingham.expectations",
}
FIRST_SESSION = ("confidentiality", "process", "invitation_to_share", "realistic_results", "questions_and_feedback")


def activate(story: Story) -> int:
    return story.say("ActivateRelationship")


def covered(story: Story, *topics: str, role: str = "mentor") -> int:
    return story.say("RecordContractingConversation", role, held_at=story.when, covered=list(topics))


def agree_goal(story: Story, **changes: object) -> int:
    data = {**CONTRACTING["goal"][2], "goal_id": f"g{story.world.number()}", **changes}
    return story.say("AgreeGoal", **data)


@told
@pytest.mark.clause("pentalog.goals", "cmn.contracting", "leapfrog.role", "nottingham.training", "mentor247.terms")
def test_every_unmet_gate_of_every_code_is_in_one_refusal(world: World) -> Telling:
    sent = activate(world.relationship(*CODES))
    yield
    assert world.clauses(sent) == ALL_GATES


@told
def test_with_everything_agreed_each_code_and_all_together_are_activated(world: World) -> Telling:
    sent = [activate(world.contracted(code)) for code in CODES]
    sent.append(activate(world.contracted(*CODES)))
    yield
    assert [world.events(one) for one in sent] == [["RelationshipActivated"]] * 6


@told
def test_a_gate_holds_only_for_relationships_that_adopted_its_code(world: World) -> Telling:
    sent = {code: activate(world.relationship(code)) for code in CODES}
    yield
    for code in CODES:
        assert world.clauses(sent[code]) == {gate for gate in ALL_GATES if gate.startswith(f"{code}.")}


@told
@pytest.mark.clause("cmn.timeframe", "nottingham.schedule", "cmn.confidentiality-level", "cmn.reporting")
def test_each_thing_left_out_leaves_its_own_gates_unmet(world: World) -> Telling:
    expected = {
        "goal": {"pentalog.goals", "cmn.objectives", "nottingham.goals"},
        "mentee trusts": {"pentalog.trust"},
        "mentor trusts": {"pentalog.trust"},
        "code": {"mentor247.terms", "cmn.commitment-to-code"},
        "terms of use": {"mentor247.terms"},
        "privacy": {"mentor247.terms"},
        "conflicts": {"cmn.conflict-of-interest"},
        "training": {"nottingham.training"},
        "plan": {"cmn.timeframe", "nottingham.schedule"},
        "confidentiality": {"cmn.confidentiality-level"},
        "reporting": {"cmn.reporting"},
        "conversation": {
            "mentor247.first-session",
            "cmn.contracting",
            "cmn.boundaries",
            "cmn.termination-discussed",
            "leapfrog.role",
            "leapfrog.protocols",
            "nottingham.ways-of-working",
            "nottingham.expectations",
        },
    }
    sent = {what: activate(world.contracted(*CODES, without=[what])) for what in CONTRACTING}
    yield
    assert {what: world.clauses(one) for what, one in sent.items()} == expected


@told
@pytest.mark.clause("mentor247.first-session", "cmn.boundaries", "cmn.termination-discussed", "leapfrog.protocols")
def test_each_topic_that_no_conversation_covered_leaves_its_own_gates_unmet(world: World) -> Telling:
    expected = {
        **{key: {"mentor247.first-session"} for key in FIRST_SESSION},
        "expectations": {"cmn.boundaries", "nottingham.expectations"},
        "boundaries": {"cmn.boundaries"},
        "what_mentoring_is_not": {"cmn.boundaries"},
        "mentor_role": {"leapfrog.role"},
        "termination": {"cmn.termination-discussed"},
        "complaints_procedure": {"leapfrog.protocols"},
        "ways_of_working": {"nottingham.ways-of-working"},
    }
    sent = {}
    for topic in TOPICS:
        story = world.contracted(*CODES, without=["conversation"])
        covered(story, *(other for other in TOPICS if other != topic))
        sent[topic] = activate(story)
    yield
    assert {topic: world.clauses(one) for topic, one in sent.items()} == expected


@told
@pytest.mark.clause("mentor247.first-session")
def test_conversations_cover_their_topics_together(world: World) -> Telling:
    story = world.contracted(*CODES, without=["conversation"])
    covered(story, *TOPICS[:5])
    covered(story, *TOPICS[4:9])
    covered(story, *TOPICS[9:])
    sent = activate(story)
    yield
    assert world.accepted(sent)


@told
@pytest.mark.clause("cmn.contracting")
def test_a_conversation_about_nothing_that_is_asked_for_is_a_conversation(world: World) -> Telling:
    story = world.contracted("cmn", without=["conversation"])
    covered(story, "process")
    sent = activate(story)
    yield
    assert world.clauses(sent) == {"cmn.boundaries", "cmn.termination-discussed"}


@told
@pytest.mark.clause("pentalog.goals", "cmn.objectives", "nottingham.goals")
def test_a_dropped_or_achieved_goal_is_no_open_goal_and_another_one_is(world: World) -> Telling:
    dropped, achieved, replaced = (world.contracted("pentalog", "cmn", "nottingham") for _ in range(3))
    for story in (dropped, replaced):
        story.say("DropGoal", goal_id="g1", reason="Changed jobs")
    achieved.say("RecordGoalProgress", goal_id="g1", progress="achieved")
    agree_goal(replaced)
    sent = [activate(story) for story in (dropped, achieved, replaced)]
    yield
    unmet = {"pentalog.goals", "cmn.objectives", "nottingham.goals"}
    assert [world.clauses(one) for one in sent[:2]] == [unmet, unmet]
    assert world.accepted(sent[2])


@told
@pytest.mark.clause("nottingham.goals")
def test_nottingham_wants_a_career_goal(world: World) -> Telling:
    sent = {}
    for kind in ("career", "leadership", "technical", "business", "wellbeing", "other"):
        story = world.contracted("pentalog", "nottingham", without=["goal"])
        agree_goal(story, type=kind)
        sent[kind] = activate(story)
    yield
    assert world.accepted(sent.pop("career"))
    assert {kind: world.clauses(one) for kind, one in sent.items()} == {key: {"nottingham.goals"} for key in sent}


@told
@pytest.mark.clause("cmn.objectives")
def test_a_goal_is_agreed_by_both(world: World) -> Telling:
    stories = [world.contracted("cmn", without=["goal"]) for _ in range(2)]
    agreed = [agree_goal(story, agreed_by=[role]) for story, role in zip(stories, PARTIES, strict=True)]
    sent = [activate(story) for story in stories]
    yield
    assert not {"accepted"} & {world.status(one) for one in agreed}
    assert [world.clauses(one) for one in sent] == [{"cmn.objectives"}] * 2


@told
@pytest.mark.clause("pentalog.trust")
def test_the_latest_statement_of_trust_counts(world: World) -> Telling:
    doubting, ready_again = world.contracted("pentalog"), world.contracted("pentalog")
    doubting.say("StateTrustReadiness", "mentor", ready=False)
    ready_again.say("StateTrustReadiness", "mentor", ready=False)
    ready_again.say("StateTrustReadiness", "mentor", ready=True)
    sent = [activate(doubting), activate(ready_again)]
    yield
    assert world.clauses(sent[0]) == {"pentalog.trust"}
    assert world.accepted(sent[1])


@told
@pytest.mark.clause("pentalog.trust")
def test_the_trust_of_others_is_not_asked_for(world: World) -> Telling:
    story = world.contracted("pentalog")
    story.say("StateTrustReadiness", "line_manager", ready=False)
    sent = activate(story)
    yield
    assert world.accepted(sent)


@told
@pytest.mark.clause("mentor247.terms", "cmn.commitment-to-code")
def test_the_mentees_acceptance_is_not_the_mentors(world: World) -> Telling:
    story = world.contracted("mentor247", "cmn", without=["code", "terms of use", "privacy"])
    for document in ("terms_of_use", "privacy_policy", "code_of_conduct"):
        story.say("AcceptTerms", "mentee", document=document, version="1")
    sent = activate(story)
    yield
    assert world.clauses(sent) == {"mentor247.terms", "cmn.commitment-to-code"}


@told
@pytest.mark.clause("mentor247.terms")
def test_declining_a_document_after_accepting_it_leaves_the_gate_unmet(world: World) -> Telling:
    story = world.contracted("mentor247")
    story.say("DeclineTerms", "mentor", document="privacy_policy", version="2")
    sent = activate(story)
    yield
    assert world.clauses(sent) == {"mentor247.terms"}


@told
@pytest.mark.clause("mentor247.terms")
def test_declining_some_other_document_or_by_somebody_else_does_not_count(world: World) -> Telling:
    story = world.contracted("mentor247")
    story.say("DeclineTerms", "mentee", document="privacy_policy", version="2")
    sent = activate(story)
    yield
    assert world.accepted(sent)


@told
@pytest.mark.clause("cmn.conflict-of-interest")
def test_every_declared_conflict_needs_its_mitigation(world: World) -> Telling:
    one_open, both_settled, all_at_once = (world.contracted("cmn", without=["conflicts"]) for _ in range(3))
    for story in (one_open, both_settled, all_at_once):
        story.say("DeclareConflictOfInterest", "mentor", nature="financial")
        story.say("DeclareConflictOfInterest", "mentor", nature="stakeholder", stakeholder="Acme")
    one_open.say("AgreeConflictMitigation", mitigation="Sell the shares", nature="financial")
    both_settled.say("AgreeConflictMitigation", mitigation="Sell the shares", nature="financial")
    both_settled.say("AgreeConflictMitigation", mitigation="Tell the client", nature="stakeholder")
    all_at_once.say("AgreeConflictMitigation", mitigation="Tell everybody")
    sent = [activate(story) for story in (one_open, both_settled, all_at_once)]
    yield
    assert world.clauses(sent[0]) == {"cmn.conflict-of-interest"}
    assert world.accepted(*sent[1:])


@told
@pytest.mark.clause("cmn.conflict-of-interest")
def test_the_mentee_declaring_none_does_not_speak_for_the_mentor(world: World) -> Telling:
    story = world.contracted("cmn", without=["conflicts"])
    story.say("DeclareConflictOfInterest", "mentee", nature="none")
    sent = activate(story)
    yield
    assert world.clauses(sent) == {"cmn.conflict-of-interest"}


@told
@pytest.mark.clause("nottingham.compromising")
def test_a_compromising_relationship_is_never_activated_whoever_declared_it_and_whatever_is_agreed(
    world: World,
) -> Telling:
    sent = {}
    for nature in ("friendship", "family", "sexual"):
        for role in PARTIES:
            story = world.contracted("nottingham")
            story.say("DeclareConflictOfInterest", role, nature=nature)
            story.say("AgreeConflictMitigation", mitigation="Take care", nature=nature)
            story.say("DeclareConflictOfInterest", role, nature="none")
            sent[nature, role] = activate(story)
    yield
    assert {key: world.clauses(one) for key, one in sent.items()} == {key: {"nottingham.compromising"} for key in sent}


@told
@pytest.mark.clause("nottingham.compromising")
def test_other_conflicts_do_not_compromise_and_other_codes_take_a_mitigation(world: World) -> Telling:
    other = world.contracted("nottingham")
    other.say("DeclareConflictOfInterest", "mentor", nature="stakeholder")
    friends = world.contracted("cmn")
    friends.say("DeclareConflictOfInterest", "mentor", nature="friendship")
    friends.say("AgreeConflictMitigation", mitigation="Take care")
    sent = [activate(other), activate(friends)]
    yield
    assert world.accepted(*sent)


@told
def test_show_lists_the_unmet_gates_with_a_message_and_the_commands_allowed(world: World) -> Telling:
    waiting, ready = world.relationship("pentalog", "leapfrog"), world.contracted("pentalog", "leapfrog")
    yield
    shown = waiting.show()
    assert {gate["clause"] for gate in shown["unmet_gates"]} == {
        "pentalog.goals",
        "pentalog.trust",
        "leapfrog.role",
        "leapfrog.protocols",
    }
    assert all(gate["message"] for gate in shown["unmet_gates"])
    assert {"AgreeGoal", "TerminateRelationship"} <= set(shown["allowed"])
    assert not {"PauseRelationship", "ResumeRelationship", "SecureRecords"} & set(shown["allowed"])
    assert ready.show()["unmet_gates"] == []
    assert "ActivateRelationship" in ready.show()["allowed"]


@told
def test_the_codes_are_those_that_the_programme_adopted_unless_the_proposal_names_them(world: World) -> Telling:
    programme = "programme:adopting"
    for command, data in (
        ("CreateProgramme", {"name": "Adopting"}),
        ("AdoptCode", {"code": "leapfrog"}),
        ("AdoptCode", {"code": "pentalog"}),
    ):
        world.say(command, programme, "coordinator:cora", world.begins, **data)
    default = world.relationship(programme_id="adopting")
    named = world.relationship("cmn", programme_id="adopting")
    yield
    assert set(default.show()["codes"]) == {"leapfrog", "pentalog"}
    assert named.show()["codes"] == ["cmn"]
