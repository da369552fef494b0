"""A pytest plugin: `@pytest.mark.clause("cmn.objectives")` says which clauses a test exercises.

Collection fails on an id that no code has, and on a mark that `rapport codes trace`, which only reads, would not see.
"""

from functools import cache
from pathlib import Path

import pytest


@cache
def _seen(path: Path) -> dict[str, list[str]]:
    from infra.codes.marks import marked

    return marked(path.read_text(encoding="utf-8"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # All processes of xdist collect the same; one of them checks it.
    if getattr(config, "workerinput", {"workerid": "gw0"})["workerid"] != "gw0":
        return
    for item in items:
        for mark in item.iter_markers("clause"):
            check(item, mark.args)


def check(item: pytest.Item, clauses: tuple[object, ...]) -> None:
    """Refuse one mark's ids unless each is a clause and stands in the source as a plain string.

    Raises:
        pytest.UsageError: it isn't so.
    """
    from domain.codes.clauses import CLAUSES

    name = item.nodeid.partition("::")[2].partition("[")[0]
    if not clauses:
        raise pytest.UsageError(f"{item.nodeid}: clause() names no clause")
    for clause in clauses:
        if clause not in CLAUSES:
            raise pytest.UsageError(f"{item.nodeid}: no code has a clause {clause!r}")
        if clause not in _seen(item.path).get(name, ()):
            raise pytest.UsageError(
                f"{item.nodeid}: write {clause!r} as a plain string in a clause mark of the test, its class, its module, "
                "its cases, or a list at the top of the file that its decorator names"
            )
