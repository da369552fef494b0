"""What implements and what tests each clause, found in the tree and never written down by hand.

Implementations are what `domain.codes.implements` knows once the rules, projections and workers are imported, and those
modules of infra that speak to it; tests are found by reading their sources, which a wheel does not carry.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType

import domain
import infra
import projections
import workers
from domain.codes.clauses import CLAUSES, Clause
from domain.codes.implements import IMPLEMENTATIONS
from infra.codes.marks import find_tests


@dataclass(frozen=True)
class Trace:
    """One clause with the places ("module:name") that implement it and the tests that name it."""

    clause: Clause
    implemented_by: tuple[str, ...]
    tests: tuple[str, ...]

    @property
    def has_gap(self) -> bool:
        """Whether nothing implements it, or no test names it."""
        return not (self.implemented_by and self.tests)


def find_suite() -> Path | None:
    """The suite beside the packages, or None where Rapport is installed without it."""
    folder = Path(str(domain.__file__)).parent.parent / "tests"
    # Some other distribution may have left a folder of that name among the installed packages.
    return folder if (folder / "clauses.py").is_file() else None


def trace(tests: Path | None) -> list[Trace]:
    """Every clause of every code, in the order of the codes; without a folder of tests, each is untested."""
    for name in modules_to_import():
        import_module(name)
    tested = find_tests(tests) if tests else {}
    return [
        Trace(clause, tuple(sorted(IMPLEMENTATIONS.get(clause.id, ()))), tuple(tested.get(clause.id, ())))
        for clause in CLAUSES.values()
    ]


def modules_to_import() -> Iterator[str]:
    """The modules that may register implementations.

    Importing all of infra would load servers' libraries for nothing, so there only modules that name the registry count.
    """
    for package in (domain, projections, workers):
        yield from (name for name, _ in _modules(package))
    yield from (name for name, source in _modules(infra) if _imports_registry(source))


def _modules(package: ModuleType) -> Iterator[tuple[str, Path]]:
    for found in walk_packages(package.__path__, f"{package.__name__}."):
        spec = found.module_finder.find_spec(found.name, None)
        if spec and spec.origin and not found.name.endswith("__main__"):
            yield found.name, Path(spec.origin)


def _imports_registry(path: Path) -> bool:
    source = path.read_text(encoding="utf-8")
    return "domain.codes.implements" in source and any(
        isinstance(node, ast.ImportFrom) and node.module == "domain.codes.implements"
        for node in ast.walk(ast.parse(source))
    )
