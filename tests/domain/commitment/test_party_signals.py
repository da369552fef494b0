"""The signals of the parties, each at its boundaries."""

from datetime import datetime, timedelta

import pytest

from domain.relationship.events import GoalAchieved, GoalDropped, SessionCompleted
from domain.words import Cause, Role
from tests.domain.commitment.story import HOUR, MINUTE, TICK, Story, day, item


def begun() -> Story:
    return Story().goal().active()


# --- off-goal work -------------------------------------------------------------------------------------------------
OFF, ON = (item(31, None), item(29)), (item(30, None), item(30))
URGENT = (item(31, urgent=True), item(29))


@pytest.mark.clause("pentalog.off-goal", "pentalog.urgent-concerns")
@pytest.mark.parametrize(
    "agendas, points",
    [
        ([OFF], 0),
        ([OFF, OFF], 15),
        ([OFF, ON, OFF], 15),
        ([OFF, OFF, ON], 15),
        ([OFF, OFF, ON, ON], 0),
        ([ON, ON, OFF], 0),
        ([URGENT, URGENT], 15),
        ([(), ()], 0),
        ([(item(0, None),), (item(0, None),)], 0),
    ],
)
def test_more_than_half_of_the_minutes_off_goal_in_two_of_the_last_three_sessions(
    agendas: list[tuple[object, ...]], points: int
) -> None:
    story = begun()
    for i, agenda in enumerate(agendas):
        story.held(f"s{i}", 1 + i, agenda=agenda)  # type: ignore[arg-type]
    assert story.points(10, "off_goal_work") == points
    assert story.health(10).mentee_score == 100 - points


# --- progress ------------------------------------------------------------------------------------------------------
@pytest.mark.clause("pentalog.no-progress")
@pytest.mark.parametrize("sessions, points", [(1, 0), (2, 10), (3, 20), (4, 20)])
def test_two_sessions_without_progress_cost_ten_and_three_or_more_twenty(sessions: int, points: int) -> None:
    story = begun().held("s0", 1)
    for i in range(1, sessions + 1):
        story.held(f"s{i}", 1 + i, progress="none" if i % 2 else None)
    assert story.points(20, "no_goal_progress", "mentee") == points


@pytest.mark.clause("pentalog.no-progress")
@pytest.mark.parametrize(
    "at, told",
    [
        (day(2), True),  # from the start of the session on
        (day(2) - TICK, False),  # before it, and before the session before it
        (day(4) - TICK, True),  # up to the next one
        (day(9), True),  # the last one has no next
    ],
)
def test_progress_without_a_session_belongs_to_the_session_that_began_last(at: datetime, told: bool) -> None:
    story = begun().scheduled("s1", 2, 0.5).scheduled("s2", 4, 0.5)
    days = (at - day(0)) / timedelta(days=1)
    if days < 3:
        story.progress("some", None, days)
    story.held("s1", 2, progress=None)
    if 3 < days < 4:
        story.progress("some", None, days)
    story.held("s2", 4, progress=None)
    if days > 4:
        story.progress("achieved", None, days)
    assert story.points(10, "no_goal_progress") == (0 if told else 10)


@pytest.mark.clause("pentalog.no-progress")
def test_progress_that_names_a_session_counts_for_it_whenever_told() -> None:
    story = begun().held("s1", 1, progress=None).held("s2", 2, progress=None).held("s3", 3, progress=None)
    assert story.points(3.5, "no_goal_progress") == 20
    story.progress("some", "s2", 4)
    assert story.points(4, "no_goal_progress") == 0
    assert story.points(3.9, "no_goal_progress") == 20


# --- no goal -------------------------------------------------------------------------------------------------------
@pytest.mark.clause("pentalog.hard-to-find-goal")
@pytest.mark.parametrize(
    "after, points", [(timedelta(days=14), 0), (timedelta(days=14) + TICK, 15), (timedelta(days=15), 15)]
)
def test_more_than_fourteen_days_without_an_open_goal(after: timedelta, points: int) -> None:
    story = begun().held("s1", 1)
    version = story.tell(GoalDropped(goal_id="g1", reason="r"), 5).told
    assert story.points(day(5) + after, "no_goal", "mentee") == points
    if points:
        (signal,) = [one for one in story.health(day(5) + after).signals if one.signal == "no_goal"]
        assert signal.evidence == (version,)


@pytest.mark.clause("pentalog.hard-to-find-goal")
def test_without_any_goal_the_days_count_from_activation_and_only_once_a_session_took_place() -> None:
    story = Story().active(at=3)
    assert story.points(40, "no_goal") == 0
    story.held("s1", 30)
    assert story.points(40, "no_goal") == 15
    assert story.points(day(30 + HOUR) - TICK, "no_goal") == 0
    early = Story().active(at=3).held("s1", 4)
    assert [early.points(at, "no_goal") for at in (day(17), day(17) + TICK)] == [0, 15]


