"""The statechart and the table compiled from it say the same, over every state, command and outcome of the rules."""

from itertools import product
from typing import get_args

import pytest
from statemachine.exceptions import TransitionNotAllowed

from domain.model import Command, Context
from domain.problem import Problem, Refused
from domain.registry import COMMAND_OF, EVENTS
from domain.registry import COMMANDS as CLASSES
from domain.relationship.commands import ActivateRelationship, RelationshipCommand
from domain.relationship.events import RelationshipActivated, RelationshipEvent
from domain.relationship.evolve import _FOLDS
from domain.relationship.guards import Attempt
from domain.relationship.lifecycle import CREATION, TABLE, Lifecycle, allowed, follow
from domain.relationship.state import Relationship
from domain.words import STATUSES, Status
from tests.domain.relationship.samples import COMMANDS, contracted, in_state
from tests.given_when_then import actor, day, fold, given, history

CONTEXT = Context(actor("mentee"), day(1), day(1))


def engine(status: Status, attempt: Attempt) -> tuple[str, list[Problem]]:
    machine = Lifecycle(start_value=status)
    try:
        machine.send(type(attempt.command).__name__, attempt=attempt)
    except TransitionNotAllowed:
        return status, [Problem("state", "")]
    except Refused as refused:
        return machine.current_state_value, _plain(list(refused.problems))
    return machine.current_state_value, []


def _plain(problems: list[Problem]) -> list[Problem]:
    """Problems without what the library does not say of a step that the chart does not know."""
    return [Problem("state", "")] if problems[0].code == "state" else problems


def table(status: Status, attempt: Attempt) -> tuple[str, list[Problem]]:
    problems = follow(attempt)
    if problems:
        return status, _plain(problems)
    return TABLE[status, type(attempt.command).__name__].target, []


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("full", [True, False], ids=["gates met", "gates unmet"])
def test_table_and_engine_agree_on_every_command(status: Status, full: bool) -> None:
    state = fold(history(*in_state(status)))
    assert isinstance(state, Relationship)
    if not full:
        state = state.but(goals={}, plan=None, trained=None, private_topics=frozenset({"work", "speak well"}))
    bare = {"informed": (), "next_steps": " ", "channel": "in_person"}
    for command in COMMANDS.values():
        if type(command).__name__ == CREATION:
            continue
        fields = {} if full else {k: v for k, v in bare.items() if k in type(command).model_fields}
        attempt = Attempt(state, command.model_copy(update=fields), CONTEXT)
        assert engine(status, attempt) == table(status, attempt), type(command).__name__


def test_every_rule_of_the_table_hangs_on_the_same_transition_of_the_chart() -> None:
    for (status, command), step in TABLE.items():
        transitions = [
            transition
            for state in Lifecycle.states
            if state.value == status
            for transition in state.transitions
            if command in [str(event) for event in transition.events]
        ]
        assert len(transitions) == 1, (status, command)
        rules = [spec.func.__wrapped__ for spec in transitions[0]._specs if hasattr(spec.func, "__wrapped__")]
        assert tuple(rules) == step.rules
        assert transitions[0].target.value == step.target


def test_every_command_but_the_proposal_is_an_event_of_the_chart() -> None:
    names = {command.__name__ for command in get_args(RelationshipCommand)}
    assert {command for _, command in TABLE} == names - {CREATION}
    assert set(COMMANDS) == set(get_args(RelationshipCommand))


def test_nothing_leads_out_of_terminated() -> None:
    assert {step.target for (status, _), step in TABLE.items() if status == "terminated"} == {"terminated"}


# What took place before the end may be told afterwards, by its time.
TOLD_LATER = {
    "ScheduleSession",
    "RescheduleSession",
    "CancelSession",
    "RecordPresessionCheck",
    "CompleteSession",
    "RecordNoShow",
    "AssignHomework",
    "ReportHomework",
    "RecordSessionNote",
    "RecordGoalProgress",
}


def test_after_the_end_only_what_the_contract_names_is_left() -> None:
    assert set(allowed("terminated")) - TOLD_LATER == {
        "RecordEndReview",
        "GiveFeedback",
        "RequestFeedback",
        "RequestNps",
        "RespondToNps",
        "WithdrawConsent",
        "ResolveConcern",
        "DismissRecommendation",
        "ReportProblem",
        "ReportBreach",
        "DiscloseConfidence",
        "GiveTestimonial",
        "SignpostMentee",
        "ContestFact",
        "AnswerContest",
        "CorrectFact",
        "ReviewRelationship",
        "RecordContact",
        "SecureRecords",
        "RequestErasure",
        "ErasePersonalData",
    }


@pytest.mark.parametrize("status", ["paused", "terminated"])
@pytest.mark.parametrize("name", sorted(TOLD_LATER - {"AssignHomework", "ReportHomework", "RecordSessionNote", "RecordGoalProgress"}))  # fmt: skip
def test_while_paused_and_after_the_end_no_session_is_planned_or_changed(status: Status, name: str) -> None:
    later = {"starts_at": day(20), "started_at": day(0.9), "ended_at": day(0.95), "checked_at": day(0.9)}
    command = next(command for kind, command in COMMANDS.items() if kind.__name__ == name)
    fields: dict[str, object] = {key: value for key, value in later.items() if key in type(command).model_fields}
    given(*in_state(status)).when(command.model_copy(update=fields), by="mentor").then_refused("state")


def test_before_the_proposal_only_the_proposal() -> None:
    assert allowed(None) == (CREATION,)


FORBIDDEN = [(s, c) for s, c in product(STATUSES, COMMANDS.values()) if (s, type(c).__name__) not in TABLE]


@pytest.mark.parametrize("status, command", FORBIDDEN, ids=lambda x: x if isinstance(x, str) else type(x).__name__)
def test_a_command_that_the_chart_does_not_know_is_refused_by_state(status: Status, command: Command) -> None:
    given(*in_state(status)).when(command, by="mentee").then_refused("state")


def test_each_event_carries_what_its_command_said() -> None:
    for event, command in COMMAND_OF.items():
        said, recorded = set(CLASSES[command].model_fields), set(EVENTS[event].model_fields)
        # Whether a match was accepted is said by the event's name.
        if event not in {"GoalAchieved", "MatchAccepted", "MatchDeclined"}:
            assert said <= recorded, (event, command)


def test_every_event_has_its_fold() -> None:
    assert set(_FOLDS) == set(get_args(RelationshipEvent))


def test_a_full_contracting_activates() -> None:
    given(*contracted()).when(ActivateRelationship(), by="coordinator").then(RelationshipActivated)
