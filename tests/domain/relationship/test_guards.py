"""Each guard refuses the command it names, by its clause, and lets pass what the clause allows."""

import pytest

from domain.model import Command, Event, Known
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.fields import AgendaItem
from domain.relationship.guards import raises_private_topic
from domain.relationship.state import Relationship
from domain.words import Channel, CodeId, EndingReason, Status
from tests.domain.relationship.samples import BOTH, COMMANDS, contracted, in_state
from tests.given_when_then import At, day, fold, given, history

PAUSE = COMMANDS[c.PauseRelationship]
END = COMMANDS[c.TerminateRelationship]


POSTPONE = COMMANDS[c.PostponeRelationship]
OTHER_CODES = ("pentalog", "mentor247", "leapfrog", "nottingham")


@pytest.mark.clause("cmn.pause-or-stop")
@pytest.mark.parametrize(
    "command, status",
    [(PAUSE, "active"), (END, "active"), (END, "contracting"), (END, "paused"), (POSTPONE, "contracting")],
)
def test_under_cmn_pausing_postponing_and_stopping_ask_for_both_informed_and_next_steps(
    command: Command, status: Status
) -> None:
    story = given(*in_state(status, "cmn"))
    for lacking, by in ((("mentee",), "coordinator"), (("mentor",), "coordinator"), ((), "coordinator")):
        problems = story.when(command.model_copy(update={"informed": lacking}), by=by).then_refused("not_informed")
        assert [(problem.clause, problem.field) for problem in problems] == [("cmn.pause-or-stop", "data.informed")]
    problems = story.when(command.model_copy(update={"next_steps": " \n"}), by="mentee").then_refused("no_next_steps")
    assert [(problem.clause, problem.field) for problem in problems] == [("cmn.pause-or-stop", "data.next_steps")]


@pytest.mark.clause("cmn.pause-or-stop")
@pytest.mark.parametrize("reason", ["disrespect", "breach", "trust_breakdown", "compromising_relationship"])
def test_who_ends_for_one_of_four_reasons_need_not_inform_the_other(reason: EndingReason) -> None:
    end = c.TerminateRelationship(reason=reason)
    ended = given(*in_state("active", "cmn")).when(end, by="mentee")
    ended.then(e.RelationshipTerminated, e.SessionCancelled)
    ended.then_found(("not_informed", "care.informed"))


@pytest.mark.clause("cmn.pause-or-stop")
def test_whoever_ends_a_relationship_counts_as_informed() -> None:
    one_named = END.model_copy(update={"informed": ("mentor",)})
    ended = given(*in_state("active", "cmn")).when(one_named, by="mentee")
    ended.then(e.RelationshipTerminated, e.SessionCancelled)
    ended.then_found()
    given(*in_state("active", "cmn")).when(one_named, by="mentor").then_refused("not_informed")


@pytest.mark.clause("care.informed")
@pytest.mark.parametrize("code", OTHER_CODES)
def test_under_the_other_codes_an_ending_of_which_a_party_was_not_informed_is_accepted(code: str) -> None:
    end = c.TerminateRelationship(reason="mentee_choice")
    ended = given(*in_state("active", code)).when(end, by="mentee")
    ended.then(e.RelationshipTerminated, e.SessionCancelled)
    ended.then_found(("not_informed", "care.informed"))
    informed = given(*in_state("active", code)).when(end.model_copy(update={"informed": ("mentor",)}), by="mentee")
    informed.then_found()


@pytest.mark.parametrize("code", OTHER_CODES)
def test_under_the_other_codes_a_pause_still_asks_for_both_informed_and_next_steps(code: str) -> None:
    story = given(*in_state("active", code))
    for lacking in ({"informed": ("mentee",)}, {"informed": ("mentor",)}, {"informed": ()}):
        problems = story.when(PAUSE.model_copy(update=lacking), by="mentor").then_refused("not_informed")
        assert [(problem.clause, problem.field) for problem in problems] == [(None, "data.informed")]
    problems = story.when(PAUSE.model_copy(update={"next_steps": " \n"}), by="mentee").then_refused("no_next_steps")
    assert [(problem.clause, problem.field) for problem in problems] == [(None, "data.next_steps")]
    postponed = POSTPONE.model_copy(update={"informed": (), "next_steps": ""})
    given(*in_state("contracting", code)).when(postponed, by="mentor").then(e.RelationshipPostponed)


def test_the_end_cancels_the_sessions_to_come_attributed_to_nobody() -> None:
    _, cancelled = (
        given(*in_state("active")).when(END, by="mentor", at=9.9).then(e.RelationshipTerminated, e.SessionCancelled)
    )
    assert isinstance(cancelled, e.SessionCancelled)
    assert (cancelled.session_id, cancelled.by_end, cancelled.by_pause, cancelled.late) == ("s1", True, False, False)
    assert cancelled.on_behalf_of is None


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
    ended = given(*in_state(status)).when(end, by="mentor")  # type: ignore[arg-type]
    assert isinstance(ended.outcome, list)
    assert isinstance(ended.outcome[0], e.RelationshipTerminated)


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
@pytest.mark.parametrize("role", ["mentor", "coordinator", "supplier"])
def test_a_private_topic_is_no_measure_of_success_of_anybody_else(role: str) -> None:
    private = given(*in_state("active", "leapfrog"), At(0.7, e.TopicMarkedPrivate(topic="debts"), "mentee"))
    goal = c.AgreeGoal(
        goal_id="g5", title="Plan", type="other", source="mentee", success_measure="no debts", agreed_by=BOTH
    )
    assert private.when(goal, by=role).then_refused("leapfrog.privacy")[0].field == "data.success_measure"
    if role == "mentor":
        revise = c.ReviseGoal(goal_id="g1", success_measure="No debts.", agreed_by=BOTH)
        assert private.when(revise, by=role).then_refused("private_topic")[0].field == "data.success_measure"
        private.when(revise, by="mentee").then(e.GoalRevised)


