"""Clients of kafka-python, set up the one way that is safe here; everything else about the library is in this folder too.

Its defaults would commit offsets on their own, start at a topic's end, make topics by misspelling, and read what was never
committed. TLS and SASL come from the settings; passwords are read from files.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from infra.configured_file import read_secret
from infra.kafka.reaching import NO_PASSWORD, Connections, check_files
from infra.settings import Settings, WrongSettings

if TYPE_CHECKING:
    from kafka.structs import TopicPartition

# A poll shorter than this may end in the middle of a rebalance and leave kafka-python waiting for good.
POLL_MS: Final = 1000
# The broker answers a fetch when there is something, and an empty one after so long: seldom, for each costs a millisecond.
FETCH_MS: Final = 2000
# How long a consumer may be busy with one batch before its partitions go to others.
BUSY_MS: Final = 120_000
REQUEST_MS: Final = 10_000
BOOTSTRAP_MS: Final = 10_000
RECONNECT_MAX_MS: Final = 2_000
STOP_SECONDS: Final = 2.0
LINGER_MS: Final = 5
BATCH_BYTES: Final = 128 * 1024
# A producer that is told to keep trying does so for as long as its owner lives: giving up on one message and
# sending the next would break the order of facts.
FOR_EVER_MS: Final = 2**31 - 1


class KafkaTrouble(Exception):
    """Kafka can't do what was asked; the message says why. It may go well later."""


class NoKafka(Exception):
    """The settings don't say how to reach a broker."""


class AnotherStore(Exception):
    """The consumer group or the topic belongs to another store; the message names both and says what to do."""


def connection(settings: Settings) -> dict[str, Any]:
    """How to reach the brokers, as kafka-python wants it. Raises `NoKafka`."""
    if not settings.kafka:
        raise NoKafka("no broker is named: set RAPPORT_KAFKA to host:port (several with commas between)")
    password = _secret(settings.kafka_key_password_file, "RAPPORT_KAFKA_KEY_PASSWORD_FILE") or NO_PASSWORD
    if settings.kafka_security.endswith("SSL"):
        with _wrong_settings():
            check_files(settings, password)
    given = {
        "ssl_cafile": _path(settings.kafka_ca_file),
        "ssl_certfile": _path(settings.kafka_certificate_file),
        "ssl_keyfile": _path(settings.kafka_key_file),
        "ssl_password": password,
        "sasl_mechanism": settings.kafka_sasl,
        "sasl_plain_username": settings.kafka_username,
        "sasl_plain_password": _secret(settings.kafka_password_file, "RAPPORT_KAFKA_PASSWORD_FILE"),
    }
    return {
        "bootstrap_servers": [server.strip() for server in settings.kafka.split(",") if server.strip()],
        "bootstrap_timeout_ms": BOOTSTRAP_MS,
        "request_timeout_ms": REQUEST_MS,
        "reconnect_backoff_max_ms": RECONNECT_MAX_MS,
        "security_protocol": settings.kafka_security,
        "ssl_check_hostname": settings.kafka_check_hostname,
        **{name: value for name, value in given.items() if value is not None},
    }


def producer(settings: Settings, name: str, delivery_ms: int) -> Any:
    """A producer that keeps order and sends nothing twice by itself. Raises `NoKafka` and kafka's errors."""
    from kafka import KafkaProducer

    with _reaching(settings) as reached:
        return KafkaProducer(
            **reached,
            client_id=name,
            enable_idempotence=True,
            acks="all",
            linger_ms=LINGER_MS,
            batch_size=BATCH_BYTES,
            delivery_timeout_ms=delivery_ms,
            max_block_ms=REQUEST_MS,
            allow_auto_create_topics=False,
        )


def consumer(settings: Settings, name: str, *, group: str | None, most: int = 500) -> Any:
    """A consumer that commits nothing by itself and starts at the beginning. Raises `NoKafka` and kafka's errors.

    Its records are `infra.kafka.record_batches.Record`; no record whatever keeps it from going on.
    """
    from kafka import KafkaConsumer

    from infra.kafka import fetching

    session_ms = int(settings.kafka_session_seconds * 1000)
    with _reaching(settings) as reached:
        found = KafkaConsumer(
            **reached,
            client_id=name,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=session_ms // 4,
            fetch_max_wait_ms=FETCH_MS,
            fetch_max_bytes=fetching.FETCH_BYTES,
            max_partition_fetch_bytes=fetching.PARTITION_BYTES,
            receive_message_max_bytes=fetching.ANY_FRAME,
            max_poll_interval_ms=BUSY_MS,
            max_poll_records=most,
            allow_auto_create_topics=False,
        )
    fetching.BoundedFetcher.instead_of_its_own(found)
    return found


def take_reached(consumer: Any) -> "dict[TopicPartition, int]":
    """The first offset not read of each partition that a consumer's polls went on in since this was asked last."""
    found: dict[TopicPartition, int] = consumer._fetcher.take_reached()  # noqa: SLF001 - a fetcher of ours
    return found


@contextmanager
def _reaching(settings: Settings) -> Iterator[dict[str, Any]]:
    """How to reach the brokers; where none answers, the error says why. Raises `NoKafka`, `KafkaTrouble`."""
    from kafka.errors import KafkaTimeoutError

    # With the library's own reading the broker's last words would be lost with the connection that it closes after them.
    import infra.kafka.fetching  # noqa: F401

    connections = Connections(settings)
    try:
        yield connection(settings) | {"kafka_client": connections.client}
    except KafkaTimeoutError as error:
        raise KafkaTrouble(
            f"no broker at {settings.kafka} answers to {settings.kafka_security} (RAPPORT_KAFKA, RAPPORT_KAFKA_SECURITY): "
            f"{connections.meaning()}"
        ) from error


def drop(producer: Any) -> None:
    """Close a producer without sending what it still holds; its own `close` would go on with that behind our back."""
    sender = producer._sender  # noqa: SLF001 - there is no public way to give up
    sender.force_close()
    sender.join(STOP_SECONDS)
    producer.close(timeout=STOP_SECONDS)


def await_future(future: Any, seconds: float) -> None:
    """Wait until a send is acknowledged or has failed, or for so many seconds; `is_done` and `failed` tell which."""
    from kafka.errors import KafkaError

    with suppress(KafkaError):
        future.get(timeout=max(0.0, seconds))


def admin(settings: Settings) -> Any:
    """An administrator's client, for questions. Raises `NoKafka` and kafka's errors."""
    from kafka import KafkaAdminClient

    with _reaching(settings) as reached:
        return KafkaAdminClient(**{**reached, "bootstrap_timeout_ms": 2000, "request_timeout_ms": 2500})


def _path(file: Path | None) -> str | None:
    return None if file is None else str(file)


def _secret(file: Path | None, setting: str) -> str | None:
    with _wrong_settings():
        return None if file is None else read_secret(file, setting)


@contextmanager
def _wrong_settings() -> Iterator[None]:
    try:
        yield
    except WrongSettings as error:
        raise NoKafka(str(error)) from None


def must_have(client: Any, topic: str) -> None:
    """Raise `KafkaTrouble` unless a producer or consumer finds the topic; Rapport makes none by itself."""
    from kafka.errors import KafkaTimeoutError

    find = getattr(client, "partitions_for_topic", None) or client.partitions_for
    try:
        found = find(topic)
    except KafkaTimeoutError:
        found = None
    if not found:
        sentence = f"the topic {topic} is not there (or the broker does not answer): make it, Rapport makes none"
        raise KafkaTrouble(sentence)
