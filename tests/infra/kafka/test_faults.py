"""Faults, each on a real broker of this module's own: after it everything is recorded once, in order, and told."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.local.kafka import Kafka
from infra.simulate.stream import Simulation
from tests.infra.kafka.conftest import staged
from tests.infra.kafka.model import assert_all_is_well
from tests.infra.kafka.running import Running, eventually
from tests.infra.kafka.stage import Stage
from tests.proxy import Proxy
from tests.servers import Topics

pytestmark = [pytest.mark.xdist_group("kafka-faults"), pytest.mark.timeout(300)]

RATE = 400


@pytest.fixture
def own_stage(store_url: str, own_kafka: Kafka, tmp_path: Path) -> Iterator[Stage]:
    yield from staged(store_url, own_kafka, Topics(own_kafka, f"{tmp_path.name}.").create(3), tmp_path)


@pytest.fixture
def postgres_stage(postgres_url: str, own_kafka: Kafka, tmp_path: Path) -> Iterator[Stage]:
    yield from staged(postgres_url, own_kafka, Topics(own_kafka, f"{tmp_path.name}.").create(3), tmp_path)


@pytest.fixture
def proxied_stage(
    postgres_url: str, proxied_kafka: tuple[Kafka, Proxy], tmp_path: Path
) -> Iterator[tuple[Stage, Proxy]]:
    server, proxy = proxied_kafka
    for stage in staged(postgres_url, server, Topics(server, f"{tmp_path.name}.").create(3), tmp_path):
        yield stage, proxy


def crowd(relationships: int, seed: int) -> list[bytes]:
    """Messages about programmes and mentors first, for other partitions must not overtake them."""
    messages = list(Simulation(relationships, seed).messages())
    return sorted(
        messages, key=lambda message: b'"subject":"mentor:' not in message and b'"subject":"programme:' not in message
    )


@contextmanager
def load(stage: Stage, messages: list[bytes]) -> Iterator[None]:
    """Messages keep coming while the block runs; it ends when the broker has them all."""
    early = sum(b'"subject":"mentor:' in m or b'"subject":"programme:' in m for m in messages)
    stage.send(messages[:early])
    stage.read(stage.topics.receipts, early)
    failed: list[BaseException] = []

    def send() -> None:
        try:
            stage.send(messages[early:], rate=RATE)
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
    def test_one_is_killed_in_the_middle(self, own_stage: Stage) -> None:
        messages = crowd(18, 11)
        one, _ = consumers(own_stage, 2)
        own_stage.start("publish").wait_ready()
        with load(own_stage, messages):
            one.kill()
            time.sleep(0.5)
            own_stage.start("consume").wait_ready()
        assert_all_is_well(own_stage, messages)

    def test_one_is_stopped_past_its_session_and_goes_on(self, postgres_stage: Stage) -> None:
        stage, messages = postgres_stage, crowd(25, 12)
        one, two = consumers(stage, 2)
        stage.start("publish").wait_ready()
        with load(stage, messages):
            one.signal(signal.SIGSTOP)
            # The other gets all three partitions, so the group has given up on the one.
            eventually(lambda: owns_all(two))
            time.sleep(0.5)
            one.signal(signal.SIGCONT)
        assert_all_is_well(stage, messages)
        eventually(one.ready)

    def test_members_come_and_go_under_load(self, postgres_stage: Stage) -> None:
        stage, messages = postgres_stage, crowd(30, 13)
        consumers(stage, 1)
        stage.start("publish").wait_ready()
        with load(stage, messages):
            for _ in range(2):
                guest = stage.start("consume", "--batch", "50").wait_ready()
                time.sleep(0.3)
                assert guest.stop() == 0
        assert_all_is_well(stage, messages)


def owns_all(running: Running) -> bool:
    return [line["partitions"] for line in running.lines if line["event"] == "partitions assigned"][-1:] == [[0, 1, 2]]


class TestBroker:
    def test_it_is_killed_and_comes_back(self, postgres_stage: Stage, own_kafka: Kafka) -> None:
        stage, messages = postgres_stage, crowd(20, 14)
        consumers(stage, 2)
        stage.start("publish").wait_ready()
        with load(stage, messages):
            own_kafka.kill()
            time.sleep(1)
            own_kafka.start()
        assert_all_is_well(stage, messages)

    def test_it_is_restarted(self, postgres_stage: Stage, own_kafka: Kafka) -> None:
        stage, messages = postgres_stage, crowd(20, 15)
        consumers(stage, 1)
        stage.start("publish").wait_ready()
        with load(stage, messages):
            own_kafka.restart()
        assert_all_is_well(stage, messages)

    def test_it_halts_and_nothing_piles_up_meanwhile(self, postgres_stage: Stage, own_kafka: Kafka) -> None:
        stage, messages = postgres_stage, crowd(20, 16)
        [consumer] = consumers(stage, 1)
        publisher = stage.start("publish").wait_ready()
        with load(stage, messages):
            own_kafka.pause()
            try:
                eventually(lambda: not consumer.ready() and not publisher.ready(), 15)
                assert consumer.metric("rapport_unacknowledged") <= 4 * 50 * 2
                assert publisher.metric("rapport_unacknowledged") <= 4000
                assert consumer.page("/live")[0] == publisher.page("/live")[0] == 200
            finally:
                own_kafka.resume()
        assert_all_is_well(stage, messages)


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
    def test_whatever_happens_to_it(self, proxied_stage: tuple[Stage, Proxy], fault: Callable[[Proxy], None]) -> None:
        stage, proxy = proxied_stage
        messages = crowd(14, 17)
        consumers(stage, 1)
        stage.start("publish").wait_ready()
        with load(stage, messages):
            try:
                fault(proxy)
            finally:
                proxy.restore()
        assert_all_is_well(stage, messages)
