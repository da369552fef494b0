"""Finds the tests that name a clause, by reading their sources.

A test says which clauses it exercises with `@pytest.mark.clause("cmn.objectives")`, on itself, on its class, for its whole
module (`pytestmark`), or on one case (`pytest.param(..., marks=pytest.mark.clause(...))`), also when the cases are a list
that the test's decorator names. The ids stand there as plain strings, so that reading is enough and nothing is run; the
suite refuses a mark that this reading would miss.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

CALL: Final = re.compile(r"\bclause\s*\(")
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def find_tests(folder: Path) -> dict[str, list[str]]:
    """Clause id to its tests, "tests/domain/test_pause.py::test_name", in the order of files and lines.

    Raises:
        SyntaxError: a test file that seems to have marks is no Python.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        file = path.relative_to(folder.parent).as_posix()
        for name, clauses in marked(path.read_text(encoding="utf-8")).items():
            for clause in clauses:
                found.setdefault(clause, []).append(f"{file}::{name}")
    return found


def marked(source: str) -> dict[str, list[str]]:
    """Test ("name" or "Class::name") to the clauses it is marked with, for one test file."""
    # Most files have no marks, and to look for the word takes a hundredth of the time of reading Python.
    if not CALL.search(source):
        return {}
    module = ast.parse(source)
    whole = [clause for node in module.body if _assigns(node, "pytestmark") for clause in _ids(node)]
    tables = {name: ids for node in module.body if (ids := _ids(node)) for name in _targets(node)}
    found: dict[str, list[str]] = {}
    for name, inherited, test in _tests(module.body):
        clauses = [*whole, *inherited, *_of_decorators(test, tables)]
        if clauses:
            found[name] = list(dict.fromkeys(clauses))
    return found


def _tests(body: list[ast.stmt]) -> Iterator[tuple[str, list[str], Definition]]:
    """The tests of a module with the clauses that they have from their class."""
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if node.name.startswith("test"):
                yield node.name, [], node
            case ast.ClassDef():
                own = [clause for line in node.body if _assigns(line, "pytestmark") for clause in _ids(line)]
                of_class = [*own, *(clause for decorator in node.decorator_list for clause in _ids(decorator))]
                for name, inherited, test in _tests(node.body):
                    yield f"{node.name}::{name}", [*of_class, *inherited], test
            case _:
                pass


def _of_decorators(test: Definition, tables: dict[str, list[str]]) -> list[str]:
    clauses: list[str] = []
    for decorator in test.decorator_list:
        clauses += _ids(decorator)
        for node in ast.walk(decorator):
            if isinstance(node, ast.Name):
                clauses += tables.get(node.id, [])
    return clauses


def _targets(node: ast.stmt) -> list[str]:
    match node:
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case _:
            return []


def _assigns(node: ast.stmt, name: str) -> bool:
    return name in _targets(node)


def _ids(node: ast.AST) -> list[str]:
    """The string arguments of every `….clause(…)` or `clause(…)` call below a node."""
    return [
        argument.value
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and _called(call) == "clause"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""
