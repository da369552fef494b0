import json

import pytest
from typer.testing import CliRunner, Result

from domain.codes.clauses import CLAUSES
from infra.cli import codes
from infra.cli.app import build
from infra.codes.trace import Trace, trace


@pytest.fixture
def no_tests_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "find_suite", lambda: None)


@pytest.fixture
def all_closed_but_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every clause but one of kinds guard and sharing, and one of kind sharing, were implemented and tested."""

    def rows(_: object) -> list[Trace]:
        gaps = ("nottingham.confidentiality", "pentalog.sensitive")
        return [Trace(row.clause, ("a:b",), () if row.clause.id in gaps else ("t",)) for row in trace(None)]

    monkeypatch.setattr(codes, "trace", rows)


def rapport(*arguments: str) -> Result:
    return CliRunner().invoke(build(), arguments)


def test_list_gives_every_clause_as_json() -> None:
    result = rapport("codes", "list", "--json")
    assert result.exit_code == 0
    rows = json.loads(result.stdout)
    assert [row["id"] for row in rows] == list(CLAUSES)
    assert len(rows) == 107
    found = next(row for row in rows if row["id"] == "pentalog.trust")
    assert (found["code"], found["kind"], found["rule"]) == (
        "pentalog",
        "gate, reaction",
        CLAUSES["pentalog.trust"].rule,
    )


def test_list_names_every_clause_whole_for_a_person() -> None:
    printed = rapport("codes", "list").stdout
    assert [clause for clause in CLAUSES if clause not in printed] == []


def test_show_tells_what_stands_behind_a_clause() -> None:
    result = rapport("codes", "show", "cmn.objectives")
    assert result.exit_code == 0
    assert "command:AgreeGoal" in result.stdout
    assert "tested by" in result.stdout


def test_show_gives_one_clause_as_json() -> None:
    shown = json.loads(rapport("codes", "show", "cmn.objectives", "--json").stdout)
    assert shown["id"] == "cmn.objectives"
    assert shown["version"] == "1"
    assert shown["binds"] == list(CLAUSES["cmn.objectives"].binds)
    assert {"implemented_by", "tests"} <= set(shown)


def test_show_of_a_code_lists_its_clauses() -> None:
    clauses = json.loads(rapport("codes", "show", "leapfrog", "--json").stdout)
    assert len(clauses) == sum(clause.code == "leapfrog" for clause in CLAUSES.values())
    assert {clause["code"] for clause in clauses} == {"leapfrog"}
    assert "care.standing" in rapport("codes", "show", "care").stdout


def test_show_of_an_unknown_clause_is_misuse() -> None:
    result = rapport("codes", "show", "cmn.nonsense")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "cmn.nonsense" in result.stderr


def test_trace_gives_code_and_tests_of_every_clause_as_json() -> None:
    rows = json.loads(rapport("codes", "trace", "--json").stdout)
    assert [row["id"] for row in rows] == list(CLAUSES)
    assert all(set(row) == {"id", "implemented_by", "tests"} for row in rows)


@pytest.mark.usefixtures("no_tests_installed")
def test_trace_says_when_the_tests_are_not_installed() -> None:
    result = rapport("codes", "trace", "--json")
    assert result.exit_code == 0
    assert "not installed" in result.stderr
    assert {tuple(row["tests"]) for row in json.loads(result.stdout)} == {()}


@pytest.mark.usefixtures("no_tests_installed")
def test_trace_shows_a_gap_and_fails_on_it_only_when_strict() -> None:
    assert rapport("codes", "trace").exit_code == 0
    assert "none" in rapport("codes", "trace").stdout
    strict = rapport("codes", "trace", "--strict")
    assert strict.exit_code == 1
    assert "cmn.objectives" in strict.stderr


@pytest.mark.usefixtures("all_closed_but_one")
def test_strict_lets_pass_only_clauses_whose_every_kind_is_excepted() -> None:
    one = rapport("codes", "trace", "--strict", "--except-kind", "sharing")
    assert one.exit_code == 1
    assert "nottingham.confidentiality" in one.stderr
    assert "pentalog.sensitive" not in one.stderr
    both = rapport("codes", "trace", "--strict", "--except-kind", "sharing", "--except-kind", "guard")
    assert both.exit_code == 0


def test_an_unknown_kind_is_misuse() -> None:
    assert rapport("codes", "trace", "--except-kind", "rumour").exit_code == 2
