"""Commitment health: scores, bands with their hysteresis, pauses, and the next change."""

from datetime import datetime, timedelta

import pytest

from tests.e2e.contract.health import NOW, SINCE, Health
from tests.e2e.contract.outside import at, days, hours, iso, minutes, seconds
from tests.e2e.contract.story import Story, World
from tests.e2e.contract.telling import Telling, told

BEGINS = at("2026-01-05 09:00")
CLOCK = at("2026-07-01 12:00")


def under(world: World, since: datetime, **terms: float) -> Story:
    """An active relationship, whose programme sets these terms, with a session in a far future."""
    story = world.active("pentalog", since=since, programme_id=world.programme(**terms))
    story.schedule("far", NOW + days(300), when=since)
    return story


def next_change(health: Health) -> datetime | None:
    found = health.row["next_change_at"]
    return None if found is None else datetime.fromisoformat(found)


def near(moment: datetime | None, expected: datetime) -> bool:
    """Within a second: whether "more than" begins at the instant or right after it is not for a clock to show."""
    return moment is not None and abs(moment - expected) <= timedelta(seconds=1)


# -- scores


@told
def test_a_new_relationship_is_healthy_at_100_under_the_first_policy(world: World) -> Telling:
    story = world.active("pentalog", since=NOW - days(1))
    yield
    health = story.health(NOW)
    assert {
        "relationship_id": story.subject,
        "policy": "commitment-health/2",
        "score": 100,
        "band": "healthy",
        "mentee_score": 100,
        "mentor_score": 100,
        "signals": [],
    }.items() <= health.row.items()
    assert datetime.fromisoformat(health.row["as_of"]) == NOW


@told
def test_the_score_is_the_lower_of_the_two_less_the_relationships_own_points(world: World) -> Telling:
    story = world.active("pentalog", since=NOW - days(40))
    for number, ago in enumerate((38, 36)):
        story.schedule(f"l{number}", NOW - days(ago), when=NOW - days(40))
        story.move(f"l{number}", NOW + days(90 + number), NOW - days(ago) - hours(1), "mentor")
    story.missed("s1", NOW - days(20), "mentee")
    yield
    health = story.health(NOW)
    assert {(one["signal"], one["points"]) for one in health.row["signals"]} == {
        ("late_reschedules", 20),
        ("no_show", 10),
        ("out_of_contact", 15),
    }
    assert (health.row["mentee_score"], health.row["mentor_score"], health.score) == (90, 80, 65)


@told
def test_no_score_falls_below_0(world: World) -> Telling:
    shared = world.active("pentalog", since=NOW - days(40))
    shared.say("ReportTrustBreakdown", when=NOW - days(1), description="Told others")
    shared.say("ReportDisrespect", against="mentor", description="Laughed")
    party = under(world, NOW - days(40), points_no_show=100, points_out_of_contact=30)
    party.missed("s1", NOW - days(2), "mentee")
    yield
    assert sum(one["points"] for one in shared.health(NOW).row["signals"]) == 105
    assert shared.health(NOW).score == 0
    assert (party.health(NOW).row["mentee_score"], party.health(NOW).row["mentor_score"]) == (0, 100)
    assert party.health(NOW).score == 0


@told
def test_there_is_no_score_in_contracting_and_after_the_end(world: World) -> Telling:
    contracting, ended = world.contracted("pentalog", when=SINCE), world.active("pentalog", since=SINCE)
    ended.missed("s1", NOW - days(9), "mentee")
    ended.terminate(NOW - days(1))
    yield
    for story in (contracting, ended):
        row = story.health(NOW).row
        names = ("score", "band", "mentee_score", "mentor_score", "next_change_at")
        assert [row[name] for name in names] == [None] * 5
    assert ended.health(NOW - days(2)).score is not None


@told
def test_every_point_lost_names_signal_party_clauses_and_evidence(world: World) -> Telling:
    story = world.active("pentalog", "leapfrog", since=SINCE)
    sent = story.missed("s1", NOW - days(2), "mentee")
    yield
    health = story.health(NOW)
    for one in health.row["signals"]:
        assert {"signal", "party", "points", "clauses", "evidence"} <= one.keys()
        assert one["evidence"]
    assert world.versions(sent)[0] in health.of("no_show")["evidence"]
    assert health.of("no_show")["party"] == "mentee"


