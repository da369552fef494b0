"""The sentences of policy 2 one by one, in stories that simulated relationships don't reach.

Each is held against the plain evaluator too, which reads the rules for itself.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.commitment import Health, assess, evaluate, terms_in_time
from domain.relationship import events as e
from domain.terms import DatedSetting
from domain.words import Cause, Document, Role
from tests.domain.commitment import stories as any_story
from tests.domain.commitment.reference_walk import Reference, step
from tests.domain.commitment.story import HOUR, MINUTE, TICK, Story, day, setting


def begun(*codes: str) -> Story:
    return Story(codes or ("pentalog", "leapfrog", "nottingham", "mentor247")).goal().active()


def health(
    story: Story, at: float | datetime, dated: tuple[DatedSetting, ...] = (), what_if: dict[str, float] | None = None
) -> Health:
    """Health, on which the plain evaluator agrees."""
    found = story.health(at, dated, what_if)
    reference = Reference(story.log, dated, what_if)
    look = reference.look(found.as_of)
    assert (found.status, found.score, found.mentee_score, found.mentor_score) == look[:4]
    assert {(one.signal, one.party): (one.points, one.evidence) for one in found.signals} == look.found
    bands = [band for moment, _, band in reference.walk(found.as_of) if moment < found.as_of]
    assert found.band == step(bands[-1] if bands else None, look)
    assert found.next_change_at == reference.ahead(found.as_of)
    return found


def points(story: Story, at: float | datetime, signal: str, party: str | None = None, **what_if: float) -> int:
    found = health(story, at, what_if=what_if).signals
    return sum(one.points for one in found if one.signal == signal and party in (None, one.party))


def moved_twice(notice: float, by: str = "mentee", cause: Cause | None = None, asker: Role | None = None) -> Story:
    """Two sessions, each moved with so many hours of notice."""
    story = begun()
    for number in (1, 2):
        session, start = f"s{number}", number * 4.0
        story.scheduled(session, start, start - 3)
        story.moved(session, start + 20, start - notice * HOUR, by, cause, on_behalf_of=asker)
    return story


# --- the terms of the act, and those of the time asked about ---------------------------------------------------------
@pytest.mark.clause("pentalog.late-reschedules", "leapfrog.notice")
def test_late_notice_hours_are_those_in_force_when_the_act_happened() -> None:
    story = moved_twice(30)
    later = (setting(20, "late_notice_hours", 48),)
    assert health(story, 25, later).mentee_score == 100
    story = moved_twice(12)
    assert health(story, 25, (setting(20, "late_notice_hours", 6),)).mentee_score == 80


@pytest.mark.clause("pentalog.punctuality")
def test_punctuality_minutes_are_those_in_force_when_the_act_happened() -> None:
    story = begun()
    for number in range(3):
        story.held(f"s{number}", 2.0 + 3 * number, joined={"mentee": 8})
    lenient = setting(4, "punctuality_minutes", 10)
    assert [one.signal for one in health(story, 9, (lenient,)).signals] == []
    strict = (setting(-5, "punctuality_minutes", 10), setting(4, "punctuality_minutes", 7))
    assert [(one.signal, one.evidence) for one in health(story, 9, strict).signals] == [("unpunctual", (9, 13))]


@pytest.mark.clause("pentalog.homework")
def test_homework_wanted_is_that_in_force_at_the_sessions_completion() -> None:
    story = begun().held("s1", 2, hours=2).held("s2", 6, hours=2)
    assert points(story, 8, "homework_shortfall") == 8
    halved = (setting(4, "homework_hours_per_session", 1),)
    # Wanted are 4 and 1 hours: 4 of 5 is enough, and the session before keeps its 4.
    assert health(story, 8, halved).mentee_score == 100
    late = (setting(7, "homework_hours_per_session", 1),)
    assert health(story, 8, late).mentee_score == 92


def test_points_windows_and_gaps_are_those_in_force_at_the_time_asked_about() -> None:
    story = moved_twice(1)
    dear = (setting(20, "points_late_reschedules", 27), setting(24, "late_window_days", 18))
    assert [health(story, at, dear).mentee_score for at in (19, 20, 24)] == [80, 73, 100]


@pytest.mark.parametrize(
    "what_if, score", [({}, 100), ({"late_notice_hours": 48.0}, 80), ({"late_notice_hours": 48.0, "points_late_reschedules": 29.0}, 71)]
)  # fmt: skip
def test_what_if_puts_its_terms_in_the_place_of_both(what_if: dict[str, float], score: int) -> None:
    assert health(moved_twice(30), 25, what_if=what_if).mentee_score == score


# --- moves -----------------------------------------------------------------------------------------------------------
@pytest.mark.clause("pentalog.late-reschedules")
@pytest.mark.parametrize(
    "by, asker, mentee, mentor",
    [
        ("service", "mentor", 100, 80),
        ("service", "mentee", 80, 100),
        ("coordinator", "mentor", 100, 80),
        ("service", None, 100, 100),
        ("coordinator", None, 100, 100),
        ("service", "coordinator", 100, 100),
        ("mentor", None, 100, 80),
    ],
)
def test_a_move_belongs_to_the_party_that_a_service_or_the_office_names_and_to_nobody_without(
    by: str, asker: Role | None, mentee: int, mentor: int
) -> None:
    found = health(moved_twice(3, by, asker=asker), 10)
    assert (found.mentee_score, found.mentor_score) == (mentee, mentor)


@pytest.mark.parametrize("cause, score", [("supplier", 100), ("illness", 100), ("personal", 80), ("work", 80)])
def test_a_suppliers_or_illnesss_cause_counts_for_neither(cause: Cause, score: int) -> None:
    assert health(moved_twice(3, "service", cause, "mentee"), 10).mentee_score == score


@pytest.mark.clause("pentalog.late-reschedules")
def test_a_reschedule_told_late_is_judged_for_lateness_and_the_session_keeps_the_start_of_the_latest_move() -> None:
    story = moved_twice(1).scheduled("s3", 30, 5).moved("s3", 40, 9)
    before = e.SessionRescheduled(
        session_id="s3",
        starts_at=day(32),
        reason="r",
        previous_starts_at=day(30),
        notice_hours=600.0,
        late=False,
    )
    story.tell(before, 6, "mentee")
    story.missed("s3", ("mentor",), 41)
    assert points(story, 10, "late_reschedules") == 20
    # Counted from the start of the latest move, day 40, and not from day 32.
    edge = day(40) + timedelta(days=14)
    assert [points(story, at, "no_next_session") for at in (edge - TICK, edge)] == [0, 10]
    late = e.SessionRescheduled(
        session_id="s3", starts_at=day(33), reason="r", previous_starts_at=day(6), notice_hours=2.0, late=True
    )
    story.tell(late, 6 - 2 * HOUR, "mentee")
    assert points(story, 42, "late_reschedules") == 25


@pytest.mark.clause("pentalog.frequent-reschedules", "pentalog.late-reschedules")
@pytest.mark.parametrize("by_pause, by_end", [(True, False), (False, True)])
def test_a_session_cancelled_by_a_pause_or_the_end_is_moved_by_nobody(by_pause: bool, by_end: bool) -> None:
    story = begun().scheduled("s1", 3, 1).scheduled("s2", 4, 1).paused(2.9, alone=True)
    for session in ("s1", "s2"):
        story.cancelled(session, 2.9, "mentee", by_pause=by_pause, by_end=by_end)
    story.resumed(3)
    assert health(story, 4).mentee_score == 100


@pytest.mark.clause("pentalog.frequent-reschedules")
def test_a_session_cancelled_by_a_pause_is_among_those_due_or_moved() -> None:
    story = begun()
    for number in range(3):
        story.scheduled(f"m{number}", 30 + number, 1).moved(f"m{number}", 40 + number, 2 + number)
    for number in range(3):
        story.scheduled(f"c{number}", 10 + number / 10, 5)
    assert points(story, 6, "frequent_reschedules") == 15
    # The pause cancels all six; of the last five by order of their latest event, fewer than three had been moved.
    story.paused(7, alone=True)
    for session in ("m0", "m1", "m2", "c0", "c1", "c2"):
        story.cancelled(session, 7, "coordinator", by_pause=True)
    assert points(story, 8, "frequent_reschedules") == 0


# --- homework, goals -------------------------------------------------------------------------------------------------
@pytest.mark.clause("pentalog.homework")
@pytest.mark.parametrize("document, expected", [(None, 0), ("code_of_conduct", 15)])
def test_homework_shortfall_holds_only_where_pentalog_is_adopted_or_a_document_sets_the_hours(
    document: Document | None, expected: int
) -> None:
    story = begun("leapfrog").held("s1", 2, hours=1).held("s2", 4, hours=1)
    asked = (setting(-5, "homework_hours_per_session", 4, document),) if document else ()
    found = health(story, 5, asked)
    assert 100 - (found.mentee_score or 0) == expected
    assert all(one.clauses == () for one in found.signals)
    assert points(begun("pentalog").held("s1", 2, hours=1).held("s2", 4, hours=1), 5, "homework_shortfall") == 15


@pytest.mark.clause("pentalog.homework")
def test_a_relationships_own_document_may_ask_for_homework_until_it_is_withdrawn() -> None:
    story = begun("leapfrog").term(1, "homework_hours_per_session", 4).held("s1", 2, hours=1).held("s2", 4, hours=1)
    story.term(6, "homework_hours_per_session", None)
    assert [points(story, at, "homework_shortfall") for at in (5, 6)] == [15, 0]


@pytest.mark.clause("pentalog.homework")
def test_the_last_5_of_the_sessions_that_have_had_their_time_are_averaged() -> None:
    story = begun().held("s0", 1, hours=None)
    for number in range(1, 6):
        story.held(f"s{number}", 1.0 + number, hours=4)
    story.held("s6", 8, hours=None)
    # The last is still to come, so those before it are the last five.
    assert points(story, 9, "homework_shortfall") == 0
    story.homework("s6", 0, 10)
    assert points(story, 10, "homework_shortfall") == 0
    story.held("s7", 11, hours=None).held("s8", 12, hours=None)
    assert points(story, 13, "homework_shortfall") == 8


@pytest.mark.clause("pentalog.homework")
def test_hours_that_name_only_a_session_count_too() -> None:
    story = begun().held("s1", 2, hours=None).held("s2", 4, hours=None)
    for session in ("s1", "s2"):
        story.tell(e.HomeworkReported(session_id=session, hours=3.5), 5, "mentee")
    assert points(story, 6, "homework_shortfall") == 0


@pytest.mark.clause("pentalog.hard-to-find-goal")
def test_no_goal_holds_only_while_the_plan_is_not_finished() -> None:
    def story(planned: int) -> Story:
        return Story().goal().planned(planned).active().held("s1", 1).tell(e.GoalAchieved(goal_id="g1"), 2)

    assert points(story(2), 20, "no_goal") == 15
    assert points(story(1), 20, "no_goal") == 0
    without_a_plan = Story().goal().active()
    for number in range(6):
        without_a_plan.held(f"s{number}", 1.0 + number)
    without_a_plan.tell(e.GoalAchieved(goal_id="g1"), 8)
    assert points(without_a_plan, 25, "no_goal") == 0
    assert points(without_a_plan, 25, "no_goal", planned_sessions=7) == 15


# --- contact -----------------------------------------------------------------------------------------------------------
@pytest.mark.clause("nottingham.regular-contact")
@pytest.mark.parametrize(
    "every_days, slack, gap", [(14, 7, 30), (30, 7, 37), (23, 7, 30), (24, 7, 31), (28, 0, 30), (60, 3, 63)]
)
def test_the_gap_is_the_larger_of_contact_gap_days_and_the_rhythm_with_contact_slack_days(
    every_days: int, slack: int, gap: int
) -> None:
    story = Story().goal().planned(20, every_days=every_days).active().contact(2)
    edge = day(2 + gap)
    short = (setting(-9, "contact_slack_days", slack),)
    signals = [[one.signal for one in health(story, at, short).signals] for at in (edge, edge + TICK)]
    assert ["out_of_contact" in some for some in signals] == [False, True]


@pytest.mark.clause("nottingham.regular-contact")
@pytest.mark.parametrize(
    "between, counts",
    [
        (("mentee", "mentor"), True),
        (("mentor", "coordinator", "mentee"), True),
        (("coordinator", "mentee"), False),
        (("mentor",), False),
        (("coordinator",), False),
    ],
)
def test_a_contact_counts_when_mentee_and_mentor_are_both_among_between(
    between: tuple[Role, ...], counts: bool
) -> None:
    story = begun().contact(20, between)
    assert points(story, 31, "out_of_contact") == (0 if counts else 15)


# --- attendance ----------------------------------------------------------------------------------------------------------
@pytest.mark.clause("leapfrog.notice", "leapfrog.time")
@pytest.mark.parametrize("cause, lost", [("illness", 0), ("supplier", 0), ("personal", 10), ("work", 10), (None, 10)])
def test_a_no_show_with_cause_illness_or_supplier_is_missed_by_nobody(cause: Cause | None, lost: int) -> None:
    story = begun().scheduled("s1", 3, 1).missed("s1", ("mentee", "mentor"), 3 + HOUR, cause)
    assert (points(story, 4, "no_show", "mentee"), points(story, 4, "no_show", "mentor")) == (lost, lost)
    # It was due, and it is the last session from which the next is awaited.
    assert [points(story, at, "no_next_session") for at in (day(17) - TICK, day(17))] == [0, 10]


@pytest.mark.clause("leapfrog.time")
def test_an_excused_no_show_stands_between_two_that_are_not() -> None:
    story = begun()
    for number, cause in enumerate((None, "illness", None)):
        told: Any = cause
        story.scheduled(f"s{number}", 3.0 + number, 1).missed(f"s{number}", ("mentor",), 3.1 + number, told)
    assert points(story, 7, "no_show", "mentor") == 10


@pytest.mark.clause("leapfrog.time")
def test_two_no_shows_running_are_neighbours_in_order_of_start_both_in_the_window() -> None:
    story = (
        begun().scheduled("s1", 3, 1).scheduled("s3", 9, 1).missed("s1", ("mentor",), 4).missed("s3", ("mentor",), 9.1)
    )
    assert points(story, 10, "no_show", "mentor") == 25
    between = begun().scheduled("s1", 3, 1).scheduled("s3", 9, 1).missed("s1", ("mentor",), 4)
    between.missed("s3", ("mentor",), 9.1).held("s2", 6, told=11)
    assert [points(between, at, "no_show", "mentor") for at in (10, 11)] == [25, 10]
    assert [points(story, at, "no_show", "mentor") for at in (day(94), day(94) + TICK)] == [25, 10]


def test_a_session_counts_as_completed_with_mentee_and_mentor_both_present() -> None:
    story = begun().contact(1)
    for number in range(3):
        story.held(f"s{number}", 3.0 + number, progress=None, hours=None, present=("mentor",))
    assert [one.signal for one in health(story, 9).signals] == []
    assert points(story, day(31), "out_of_contact") == 0
    assert points(story, day(31) + TICK, "out_of_contact") == 15


@pytest.mark.clause("pentalog.punctuality", "leapfrog.time", "mentor247.punctuality")
@pytest.mark.parametrize(
    "codes, mentee, mentor",
    [
        (("pentalog",), ("pentalog.punctuality",), ("pentalog.punctuality",)),
        (("leapfrog",), ("leapfrog.time",), ("leapfrog.time",)),
        (("mentor247",), (), ("mentor247.punctuality",)),
        (("cmn",), (), ()),
    ],
)
def test_mentor247_punctuality_backs_unpunctual_for_the_mentor_only(
    codes: tuple[str, ...], mentee: tuple[str, ...], mentor: tuple[str, ...]
) -> None:
    story = begun(*codes)
    for number in range(2):
        story.held(f"s{number}", 3.0 + number, joined={"mentee": 6, "mentor": 6})
    clauses = {one.party: one.clauses for one in health(story, 6).signals if one.signal == "unpunctual"}
    assert clauses == {"mentee": mentee, "mentor": mentor}


@pytest.mark.clause("pentalog.punctuality")
def test_lateness_is_measured_against_the_scheduled_start_that_the_latest_move_gave() -> None:
    story = begun()
    for number in range(2):
        session, start = f"s{number}", 5.0 + number
        story.scheduled(session, start, 1).moved(session, start + 10 * MINUTE, 2 + number)
        story.held(session, start + 10 * MINUTE, joined={"mentee": 4}, told=start + 2 * HOUR)
    assert points(story, 8, "unpunctual") == 0


# --- trust ---------------------------------------------------------------------------------------------------------------
@pytest.mark.clause("pentalog.trust")
def test_whoever_states_while_active_that_they_are_not_ready_has_reported_broken_trust_and_ready_restores_it() -> None:
    story = begun().ready(3, "mentor", ready=False).ready(6, "mentor", ready=True)
    assert [(health(story, at).score, health(story, at).band) for at in (2, 3, 6)] == [
        (100, "healthy"),
        (60, "critical"),
        (100, "healthy"),
    ]
    assert health(story, 4).signals[0].evidence == (4,)


@pytest.mark.clause("pentalog.trust")
def test_readiness_withdrawn_while_paused_is_broken_trust_too() -> None:
    story = begun().paused(2).ready(3, "mentee", ready=False)
    assert [health(story, at).band for at in (2, 3, 9)] == ["healthy", "critical", "critical"]


@pytest.mark.clause("pentalog.trust")
def test_not_ready_while_contracting_is_for_the_gate_and_no_broken_trust() -> None:
    story = Story().goal().ready(-1, "mentor", ready=False).active()
    assert health(story, 3).signals == ()


@pytest.mark.clause("pentalog.trust")
def test_what_one_party_withdrew_the_other_does_not_restore_and_the_office_does() -> None:
    story = begun().ready(3, "mentor", ready=False).ready(4, "mentee", ready=True)
    story.tell(e.TrustRestored(settled=False), 5, "mentee").tell(e.TrustRestored(settled=True), 6, "coordinator")
    assert [health(story, at).score for at in (4, 5, 6)] == [60, 60, 100]


@pytest.mark.clause("pentalog.trust")
def test_stating_ready_takes_back_only_what_was_stated() -> None:
    story = begun().tell(e.TrustBreakdownReported(description="d"), 3, "mentor").ready(4, "mentor", ready=True)
    assert health(story, 5).score == 60


# --- terms of a relationship ---------------------------------------------------------------------------------------------
@pytest.mark.clause("pentalog.prevalence")
def test_within_one_document_the_relationships_term_wins_until_it_is_withdrawn() -> None:
    story = begun().scheduled("s1", 2, 1).missed("s1", ("mentor",), 3).term(5, "points_no_show", 30)
    story.term(8, "points_no_show", None)
    of_programme = (setting(-5, "points_no_show", 20), setting(6, "points_no_show", 25))
    assert [health(story, at, of_programme).mentor_score for at in (4, 5, 6, 7, 8)] == [80, 70, 70, 70, 75]
    higher = (setting(-5, "points_no_show", 40, "master_agreement"),)
    assert [health(story, at, higher).mentor_score for at in (4, 6, 9)] == [60, 60, 60]


# --- the history of the signals ------------------------------------------------------------------------------------------
def test_the_history_says_when_each_signal_began_and_ended_and_when_its_points_changed() -> None:
    story = begun().scheduled("s1", 3, 1).missed("s1", ("mentor",), 3).contact(20).contact(50).contact(80)
    story.scheduled("s2", 5, 3).missed("s2", ("mentor",), 5).tell(
        e.DisrespectReported(against="mentor", description="d"), 6
    )
    story.tell(e.DisrespectResolved(resolution="r"), 8).scheduled("s3", 300, 8).scheduled("s4", 99, 8).contact(96)
    history = assess(story.facts, day(97), terms_in_time()).history
    assert [(one.signal.signal, one.signal.points, one.since, one.until, one.signal.evidence) for one in history] == [
        ("no_show", 10, day(3), day(5), (5,)),
        ("no_show", 25, day(5), day(93) + TICK, (5, 10)),
        ("disrespect", 40, day(6), day(8), (11,)),
        ("no_show", 10, day(93) + TICK, day(95) + TICK, (10,)),
    ]
    assert history[1].signal.clauses == ("leapfrog.notice", "leapfrog.time")


@pytest.mark.parametrize("late", [False, True])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_history_at_any_time_shows_the_signals_of_that_time(late: bool, data: st.DataObject) -> None:
    story = data.draw(any_story.stories(late=late))
    times = any_story.some_times(story)
    history = assess(story.facts, max(times), terms_in_time()).history
    for at in times:
        held = {
            (one.signal.signal, one.signal.party, one.signal.points)
            for one in history
            if one.since <= at and (one.until is None or at < one.until)
        }
        signals = evaluate(story.facts, at).signals
        assert held == {(one.signal, one.party, one.points) for one in signals}
    ends = {(one.signal.signal, one.signal.party, one.until, one.signal.points) for one in history}
    assert not any((one.signal.signal, one.signal.party, one.since, one.signal.points) in ends for one in history)
