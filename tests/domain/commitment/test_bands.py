"""Bands and their hysteresis, terms and what-if values, the next change, the changes passed on the way."""

from datetime import timedelta

import pytest

from domain.commitment import Change, TermsInTime, bands, terms_in_time
from domain.commitment.policy import Band, band_after
from domain.relationship.events import DisrespectReported, DisrespectResolved, TrustBreakdownReported, TrustRestored
from domain.terms import DEFAULTS
from tests.domain.commitment.story import TICK, Story, day, setting

TERMS = terms_in_time().at(0)


def begun() -> Story:
    return Story().goal().active()


@pytest.mark.parametrize(
    "score, band",
    [
        (100, "healthy"),
        (80, "healthy"),
        (79, "watch"),
        (60, "watch"),
        (59, "at_risk"),
        (40, "at_risk"),
        (39, "critical"),
        (0, "critical"),
    ],
)
def test_the_first_band_is_that_of_the_score_and_a_band_worsens_at_once(score: int, band: Band) -> None:
    assert band_after(None, score, TERMS, forced=False) == band
    assert band_after("healthy", score, TERMS, forced=False) == band


@pytest.mark.parametrize(
    "before, score, band",
    [
        ("healthy", 80, "healthy"),
        ("watch", 80, "watch"),
        ("watch", 84, "watch"),
        ("watch", 85, "healthy"),
        ("watch", 60, "watch"),
        ("watch", 59, "at_risk"),
        ("at_risk", 64, "at_risk"),
        ("at_risk", 65, "watch"),
        ("at_risk", 79, "watch"),
        ("at_risk", 84, "watch"),
        ("at_risk", 85, "healthy"),
        ("critical", 40, "critical"),
        ("critical", 44, "critical"),
        ("critical", 45, "at_risk"),
        ("critical", 64, "at_risk"),
        ("critical", 65, "watch"),
        ("critical", 84, "watch"),
        ("critical", 100, "healthy"),
    ],
)
def test_a_band_improves_only_five_points_above_its_threshold(before: Band, score: int, band: Band) -> None:
    assert band_after(before, score, TERMS, forced=False) == band
    assert band_after(band, score, TERMS, forced=False) == band
    assert band_after(before, score, TERMS, forced=True) == "critical"


@pytest.mark.clause("pentalog.trust", "pentalog.respect")
def test_a_forced_critical_is_the_band_before() -> None:
    points = {"points_trust_breakdown": 20.0, "points_no_show": 16.0}
    story = begun().scheduled("s1", 2, 1).missed("s1", ("mentee",), 2)
    assert (story.health(2, overrides=points).score, story.health(2, overrides=points).band) == (84, "healthy")
    story.tell(TrustBreakdownReported(description="d"), 3).tell(TrustRestored(settled=True), 4)
    assert [story.health(at, overrides=points).band for at in (2, 3, 4)] == ["healthy", "critical", "watch"]
    assert story.health(4, overrides=points | {"points_no_show": 15}).band == "healthy"


def test_time_alone_walks_the_bands() -> None:
    story = (
        begun().scheduled("s1", 2, 1).missed("s1", ("mentee",), 2).scheduled("s2", 3, 1).missed("s2", ("mentee",), 3)
    )
    story.contact(30).contact(60).contact(89).scheduled("s3", 200, 90)
    # Two running cost 25, nothing scheduled from day 17 on 10 more; after day 92 only one of them is in the window.
    assert [(story.health(at).score, story.health(at).band) for at in (3, 16.9, 17, 90, 92)] == [
        (75, "watch"),
        (75, "watch"),
        (65, "watch"),
        (75, "watch"),
        (75, "watch"),
    ]
    assert (story.health(day(92) + TICK).score, story.health(day(92) + TICK).band) == (90, "healthy")


def test_several_events_of_one_moment_count_together() -> None:
    story = begun()
    story.tell(TrustBreakdownReported(description="d"), 3).tell(TrustRestored(settled=True), 3)
    assert bands(story.facts, day(9)) == (Change(day(0), 100, "healthy"),)
    story.tell(DisrespectReported(against="mentee", description="d"), 5)
    assert bands(story.facts, day(9))[1:] == (Change(day(5), 60, "critical"),)
    story.tell(DisrespectResolved(resolution="r"), 5)
    assert len(bands(story.facts, day(9))) == 1


def test_bands_are_every_change_of_score_and_band_with_its_time() -> None:
    story = begun().scheduled("s1", 2, 1).missed("s1", ("mentor",), 2).paused(20).resumed(30).terminated(140)
    assert bands(story.facts, day(150)) == (
        Change(day(0), 100, "healthy"),
        Change(day(2), 90, "healthy"),
        Change(day(16), 80, "healthy"),
        Change(day(60) + TICK, 65, "watch"),
        Change(day(102) + TICK, 75, "watch"),
        Change(day(140), None, None),
    )
    assert bands(story.facts, day(16) - TICK) == bands(story.facts, day(150))[:2]


