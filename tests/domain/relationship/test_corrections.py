"""Corrections: who may correct what, and what follows from a corrected fact."""

from json import dumps
from typing import Any, get_args

import pytest

from domain.model import Actor, Context, Event, Known, TermSetting
from domain.problem import Refused
from domain.registry import decide, replay
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.contests import CORRECTABLE
from domain.relationship.corrections import COMMAND_OF, command_of, effective
from domain.relationship.state import Relationship
from tests.domain.relationship.samples import BOTH, COMMANDS, in_state
from tests.domain.relationship.telling import Told, codes, correct, missed
from tests.given_when_then import IDS, SUBJECT, At, day, given, history
from tests.infra.store.golden import filled

EVENTS: tuple[type[Event], ...] = get_args(e.RelationshipEvent)


# --- from events back to commands ------------------------------------------------------------------------------------
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_every_event_gives_its_command_with_the_fields_of_the_same_name(event: type[Event]) -> None:
    fact = filled(event)
    command = command_of(fact)
    assert type(command) is COMMAND_OF[event]
    dumped = command.model_dump()
    assert set(dumped) == set(type(command).model_fields)
    otherwise = {"codes", "minutes", "session_id"}
    for name in set(dumped) & set(event.model_fields) - otherwise:
        assert getattr(command, name) == getattr(fact, name)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: type(command).__name__)
@pytest.mark.parametrize("status", ["contracting", "active", "terminated"])
@pytest.mark.parametrize("role", ["mentee", "coordinator", "worker"])
def test_the_command_of_what_a_command_recorded_records_the_same(command: Any, status: Any, role: str) -> None:
    told = Told(*in_state(status))
    state = told.state
    context = Context(Actor(role, IDS[role]), day(1), day(1))  # type: ignore[arg-type]
    try:
        events = decide(SUBJECT, state, command, context).events
    except Refused:
        return
    if events:
        assert decide(SUBJECT, state, command_of(events[0]), context).events == events


def test_every_correctable_fact_is_stated_by_the_command_that_records_it() -> None:
    assert {event: COMMAND_OF[event] for event in CORRECTABLE} == CORRECTABLE


# --- who may correct what --------------------------------------------------------------------------------------------
def test_a_fact_is_corrected_by_its_author_coordinator_or_supplier() -> None:
    for role, may in (("mentor", True), ("coordinator", True), ("supplier", True), ("mentee", False), ("hr", False)):
        told = missed()
        if may:
            assert told.tell(correct(told.no_show), by=role, at=11)
        else:
            assert codes(told.refused(correct(told.no_show), by=role, at=11)) == {("role", "actor")}


def test_the_author_is_the_same_role_and_id() -> None:
    told = Told()
    (contact,) = told.tell(c.RecordContact(channel="email"), by="service", as_id="booking")
    other = told.refused(correct(contact), by="service", as_id="mailer")
    assert codes(other) == {("role", "actor")}
    assert told.tell(correct(contact), by="service", as_id="booking")


NOT_CORRECTABLE = set(EVENTS) - set(CORRECTABLE)


@pytest.mark.parametrize("event", sorted(NOT_CORRECTABLE, key=str), ids=lambda event: event.__name__)
def test_what_has_a_command_of_its_own_is_not_corrected(event: type[Event]) -> None:
    told = Told(*in_state("active"), At(1, filled(event)))
    fact = told.records[-1]
    state = replay(SUBJECT, told.records[:-1])
    assert isinstance(state, Relationship)
    context = Context(Actor("coordinator", "cora"), fact.occurred_at, fact.recorded_at, history=lambda: told.records)
    with pytest.raises(Refused) as refusal:
        decide(SUBJECT, state.but(version=fact.version), correct(fact.version), context)
    assert ("not_correctable", "data.version") in codes(refusal.value.problems)


