"""Real outages: each process tells of one once when it begins and once when it is over, a short one too."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.kafka import Kafka
from infra.local.postgres import Postgres
from infra.operations.outages import BEGINS, OVER
from tests.infra.kafka.conftest import staged
from tests.infra.kafka.running import Running, eventually
from tests.infra.kafka.stage import Stage
from tests.infra.kafka.test_consume import answered, programme, raw, statuses
from tests.servers import Topics

pytestmark = [pytest.mark.xdist_group("kafka-outages"), pytest.mark.timeout(300)]


@pytest.fixture
def own_stage(own_kafka: Kafka, own_postgres: Postgres, tmp_path: Path) -> Iterator[Stage]:
    """A broker and a database that may be taken away."""
    topics = Topics(own_kafka, f"{tmp_path.name}.").create(3)
    yield from staged(own_postgres.create_database(tmp_path.name), own_kafka, topics, tmp_path)


def outages(running: Running, what: str) -> list[dict[str, Any]]:
    return [line for line in running.lines if line.get("what") == what]


def assert_told_once(running: Running, what: str) -> None:
    eventually(
        lambda: outages(running, what)[1:], 60, f"{running.name} tells that it is over\n{running.log.read_text()}"
    )
    lines = outages(running, what)
    assert [line["event"] for line in lines] == [BEGINS, OVER], running.log.read_text()
    assert lines[0]["error"]
    assert lines[1]["seconds"] > 0


def assert_nobody_repeats_it(*running: Running) -> None:
    """No library and no other part says in its own words what is away."""
    loud = [line for each in running for line in each.lines if line["level"] in {"warning", "error"}]
    # That there is no file of senders is said once, whatever is away.
    others = [line for line in loud if not line["event"].startswith("RAPPORT_SENDERS")]
    assert not [line for line in others if line["event"] not in {BEGINS, OVER}], loud


def all_four(stage: Stage) -> list[Running]:
    commands = (("consume",), ("publish",), ("work",), ("projections", "follow"))
    return [each.wait_ready() for each in [stage.start(*command) for command in commands]]


def test_the_broker_is_away_for_a_while(own_stage: Stage, own_kafka: Kafka) -> None:
    stage = own_stage
    consumer, publisher, worker, follower = all_four(stage)
    own_kafka.kill()
    for each in (consumer, publisher):
        eventually(lambda: outages(each, "broker"), 30, each.name)  # noqa: B023
    time.sleep(2)
    own_kafka.start()
    for each in (consumer, publisher):
        assert_told_once(each, "broker")
        each.wait_ready()
    stage.send([raw(programme())])
    assert statuses(answered(stage, 1)) == {"accepted": 1}
    assert not outages(worker, "broker")
    assert not outages(follower, "broker")
    assert_nobody_repeats_it(consumer, publisher)


def test_the_database_is_away_for_a_while(own_stage: Stage, own_postgres: Postgres) -> None:
    stage = own_stage
    running = all_four(stage)
    own_postgres.stop("immediate")
    for each in running:
        eventually(lambda: outages(each, "database"), 30, each.name)  # noqa: B023
    time.sleep(2)
    own_postgres.start()
    for each in running:
        assert_told_once(each, "database")
        each.wait_ready()
    assert_nobody_repeats_it(*running)
    stage.send([raw(programme())])
    assert statuses(answered(stage, 1)) == {"accepted": 1}
