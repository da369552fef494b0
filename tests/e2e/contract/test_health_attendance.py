"""Commitment health: homework, no-shows and punctuality."""

from datetime import datetime
from typing import Any

import pytest

from tests.e2e.contract.health import LAST, NOW, SINCE, weekly
from tests.e2e.contract.outside import at, days, hours, minutes, seconds
from tests.e2e.contract.story import PARTIES, Story, World
from tests.e2e.contract.telling import Telling, told

BEGINS = at("2026-01-05 09:00")
CLOCK = at("2026-07-01 12:00")


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
    assert stories["a"].health(NOW).of("no_show")["clauses"] == ["leapfrog.notice", "leapfrog.time"]


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


@told
def test_a_document_may_set_the_numbers_of_homework_no_shows_and_punctuality(world: World) -> Telling:
    def active(**terms: float) -> Story:
        return world.active("pentalog", since=SINCE, programme_id=world.programme(**terms))

    hard_worker = active(homework_hours_per_session=2, points_homework_shortfall_mild=3)
    homework(hard_worker, [1.5, 1.5])
    lazy = active(homework_hours_per_session=10, points_homework_shortfall=44)
    homework(lazy, [4.9, 4.9])
    forgiven, blamed = active(late_window_days=20), active(points_no_show=3, points_no_show_running=31)
    forgiven.missed("s1", NOW - days(21), "mentee")
    for number, start in enumerate(weekly(2)):
        blamed.missed(f"s{number}", start, "mentee")
    punctual = active(punctuality_minutes=15, points_unpunctual=9)
    for number, start in enumerate(weekly(3)):
        joined = {"mentee": start + minutes(15), "mentor": start + minutes(15) + seconds(1)}
        punctual.held(f"s{number}", start, joined=joined)
    yield
    assert hard_worker.health(NOW).points("homework_shortfall") == {}
    assert lazy.health(NOW).points("homework_shortfall") == {"mentee": 44}
    assert forgiven.health(NOW).points("no_show") == {}
    assert blamed.health(NOW).points("no_show") == {"mentee": 31}
    assert punctual.health(NOW).points("unpunctual") == {"mentor": 9}


@told
def test_all_that_these_stories_tell_is_accepted(world: World) -> Telling:
    yield
    assert world.accepted(*range(len(world.receipts)))
