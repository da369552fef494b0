"""Peers that npm brings, as `benchmarks.peers` drives them: message-db by its SQL functions, Emmett in a process of Node."""

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import cycle, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, Self
from uuid import uuid4

import orjson
import psycopg

from benchmarks.peers_python import CLIENTS, Batches, in_threads, loaded, timed

# Every version that is measured stands here.
PACKAGES: Final = {
    "@eventide/message-db": "1.3.1",
    "@event-driven-io/emmett": "0.42.0",
    "@event-driven-io/emmett-postgresql": "0.42.0",
}
INSTALL_SECONDS: Final = 180
PAGE: Final = 1000
SCRIPT: Final = Path(__file__).with_name("peers_emmett.mjs")


def install(folder: Path) -> str:
    """Install the packages into the folder. Returns why it could not be done, empty where it was."""
    if not (shutil.which("npm") and shutil.which("node")):
        return "node and npm are not installed"
    named = [f"{name}@{version}" for name, version in PACKAGES.items()]
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    # Without a network npm would try for minutes.
    options += ["--fetch-retries=1", "--fetch-retry-maxtimeout=10000"]
    command = ["npm", "install", *options, "--prefix", str(folder), *named]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        return f"npm install took more than {INSTALL_SECONDS} s"
    if done.returncode:
        return f"npm install failed: {done.stderr.strip().partition(chr(10))[0].removeprefix('npm error ')}"
    return ""


# --- message-db ----------------------------------------------------------------------------------------------------
CATEGORY: Final = "relationship"
WRITE: Final = "SELECT message_store.write_message(%s, %s, %s, %s)"
READ: Final = "SELECT data FROM message_store.get_stream_messages(%s, 0, -1)"
READ_ALL: Final = "SELECT stream_name, type, global_position FROM message_store.get_category_messages(%s, %s, %s)"
COUNT: Final = (
    "INSERT INTO public.event_counts SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[]) "
    "ON CONFLICT (stream, type) DO UPDATE SET events = event_counts.events + excluded.events"
)


class MessageDb:
    """A client is a connection, a batch a transaction. It has no projections: pages of the category, counted by our own loop."""

    def __init__(self, url: str, closing: ExitStack) -> None:
        self.pid = os.getpid()
        # Its functions call one another without their schema, as the role that it comes with expects.
        options = "-c search_path=message_store,public"
        connect = partial(psycopg.connect, url, autocommit=True, options=options)
        connections = [closing.enter_context(connect()) for _ in range(CLIENTS)]
        self.connection = connections[0]
        self.connections = cycle(connections)

    def create(self, sources: Path) -> None:
        """What its install.sh runs, without roles and views; random ids are part of PostgreSQL since 13."""
        files = [sources / "schema/message-store.sql", sources / "types/message.sql", sources / "tables/messages.sql"]
        functions = sorted((sources / "functions").glob("*.sql"))
        for file in [*files, *functions, *sorted((sources / "indexes").glob("*.sql"))]:
            self.connection.execute(file.read_bytes())
        self.connection.execute(
            "CREATE TABLE public.event_counts (stream text, type text, events bigint, PRIMARY KEY (stream, type))"
        )
        self.connection.execute("CREATE TABLE reader (position bigint)")
        self.connection.execute("INSERT INTO reader VALUES (0)")

    def prepare(self, clients: Sequence[Batches]) -> Any:
        return [[[_row(raw) for raw in batch] for batch in batches] for batches in clients]

    def append(self, clients: Any) -> float:
        return in_threads(clients, self._client)

    def _client(self) -> Any:
        connection = next(self.connections)

        def commit(rows: Sequence[tuple[str, ...]]) -> None:
            if len(rows) == 1:
                connection.execute(WRITE, rows[0], prepare=True)
            else:
                with connection.transaction(), connection.cursor() as cursor:
                    cursor.executemany(WRITE, rows)

        return commit

    def load(self, stream: str, times: int, events: int) -> float:
        def read() -> list[Any]:
            found = self.connection.execute(READ, (f"{CATEGORY}-{stream}",), prepare=True).fetchall()
            return [orjson.loads(data) for (data,) in found]

        return loaded(read, times, events)

    def project(self) -> tuple[int, float]:
        read = 0

        def follow() -> None:
            nonlocal read
            position = 0
            while page := self.connection.execute(READ_ALL, (CATEGORY, position + 1, PAGE), prepare=True).fetchall():
                counts = Counter((stream, type_) for stream, type_, _ in page)
                read, position = read + len(page), page[-1][2]
                with self.connection.transaction():
                    columns = ([key[0] for key in counts], [key[1] for key in counts], list(counts.values()))
                    self.connection.execute(COUNT, columns, prepare=True)
                    self.connection.execute("UPDATE reader SET position = %s", (position,), prepare=True)

        seconds = timed(follow)
        return read, seconds


def _row(raw: bytes) -> tuple[str, ...]:
    message = orjson.loads(raw)
    return str(uuid4()), f"{CATEGORY}-{message['subject']}", message["type"], raw.decode()


@contextmanager
def message_db(url: str, packages: Path) -> Iterator[MessageDb]:
    """message-db made in an empty database."""
    with ExitStack() as closing:
        found = MessageDb(url, closing)
        found.create(packages / "node_modules/@eventide/message-db/database")
        yield found


# --- Emmett --------------------------------------------------------------------------------------------------------
class Emmett:
    """A process of Node beside its packages. It measures by itself: what is sent to it and back does not count."""

    def __init__(self, url: str, packages: Path) -> None:
        script = shutil.copy(SCRIPT, packages)
        command = ["node", script, url]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _answer(self) -> dict[str, float]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("Emmett's process has ended; its reason stands above")
        found: dict[str, float] = json.loads(line)
        return found

    def _ask(self, work: str, **about: object) -> dict[str, float]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"work": work, **about}) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def prepare(self, clients: Sequence[Batches]) -> Any:
        # It appends to one stream at a time.
        return [
            [
                (stream, [{"type": message["type"], "data": message} for message in messages])
                for batch in batches
                for stream, messages in groupby(map(orjson.loads, batch), key=itemgetter("subject"))
            ]
            for batches in clients
        ]

    def append(self, clients: Any) -> float:
        return self._ask("append", clients=clients)["seconds"]

    def load(self, stream: str, times: int, events: int) -> float:
        return self._ask("load", stream=stream, times=times, events=events)["seconds"]

    def project(self) -> tuple[int, float]:
        found = self._ask("project")
        return int(found["counted"]), found["seconds"]
