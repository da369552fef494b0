"""`rapport up`: a PostgreSQL and a Kafka on this machine until Ctrl-C, from packages, with their data in one folder."""

import json
import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli.output import USAGE, JsonOption, fail, print_json_line, print_lines, print_note, progress

if TYPE_CHECKING:
    from infra.local.kafka import Kafka
    from infra.local.kafka_jars import Progress
    from infra.local.postgres import Postgres

DATABASE = "rapport"
DEFAULT_PARTITIONS = 6
LOOK_SECONDS = 0.5

PortOption = Annotated[int, typer.Option(min=0, max=65535, help="0: the last time's, or a free one.")]


def register(app: typer.Typer) -> None:
    """Add `rapport up`."""
    app.command()(up)


def up(
    folder: Annotated[Path | None, typer.Option(help="Where the data is kept (default: .rapport).")] = None,
    ephemeral: Annotated[bool, typer.Option("--ephemeral", help="Keep nothing: remove the data at the end.")] = False,
    postgres_port: PortOption = 0,
    kafka_port: PortOption = 0,
    no_postgres: Annotated[bool, typer.Option("--no-postgres", help="Start Kafka alone.")] = False,
    no_kafka: Annotated[bool, typer.Option("--no-kafka", help="Start PostgreSQL alone.")] = False,
    partitions: Annotated[int, typer.Option(min=1, max=200, help="Of each topic it makes.")] = DEFAULT_PARTITIONS,
    as_json: JsonOption = False,
) -> None:
    """Start a local PostgreSQL and Kafka, say how to use them, and stop them on Ctrl-C."""
    from infra.local.folder import data_folder
    from infra.local.leashed import LocalServerError

    if no_postgres and no_kafka:
        fail("with --no-postgres and --no-kafka there is nothing to start", USAGE)
    # SIGTERM ends us as Ctrl-C does, in the middle of a start too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with ExitStack() as stack:
            local = Local(stack.enter_context(data_folder(folder, ephemeral)), ephemeral, stack)
            if not no_postgres:
                local.start_postgres(postgres_port)
            if not no_kafka:
                local.start_kafka(kafka_port, partitions)
            if as_json:
                print_json_line(local.facts())
            else:
                print_lines(local.advice())
            local.watch()
    except KeyboardInterrupt:
        print_note("Stopped.")
    except LocalServerError as error:
        fail(str(error))


@dataclass
class Local:
    """The servers that run, and what is remembered of them in the folder."""

    folder: Path
    ephemeral: bool
    stack: ExitStack
    postgres: "Postgres | None" = None
    kafka: "Kafka | None" = None
    ports: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Only a convenience: without the file, or with half of one, the ports are chosen anew.
        with suppress(FileNotFoundError, ValueError):
            self.ports = json.loads(self._ports_file.read_text())

    def start_postgres(self, port: int) -> None:
        """Start PostgreSQL and make the database in it."""
        from infra.local.postgres import Postgres

        print_note("Starting PostgreSQL …")
        server = Postgres(
            self.folder / "postgres",
            port=port or self._last("postgres"),
            durable=not self.ephemeral,
            password=self._password(),
            option="--postgres-port",
        )
        self._run(server.start, server.stop)
        server.create_database(DATABASE)
        self.postgres = server
        self._remember("postgres", server.port)

    def start_kafka(self, port: int, partitions: int) -> None:
        """Start Kafka, downloading it first where that was never done, and make Rapport's topics."""
        from infra.local.kafka import Kafka

        print_note("Starting Kafka …")
        with download_progress() as progress:
            server = Kafka(
                self.folder / "kafka",
                port=port or self._last("kafka"),
                progress=progress,
                option="--kafka-port",
            )
            self._run(server.start, server.stop)
        server.create_topics(partitions)
        self.kafka = server
        self._remember("kafka", server.port)

    def watch(self) -> None:
        """Wait for Ctrl-C. Raises LocalServerError when a server ends by itself."""
        from infra.local.leashed import LocalServerError

        servers = [server for server in (self.postgres, self.kafka) if server is not None]
        while True:
            for server in servers:
                if not server.running:
                    name = type(server).__name__
                    raise LocalServerError(f"{name} ended by itself; {server.log} ends:\n{server.log_end()}")
            sleep(LOOK_SECONDS)

    def settings(self) -> dict[str, str]:
        """What to set so that Rapport uses these servers."""
        settings = {}
        if self.postgres is not None:
            settings["RAPPORT_STORE"] = self.postgres.url(DATABASE)
        if self.kafka is not None:
            settings["RAPPORT_KAFKA"] = self.kafka.bootstrap
        return settings

    def facts(self) -> dict[str, Any]:
        """The same for programs, with the process ids and ports."""
        servers = {"postgres": self.postgres, "kafka": self.kafka}
        running = {
            name: {"pid": s.pid, "port": s.port, "log": str(s.log)} for name, s in servers.items() if s is not None
        }
        return {**self.settings(), "folder": str(self.folder), **running}

    def advice(self) -> str:
        """The same for a person, with what to type next."""
        lines = ["", "Up. In another terminal:", ""]
        lines += [f"  export {name}='{value}'" for name, value in self.settings().items()]
        if self.postgres is not None:
            lines.append("  rapport simulate --relationships 20 --seed 1 | rapport submit -")
        if self.kafka is not None:
            lines.append("  rapport consume        # takes the messages of rapport.commands")
            lines.append("  rapport publish        # sends facts to rapport.events")
        fate = "removed afterwards" if self.ephemeral else "kept"
        return "\n".join([*lines, "", f"The data is in {self.folder} and {fate}.", "Ctrl-C stops everything."])

    @property
    def _ports_file(self) -> Path:
        return self.folder / "ports.json"

    def _run(self, start: Callable[[], None], stop: Callable[[], None]) -> None:
        # Registered first: a start that is interrupted is stopped as well.
        self.stack.callback(stop)
        self.stack.callback(undisturbed)
        start()

    def _last(self, server: str) -> int:
        """The port of the last time, so that settings stay right over restarts; 0 when it has been taken since."""
        from infra.local.ports import is_free

        port = self.ports.get(server, 0)
        if port and not is_free(port):
            print_note(f"Port {port}, the last time's, is taken; a free one is used instead.")
            return 0
        return port

    def _remember(self, server: str, port: int) -> None:
        self.ports[server] = port
        self._ports_file.write_text(json.dumps(self.ports))

    def _password(self) -> str:
        """The database's password, made up the first time and readable by its owner alone."""
        file = self.folder / "postgres-password"
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(24))
        return file.read_text()


def undisturbed() -> None:
    """From here on we stop; another Ctrl-C must not leave that half done. Servers that don't stop are killed anyway."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def download_progress() -> Iterator["Progress"]:
    """Progress on stderr, told only while something is downloaded."""
    with progress("downloading Kafka, bytes") as advance:
        before = 0

        def arrived(now: int, _wanted: int) -> None:
            nonlocal before
            advance(now - before)
            before = now

        yield arrived
