"""What a refusal says: where a step would be possible, and never what its sender should not learn."""

import re
from typing import Any

import pytest

from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship.lifecycle import TABLE
from domain.words import STATUSES, Status
from tests.domain.relationship.samples import COMMANDS, in_state
from tests.given_when_then import IDS, given


def state_problem(status: Status, command: Any, by: str) -> Problem:
    problems = given(*in_state(status)).when(command, by=by).then_refused()
    [found] = [problem for problem in problems if problem.code == "state"]
    return found


@pytest.mark.parametrize(
    "status,command,by",
    [("contracting", c.PauseRelationship, "mentor"), ("active", c.ResumeRelationship, "mentee"), ("terminated", c.AgreeGoal, "mentee"),
     ("paused", c.PostponeRelationship, "mentor"), ("terminated", c.ActivateRelationship, "mentee"), ("contracting", c.RecordEndReview, "mentor"),
     ("active", c.SecureRecords, "coordinator")],
)  # fmt: skip
def test_a_refused_step_says_in_which_states_it_is_possible(status: Status, command: type[Any], by: str) -> None:
    said = state_problem(status, COMMANDS[command], by).message
    before, _, after = said.partition("; ")
    assert before.endswith(f"while the relationship is {status}")
    possible = {each for each in STATUSES if (each, command.__name__) in TABLE}
    assert {each for each in STATUSES if each in after} == possible


@pytest.mark.parametrize("status", STATUSES)
def test_proposing_again_is_told_as_such(status: Status) -> None:
    assert "proposed already" in state_problem(status, COMMANDS[c.ProposeRelationship], "coordinator").message


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("role", ["mentee", "mentor", "customer", "line_manager"])
@pytest.mark.parametrize(
    "command", [COMMANDS[c.AcceptTerms], COMMANDS[c.TerminateRelationship], COMMANDS[c.RescheduleSession]]
)
def test_who_guesses_learns_nobodys_id_and_nothing_else(role: str, status: Status, command: Any) -> None:
    # The state, the session or the gates may have something against it too; that is not for strangers.
    problems = given(*in_state(status)).when(command, by=role, as_id="guesser").then_refused()
    assert "actor" in {problem.code for problem in problems}
    assert {problem.code for problem in problems} <= {"actor", "role"}
    for problem in problems:
        assert not set(IDS.values()) & set(re.split("[^a-z]+", problem.message)), problem.message