def test_the_list_of_what_can_be_corrected_is_that_of_the_rules() -> None:
    assert {event.__name__ for event in CORRECTABLE} == {
        *("SessionCompleted", "SessionMissed", "SessionCancelled", "SessionRescheduled", "PresessionCheckRecorded"),
        *("HomeworkReported", "ContactRecorded", "GoalProgressRecorded", "GoalAgreed", "GoalRevised"),
        *("ContractingConversationRecorded", "PlanAgreed", "SessionNoteRecorded", "ConflictOfInterestDeclared"),
        *("AssessmentRecorded", "NpsResponded"),
    }


def test_what_came_with_a_fact_is_corrected_with_it() -> None:
    told = Told()
    progress, achieved = told.tell(c.RecordGoalProgress(goal_id="g1", progress="achieved"))
    (problem,) = told.refused(correct(achieved))
    assert (problem.code, problem.field) == ("not_correctable", "data.version")
    assert f"event {progress}" in problem.message
    told.tell(correct(progress, {"goal_id": "g1", "progress": "some"}))
    assert told.state.goals["g1"].status == "open"


def test_a_correction_settles_the_contests_of_what_came_with_its_fact_too() -> None:
    told = Told()
    progress, achieved = told.tell(c.RecordGoalProgress(goal_id="g1", progress="achieved"))
    told.tell(c.ContestFact(version=achieved, reason="not yet"), by="coordinator")
    told.tell(c.ContestFact(version=progress, reason="not yet"), by="mentor")
    assert told.contested() == (progress, achieved)
    assert codes(told.refused(correct(progress), by="coordinator")) == {("own_matter", "actor")}
    told.tell(correct(progress), by="supplier")
    assert told.contested() == ()
    assert told.state.goals["g1"].status == "open"


def test_invalid_data_names_each_field() -> None:
    told = missed()
    problems = told.refused(
        correct(told.no_show, {"session_id": "no id!", "absent": ["mentee", "nobody"], "colour": "red"}),
        by="coordinator",
    )
    assert codes(problems) == {
        ("bad_id", "data.data.session_id"),
        ("bad_value", "data.data.absent.1"),
        ("unknown_field", "data.data.colour"),
    }
    assert codes(told.refused(correct(told.no_show, {}), by="coordinator")) == {
        ("missing", "data.data.session_id"),
        ("missing", "data.data.absent"),
    }


def test_a_time_in_corrected_data_needs_an_offset_and_the_order_of_its_command() -> None:
    told = Told()
    (done,) = told.tell(COMMANDS[c.CompleteSession])  # type: ignore[arg-type]
    data = COMMANDS[c.CompleteSession].model_dump(mode="json")
    naive = told.refused(correct(done, {**data, "started_at": "2026-03-02T09:00:00"}))
    assert codes(naive) == {("naive_time", "data.data.started_at")}
    for otherwise in ("1767225600", "2026-03-02 09:00:00Z", "2026-03-02T09:00Z", 1767225600):
        assert "data.data.ended_at" in {
            field for _, field in codes(told.refused(correct(done, {**data, "ended_at": otherwise})))
        }
    backwards = told.refused(correct(done, {**data, "ended_at": data["started_at"]}))
    assert codes(backwards) == {("bad_value", "data.data.ended_at")}


def test_a_move_is_corrected_in_cause_and_on_behalf_of_only() -> None:
    told = Told()
    (moved,) = told.tell(
        c.RescheduleSession(session_id="s1", starts_at=day(12), reason="travel"), by="coordinator", at=9.5
    )
    data = {"session_id": "s1", "starts_at": day(12).isoformat(), "reason": "travel"}
    told.tell(correct(moved, {**data, "cause": "illness", "on_behalf_of": "mentee"}), by="coordinator", at=9.6)
    now = told.effective(moved)
    assert isinstance(now, e.SessionRescheduled)
    assert (now.cause, now.on_behalf_of, now.notice_hours, now.late) == ("illness", "mentee", 12, True)
    other = {**data, "starts_at": day(13).isoformat(), "reason": "ill"}
    assert codes(told.refused(correct(moved, other), by="coordinator")) == {
        ("not_correctable", "data.data.starts_at"),
        ("not_correctable", "data.data.reason"),
    }
    assert codes(told.refused(correct(moved), by="coordinator")) == {("not_correctable", "data.void")}


