"""Messages that arrive late: as of a time, what had occurred by then counts, in the order in which it was told."""

import pytest

from domain.commitment import Facts, fold
from domain.commitment.course import Clock
from domain.relationship.events import GoalDropped, TrustBreakdownReported, TrustRestored
from tests.domain.commitment.story import HOUR, MINUTE, TICK, Story, day


def begun() -> Story:
    return Story().goal().active()


def test_a_report_that_arrives_late_changes_the_past_as_it_happened_and_not_as_it_was_known() -> None:
    story = begun().contact(10).contact(20)
    known, by_then = story.health(15), len(story.log)
    story.tell(TrustBreakdownReported(description="d"), 12)
    assert (known.score, story.health(15).score, story.health(11.9).score) == (90, 50, 90)
    facts = None
    for recorded in story.log[:by_then]:
        facts = fold(facts, recorded)
    story.facts = facts or Facts()
    assert story.health(15) == known


def test_what_is_told_last_settles_what_was_told_before_even_if_it_occurred_earlier() -> None:
    story = begun().tell(TrustBreakdownReported(description="d"), 8).tell(TrustRestored(settled=True), 6)
    assert [story.health(at).score for at in (5, 6, 8, 9)] == [100, 100, 100, 100]
    other = begun().tell(TrustRestored(settled=True), 8).tell(TrustBreakdownReported(description="d"), 6)
    assert [other.health(at).score for at in (5, 6, 8)] == [100, 60, 60]


@pytest.mark.clause("pentalog.hard-to-find-goal")
def test_a_goal_dropped_late_has_been_closed_since_it_was() -> None:
    story = begun().held("s1", 1).contact(20).contact(29).tell(GoalDropped(goal_id="g1", reason="r"), 5)
    assert [story.points(at, "no_goal") for at in (day(19), day(19) + TICK, 30)] == [0, 15, 15]


@pytest.mark.clause("pentalog.punctuality")
def test_lateness_is_known_once_the_scheduled_start_is() -> None:
    story = begun()
    for i in range(2):
        session, start = f"s{i}", 3.0 + i
        story.scheduled(session, start, 6).held(session, start + 10 * MINUTE, joined={"mentor": 0}, told=start + HOUR)
    assert [story.points(at, "unpunctual", "mentor") for at in (5, 6, 7)] == [0, 5, 5]


def test_a_pause_told_late_freezes_the_score_of_its_own_time() -> None:
    story = begun().tell(TrustBreakdownReported(description="d"), 3).tell(TrustRestored(settled=True), 4)
    story.scheduled("s1", 8, 6).missed("s1", ("mentor",), 8)
    story.tell(TrustBreakdownReported(description="d"), 8).contact(9).paused(5)
    assert [story.health(at).score for at in (3, 4, 5, 8, 9, 20)] == [60, 100, 100, 60, 60, 60]
    at_once = begun().tell(TrustBreakdownReported(description="d"), 5).contact(9).paused(5)
    assert [at_once.health(at).score for at in (4, 5, 9)] == [100, 60, 60]


@pytest.mark.clause("pentalog.frequent-reschedules")
def test_a_pause_told_late_has_its_cancellations_with_it() -> None:
    story = begun()
    for i in range(3):
        story.scheduled(f"s{i}", 20 + i, 1).moved(f"s{i}", 30 + i, 2 + i / 10)
    for i in range(3, 6):
        story.scheduled(f"s{i}", 15 + i, 1)
    story.contact(9).paused(7, alone=True)
    for i in range(3, 6):
        story.cancelled(f"s{i}", 7, by_pause=True)
    assert [story.points(at, "frequent_reschedules") for at in (6, 7, 9, 12)] == [15, 0, 0, 0]


@pytest.mark.parametrize(
    "since, now, expected",
    [
        (0, 2, 2),
        (0, 5, 2),
        (0, 9, 3),
        (4, 6, 0),
        (5, 20, 8),
        (20, 5, -8),
        (8, 8, 0),
        (2, 8, 0),
        (3, 13, 2),
        (0, 25, 15),
    ],
)
@pytest.mark.parametrize(
    "pauses",
    [
        ((2, 8), (10, 14)),
        ((10, 14), (2, 8)),
        ((2, 5), (10, 14), (4, 8), (3, 4)),
        ((11, 12), (2, 8), (10, 14), (5, 5), (9, 1)),
        ((2, 3), (3, 8), (10, 12), (10, 14)),
    ],
)
def test_time_within_pauses_does_not_pass_however_they_overlap_and_in_whatever_order_they_are_told(
    pauses: tuple[tuple[int, int], ...], since: int, now: int, expected: int
) -> None:
    clock = Clock()
    clock.add(1, 99)
    for start, end in pauses:
        clock.add(start, end)
        clock.elapsed(since, now)
    clock.remove(1, 99)
    assert clock.elapsed(since, now) == expected
