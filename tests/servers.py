"""Fixtures that give tests a real PostgreSQL and a real Kafka; a server that can't be started fails the test.

Shared by the whole run, with xdist by all of its processes; started when first asked for:

- `postgres_server`: the server; `postgres_url`: an empty database of the test's own, dropped afterwards.
- `kafka_server`: the broker; `kafka_topics`: topic names of the test's own, deleted afterwards.

For tests that restart, kill or halt a server, one of the module's own: `own_postgres`, `own_kafka`, and `proxied_kafka`,
a broker with a proxy before it. A proxy before any PostgreSQL: `Proxy(server.port)` and `server.url(name, port=proxy.port)`.
"""

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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


@pytest.fixture(scope="session")
def kafka_server(server_folder: Path) -> Iterator[KafkaAccess]:
    """The Kafka of the run. Don't restart it: others use it too (see `own_kafka`)."""
    share = Share(server_folder, "kafka")
    with contextlib.closing(share):
        found = share.join()
        yield KafkaAccess(port=found["port"], direct_port=found["direct_port"])


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
    """A PostgreSQL of this module alone, to be stopped, restarted and killed. A test leaves it running."""
    with own_folder(server_folder) as folder, Postgres(folder, durable=False) as server:
        yield server


@pytest.fixture(scope="module")
def own_kafka(server_folder: Path) -> Iterator[Kafka]:
    """A Kafka of this module alone, to be stopped, killed and halted. A test leaves it running."""
    with own_folder(server_folder) as folder, Kafka(folder, short_lived=True) as server:
        yield server


@pytest.fixture(scope="module")
def proxied_kafka(server_folder: Path) -> Iterator[tuple[Kafka, Proxy]]:
    """A Kafka of this module alone that sends its clients through a proxy. A test leaves both in order."""
    port = free_port()
    with (
        own_folder(server_folder) as folder,
        Proxy(port) as proxy,
        Kafka(folder, port=port, advertised_port=proxy.port, short_lived=True) as server,
    ):
        yield server, proxy