def test_an_nps_answer_is_voided_by_the_respondent_and_never_put_into_other_words() -> None:
    told = Told()
    (answer,) = told.tell(c.RespondToNps(occasion="mid", score=2))
    assert codes(told.refused(correct(answer, {"occasion": "mid", "score": 9}))) == {("not_correctable", "data.data")}
    for other in ("mentor", "coordinator", "supplier"):
        assert codes(told.refused(correct(answer), by=other)) == {("role", "actor")}
    told.tell(correct(answer))
    assert not any(isinstance(each.data, e.NpsResponded) for each in effective(told.records))


def test_nothing_to_correct_records_nothing() -> None:
    told = missed()
    same = {"session_id": "s1", "absent": ["mentee"]}
    assert told.tell(correct(told.no_show, same), by="mentor") == []
    told.tell(correct(told.no_show, {**same, "cause": "illness"}), by="mentor")
    assert told.tell(correct(told.no_show, {**same, "cause": "illness"}), by="mentor", at=2) == []
    told.tell(correct(told.no_show), by="mentor")
    assert told.tell(correct(told.no_show), by="coordinator", at=3) == []


# --- the effective history -------------------------------------------------------------------------------------------
def test_the_latest_correction_of_a_fact_counts_and_a_void_fact_comes_back_with_data() -> None:
    told = missed()
    told.tell(correct(told.no_show), by="mentor", at=11)
    assert told.session("s1") == "scheduled"
    told.tell(correct(told.no_show, {"session_id": "s1", "absent": ["mentor"]}), by="mentor", at=12)
    fact = told.effective(told.no_show)
    assert isinstance(fact, e.SessionMissed)
    assert fact.absent == ("mentor",)
    assert told.session("s1") == "missed"
    assert told.state.corrected == {told.no_show: told.version}


def test_both_versions_stay_on_record() -> None:
    told = missed()
    told.tell(correct(told.no_show), by="mentor", at=11)
    assert isinstance(told.records[told.no_show - 1].data, e.SessionMissed)
    assert [type(each.data) for each in effective(told.records)] == [
        type(each.data) for each in told.records if each.version != told.no_show
    ]


def test_an_untouched_history_is_its_own_effective_history() -> None:
    records = history(*in_state("active"))
    assert effective(records) == records
    assert effective([]) == []


def test_lateness_after_a_corrected_fact_is_judged_again() -> None:
    told = Told()
    (plan,) = told.tell(
        c.AgreePlan(
            every_days=7, minutes=60, starts_on=day(0).date(), ends_on=day(200).date(), channel="virtual_meeting"
        )
    )
    (scheduled,) = told.tell(c.ScheduleSession(session_id="s2", starts_at=day(20), channel="platform"), at=2)
    (given_minutes,) = told.tell(
        c.ScheduleSession(session_id="s3", starts_at=day(25), minutes=45, channel="platform"), at=3
    )
    data = {
        "minutes": 90,
        "every_days": 7,
        "starts_on": day(0).date().isoformat(),
        "ends_on": day(200).date().isoformat(),
        "channel": "virtual_meeting",
    }
    told.tell(correct(plan, data), at=4)
    assert told.state.sessions["s2"].minutes == 90, "its length was the plan's"
    assert told.state.sessions["s3"].minutes == 45
    assert told.effective(scheduled) != told.records[scheduled - 1].data
    assert told.effective(given_minutes) == told.records[given_minutes - 1].data


def test_the_sessions_that_a_pause_cancelled_follow() -> None:
    told = missed()
    told.tell(c.ScheduleSession(session_id="s2", starts_at=day(20), channel="platform"), at=10.2)
    pause = c.PauseRelationship(reason="leave", informed=BOTH, next_steps="meet", review_on=day(30).date())
    paused, cancelled = told.tell(pause, at=11)
    told.tell(c.ResumeRelationship(), at=15)
    told.tell(correct(told.no_show), by="mentor", at=16)
    # s1, which was to come on day 10, is not among those to come on day 11.
    assert isinstance(told.effective(cancelled), e.SessionCancelled)
    assert told.session("s2") == "cancelled"
    assert told.session("s1") == "scheduled"
    assert told.effective(paused) == told.records[paused - 1].data


