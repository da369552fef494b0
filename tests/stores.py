"""Fixtures that run a test once on each kind of store. Every test that says "store" or "database" takes one of them.

- `store_url`: the URL of an empty store of the test's own, first a file of SQLite, then a database of the run's PostgreSQL.
- `prepared_store_url`: the same with its tables and datasets made, which on PostgreSQL is a copy: making them costs it ten times as much.
- `shared_store_url`: the same for all tests of a module that only read, filled once.
- `database`: that store opened, its schema in place, closed after the test.
- `settings`: the settings of a Rapport on a prepared store; `open_rapport(settings)` does the rest.

A test that several processes of it open gets the URL and opens it in each. With xdist each test has a store of its own in any process.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from infra.bootstrap import open_rapport
from infra.settings import Settings
from infra.store.identity import new_identity
from infra.store.opening import open_database
from infra.store.session import Database, Kind, StoreSession
from infra.worker_runtime.schema import key_of
from tests.servers import copied_database, emptied_database

KINDS: tuple[Kind, ...] = ("sqlite", "postgresql")


@pytest.fixture(params=KINDS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store; the test runs once for each kind."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("emptied_url")
        return url
    return f"sqlite:///{tmp_path / 'store.sqlite'}"


@pytest.fixture(params=KINDS)
def prepared_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a store with all its tables, in which nothing is recorded; the test runs once for each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.sqlite'}"
        return
    server, folder = (request.getfixturevalue(name) for name in ("postgres_server", "server_folder"))
    with copied_database(server, folder, "prepared", prepare) as url:
        give_identity(url)
        yield url


def prepare(url: str) -> None:
    """Make all tables of a store, as its first use does."""
    with open_rapport(Settings(store=url)) as rapport:
        rapport.engine().catch_up()


def give_identity(url: str) -> None:
    """Make a copy of a store one of its own. The key of pseudonyms follows from the secret at the next opening, that of workers here."""
    id_, secret = new_identity()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE store_identity SET id = %s, secret = %s", (id_, secret))
        connection.execute("UPDATE worker_key SET key = %s", (key_of(secret),))


@pytest.fixture(scope="module", params=KINDS)
def shared_store_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a store that is empty for the first fixture that fills it; each test runs once for each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('shared') / 'store.sqlite'}"
        return
    server, emptied = (request.getfixturevalue(name) for name in ("postgres_server", "emptied"))
    with emptied_database(server, emptied) as url:
        yield url


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    """The store opened; SQLite waits for no disk, which no test can tell."""
    with opened(store_url) as found:
        yield found


def opened(url: str) -> Database:
    """The store of a test, open."""
    return open_database(url, **({"synchronous": "off"} if url.startswith("sqlite") else {}))


@pytest.fixture
def settings(prepared_store_url: str) -> Settings:
    """Settings that name the store."""
    return Settings(store=prepared_store_url, synchronous="off")


@contextmanager
def by_hand(database: Database) -> Iterator[StoreSession]:
    """A transaction as an administrator of the server, who may change what the service can't."""
    with database.transaction() as session:
        if session.kind == "postgresql":
            session.execute("SET LOCAL ROLE NONE")
        yield session
