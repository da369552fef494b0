"""Nobody settles a matter about themselves: who may settle what, and who never."""

import pytest

from tests.e2e.contract.outside import at, days, hours
from tests.e2e.contract.story import Story, World
from tests.e2e.contract.telling import Telling, told

SINCE = at("2026-02-01 09:00")
NOW = at("2026-03-01 09:00")
EVERYBODY = ("mentee", "mentor", "customer", "line_manager", "supplier", "coordinator", "hr")


def active(world: World, *codes: str) -> Story:
    story = world.active(*(codes or ("pentalog",)), since=SINCE)
    story.when = NOW
    return story


def refused_for(world: World, sent: int) -> set[str]:
    assert world.status(sent) == "refused", world.receipts[sent]
    return world.codes(sent)


@told
@pytest.mark.clause("pentalog.trust")
def test_broken_trust_is_restored_by_the_reporter_or_the_office_and_never_by_the_other(world: World) -> Telling:
    sent = {}
    for reporter, other in (("mentee", "mentor"), ("mentor", "mentee")):
        for role in (reporter, other, "coordinator", "supplier"):
            story = active(world)
            story.say("ReportTrustBreakdown", reporter, description="Told others")
            sent[reporter, role, other] = story.say("RestoreTrust", role)
    yield
    for (_, role, other), one in sent.items():
        if role == other:
            assert refused_for(world, one) == {"own_matter"}
        else:
            assert world.events(one) == ["TrustRestored"]


@told
@pytest.mark.clause("pentalog.trust", "care.trust")
def test_readiness_withdrawn_while_active_is_broken_trust_and_stated_again_restores_it(world: World) -> Telling:
    broken, restored, other = active(world), active(world), active(world)
    for story in (broken, restored, other):
        story.say("StateTrustReadiness", "mentee", ready=False)
    restored.say("StateTrustReadiness", "mentee", NOW + hours(1), ready=True)
    other.say("StateTrustReadiness", "mentor", NOW + hours(1), ready=True)
    refused = other.say("RestoreTrust", "mentor", NOW + hours(2))
    yield
    after = NOW + hours(3)
    assert broken.health(after).band == "critical"
    assert restored.health(after).band == "healthy"
    assert other.health(after).band == "critical"
    assert refused_for(world, refused) == {"own_matter"}


@told
@pytest.mark.clause("pentalog.respect", "leapfrog.respect", "care.respect")
def test_disrespect_is_never_settled_by_those_it_is_against(world: World) -> Telling:
    resolved, dismissed, against = {}, {}, {}
    for role in ("coordinator", "supplier", "hr"):
        story = active(world)
        story.say("ReportDisrespect", "mentee", against="mentor", description="Laughed")
        resolved[role] = story.say("ResolveDisrespect", role, resolution="Apologised")
        story = active(world)
        story.say("ReportDisrespect", "mentee", against="mentor", description="Laughed")
        dismissed[role] = story.say("DismissRecommendation", role, reason="Heard both")
        story = active(world)
        story.say("ReportDisrespect", "mentee", against=role, description="Laughed")
        against[role] = [
            story.say("ResolveDisrespect", role, resolution="It was nothing"),
            story.say("DismissRecommendation", role, reason="It was nothing"),
        ]
    accused = active(world)
    accused.say("ReportDisrespect", "mentee", against="mentor", description="Laughed")
    by_accused = accused.say("DismissRecommendation", "mentor", reason="It was nothing")
    by_reporter = accused.say("DismissRecommendation", "mentee", reason="I was wrong")
    yield
    assert world.accepted(*resolved.values(), *dismissed.values(), by_reporter)
    assert refused_for(world, by_accused) == {"own_matter"}
    for role, sent in against.items():
        assert [refused_for(world, one) for one in sent] == [{"own_matter"}] * 2, role


@told
def test_hr_dismisses_only_what_is_about_disrespect_and_a_party_only_what_it_reported(world: World) -> Telling:
    trust = active(world)
    trust.say("ReportTrustBreakdown", "mentee", description="Told others")
    by_hr = trust.say("DismissRecommendation", "hr", reason="Enough")
    by_other = trust.say("DismissRecommendation", "mentor", reason="Enough")
    by_customer = trust.say("DismissRecommendation", "customer", reason="Enough")
    by_reporter = trust.say("DismissRecommendation", "mentee", reason="We talked")
    yield
    assert world.status(by_hr) == "refused"
    assert refused_for(world, by_other) == {"own_matter"}
    assert refused_for(world, by_customer) == {"role"}
    assert world.accepted(by_reporter)


