from datetime import timedelta

import pytest

from domain.mentor.events import MentorReinstated, MentorSuspended
from domain.programme.events import TermSet
from domain.relationship import events as e
from tests.given_when_then import day
from tests.workers.happenings import booked, completed, ended, kinds, missed, moved, paused, planned
from tests.workers.stage import MENTOR, Stage
from workers.sessions import SESSIONS

PARTIES = ["mentee:ana", "mentor:ben"]


def stage(*codes: str) -> Stage:
    return Stage(*(codes or ("pentalog",)), workers=[SESSIONS]).active()


def test_both_are_reminded_two_days_before() -> None:
    told = stage().happens(booked("s1", 5), on=1).passes(2.99)
    assert told.notes == []
    told.passes(3)
    assert told.told("session_reminder") == PARTIES
    assert told.notes[0].at == day(3)
    assert told.notes[0].parameters == {"session_id": "s1", "starts_at": day(5).isoformat()}


def test_a_date_made_within_the_last_day_needs_no_reminder() -> None:
    assert stage().happens(booked("s1", 1.5), on=1).passes(2).told("session_reminder") == []


def test_a_moved_session_is_reminded_of_at_its_new_date_alone() -> None:
    told = stage().happens(booked("s1", 5), on=1).happens(moved("s1", 5, 9, 48), on=2.5).passes(8)
    assert [(note.template, note.at) for note in told.notes] == [("session_reminder", day(7))] * 2


def test_a_move_told_late_leaves_the_session_where_the_latest_move_put_it() -> None:
    told = stage().happens(booked("s1", 9), on=1).happens(moved("s1", 9, 20, 120), on=4)
    told.now = day(5)
    told.happens(moved("s1", 9, 12, 144), on=3)
    assert told.passes(17.99).told("session_reminder") == []
    assert told.passes(18).told("session_reminder") == PARTIES


def test_a_move_told_after_the_session_took_place_puts_nothing_on_the_calendar() -> None:
    told = stage().happens(booked("s1", 5), on=1).happens(completed("s1", 5), on=5.1)
    before = told.deadlines()
    told.happens(moved("s1", 5, 9, 72), on=2)
    assert told.deadlines() == before
    assert told.passes(12).tasks("session_outcome") == []


def test_a_reminder_leaves_room_to_move_the_session_in_time() -> None:
    told = stage()
    term = TermSet(document="privacy_policy", term="late_notice_hours", value=72, resolved=72, winner="privacy_policy")
    told.happens(term, on=0.5, subject="programme:p1").happens(booked("s1", 9), on=1)
    assert told.passes(5.49).told("session_reminder") == []
    assert told.passes(5.5).told("session_reminder") == PARTIES


def test_a_session_without_an_outcome_is_a_task_a_day_after_its_end() -> None:
    told = stage().happens(booked("s1", 5), on=1).passes(6.04)
    assert told.tasks() == []
    told.passes(6.05)
    [task] = told.tasks()
    assert (task.kind, task.about, task.since) == ("session_outcome", "s1", day(6) + timedelta(hours=1))
    assert task.settled_by == ("CompleteSession", "RecordNoShow", "CancelSession")
    assert told.told("session_outcome") == ["mentor:ben", "coordinator"]
    assert told.happens(completed("s1", 5), on=7).tasks() == []


@pytest.mark.parametrize(
    "outcome", [missed("s1", "mentee"), e.SessionCancelled(session_id="s1", reason="ill", notice_hours=1, late=True)]
)
def test_any_outcome_settles_it(outcome: e.RelationshipEvent) -> None:
    assert stage().happens(booked("s1", 5), on=1).happens(outcome, on=5.1).passes(9).tasks("session_outcome") == []


@pytest.mark.clause("pentalog.next-session")
def test_completing_a_session_with_none_scheduled_reminds_both_at_once() -> None:
    told = stage().happens(planned(4), booked("s1", 5), on=1).happens(completed("s1", 5), on=5.05)
    assert told.told("next_session") == PARTIES
    assert told.notes[-1].parameters == {"sessions_left": 3}
    assert told.notes[-1].at == day(5.05)
    assert told.clauses("next_session") == ("pentalog.next-session",)


@pytest.mark.clause("care.standing")
def test_nobody_is_reminded_of_a_next_session_that_a_suspended_mentor_may_not_have() -> None:
    told = stage().happens(booked("s1", 5), on=1).happens(MentorSuspended(reason="x"), on=2, subject=MENTOR)
    assert told.happens(completed("s1", 5), on=5.1).told("next_session") == []
    told.happens(MentorReinstated(), on=6, subject=MENTOR).happens(booked("s2", 9), on=7)
    assert told.happens(completed("s2", 9), on=9.1).told("next_session") == PARTIES