@told
def test_health_of_one_is_its_row_of_the_list_and_without_a_time_it_is_now(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE)
    story.missed("s1", NOW - days(2), "mentee")
    yield
    rapport = world.rapport
    assert rapport.ask("health", story.subject, "--as-of", iso(NOW)) == story.health(NOW).row
    now = rapport.ask("health", story.subject)
    assert datetime.fromisoformat(now["as_of"]) == CLOCK
    assert {**now, "as_of": None} == {**story.health(CLOCK).row, "as_of": None}


# -- bands


@told
def test_the_bands_begin_at_80_60_and_40(world: World) -> Telling:
    expected = {
        100: "healthy",
        80: "healthy",
        79: "watch",
        60: "watch",
        59: "at_risk",
        40: "at_risk",
        39: "critical",
        0: "critical",
    }
    stories = {score: under(world, NOW - days(31), points_out_of_contact=100 - score) for score in expected}
    yield
    assert {score: story.health(NOW).score for score, story in stories.items()} == {score: score for score in expected}
    assert {score: story.health(NOW).band for score, story in stories.items()} == expected


def fallen_and_risen(world: World, start: int, fall: int, **terms: float) -> Story:
    """At `start` since a no-show 35 days ago, `fall` lower for a silence from 4 days ago, back since yesterday."""
    story = under(world, NOW - days(60), points_no_show=100 - start, points_out_of_contact=fall, **terms)
    story.say("RecordContact", when=NOW - days(34), channel="email")
    story.missed("s1", NOW - days(35), "mentee")
    story.say("RecordContact", when=NOW - days(1), channel="email")
    return story


@told
def test_a_band_worsens_at_once_and_improves_only_5_points_above_its_threshold(world: World) -> Telling:
    # Score before and after, the fall between: bands before, at the bottom, after.
    cases = {
        (80, 1): ("healthy", "watch", "watch"),
        (84, 5): ("healthy", "watch", "watch"),
        (85, 6): ("healthy", "watch", "healthy"),
        (80, 30): ("healthy", "at_risk", "watch"),
        (60, 1): ("watch", "at_risk", "at_risk"),
        (64, 5): ("watch", "at_risk", "at_risk"),
        (65, 6): ("watch", "at_risk", "watch"),
        (40, 1): ("at_risk", "critical", "critical"),
        (44, 5): ("at_risk", "critical", "critical"),
        (45, 6): ("at_risk", "critical", "at_risk"),
        (84, 50): ("healthy", "critical", "watch"),
        (90, 60): ("healthy", "critical", "healthy"),
        (64, 30): ("watch", "critical", "at_risk"),
    }
    stories = {case: fallen_and_risen(world, *case) for case in cases}
    yield
    for (score, fall), story in stories.items():
        walk = [story.health(when) for when in (NOW - days(5), NOW - days(2), NOW)]
        assert [health.score for health in walk] == [score, score - fall, score], (score, fall)
        assert tuple(health.band for health in walk) == cases[score, fall], (score, fall)


@told
def test_thresholds_and_hysteresis_are_terms(world: World) -> Telling:
    wider = fallen_and_risen(world, 89, 20, band_hysteresis=10)
    none = fallen_and_risen(world, 80, 20, band_hysteresis=0)
    lower = fallen_and_risen(world, 75, 1, band_healthy=75)
    yield
    assert wider.health(NOW).band == "watch"
    assert none.health(NOW).band == "healthy"
    assert [lower.health(when).band for when in (NOW - days(5), NOW - days(2), NOW)] == ["healthy", "watch", "watch"]


@told
@pytest.mark.clause("pentalog.trust", "pentalog.respect")
def test_an_open_breakdown_means_critical_whatever_the_score(world: World) -> Telling:
    trust, disrespect = (under(world, NOW - days(9), points_trust_breakdown=3, points_disrespect=0) for _ in range(2))
    trust.say("ReportTrustBreakdown", when=NOW - hours(5), description="Told others")
    trust.say("RestoreTrust", when=NOW - hours(1))
    disrespect.say("ReportDisrespect", when=NOW - hours(5), against="mentor", description="Laughed")
    disrespect.say("ResolveDisrespect", "hr", when=NOW - hours(1), resolution="Excused")
    watch_at_84 = fallen_and_risen(world, 84, 10)
    watch_at_84.say("ReportTrustBreakdown", when=NOW - hours(5), description="Told others")
    watch_at_84.say("RestoreTrust", when=NOW - hours(1))
    yield
    times = (NOW - hours(6), NOW - hours(2), NOW)
    assert [(trust.health(when).score, trust.health(when).band) for when in times] == [
        (100, "healthy"),
        (97, "critical"),
        (100, "healthy"),
    ]
    assert [disrespect.health(when).band for when in times] == ["healthy", "critical", "healthy"]
    assert [watch_at_84.health(when).band for when in times] == ["watch", "critical", "watch"]