@pytest.mark.clause("pentalog.hard-to-find-goal")
def test_the_last_open_goal_matters_and_a_goal_achieved_is_closed() -> None:
    story = begun().goal("g2").held("s1", 1)
    story.tell(GoalAchieved(goal_id="g1"), 2)
    assert story.points(60, "no_goal") == 0
    story.tell(GoalDropped(goal_id="g2", reason="r"), 50)
    assert [story.points(at, "no_goal") for at in (60, 64, 65)] == [0, 0, 15]
    story.goal("g3", 66)
    assert story.points(90, "no_goal") == 0


# --- reschedules ---------------------------------------------------------------------------------------------------
@pytest.mark.clause("pentalog.frequent-reschedules")
@pytest.mark.parametrize(
    "movers, points",
    [
        (["mentee", "mentee"], 0),
        (["mentee", "mentee", "mentee"], 15),
        (["mentee", "mentor", "mentee", "mentor", "mentee"], 15),
        (["mentee", "mentor", "mentee", "mentor"], 0),
        (["mentee", "mentee", "mentee", "", "", ""], 0),
        (["", "mentee", "mentee", "", "mentee"], 15),
        (["coordinator", "coordinator", "coordinator"], 0),
    ],
)
def test_three_of_the_last_five_sessions_rescheduled_by_one_party(movers: list[str], points: int) -> None:
    story = begun()
    for i, mover in enumerate(movers):
        start = 10.0 * (i + 1)
        story.scheduled(f"s{i}", start, start - 9)
        if mover:
            story.moved(f"s{i}", start + 1, start - 5, mover)
        story.held(f"s{i}", start + 1 if mover else start)
    assert story.points(90, "frequent_reschedules", "mentee") == points
    assert story.points(90, "frequent_reschedules", "mentor") == 0


@pytest.mark.clause("pentalog.frequent-reschedules")
def test_sessions_count_in_the_order_of_what_last_happened_to_them_and_moved_ones_before_they_are_due() -> None:
    story = begun()
    for i in range(3):
        story.scheduled(f"s{i}", 40 + i, 1)
        story.moved(f"s{i}", 50 + i, 2 + i, "mentor").moved(f"s{i}", 60 + i, 3 + i, "mentor")
    assert story.points(6, "frequent_reschedules", "mentor") == 15
    for i in range(3, 6):
        story.held(f"s{i}", 5 + i)
    assert story.points(20, "frequent_reschedules", "mentor") == 0
    story.moved("s0", 70, 21, "coordinator")
    assert story.points(22, "frequent_reschedules", "mentor") == 0
    story.moved("s1", 71, 23, "coordinator")
    assert story.points(24, "frequent_reschedules", "mentor") == 0
    story.moved("s2", 72, 25, "coordinator")
    assert story.points(26, "frequent_reschedules", "mentor") == 15


@pytest.mark.clause("pentalog.frequent-reschedules", "pentalog.late-reschedules")
@pytest.mark.parametrize(
    "cause, counts", [(None, True), ("personal", True), ("work", True), ("illness", False), ("supplier", False)]
)
def test_a_move_belongs_to_the_asker_unless_illness_or_the_supplier_caused_it(
    cause: Cause | None, counts: bool
) -> None:
    story = begun()
    for i in range(3):
        story.scheduled(f"s{i}", 10 + i, 1).moved(f"s{i}", 20 + i, 9.5 + i, "mentor", cause)
    assert story.points(15, "frequent_reschedules", "mentor") == (15 if counts else 0)
    assert story.points(15, "late_reschedules", "mentor") == (25 if counts else 0)
    assert story.health(15).mentee_score == 100


@pytest.mark.clause("pentalog.late-reschedules", "leapfrog.notice")
@pytest.mark.parametrize(
    "notice, points",
    [
        (timedelta(hours=24), 0),
        (timedelta(hours=24) - TICK, 20),
        (timedelta(hours=24) + TICK, 0),
        (timedelta(0), 20),
        (-timedelta(hours=3), 20),
    ],
)
@pytest.mark.parametrize("cancelled", [False, True])
def test_exactly_twenty_four_hours_of_notice_is_not_late(notice: timedelta, points: int, cancelled: bool) -> None:
    story = begun()
    for i, start in enumerate((10.0, 20.0)):
        story.scheduled(f"s{i}", start, 1)
        at = day(start) - notice
        if cancelled:
            story.cancelled(f"s{i}", at, "mentor")
        else:
            story.moved(f"s{i}", start + 5, at, "mentor")
    assert story.points(30, "late_reschedules", "mentor") == points


