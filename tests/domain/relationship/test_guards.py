"""Each guard refuses the command it names, by its clause, and lets pass what the clause allows."""

import pytest

from domain.model import Command
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.fields import AgendaItem
from domain.words import Channel, EndingReason
from tests.domain.relationship.samples import BOTH, COMMANDS, contracted, in_state
from tests.given_when_then import At, day, given

PAUSE = COMMANDS[c.PauseRelationship]
END = COMMANDS[c.TerminateRelationship]


@pytest.mark.clause("cmn.pause-or-stop")
@pytest.mark.parametrize("command", [PAUSE, END], ids=["pause", "end"])
@pytest.mark.parametrize("code", ["pentalog", "cmn"])
def test_stopping_asks_for_both_informed_and_next_steps_under_every_code(command: Command, code: str) -> None:
    active = given(*in_state("active", code))
    for lacking in ({"informed": ("mentee",)}, {"informed": ("mentor",)}, {"informed": ()}):
        problems = active.when(command.model_copy(update=lacking), by="mentor").then_refused("cmn.pause-or-stop")
        assert [problem.field for problem in problems] == ["data.informed"]
    problems = active.when(command.model_copy(update={"next_steps": " \n"}), by="mentee").then_refused()
    assert [(problem.clause, problem.field) for problem in problems] == [("cmn.pause-or-stop", "data.next_steps")]


@pytest.mark.clause("cmn.pause-or-stop")
def test_a_pause_cancels_what_was_to_come_and_blames_nobody() -> None:
    _, cancelled = given(*in_state("active")).when(PAUSE, by="mentor").then(e.RelationshipPaused, e.SessionCancelled)
    assert isinstance(cancelled, e.SessionCancelled)
    assert (cancelled.session_id, cancelled.by_pause, cancelled.late) == ("s1", True, False)


def test_resuming_asks_for_neither() -> None:
    given(*in_state("paused")).when(c.ResumeRelationship(), by="mentee").then(e.RelationshipResumed)


@pytest.mark.clause("leapfrog.finish", "nottingham.end", "nottingham.withdrawal")
@pytest.mark.parametrize("status", ["contracting", "active", "paused"])
@pytest.mark.parametrize("reason", ["help_received", "no_longer_helping", "referred", "mentor_withdrawal", "goals_met"])
def test_a_party_may_leave_from_every_state_whatever_the_reason(status: str, reason: EndingReason) -> None:
    end = c.TerminateRelationship(reason=reason, informed=BOTH, next_steps="hand over")
    given(*in_state(status)).when(end, by="mentor").then(e.RelationshipTerminated)  # type: ignore[arg-type]


@pytest.mark.clause("pentalog.reschedule-with-ease")
@pytest.mark.parametrize("at, late, hours", [(9, False, 24.0), (9.5, True, 12.0), (9.9999, True, 0.0024)])
def test_a_move_before_the_start_is_never_refused_however_late(at: float, late: bool, hours: float) -> None:
    [moved] = (
        given(*in_state("active", "pentalog")).when(COMMANDS[c.RescheduleSession], at=at).then(e.SessionRescheduled)
    )
    assert isinstance(moved, e.SessionRescheduled)
    assert moved.late is late
    assert moved.notice_hours == pytest.approx(hours)
    assert moved.previous_starts_at == day(10)


@pytest.mark.clause("pentalog.reschedule-with-ease")
@pytest.mark.parametrize("at", [10, 11])
def test_after_the_start_there_is_nothing_to_move(at: float) -> None:
    move = given(*in_state("active", "pentalog")).when(COMMANDS[c.RescheduleSession], at=at)
    move.then_refused("pentalog.reschedule-with-ease", "session_started")
    other = given(*in_state("active", "cmn")).when(COMMANDS[c.RescheduleSession], at=at)
    assert [problem.clause for problem in other.then_refused("session_started")] == [None]


@pytest.mark.clause("nottingham.remote")
@pytest.mark.parametrize(
    "channel, fine",
    [
        ("platform", True),
        ("virtual_meeting", True),
        ("email", True),
        ("telephone", True),
        ("in_person", False),
        ("off_platform", False),
    ],
)
def test_nottingham_meets_remotely(channel: Channel, fine: bool) -> None:
    command = c.ScheduleSession(session_id="s7", starts_at=day(20), channel=channel)
    given(*in_state("active", "cmn")).when(command).then(e.SessionScheduled)
    here = given(*in_state("active", "nottingham")).when(command)
    if fine:
        here.then(e.SessionScheduled)
    else:
        here.then_refused("nottingham.remote")


@pytest.mark.clause("leapfrog.privacy")
def test_a_private_topic_is_no_goal_of_anybody_else() -> None:
    private = [*in_state("active", "leapfrog"), At(0.7, e.TopicMarkedPrivate(topic="My  health"), "mentee")]
    goal = c.AgreeGoal(goal_id="g5", title="Mind my Health!", type="wellbeing", source="mentee", agreed_by=BOTH)
    problems = given(*private).when(goal, by="mentor").then_refused("leapfrog.privacy")
    assert problems[0].field == "data.title"
    given(*private).when(goal, by="mentee").then(e.GoalAgreed)
    opened = [*private, At(0.8, e.TopicOpened(topic="my health"), "mentee")]
    given(*opened).when(goal, by="mentor").then(e.GoalAgreed)


@pytest.mark.clause("leapfrog.privacy")
def test_a_private_topic_is_no_agenda_item_set_by_anybody_else() -> None:
    private = [*in_state("active", "leapfrog"), At(0.7, e.TopicMarkedPrivate(topic="debts"), "mentee")]

    def session(set_by: str) -> Command:
        item = AgendaItem(topic="the debts", set_by=set_by, minutes=10)  # type: ignore[arg-type]
        return COMMANDS[c.CompleteSession].model_copy(update={"agenda": (item,)})

    problems = given(*private).when(session("mentor")).then_refused("leapfrog.privacy")
    assert problems[0].field == "data.agenda.0.topic"
    given(*private).when(session("mentee")).then(e.SessionCompleted)


@pytest.mark.clause("leapfrog.conflicts")
@pytest.mark.parametrize("status", ["contracting", "active", "paused"])
@pytest.mark.parametrize("party", BOTH)
def test_a_conflict_may_be_declared_at_any_time_by_either(status: str, party: str) -> None:
    declare = c.DeclareConflictOfInterest(nature="stakeholder", stakeholder="the board")
    given(*in_state(status)).when(declare, by=party).then(e.ConflictOfInterestDeclared)  # type: ignore[arg-type]


@pytest.mark.clause("nottingham.contact-details")
def test_contact_details_need_their_owners_consent() -> None:
    share = c.ShareContactDetails(telephone="+44 115 000")
    granted = At(0.1, e.ConsentGranted(data_class="contact_details", audience="mentee", until=day(5)), "mentor")
    with_consent = given(*contracted(codes=("nottingham",)), granted)
    given(*contracted(codes=("nottingham",))).when(share, by="mentor").then_refused("nottingham.contact-details")
    with_consent.when(share, by="mentor", at=5).then(e.ContactDetailsShared)
    with_consent.when(share, by="mentor", at=5.01).then_refused("nottingham.contact-details")
    with_consent.when(share, by="mentee").then_refused("nottingham.contact-details")
    given(*contracted(codes=("cmn",))).when(share, by="mentor").then(e.ContactDetailsShared)