def test_a_pause_that_cancels_more_gives_further_events_the_last_version() -> None:
    told = Told()
    (cancelled,) = told.tell(c.CancelSession(session_id="s1", reason="no time"), at=2)
    told.tell(c.ScheduleSession(session_id="s2", starts_at=day(20), channel="platform"), at=3)
    pause = c.PauseRelationship(reason="leave", informed=BOTH, next_steps="meet", review_on=day(30).date())
    paused, last = told.tell(pause, at=4)
    told.tell(correct(cancelled), at=5)
    ones = [each for each in effective(told.records) if each.version in (paused, last)]
    assert [(each.version, getattr(each.data, "session_id", None)) for each in ones] == [
        (paused, None),
        (last, "s1"),
        (last, "s2"),
    ]
    assert (told.session("s1"), told.session("s2")) == ("cancelled", "cancelled")


def test_an_achieved_goal_follows() -> None:
    told = Told()
    (progress,) = told.tell(c.RecordGoalProgress(goal_id="g1", progress="some"))
    told.tell(correct(progress, {"goal_id": "g1", "progress": "achieved"}), at=2)
    assert told.state.goals["g1"].status == "achieved"
    assert [type(each.data).__name__ for each in effective(told.records) if each.version == progress] == [
        "GoalProgressRecorded",
        "GoalAchieved",
    ]


def test_a_second_achievement_leaves_no_trace_once_the_first_was_one() -> None:
    told = Told()
    (progress,) = told.tell(c.RecordGoalProgress(goal_id="g1", progress="some"))
    second = told.tell(c.RecordGoalProgress(goal_id="g1", progress="achieved"), at=2)
    told.tell(correct(progress, {"goal_id": "g1", "progress": "achieved"}), at=3)
    assert not {each.version for each in effective(told.records)}.intersection(second)


def test_a_session_keeps_its_progress_when_it_is_corrected_to_have_achieved_an_achieved_goal() -> None:
    told = Told()
    told.tell(c.RecordGoalProgress(goal_id="g1", progress="achieved"))
    (progress,) = told.tell(c.RecordGoalProgress(goal_id="g1", progress="some", session_id="s1"), at=2)
    told.tell(correct(progress, {"goal_id": "g1", "progress": "achieved", "session_id": "s1"}), at=3)
    assert [type(each.data) for each in effective(told.records) if each.version == progress] == [e.GoalProgressRecorded]


def test_a_correction_on_which_later_facts_rely_is_refused_with_their_versions() -> None:
    told = Told()
    (goal,) = told.tell(c.AgreeGoal(goal_id="g2", title="Speak", type="business", source="mentee", agreed_by=BOTH))
    (first,) = told.tell(c.RecordGoalProgress(goal_id="g2", progress="some"), at=2)
    (second,) = told.tell(c.RecordGoalProgress(goal_id="g2", progress="some"), at=3)
    (problem,) = told.refused(correct(goal))
    assert (problem.code, problem.field) == ("still_relied_on", "data.version")
    assert f"events {first} and {second}" in problem.message
    told.tell(correct(first), at=4)
    (problem,) = told.refused(correct(goal))
    assert f"event {second} relies" in problem.message
    told.tell(correct(second), at=5)
    told.tell(correct(goal), at=6)
    assert "g2" not in told.state.goals


def test_contests_answers_corrections_and_what_workers_sent_rely_on_nothing() -> None:
    told = missed()
    told.tell(c.RaiseConcern(clause="leapfrog.notice", evidence=(told.no_show,)), by="worker", at=10.5)
    (contest,) = told.tell(c.ContestFact(version=told.no_show, reason="I was there"), at=10.6)
    told.tell(c.AnswerContest(version=contest, answer="you were not"), by="coordinator", at=10.7)
    told.tell(correct(told.no_show, {"session_id": "s1", "absent": ["mentor"]}), by="mentor", at=10.8)
    told.tell(correct(told.no_show), by="mentor", at=11)
    kept = [each for each in effective(told.records) if each.version > told.no_show]
    assert kept == told.records[told.no_show :]
    assert told.state.concerns[0].clause == "leapfrog.notice"