@pytest.mark.clause("pentalog.late-reschedules")
@pytest.mark.parametrize("sessions, points", [(1, 0), (2, 20), (3, 25), (4, 30), (5, 30), (6, 30)])
def test_each_further_session_costs_five_more_up_to_thirty(sessions: int, points: int) -> None:
    story = begun()
    for i in range(sessions):
        story.scheduled(f"s{i}", 10 + 5 * i, 1).moved(f"s{i}", 13 + 5 * i, 9.5 + 5 * i)
    assert story.points(50, "late_reschedules", "mentee") == points


@pytest.mark.clause("pentalog.late-reschedules")
def test_a_session_counts_once_however_often_it_moved_late_and_against_the_start_it_then_had() -> None:
    story = begun().scheduled("s1", 10, 1).moved("s1", 11, 9.5).moved("s1", 12, 10.5).cancelled("s1", 11.5)
    assert story.points(20, "late_reschedules") == 0
    # A week before the first start, hours before the second: the second is the one that counts.
    story.scheduled("s2", 20, 12).moved("s2", 14, 13).moved("s2", 15, 13.5)
    assert story.points(20, "late_reschedules") == 20
    (signal,) = [one for one in story.health(20).signals if one.signal == "late_reschedules"]
    late = [event.version for event in story.log if getattr(event.data, "late", False)]
    assert signal.evidence == tuple(late)
    assert signal.clauses == ("pentalog.late-reschedules", "leapfrog.notice")


@pytest.mark.clause("pentalog.late-reschedules", "leapfrog.notice")
@pytest.mark.parametrize(
    "after, points", [(timedelta(days=90), 20), (timedelta(days=90) + TICK, 0), (timedelta(days=91), 0)]
)
def test_a_late_move_weighs_for_ninety_days(after: timedelta, points: int) -> None:
    story = begun().scheduled("s1", 10, 1).scheduled("s2", 20, 1).cancelled("s1", 9.5).cancelled("s2", 19.5)
    assert story.points(day(9.5) + after, "late_reschedules", "mentee") == points


# --- homework ------------------------------------------------------------------------------------------------------
@pytest.mark.clause("pentalog.homework")
@pytest.mark.parametrize(
    "hours, points",
    [
        ([2.0, 2.0], 8),  # 50 %
        ([2.0, 1.992], 15),  # 49.9 %
        ([3.0, 3.0], 0),  # 75 %
        ([3.0, 2.992], 8),  # 74.9 %
        ([0.0, 8.0], 0),  # the mean counts, never one session
        ([1.0], 0),  # one is not enough
        ([0.0, 0.0, 4.0, 4.0, 4.0, 4.0, 4.0], 0),  # the last five
        ([4.0, 4.0, 0.0, 0.0, 0.0, 4.0, 4.0], 15),  # 8 of 20 hours
        ([4.0, 0.0, 0.0, 4.0, 4.0, 4.0], 8),  # 12 of 20
        ([1.9, 2.1], 8),
        ([0.1, 0.2, 11.7, 0.0], 0),
    ],
)
def test_mean_homework_hours_of_the_sessions_that_have_had_their_time(hours: list[float], points: int) -> None:
    story = begun()
    for i, worked in enumerate(hours):
        story.held(f"s{i}", 1 + 2 * i, hours=None).homework(f"s{i}", worked, 2 + 2 * i)
    assert story.points(40, "homework_shortfall", "mentee") == points


@pytest.mark.clause("pentalog.homework")
def test_a_session_has_had_its_time_once_a_later_one_is_held_or_its_homework_is_told() -> None:
    story = begun().held("s1", 1, hours=None).held("s2", 2, hours=None)
    assert story.points(3, "homework_shortfall") == 0
    told = story.told
    story.homework("s2", 0, 3)
    assert story.points(4, "homework_shortfall") == 15
    other = begun().held("s1", 1, hours=None).held("s2", 2, hours=None).held("s3", 3, hours=None)
    assert other.points(4, "homework_shortfall") == 15
    completed = tuple(event.version for event in story.log if isinstance(event.data, SessionCompleted))
    assert story.health(4).signals[0].evidence == (*completed, told + 1)


@pytest.mark.clause("pentalog.homework")
def test_the_homeworks_of_a_session_add_up_and_a_later_report_replaces_the_earlier() -> None:
    story = begun().held("s1", 1, hours=None).held("s2", 2, hours=None)
    story.homework("s1", 1, 3, "a").homework("s2", 4, 3, "b")
    assert story.points(4, "homework_shortfall") == 8
    story.homework("s1", 1, 5, "c")
    assert story.points(6, "homework_shortfall") == 0
    story.homework("s1", 0.5, 7, "a")
    assert story.points(8, "homework_shortfall") == 8


