"""Commitment health: work off the goals, no progress on them, and none at all."""

from datetime import datetime
from typing import Any

import pytest

from tests.e2e.contract.health import AFTER, NOW, SINCE, weekly
from tests.e2e.contract.outside import at, days, hours, minutes, seconds
from tests.e2e.contract.story import PARTIES, Story, World, item
from tests.e2e.contract.telling import Telling, told

BEGINS = at("2026-01-05 09:00")
CLOCK = at("2026-07-01 12:00")
ON = [item("the goal", 60, goal_id="g1")]
OFF = [item("the news", 60)]
HALF = [item("the goal", 30, goal_id="g1"), item("the news", 30)]
MOST = [item("the goal", 29, goal_id="g1"), item("the news", 31)]
URGENT = [item("the goal, at once", 60, goal_id="g1", urgent=True)]


# -- off_goal_work


@told
@pytest.mark.clause("pentalog.off-goal", "pentalog.urgent-concerns")
def test_off_goal_work_holds_in_two_of_the_last_three_sessions_with_more_than_half_off_goal(world: World) -> Telling:
    cases: list[tuple[str, list[Any], dict[str, int]]] = [
        ("one session", [OFF], {}),
        ("two sessions", [OFF, OFF], {"mentee": 15}),
        ("two of three, apart", [OFF, ON, OFF], {"mentee": 15}),
        ("two of three, last", [ON, OFF, OFF], {"mentee": 15}),
        ("three", [OFF, OFF, OFF], {"mentee": 15}),
        ("one of three", [ON, ON, OFF], {}),
        ("long ago", [OFF, OFF, ON, ON], {}),
        ("half is not more than half", [HALF, HALF, HALF], {}),
        ("just over half", [MOST, MOST], {"mentee": 15}),
        ("urgent concerns are off-goal", [URGENT, URGENT], {"mentee": 15}),
    ]
    stories = {}
    for name, agendas, _ in cases:
        stories[name] = world.active("pentalog", since=SINCE)
        for number, (start, agenda) in enumerate(zip(weekly(len(agendas)), agendas, strict=True)):
            stories[name].held(f"s{number}", start, agenda=agenda)
    yield
    assert {name: stories[name].health(NOW).points("off_goal_work") for name, _, _ in cases} == {
        name: expected for name, _, expected in cases
    }


@told
def test_a_session_completed_while_contracting_counts_for_no_signal(world: World) -> Telling:
    story = world.contracted("pentalog", when=SINCE)
    for number, start in enumerate(weekly(3, last=NOW - days(20))):
        story.held(f"c{number}", start, agenda=OFF, joined=dict.fromkeys(PARTIES, start + minutes(20)))
    story.say("ActivateRelationship", when=NOW - days(9))
    story.held("s1", NOW - days(2), agenda=OFF, joined=dict.fromkeys(PARTIES, NOW - days(2) + minutes(20)))
    yield
    assert story.health(NOW).row["signals"] == []


# -- no_goal_progress


def progress(story: Story, how: str, when: datetime, session: str | None = None) -> int:
    naming = {"session_id": session} if session else {}
    return story.say("RecordGoalProgress", "mentee", when, goal_id="g1", progress=how, **naming)


@told
@pytest.mark.clause("pentalog.no-progress")
def test_no_goal_progress_costs_10_after_two_sessions_without_and_20_after_three(world: World) -> Telling:
    cases = {
        "-": {},
        "--": {"mentee": 10},
        "---": {"mentee": 20},
        "-----": {"mentee": 20},
        "+--": {"mentee": 10},
        "+---": {"mentee": 20},
        "-+": {},
        "+-": {},
        "--+": {},
        "0-": {"mentee": 10},  # progress "none" is no progress
        "-0": {"mentee": 10},
    }
    stories = {}
    for pattern in cases:
        stories[pattern] = story = world.active("pentalog", since=SINCE)
        for number, (start, sign) in enumerate(zip(weekly(len(pattern)), pattern, strict=True)):
            story.held(f"s{number}", start)
            if sign in "+0":
                progress(story, "some" if sign == "+" else "none", start + hours(2), f"s{number}")
    yield
    assert {pattern: stories[pattern].health(NOW).points("no_goal_progress") for pattern in cases} == cases