def test_a_corrected_fact_that_is_impossible_itself_names_its_own_field() -> None:
    told = missed()
    data = {"session_id": "s9", "absent": ["mentee"]}
    assert codes(told.refused(correct(told.no_show, data), by="mentor")) == {
        ("unknown_session", "data.data.session_id")
    }


def test_what_was_known_with_a_void_fact_stays_known() -> None:
    known = Known(terms=(TermSetting(document="code_of_conduct", term="late_notice_hours", value=48),))
    told = Told()
    (contact,) = told.tell(c.RecordContact(channel="email"), known=known)
    (moved,) = told.tell(c.RescheduleSession(session_id="s1", starts_at=day(13), reason="travel"), at=8.5)
    fact = told.effective(moved)
    assert isinstance(fact, e.SessionRescheduled)
    assert fact.late, "36 hours before the start, where 48 are wanted"
    told.tell(correct(contact), at=9)
    assert told.effective(moved) == fact
    assert told.state.known == known


def test_ids_in_corrected_data_take_their_first_spelling() -> None:
    told = missed()
    told.tell(correct(told.no_show, {"session_id": "S1", "absent": ["mentor"]}), by="mentor")
    fact = told.effective(told.no_show)
    assert isinstance(fact, e.SessionMissed)
    assert (fact.session_id, fact.absent) == ("s1", ("mentor",))


def test_a_correction_of_a_state_without_history_knows_no_fact() -> None:
    given(*in_state("active")).when(correct(99)).then_refused("unknown_fact")


def test_a_correction_follows_the_end() -> None:
    told = missed()
    told.tell(c.TerminateRelationship(reason="goals_met", informed=BOTH, next_steps="none"), at=12)
    told.tell(c.ContestFact(version=told.no_show, reason="no"), at=13)
    told.tell(correct(told.no_show), by="coordinator", at=14)
    assert told.state.status == "terminated"
    assert told.session("s1") == "scheduled"


# --- times -----------------------------------------------------------------------------------------------------------
def completed(**changes: Any) -> dict[str, Any]:
    data = COMMANDS[c.CompleteSession].model_dump(mode="json")
    return {**data, **{name: day(at).isoformat() for name, at in changes.items()}}


def test_a_corrected_time_is_judged_by_the_time_of_the_correction_and_never_lies_in_the_future() -> None:
    told = Told()
    (done,) = told.tell(COMMANDS[c.CompleteSession], at=0.56)  # type: ignore[arg-type]
    # It took place later than the message said, and than the message was sent.
    told.tell(correct(done, completed(started_at=0.6, ended_at=0.65)), at=0.7)
    assert told.state.sessions["s0"].started_at == day(0.6)
    early = told.refused(correct(done, completed(started_at=0.8, ended_at=0.85)), at=0.75)
    assert codes(early) == {("not_started", "data.data.started_at")}
    running = told.refused(correct(done, completed(started_at=0.7, ended_at=0.85)), at=0.75)
    assert codes(running) == {("in_future", "data.data.ended_at")}
    late = completed() | {"joined": {"mentee": day(0.9).isoformat()}}
    assert codes(told.refused(correct(done, late), at=0.75)) == {("in_future", "data.data.joined.mentee")}


def test_other_facts_after_a_correction_are_judged_by_their_own_time() -> None:
    told = Told()
    (contact,) = told.tell(c.RecordContact(channel="email"), at=0.55)
    (done,) = told.tell(COMMANDS[c.CompleteSession], at=0.56)  # type: ignore[arg-type]
    told.tell(correct(contact), at=5)
    assert codes(told.refused(correct(done, completed(started_at=6, ended_at=6.1)), at=5.5)) >= {
        ("not_started", "data.data.started_at")
    }


