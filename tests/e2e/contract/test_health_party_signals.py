"""Commitment health: the signals that are attributed to a party, each at its boundaries."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.e2e.contract.outside import at, days, hours, minutes, seconds
from tests.e2e.contract.story import PARTIES, Story, World, item
from tests.e2e.contract.telling import Telling, told

BEGINS = at("2026-01-05 09:00")
CLOCK = at("2026-07-01 12:00")
# What the stories lead up to: the moment of the question, and the moments right before and after.
NOW = at("2026-06-15 12:00")
BEFORE, AFTER = NOW - seconds(1), NOW + seconds(1)
SINCE = NOW - days(120)
# The last of a row of sessions.
LAST = NOW - days(2)
AN_HOUR = hours(1)

ON = [item("the goal", 60, goal_id="g1")]
OFF = [item("the news", 60)]
HALF = [item("the goal", 30, goal_id="g1"), item("the news", 30)]
MOST = [item("the goal", 29, goal_id="g1"), item("the news", 31)]
URGENT = [item("the goal, at once", 60, goal_id="g1", urgent=True)]


def weekly(count: int, last: datetime = LAST) -> list[datetime]:
    """Starts a week apart, up to the last."""
    return [last - days(7 * number) for number in reversed(range(count))]


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


# -- frequent_reschedules


def moved_and_held(story: Story, movers: list[str], last: datetime = LAST, **data: Any) -> None:
    """Sessions a week apart, each moved by these parties ("+" between them) three days before, and then held."""
    for number, (start, who) in enumerate(zip(weekly(len(movers), last), movers, strict=True)):
        name = f"m{number}"
        story.schedule(name, start - hours(4), when=start - days(5))
        for step, role in enumerate(role for role in who.split("+") if role):
            story.move(name, start - hours(3 - step), start - days(3) + minutes(step), role, **data)
        if who:
            story.move(name, start, start - days(2), "coordinator")
            story.complete(name, start)
        else:
            story.complete(name, start - hours(4))


@told
@pytest.mark.clause("pentalog.frequent-reschedules")
def test_three_of_the_last_five_sessions_moved_by_a_party_cost_it_15(world: World) -> Telling:
    a, b = PARTIES
    cases: list[tuple[list[str], dict[str, int]]] = [
        ([a, a], {}),
        ([a, a, a], {a: 15}),
        ([a, a, a, a, a], {a: 15}),
        ([a, a, a, "", ""], {a: 15}),
        ([a, a, a, "", "", ""], {}),
        ([a, "", a, "", a], {a: 15}),
        ([b, b, b], {b: 15}),
        ([a, b, a, b, a], {a: 15}),
        ([a, b, a, b], {}),
        ([f"{a}+{b}"] * 3, {a: 15, b: 15}),
        (["coordinator"] * 3, {}),
        ([f"{a}+{a}", a], {}),
    ]
    stories = [world.active("pentalog", since=SINCE) for _ in cases]
    for story, (movers, _) in zip(stories, cases, strict=True):
        moved_and_held(story, movers)
    yield
    got = [story.health(NOW).points("frequent_reschedules") for story in stories]
    assert list(zip([movers for movers, _ in cases], got, strict=True)) == cases


@told
def test_moves_for_illness_or_by_the_supplier_belong_to_nobody(world: World) -> Telling:
    causes = {"illness": {}, "supplier": {}, "personal": {"mentee": 15}, "work": {"mentee": 15}}
    stories = {}
    for cause in causes:
        stories[cause] = world.active("pentalog", since=SINCE)
        moved_and_held(stories[cause], ["mentee"] * 3, cause=cause)
    yield
    got = {cause: story.health(NOW).points("frequent_reschedules") for cause, story in stories.items()}
    assert got == causes


@told
def test_cancelled_and_missed_sessions_fill_the_last_five_without_being_moves(world: World) -> Telling:
    only_cancelled, pushed_out = (world.active("pentalog", since=SINCE) for _ in range(2))
    for number, start in enumerate(weekly(4)):
        only_cancelled.schedule(f"c{number}", start)
        only_cancelled.cancel(f"c{number}", start - days(2))
    moved_and_held(pushed_out, ["mentee"] * 3, last=NOW - days(30))
    for number, start in enumerate(weekly(3)):
        pushed_out.schedule(f"c{number}", start)
        if number:
            pushed_out.cancel(f"c{number}", start - days(2))
        else:
            pushed_out.say("RecordNoShow", "service", start + hours(1), session_id="c0", absent=["mentor"])
    yield
    assert only_cancelled.health(NOW).points("frequent_reschedules") == {}
    assert pushed_out.health(NOW).points("frequent_reschedules") == {}


@told
def test_moved_sessions_to_come_count_and_unmoved_ones_do_not(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE)
    for number, start in enumerate(weekly(8, last=NOW + days(80))):
        story.schedule(f"s{number}", start, when=NOW - days(9))
    for number in range(3):
        story.move(f"s{number}", weekly(8, last=NOW + days(80))[number] + hours(2), NOW - days(8))
    yield
    assert story.health(NOW).points("frequent_reschedules") == {"mentee": 15}


@told
def test_sessions_are_in_the_order_of_the_latest_thing_that_befell_them(world: World) -> Telling:
    pushed_out, returned = (world.active("pentalog", since=SINCE) for _ in range(2))
    for story in (pushed_out, returned):
        for number in range(3):
            start = NOW - days(6 - number)
            story.schedule(f"moved-{number}", start - hours(6), when=NOW - days(60))
            story.move(f"moved-{number}", start, NOW - days(50))
        for number, start in enumerate(weekly(3, last=NOW - days(20))):
            story.held(f"plain-{number}", start)
    for number in range(3):
        returned.complete(f"moved-{number}", NOW - days(6 - number))
    yield
    assert pushed_out.health(NOW).points("frequent_reschedules") == {}
    assert returned.health(NOW).points("frequent_reschedules") == {"mentee": 15}


@told
def test_a_session_cancelled_by_a_pause_is_due_and_moved_by_nobody(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE)
    moved_and_held(story, ["mentee"] * 3, last=NOW - days(30))
    for number in range(3):
        story.schedule(f"future-{number}", NOW + days(number), when=NOW - days(29))
    story.pause(NOW - days(20))
    story.resume(NOW - days(10))
    yield
    assert story.health(NOW - days(20) - seconds(1)).points("frequent_reschedules") == {"mentee": 15}
    assert story.health(NOW - days(15)).points("frequent_reschedules") == {}
    assert story.health(NOW).points("frequent_reschedules") == {}
    assert story.health(NOW).points("late_reschedules") == {}


# -- late_reschedules


def move_late(
    story: Story,
    when: datetime,
    role: str = "mentee",
    *,
    notice: timedelta = AN_HOUR,
    cancel: bool = False,
    **data: Any,
) -> int:
    """One session of its own, moved or cancelled at that time with that notice."""
    name = f"l{story.world.number()}"
    story.schedule(name, when + notice, when=when - days(2), minutes=30)
    if cancel:
        return story.cancel(name, when, role, **data)
    return story.move(name, when + notice + days(400 + story.world.number()), when, role, **data)


@told
@pytest.mark.clause("pentalog.late-reschedules", "leapfrog.notice")
def test_two_late_moves_cost_20_and_each_further_one_5_more_to_30(world: World) -> Telling:
    expected = {0: {}, 1: {}, 2: {"mentor": 20}, 3: {"mentor": 25}, 4: {"mentor": 30}, 5: {"mentor": 30}}
    stories = {}
    for count in expected:
        stories[count] = world.active("pentalog", since=SINCE)
        for number in range(count):
            move_late(stories[count], NOW - days(60 - 5 * number), "mentor", cancel=number % 2 == 1)
    yield
    assert {count: story.health(NOW).points("late_reschedules") for count, story in stories.items()} == expected


@told
def test_exactly_24_hours_before_the_start_is_not_late(world: World) -> Telling:
    stories = {}
    for notice in (hours(24), hours(24) - seconds(1)):
        for cancel in (False, True):
            stories[notice, cancel] = world.active("pentalog", since=SINCE)
            for number in range(2):
                move_late(stories[notice, cancel], NOW - days(60 - 7 * number), notice=notice, cancel=cancel)
    yield
    for (notice, _), story in stories.items():
        assert story.health(NOW).points("late_reschedules") == ({} if notice == hours(24) else {"mentee": 20})


@told
def test_late_moves_count_for_90_days_and_no_longer(world: World) -> Telling:
    plain, paused = (world.active("pentalog", since=SINCE) for _ in range(2))
    move_late(plain, NOW - days(90))
    move_late(paused, NOW - days(100))
    paused.pause(NOW - days(60))
    paused.resume(NOW - days(50))
    for story in (plain, paused):
        move_late(story, NOW - days(10))
    yield
    for story in (plain, paused):
        assert story.health(NOW).points("late_reschedules") == {"mentee": 20}
        assert story.health(AFTER).points("late_reschedules") == {}


@told
def test_a_session_counts_once_for_lateness_however_often_it_moved(world: World) -> Telling:
    often, again_with_notice = (world.active("pentalog", since=SINCE) for _ in range(2))
    start = NOW - days(30)
    often.schedule("s1", start)
    often.move("s1", start + days(2), start - hours(1))
    often.move("s1", start + days(4), start + days(2) - hours(1))
    often.move("s1", start + days(6), start + days(4) - hours(1))
    # Late once, then moved again with good notice: it still counts.
    again_with_notice.schedule("s1", start)
    again_with_notice.move("s1", start + days(9), start - hours(1))
    again_with_notice.move("s1", start + days(12), start + days(2))
    move_late(again_with_notice, NOW - days(12))
    yield
    assert often.health(NOW).points("late_reschedules") == {}
    assert again_with_notice.health(NOW).points("late_reschedules") == {"mentee": 20}


@told
def test_lateness_is_measured_against_the_start_that_a_session_then_had(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE)
    for number in range(2):
        start = NOW - days(40 - 14 * number)
        story.schedule(f"s{number}", start, when=start - days(5))
        story.move(f"s{number}", start + days(7), start - days(3))
        story.move(f"s{number}", start + days(8), start - hours(1))
    yield
    assert story.health(NOW).points("late_reschedules") == {}


@told
def test_each_party_answers_for_its_own_late_moves(world: World) -> Telling:
    cases = [
        (["mentee", "mentor"], {}),
        (["mentee", "mentee", "mentor", "mentor"], {"mentee": 20, "mentor": 20}),
        (["mentee", "mentee", "mentee", "mentor"], {"mentee": 25}),
        (["coordinator", "coordinator"], {}),
        (["service", "supplier"], {}),
    ]
    stories = [world.active("pentalog", since=SINCE) for _ in cases]
    for story, (movers, _) in zip(stories, cases, strict=True):
        for number, role in enumerate(movers):
            move_late(story, NOW - days(60 - 5 * number), role)
    excused = world.active("pentalog", since=SINCE)
    move_late(excused, NOW - days(20), cause="illness")
    move_late(excused, NOW - days(15), cause="supplier", cancel=True)
    move_late(excused, NOW - days(10), cause="work")
    yield
    got = [story.health(NOW).points("late_reschedules") for story in stories]
    assert list(zip([movers for movers, _ in cases], got, strict=True)) == cases
    assert excused.health(NOW).points("late_reschedules") == {}


@told
@pytest.mark.clause("pentalog.late-reschedules", "leapfrog.notice")
def test_late_moves_name_the_clauses_of_the_adopted_codes_and_their_events(world: World) -> Telling:
    expected = {
        ("pentalog",): {"pentalog.late-reschedules"},
        ("leapfrog",): {"leapfrog.notice"},
        ("pentalog", "leapfrog"): {"pentalog.late-reschedules", "leapfrog.notice"},
        ("cmn",): set(),
    }
    stories, moves = {}, {}
    for codes in expected:
        stories[codes] = world.active(*codes, since=SINCE)
        moves[codes] = [move_late(stories[codes], NOW - days(number)) for number in (20, 10)]
    yield
    for codes, clauses in expected.items():
        signal = stories[codes].health(NOW).of("late_reschedules")
        assert set(signal["clauses"]) == clauses
        assert {version for sent in moves[codes] for version in world.versions(sent)} <= set(signal["evidence"])


# -- homework_shortfall


def homework(story: Story, worked: list[float | None], last: datetime = LAST) -> None:
    """Sessions a week apart, each with homework; reported the day after unless the hours are unknown."""
    for number, (start, spent) in enumerate(zip(weekly(len(worked), last), worked, strict=True)):
        story.held(f"s{number}", start)
        story.say("AssignHomework", "mentor", homework_id=f"h{number}", session_id=f"s{number}", description="Read")
        if spent is not None:
            story.say("ReportHomework", when=start + days(1), homework_id=f"h{number}", hours=spent, done=True)


@told
@pytest.mark.clause("pentalog.homework")
def test_the_mean_of_homework_under_three_hours_costs_8_and_under_two_15(world: World) -> Telling:
    cases: list[tuple[list[float | None], dict[str, int]]] = [
        ([0], {}),
        ([4, 4], {}),
        ([3, 3], {}),
        ([2.9, 3], {"mentee": 8}),
        ([2, 2], {"mentee": 8}),
        ([1.9, 2], {"mentee": 15}),
        ([8, 0], {}),
        ([5, 0.5], {"mentee": 8}),
        # A session has had its time when its homework is reported or a later one is completed.
        ([None, None], {}),
        ([None, None, None], {"mentee": 15}),
        ([None, 4], {"mentee": 8}),
        ([4, 4, None], {}),
        ([0, None], {}),
        # Of those, the last five.
        ([20, 1, 1, 1, 1, 1], {"mentee": 15}),
        ([0, 4, 4, 4, 4, 4], {}),
        ([0, 0, 4, 4, 4, None], {"mentee": 8}),
    ]
    stories = [world.active("pentalog", since=SINCE) for _ in cases]
    for story, (worked, _) in zip(stories, cases, strict=True):
        homework(story, worked)
    yield
    got = [story.health(NOW).points("homework_shortfall") for story in stories]
    assert list(zip([worked for worked, _ in cases], got, strict=True)) == cases


@told
def test_hours_belong_to_the_session_whose_homework_it_was(world: World) -> Telling:
    two_pieces, told_later = (world.active("pentalog", since=SINCE) for _ in range(2))
    for number, start in enumerate(weekly(2)):
        two_pieces.held(f"s{number}", start)
        for piece in ("a", "b"):
            name = f"h{number}{piece}"
            two_pieces.say("AssignHomework", homework_id=name, session_id=f"s{number}", description="Read")
            two_pieces.say("ReportHomework", when=start + days(1), homework_id=name, hours=1.5, done=True)
    # Ten hours for the first of seven sessions, told after the last: outside the last five.
    homework(told_later, [None] * 7)
    told_later.say("ReportHomework", when=NOW - days(1), homework_id="h0", hours=30, done=True)
    yield
    assert two_pieces.health(NOW).points("homework_shortfall") == {}
    assert told_later.health(NOW).points("homework_shortfall") == {"mentee": 15}


# -- no_show


@told
@pytest.mark.clause("leapfrog.notice")
def test_a_no_show_costs_10_and_two_running_25(world: World) -> Telling:
    a, b = PARTIES
    # One character a session: a mentee missed, b mentor missed, 2 both missed, . held, x cancelled.
    cases = {
        "a": {a: 10},
        "b": {b: 10},
        "2": {a: 10, b: 10},
        "aa": {a: 25},
        "bb": {b: 25},
        "a.a": {a: 10},
        "axa": {a: 25},
        "ab": {a: 10, b: 10},
        "a2": {a: 25, b: 10},
        "22": {a: 25, b: 25},
        "aab": {a: 25, b: 10},
        "aa.": {a: 25},
        "a.": {a: 10},
        ".": {},
    }
    absent = {"a": ("mentee",), "b": ("mentor",), "2": PARTIES}
    stories = {}
    for pattern in cases:
        stories[pattern] = story = world.active("leapfrog", since=SINCE)
        for number, (start, sign) in enumerate(zip(weekly(len(pattern)), pattern, strict=True)):
            if sign == ".":
                story.held(f"s{number}", start)
            elif sign == "x":
                story.schedule(f"s{number}", start)
                story.cancel(f"s{number}", start - days(2))
            else:
                story.missed(f"s{number}", start, *absent[sign])
    yield
    assert {pattern: stories[pattern].health(NOW).points("no_show") for pattern in cases} == cases
    assert stories["a"].health(NOW).of("no_show")["clauses"] == ["leapfrog.notice"]


@told
def test_no_shows_count_within_90_days_also_for_two_running(world: World) -> Telling:
    within, gone, half_gone = (world.active("pentalog", since=SINCE) for _ in range(3))
    within.missed("s1", NOW - days(89), "mentee")
    gone.missed("s1", NOW - days(91), "mentee")
    half_gone.missed("s1", NOW - days(91), "mentee")
    half_gone.missed("s2", NOW - days(80), "mentee")
    yield
    assert within.health(NOW).points("no_show") == {"mentee": 10}
    assert gone.health(NOW).points("no_show") == {}
    assert half_gone.health(NOW).points("no_show") == {"mentee": 10}
    assert within.health(NOW).of("no_show")["clauses"] == []


@told
def test_two_running_are_neighbours_in_order_of_start_however_late_they_are_told(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    starts = weekly(3)
    for number, start in enumerate(starts):
        story.schedule(f"s{number}", start, when=SINCE + hours(number))
    for number in (0, 2):
        story.say("RecordNoShow", "service", starts[number] + hours(1), session_id=f"s{number}", absent=["mentee"])
    story.complete("s1", starts[1])
    yield
    assert story.health(NOW).points("no_show") == {"mentee": 10}


# -- unpunctual


@told
@pytest.mark.clause("pentalog.punctuality", "mentor247.punctuality")
def test_more_than_five_minutes_late_in_two_of_the_last_three_sessions_cost_5(world: World) -> Telling:
    late, just, early = minutes(5) + seconds(1), minutes(5), -minutes(10)
    cases: list[tuple[list[Any], int]] = [
        ([late], 0),
        ([late, late], 5),
        ([just, just, just], 0),
        ([late, early, late], 5),
        ([late, late, early], 5),
        ([late, late, early, early], 0),
        ([late, just, just], 0),
    ]
    stories = {}
    for party in PARTIES:
        for number, (delays, _) in enumerate(cases):
            stories[party, number] = story = world.active("pentalog", "mentor247", since=SINCE)
            for name, (start, delay) in enumerate(zip(weekly(len(delays)), delays, strict=True)):
                joined = {**dict.fromkeys(PARTIES, start - minutes(6)), party: start + delay}
                story.held(f"s{name}", start, joined=joined)
    yield
    for (party, number), story in stories.items():
        expected = {party: cases[number][1]} if cases[number][1] else {}
        assert story.health(NOW).points("unpunctual") == expected, (party, number)
    mentee, mentor = (stories[party, 1].health(NOW).of("unpunctual")["clauses"] for party in PARTIES)
    assert mentee == ["pentalog.punctuality"]
    assert set(mentor) == {"pentalog.punctuality", "mentor247.punctuality"}


@told
def test_lateness_at_a_session_is_measured_against_its_scheduled_start(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE)
    for number, start in enumerate(weekly(2)):
        begun = start + minutes(10)
        story.held(f"s{number}", start, started_at=begun, joined={"mentee": begun, "mentor": start})
    yield
    assert story.health(NOW).points("unpunctual") == {"mentee": 5}


# -- terms


@told
def test_a_document_may_set_every_number_of_a_partys_signals(world: World) -> Telling:
    def active(**terms: float) -> Story:
        return world.active("pentalog", since=SINCE, programme_id=world.programme(**terms))

    notice = active(late_notice_hours=48, points_late_reschedules=7)
    for number in range(2):
        move_late(notice, NOW - days(30 - 10 * number), notice=hours(47))
    window = active(late_window_days=20)
    for ago in (30, 10):
        move_late(window, NOW - days(ago), "mentor")
    window.missed("missed", NOW - days(21), "mentee")
    steps = active(points_late_reschedules=4, points_late_reschedules_each=3, points_late_reschedules_max=9)
    for number in range(4):
        move_late(steps, NOW - days(40 - 5 * number))
    hard_worker = active(homework_hours_per_session=2, points_homework_shortfall_mild=3)
    homework(hard_worker, [1.5, 1.5])
    lazy = active(homework_hours_per_session=10, points_homework_shortfall=44)
    homework(lazy, [4.9, 4.9])
    punctual = active(punctuality_minutes=15, points_unpunctual=9)
    for number, start in enumerate(weekly(3)):
        joined = {"mentee": start + minutes(15), "mentor": start + minutes(15) + seconds(1)}
        punctual.held(f"s{number}", start, joined=joined)
    aimless = active(no_goal_days=3, points_no_goal=1)
    aimless.held("s1", NOW - days(20))
    aimless.say("DropGoal", when=NOW - days(3), goal_id="g1", reason="Changed jobs")
    yield
    assert notice.health(NOW).points("late_reschedules") == {"mentee": 7}
    assert window.health(NOW).points("late_reschedules") == {}
    assert window.health(NOW).points("no_show") == {}
    assert steps.health(NOW).points("late_reschedules") == {"mentee": 9}
    assert hard_worker.health(NOW).points("homework_shortfall") == {}
    assert lazy.health(NOW).points("homework_shortfall") == {"mentee": 44}
    assert punctual.health(NOW).points("unpunctual") == {"mentor": 9}
    assert aimless.health(NOW).points("no_goal") == {}
    assert aimless.health(AFTER).points("no_goal") == {"mentee": 1}


@told
def test_all_that_these_stories_tell_is_accepted(world: World) -> Telling:
    yield
    assert world.accepted(*range(len(world.receipts)))
