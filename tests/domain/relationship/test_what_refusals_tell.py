"""What a refusal tells: every command is answered by the same words whether something was reported in confidence or not, to all who may not know."""

import json
from typing import Any

import pytest

from domain.problem import Refused
from domain.registry import COMMANDS
from domain.relationship import events as e
from domain.relationship.commands import RelationshipCommand
from domain.words import Role
from tests.domain.relationship.samples import in_state
from tests.e2e.contract.command_cases import CASES
from tests.e2e.contract.story import CONTRACTING
from tests.given_when_then import At, given

ACTIVE = in_state("active", "leapfrog")
FIRST = len(ACTIVE) + 1
CONTACT = e.ContactRecorded(channel="email", minutes=5)
REPORTS: tuple[tuple[e.RelationshipEvent, Role], ...] = (
    (e.TrustBreakdownReported(description="x"), "mentee"),
    (e.DisrespectReported(against="mentor", description="x"), "mentee"),
    (e.BreachReported(against="mentor", kind="code", description="x"), "mentee"),
    (e.ProblemReported(description="x"), "customer"),
    (e.ShutdownRecommended(clause="care.trust", evidence=(FIRST,)), "coordinator"),
    (e.ConfidenceDisclosed(exception="risk_of_harm", recipient="hr:h", disclosed="x", urgency="urgent"), "coordinator"),
)
LATEST = FIRST + len(REPORTS) - 1
REPORTED = [*ACTIVE, *(At(0.7 + place / 100, event, by) for place, (event, by) in enumerate(REPORTS))]
QUIET = [*ACTIVE, *(At(0.7 + place / 100, CONTACT, "coordinator") for place in range(len(REPORTS)))]
CLAUSES = ("care.trust", "leapfrog.respect", "care.respect", "care.breach", "care.problem", "pentalog.trust")
ENDINGS = ("trust_breakdown", "disrespect", "breach", "goals_met", "never_started")


def variants(name: str) -> list[dict[str, Any]]:
    """The data of a command: as in the contract's case, about each of the events, under each clause, for each reason."""
    own: dict[object, Any] = {
        "{mentee}": "ana", "{last}": LATEST, "{claim}": FIRST, "{goal}": 3, "{goal's data}": CONTRACTING["goal"][2],
    }  # fmt: skip
    base = {key: own.get(value, value) if isinstance(value, str) else value for key, value in CASES[name].data.items()}
    fields, versions = COMMANDS[name].model_fields, range(FIRST, LATEST + 1)
    found = [base]
    if "version" in fields and "document" not in fields:
        found += [base | {"version": version} for version in versions]
    if "evidence" in fields:
        found += [base | {"evidence": [version]} for version in versions]
    if name == "ReviewRelationship":
        found += [base | {"about": [version]} for version in versions]
    if "request" in fields:
        found += [base | {"request": version} for version in versions]
    if "clause" in fields:
        found += [base | {"clause": clause} for clause in CLAUSES]
    if name == "TerminateRelationship":
        found += [base | {"reason": reason} for reason in ENDINGS]
    return found


def answered(story: list[Any], command: RelationshipCommand, by: Role) -> str:
    asked = given(*story).when(command, by=by)
    problems = asked.outcome.problems if isinstance(asked.outcome, Refused) else None
    return f"{problems} {None if problems else asked.outcome} {asked.findings}"


@pytest.mark.parametrize("by", ["mentor", "line_manager"])
def test_no_command_is_answered_otherwise_where_something_was_reported(by: Role) -> None:
    told, asked = [], 0
    for name in CASES:
        for data in variants(name):
            command: Any = COMMANDS[name].model_validate_json(json.dumps(data, default=str))
            asked += 1
            if answered(QUIET, command, by) != answered(REPORTED, command, by):
                told.append((name, data))
    assert told == []
    assert asked > 100
