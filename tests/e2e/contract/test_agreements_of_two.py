"""What one side says both agreed: claims, confirmations, and the gate that waits for both words."""

from typing import Any

import pytest

from tests.e2e.contract.outside import at, days
from tests.e2e.contract.story import PARTIES, TOPICS, Story, World
from tests.e2e.contract.telling import Telling, told

SINCE = at("2026-02-01 09:00")
GOAL: dict[str, Any] = {
    "goal_id": "g2",
    "title": "Speak well",
    "type": "business",
    "source": "mentee",
    "agreed_by": list(PARTIES),
}
PLAN: dict[str, Any] = {
    "sessions": 8,
    "minutes": 45,
    "every_days": 7,
    "starts_on": "2026-02-01",
    "ends_on": "2026-12-31",
    "channel": "platform",
}
AGREEMENTS: dict[str, dict[str, Any]] = {
    "AgreeGoal": GOAL,
    "AgreePlan": PLAN,
    "AgreeConfidentiality": {"shared": [], "not_shared": ["session_content"]},
    "AgreeReporting": {"with_whom": "customer", "outputs": ["attendance"]},
    "RecordContractingConversation": {"held_at": "2026-01-31T09:00:00Z", "covered": list(TOPICS)},
}


def claims(story: Story) -> set[tuple[int, str, str]]:
    """Version, who said it and who is awaited, by role."""
    return {
        (one["version"], one["by"].partition(":")[0], one["waits_for"].partition(":")[0])
        for one in story.show()["claims"]
    }


def reporting_met(story: Story) -> bool:
    return "cmn.reporting" not in {gate["clause"] for gate in story.show()["unmet_gates"]}


@told
@pytest.mark.clause("care.claims")
def test_a_partys_agreement_is_its_claim_of_the_others_word_until_the_other_confirms(world: World) -> Telling:
    claimed: dict[str, tuple[Story, int]] = {}
    confirmed: dict[str, tuple[Story, int]] = {}
    for command, data in AGREEMENTS.items():
        story = world.relationship("leapfrog", when=SINCE)
        claimed[command] = (story, story.say(command, "mentee", **data))
        other = world.relationship("leapfrog", when=SINCE)
        other.say(command, "mentor", **data)
        confirmed[command] = (other, other.say("ConfirmAgreement", "mentee", version=2))
    yield
    for command, (story, sent) in claimed.items():
        assert claims(story) == {(world.versions(sent)[0], "mentee", "mentor")}, command
    for command, (story, sent) in confirmed.items():
        assert world.events(sent) == ["AgreementConfirmed"], command
        assert claims(story) == set(), command


@told
def test_what_the_office_sends_holds_for_both(world: World) -> Telling:
    stories = []
    for role in ("coordinator", "supplier"):
        for command, data in AGREEMENTS.items():
            story = world.relationship("leapfrog", when=SINCE)
            stories.append((story, story.say(command, role, **data)))
    yield
    assert world.accepted(*(sent for _, sent in stories))
    assert [claims(story) for story, _ in stories] == [set()] * len(stories)


@told
def test_only_the_other_side_confirms_and_only_what_is_claimed(world: World) -> Telling:
    story = world.relationship("leapfrog", when=SINCE)
    story.say("AgreePlan", "mentee", **PLAN)
    own = story.say("ConfirmAgreement", "mentee", version=2)
    nothing = story.say("ConfirmAgreement", "mentor", version=1)
    beyond = story.say("ConfirmAgreement", "mentor", version=99)
    office = story.say("ConfirmAgreement", "coordinator", version=2)
    once = story.say("ConfirmAgreement", "mentor", version=2)
    yield
    assert {world.status(one) for one in (own, nothing, beyond, office)} == {"refused"}
    assert world.codes(office) == {"role"}
    assert world.accepted(once)


@told
@pytest.mark.clause("cmn.reporting")
def test_reporting_waits_for_the_mentee_and_the_line_manager_each_in_their_own_name(world: World) -> Telling:
    words: dict[str, Any] = {"with_whom": "line_manager", "outputs": ["attendance"]}
    other = {"with_whom": "line_manager", "outputs": ["attendance", "goal_types"]}

    def told_by(*said: tuple[str, dict[str, Any]]) -> Story:
        story = world.contracted("cmn", when=SINCE, without=["reporting"])
        for role, data in said:
            story.say("AgreeReporting", role, **data)
        return story

    unmet = [
        told_by(),
        told_by(("mentee", words)),
        told_by(("line_manager", words)),
        told_by(("mentor", words)),
        told_by(("mentor", words), ("mentee", words)),
        told_by(("coordinator", words)),
        told_by(("mentee", words), ("coordinator", words)),
        told_by(("mentee", words), ("line_manager", other)),
        told_by(("mentee", words), ("line_manager", words), ("mentee", other)),
    ]
    met = [
        told_by(("mentee", words), ("line_manager", words)),
        told_by(("line_manager", words), ("mentee", words)),
        told_by(("coordinator", words), ("line_manager", words)),
        told_by(("mentee", words), ("line_manager", other), ("mentee", other)),
    ]
    confirmed = told_by(("mentee", words))
    unconfirmed = told_by(("mentee", words))
    yield
    assert [reporting_met(story) for story in unmet] == [False] * len(unmet)
    assert [reporting_met(story) for story in met] == [True] * len(met)
    (version,) = [e["version"] for e in confirmed.history() if e["type"] == "rapport.ReportingAgreed"]
    again = confirmed.say("ConfirmAgreement", "line_manager", version=version)
    wrong = unconfirmed.say("ConfirmAgreement", "mentor", version=version)
    world.submit()
    assert world.accepted(again)
    assert reporting_met(confirmed)
    assert world.status(wrong) == "refused"


