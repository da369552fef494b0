"""Every command of a relationship: the event that it records, who may send it, and in which states."""

from tests.e2e.contract.command_cases import CASES, LEADERS, NOW, ROLES, SESSION, SINCE, differing, prepare, send
from tests.e2e.contract.outside import at, days
from tests.e2e.contract.story import PARTIES, Story, World
from tests.e2e.contract.telling import Telling, told

BEGINS = at("2026-01-05 09:00")
CLOCK = at("2026-07-01 12:00")
FROM_OUTSIDE = {name: case for name, case in CASES.items() if case.may}


@told
def test_every_command_records_its_event(world: World) -> Telling:
    sent = {}
    for name, case in FROM_OUTSIDE.items():
        role = next(role for role in ROLES if role in case.may)
        story = prepare(world, case.after, role)
        sent[name] = send(story, name, role)
    yield
    assert {name: world.receipts[one] for name, one in sent.items() if world.status(one) != "accepted"} == {}
    assert (
        differing(
            {name: [case.event, *case.then] for name, case in FROM_OUTSIDE.items()},
            {n: world.events(s) for n, s in sent.items()},
        )
        == {}
    )


@told
def test_only_those_may_whom_the_contract_names_and_anyone_else_is_refused_for_the_role(world: World) -> Telling:
    sent = {}
    for name, case in CASES.items():
        for role in ROLES:
            if role not in case.open_to_doubt:
                asked_by = role if role in case.may else "mentee"
                story = prepare(world, case.after, asked_by)
                if name == "ShareContactDetails":
                    story.say("GrantConsent", asked_by, data_class="contact_details", audience="mentor")
                    story.say("GrantConsent", asked_by, data_class="contact_details", audience="mentee")
                sent[name, role] = send(story, name, role)
    yield
    expected = {(name, role): "accepted" if role in CASES[name].may else "refused" for name, role in sent}
    assert differing(expected, {key: world.status(one) for key, one in sent.items()}) == {}
    refused = [key for key, status in expected.items() if status == "refused"]
    assert {key: world.receipts[sent[key]] for key in refused if world.codes(sent[key]) != {"role"}} == {}


@told
def test_a_worker_from_outside_is_refused_as_reserved_whatever_it_sends(world: World) -> Telling:
    story = prepare(world, "", "mentee")
    sent = [send(story, name, "worker") for name in CASES]
    sent += [
        world.send(story.message("ActivateRelationship") | {"source": source})
        for source in ("/workers/trust", "/workers/")
    ]
    yield
    assert {(world.status(one), *world.codes(one)) for one in sent} == {("refused", "reserved")}


@told
def test_parties_coordinator_supplier_and_service_may_propose_and_activate(world: World) -> Telling:
    may = {*LEADERS, "service"}
    proposed, activated = {}, {}
    for role in ROLES:
        story = Story(world, BEGINS, {"codes": ["leapfrog"]})
        proposed[role] = story.say("ProposeRelationship", role, **story.proposal)
        ready = world.contracted("leapfrog")
        activated[role] = ready.say("ActivateRelationship", role)
    yield
    expected = {role: "accepted" if role in may else "refused" for role in ROLES}
    assert differing(expected, {role: world.status(sent) for role, sent in proposed.items()}) == {}
    assert differing(expected, {role: world.status(sent) for role, sent in activated.items()}) == {}
    assert world.events(proposed["mentee"]) == ["RelationshipProposed"]
    assert world.events(activated["mentee"]) == ["RelationshipActivated"]
    for role in set(ROLES) - may:
        assert world.codes(proposed[role]) == world.codes(activated[role]) == {"role"}


# Content, which a history shows as sealed.
WORDS = {
    ("AgreeGoal", "title"): "goals",
    ("AgreeGoal", "success_measure"): "goals",
    ("MarkTopicPrivate", "topic"): "challenges",
    ("RespondToNps", "comment"): "nps_comment",
    ("GiveFeedback", "answers"): "feedback",
    ("GiveFeedback", "text"): "feedback",
    ("ReportBreach", "clause"): "safeguarding",
    ("ReportBreach", "description"): "safeguarding",
}


@told
def test_an_event_keeps_the_commands_data_and_its_content_is_shown_as_sealed(world: World) -> Telling:
    story = prepare(world, "", "mentee")
    names = ("AgreeGoal", "AgreePlan", "MarkTopicPrivate", "RespondToNps", "GiveFeedback", "ReportBreach")
    sent = {name: story.say(name, "mentee", NOW, **CASES[name].data) for name in names}
    yield
    by_version = {event["version"]: event for event in story.history()}
    for name, one in sent.items():
        event = by_version[world.versions(one)[0]]
        assert event["type"] == f"rapport.{CASES[name].event}"
        assert event["actor"] == story.mentee
        for key, said in CASES[name].data.items():
            kept = event["data"].get(key)
            if (name, key) in WORDS:
                assert (kept["sealed"], set(kept)) == (WORDS[name, key], {"sealed", "clause"}), (name, key)
            else:
                assert kept == said, (name, key)