@told
def test_time_alone_changes_bands(world: World) -> Telling:
    # No next session from the 10th day, out of contact after the 30th; two late moves leave the window on the 91st.
    story = world.active("pentalog", since=SINCE)
    for number in range(2):
        start = SINCE + days(1 + number)
        story.schedule(f"l{number}", start, when=SINCE)
        story.cancel(f"l{number}", start - hours(1))
    yield
    last = SINCE + days(2)
    walk = {
        last: (80, "healthy"),
        last + days(14): (70, "watch"),
        SINCE + days(31): (55, "at_risk"),
        SINCE + days(92): (75, "watch"),
    }
    assert {when: (story.health(when).score, story.health(when).band) for when in walk} == walk


# -- pauses


@told
def test_while_paused_the_score_is_frozen_and_no_time_counts(world: World) -> Telling:
    story = world.active("pentalog", since=NOW - days(60))
    story.held("s1", NOW - days(55))
    story.pause(NOW - days(50))
    story.resume(NOW - days(5))
    yield
    ended = NOW - days(55) + minutes(60)
    frozen = story.health(NOW - days(10))
    assert (frozen.score, frozen.band, frozen.row["signals"]) == (100, "healthy", [])
    assert next_change(frozen) is None
    # Five days less an hour before the pause, so nine and an hour are left of the fourteen.
    due = NOW - days(5) + (ended + days(14) - (NOW - days(50)))
    assert story.health(due - seconds(1)).cost("no_next_session") == 0
    assert story.health(due).cost("no_next_session") == 10
    assert near(next_change(story.health(NOW)), due)


@told
def test_a_signal_that_holds_at_the_pause_holds_while_paused(world: World) -> Telling:
    story = world.active("pentalog", since=NOW - days(60))
    story.pause(NOW - days(20))
    yield
    assert [story.health(when).score for when in (NOW - days(21), NOW - days(19), NOW)] == [75, 75, 75]
    assert [story.health(when).band for when in (NOW - days(21), NOW - days(19), NOW)] == ["watch"] * 3


@told
def test_broken_trust_told_while_paused_counts_at_once(world: World) -> Telling:
    still_paused, resumed = (world.active("pentalog", since=NOW - days(9)) for _ in range(2))
    for story in (still_paused, resumed):
        story.pause(NOW - days(5))
        story.say("ReportTrustBreakdown", when=NOW - days(3), description="Told others")
    resumed.resume(NOW - days(1))
    yield
    assert (still_paused.health(NOW - days(4)).score, still_paused.health(NOW - days(4)).band) == (100, "healthy")
    assert (still_paused.health(NOW).score, still_paused.health(NOW).band) == (60, "critical")
    assert (resumed.health(NOW - days(2)).score, resumed.health(NOW - days(2)).band) == (60, "critical")
    assert (resumed.health(NOW).score, resumed.health(NOW).band) == (60, "critical")


# -- the next change


@told
def test_the_next_change_is_when_the_score_changes_without_any_event(world: World) -> Telling:
    fresh = world.active("pentalog", since=NOW - days(1))
    waiting = world.active("pentalog", since=NOW - days(11))
    scheduled = world.active("pentalog", since=NOW - days(12))
    scheduled.schedule("s1", NOW + days(3), when=NOW - days(11))
    leaving = world.active("pentalog", since=NOW - days(70))
    for number, ago in enumerate((69, 60)):
        leaving.schedule(f"l{number}", NOW - days(ago) + hours(1), when=NOW - days(70))
        leaving.cancel(f"l{number}", NOW - days(ago))
    leaving.schedule("far", NOW + days(300), when=NOW - days(59))
    leaving.say("RecordContact", when=NOW - days(1), channel="email")
    critical = world.active("pentalog", since=NOW - days(40))
    yield
    assert near(next_change(fresh.health(NOW)), NOW + days(9))
    assert near(next_change(waiting.health(NOW)), NOW + days(19))
    # A session counts as scheduled until a day after its planned end.
    assert near(next_change(scheduled.health(NOW)), NOW + days(4) + hours(1))
    assert near(next_change(leaving.health(NOW)), NOW + days(21))
    # Everything that time can do has been done.
    assert next_change(critical.health(NOW)) is None


@told
def test_all_that_these_stories_tell_is_accepted(world: World) -> Telling:
    yield
    assert world.accepted(*range(len(world.receipts)))
