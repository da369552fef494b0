"""Commitment health: sessions moved often, and moved or cancelled late."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.e2e.contract.health import AFTER, LAST, NOW, SINCE, weekly
from tests.e2e.contract.outside import at, days, hours, minutes, seconds
from tests.e2e.contract.story import PARTIES, Story, World
from tests.e2e.contract.telling import Telling, told

BEGINS = at("2026-01-05 09:00")
CLOCK = at("2026-07-01 12:00")
AN_HOUR = hours(1)


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


@told
def test_a_document_may_set_the_notice_the_window_and_the_points_of_late_moves(world: World) -> Telling:
    def active(**terms: float) -> Story:
        return world.active("pentalog", since=SINCE, programme_id=world.programme(**terms))

    notice = active(late_notice_hours=48, points_late_reschedules=7)
    for number in range(2):
        move_late(notice, NOW - days(30 - 10 * number), notice=hours(47))
    window = active(late_window_days=20)
    for ago in (30, 10):
        move_late(window, NOW - days(ago), "mentor")
    steps = active(points_late_reschedules=4, points_late_reschedules_each=3, points_late_reschedules_max=9)
    for number in range(4):
        move_late(steps, NOW - days(40 - 5 * number))
    yield
    assert notice.health(NOW).points("late_reschedules") == {"mentee": 7}
    assert window.health(NOW).points("late_reschedules") == {}
    assert steps.health(NOW).points("late_reschedules") == {"mentee": 9}


@told
def test_all_that_these_stories_tell_is_accepted(world: World) -> Telling:
    yield
    assert world.accepted(*range(len(world.receipts)))