@pytest.mark.clause("leapfrog.privacy")
def test_a_private_topic_is_no_homework_of_anybody_else() -> None:
    private = [*in_state("active", "leapfrog"), At(0.7, e.TopicMarkedPrivate(topic="debts"), "mentee")]
    homework = c.AssignHomework(homework_id="h5", session_id="s1", description="List the debts")
    problems = given(*private).when(homework, by="mentor").then_refused("leapfrog.privacy")
    assert [problem.field for problem in problems] == ["data.description"]
    given(*private).when(homework, by="mentee").then(e.HomeworkAssigned)
    given(*private, At(0.8, e.TopicOpened(topic="Debts"), "mentee")).when(homework, by="mentor").then(
        e.HomeworkAssigned
    )


@pytest.mark.clause("leapfrog.privacy")
@pytest.mark.parametrize(
    "code, by, opened, found",
    [
        ("leapfrog", "mentor", False, [("private_topic", "leapfrog.privacy")]),
        ("leapfrog", "mentee", False, []),
        ("leapfrog", "mentor", True, []),
        ("cmn", "mentor", False, []),
    ],
)
def test_homework_on_a_private_topic_that_is_told_after_the_end_is_recorded_with_a_finding(
    code: CodeId, by: str, opened: bool, found: list[tuple[str, str]]
) -> None:
    """A guard refuses plans; a fact told afterwards that went against a rule is accepted, with a finding on its event."""
    told: list[Event | At] = [*in_state("active", code), At(0.7, e.TopicMarkedPrivate(topic="debts"), "mentee")]
    told += [At(0.8, e.TopicOpened(topic="debts"), "mentee")] * opened
    told.append(At(9, e.RelationshipTerminated(reason="goals_met", informed=BOTH, next_steps="None.")))
    homework = c.AssignHomework(homework_id="h5", session_id="s1", description="List the debts")
    late = given(*told).when(homework, by=by, at=8)
    late.then(e.HomeworkAssigned)
    late.then_found(*found)
    given(*told).when(homework, by=by, at=9.5).then_refused("state")


@pytest.mark.clause("leapfrog.privacy")
def test_a_topic_is_raised_by_an_item_that_somebody_else_set() -> None:
    private = fold(history(*in_state("active", "leapfrog"), At(0.7, e.TopicMarkedPrivate(topic="debts"), "mentee")))
    other = fold(history(*in_state("active", "cmn"), At(0.7, e.TopicMarkedPrivate(topic="debts"), "mentee")))
    assert isinstance(private, Relationship)
    assert isinstance(other, Relationship)
    raised = AgendaItem(topic="the debts", set_by="mentor", minutes=10)
    own, harmless = (
        raised.model_copy(update={"set_by": "mentee"}),
        raised.model_copy(update={"topic": "my credits"}),
    )
    assert raises_private_topic(private, [own, raised])
    assert not raises_private_topic(private, [own, harmless])
    assert not raises_private_topic(other, [raised])


@pytest.mark.clause("leapfrog.conflicts")
@pytest.mark.parametrize("status", ["contracting", "active", "paused"])
@pytest.mark.parametrize("party", BOTH)
def test_a_conflict_may_be_declared_at_any_time_by_either(status: str, party: str) -> None:
    declare = c.DeclareConflictOfInterest(nature="stakeholder", stakeholder="the board")
    given(*in_state(status)).when(declare, by=party).then(e.ConflictOfInterestDeclared)  # type: ignore[arg-type]


@pytest.mark.clause("nottingham.contact-details")
def test_contact_details_need_their_owners_consent() -> None:
    share = c.ShareContactDetails(telephone="+44 115 000")
    until = day(5).date()
    granted = At(0.1, e.ConsentGranted(data_class="contact_details", audience="mentee", until=until), "mentor")
    with_consent = given(*contracted(codes=("nottingham",)), granted)
    given(*contracted(codes=("nottingham",))).when(share, by="mentor").then_refused("nottingham.contact-details")
    # 7 March ends 15 hours after nine in the morning.
    with_consent.when(share, by="mentor", at=5.62).then(e.ContactDetailsShared)
    with_consent.when(share, by="mentor", at=5.63).then_refused("nottingham.contact-details")
    with_consent.when(share, by="mentee").then_refused("nottingham.contact-details")
    given(*contracted(codes=("cmn",))).when(share, by="mentor").then(e.ContactDetailsShared)


@pytest.mark.clause("nottingham.contact-details")
def test_the_last_day_of_a_consent_ends_in_the_programmes_time_zone() -> None:
    share = c.ShareContactDetails(telephone="+44 115 000")
    until = day(5).date()
    granted = At(0.1, e.ConsentGranted(data_class="contact_details", audience="mentee", until=until), "mentor")
    auckland = given(*contracted(codes=("nottingham",)), granted).knowing(Known(timezone="Pacific/Auckland"))
    # The day ends there 13 hours before it ends in Greenwich.
    auckland.when(share, by="mentor", at=5.08).then(e.ContactDetailsShared)
    auckland.when(share, by="mentor", at=5.09).then_refused("nottingham.contact-details")