AFTER_TERMINATION = {
    "RecordEndReview",
    "GiveFeedback",
    "RequestNps",
    "WithdrawConsent",
    "ResolveConcern",
    "DismissRecommendation",
    "ReportProblem",
    "ReportBreach",
    "DiscloseConfidence",
    "SignpostMentee",
    "SecureRecords",
    "GiveTestimonial",
    "ContestFact",
    "CorrectFact",
    "ReviewRelationship",
    "RequestErasure",
    # It took place before the end.
    "CompleteSession",
}
# Their data name what the case would have to prepare after the termination; asked elsewhere.
END = {"RespondToNps", "RequestNps", "RequestFeedback", "AnswerContest", "ErasePersonalData"}


@told
def test_after_termination_only_the_closing_commands_are_heard(world: World) -> Telling:
    sent = {}
    for name, case in FROM_OUTSIDE.items():
        if name in END or case.after in {"termination", "pause"}:
            continue
        role = next(role for role in ROLES if role in case.may)
        story = prepare(world, case.after, role)
        story.terminate(SESSION + days(10))
        sent[name] = send(story, name, role, SESSION + days(11))
    yield
    expected = {name: "accepted" if name in AFTER_TERMINATION else "refused" for name in sent}
    assert differing(expected, {name: world.status(one) for name, one in sent.items()}) == {}


@told
def test_after_termination_nps_is_asked_and_answered_for_the_end_alone(world: World) -> Telling:
    story = prepare(world, "termination", "mentee")
    later = SESSION + days(9)
    request = {
        occasion: story.say("RequestNps", "coordinator", later, respondent="mentee", occasion=occasion)
        for occasion in ("mid", "end")
    }
    answer = {
        occasion: story.say("RespondToNps", "mentee", later, occasion=occasion, score=8) for occasion in ("mid", "end")
    }
    yield
    assert {occasion: world.status(sent) for occasion, sent in request.items()} == {"mid": "refused", "end": "accepted"}
    assert {occasion: world.status(sent) for occasion, sent in answer.items()} == {"mid": "refused", "end": "accepted"}


@told
def test_the_four_states_follow_each_other_as_the_contract_says(world: World) -> Telling:
    contracting, active, paused, terminated = (world.contracted("leapfrog") for _ in range(4))
    for story in (active, paused, terminated):
        story.say("ActivateRelationship", when=SINCE)
    paused.pause(NOW)
    terminated.terminate(NOW)
    stories = {"contracting": contracting, "active": active, "paused": paused, "terminated": terminated}
    moves = {}
    for state, story in stories.items():
        moves[state, "propose"] = story.propose()
        if state != "contracting":
            moves[state, "activate"] = story.say("ActivateRelationship", when=NOW)
        if state != "active":
            moves[state, "pause"] = story.pause(NOW)
        if state != "paused":
            moves[state, "resume"] = story.resume(NOW)
    yield
    assert {state: story.show()["state"] for state, story in stories.items()} == {state: state for state in stories}
    # Saying again what already is so may be answered with no event instead of a refusal.
    again = {("active", "activate"), ("paused", "pause"), ("active", "resume")}
    for move, sent in moves.items():
        assert world.receipts[sent]["events"] == [], move
        assert world.status(sent) == "refused" or move in again, move


@told
def test_either_party_may_end_it_from_every_state(world: World) -> Telling:
    sent = []
    for role in ("mentee", "mentor"):
        contracting, active, paused = world.relationship("cmn"), world.active("cmn"), world.active("cmn")
        paused.pause(NOW)
        sent += [story.terminate(NOW, role, reason="mentee_choice") for story in (contracting, active, paused)]
    yield
    assert [world.events(one) for one in sent] == [["RelationshipTerminated"]] * 6


@told
def test_a_customer_and_a_line_manager_do_nothing_else(world: World) -> Telling:
    story = prepare(world, "", "mentee")
    sent = [
        story.say(
            "TerminateRelationship", "line_manager", NOW, reason="goals_met", informed=list(PARTIES), next_steps="x"
        ),
        story.say("AgreeReporting", "customer", NOW, with_whom="customer", outputs=["attendance"]),
    ]
    yield
    assert [world.codes(one) for one in sent] == [{"role"}, {"role"}]


@told
def test_a_repetition_yields_nothing_new_or_a_named_problem(world: World) -> Telling:
    again = {}
    for name, case in FROM_OUTSIDE.items():
        if name in {"RecordContact", "GiveFeedback", "RecordGoalProgress", "ReportProblem", "RecordSessionNote"}:
            continue  # may well happen twice
        role = next(role for role in ROLES if role in case.may)
        story = prepare(world, case.after, role)
        send(story, name, role)
        again[name] = send(story, name, role)
    yield
    for name, sent in again.items():
        receipt = world.receipts[sent]
        assert receipt["status"] in {"accepted", "refused"}, (name, receipt)
        assert receipt["status"] == "accepted" or receipt["problems"], (name, receipt)