@pytest.mark.parametrize("name", ["held_at", "checked_at"])
def test_what_took_place_lies_before_its_message_or_its_correction(name: str) -> None:
    kind = c.RecordContractingConversation if name == "held_at" else c.RecordPresessionCheck
    told = Told()
    command = COMMANDS[kind].model_copy(update={name: day(2)})
    (problem,) = told.refused(command, by="mentor", at=1.9)  # type: ignore[arg-type]
    assert (problem.code, problem.field) == ("in_future", f"data.{name}")
    (fact,) = told.tell(command, by="mentor", at=2)  # type: ignore[arg-type]
    data = command.model_dump(mode="json", exclude_none=True)
    (problem,) = told.refused(correct(fact, data | {name: day(3.1).isoformat()}), by="mentor", at=3)
    assert (problem.code, problem.field) == ("in_future", f"data.data.{name}")
    told.tell(correct(fact, data | {name: day(2.5).isoformat()}), by="mentor", at=3)


# --- ids and people --------------------------------------------------------------------------------------------------
def test_a_goal_and_an_assessment_keep_their_id() -> None:
    told = Told()
    goal = {"goal_id": "g2", "title": "Speak", "type": "business", "source": "mentee", "agreed_by": list(BOTH)}
    (agreed,) = told.tell(c.AgreeGoal(goal_id="G2", title="Speak", type="business", source="mentee", agreed_by=BOTH))
    assert codes(told.refused(correct(agreed, goal | {"goal_id": "g3"}))) == {
        ("not_correctable", "data.data.goal_id"),
    }
    told.tell(correct(agreed, goal | {"title": "Speak well"}))
    (revised,) = told.tell(c.ReviseGoal(goal_id="g2", title="Sing", agreed_by=BOTH))
    revision = {"goal_id": "g1", "title": "Sing", "agreed_by": list(BOTH)}
    assert codes(told.refused(correct(revised, revision))) == {("not_correctable", "data.data.goal_id")}
    (assessed,) = told.tell(COMMANDS[c.RecordAssessment], by="coordinator")  # type: ignore[arg-type]
    data = COMMANDS[c.RecordAssessment].model_dump(mode="json", exclude_none=True)
    other = told.refused(correct(assessed, data | {"assessment_id": "a2"}), by="coordinator")
    assert codes(other) == {("not_correctable", "data.data.assessment_id")}


def test_a_completion_of_the_wrong_session_is_put_to_the_right_one() -> None:
    told = Told()
    told.tell(c.ScheduleSession(session_id="s2", starts_at=day(0.4), channel="platform"), at=0.6)
    (done,) = told.tell(COMMANDS[c.CompleteSession])  # type: ignore[arg-type]
    told.tell(correct(done, completed() | {"session_id": "s2"}), at=2)
    assert (told.session("s0"), told.session("s2")) == ("scheduled", "completed")


@pytest.mark.parametrize("role", ["worker", "service", "analyst", "auditor"])
def test_nobody_who_works_for_the_house_is_present_joins_or_stays_away(role: str) -> None:
    told = missed()
    absent = {"session_id": "s1", "absent": ["mentee", role]}
    assert codes(told.refused(correct(told.no_show, absent), by="coordinator", at=11)) == {
        ("not_a_participant", "data.data.absent")
    }
    first = c.RecordNoShow(session_id="s0", absent=("mentee", role))  # type: ignore[arg-type]
    assert codes(told.refused(first, at=11)) == {("not_a_participant", "data.absent")}
    present = COMMANDS[c.CompleteSession].model_copy(update={"present": (*BOTH, role), "joined": {role: day(0.51)}})
    assert codes(told.refused(present, at=11)) == {("not_a_participant", "data.present")}  # type: ignore[arg-type]
    between = c.RecordContact(channel="email", between=("mentee", role))  # type: ignore[arg-type]
    assert codes(told.refused(between, at=11)) == {("not_a_participant", "data.between")}


