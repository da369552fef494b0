"""A clause that a concern or a recommendation cites is one that is in force for the relationship; a refusal says which are."""

from collections.abc import Callable

import pytest

from domain.codes.clauses import CLAUSES, not_in_force
from domain.model import Command
from domain.relationship import commands as c
from domain.relationship import events as e
from tests.domain.relationship.samples import in_state
from tests.given_when_then import given

CITING: dict[str, Callable[[str], Command]] = {
    "RecommendShutdown": lambda clause: c.RecommendShutdown(clause=clause, evidence=(1,)),
    "RaiseConcern": lambda clause: c.RaiseConcern(clause=clause, evidence=(1,)),
    "DismissRecommendation": lambda clause: c.DismissRecommendation(reason="x", clause=clause),
    "ResolveConcern": lambda clause: c.ResolveConcern(resolution="x", clause=clause),
    "EscalateConcern": lambda clause: c.EscalateConcern(clause=clause),
    "EscalateRecommendation": lambda clause: c.EscalateRecommendation(clause=clause),
}
RAISING = ("RecommendShutdown", "RaiseConcern")


def refusal(name: str, clause: str, *codes: str) -> tuple[str, str, str | None]:
    """Code, message and field of the one problem of citing a clause in an active relationship under these codes."""
    by = "worker" if name.startswith("Escalate") else "coordinator"
    (problem,) = given(*in_state("active", *codes)).when(CITING[name](clause), by=by).then_refused()
    # A clause that nobody has is not what spoke.
    assert problem.clause is None
    return problem.code, problem.message, problem.field


@pytest.mark.parametrize("name", CITING)
@pytest.mark.parametrize("clause", ["pentalog.truth", "Pentalog.Trust", "trust", "x.y", "pentalog"])
def test_a_clause_that_no_code_has_is_refused(name: str, clause: str) -> None:
    code, message, field = refusal(name, clause, "pentalog")
    assert (code, field) == ("unknown_clause", "data.clause")
    assert "expected the id of a clause" in message


@pytest.mark.parametrize("name", CITING)
@pytest.mark.parametrize("clause", ["leapfrog.privacy", "cmn.breaches", "nottingham.regular-contact"])
def test_a_clause_of_a_code_that_was_not_adopted_is_refused(name: str, clause: str) -> None:
    code, message, field = refusal(name, clause, "pentalog", "mentor247")
    assert (code, field) == ("unknown_clause", "data.clause")
    assert message == f"{clause} is not in force here: expected a clause of pentalog, mentor247, care"


def test_a_near_miss_says_what_may_have_been_meant() -> None:
    assert "did you mean pentalog.trust?" in refusal("RecommendShutdown", "pentalog.trusts", "pentalog")[1]


@pytest.mark.parametrize("name", RAISING)
@pytest.mark.parametrize("clause", ["pentalog.goals", "care.attention", "care.trust"])
def test_a_clause_in_force_is_cited(name: str, clause: str) -> None:
    expected = e.ShutdownRecommended if name == "RecommendShutdown" else e.CommitmentConcernRaised
    given(*in_state("active", "pentalog")).when(CITING[name](clause), by="coordinator").then(expected)


@pytest.mark.parametrize(
    "clause,adopted",
    [
        ("leapfrog.respect", "pentalog"),
        ("pentalog.trust", "nottingham"),
        ("leapfrog.notice", "pentalog"),
        ("pentalog.late-reschedules", "leapfrog"),
        ("leapfrog.time", "mentor247"),
    ],
)
def test_so_is_one_that_says_the_same_as_a_clause_in_force(clause: str, adopted: str) -> None:
    command = c.RaiseConcern(clause=clause, evidence=(1,))
    given(*in_state("active", adopted)).when(command, by="coordinator").then(e.CommitmentConcernRaised)


def test_every_clause_is_in_force_where_its_code_was_adopted_and_care_always_is() -> None:
    for clause in CLAUSES.values():
        assert not_in_force(clause.id, (clause.code,)) is None
        if clause.code == "care":
            assert not_in_force(clause.id, ()) is None
