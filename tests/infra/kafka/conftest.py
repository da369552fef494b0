"""Stages for the tests of Kafka: on the run's broker, on each kind of store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.kafka_access import KafkaAccess
from infra.settings import Settings
from tests.infra.kafka.stage import Stage
from tests.servers import Topics

PARTITIONS = 3


@pytest.fixture
def stage(store_url: str, kafka_server: KafkaAccess, kafka_topics: Topics, tmp_path: Path) -> Iterator[Stage]:
    """Topics of three partitions and an empty store; the test runs once on each kind of store."""
    yield from staged(store_url, kafka_server, kafka_topics.create(PARTITIONS), tmp_path)


@pytest.fixture
def sqlite_stage(kafka_server: KafkaAccess, kafka_topics: Topics, tmp_path: Path) -> Iterator[Stage]:
    """The same on SQLite alone, for what has nothing to do with the store."""
    yield from staged(f"sqlite:///{tmp_path / 'store.sqlite'}", kafka_server, kafka_topics.create(PARTITIONS), tmp_path)


def staged(store_url: str, server: KafkaAccess, topics: Topics, folder: Path) -> Iterator[Stage]:
    settings = Settings(
        store=store_url,
        synchronous="off",
        kafka=server.bootstrap,
        kafka_prefix=topics.prefix,
        kafka_session_seconds=3,
        log_format="json",
    )
    found = Stage(server.bootstrap, topics, settings, folder)
    yield found
    found.close()
