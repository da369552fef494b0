"""The signals of the relationship itself, each at its boundaries."""

from datetime import datetime, timedelta

import pytest

from domain.model import Event
from domain.relationship.events import (
    DisrespectReported,
    DisrespectResolved,
    RecommendationDismissed,
    TrustBreakdownReported,
    TrustRestored,
)
from tests.domain.commitment.story import HOUR, TICK, Story, day


def begun() -> Story:
    return Story().goal().active()


# --- no next session -----------------------------------------------------------------------------------------------
@pytest.mark.clause("pentalog.next-session")
@pytest.mark.parametrize("at, points", [(day(10) - TICK, 0), (day(10), 10), (day(11), 10)])
def test_the_first_session_is_missed_from_the_tenth_day_after_activation(at: datetime, points: int) -> None:
    story = begun()
    assert story.points(at, "no_next_session", "relationship") == points
    assert story.health(at).score == 100 - points
    assert all(one.evidence == (3,) for one in story.health(at).signals)


@pytest.mark.clause("pentalog.next-session")
@pytest.mark.parametrize("outcome", ["held", "missed", "cancelled", "cancelled early"])
def test_the_next_session_is_missed_from_the_fourteenth_day_after_the_time_of_the_last(outcome: str) -> None:
    story = begun().scheduled("s1", 5, 1)
    last = day(5)
    match outcome:
        case "held":
            story.held("s1", 5)
            last = day(5 + HOUR)
        case "missed":
            story.missed("s1", ("mentor",), 7)
        case "cancelled":
            story.cancelled("s1", 5.5)
        case _:
            story.cancelled("s1", 2)
    at = last + timedelta(days=14)
    assert [story.points(at - TICK, "no_next_session"), story.points(at, "no_next_session")] == [0, 10]


@pytest.mark.clause("pentalog.next-session")
def test_the_latest_of_the_sessions_counts_whenever_it_was_told() -> None:
    story = begun().scheduled("s1", 5, 1).scheduled("s2", 9, 1).missed("s2", ("mentee",), 9).held("s1", 5, told=9.5)
    assert [story.points(at, "no_next_session") for at in (day(23) - TICK, day(23))] == [0, 10]


@pytest.mark.clause("pentalog.next-session")
def test_a_session_without_an_outcome_counts_as_scheduled_until_outcome_hours_after_its_planned_end() -> None:
    story = begun().scheduled("s1", 40, 9)
    over = day(41 + HOUR)
    assert [story.points(at, "no_next_session") for at in (12, day(40), over - TICK, over, 42)] == [0, 0, 0, 10, 10]
    assert story.points(day(40 + HOUR) + 2 * TICK, "no_next_session", outcome_hours=0) == 10
    story.held("s1", 40, told=43)
    assert [story.points(at, "no_next_session") for at in (42.9, 43, 53, 55)] == [10, 0, 0, 10]
    late = begun().scheduled("s1", 3, 1)
    assert [late.points(at, "no_next_session") for at in (4, day(10) - TICK, day(10))] == [0, 0, 10]


@pytest.mark.clause("pentalog.next-session")
def test_outcome_hours_run_on_the_clock_also_in_pauses() -> None:
    story = begun().scheduled("s1", 20, 1).paused(20.5).resumed(30).term(5, "outcome_hours", 300)
    assert [story.points(at, "no_next_session") for at in (30, day(32.5 + HOUR) - TICK, day(32.5 + HOUR))] == [0, 0, 10]


@pytest.mark.clause("pentalog.next-session")
def test_a_moved_session_is_scheduled_at_its_new_start() -> None:
    story = begun().scheduled("s1", 5, 1).moved("s1", 30, 3)
    assert [story.points(at, "no_next_session") for at in (20, 30, 31, 31.1)] == [0, 0, 0, 10]


@pytest.mark.clause("pentalog.next-session")
@pytest.mark.parametrize("planned, held, points", [(2, 1, 10), (2, 2, 0), (None, 5, 10), (None, 6, 0), (2, 3, 0)])
def test_nothing_is_missed_once_as_many_sessions_were_held_as_planned(
    planned: int | None, held: int, points: int
) -> None:
    story = Story().goal()
    if planned is not None:
        story.planned(planned)
    story.held("s0", -0.5, status="contracting").active()
    for i in range(held):
        story.held(f"s{i + 1}", 1 + i)
    assert story.points(25, "no_next_session") == points


@pytest.mark.clause("pentalog.next-session")
def test_the_latest_plan_counts() -> None:
    story = begun().planned(2, at=0).held("s1", 1).held("s2", 2)
    assert story.points(25, "no_next_session") == 0
    story.planned(3, at=26)
    assert story.points(26, "no_next_session") == 10


