"""Contracting, pauses, the end: when there is a score, when it stands still, and which days count."""

from datetime import timedelta

import pytest

from domain.model import Event
from domain.relationship.events import (
    DisrespectReported,
    DisrespectResolved,
    TrustBreakdownReported,
    TrustReadinessStated,
    TrustRestored,
)
from tests.domain.commitment.story import TICK, Story, day, setting


def begun() -> Story:
    return Story().goal().active()


def test_there_is_no_score_while_contracting_nor_after_termination() -> None:
    story = Story().goal().active(1).tell(TrustBreakdownReported(description="d"), 2).terminated(3)
    for at in (-40.0, -1.0, 0.9, 3.0, 100.0):
        health = story.health(at)
        assert (health.score, health.band, health.mentee_score, health.mentor_score) == (None, None, None, None)
        assert (health.signals, health.next_change_at, health.refresh_at) == ((), None, None)
        assert (health.policy, health.as_of) == ("commitment-health/2", day(at))
    assert [story.health(at).status for at in (-40, 0, 1, 3)] == [None, "contracting", "active", "terminated"]
    assert (story.health(1).score, story.health(1).band) == (100, "healthy")


@pytest.mark.clause("pentalog.off-goal", "pentalog.no-progress", "pentalog.homework", "pentalog.punctuality")
def test_sessions_completed_while_contracting_count_for_no_signal() -> None:
    story = Story()
    for i in range(4):
        session, start = f"s{i}", -20.0 + 3 * i
        story.scheduled(session, start - 1, start - 3).moved(session, start, start - 1.1)
        story.held(session, start, status="contracting", progress=None, hours=None, joined={"mentee": 9, "mentor": 9})
    story.active()
    assert story.health(9).signals == ()
    assert [one.signal for one in story.health(60).signals] == ["no_next_session", "out_of_contact"]


@pytest.mark.clause("pentalog.late-reschedules", "leapfrog.notice")
def test_other_things_that_happened_while_contracting_do_count() -> None:
    story = Story().goal()
    for i in range(2):
        story.scheduled(f"s{i}", -10 + i, -20).cancelled(f"s{i}", -10.5 + i, "mentor")
    story.scheduled("s3", -5, -20).missed("s3", ("mentee",), -5).active()
    assert story.points(1, "late_reschedules", "mentor") == 20
    assert story.points(1, "no_show", "mentee") == 10


# --- pauses --------------------------------------------------------------------------------------------------------
@pytest.mark.clause("nottingham.regular-contact", "pentalog.next-session")
def test_while_paused_the_score_is_frozen_and_nothing_lies_ahead() -> None:
    story = begun().scheduled("s1", 3, 1).missed("s1", ("mentor",), 3).paused(8)
    for at in (8, 20, 500):
        health = story.health(at)
        assert (health.status, health.score, health.band) == ("paused", 90, "healthy")
        assert [one.signal for one in health.signals] == ["no_show"]
        assert (health.next_change_at, health.refresh_at) == (None, None)


def test_what_holds_at_the_pause_holds_on_and_what_was_about_to_does_not_begin() -> None:
    assert begun().paused(10).health(40).score == 90
    assert begun().paused(9.999).health(40).score == 100


def test_facts_told_during_a_pause_count_from_resumption() -> None:
    story = begun().held("s1", 1).scheduled("s2", 2, 1).paused(4).missed("s2", ("mentor",), 5)
    assert [story.health(at).score for at in (4, 6, 50)] == [100, 100, 100]
    assert [story.resumed(60).health(at).score for at in (59, 60)] == [100, 90]


@pytest.mark.clause("pentalog.trust", "pentalog.respect", "leapfrog.respect")
@pytest.mark.parametrize(
    "report, restored",
    [
        (TrustBreakdownReported(description="d"), TrustRestored()),
        (DisrespectReported(against="mentor", description="d"), DisrespectResolved(resolution="r")),
        (TrustReadinessStated(ready=False), TrustReadinessStated(ready=True)),
    ],
)
def test_broken_trust_and_disrespect_come_and_go_at_once_while_paused_with_their_points(
    report: Event, restored: Event
) -> None:
    story = begun().held("s1", 1).scheduled("s2", 2, 1).missed("s2", ("mentor",), 3).paused(4)
    by = "mentee"
    story.tell(report, 5, by).tell(restored, 7, "hr" if isinstance(restored, DisrespectResolved) else by)
    stands = [(story.health(at).score, story.health(at).band) for at in (4, 5, 6.9, 7, 8)]
    assert stands == [
        (90, "healthy"),
        (50, "critical"),
        (50, "critical"),
        (90, "healthy"),
        (90, "healthy"),
    ]
    signals = story.health(6).signals
    assert [one.evidence for one in signals if one.points == 40] == [(story.told - 1,)]
    assert story.health(5).next_change_at is None
    story.resumed(10)
    assert [story.health(at).score for at in (9, 10, 11)] == [90, 90, 90]


