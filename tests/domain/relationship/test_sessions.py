"""Sessions: judged by the time at which things happened; facts that went against a rule are recorded with a finding."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.model import Event, Known, TermSetting
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.fields import AgendaItem
from domain.relationship.state import Relationship
from domain.words import Cause, Channel, MentorStanding, Role
from tests.domain.relationship.samples import BOTH, PLAN, contracted, in_state
from tests.given_when_then import ALL_CODES, At, Given, day, fold, given, history, proposed

HOUR = 1 / 24


def story(*more: Event | At, codes: tuple[str, ...] = ALL_CODES) -> Given:
    """Active since day 0.5; session s1 is to start on day 10, session s0 started on day 0.51."""
    return given(*in_state("active", *codes), *more)


def booked(session_id: str, start: float, *, minutes: int = 60, at: float = 0.6) -> At:
    event = e.SessionScheduled(session_id=session_id, starts_at=day(start), channel="platform", minutes=minutes)
    return At(at, event, "mentee")


def completion(session_id: str, start: float, **fields: Any) -> c.CompleteSession:
    plain: dict[str, Any] = {"present": BOTH, "joined": {}, "agenda": (), "ended_at": day(start + HOUR)}
    return c.CompleteSession(session_id=session_id, started_at=day(start), **{**plain, **fields})


def held(session_id: str, start: float) -> list[At]:
    event = e.SessionCompleted(
        session_id=session_id,
        started_at=day(start),
        ended_at=day(start + HOUR),
        present=BOTH,
        joined={},
        agenda=(),
        status="active",
    )
    return [booked(session_id, start), At(start + HOUR, event, "mentor")]


def move(to: float, session_id: str = "s1", **fields: Any) -> c.RescheduleSession:
    return c.RescheduleSession(session_id=session_id, starts_at=day(to), reason="travel", **fields)


def moved(before: float, to: float, at: float, by: str = "mentee") -> At:
    hours = (before - at) * 24
    event = e.SessionRescheduled(
        session_id="s1",
        starts_at=day(to),
        reason="travel",
        previous_starts_at=day(before),
        notice_hours=hours,
        late=hours < 24,
    )
    return At(at, event, by)


def state_after(told: Given, at: float, by: str = "mentee") -> Relationship:
    """The state after the events of an accepted command."""
    assert isinstance(told.outcome, list)
    at_that_time = [At((each.occurred_at - day(0)) / timedelta(days=1), each.data, each.role) for each in told.records]
    state = fold(history(*at_that_time, *(At(at, event, by) for event in told.outcome)))
    assert isinstance(state, Relationship)
    return state


# --- scheduling ----------------------------------------------------------------------------------------------------
def test_a_session_without_minutes_has_those_of_the_terms_at_that_moment() -> None:
    term = TermSetting(document="code_of_conduct", term="session_minutes", value=45)
    command = c.ScheduleSession(session_id="s9", starts_at=day(30), channel="platform")
    [scheduled] = Given(history(proposed())).knowing(Known(terms=(term,))).when(command).then(e.SessionScheduled)
    assert isinstance(scheduled, e.SessionScheduled)
    assert scheduled.minutes == 45


@pytest.mark.clause("care.standing", "mentor247.terms", "cmn.breaches")
@pytest.mark.parametrize("standing", ["suspended", "removed"])
@pytest.mark.parametrize(
    "codes, clauses",
    [
        (("pentalog",), ["care.standing"]),
        (("mentor247",), ["mentor247.terms", "care.standing"]),
        (("cmn",), ["cmn.breaches", "care.standing"]),
        (ALL_CODES, ["mentor247.terms", "cmn.breaches", "care.standing"]),
    ],
)
def test_a_suspended_or_removed_mentor_gets_no_new_sessions(
    standing: MentorStanding, codes: tuple[str, ...], clauses: list[str]
) -> None:
    known = Known(mentor_standing=standing)
    new = c.ScheduleSession(session_id="s9", starts_at=day(30), channel="platform")
    problems = story(codes=codes).knowing(known).when(new).then_refused("mentor_standing")
    assert [problem.clause for problem in problems] == clauses
    assert "reinstated" in problems[0].message
    # What was planned may still be moved, cancelled and held.
    story(codes=codes).knowing(known).when(move(12)).then(e.SessionRescheduled)
    story(codes=codes).knowing(known).when(completion("s1", 10), by="mentor", at=10.1).then(e.SessionCompleted)


def test_a_session_that_is_put_on_the_calendar_after_its_start_is_a_fact_with_findings() -> None:
    late = c.ScheduleSession(session_id="s9", starts_at=day(0.52), channel="in_person", minutes=60)
    told = story().knowing(Known(mentor_standing="suspended")).when(late, by="coordinator", at=2)
    told.then(e.SessionScheduled)
    told.then_found(
        ("channel", "nottingham.remote"),
        ("mentor_standing", "mentor247.terms"),
        ("mentor_standing", "cmn.breaches"),
        ("mentor_standing", "care.standing"),
        ("overlap", None),
    )
    story().when(late.model_copy(update={"starts_at": day(20)}), by="coordinator").then_refused("nottingham.remote")


@pytest.mark.clause("mentor247.on-platform")
@pytest.mark.parametrize("channel", ["platform", "email", "telephone", "virtual_meeting", "in_person", "off_platform"])
def test_under_mentor247_everything_but_platform_is_off_the_platform(channel: Channel) -> None:
    new = c.ScheduleSession(session_id="s9", starts_at=day(20), channel=channel)
    [scheduled] = story(codes=("mentor247",)).when(new).then(e.SessionScheduled)
    assert isinstance(scheduled, e.SessionScheduled)
    assert scheduled.unpaid_at_risk is (channel != "platform")
    [elsewhere] = story(codes=("cmn",)).when(new).then(e.SessionScheduled)
    assert isinstance(elsewhere, e.SessionScheduled)
    assert elsewhere.unpaid_at_risk is False


# --- moves ---------------------------------------------------------------------------------------------------------
@pytest.mark.clause("pentalog.reschedule-with-ease")
@pytest.mark.parametrize("code", ["pentalog", "cmn"])
def test_a_reschedule_after_the_start_is_refused(code: str) -> None:
    for at in (10, 10.5):
        problems = story(codes=(code,)).when(move(12), at=at).then_refused("session_started")
        assert [problem.clause for problem in problems] == [
            "pentalog.reschedule-with-ease" if code == "pentalog" else None
        ]
        assert "CompleteSession or RecordNoShow" in problems[0].message


@pytest.mark.clause("pentalog.reschedule-with-ease")
def test_a_move_asked_for_before_the_start_and_told_after_the_session_is_recorded_and_judged() -> None:
    told = story(*held("s2", 8)).when(move(9, "s2"), at=7.9)
    [event] = told.then(e.SessionRescheduled)
    assert isinstance(event, e.SessionRescheduled)
    assert event.notice_hours == pytest.approx(2.4)
    assert event.late
    session = state_after(told, 7.9).sessions["s2"]
    assert (session.status, session.starts_at) == ("completed", day(9))


def test_a_move_to_after_the_time_of_a_no_show_is_recorded_with_a_finding() -> None:
    missed = [booked("s2", 8), At(8.1, e.SessionMissed(session_id="s2", absent=("mentee",)), "mentor")]
    told = story(*missed).when(move(9, "s2"), at=7.9)
    told.then(e.SessionRescheduled)
    told.then_found(("session_state", None))
    assert state_after(told, 7.9).sessions["s2"].status == "missed"


def test_a_session_that_was_cancelled_before_the_time_of_the_move_is_not_moved() -> None:
    gone = At(5, e.SessionCancelled(session_id="s1", reason="ill", notice_hours=120, late=False), "mentee")
    problems = story(gone).when(move(12), at=6).then_refused("session_state")
    assert "CorrectFact" in problems[0].message
    told = story(gone).when(move(12), at=4)
    told.then(e.SessionRescheduled)
    told.then_found()
    session = state_after(told, 4).sessions["s1"]
    assert (session.status, session.starts_at) == ("cancelled", day(12))


def test_a_move_told_late_is_judged_against_the_start_at_its_own_time_and_the_latest_move_keeps_its_start() -> None:
    # On day 9.9 it moved to day 20; that it had moved to day 15 on day 9.5 is told only now.
    told = story(moved(10, 20, at=9.9)).when(move(15), at=9.5)
    [event] = told.then(e.SessionRescheduled)
    assert isinstance(event, e.SessionRescheduled)
    assert event.notice_hours == pytest.approx(12)
    assert (event.previous_starts_at, event.late) == (day(10), True)
    session = state_after(told, 9.5).sessions["s1"]
    assert (session.starts_at, session.reschedules, session.late_moves) == (day(20), 2, 2)
    # Between the two moves it had the start of the first.
    assert session.start_at(day(9.6)) == day(15)
    assert session.start_at(day(9)) == day(10)


def test_a_move_told_late_takes_no_time_on_the_calendar() -> None:
    told = story(moved(10, 20, at=9.9), booked("s2", 15)).when(move(15), at=9.5)
    told.then(e.SessionRescheduled)
    told.then_found()
    assert [each.session_id for each in state_after(told, 9.5).booked.stretches] == ["s0", "s2", "s1"]


def test_the_same_move_told_twice_is_one_move() -> None:
    story(moved(10, 20, at=9)).when(move(20), at=9).then_nothing()
    story(moved(10, 15, at=8), moved(15, 20, at=9)).when(move(15), at=8).then_nothing()
    story(moved(10, 20, at=9)).when(move(20), at=9.5).then_nothing()


def test_a_move_to_a_time_that_is_taken_is_refused() -> None:
    problems = story(booked("s2", 12)).when(move(12)).then_refused("overlap")
    assert problems[0].field == "data.starts_at"


def test_after_a_late_told_move_lateness_still_follows_the_start_of_the_time() -> None:
    # Cancelled on day 19.5 at half a day's notice; the cancellation is told before nothing else.
    cancel = c.CancelSession(session_id="s1", reason="travel")
    [event] = story(moved(10, 20, at=9)).when(cancel, at=19.5).then(e.SessionCancelled)
    assert isinstance(event, e.SessionCancelled)
    assert event.notice_hours == pytest.approx(12)
    assert event.late


@pytest.mark.parametrize("at", [10, 11])
def test_a_cancellation_after_the_start_is_refused_and_says_what_to_do_instead(at: float) -> None:
    problems = story().when(c.CancelSession(session_id="s1", reason="no time"), at=at).then_refused("session_started")
    assert "record what became of it" in problems[0].message
    story().when(c.CancelSession(session_id="s1", reason="no time"), at=9.999).then(e.SessionCancelled)


@pytest.mark.parametrize("command", [move(12, on_behalf_of="mentee"), c.CancelSession(session_id="s1", reason="-", on_behalf_of="mentee")])  # fmt: skip
def test_on_behalf_of_is_for_services_and_the_office(command: Any) -> None:
    for role in ("service", "coordinator", "supplier"):
        [event] = (
            story()
            .when(command, by=role)
            .then(e.SessionRescheduled if isinstance(command, c.RescheduleSession) else e.SessionCancelled)
        )
        assert event.on_behalf_of == "mentee"  # type: ignore[attr-defined]
    for role in BOTH:
        problems = story().when(command, by=role).then_refused("bad_value")
        assert problems[0].field == "data.on_behalf_of"


@pytest.mark.parametrize("whom, fine", [("mentor", True), ("customer", True), ("supplier", True), ("line_manager", True), ("service", False), ("hr", False), ("coordinator", False), ("worker", False)])  # fmt: skip
def test_on_behalf_of_names_somebody_who_takes_part(whom: Role, fine: bool) -> None:
    told = story().when(move(12, on_behalf_of=whom), by="service")
    if fine:
        told.then(e.SessionRescheduled)
    else:
        told.then_refused("on_behalf_of")


def test_on_behalf_of_a_role_that_the_relationship_does_not_name_is_refused() -> None:
    bare = e.RelationshipProposed(programme_id="p1", mentee_id="ana", mentor_id="ben", codes={"cmn": "1"})
    alone = given(bare, booked("s1", 10))
    alone.when(move(12, on_behalf_of="customer"), by="service").then_refused("on_behalf_of")
    alone.when(move(12, on_behalf_of="mentee"), by="service").then(e.SessionRescheduled)


# --- what took place -----------------------------------------------------------------------------------------------
def test_a_completion_told_before_the_start_is_refused() -> None:
    # Before the start that it names itself, and before the start on the calendar.
    early = story().when(completion("s1", 10), by="mentor", at=9.9).then_refused("not_started")
    assert early[0].field == "data.started_at"
    story().when(completion("s1", 1), by="mentor", at=2).then_refused("not_started")
    story().when(completion("s1", 10), by="mentor", at=10 + HOUR).then(e.SessionCompleted)


def test_a_session_that_began_a_little_early_is_told_after_its_end() -> None:
    early = completion("s1", 10 - HOUR / 12, ended_at=day(10 + HOUR))
    story().when(early, by="mentor", at=10 + HOUR).then(e.SessionCompleted)


def test_a_no_show_told_before_the_start_is_refused() -> None:
    missed = c.RecordNoShow(session_id="s1", absent=("mentee",))
    problems = story().when(missed, by="mentor", at=9.99).then_refused("not_started")
    assert "afterwards" in problems[0].message
    story().when(missed, by="mentor", at=10).then(e.SessionMissed)
    # It counts from the start that the session had then.
    story(moved(10, 20, at=9)).when(missed, by="mentor", at=10).then_refused("not_started")


@pytest.mark.parametrize("present", [(), ("mentee",), ("mentor", "customer")])
def test_a_completion_without_both_present_is_refused(present: tuple[Role, ...]) -> None:
    problems = story().when(completion("s0", 0.51, present=present), by="mentor").then_refused("not_present")
    assert [problem.field for problem in problems] == ["data.present"]
    assert "record the no-show, or cancel" in problems[0].message


def test_a_session_is_over_once() -> None:
    done = story(*held("s2", 8))
    for command in (
        c.RecordNoShow(session_id="s2", absent=("mentee",)),
        c.CancelSession(session_id="s2", reason="-"),
        completion("s2", 8),
        move(12, "s2"),
    ):
        problems = done.when(command, by="mentor", at=9).then_refused("session_state")
        assert "CorrectFact" in problems[0].message


@pytest.mark.parametrize("absent, fine", [(("mentee",), True), (("mentor",), True), (BOTH, True), (("mentee", "customer"), True), (("customer",), False)])  # fmt: skip
def test_a_session_is_missed_by_mentee_or_mentor(absent: tuple[Role, ...], fine: bool) -> None:
    told = story().when(c.RecordNoShow(session_id="s0", absent=absent), by="service")
    if fine:
        told.then(e.SessionMissed)
    else:
        told.then_refused("nobody_absent")


@pytest.mark.parametrize("cause", ["illness", "supplier", "work", "personal", None])
def test_a_no_show_tells_its_cause(cause: Cause | None) -> None:
    missed = c.RecordNoShow(session_id="s0", absent=("mentee",), cause=cause)
    [event] = story().when(missed, by="mentor").then(e.SessionMissed)
    assert isinstance(event, e.SessionMissed)
    assert event.cause == cause


def test_a_session_that_overlaps_another_one_that_took_place_is_recorded_with_a_finding() -> None:
    told = story(*held("s2", 8), booked("s3", 8.02)).when(completion("s3", 8.02), by="mentor", at=9)
    told.then(e.SessionCompleted)
    told.then_found(("overlap", None))
    story(*held("s2", 8), booked("s3", 9)).when(completion("s3", 9), by="mentor", at=9.5).then_found()


@pytest.mark.clause("leapfrog.privacy")
@pytest.mark.parametrize(
    "codes, set_by, found",
    [
        (("leapfrog",), "mentor", [("private_topic", "leapfrog.privacy")]),
        (("leapfrog",), "mentee", []),
        (("cmn",), "mentor", []),
    ],
)
def test_a_session_in_which_a_private_topic_was_raised_is_recorded_with_a_finding(
    codes: tuple[str, ...], set_by: Role, found: list[tuple[str, str | None]]
) -> None:
    private = At(0.52, e.TopicMarkedPrivate(topic="debts"), "mentee")
    agenda = (AgendaItem(topic="the debts", set_by=set_by, minutes=10),)
    told = story(private, codes=codes).when(completion("s0", 0.51, agenda=agenda), by="mentor")
    told.then(e.SessionCompleted)
    told.then_found(*found)


PAUSED = At(12, e.RelationshipPaused(reason="leave", informed=BOTH, next_steps="-", review_on=day(30).date()), "mentor")
RESUMED = At(20, e.RelationshipResumed(informed=BOTH), "mentor")
ENDED = At(12, e.RelationshipTerminated(reason="goals_met", informed=BOTH, next_steps="-"), "mentor")


@pytest.mark.clause("cmn.pause-or-stop")
@pytest.mark.parametrize("stop", [PAUSED, ENDED], ids=["paused", "ended"])
def test_what_took_place_before_the_pause_or_the_end_may_still_be_told(stop: At) -> None:
    stopped = story(booked("s2", 13), stop)
    # Of a session that took place it counts when it did, not when it is told; of everything else, the time of the message.
    stopped.when(completion("s1", 10), by="mentor", at=14).then(e.SessionCompleted)
    missed = c.RecordNoShow(session_id="s1", absent=("mentee",))
    stopped.when(missed, by="mentor", at=11).then(e.SessionMissed)
    stopped.when(missed, by="mentor", at=14).then_refused("state")
    late = c.ScheduleSession(session_id="s3", starts_at=day(11), channel="platform")
    stopped.when(late, by="mentor", at=11.9).then(e.SessionScheduled)
    stopped.when(late, by="mentor", at=14).then_refused("state")
    stopped.when(move(11), at=9).then(e.SessionRescheduled)
    stopped.when(c.CancelSession(session_id="s1", reason="-"), at=9).then(e.SessionCancelled)
    stopped.when(c.AssignHomework(homework_id="h2", session_id="s1", description="-"), at=11).then(e.HomeworkAssigned)
    stopped.when(c.ReportHomework(homework_id="h1", hours=2), at=11).then(e.HomeworkReported)
    stopped.when(c.RecordGoalProgress(goal_id="g1", progress="some"), at=11).then(e.GoalProgressRecorded)
    stopped.when(c.RecordContact(channel="email"), at=11).then(e.ContactRecorded)


@pytest.mark.clause("cmn.pause-or-stop")
@pytest.mark.parametrize("stop", [PAUSED, ENDED], ids=["paused", "ended"])
def test_while_paused_and_after_the_end_there_are_no_new_sessions(stop: At) -> None:
    stopped = story(booked("s2", 13), stop)
    for when in (11, 14):
        new = c.ScheduleSession(session_id="s3", starts_at=day(15), channel="platform")
        stopped.when(new, by="mentor", at=when).then_refused("state")
    problems = stopped.when(completion("s2", 13), by="mentor", at=14).then_refused("state")
    assert "what took place before may be told" in problems[0].message
    stopped.when(move(15, "s2"), at=12.5).then_refused("state")
    stopped.when(c.CancelSession(session_id="s2", reason="-"), at=12.5).then_refused("state")


@pytest.mark.clause("cmn.pause-or-stop")
@pytest.mark.parametrize("codes, clause", [(("cmn",), "cmn.pause-or-stop"), (("pentalog",), None)])
def test_a_session_held_during_a_pause_and_told_after_it_is_recorded_with_a_finding(
    codes: tuple[str, ...], clause: str | None
) -> None:
    told = story(booked("s2", 11.99), PAUSED, RESUMED, codes=codes).when(completion("s2", 13), by="mentor", at=21)
    told.then(e.SessionCompleted)
    told.then_found(("state", clause))
    for start in (11.995, 20):
        story(booked("s2", start), PAUSED, RESUMED).when(completion("s2", start), by="mentor", at=21).then_found()


@pytest.mark.parametrize("command", [c.AssignHomework(homework_id="h2", session_id="s1", description="-"), c.ReportHomework(homework_id="h1", hours=2), c.RecordGoalProgress(goal_id="g1", progress="some"), c.RecordSessionNote(session_id="s1", text="-")])  # fmt: skip
def test_after_the_end_homework_progress_and_notes_are_told_by_their_time(command: Any) -> None:
    story(ENDED).when(command, at=12).then_refused("state")
    assert isinstance(story(ENDED).when(command, at=11.99).outcome, list)


def test_a_session_counts_as_contracting_by_the_time_at_which_it_took_place() -> None:
    early = [*contracted(), booked("s5", 0.2, at=0.1), At(0.5, e.RelationshipActivated())]
    [event] = given(*early).when(completion("s5", 0.2), by="mentor", at=3).then(e.SessionCompleted)
    assert isinstance(event, e.SessionCompleted)
    assert event.status == "contracting"
    [event] = story(ENDED).when(completion("s1", 10), by="mentor", at=13).then(e.SessionCompleted)
    assert isinstance(event, e.SessionCompleted)
    assert event.status == "active"


@pytest.mark.clause("cmn.homework-reviewed")
def test_an_agenda_item_names_homework_that_was_assigned() -> None:
    known = (AgendaItem(topic="the reading", set_by="mentee", homework_id="h1", minutes=10),)
    unknown = (*known, AgendaItem(topic="the writing", set_by="mentee", homework_id="h9", minutes=10))
    [event] = story().when(completion("s0", 0.51, agenda=known), by="mentor").then(e.SessionCompleted)
    assert isinstance(event, e.SessionCompleted)
    assert event.agenda[0].homework_id == "h1"
    problems = story().when(completion("s0", 0.51, agenda=unknown), by="mentor").then_refused("unknown_homework")
    assert [problem.field for problem in problems] == ["data.agenda.1.homework_id"]


@pytest.mark.clause("mentor247.call-to-action")
def test_encouragement_and_a_call_to_action_are_recorded() -> None:
    told = completion("s0", 0.51, call_to_action="write it down", encouragement=True, camera_on=False)
    [event] = story().when(told, by="mentor").then(e.SessionCompleted)
    assert isinstance(event, e.SessionCompleted)
    assert (event.call_to_action, event.encouragement, event.camera_on) == ("write it down", True, False)


@pytest.mark.clause("mentor247.surroundings")
@pytest.mark.parametrize("attire, found", [(True, ()), (None, ()), (False, ("attire",))])
def test_appropriate_dress_is_checked_before_a_session(attire: bool | None, found: tuple[str, ...]) -> None:
    items: dict[str, Any] = dict.fromkeys(
        ("connection", "microphone", "speakers", "camera", "quiet", "background"), True
    )
    check = c.RecordPresessionCheck(session_id="s1", checked_at=day(9.9), device="computer", attire=attire, **items)
    [event] = story().when(check, by="mentor", at=9.9).then(e.PresessionCheckRecorded)
    assert isinstance(event, e.PresessionCheckRecorded)
    assert event.findings == found


# --- homework and contact ------------------------------------------------------------------------------------------
def test_homework_that_nobody_assigned_is_reported_for_its_session() -> None:
    report = c.ReportHomework(session_id="s0", hours=3)
    told = story().when(report)
    [event] = told.then(e.HomeworkReported)
    assert isinstance(event, e.HomeworkReported)
    assert (event.session_id, event.homework_id, event.hours) == ("s0", None, 3)
    reported = At(1, event, "mentee")
    story(reported).when(report, at=2).then_nothing()
    story(reported).when(report.model_copy(update={"hours": 4.0}), at=2).then(e.HomeworkReported)
    story().when(c.ReportHomework(session_id="s9", hours=3)).then_refused("unknown_session")


@pytest.mark.parametrize("by, between", [("mentee", BOTH), ("mentor", BOTH), ("service", BOTH), ("coordinator", ("coordinator",)), ("supplier", ("supplier",))])  # fmt: skip
def test_a_contact_is_between_the_two_where_a_party_or_a_service_tells_it(by: str, between: tuple[str, ...]) -> None:
    [event] = story().when(c.RecordContact(channel="email"), by=by).then(e.ContactRecorded)
    assert isinstance(event, e.ContactRecorded)
    assert event.between == between
    told = c.RecordContact(channel="email", between=("mentor", "coordinator"))
    [event] = story().when(told, by=by).then(e.ContactRecorded)
    assert isinstance(event, e.ContactRecorded)
    assert event.between == ("mentor", "coordinator")


@pytest.mark.clause("pentalog.mentor-time")
def test_a_contact_tells_the_minutes_that_it_took() -> None:
    [event] = story().when(c.RecordContact(channel="telephone", minutes=25), by="mentor").then(e.ContactRecorded)
    assert isinstance(event, e.ContactRecorded)
    assert event.minutes == 25


@pytest.mark.clause("care.informed")
@pytest.mark.parametrize("by, fine", [("coordinator", True), ("supplier", True), ("mentee", False), ("service", False)])
def test_after_the_end_the_office_may_still_be_in_touch(by: str, fine: bool) -> None:
    told = story(ENDED).when(c.RecordContact(channel="telephone", between=("mentee",)), by=by, at=15)
    if fine:
        told.then(e.ContactRecorded)
    else:
        told.then_refused("state")


def test_a_plan_says_how_long_sessions_are() -> None:
    planned = given(proposed("cmn"), At(0.1, PLAN.model_copy(update={"minutes": 90}), "mentee"))
    [event] = planned.when(c.ScheduleSession(session_id="s9", starts_at=day(30), channel="email")).then(
        e.SessionScheduled
    )
    assert isinstance(event, e.SessionScheduled)
    assert event.minutes == 90


def test_a_start_belongs_to_the_time_of_its_move_in_whatever_order_moves_are_told() -> None:
    moves = [moved(10, 15, at=2), moved(15, 17, at=4), moved(17, 12, at=6)]
    for told in (moves, moves[::-1], [moves[1], moves[2], moves[0]]):
        state = fold(history(*in_state("active"), *told))
        assert isinstance(state, Relationship)
        session = state.sessions["s1"]
        starts: list[datetime] = [session.start_at(day(at)) for at in (1, 2, 3, 5, 7)]
        assert starts == [day(10), day(15), day(15), day(17), day(12)]
        assert session.starts_at == day(12)


@pytest.mark.clause("mentor247.connection")
def test_a_check_told_late_is_judged_against_the_start_that_the_session_then_had() -> None:
    scheduled = e.SessionScheduled(session_id="s7", starts_at=day(5), channel="platform", minutes=60)
    away = e.SessionRescheduled(
        session_id="s7", starts_at=day(7), previous_starts_at=day(5), reason="x", notice_hours=0.1, late=True
    )
    check = c.RecordPresessionCheck(
        session_id="s7", checked_at=day(5) - timedelta(minutes=8), device="computer", connection=True, microphone=True,
        speakers=True, camera=True, quiet=True, background=True,
    )  # fmt: skip
    told = given(*in_state("active", "mentor247"), At(1, scheduled), At(5 - 5 / 1440, away))
    [event] = told.when(check, at=5.5).then(e.PresessionCheckRecorded)
    assert isinstance(event, e.PresessionCheckRecorded)
    assert event.findings == ("late_check",)
