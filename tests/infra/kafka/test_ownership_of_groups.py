"""A consumer group belongs to one store, and a topic of facts to one publisher: another store is refused and takes nothing."""

import json
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as Place
from confluent_kafka.admin import AdminClient
from kafka.structs import TopicPartition

from infra.bootstrap import open_rapport
from infra.kafka import clients
from infra.kafka.ownership import MARK
from infra.settings import Settings
from tests.infra.kafka.running import Running, eventually
from tests.infra.kafka.stage import Stage
from tests.infra.kafka.test_consume import answered, programme, raw, statuses


def id_of(settings: Settings) -> str:
    with open_rapport(settings) as rapport:
        return rapport.store.identity.id


@pytest.fixture
def other(sqlite_stage: Stage, tmp_path: Path) -> str:
    """The address of another store, which is empty."""
    return f"sqlite:///{tmp_path / 'other.sqlite'}"


def head(stage: Stage, store: str) -> int:
    with open_rapport(stage.settings.model_copy(update={"store": store})) as rapport:
        return rapport.store.head()


def refused(running: Running, stage: Stage, other: str) -> str:
    """What a process says that ends for the reason that the group or topic is another store's."""
    assert running.process.wait(60) == 2, running.log.read_text()
    said = " ".join(running.log.read_text().split())
    assert id_of(stage.settings) in said
    assert id_of(stage.settings.model_copy(update={"store": other})) in said
    return said


def marks(stage: Stage) -> list[str | None]:
    """What the group's offsets carry, partition after partition."""
    # Not librdkafka: its Python client loses the metadata.
    with closing(clients.consumer(stage.settings, "test", group=f"{stage.topics.prefix}rapport")) as consumer:
        found = [consumer.committed(TopicPartition(stage.topics.commands, p), metadata=True) for p in range(3)]
    return [place and place.metadata for place in found]


class TestConsumers:
    def test_the_mark_is_there_before_the_first_message(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        stage.start("consume").wait_ready()
        assert marks(stage)[0] == MARK + id_of(stage.settings)

    def test_another_store_is_refused_and_the_first_is_not_disturbed(self, sqlite_stage: Stage, other: str) -> None:
        stage = sqlite_stage
        first = stage.start("consume").wait_ready()
        messages = [raw(programme(number)) for number in range(30)]
        stage.send(messages[:15])
        said = refused(stage.start("consume", RAPPORT_STORE=other), stage, other)
        assert "RAPPORT_KAFKA_GROUP" in said
        stage.send(messages[15:])
        assert statuses(answered(stage, 30)) == {"accepted": 30}
        assert sum(line["event"] == "partitions assigned" for line in first.lines) == 1
        assert head(stage, other) == 0

    def test_it_is_refused_after_the_first_has_stopped_too(self, sqlite_stage: Stage, other: str) -> None:
        stage = sqlite_stage
        first = stage.start("consume").wait_ready()
        stage.send([raw(programme(number)) for number in range(9)])
        answered(stage, 9)
        assert first.stop() == 0
        assert {mark for mark in marks(stage) if mark} == {MARK + id_of(stage.settings)}
        refused(stage.start("consume", RAPPORT_STORE=other), stage, other)
        stage.start("consume").wait_ready()

    def test_with_a_group_of_its_own_it_reads_all(self, sqlite_stage: Stage, other: str) -> None:
        stage = sqlite_stage
        stage.start("consume").wait_ready()
        stage.send([raw(programme(number)) for number in range(6)])
        answered(stage, 6)
        stage.start("consume", RAPPORT_STORE=other, RAPPORT_KAFKA_GROUP="other").wait_ready()
        assert statuses(answered(stage, 12)) == {"accepted": 12}
        assert head(stage, other) == 6

    def test_of_two_that_begin_at_once_one_is_refused(self, sqlite_stage: Stage, other: str) -> None:
        stage = sqlite_stage
        id_of(stage.settings), head(stage, other)
        stage.send([raw(programme(number)) for number in range(60)])
        both = [stage.start("consume", RAPPORT_STORE=store) for store in (stage.settings.store, other)]
        lost = eventually(lambda: next((each for each in both if each.process.poll() is not None), None))
        refused(lost, stage, other)
        [won] = [each for each in both if each is not lost]
        won.wait_ready()
        # Answers in doubt are sent again when the partitions are shared out anew.
        answers = {receipt.json["id"]: receipt.json["data"]["status"] for receipt in answered(stage, 60)}
        assert Counter(answers.values()) == {"accepted": 60}
        heads = [head(stage, store) for store in (stage.settings.store, other)]
        assert sorted(heads) == [0, 60]

    def test_a_group_that_was_deleted_belongs_to_nobody(self, sqlite_stage: Stage, other: str) -> None:
        stage = sqlite_stage
        assert stage.start("consume").wait_ready().stop() == 0
        group = f"{stage.topics.prefix}rapport"
        admin = AdminClient({"bootstrap.servers": stage.bootstrap})
        eventually(lambda: admin.delete_consumer_groups([group])[group].exception() is None)
        stage.start("consume", RAPPORT_STORE=other).wait_ready()
        refused(stage.start("consume"), stage, other)

    def test_offsets_without_a_mark_keep_nobody_out(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        consumer = Consumer({"bootstrap.servers": stage.bootstrap, "group.id": f"{stage.topics.prefix}rapport"})
        offsets = [Place(stage.topics.commands, 0, 0, "somebody's note")]
        consumer.commit(offsets=offsets, asynchronous=False)
        consumer.close()
        stage.start("consume").wait_ready()
        assert marks(stage)[0] == MARK + id_of(stage.settings)

    def test_many_of_one_store_share_it(self, stage: Stage) -> None:
        running = [stage.start("consume") for _ in range(3)]
        for each in running:
            each.wait_ready()
        stage.send([raw(programme(number)) for number in range(60)])
        assert statuses(answered(stage, 60)) == {"accepted": 60}


class TestPublishers:
    def test_another_store_is_refused_unless_it_takes_over(self, sqlite_stage: Stage, other: str) -> None:
        stage = sqlite_stage
        for store, number in ((stage.settings.store, 1), (other, 2)):
            with open_rapport(stage.settings.model_copy(update={"store": store})) as rapport:
                rapport.handler.handle([raw(programme(number))])
        first = stage.start("publish").wait_ready()
        [fact] = stage.read(stage.topics.events, 1)
        assert fact.headers["rapport-store"] == id_of(stage.settings)
        said = refused(stage.start("publish", RAPPORT_STORE=other), stage, other)
        assert "--take-over" in said
        assert len(stage.read(stage.topics.events, 1)) == 1

        assert first.stop() == 0
        second = stage.start("publish", "--take-over", RAPPORT_STORE=other).wait_ready()
        assert {fact.json["subject"] for fact in stage.read(stage.topics.events, 2)} == {"programme:p1", "programme:p2"}
        assert second.stop() == 0
        # Both have published here before, so neither needs to be told again.
        stage.start("publish", RAPPORT_STORE=other).wait_ready()
        stage.start("publish").wait_ready()

    def test_facts_that_name_no_store_keep_nobody_out(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        stage.send([b"{}"], topic=stage.topics.events, key="k")
        with open_rapport(stage.settings) as rapport:
            rapport.handler.handle([raw(programme())])
        stage.start("publish").wait_ready()
        assert json.loads(stage.read(stage.topics.events, 2)[-1].value) is not None
