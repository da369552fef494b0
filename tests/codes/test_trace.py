from importlib import import_module
from pathlib import Path

import pytest

import domain
from domain.codes.clauses import CLAUSES
from domain.codes.implements import IMPLEMENTATIONS
from infra.codes.trace import find_suite, modules_to_import, trace


def test_every_clause_is_traced_in_the_order_of_the_codes() -> None:
    assert [row.clause.id for row in trace(find_suite())] == list(CLAUSES)


def test_every_place_that_claims_to_implement_a_clause_exists() -> None:
    trace(None)
    for place in {place for places in IMPLEMENTATIONS.values() for place in places}:
        module, _, name = place.partition(":")
        thing: object = import_module(module)
        for part in name.partition("[")[0].split("."):
            thing = getattr(thing, part)


def test_a_clause_without_tests_has_a_gap(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_one.py").write_text('@clause("cmn.objectives")\ndef test_goal(): ...\n')
    rows = {row.clause.id: row for row in trace(folder)}
    assert rows["cmn.objectives"].tests == ("tests/test_one.py::test_goal",)
    assert rows["cmn.records"].tests == ()
    assert rows["cmn.records"].has_gap


def test_the_whole_of_the_rules_is_searched_but_only_what_speaks_up_of_infra() -> None:
    names = set(modules_to_import())
    assert {"domain.codes.implements", "domain.words"} <= names
    assert "infra.codes.trace" in names
    assert "infra.cli.app" not in names


def test_a_folder_of_tests_that_is_not_the_suite_is_not_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "domain").mkdir()
    (tmp_path / "tests").mkdir()
    monkeypatch.setattr(domain, "__file__", str(tmp_path / "domain" / "__init__.py"))
    assert find_suite() is None