@told
@pytest.mark.clause("cmn.reporting")
def test_without_a_line_manager_the_office_has_the_second_word(world: World) -> Telling:
    words: dict[str, Any] = {"with_whom": "customer", "outputs": ["attendance"]}
    alone = world.contracted("cmn", when=SINCE, without=["reporting"], line_manager_id=None)
    alone.say("AgreeReporting", "mentee", **words)
    both = world.contracted("cmn", when=SINCE, without=["reporting"], line_manager_id=None)
    both.say("AgreeReporting", "mentee", **words)
    both.say("AgreeReporting", "coordinator", **words)
    office = world.contracted("cmn", when=SINCE, without=["reporting"], line_manager_id=None)
    office.say("AgreeReporting", "coordinator", **words)
    yield
    assert [reporting_met(story) for story in (alone, both, office)] == [False, True, True]


@told
def test_the_other_gates_are_met_by_the_claim(world: World) -> Telling:
    story = world.contracted("cmn", "pentalog", "leapfrog", when=SINCE, without=["reporting"])
    yield
    assert {gate["clause"] for gate in story.show()["unmet_gates"]} == {"cmn.reporting"}


@told
def test_both_acceptances_of_a_match_bind_nothing_more(world: World) -> Telling:
    story = world.relationship("leapfrog", when=SINCE)
    sent = [
        story.say("RespondToMatch", "mentee", accept=True),
        story.say("RespondToMatch", "mentor", accept=True),
        story.say("RespondToMatch", "mentor", accept=False, reason="Too far"),
    ]
    refused = [story.say("RespondToMatch", role, accept=True) for role in ("coordinator", "customer", "service")]
    yield
    assert [world.events(one) for one in sent] == [["MatchAccepted"], ["MatchAccepted"], ["MatchDeclined"]]
    assert story.show()["state"] == "contracting"
    assert [world.codes(one) for one in refused] == [{"role"}] * 3


def change(story: Story, actor: str, role: str, id_: str | None) -> int:
    message = story.message("ChangeParty", actor)
    return story.world.send({**message, "data": {"role": role, "id": id_}})


@told
def test_the_office_changes_customer_line_manager_and_supplier(world: World) -> Telling:
    story = world.active("cmn", since=SINCE, without=["reporting"])
    story.say("AgreeReporting", "mentee", with_whom="line_manager", outputs=["attendance"])
    changed = change(story, "coordinator", "line_manager", "new-boss")
    old = story.say("AcceptTerms", "line_manager", document="master_agreement", version="1")
    new = story.say("AcceptTerms", "line_manager:new-boss", document="master_agreement", version="1")
    nobody = change(story, "coordinator", "customer", None)
    party = change(story, "mentee", "customer", "other")
    yield
    assert world.events(changed) == ["PartyChanged"]
    assert world.codes(old) == {"actor"}
    assert world.accepted(new, nobody)
    assert world.codes(party) == {"role"}
    assert story.show()["line_manager_id"] == "new-boss"
    assert story.show()["customer_id"] is None


@told
def test_a_goal_is_revised_by_both_and_dropped_by_the_mentee_or_both(world: World) -> Telling:
    def story() -> Story:
        return world.active("leapfrog", since=SINCE)

    revised = story().say("ReviseGoal", goal_id="g1", title="Lead two teams", agreed_by=list(PARTIES))
    alone = story().say("ReviseGoal", goal_id="g1", title="Lead two teams", agreed_by=["mentee"])
    closed = story()
    closed.say("DropGoal", "mentee", goal_id="g1", reason="No longer")
    again = closed.say("ReviseGoal", goal_id="g1", title="Lead two teams", agreed_by=list(PARTIES))
    by_mentee = story().say("DropGoal", "mentee", goal_id="g1", reason="No longer")
    by_both = story().say("DropGoal", "mentor", goal_id="g1", reason="No longer", agreed_by=list(PARTIES))
    by_mentor = story().say("DropGoal", "mentor", goal_id="g1", reason="No longer")
    yield
    assert world.accepted(revised, by_mentee, by_both)
    assert world.status(alone) == world.status(again) == "refused"
    assert world.codes(by_mentor) == {"own_matter"}