@pytest.mark.clause("pentalog.trust")
def test_critical_while_paused_stays_critical_after_resumption_as_long_as_the_report_stands() -> None:
    story = begun().held("s1", 1).paused(4).tell(TrustBreakdownReported(description="d"), 5).resumed(7)
    assert [story.health(at).band for at in (4, 5, 6, 7, 9)] == ["healthy", *["critical"] * 4]


def test_the_points_of_broken_trust_while_paused_are_those_in_force_at_the_time_asked_about() -> None:
    story = begun().held("s1", 1).paused(4).tell(TrustBreakdownReported(description="d"), 5)
    dear = [setting(6, "points_trust_breakdown", 70)]
    assert [story.health(at, dear).score for at in (5, 5.9, 6)] == [60, 60, 30]


def test_a_fact_from_before_the_pause_told_during_it_counts_from_resumption_too() -> None:
    story = begun().held("s1", 1, progress=None).scheduled("s2", 2, 1).paused(4).held("s2", 2, told=3.5, progress=None)
    assert story.points(3.6, "no_goal_progress") == 10
    assert [story.points(at, "no_goal_progress") for at in (4, 6)] == [0, 0]
    assert story.resumed(8).points(8, "no_goal_progress") == 10


def test_terms_set_while_paused_count_from_resumption() -> None:
    story = begun().scheduled("s1", 3, 1).missed("s1", ("mentor",), 3).paused(4).resumed(9)
    dear = [setting(5, "points_no_show", 30)]
    assert [story.health(at, dear).score for at in (3.5, 4, 6, 8.9, 9)] == [90, 90, 90, 90, 70]


@pytest.mark.clause("pentalog.frequent-reschedules", "pentalog.late-reschedules")
def test_sessions_cancelled_by_a_pause_are_among_the_due_and_moved_by_nobody() -> None:
    story = begun()
    for i in range(3):
        story.scheduled(f"s{i}", 20 + i, 1).moved(f"s{i}", 30 + i, 2 + i)
    for i in range(3, 6):
        story.scheduled(f"s{i}", 7.5 + i / 10, 1)
    assert story.points(6, "frequent_reschedules") == 15
    story.paused(7, alone=True)
    assert story.points(7, "frequent_reschedules") == 15
    for i in range(3, 6):
        story.cancelled(f"s{i}", 7, "mentee", by_pause=True)
    assert [story.points(at, "frequent_reschedules") for at in (6.9, 7, 8)] == [15, 0, 0]
    assert story.points(8, "late_reschedules") == 0
    assert story.resumed(9).points(9, "frequent_reschedules") == 0


@pytest.mark.clause(
    "nottingham.regular-contact", "pentalog.next-session", "pentalog.hard-to-find-goal", "leapfrog.notice"
)
@pytest.mark.parametrize(
    "signal, since, days, begins, at_once",
    [
        ("no_next_session", 3, 14, True, True),
        ("no_goal", 0, 14, True, False),
        ("no_show", 3, 90, False, False),
        ("late_reschedules", 3, 90, False, False),
    ],
)
def test_days_in_gaps_and_windows_are_days_outside_pauses(
    signal: str, since: float, days: float, begins: bool, at_once: bool
) -> None:
    story = Story().active().held("s0", 1).scheduled("s1", 3, 1).scheduled("s2", 3.1, 1).scheduled("s3", 3.2, 1)
    story.cancelled("s1", 3).cancelled("s2", 3).missed("s3", ("mentor",), 3)
    if signal == "no_next_session":
        since = 3.2
    story.paused(5).resumed(12).paused(13).resumed(16)
    edge = day(since) + timedelta(days=days + 10)
    before, after = (edge - TICK, edge) if at_once else (edge, edge + TICK)
    assert [story.points(at, signal) > 0 for at in (before, after)] == ([False, True] if begins else [True, False])
    assert story.points(4.9, signal) == (0 if begins else story.points(16, signal))


@pytest.mark.clause("nottingham.regular-contact")
def test_out_of_contact_counts_from_resumption() -> None:
    story = begun().contact(4).paused(5).resumed(12)
    assert [story.points(at, "out_of_contact") for at in (day(42), day(42) + TICK)] == [0, 15]
    told_meanwhile = begun().paused(5).contact(7).resumed(12)
    assert [told_meanwhile.points(at, "out_of_contact") for at in (day(42), day(42) + TICK)] == [0, 15]


@pytest.mark.clause("pentalog.next-session")
def test_a_session_cancelled_by_a_pause_has_its_start_as_its_time_even_within_or_after_the_pause() -> None:
    within = begun().scheduled("s1", 8, 1).paused(5).resumed(12)
    assert [within.points(at, "no_next_session") for at in (day(26) - TICK, day(26))] == [0, 10]
    after = begun().scheduled("s1", 20, 1).paused(5).resumed(12)
    assert [after.points(at, "no_next_session") for at in (day(34) - TICK, day(34))] == [0, 10]
