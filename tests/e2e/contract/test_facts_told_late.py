"""What took place is recorded: plans against a rule are refused, facts told afterwards are accepted with a finding."""

from typing import Any

import pytest

from tests.e2e.contract.outside import at, days, hours, minutes
from tests.e2e.contract.story import PARTIES, Story, World, item
from tests.e2e.contract.telling import Telling, told

SINCE = at("2026-02-01 09:00")
START = at("2026-03-05 17:00")
CODES = ("pentalog", "mentor247", "leapfrog", "nottingham")


def findings(story: Story, sent: int) -> set[tuple[str, str | None]]:
    version = story.world.versions(sent)[0]
    (event,) = [one for one in story.history() if one["version"] == version]
    return {(finding["code"], finding["clause"]) for finding in event["findings"]}


def refused(world: World, *sent: int) -> bool:
    return {world.status(one) for one in sent} == {"refused"}


@told
@pytest.mark.clause("leapfrog.privacy")
def test_a_private_topic_is_refused_as_a_plan_and_found_in_a_session(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    story.say("MarkTopicPrivate", topic="Divorce")
    goal: dict[str, Any] = {"goal_id": "g2", "type": "wellbeing", "source": "mentee", "agreed_by": list(PARTIES)}
    plans = [
        story.say("AgreeGoal", "mentor", **goal, title="Get over the divorce"),
        story.say("AgreeGoal", "coordinator", **goal, title="Sleep", success_measure="No word of the Divorce"),
        story.say("ReviseGoal", "mentor", goal_id="g1", title="The divorce", agreed_by=list(PARTIES)),
    ]
    own = story.say("AgreeGoal", "mentee", **goal, title="Get over the divorce")
    story.schedule("s1", START, when=SINCE)
    homework = story.say("AssignHomework", "mentor", homework_id="h1", session_id="s1", description="On your divorce")
    held = story.complete("s1", START, agenda=[item("Your divorce", 60, set_by="mentor")])
    story.schedule("s2", START + days(7), when=START + days(1))
    by_mentee = story.complete("s2", START + days(7), agenda=[item("My divorce", 60, set_by="mentee")])
    yield
    assert refused(world, *plans, homework)
    assert all(world.codes(one) == {"private_topic"} for one in (*plans, homework))
    assert world.accepted(own)
    assert findings(story, held) == {("private_topic", "leapfrog.privacy")}
    assert findings(story, by_mentee) == set()


@told
def test_what_did_not_begin_can_neither_be_missed_nor_completed(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    for name in ("missed", "completed", "alone", "cancelled", "moved"):
        story.schedule(name, START, when=SINCE, minutes=60) if name == "missed" else story.schedule(
            name, START + days(["missed", "completed", "alone", "cancelled", "moved"].index(name)), when=SINCE
        )
    missed = story.say("RecordNoShow", "mentor", START - minutes(1), session_id="missed", absent=["mentee"])
    later = story.say("RecordNoShow", "mentor", START + minutes(15), session_id="missed", absent=["mentee"])
    day = START + days(1)
    early = story.say(
        "CompleteSession",
        "mentor",
        day - hours(1),
        session_id="completed",
        started_at=day,
        ended_at=day + minutes(60),
        present=list(PARTIES),
        joined={},
        agenda=[],
    )
    alone = story.complete("alone", START + days(2), present=["mentor"], joined={})
    cancelled = story.cancel("cancelled", START + days(3) + minutes(1))
    moved = story.move("moved", START + days(30), START + days(4) + minutes(1))
    yield
    assert refused(world, missed, early, alone, cancelled, moved)
    assert world.accepted(later)
    assert any("became of" in problem["message"] for problem in world.problems(cancelled))


@told
def test_a_move_told_late_is_judged_against_the_start_it_had_and_the_latest_move_stands(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE)
    story.schedule("s1", START, when=SINCE)
    story.move("s1", START + days(7), START - days(3))
    told_late = story.move("s1", START + days(1), START - days(10))
    yield
    assert world.accepted(told_late)
    (session,) = [one for one in story.show()["sessions"] if one["session_id"] == "s1"]
    assert session["starts_at"].startswith("2026-03-12T17:00")
    assert session["reschedules"] == 2
    version = world.versions(told_late)[0]
    (event,) = [one for one in story.history() if one["version"] == version]
    assert event["data"]["notice_hours"] == pytest.approx(240)
    assert event["data"]["late"] is False


@told
def test_on_behalf_of_is_for_services_and_the_office(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE)
    sent: dict[str, int] = {}
    for number, role in enumerate(("service", "coordinator", "supplier", "mentee", "mentor")):
        start = START + days(number)
        story.schedule(f"s{number}", start, when=SINCE)
        sent[role] = story.move(f"s{number}", start + days(30), start - days(2), role, on_behalf_of="mentee")
    yield
    assert world.accepted(sent["service"], sent["coordinator"], sent["supplier"])
    for role in PARTIES:
        assert world.status(sent[role]) == "invalid"
        assert world.fields(sent[role]) == {"data.on_behalf_of"}


@told
def test_while_paused_nothing_new_is_planned_and_what_took_place_before_may_be_told(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    story.schedule("held", START - days(2), when=SINCE)
    story.schedule("missed", START - days(1), when=SINCE)
    story.schedule("future", START + days(5), when=SINCE)
    pause = story.pause(START)
    planned = story.schedule("new", START + days(9), when=START + hours(1))
    held = story.complete("held", START - days(2))
    missed = story.say("RecordNoShow", "mentor", START - days(1) + minutes(20), session_id="missed", absent=["mentee"])
    yield
    assert world.events(pause) == ["RelationshipPaused", "SessionCancelled"]
    assert refused(world, planned)
    assert world.accepted(held, missed)


@told
def test_the_end_cancels_what_was_to_come_and_what_took_place_may_still_be_told(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    story.schedule("held", START - days(2), when=SINCE)
    story.schedule("f1", START + days(5), when=SINCE)
    story.schedule("f2", START + days(6), when=SINCE)
    end = story.terminate(START)
    held = story.complete("held", START - days(2))
    progress = story.say("RecordGoalProgress", "mentee", START - days(1), goal_id="g1", progress="some")
    contact = story.say("RecordContact", "mentor", START - days(1), channel="email")
    office = story.say("RecordContact", "coordinator", START + days(1), channel="telephone", between=["mentee"])
    late = [
        story.say("RecordContact", "mentor", START + days(1), channel="email"),
        story.say("RecordGoalProgress", "mentee", START + days(1), goal_id="g1", progress="some"),
        story.schedule("f3", START + days(9), when=START + days(1)),
    ]
    closing = [
        story.say("ReportProblem", "mentee", START + days(1), description="Not told why"),
        story.say("ReportBreach", "mentee", START + days(1), against="mentor", kind="code", description="Shared it"),
        story.say("GiveTestimonial", "mentee", START + days(1), text="It helped"),
        story.say("SignpostMentee", "coordinator", START + days(1), to="A course", reason="Next"),
        story.say("ReviewRelationship", "coordinator", START + days(1), note="Seen"),
        story.say("ContestFact", "mentee", START + days(1), version=1, reason="Not so"),
        story.say("RequestFeedback", "coordinator", START + days(1), respondent="mentee", occasion="end",
                  questions=["leapfrog.openness"]),
        story.say("RecordEndReview", "mentee", START + days(1), objectives=[], signposting=[]),
    ]  # fmt: skip
    closed = [
        story.say("ReportTrustBreakdown", "mentee", START + days(1), description="Gone"),
        story.say("AgreePlan", "mentee", START + days(1), every_days=7, starts_on="2026-04-01", ends_on="2026-05-01",
                  channel="platform"),
        story.say("RequestFeedback", "coordinator", START + days(1), respondent="mentee", occasion="mid",
                  questions=["leapfrog.openness"]),
    ]  # fmt: skip
    yield
    assert world.events(end) == ["RelationshipTerminated", "SessionCancelled", "SessionCancelled"]
    assert {one["status"] for one in story.show()["sessions"]} == {"completed", "cancelled"}
    assert world.accepted(held, progress, contact, office, *closing)
    assert refused(world, *late, *closed)


@told
@pytest.mark.clause("cmn.pause-or-stop", "care.informed")
def test_leaving_is_never_refused_for_its_reason_and_only_cmn_asks_that_both_know(world: World) -> Telling:
    accepted, cmn, pauses = [], [], []
    for code in ("pentalog", "mentor247", "leapfrog", "nottingham"):
        story = world.active(code, since=SINCE)
        pauses.append(story.pause(START, informed=["mentee"]))
        pauses.append(story.pause(START, next_steps=" "))
        accepted.append(story.terminate(START, informed=[], next_steps=""))
    for reason in ("disrespect", "breach", "trust_breakdown", "compromising_relationship"):
        story = world.active("cmn", since=SINCE)
        accepted.append(story.terminate(START, informed=[], next_steps="", reason=reason))
    for reason in ("mentee_choice", "goals_met", "mentor_withdrawal"):
        story = world.active("cmn", since=SINCE)
        cmn.append(story.terminate(START, informed=[], reason=reason))
        cmn.append(story.terminate(START, next_steps=" ", reason=reason))
        # Whoever ends it counts as informed.
        accepted.append(story.terminate(START, informed=["mentor"], reason=reason))
    resumed = world.active("cmn", since=SINCE)
    resumed.pause(START)
    accepted.append(resumed.say("ResumeRelationship", "mentee", START + days(1)))
    yield
    assert world.accepted(*accepted)
    assert [world.clauses(one) for one in cmn] == [{"cmn.pause-or-stop"}] * len(cmn)
    assert refused(world, *pauses)


@told
def test_homework_is_reported_by_its_id_or_its_session(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE)
    story.held("s1", START)
    by_session = story.say("ReportHomework", session_id="s1", hours=3)
    both = story.say("ReportHomework", session_id="s1", homework_id="h1", hours=3)
    neither = story.say("ReportHomework", hours=3)
    unknown = story.say("ReportHomework", session_id="s9", hours=3)
    yield
    assert world.events(by_session) == ["HomeworkReported"]
    assert world.status(both) == world.status(neither) == "invalid"
    assert refused(world, unknown)


@told
def test_a_contact_says_between_whom_and_a_call_of_the_office_is_no_contact_of_the_two(world: World) -> Telling:
    story = world.active("nottingham", since=SINCE)
    sent: dict[str, tuple[int, dict[str, Any]]] = {}
    for role in ("mentee", "service", "coordinator"):
        sent[role] = (story.say("RecordContact", role, START, channel="email"), {})
    named = story.say("RecordContact", "coordinator", START + hours(1), channel="email", between=["mentee", "mentor"])
    yield
    between = {
        role: set(event["data"]["between"])
        for role, (one, _) in sent.items()
        for event in story.history()
        if event["version"] == world.versions(one)[0]
    }
    assert between == {"mentee": set(PARTIES), "service": set(PARTIES), "coordinator": {"coordinator"}}
    assert world.accepted(named)


@told
def test_the_office_requests_feedback_and_the_practice_questions_are_answered(world: World) -> Telling:
    story = world.active("leapfrog", "cmn", since=SINCE, without=["reporting"])
    del story
    story = world.active("leapfrog", since=SINCE)
    asked = story.say("RequestFeedback", "coordinator", respondent="mentee", occasion="mid",
                      questions=["leapfrog.openness"])  # fmt: skip
    mentor = story.say("RequestFeedback", "mentor", respondent="mentee", occasion="mid",
                       questions=["leapfrog.openness"])  # fmt: skip
    unknown = story.say("RequestFeedback", "coordinator", respondent="mentee", occasion="mid",
                        questions=["leapfrog.nothing"])  # fmt: skip
    answer = story.say("GiveFeedback", about="mentor", answers={"leapfrog.openness": 4})
    story_told = story.say("RecordSuccessStory", "supplier", text="It worked")
    yield
    assert world.events(asked) == ["FeedbackRequested"]
    assert world.codes(mentor) == {"role"}
    assert world.status(unknown) in {"refused", "invalid"}
    assert world.events(answer) == ["FeedbackGiven"]
    assert world.events(story_told) == ["SuccessStoryRecorded"]