@pytest.mark.clause("pentalog.next-session")
@pytest.mark.parametrize("codes", [("cmn", "leapfrog", "nottingham", "mentor247")])
def test_nobody_is_reminded_of_the_next_session_under_other_codes(codes: tuple[str, ...]) -> None:
    told = stage(*codes).happens(booked("s1", 5), on=1).happens(completed("s1", 5), on=5.05)
    assert told.told("next_session") == []


@pytest.mark.clause("pentalog.next-session")
def test_no_reminder_when_the_next_is_scheduled_or_the_plan_is_done() -> None:
    told = stage().happens(planned(2), booked("s1", 5), booked("s2", 12), on=1).happens(completed("s1", 5), on=5.05)
    assert told.told("next_session") == []
    assert told.happens(completed("s2", 12), on=12.05).told("next_session") == []


@pytest.mark.clause("pentalog.next-session")
def test_a_session_whose_start_has_passed_is_not_scheduled_any_more() -> None:
    told = stage().happens(booked("s0", 3), booked("s1", 5), on=1).happens(completed("s1", 5), on=5.05)
    assert told.told("next_session") == PARTIES


def test_the_contracting_session_asks_for_nothing() -> None:
    told = Stage("pentalog", workers=[SESSIONS]).happens(booked("s0", 1), on=0.5)
    told.happens(completed("s0", 1, status="contracting"), on=1.1)
    assert told.nothing()


def test_no_first_session_for_ten_days_is_brought_to_the_coordinator() -> None:
    told = Stage("pentalog", workers=[SESSIONS]).active(2).passes(11.99)
    assert told.tasks() == []
    assert kinds(told.passes(12).tasks()) == ["first_session"]
    assert told.told("first_session") == [*PARTIES, "coordinator"]
    assert told.clauses("first_session") == ("pentalog.next-session",)
    assert told.happens(booked("s1", 20), on=13).tasks() == []


def test_a_first_session_on_the_calendar_is_enough() -> None:
    assert stage().happens(booked("s1", 14), on=9).passes(12).told("first_session") == []
    lost = stage().happens(booked("s1", 14), on=9)
    lost.happens(e.SessionCancelled(session_id="s1", reason="ill", notice_hours=96, late=False), on=10)
    assert kinds(lost.passes(20).tasks()) == ["first_session"]


def test_days_in_a_pause_do_not_count_for_the_first_session() -> None:
    told = stage().happens(paused(20), on=4).happens(e.RelationshipResumed(), on=24)
    assert told.passes(29.9).tasks() == []
    assert kinds(told.passes(30).tasks()) == ["first_session"]


@pytest.mark.clause("leapfrog.notice")
def test_two_no_shows_running_reach_the_coordinator() -> None:
    told = stage("leapfrog").happens(booked("s1", 5), booked("s2", 12), on=1)
    told.happens(missed("s1", "mentee"), on=5.1)
    assert told.tasks() == []
    told.happens(missed("s2", "mentee", "mentor"), on=12.1)
    [task] = told.tasks()
    assert (task.kind, task.about, task.evidence) == ("two_no_shows", "mentee", (5, 6))
    assert task.clauses == ("leapfrog.notice",)
    assert told.told("two_no_shows") == ["coordinator"]
    assert told.happens(e.ContactRecorded(channel="telephone"), on=13).tasks() == []


def test_a_session_in_between_or_a_long_time_breaks_the_row() -> None:
    told = stage().happens(booked("s1", 5), booked("s2", 12), booked("s3", 19), on=1)
    told.happens(missed("s1", "mentee"), on=5.1).happens(completed("s2", 12), on=12.1)
    assert told.happens(missed("s3", "mentee"), on=19.1).tasks("two_no_shows") == []
    late = stage().happens(booked("s1", 5), booked("s2", 110), on=1).happens(missed("s1", "mentor"), on=5.1)
    assert late.happens(missed("s2", "mentor"), on=110.1).tasks("two_no_shows") == []


def test_the_end_leaves_nothing_of_the_calendar() -> None:
    told = stage().happens(booked("s1", 5), on=1).passes(6.5)
    assert told.tasks()
    told.happens(booked("s2", 20), ended(), on=8)
    assert told.tasks() == []
    assert told.deadlines() == {}
