"""Fixtures that give tests a real PostgreSQL and a real Kafka; a server that can't be started fails the test.

Shared by the whole run, with xdist by all of its processes; started when first asked for:

- `postgres_server`: the server; `postgres_url`: an empty database of the test's own, dropped afterwards;
  `emptied_url`: one that another test had before and that was emptied, which costs a fifth of that.
- `kafka_server`: the broker; `kafka_topics`: topic names of the test's own, deleted afterwards; `kafka_data`: where they are on disk.

For tests that restart, kill or halt a server, one of the process's own: `own_postgres`, `own_kafka`, and `proxied_kafka`,
a broker with a proxy before it. A proxy before any PostgreSQL: `Proxy(server.port)` and `server.url(name, port=proxy.port)`.
"""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from infra.local.kafka import Kafka
from infra.local.kafka_access import KafkaAccess
from infra.local.ports import free_port
from infra.local.postgres import Postgres
from infra.local.postgres_access import PostgresAccess
from tests.proxy import Proxy
from tests.shared_server import Share, hold_run

FOLDER = pytest.StashKey[Path]()


def make_run_folder() -> Path:
    """A folder for the servers of this run; under root, PostgreSQL's account has to get through it."""
    folder = Path(tempfile.mkdtemp(prefix="rapport-tests-"))
    folder.chmod(0o711)
    return folder


def pytest_configure(config: pytest.Config) -> None:
    given = getattr(config, "workerinput", None)
    config.stash[FOLDER] = Path(given["servers"]) if given else make_run_folder()
    if not given:
        config.add_cleanup(hold_run(config.stash[FOLDER]).close)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """With xdist: tell a worker where the servers of the run are."""
    node.workerinput["servers"] = str(node.config.stash[FOLDER])  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash.get(FOLDER, None)
    if folder is None or hasattr(config, "workerinput"):
        return
    for kind in ("postgres", "kafka"):
        Share(folder, kind).wait_until_stopped()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server_folder(request: pytest.FixtureRequest) -> Path:
    """The folder of the servers of this run, the same in all of its processes."""
    return request.config.stash[FOLDER]


@pytest.fixture(scope="session")
def postgres_server(server_folder: Path) -> Iterator[PostgresAccess]:
    """The PostgreSQL of the run. Don't restart it: others use it too (see `own_postgres`)."""
    share = Share(server_folder, "postgres")
    with contextlib.closing(share):
        found = share.join()
        yield PostgresAccess(port=found["port"], sockets=Path(found["sockets"]) if found["sockets"] else None)


@pytest.fixture
def postgres_url(postgres_server: PostgresAccess) -> Iterator[str]:
    """The URL of an empty database, made for this test and dropped after it with all that is connected to it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield postgres_server.create_database(name, short_lived=True)
    postgres_server.drop_database(name)


# Catalogues grow with every table that was dropped; then another database costs less than a slow one.
USES = 40
# What DROP SCHEMA leaves behind: whatever belongs to the database itself.
CHANGED = """
SELECT EXISTS (SELECT FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase WHERE datname = current_database())
    OR EXISTS (SELECT FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('information_schema', 'public'))
    OR EXISTS (SELECT FROM pg_database WHERE datname = current_database() AND (datacl IS NOT NULL OR datdba <> 10))
    OR EXISTS (SELECT FROM pg_default_acl) OR EXISTS (SELECT FROM pg_event_trigger) OR EXISTS (SELECT FROM pg_publication)
    OR EXISTS (SELECT FROM pg_largeobject_metadata) OR (SELECT count(*) FROM pg_extension) > 1"""
EMPTY = """
DROP SCHEMA public CASCADE;
CREATE SCHEMA public AUTHORIZATION pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC"""


@pytest.fixture(scope="session")
def emptied(postgres_server: PostgresAccess) -> Iterator[dict[str, int]]:
    """The databases that may be used again, each with how often it was used."""
    found: dict[str, int] = {}
    yield found
    for name in found:
        postgres_server.drop_database(name)


@pytest.fixture
def emptied_url(postgres_server: PostgresAccess, emptied: dict[str, int]) -> Iterator[str]:
    """The URL of an empty database for this test alone; another test may have had it before."""
    with emptied_database(postgres_server, emptied) as url:
        yield url


@contextlib.contextmanager
def emptied_database(server: PostgresAccess, emptied: dict[str, int]) -> Iterator[str]:
    """The URL of an empty database, one of these if there is any; it is emptied again after the block."""
    name, uses = emptied.popitem() if emptied else (f"test_{uuid.uuid4().hex[:12]}", 0)
    url = server.url(name) if uses else server.create_database(name, short_lived=True)
    yield url
    if uses + 1 < USES and empty(url):
        emptied[name] = uses + 1
    else:
        server.drop_database(name)


def empty(url: str) -> bool:
    """End all that is connected to a database and remove what is in it; False if more of it was changed than its tables."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        if connection.execute(CHANGED).fetchone() != (False,):
            return False
        connection.execute(EMPTY)
    return True


