"""The local Kafka: it starts, keeps topics and records over stops and kills, can be halted, and can stand behind a proxy."""

import socket
import time
import uuid
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from infra.local import kafka_jars
from infra.local.kafka import Kafka
from infra.local.kafka_access import TOPICS, KafkaAccess
from infra.local.leashed import LocalServerError
from infra.local.ports import free_port
from tests.infra.kafka.running import eventually
from tests.proxy import Proxy


def send(bootstrap: str, topic: str, value: bytes) -> None:
    with KafkaProducer(bootstrap_servers=bootstrap, delivery_timeout_ms=20_000, request_timeout_ms=5000) as producer:
        producer.send(topic, value).get(20)


def read(bootstrap: str, topic: str, count: int) -> list[bytes]:
    values: list[bytes] = []
    deadline = time.monotonic() + 20
    group = f"group-{uuid.uuid4().hex}"
    with KafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest") as consumer:
        while len(values) < count and time.monotonic() < deadline:
            values += [record.value for records in consumer.poll(1000).values() for record in records]
    return values


@pytest.fixture
def topic(own_kafka: Kafka) -> str:
    name = f"topic-{uuid.uuid4().hex[:8]}"
    own_kafka.create_topics(1, [name])
    return name


def test_it_is_kafka_4_1_in_kraft_mode(own_kafka: Kafka) -> None:
    assert kafka_jars.version().startswith("4.1.")
    with KafkaAdminClient(bootstrap_servers=own_kafka.bootstrap) as admin:
        brokers = admin.describe_cluster()["brokers"]
    assert [(broker["broker_id"], broker["host"], broker["port"]) for broker in brokers] == [
        (1, "127.0.0.1", own_kafka.port),
    ]


def test_it_starts_from_the_archive_of_its_classes_and_a_storage_formatted_beforehand(own_kafka: Kafka) -> None:
    mapped = Path(f"/proc/{own_kafka.pid}/maps").read_text()
    assert ".aot" in mapped
    log = own_kafka.log.read_text()
    assert "[aot" not in log, "Java has nothing against the archive"
    assert "Formatting" not in log, "no second Java ran"
    assert "Kafka Server started" in log
    settings = dict(line.split("=") for line in (own_kafka.data / "meta.properties").read_text().splitlines())
    assert sorted(settings) == ["cluster.id", "directory.id", "node.id", "version"]
    assert all(len(settings[name]) == 22 for name in ("cluster.id", "directory.id"))


def test_topics_are_made_with_their_partitions_and_stay_as_they_are(own_kafka: Kafka) -> None:
    own_kafka.create_topics(3)
    own_kafka.create_topics(5)
    with KafkaAdminClient(bootstrap_servers=own_kafka.bootstrap) as admin:
        found = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics(list(TOPICS))}
    assert found == dict.fromkeys(TOPICS, 3)


def test_an_unknown_topic_is_not_made_by_itself(own_kafka: Kafka) -> None:
    with (
        KafkaProducer(bootstrap_servers=own_kafka.bootstrap, max_block_ms=500) as producer,
        pytest.raises(KafkaError),
    ):
        producer.send("no-such-topic", b"x").get(5)
    with KafkaAdminClient(bootstrap_servers=own_kafka.bootstrap) as admin:
        assert "no-such-topic" not in admin.list_topics()


def test_records_survive_a_restart_on_the_same_port(own_kafka: Kafka, topic: str) -> None:
    send(own_kafka.bootstrap, topic, b"kept")
    before = own_kafka.port
    own_kafka.restart()
    assert own_kafka.port == before
    assert read(own_kafka.bootstrap, topic, 1) == [b"kept"]


def test_a_killed_broker_comes_back_soon(own_kafka: Kafka, topic: str) -> None:
    send(own_kafka.bootstrap, topic, b"kept")
    own_kafka.kill()
    assert not own_kafka.running
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", own_kafka.port), timeout=1)
    own_kafka.start()
    assert read(own_kafka.bootstrap, topic, 1) == [b"kept"]


def test_a_halted_broker_is_silent_and_goes_on(own_kafka: Kafka, topic: str) -> None:
    with KafkaProducer(bootstrap_servers=own_kafka.bootstrap) as producer:
        producer.send(topic, b"before").get(10)
        own_kafka.pause()
        try:
            # The signal takes a moment to reach threads that run.
            eventually(lambda: stopped(own_kafka.pid))
            waiting = producer.send(topic, b"during")
            time.sleep(1)
            assert not waiting.is_done
            assert own_kafka.running
        finally:
            own_kafka.resume()
        waiting.get(20)
    assert read(own_kafka.bootstrap, topic, 2) == [b"before", b"during"]


def stopped(pid: int) -> bool:
    """Whether every thread of a process is halted."""
    stats = Path(f"/proc/{pid}/task").glob("*/stat")
    return all(stat.read_text().rpartition(")")[2].split()[0] == "T" for stat in stats)


def test_transactions_work_on_one_broker(own_kafka: Kafka, topic: str) -> None:
    with KafkaProducer(bootstrap_servers=own_kafka.bootstrap, transactional_id=topic) as producer:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(topic, b"all or nothing")
        producer.commit_transaction()
    assert read(own_kafka.bootstrap, topic, 1) == [b"all or nothing"]


def test_clients_are_sent_through_the_proxy_and_the_broker_goes_past_it(proxied_kafka: tuple[Kafka, Proxy]) -> None:
    server, proxy = proxied_kafka
    server.create_topics(1, ["through"])
    assert server.bootstrap == f"127.0.0.1:{proxy.port}"
    send(server.bootstrap, "through", b"one")
    # Whoever asks at the broker's own port is sent to the proxy as well.
    with KafkaAdminClient(bootstrap_servers=f"127.0.0.1:{server.port}") as admin:
        assert {broker["port"] for broker in admin.describe_cluster()["brokers"]} == {proxy.port}
    proxy.refuse()
    assert server.answers()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port), timeout=1)
    proxy.restore()
    assert read(server.bootstrap, "through", 1) == [b"one"]


def test_a_broker_that_is_not_there_does_not_answer() -> None:
    assert not KafkaAccess(port=1, direct_port=free_port()).answers()


def test_a_taken_port_is_named_with_the_option(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalServerError, match=f"port {port} is taken.*--kafka-port"):
            Kafka(tmp_path, port=port, option="--kafka-port").start()


def test_a_setting_that_kafka_refuses_is_reported_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(LocalServerError, match="Invalid value minus one"):
        Kafka(tmp_path, settings={"node.id": "minus one"}).start()


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalServerError, match="can't be used: Not a directory"):
        Kafka(tmp_path / "file" / "data").start()
