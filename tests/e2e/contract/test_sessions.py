"""Sessions, goals and homework: what their events add, and what `show` makes of them."""

from typing import Any

import pytest

from tests.e2e.contract.outside import at, days, hours, minutes, seconds
from tests.e2e.contract.story import PARTIES, Story, World
from tests.e2e.contract.telling import Telling, told

SINCE = at("2026-02-01 09:00")
START = at("2026-03-05 17:00")


def event(story: Story, sent: int, place: int = 0) -> Any:
    """An event that a message recorded, as the history tells it."""
    version = story.world.versions(sent)[place]
    (found,) = [one for one in story.history() if one["version"] == version]
    return found


def session(story: Story, name: str) -> Any:
    (found,) = [one for one in story.show()["sessions"] if one["session_id"] == name]
    return found


@told
@pytest.mark.clause("pentalog.late-reschedules")
def test_a_move_tells_its_notice_and_exactly_24_hours_are_not_late(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    notices = {"late": (hours(24) - seconds(1), True), "exact": (hours(24), False), "early": (hours(36), False)}
    sent = {}
    for number, (name, (notice, _)) in enumerate(notices.items()):
        start = START + days(7 * number)
        story.schedule(f"m-{name}", start, when=SINCE)
        story.schedule(f"c-{name}", start + hours(2), when=SINCE)
        sent[f"m-{name}"] = story.move(f"m-{name}", start + days(2), start - notice)
        sent[f"c-{name}"] = story.cancel(f"c-{name}", start + hours(2) - notice)
    yield
    for name, (notice, late) in notices.items():
        for kind, event_name in (("m", "SessionRescheduled"), ("c", "SessionCancelled")):
            moved = event(story, sent[f"{kind}-{name}"])
            assert moved["type"] == f"rapport.{event_name}"
            assert moved["data"]["late"] is late, name
            assert moved["data"]["notice_hours"] == pytest.approx(notice.total_seconds() / 3600, abs=0.01)


@told
def test_notice_is_measured_against_the_start_that_the_session_then_had(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    story.schedule("s1", START, when=SINCE)
    story.move("s1", START + days(7), START - days(2))
    second = story.move("s1", START + days(9), START)
    yield
    assert event(story, second)["data"]["notice_hours"] == pytest.approx(7 * 24)
    assert event(story, second)["data"]["late"] is False


@told
def test_a_term_says_how_late_late_is(world: World) -> Telling:
    world.say("CreateProgramme", "programme:strict", "supplier:s", world.begins, name="Strict")
    world.say(
        "SetTerm",
        "programme:strict",
        "supplier:s",
        world.begins,
        document="master_agreement",
        term="late_notice_hours",
        value=48,
    )
    story = world.active("leapfrog", since=SINCE, programme_id="strict")
    story.schedule("s1", START, when=SINCE)
    story.schedule("s2", START + days(7), when=SINCE)
    late = story.move("s1", START + days(1), START - hours(47))
    in_time = story.move("s2", START + days(8), START + days(7) - hours(48))
    yield
    assert event(story, late)["data"]["late"] is True
    assert event(story, in_time)["data"]["late"] is False


@told
def test_show_lists_each_session_with_its_status_its_start_and_its_moves(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    starts = {
        name: START + days(7 * number) for number, name in enumerate(("done", "missed", "cancelled", "moved", "still"))
    }
    for name, start in starts.items():
        story.schedule(name, start, when=SINCE, minutes=45)
    story.move("moved", starts["moved"] + hours(3), START - days(3))
    story.complete("done", START)
    story.say("RecordNoShow", "service", starts["missed"] + hours(1), session_id="missed", absent=["mentor"])
    story.cancel("cancelled", starts["cancelled"] - hours(30))
    story.move("moved", starts["moved"] + days(1), starts["moved"] + hours(1))
    yield
    shown = {one["session_id"]: one for one in story.show()["sessions"]}
    assert {name: one["status"] for name, one in shown.items()} == {
        "done": "completed",
        "missed": "missed",
        "cancelled": "cancelled",
        "moved": "scheduled",
        "still": "scheduled",
    }
    assert {name: one["reschedules"] for name, one in shown.items()} == {
        "done": 0,
        "missed": 0,
        "cancelled": 0,
        "moved": 2,
        "still": 0,
    }
    assert shown["moved"]["late_moves"] == 1
    assert shown["still"]["late_moves"] == 0
    assert at(shown["moved"]["starts_at"][:19].replace("T", " ")) == starts["moved"] + days(1)
    assert {one["minutes"] for one in shown.values()} == {45}


@told
def test_a_session_that_the_relationship_does_not_have_is_refused(world: World) -> Telling:
    story, other = world.active("leapfrog", since=SINCE), world.active("leapfrog", since=SINCE)
    other.schedule("theirs", START)
    sent = [
        story.move("theirs", START + days(1), START - days(2)),
        story.cancel("theirs", START - days(2)),
        story.complete("theirs", START),
        story.say("RecordNoShow", "service", START + hours(1), session_id="theirs", absent=["mentee"]),
        story.say("AssignHomework", homework_id="h1", session_id="theirs", description="Read"),
        story.say("RecordSessionNote", session_id="theirs", text="We talked"),
    ]
    yield
    assert [world.status(one) for one in sent] == ["refused"] * len(sent)


@told
def test_a_session_is_over_once(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    story.held("s1", START)
    story.schedule("s2", START + days(7))
    story.cancel("s2", START + days(5))
    later = START + days(8)
    sent = [
        story.move("s1", START + days(10), later),
        story.cancel("s1", later),
        story.say("RecordNoShow", "service", later, session_id="s1", absent=["mentee"]),
        story.move("s2", START + days(10), later),
        story.complete("s2", START + days(7)),
    ]
    yield
    assert [world.status(one) for one in sent] == ["refused"] * len(sent)


@told
def test_overlapping_sessions_and_sessions_that_end_before_they_start_are_not_recorded(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    story.schedule("s1", START, when=SINCE)
    overlapping = story.schedule("s2", START + minutes(30), when=SINCE)
    right_after = story.schedule("s3", START + minutes(60), when=SINCE)
    backwards = story.complete("s1", START, ended_at=START - minutes(1))
    yield
    assert world.status(overlapping) == "refused"
    assert world.accepted(right_after)
    assert world.status(backwards) in {"refused", "invalid"}


@told
def test_a_session_id_is_used_once(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    story.schedule("s1", START, when=SINCE)
    again = story.schedule("s1", START + days(3), when=SINCE)
    yield
    assert world.status(again) == "refused"
    assert session(story, "s1")["starts_at"].startswith("2026-03-05T17:00")


@told
@pytest.mark.clause("pentalog.reschedule-with-ease")
def test_a_move_told_late_is_judged_by_its_time_and_the_session_keeps_the_latest_start(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE)
    story.schedule("s1", START, when=SINCE)
    story.move("s1", START + days(9), START - days(2))
    late = story.move("s1", START + days(3), START - days(2) - hours(1))
    story.schedule("s2", START + days(20), when=SINCE)
    story.complete("s2", START + days(20))
    after = story.move("s2", START + days(20) + minutes(30), START + days(20) - hours(2))
    yield
    assert event(story, late)["data"]["notice_hours"] == pytest.approx(49)
    assert event(story, late)["data"]["late"] is False
    assert session(story, "s1")["starts_at"].startswith("2026-03-14T17:00")
    assert session(story, "s1")["reschedules"] == 2
    assert event(story, after)["data"]["late"] is True
    assert session(story, "s2")["status"] == "completed"


@told
def test_what_became_of_a_session_is_told_after_its_start_and_a_cancellation_before(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    story.schedule("s1", START, when=SINCE)
    missed = story.say("RecordNoShow", "service", START - minutes(1), session_id="s1", absent=["mentee"])
    data = {"started_at": START, "ended_at": START + hours(1), "present": list(PARTIES), "joined": {}, "agenda": []}
    early = story.say("CompleteSession", "mentor", START - hours(1), session_id="s1", **data)
    alone = story.complete("s1", START, present=["mentor"], joined={})
    cancelled = story.cancel("s1", START)
    yield
    assert [world.codes(one) for one in (missed, early, alone, cancelled)] == [
        {"not_started"},
        {"not_started"},
        {"not_present"},
        {"session_started"},
    ]
    assert "record what became of it" in world.problems(cancelled)[0]["message"]


@told
def test_on_behalf_of_is_for_services_and_the_office(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    story.schedule("s1", START, when=SINCE)
    own = story.move("s1", START + days(1), START - days(2), on_behalf_of="mentor")
    passed_on = story.move("s1", START + days(1), START - days(2), "service", on_behalf_of="mentor", cause="work")
    yield
    assert world.status(own) == "invalid"
    assert world.fields(own) == {"data.on_behalf_of"}
    told = event(story, passed_on)["data"]
    assert (told["on_behalf_of"], told["cause"]) == ("mentor", "work")


@told
@pytest.mark.clause("cmn.pause-or-stop")
def test_what_took_place_before_the_pause_or_the_end_may_still_be_told(world: World) -> Telling:
    paused, ended = world.active("leapfrog", since=SINCE), world.active("leapfrog", since=SINCE)
    sent, planned = [], []
    for story in (paused, ended):
        story.schedule("s1", START, when=SINCE)
        story.pause(START + days(1)) if story is paused else story.terminate(START + days(1))
        planned.append(story.schedule("s2", START + days(9), when=START + days(2)))
        sent.append(story.complete("s1", START))
        sent.append(story.say("RecordContact", when=START + hours(2), channel="email"))
        planned.append(story.say("RecordGoalProgress", when=START + days(2), goal_id="g1", progress="some"))
    office = ended.say("RecordContact", "coordinator", START + days(2), channel="telephone", between=["mentee"])
    yield
    assert world.accepted(*sent, office)
    # While paused, progress is told as ever.
    assert [world.status(one) for one in planned] == ["refused", "accepted", "refused", "refused"]


@told
def test_the_end_records_the_cancellation_of_the_sessions_to_come_itself(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    story.schedule("s1", START, when=SINCE)
    ended = story.terminate(START - hours(1))
    yield
    assert world.events(ended) == ["RelationshipTerminated", "SessionCancelled"]
    assert session(story, "s1")["status"] == "cancelled"
    assert event(story, ended, 1)["data"]["late"] is False


@told
@pytest.mark.clause("care.standing")
def test_a_suspended_mentor_gets_no_new_sessions(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    story.schedule("s1", START, when=SINCE)
    mentor = f"mentor:{story.party('mentor')}"
    world.say("SuspendMentor", mentor, "coordinator:cora", SINCE + days(1), reason="A complaint")
    new = story.schedule("s2", START + days(7), when=SINCE + days(2))
    moved = story.move("s1", START + days(1), SINCE + days(2))
    yield
    assert world.clauses(new) == {"care.standing"}
    assert world.accepted(moved)


@told
def test_a_pause_records_the_cancellation_of_the_sessions_to_come_itself(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    story.held("s1", START - days(3))
    for number in range(3):
        story.schedule(f"future-{number}", START + days(7 * number), when=START - days(2))
    paused = story.pause(START - hours(1))
    yield
    assert sorted(world.events(paused)) == ["RelationshipPaused", *["SessionCancelled"] * 3]
    assert {one["session_id"]: one["status"] for one in story.show()["sessions"]} == {
        "s1": "completed",
        **{f"future-{number}": "cancelled" for number in range(3)},
    }
    assert story.show()["state"] == "paused"


@told
def test_no_session_is_scheduled_while_paused(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    story.pause(START)
    sent = story.schedule("s1", START + days(9), when=START + days(1))
    story.resume(START + days(2))
    after = story.schedule("s2", START + days(9), when=START + days(3))
    yield
    assert world.status(sent) == "refused"
    assert world.accepted(after)
    assert "ScheduleSession" in story.show()["allowed"]


@told
def test_a_session_completed_in_contracting_is_recorded(world: World) -> Telling:
    story = world.contracted("leapfrog", when=SINCE)
    sent = [story.schedule("s0", START, when=SINCE), story.complete("s0", START)]
    yield
    assert world.accepted(*sent)
    assert session(story, "s0")["status"] == "completed"


@told
def test_a_goal_is_open_until_it_is_achieved_or_dropped(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    for goal in ("g2", "g3"):
        story.say(
            "AgreeGoal",
            goal_id=goal,
            title=goal,
            type="technical",
            source="assessment",
            agreed_by=list(PARTIES),
        )
    some = story.say("RecordGoalProgress", "mentor", goal_id="g2", progress="some")
    achieved = story.say("RecordGoalProgress", "mentor", goal_id="g2", progress="achieved")
    story.say("DropGoal", "mentee", goal_id="g3", reason="Changed jobs")
    yield
    assert world.events(some) == ["GoalProgressRecorded"]
    assert world.events(achieved) == ["GoalProgressRecorded", "GoalAchieved"]
    assert {goal["goal_id"]: (goal["status"], goal["type"]) for goal in story.show()["goals"]} == {
        "g1": ("open", "career"),
        "g2": ("achieved", "technical"),
        "g3": ("dropped", "technical"),
    }


@told
def test_a_goal_that_nobody_agreed_is_refused(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    sent = [
        story.say("ReviseGoal", goal_id="g9", title="Fly", agreed_by=list(PARTIES)),
        story.say("DropGoal", goal_id="g9", reason="Heavy"),
        story.say("RecordGoalProgress", goal_id="g9", progress="some"),
    ]
    yield
    assert [world.status(one) for one in sent] == ["refused"] * 3


def check(story: Story, name: str, start: Any, checked_before: Any, **changes: Any) -> int:
    answers = dict.fromkeys(("connection", "microphone", "speakers", "camera", "quiet", "background"), True)
    return story.say(
        "RecordPresessionCheck",
        "mentor",
        start - checked_before,
        session_id=name,
        checked_at=start - checked_before,
        **{"device": "computer", **answers, **changes},
    )


@told
@pytest.mark.clause("mentor247.environment", "mentor247.connection")
def test_a_presession_check_adds_its_findings(world: World) -> Telling:
    story = world.active("mentor247", since=SINCE)
    story.schedule("s1", START, when=SINCE)
    story.schedule("s2", START + days(1), when=SINCE)
    fine = check(story, "s1", START, minutes(10))
    wrong = check(story, "s2", START + days(1), minutes(9), device="phone", quiet=False)
    yield
    assert not event(story, fine)["data"].get("findings")
    assert event(story, wrong)["data"]["findings"]


@told
def test_homework_is_reported_for_what_was_assigned(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    story.held("s1", START)
    assigned = story.say("AssignHomework", "mentor", homework_id="h1", session_id="s1", description="Read")
    reported = story.say("ReportHomework", when=START + days(3), homework_id="h1", hours=3.5, done=True)
    unknown = story.say("ReportHomework", homework_id="h9", hours=1, done=False)
    negative = story.say("ReportHomework", homework_id="h1", hours=-1, done=False)
    yield
    assert world.accepted(assigned, reported)
    assert world.status(unknown) == "refused"
    assert world.status(negative) == "invalid"


@told
def test_trust_and_respect_settle_their_recommendations_when_restored(world: World) -> Telling:
    story = world.active("pentalog", "leapfrog", since=SINCE)
    story.say("ReportTrustBreakdown", description="Told others", when=START)
    story.say("RecommendShutdown", "coordinator", clause="pentalog.trust", evidence=[1])
    story.say("ReportDisrespect", "mentor", against="mentee", description="Laughed")
    story.say("RecommendShutdown", "coordinator", clause="pentalog.respect", evidence=[1])
    story.say("RestoreTrust", when=START + days(1))
    yield
    status = {one["clause"]: one["status"] for one in story.show()["recommendations"]}
    assert status["pentalog.trust"] != "open"
    assert status["pentalog.respect"] == "open"


@told
def test_concerns_and_recommendations_are_shown_with_clause_status_and_evidence(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE)
    for clause in ("pentalog.late-reschedules", "pentalog.homework"):
        story.say("RaiseConcern", "coordinator", START, clause=clause, evidence=[2, 3])
    story.say("ResolveConcern", "coordinator", clause="pentalog.homework", resolution="Less of it")
    for clause in ("pentalog.trust", "pentalog.respect"):
        story.say("RecommendShutdown", "coordinator", clause=clause, evidence=[4])
    story.say("DismissRecommendation", "coordinator", clause="pentalog.respect", reason="They talked")
    yield
    concerns = {one["clause"]: one for one in story.show()["concerns"]}
    assert concerns["pentalog.late-reschedules"]["status"] == "open"
    assert concerns["pentalog.late-reschedules"]["evidence"] == [2, 3]
    assert concerns.get("pentalog.homework", {"status": "resolved"})["status"] == "resolved"
    recommendations = {one["clause"]: one for one in story.show()["recommendations"]}
    assert recommendations["pentalog.trust"]["status"] == "open"
    assert recommendations["pentalog.trust"]["evidence"] == [4]
    assert recommendations.get("pentalog.respect", {"status": "dismissed"})["status"] == "dismissed"


@told
def test_dismissing_without_a_clause_settles_all_that_are_open(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE)
    for clause in ("pentalog.trust", "pentalog.respect"):
        story.say("RecommendShutdown", "coordinator", START, clause=clause, evidence=[4])
    story.say("DismissRecommendation", "supplier", reason="They talked")
    yield
    assert not [one for one in story.show()["recommendations"] if one["status"] == "open"]