@contextlib.contextmanager
def copied_database(server: PostgresAccess, folder: Path, template: str, make: Callable[[str], None]) -> Iterator[str]:
    """The URL of a copy of a template, dropped after the block; the first process of the run that asks makes the template."""
    with (folder / f"template-{template}").open("a+") as made:
        fcntl.flock(made, fcntl.LOCK_EX)
        made.seek(0)
        if made.read() != str(server.port):
            make(server.create_database(template, short_lived=True))
            made.truncate(0)
            made.write(str(server.port))
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield server.create_database(name, short_lived=True, template=template)
    server.drop_database(name)


@pytest.fixture(scope="session")
def kafka_server(server_folder: Path) -> Iterator[KafkaAccess]:
    """The Kafka of the run. Don't restart it: others use it too (see `own_kafka`)."""
    share = Share(server_folder, "kafka")
    with contextlib.closing(share):
        found = share.join()
        yield KafkaAccess(port=found["port"], direct_port=found["direct_port"])


@pytest.fixture(scope="session")
def kafka_data(kafka_server: KafkaAccess, server_folder: Path) -> Path:
    """Where that Kafka has its topics on disk. Touch none but the test's own."""
    return Path(json.loads(Share(server_folder, "kafka").file("json").read_text())["data"])


@dataclass(frozen=True)
class Topics:
    """Rapport's topics under a prefix that no other test has."""

    server: KafkaAccess
    prefix: str

    @property
    def commands(self) -> str:
        return f"{self.prefix}rapport.commands"

    @property
    def receipts(self) -> str:
        return f"{self.prefix}rapport.receipts"

    @property
    def events(self) -> str:
        return f"{self.prefix}rapport.events"

    @property
    def dead_letters(self) -> str:
        return f"{self.prefix}rapport.dead-letters"

    @property
    def all(self) -> tuple[str, ...]:
        return self.commands, self.receipts, self.events, self.dead_letters

    def create(self, partitions: int = 1) -> "Topics":
        """Make all four; the broker makes none by itself."""
        self.server.create_topics(partitions, self.all)
        return self


@pytest.fixture
def kafka_topics(kafka_server: KafkaAccess) -> Iterator[Topics]:
    """Topic names of this test alone; `create` makes the topics, and they are deleted after the test."""
    topics = Topics(kafka_server, f"test-{uuid.uuid4().hex[:12]}.")
    yield topics
    kafka_server.delete_topics(topics.all)


@contextlib.contextmanager
def own_folder(server_folder: Path) -> Iterator[Path]:
    folder = server_folder / f"own-{os.getpid()}-{uuid.uuid4().hex[:6]}"
    folder.mkdir(mode=0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def own_postgres(server_folder: Path) -> Iterator[Postgres]:
    """A PostgreSQL of this file of tests alone, to be stopped, restarted and killed. A test leaves it running."""
    with own_folder(server_folder) as folder, Postgres(folder, durable=False) as server:
        yield server


@pytest.fixture(scope="module")
def own_kafka(server_folder: Path) -> Iterator[Kafka]:
    """A Kafka of this file of tests alone, to be stopped, killed and halted. A test leaves it running; left idle for the run it would cost much."""
    with own_folder(server_folder) as folder, Kafka(folder, short_lived=True) as server:
        yield server


@pytest.fixture(scope="module")
def proxied_kafka(server_folder: Path) -> Iterator[tuple[Kafka, Proxy]]:
    """A Kafka of this file of tests alone that sends its clients through a proxy. A test leaves both in order."""
    port = free_port()
    with (
        own_folder(server_folder) as folder,
        Proxy(port) as proxy,
        Kafka(folder, port=port, advertised_port=proxy.port, short_lived=True) as server,
    ):
        yield server, proxy