# --- no-shows ------------------------------------------------------------------------------------------------------
@pytest.mark.clause("leapfrog.notice", "leapfrog.time")
@pytest.mark.parametrize(
    "absent, mentee, mentor", [(("mentee",), 10, 0), (("mentor",), 0, 10), (("mentor", "mentee"), 10, 10)]
)
def test_a_no_show_costs_whoever_was_absent(absent: tuple[Role, ...], mentee: int, mentor: int) -> None:
    story = begun().scheduled("s1", 5, 1).missed("s1", absent, 5 + HOUR)
    health = story.health(6)
    assert (health.mentee_score, health.mentor_score) == (100 - mentee, 100 - mentor)
    assert health.score == 90
    assert all(
        one.evidence == (story.told,) and one.clauses == ("leapfrog.notice", "leapfrog.time") for one in health.signals
    )


@pytest.mark.clause("leapfrog.notice")
@pytest.mark.parametrize(
    "outcomes, points",
    [
        (["absent", "absent"], 25),
        (["absent", "held", "absent"], 10),
        (["absent", "other", "absent"], 10),
        (["absent", "cancelled", "absent"], 25),
        (["absent", "contracting", "absent"], 25),
        (["absent", "held", "absent", "absent", "held"], 25),
        (["absent", "both"], 25),
    ],
)
def test_two_no_shows_running_are_neighbours_among_the_completed_and_missed(outcomes: list[str], points: int) -> None:
    story = begun()
    for i, outcome in enumerate(outcomes):
        session, start = f"s{i}", 5.0 + i
        match outcome:
            case "held" | "contracting":
                story.held(session, start, status="active" if outcome == "held" else "contracting")
            case "cancelled":
                story.scheduled(session, start, 1).cancelled(session, 2)
            case _:
                absent: tuple[Role, ...] = ("mentor",) if outcome == "other" else ("mentee",)
                absent = ("mentee", "mentor") if outcome == "both" else absent
                story.scheduled(session, start, 1).missed(session, absent, start + HOUR)
    assert story.points(15, "no_show", "mentee") == points


@pytest.mark.clause("leapfrog.notice")
def test_no_shows_running_are_neighbours_in_order_of_start_not_of_telling() -> None:
    story = begun().scheduled("s1", 5, 1).scheduled("s2", 6, 1).scheduled("s3", 7, 1)
    story.missed("s1", ("mentee",), 8).missed("s3", ("mentee",), 8.5)
    assert story.points(9, "no_show") == 25
    story.held("s2", 6, told=10)
    assert story.points(11, "no_show") == 10


@pytest.mark.clause("leapfrog.notice")
@pytest.mark.parametrize(
    "at, points",
    [
        (day(5) + timedelta(days=90), 25),
        (day(5) + timedelta(days=90) + TICK, 10),
        (day(96), 10),
        (day(6) + timedelta(days=90), 10),
        (day(6) + timedelta(days=90) + TICK, 0),
    ],
)
def test_no_shows_weigh_for_ninety_days_and_both_of_a_pair_must(at: datetime, points: int) -> None:
    story = begun().scheduled("s1", 5, 1).scheduled("s2", 6, 1)
    story.missed("s1", ("mentee",), 5).missed("s2", ("mentee",), 6)
    assert story.points(at, "no_show") == points


# --- punctuality ---------------------------------------------------------------------------------------------------
@pytest.mark.clause("pentalog.punctuality", "mentor247.punctuality")
@pytest.mark.parametrize("role, clauses", [("mentee", 2), ("mentor", 3)])
@pytest.mark.parametrize(
    "minutes, points",
    [([6, 6], 5), ([5, 6], 0), ([5.001, 9, 0], 5), ([6], 0), ([6, 6, 0, 0], 0), ([6, 0, 6], 5), ([-3, 5, 5], 0)],
)
def test_more_than_five_minutes_late_in_two_of_the_last_three_sessions(
    role: Role, clauses: int, minutes: list[float], points: int
) -> None:
    story = begun()
    for i, late in enumerate(minutes):
        story.held(f"s{i}", 1 + i, joined={role: late})
    assert story.points(10, "unpunctual", role) == points
    assert story.points(10, "unpunctual") == points
    for signal in story.health(10).signals:
        if signal.signal == "unpunctual":
            assert signal.clauses == ("pentalog.punctuality", "leapfrog.time", "mentor247.punctuality")[:clauses]


@pytest.mark.clause("pentalog.punctuality")
def test_lateness_is_measured_against_the_scheduled_start_whenever_the_session_began() -> None:
    story = begun()
    for i in range(2):
        story.scheduled(f"s{i}", 3 + i, 1).held(f"s{i}", 3 + i + 10 * MINUTE, joined={"mentor": 0, "mentee": -6})
    assert story.points(10, "unpunctual", "mentor") == 5
    assert story.points(10, "unpunctual", "mentee") == 0
