"""Faults of consumers, of the broker and of the way to it: after each everything is recorded once, in order, and told.

What befalls the broker befalls one of this module's own, behind a proxy. All faults meet the same messages.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from infra.bootstrap import open_rapport
from infra.kafka.clients import POLL_MS
from infra.local.kafka import Kafka
from infra.local.kafka_access import KafkaAccess
from infra.simulate.stream import Simulation
from tests.infra.kafka.conftest import staged
from tests.infra.kafka.model import assert_all_is_well
from tests.infra.kafka.running import Running, eventually
from tests.infra.kafka.stage import Stage
from tests.infra.kafka.test_consume import programme, raw
from tests.proxy import Proxy
from tests.servers import Topics

pytestmark = [pytest.mark.xdist_group("kafka-faults"), pytest.mark.timeout(300)]

# They keep coming for five seconds, at a rate of their own where a fault takes longer.
RELATIONSHIPS, SEED = 10, 14
RATE = 160
# Whether somebody waits for a lock in this very database.
WAITING = (
    "SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = database WHERE NOT granted AND datname = current_database()"
)
SLOW_RATE = 120


@pytest.fixture(scope="module")
def messages() -> list[bytes]:
    """Messages about programmes and mentors first, for other partitions must not overtake them."""
    made = list(Simulation(RELATIONSHIPS, SEED).messages())
    return sorted(
        made, key=lambda message: b'"subject":"mentor:' not in message and b'"subject":"programme:' not in message
    )


@pytest.fixture
def postgres_stage(
    postgres_url: str, kafka_server: KafkaAccess, kafka_topics: Topics, tmp_path: Path
) -> Iterator[Stage]:
    yield from staged(postgres_url, kafka_server, kafka_topics.create(3), tmp_path)


@pytest.fixture
def own_stage(postgres_url: str, proxied_kafka: tuple[Kafka, Proxy], tmp_path: Path) -> Iterator[Stage]:
    server, _ = proxied_kafka
    yield from staged(postgres_url, server, Topics(server, f"{tmp_path.name}.").create(3), tmp_path)


@contextmanager
def load(stage: Stage, messages: list[bytes], rate: float = RATE) -> Iterator[None]:
    """Messages keep coming while the block runs; it ends when the broker has them all."""
    early = sum(b'"subject":"mentor:' in m or b'"subject":"programme:' in m for m in messages)
    stage.send(messages[:early])
    stage.read(stage.topics.receipts, early)
    failed: list[BaseException] = []

    def send() -> None:
        try:
            stage.send(messages[early:], rate=rate)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failed.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        time.sleep(0.5)
        yield
    finally:
        thread.join()
    assert not failed, failed


def consumers(stage: Stage, count: int) -> list[Running]:
    return [each.wait_ready() for each in [stage.start("consume", "--batch", "50") for _ in range(count)]]


class TestConsumers:
    def test_one_is_killed_in_the_middle(self, stage: Stage, messages: list[bytes]) -> None:
        one, _ = consumers(stage, 2)
        stage.start("publish").wait_ready()
        with load(stage, messages):
            one.kill()
            time.sleep(0.5)
            stage.start("consume").wait_ready()
        assert_all_is_well(stage, messages)

    def test_one_is_stopped_past_its_session_and_goes_on(self, postgres_stage: Stage, messages: list[bytes]) -> None:
        stage = postgres_stage
        one, two = consumers(stage, 2)
        stage.start("publish").wait_ready()
        with load(stage, messages, SLOW_RATE):
            one.signal(signal.SIGSTOP)
            # The other gets all three partitions, so the group has given up on the one.
            eventually(lambda: owns_all(two))
            time.sleep(0.5)
            one.signal(signal.SIGCONT)
        assert_all_is_well(stage, messages)
        eventually(one.ready)

    def test_members_come_and_go_under_load(self, postgres_stage: Stage, messages: list[bytes]) -> None:
        stage = postgres_stage
        consumers(stage, 1)
        stage.start("publish").wait_ready()
        with load(stage, messages, SLOW_RATE):
            for _ in range(2):
                guest = stage.start("consume", "--batch", "50").wait_ready()
                time.sleep(0.3)
                assert guest.stop() == 0
        assert_all_is_well(stage, messages)


def owns_all(running: Running) -> bool:
    return [line["partitions"] for line in running.lines if line["event"] == "partitions assigned"][-1:] == [[0, 1, 2]]


class TestBroker:
    def test_it_is_killed_and_comes_back(
        self, own_stage: Stage, messages: list[bytes], proxied_kafka: tuple[Kafka, Proxy]
    ) -> None:
        stage, (broker, _) = own_stage, proxied_kafka
        consumers(stage, 2)
        stage.start("publish").wait_ready()
        with load(stage, messages):
            broker.kill()
            time.sleep(1)
            broker.start()
        assert_all_is_well(stage, messages)

    def test_it_is_restarted(self, own_stage: Stage, messages: list[bytes], proxied_kafka: tuple[Kafka, Proxy]) -> None:
        stage, (broker, _) = own_stage, proxied_kafka
        consumers(stage, 1)
        stage.start("publish").wait_ready()
        with load(stage, messages):
            broker.restart()
        assert_all_is_well(stage, messages)

    def test_it_halts_and_nothing_piles_up_meanwhile(
        self, own_stage: Stage, messages: list[bytes], proxied_kafka: tuple[Kafka, Proxy]
    ) -> None:
        stage, (broker, _) = own_stage, proxied_kafka
        [consumer] = consumers(stage, 1)
        publisher = stage.start("publish").wait_ready()
        with load(stage, messages):
            broker.pause()
            try:
                eventually(lambda: not consumer.ready() and not publisher.ready(), 15)
                assert consumer.metric("rapport_unacknowledged") <= 4 * 50 * 2
                assert publisher.metric("rapport_unacknowledged") <= 4000
                assert consumer.page("/live")[0] == publisher.page("/live")[0] == 200
            finally:
                broker.resume()
        assert_all_is_well(stage, messages)

    def test_what_it_dies_with_comes_again(self, own_stage: Stage, proxied_kafka: tuple[Kafka, Proxy]) -> None:
        """Answers and facts that it was sent and never acknowledged are neither counted as answered nor as published."""
        stage, (broker, _) = own_stage, proxied_kafka
        [consumer] = consumers(stage, 1)
        publisher = stage.start("publish").wait_ready()
        sent = [raw(programme(number)) for number in range(60)]
        with open_rapport(stage.settings) as rapport:
            waiting = partial(rapport.database.query, WAITING)
            with rapport.database.transaction() as session:
                # Messages are fetched, and can't be recorded before the broker halts.
                session.execute("LOCK TABLE stored_events IN EXCLUSIVE MODE")
                stage.send(sent)
                eventually(waiting)
                broker.pause()
            eventually(rapport.store.head)
            # Both write down how far they are at least as often as they ask the broker.
            time.sleep(2 * POLL_MS / 1000)
            answered = "SELECT SUM(next) FROM source_offsets WHERE name LIKE '%:answers'"
            published = "SELECT position FROM leases WHERE name LIKE 'publish:%'"
            assert [rapport.database.query(each) for each in (answered, published)] == [[(0,)], [(0,)]]
            eventually(lambda: consumer.metric("rapport_unacknowledged") and publisher.metric("rapport_unacknowledged"))
        for each in (consumer, publisher):
            each.kill()
        broker.kill()
        broker.start()
        consumers(stage, 1)
        stage.start("publish").wait_ready()
        ids = {f"m{number}" for number in range(60)}
        assert {each.json["data"]["id"] for each in stage.read(stage.topics.receipts, 60)} == ids
        assert {each.key for each in stage.read(stage.topics.events, 60)} == {f"programme:p{each[1:]}" for each in ids}


def cut(proxy: Proxy) -> None:
    for _ in range(3):
        proxy.cut()
        time.sleep(0.4)


def refuse(proxy: Proxy) -> None:
    proxy.refuse()
    time.sleep(2)


def half_open(proxy: Proxy) -> None:
    proxy.half_open()
    time.sleep(4)


def lose_replies(proxy: Proxy) -> None:
    proxy.lose_replies()
    time.sleep(3)


def slow(proxy: Proxy) -> None:
    proxy.slow(delay_seconds=0.1)
    time.sleep(2)


class TestConnection:
    @pytest.mark.parametrize("fault", [cut, refuse, half_open, lose_replies, slow], ids=lambda fault: fault.__name__)
    def test_whatever_happens_to_it(
        self,
        own_stage: Stage,
        messages: list[bytes],
        proxied_kafka: tuple[Kafka, Proxy],
        fault: Callable[[Proxy], None],
    ) -> None:
        stage, (_, proxy) = own_stage, proxied_kafka
        consumers(stage, 1)
        stage.start("publish").wait_ready()
        with load(stage, messages):
            try:
                fault(proxy)
            finally:
                proxy.restore()
        assert_all_is_well(stage, messages)