@told
def test_an_assessment_is_recorded_by_the_office_and_named_by_a_goal(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE)
    goal: dict[str, Any] = {**GOAL, "source": "assessment"}
    early = story.say("AgreeGoal", **{**goal, "goal_id": "g3"}, assessment_id="a1")
    recorded = story.say("RecordAssessment", "coordinator", assessment_id="a1", area="Delegation", score=3, scale="1-5")
    named = story.say("AgreeGoal", **goal, assessment_id="a1")
    party = story.say("RecordAssessment", "mentor", assessment_id="a2", area="Delegation")
    yield
    assert world.status(early) == "refused"
    assert world.events(recorded) == ["AssessmentRecorded"]
    assert world.accepted(named)
    assert world.codes(party) == {"role"}


@told
def test_a_start_is_postponed_while_contracting_and_under_cmn_with_both_informed(world: World) -> Telling:
    how: dict[str, Any] = {
        "start_on": "2026-04-01",
        "reason": "Leave",
        "informed": list(PARTIES),
        "next_steps": "Meet in April",
    }
    sent = world.relationship("cmn", when=SINCE).say("PostponeRelationship", "coordinator", **how)
    uninformed = world.relationship("cmn", when=SINCE).say("PostponeRelationship", **{**how, "informed": ["mentee"]})
    stepless = world.relationship("cmn", when=SINCE).say("PostponeRelationship", **{**how, "next_steps": " "})
    active = world.active("cmn", since=SINCE).say("PostponeRelationship", **how)
    yield
    assert world.events(sent) == ["RelationshipPostponed"]
    assert world.clauses(uninformed) == world.clauses(stepless) == {"cmn.pause-or-stop"}
    assert world.codes(active) == {"state"}


@told
@pytest.mark.clause("pentalog.prevalence")
def test_a_relationships_own_term_wins_within_one_document_and_can_be_withdrawn(world: World) -> Telling:
    programme = world.programme(late_notice_hours=36)
    story = world.active("pentalog", since=SINCE, programme_id=programme)
    own = story.say("SetTerm", "coordinator", document="master_agreement", term="late_notice_hours", value=48)
    lower = story.say("SetTerm", "supplier", document="code_of_conduct", term="late_notice_hours", value=12)
    shown = story.when
    gone = story.say(
        "WithdrawTerm", "coordinator", SINCE + days(2), document="master_agreement", term="late_notice_hours"
    )
    twice = story.say("WithdrawTerm", "coordinator", document="master_agreement", term="late_notice_hours")
    party = story.say("SetTerm", "mentee", document="master_agreement", term="late_notice_hours", value=1)
    range_ = story.say("SetTerm", "coordinator", document="master_agreement", term="band_watch", value=101)
    unknown = story.say("SetTerm", "coordinator", document="master_agreement", term="late_notice", value=1)
    yield
    assert world.events(own) == world.events(lower) == ["TermSet"]
    then = story.show("--as-of", shown.isoformat())["terms"]["late_notice_hours"]
    assert (then["value"], then["document"]) == (48, "master_agreement")
    assert world.events(gone) == ["TermWithdrawn"]
    now = story.show()["terms"]["late_notice_hours"]
    assert (now["value"], now["document"], now["overruled"]) == (36, "master_agreement", ["code_of_conduct"])
    assert world.codes(party) == {"role"}
    assert {world.status(one) for one in (twice, range_, unknown)} == {"refused"}


@told
def test_a_mentor_over_capacity_can_be_proposed_with_a_finding(world: World) -> Telling:
    world.say("RegisterMentor", "mentor:full", "coordinator:cora", SINCE, capacity=1)
    first = world.relationship("leapfrog", when=SINCE, mentor_id="full")
    second = world.relationship("leapfrog", when=SINCE, mentor_id="full")
    free = world.relationship("leapfrog", when=SINCE)
    yield
    findings = [[finding["code"] for finding in story.history()[0]["findings"]] for story in (first, second, free)]
    assert findings == [[], ["over_capacity"], []]


@told
def test_days_are_compared_in_the_programmes_zone(world: World) -> Telling:
    name = f"auckland-{world.number()}"
    world.say(
        "CreateProgramme", f"programme:{name}", "supplier:s", world.begins, name=name, timezone="Pacific/Auckland"
    )
    story = world.active("leapfrog", since=SINCE, programme_id=name)
    # In Auckland it is the 3rd already.
    when = at("2026-03-02 12:00")
    past = story.pause(when, review_on="2026-03-02")
    today = story.pause(when, review_on="2026-03-03")
    training = world.relationship("nottingham", when=SINCE, programme_id=name)
    ahead = training.say("ConfirmMentorTraining", "coordinator", when, course="Listening", completed_on="2026-03-04")
    done = training.say("ConfirmMentorTraining", "coordinator", when, course="Listening", completed_on="2026-03-03")
    yield
    assert world.status(past) == "refused"
    assert world.fields(past) == {"data.review_on"}
    assert world.accepted(today, done)
    assert world.status(ahead) == "refused"
    assert world.fields(ahead) == {"data.completed_on"}