# --- whose move it was -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [c.RescheduleSession, c.CancelSession])
def test_the_office_says_that_a_partys_move_was_made_for_another(kind: Any) -> None:
    told = Told()
    data = {"session_id": "s1", "reason": "travel"}
    data |= {"starts_at": day(12).isoformat()} if kind is c.RescheduleSession else {}
    (move,) = told.tell(kind.model_validate_json(dumps(data)), by="mentee", at=9.5)
    assert told.state.answers_for[move] == ("mentee",)
    own = told.refused(correct(move, data | {"on_behalf_of": "mentor"}), by="mentee", at=9.6)
    assert codes(own) == {("bad_value", "data.data.on_behalf_of")}
    told.tell(correct(move, data | {"on_behalf_of": "mentor"}), by="coordinator", at=9.7)
    assert told.state.answers_for[move] == ("mentor",)
    stranger = told.refused(correct(move, data | {"on_behalf_of": "hr"}), by="coordinator", at=9.8)
    assert codes(stranger) == {("on_behalf_of", "data.data.on_behalf_of")}
    told.tell(correct(move, data | {"on_behalf_of": "supplier"}), by="coordinator", at=9.9)
    assert move not in told.state.answers_for


# --- confirmations ---------------------------------------------------------------------------------------------------
def plan(**changes: Any) -> dict[str, Any]:
    return {
        "every_days": 7,
        "starts_on": day(0).date().isoformat(),
        "ends_on": day(200).date().isoformat(),
        "channel": "virtual_meeting",
        **changes,
    }


@pytest.mark.clause("care.claims")
def test_a_corrected_plan_is_claimed_anew_for_its_confirmation_was_of_other_words() -> None:
    told = Told()
    (agreed,) = told.tell(c.AgreePlan.model_validate_json(dumps(plan())))
    told.tell(c.ConfirmAgreement(version=agreed), by="mentor", at=2)
    assert agreed not in [claim.version for claim in told.state.claims]
    told.tell(correct(agreed, plan(minutes=90)), at=3)
    (claim,) = [claim for claim in told.state.claims if claim.version == agreed]
    assert (claim.by, claim.waits_for) == ("mentee", "mentor")
    told.tell(c.ConfirmAgreement(version=agreed), by="mentor", at=4)
    assert agreed not in [claim.version for claim in told.state.claims]
    # A correction of something else leaves the second confirmation as it is.
    (contact,) = told.tell(c.RecordContact(channel="email"), at=5)
    told.tell(correct(contact), at=6)
    assert agreed not in [claim.version for claim in told.state.claims]


@pytest.mark.clause("care.claims")
def test_a_confirmation_counts_again_once_the_words_are_again_those_that_were_confirmed() -> None:
    told = Told()
    (agreed,) = told.tell(c.AgreePlan.model_validate_json(dumps(plan())))
    told.tell(c.ConfirmAgreement(version=agreed), by="mentor", at=2)
    told.tell(correct(agreed, plan(minutes=90)), at=3)
    told.tell(correct(agreed, plan()), at=4)
    assert agreed not in [claim.version for claim in told.state.claims]


@pytest.mark.clause("care.claims")
def test_a_confirmation_falls_with_the_agreement_that_is_void() -> None:
    """Both had said so, and it was never agreed: the office voids the agreement, and who confirmed it is not in the way."""
    told = Told()
    before = told.state.plan
    (agreed,) = told.tell(c.AgreePlan.model_validate_json(dumps(plan())))
    (confirmed,) = told.tell(c.ConfirmAgreement(version=agreed), by="mentor", at=2)
    told.tell(c.CorrectFact(version=agreed, reason="of another pair", void=True), by="coordinator", at=3)
    assert told.state.plan == before
    assert not {agreed, confirmed} & {each.version for each in effective(told.records)}
    # It comes back as it was confirmed once the office says that it was agreed after all.
    told.tell(correct(agreed, plan()), by="coordinator", at=4)
    assert told.state.plan != before
    assert agreed not in [claim.version for claim in told.state.claims]