@told
@pytest.mark.clause("pentalog.no-progress")
def test_progress_belongs_to_the_session_it_names_or_to_the_one_since_whose_start_it_happened(world: World) -> Telling:
    starts = weekly(3)
    cases: dict[str, tuple[datetime, str | None, dict[str, int]]] = {
        "names the last": (starts[2] + hours(3), "s2", {}),
        "names the first, told after the last": (starts[2] + hours(3), "s0", {"mentee": 10}),
        "at the start of the second": (starts[1], None, {}),
        "right before the second": (starts[1] - seconds(1), None, {"mentee": 10}),
        "before the first": (starts[0] - hours(1), None, {"mentee": 20}),
        "after the last": (starts[2] + days(1), None, {}),
    }
    stories = {}
    for name, (when, session, _) in cases.items():
        stories[name] = story = world.active("pentalog", since=SINCE)
        for number, start in enumerate(starts):
            story.schedule(f"s{number}", start, when=SINCE + hours(number + 1))
        told_already = False
        for number, start in enumerate(starts):
            # In the order of what happened, so that nothing is told late.
            if not told_already and when <= start + minutes(60):
                progress(story, "some", when, session)
                told_already = True
            story.complete(f"s{number}", start)
        if not told_already:
            progress(story, "some", when, session)
    yield
    got = {name: story.health(NOW).points("no_goal_progress") for name, story in stories.items()}
    assert got == {name: expected for name, (_, _, expected) in cases.items()}


@told
def test_an_achieved_goal_is_progress(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE)
    for number, start in enumerate(weekly(2)):
        story.held(f"s{number}", start)
    progress(story, "achieved", NOW - days(1), "s1")
    yield
    assert story.health(NOW).points("no_goal_progress") == {}


# -- no_goal


def without_goal(world: World, since: datetime) -> Story:
    return world.active("leapfrog", since=since, without=["goal"])


@told
@pytest.mark.clause("pentalog.hard-to-find-goal")
def test_no_goal_holds_after_more_than_14_days_without_an_open_goal(world: World) -> Telling:
    stories = {
        "activation": without_goal(world, NOW - days(14)),
        "dropped": world.active("pentalog", since=SINCE),
        "achieved": world.active("pentalog", since=SINCE),
        "closed before activation": world.contracted("leapfrog", when=NOW - days(20)),
    }
    stories["dropped"].say("DropGoal", when=NOW - days(14), goal_id="g1", reason="Changed jobs")
    stories["closed before activation"].say("DropGoal", goal_id="g1", reason="Changed jobs")
    stories["closed before activation"].say("ActivateRelationship", when=NOW - days(14))
    progress(stories["achieved"], "achieved", NOW - days(14))
    for story in stories.values():
        story.held("s1", NOW - days(7), agenda=OFF)
    yield
    assert {name: story.health(NOW).points("no_goal") for name, story in stories.items()} == {
        name: {} for name in stories
    }
    assert {name: story.health(AFTER).points("no_goal") for name, story in stories.items()} == {
        name: {"mentee": 15} for name in stories
    }


@told
def test_no_goal_needs_a_completed_session_and_no_open_goal(world: World) -> Telling:
    no_session = without_goal(world, NOW - days(40))
    only_contracting = world.contracted("leapfrog", when=NOW - days(50), without=["goal"])
    only_contracting.held("s0", NOW - days(45), agenda=OFF)
    only_contracting.say("ActivateRelationship", when=NOW - days(40))
    another_open = without_goal(world, NOW - days(40))
    for goal in ("g1", "g2"):
        another_open.say("AgreeGoal", goal_id=goal, title=goal, type="other", source="mentee", agreed_by=list(PARTIES))
    another_open.held("s1", NOW - days(35))
    another_open.say("DropGoal", when=NOW - days(34), goal_id="g1", reason="Changed jobs")
    agreed_again = world.active("leapfrog", since=NOW - days(40))
    agreed_again.held("s1", NOW - days(38))
    agreed_again.say("DropGoal", when=NOW - days(34), goal_id="g1", reason="Changed jobs")
    agreed_again.say(
        "AgreeGoal",
        when=NOW - days(1),
        goal_id="g2",
        title="Speak",
        type="other",
        source="mentee",
        agreed_by=list(PARTIES),
    )
    stories = {"no session": no_session, "contracting": only_contracting, "two": another_open, "again": agreed_again}
    yield
    assert {name: story.health(AFTER).points("no_goal") for name, story in stories.items()} == {
        name: {} for name in stories
    }


@told
def test_the_days_of_no_goal_are_days_outside_pauses(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE)
    story.held("s1", NOW - days(30))
    story.say("DropGoal", when=NOW - days(24), goal_id="g1", reason="Changed jobs")
    story.pause(NOW - days(20))
    story.resume(NOW - days(10))
    yield
    assert story.health(NOW).points("no_goal") == {}
    assert story.health(AFTER).points("no_goal") == {"mentee": 15}


@told
def test_a_document_may_set_the_days_and_points_of_no_goal(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE, programme_id=world.programme(no_goal_days=3, points_no_goal=1))
    story.held("s1", NOW - days(20))
    story.say("DropGoal", when=NOW - days(3), goal_id="g1", reason="Changed jobs")
    yield
    assert story.health(NOW).points("no_goal") == {}
    assert story.health(AFTER).points("no_goal") == {"mentee": 1}


@told
def test_all_that_these_stories_tell_is_accepted(world: World) -> Telling:
    yield
    assert world.accepted(*range(len(world.receipts)))
