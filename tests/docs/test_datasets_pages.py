"""The pages about datasets: made from the code, and their queries and their example run."""

import re
import subprocess
import sys
from pathlib import Path
from shutil import copy

import pytest

from infra.reference import pages
from infra.store.opening import open_database
from projections.catalogue import datasets
from projections.projection import RowFold
from tests.given_when_then import At, proposed
from tests.infra.projection_engine.harness import ProjectionHarness, day, everything
from tests.projections.given import given

DOCS = Path(pages.__file__).parents[2] / "docs"
QUERIES = re.findall(
    r"```sql\n(.*?)```", (DOCS / "how-to" / "query-datasets.md").read_text(encoding="utf-8"), re.DOTALL
)


def test_the_made_pages_are_up_to_date() -> None:
    assert pages.stale(DOCS) == []


def test_a_page_that_differs_is_stale(tmp_path: Path) -> None:
    for name in pages.PAGES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        copy(DOCS / name, tmp_path / name)
    assert pages.stale(tmp_path) == []
    page = tmp_path / "reference" / "datasets.md"
    page.write_text(page.read_text(encoding="utf-8") + "more\n", encoding="utf-8")
    assert pages.stale(tmp_path) == ["reference/datasets.md"]
    pages.write(tmp_path)
    assert pages.stale(tmp_path) == []


def test_check_exits_by_what_it_finds() -> None:
    assert subprocess.run([sys.executable, "-m", "infra.reference.pages", "--check"], check=False).returncode == 0
    assert pages.main(["--what"]) == 2


def test_every_column_of_every_dataset_is_in_the_reference() -> None:
    page = pages.datasets_page()
    for dataset in datasets().values():
        assert f"## {dataset.name}\n" in page
        assert all(f"| {column.name} | {column.type} |" in page for column in dataset.columns)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("docs") / "rapport.sqlite"
    with open_database(f"sqlite:///{file}", synchronous="off") as database:
        harness = ProjectionHarness(database, day(26))
        harness.append(everything())
        harness.engine().catch_up()
    return file


@pytest.mark.parametrize("query", QUERIES)
def test_sqlite_answers_the_queries_of_the_how_to(told: Path, query: str) -> None:
    """By SQLite alone, with nothing of Rapport's, as its shell would."""
    import sqlite3

    connection = sqlite3.connect(f"file:{told}?mode=ro", uri=True)
    try:
        rows = connection.execute(query).fetchall()
    finally:
        connection.close()
    assert rows or "stale_since IS NOT NULL" in query or "FROM tasks" in query


def test_the_how_to_has_queries() -> None:
    assert len(QUERIES) >= 8


def test_the_example_of_a_projection_works() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (DOCS / "how-to" / "add-a-projection.md").read_text(encoding="utf-8"), re.DOTALL)  # fmt: skip
    module: dict[str, object] = {}
    exec(compile(example, "contacts.py", "exec"), module)
    projection = module["PROJECTION"]
    assert isinstance(projection, RowFold)
    from domain.relationship.events import ContactRecorded

    contacts = (At(n, ContactRecorded(channel=channel)) for n, channel in enumerate(("email", "telephone", "email"), 1))  # type: ignore[arg-type]
    assert given(projection, proposed(), *contacts).values("channel", "contacts") == [("email", 2), ("telephone", 1)]