@told
def test_a_commitment_concern_is_not_the_partys_to_resolve_whom_it_is_about(world: World) -> Telling:
    sent = {}
    for role in ("mentee", "mentor", "coordinator", "supplier"):
        story = active(world)
        moves = []
        for number in range(2):
            start = NOW + days(3 + number)
            story.schedule(f"s{number}", start, when=NOW - days(1))
            moves.append(story.move(f"s{number}", start + days(30), start - hours(2), "mentee"))
        first = 20
        sent[role] = (story, moves, first, role)
    yield
    outcomes = {}
    for role, (story, moves, _, _) in sent.items():
        evidence = [world.versions(one)[0] for one in moves]
        story.say("RaiseConcern", "coordinator", NOW + days(6), clause="pentalog.late-reschedules", evidence=evidence)
        outcomes[role] = story.say("ResolveConcern", role, clause="pentalog.late-reschedules", resolution="Agreed")
    world.submit()
    assert refused_for(world, outcomes["mentee"]) == {"own_matter"}
    assert world.accepted(outcomes["mentor"], outcomes["coordinator"], outcomes["supplier"])


@told
@pytest.mark.clause("care.breach")
def test_reports_are_made_by_anybody_about_anybody(world: World) -> Telling:
    sent, reserved = [], []
    for role in EVERYBODY:
        story = active(world, "leapfrog")
        sent += [
            story.say("ReportBreach", role, against="coordinator", kind="policy", description="Used the car"),
            story.say("ReportProblem", role, description="They do not meet"),
            story.say("ReportDisrespect", role, against="line_manager", description="Laughed"),
            story.say("ContestFact", role, version=1, reason="Not so"),
        ]
    story = active(world, "leapfrog")
    sent += [
        story.say("ReportBreach", role, against=role, kind="policy", description="I used the car")
        for role in ("mentee", "mentor", "customer", "line_manager")
    ]
    machines = [
        story.say("ReportBreach", against=role, kind="policy", description="It told everybody")
        for role in ("worker", "service")
    ]
    for role in ("service", "analyst", "auditor"):
        reserved += [
            story.say("ReportBreach", role, against="mentor", kind="code", description="Shared it"),
            story.say("ReportProblem", role, description="They do not meet"),
            story.say("ReportDisrespect", role, against="mentor", description="Laughed"),
            story.say("ContestFact", role, version=1, reason="Not so"),
        ]
    yield
    assert world.accepted(*sent)
    assert [refused_for(world, one) for one in machines] == [{"not_a_participant"}] * len(machines)
    assert [refused_for(world, one) for one in reserved] == [{"role"}] * len(reserved)


@told
@pytest.mark.clause("cmn.breaches")
def test_a_case_is_about_anybody_and_is_not_decided_by_whom_it_is_about(world: World) -> Telling:
    def case(name: str, **data: str) -> str:
        subject = f"case:{name}-{world.number()}"
        world.say("OpenCase", subject, "hr:eva", NOW, kind="code", description="Shared it", **data)
        return subject

    about_hr = case("hr", about="hr:eva")
    own = world.say("DecideCase", about_hr, "hr:eva", NOW, decision="no_action", reason="It was nothing")
    others = world.say("DecideCase", about_hr, "hr:hugo", NOW, decision="other_measure", reason="A talk")
    about_role = case("role", about="line_manager")
    decided = world.say("DecideCase", about_role, "hr:eva", NOW, decision="other_measure", reason="A talk")
    about_mentee = case("mentee", about="mentee:ana-x")
    removed = world.say("DecideCase", about_mentee, "hr:eva", NOW, decision="mentor_removed", reason="No")
    nobody = world.say("OpenCase", f"case:none-{world.number()}", "hr:eva", NOW, kind="code", description="x")
    yield
    assert refused_for(world, own) == {"own_matter"}
    assert world.accepted(others, decided)
    assert world.status(removed) == "refused"
    assert world.status(nobody) == "invalid"


# What the codes say of each exception: with no code, and with each one alone.
CONFIDENTIAL = ("pentalog", "mentor247", "leapfrog")


