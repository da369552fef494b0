"""Fixtures that run a test once on each kind of store. Every test that says "store" or "database" takes one of them.

- `store_url`: the URL of an empty store of the test's own, first a file of SQLite, then a database of the run's PostgreSQL.
- `database`: that store opened, its schema in place, closed after the test.
- `settings`: the settings of a Rapport on that store; `open_rapport(settings)` does the rest.

A test that several processes of it open gets the URL and opens it in each. With xdist each test has a store of its own in any process.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.settings import Settings
from infra.store.opening import open_database
from infra.store.session import Database, Kind

KINDS: tuple[Kind, ...] = ("sqlite", "postgresql")


@pytest.fixture(params=KINDS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store; the test runs once for each kind."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("emptied_url")
        return url
    return f"sqlite:///{tmp_path / 'store.sqlite'}"


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    """The store opened; SQLite waits for no disk, which no test can tell."""
    options = {"synchronous": "off"} if store_url.startswith("sqlite") else {}
    with open_database(store_url, **options) as found:
        yield found


@pytest.fixture
def settings(store_url: str) -> Settings:
    """Settings that name the store."""
    return Settings(store=store_url, synchronous="off")