# --- terms ---------------------------------------------------------------------------------------------------------
def test_a_setting_counts_from_its_own_time_on_and_moves_score_and_band() -> None:
    story = begun().scheduled("s1", 2, 1).missed("s1", ("mentor",), 2).scheduled("s2", 60, 3)
    settings = [setting(5, "points_no_show", 25), setting(7, "band_watch", 76), setting(9, "points_no_show", 10)]
    seen = [(story.health(at, settings).score, story.health(at, settings).band) for at in (4, 5, 6.9, 7, 9)]
    assert seen == [(90, "healthy"), (75, "watch"), (75, "watch"), (75, "at_risk"), (90, "healthy")]
    assert [change.at for change in bands(story.facts, day(10), settings)] == [day(0), day(2), day(5), day(7), day(9)]


@pytest.mark.clause("pentalog.prevalence")
def test_the_higher_document_wins_whenever_it_was_signed() -> None:
    story = begun().scheduled("s1", 2, 1).missed("s1", ("mentor",), 2)
    settings = [setting(3, "points_no_show", 30, "master_agreement"), setting(4, "points_no_show", 50)]
    assert [story.health(at, settings).score for at in (2, 3, 4)] == [90, 70, 70]


@pytest.mark.clause("pentalog.late-reschedules")
def test_what_if_values_replace_the_terms_outright_and_at_every_time() -> None:
    story = begun()
    for i in range(2):
        story.scheduled(f"s{i}", 10 + i, 1).cancelled(f"s{i}", 8.5 + i)
    settings = [setting(3, "late_notice_hours", 12, "master_agreement")]
    assert story.health(11, settings).score == 100
    assert story.health(11, settings, {"late_notice_hours": 48}).score == 80
    terms = TermsInTime(settings)
    assert terms_in_time(terms, {"punctuality_minutes": 48}).at(0).punctuality == 48 * 60_000_000
    assert terms_in_time(terms) is terms


@pytest.mark.parametrize("value, score", [(7, 93), (7.4, 93), (7.5, 92), (0, 100), (100, 0)])
def test_scores_are_whole_and_never_below_zero(value: float, score: int) -> None:
    story = begun().scheduled("s1", 2, 1).missed("s1", ("mentor",), 2)
    assert story.health(3, overrides={"points_no_show": value}).score == score
    worse = story.tell(TrustBreakdownReported(description="d"), 3)
    assert worse.health(3, overrides={"points_no_show": value}).score == max(0, score - 40)


POINTS = {name: 37.0 for name in DEFAULTS if name.startswith("points_")}


def test_a_signal_without_points_is_still_shown_and_still_forces() -> None:
    story = begun().tell(TrustBreakdownReported(description="d"), 3)
    health = story.health(3, overrides=dict.fromkeys(POINTS, 0))
    assert (health.score, health.band, len(health.signals)) == (100, "critical", 1)


# --- what lies ahead -----------------------------------------------------------------------------------------------
def test_the_next_change_is_the_next_time_at_which_the_score_changes_by_itself() -> None:
    story = begun()
    assert story.health(1).next_change_at == day(10)
    assert story.health(10).next_change_at == day(30) + TICK
    assert story.health(day(30) + TICK).next_change_at is None
    story.scheduled("s1", 20, 1)
    assert story.health(1).next_change_at == day(21) + timedelta(hours=1)
    assert story.health(0.5).next_change_at == day(10)


def test_a_change_of_one_party_that_leaves_the_score_alone_is_only_a_refresh() -> None:
    story = (
        begun().scheduled("s1", 2, 1).missed("s1", ("mentor",), 2).scheduled("s2", 3, 1).missed("s2", ("mentee",), 3)
    )
    story.scheduled("s3", 300, 4).contact(30).contact(60).contact(90)
    health = story.health(91.5)
    assert (health.score, health.mentee_score, health.mentor_score) == (90, 90, 90)
    assert (health.next_change_at, health.refresh_at) == (day(93) + TICK, day(92) + TICK)
    after = story.health(day(92) + TICK)
    assert (after.score, after.mentee_score, after.mentor_score) == (90, 90, 100)


@pytest.mark.clause("pentalog.late-reschedules")
def test_the_cap_hides_the_first_late_move_to_leave_the_window() -> None:
    story = begun()
    for i in range(5):
        story.scheduled(f"s{i}", 10 + i, 1).cancelled(f"s{i}", 10 + i)
    story.scheduled("s9", 300, 20)
    for i in range(20):
        story.contact(20 + 5 * i)
    health = story.health(99)
    assert (health.score, health.refresh_at, health.next_change_at) == (70, day(100) + TICK, day(101) + TICK)


def test_a_term_set_later_is_no_change_that_can_be_foreseen() -> None:
    story = begun()
    settings = [setting(5, "first_session_days", 7)]
    assert story.health(1, settings).next_change_at == day(10)
    assert story.health(5, settings).next_change_at == day(7)
    assert story.health(8, settings).score == 90


def test_a_gap_beyond_the_calendar_never_ends() -> None:
    health = begun().health(1, overrides={"first_session_days": 1e12, "contact_gap_days": 1e300})
    assert (health.score, health.next_change_at) == (100, None)
    assert begun().health(1, overrides={"contact_gap_days": 0}).score == 85
    assert begun().health(day(0), overrides={"contact_gap_days": 0}).next_change_at == day(0) + timedelta(
        microseconds=1
    )