@told
@pytest.mark.clause("nottingham.confidentiality", "cmn.disclosure", "care.disclosure")
def test_disclosures_are_permitted_recorded_with_a_finding_or_refused(world: World) -> Telling:
    def disclosed(exception: str, recipient: str, *codes: str) -> tuple[Story, int]:
        story = active(world, *codes)
        return story, story.say(
            "DiscloseConfidence",
            "mentor",
            exception=exception,
            recipient=recipient,
            disclosed="What was said",
            urgency="routine",
        )

    everywhere = []
    for code in (*CONFIDENTIAL, "cmn", "nottingham"):
        everywhere += [disclosed("risk_of_harm", to, code) for to in ("third_party:p1", "hr:eva", "manager:m1")]
        everywhere += [
            disclosed("illegal_activity", to, code)
            for to in ("hr:eva", "coordinator:cora", "manager:m1", "authority:police")
        ]
    permitted = [
        disclosed("coordinator_discussion", "coordinator:cora", "nottingham"),
        disclosed("coordinator_discussion", "manager:m1", "nottingham"),
        disclosed("policy_breach", "hr:eva", "cmn"),
    ]
    against = [disclosed("coordinator_discussion", "coordinator:cora", code) for code in CONFIDENTIAL] + [
        disclosed("policy_breach", "hr:eva", code) for code in CONFIDENTIAL
    ]
    wrong_recipient = [
        disclosed("illegal_activity", "third_party:p1", "nottingham"),
        disclosed("coordinator_discussion", "third_party:p1", "nottingham"),
        disclosed("policy_breach", "customer:acme", "cmn"),
    ]
    yield
    for story, sent in (*everywhere, *permitted):
        assert world.accepted(sent)
        assert story.history()[-1]["findings"] == []
    for _, sent in wrong_recipient:
        assert world.status(sent) == "refused"
    for story, sent in against:
        # A forbidden one is refused, or recorded with a finding where a rule permits it.
        if world.status(sent) == "accepted":
            assert {finding["code"] for finding in story.history()[-1]["findings"]} == {"not_an_exception"}
        else:
            assert world.codes(sent) == {"not_an_exception"}


@told
@pytest.mark.clause("care.standing")
def test_standing_is_of_a_programme_unless_it_says_everywhere(world: World) -> Telling:
    one, other = world.programme(), world.programme()
    mentor = "mentor:two-homes"
    world.say("SuspendMentor", mentor, "hr:eva", NOW, reason="Under review", programme_id=one)
    in_one = world.relationship("leapfrog", when=NOW, programme_id=one, mentor_id="two-homes")
    in_other = world.relationship("leapfrog", when=NOW, programme_id=other, mentor_id="two-homes")
    world.say("ReinstateMentor", mentor, "hr:eva", NOW + hours(1), programme_id=one)
    again = world.relationship("leapfrog", when=NOW + hours(2), programme_id=one, mentor_id="two-homes")
    world.say("SuspendMentor", mentor, "hr:eva", NOW + hours(3), reason="Under review")
    nowhere = [
        world.relationship("leapfrog", when=NOW + hours(4), programme_id=name, mentor_id="two-homes")
        for name in (one, other)
    ]
    yield
    assert world.status(in_one.proposed) == "refused"
    assert world.codes(in_one.proposed) == {"mentor_standing"}
    assert world.accepted(in_other.proposed, again.proposed)
    assert {world.status(story.proposed) for story in nowhere} == {"refused"}


@told
@pytest.mark.clause("care.standing")
def test_a_suspended_mentor_gets_no_new_sessions(world: World) -> Telling:
    story = active(world, "leapfrog")
    before = story.schedule("s1", NOW + days(9), when=NOW)
    world.say("SuspendMentor", f"mentor:{story.party('mentor')}", "hr:eva", NOW + hours(1), reason="Under review")
    after = story.schedule("s2", NOW + days(12), when=NOW + hours(2))
    moved = story.move("s1", NOW + days(10), NOW + hours(2))
    yield
    assert world.accepted(before, moved)
    assert world.status(after) == "refused"
    assert "care.standing" in world.clauses(after)


@told
def test_the_erasure_is_approved_by_another_than_who_requested_it(world: World) -> Telling:
    story = active(world, "leapfrog")
    person = story.party("mentee")
    asked = story.say("RequestErasure", "mentee", person=person, basis="objection")
    for_another = story.say("RequestErasure", "mentee", person=story.party("mentor"), basis="objection")
    office = story.say("RequestErasure", "coordinator", person=person, basis="no_longer_needed")
    nobody = story.say("RequestErasure", "hr", person="nobody", basis="objection")
    free = story.say("RequestErasure", "hr", person=person, basis="because")
    yield
    request = world.versions(office)[0]
    own = story.say("ErasePersonalData", "coordinator", person=person, request=request)
    unknown = story.say("ErasePersonalData", "hr", person=person, request=1)
    done = story.say("ErasePersonalData", "hr", person=person, request=request)
    world.submit()
    assert world.events(asked) == ["ErasureRequested"]
    assert {world.status(one) for one in (for_another, nobody, unknown)} == {"refused"}
    assert world.status(free) == "invalid"
    assert refused_for(world, own) == {"own_matter"}
    assert world.events(done) == ["PersonalDataErased"]