@pytest.mark.clause("pentalog.next-session")
def test_before_activation_no_session_counts_as_the_last_one() -> None:
    story = Story().goal().scheduled("s1", -20, -25).missed("s1", ("mentee",), -20).held("s0", -1, status="contracting")
    story.active()
    assert [story.points(at, "no_next_session") for at in (day(10) - TICK, day(10))] == [0, 10]


# --- out of contact ------------------------------------------------------------------------------------------------
@pytest.mark.clause("nottingham.regular-contact")
@pytest.mark.parametrize(
    "after, points", [(timedelta(days=30), 0), (timedelta(days=30) + TICK, 15), (timedelta(days=31), 15)]
)
@pytest.mark.parametrize("what", ["activation", "session", "contact"])
def test_out_of_contact_for_more_than_thirty_days(what: str, after: timedelta, points: int) -> None:
    story, last = begun(), day(0)
    match what:
        case "session":
            story.held("s1", 5)
            last = day(5 + HOUR)
        case "contact":
            story.contact(7)
            last = day(7)
        case _:
            pass
    assert story.points(last + after, "out_of_contact", "relationship") == points


@pytest.mark.clause("nottingham.regular-contact")
def test_a_missed_or_cancelled_session_is_no_contact_and_a_later_told_earlier_one_is_no_later_contact() -> None:
    story = begun().contact(6).scheduled("s1", 20, 1).missed("s1", ("mentor",), 20).scheduled("s2", 22, 1)
    story.cancelled("s2", 21).scheduled("s3", 4, 2).held("s3", 4, told=23)
    assert [story.points(at, "out_of_contact") for at in (day(36), day(36) + TICK)] == [0, 15]


# --- trust and respect ---------------------------------------------------------------------------------------------
BROKEN = TrustBreakdownReported(description="d")
RUDE = DisrespectReported(against="mentor", description="d")


def dismissed(clause: str | None = None) -> RecommendationDismissed:
    return RecommendationDismissed(reason="r", clause=clause)


@pytest.mark.clause("pentalog.trust", "pentalog.respect", "leapfrog.respect")
@pytest.mark.parametrize(
    "reported, settled, still",
    [
        (BROKEN, None, "trust_breakdown"),
        (BROKEN, TrustRestored(settled=True), ""),
        (BROKEN, dismissed(), ""),
        (BROKEN, dismissed("pentalog.trust"), ""),
        (BROKEN, dismissed("pentalog.respect"), "trust_breakdown"),
        (BROKEN, DisrespectResolved(resolution="r"), "trust_breakdown"),
        (RUDE, None, "disrespect"),
        (RUDE, DisrespectResolved(resolution="r"), ""),
        (RUDE, dismissed(), ""),
        (RUDE, dismissed("pentalog.respect"), ""),
        (RUDE, dismissed("leapfrog.respect"), ""),
        (RUDE, dismissed("pentalog.trust"), "disrespect"),
        (RUDE, TrustRestored(settled=True), "disrespect"),
    ],
)
def test_a_report_weighs_forty_and_means_critical_until_settled(
    reported: Event, settled: Event | None, still: str
) -> None:
    story = begun().tell(reported, 2, "mentee")
    version = story.told
    assert (story.health(2).score, story.health(2).band) == (60, "critical")
    if settled is not None:
        story.tell(settled, 3)
    health = story.health(4)
    assert [(one.signal, one.party, one.points, one.evidence) for one in health.signals] == (
        [(still, "relationship", 40, (version,))] if still else []
    )
    assert (health.score, health.band) == ((60, "critical") if still else (100, "healthy"))


@pytest.mark.clause("pentalog.trust", "pentalog.respect")
def test_both_reports_together_and_several_of_a_kind() -> None:
    story = begun().tell(BROKEN, 1).tell(BROKEN, 2).tell(RUDE, 3)
    health = story.health(4)
    assert (health.score, health.band, health.mentee_score, health.mentor_score) == (20, "critical", 100, 100)
    assert [one.evidence for one in health.signals] == [(4, 5), (6,)]
    assert story.tell(dismissed(), 5).health(6).signals == ()
    assert story.tell(BROKEN, 7).health(8).score == 60


@pytest.mark.parametrize(
    "codes, trust, respect",
    [
        (("pentalog", "leapfrog"), ("pentalog.trust",), ("pentalog.respect", "leapfrog.respect")),
        (("leapfrog",), (), ("leapfrog.respect",)),
        (("cmn",), (), ()),
    ],
)
@pytest.mark.clause("pentalog.trust", "pentalog.respect", "leapfrog.respect")
def test_signals_hold_under_every_code_and_name_the_adopted_clauses_behind_them(
    codes: tuple[str, ...], trust: tuple[str, ...], respect: tuple[str, ...]
) -> None:
    story = Story(codes).goal().active().tell(BROKEN, 1).tell(RUDE, 1)
    assert [one.clauses for one in story.health(2).signals] == [trust, respect]
