"""The store on PostgreSQL beside the floor: psycopg alone in the same server, in turn; and eventsourcing with its defaults.

Events have 300 bytes. Rapport's appends also keep receipts and the hash chain. The server waits for the disk at each commit.
"""

import json
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import orjson
import psycopg
from eventsourcing.persistence import StoredEvent

from benchmarks import clients as many
from benchmarks import postgres_rebuild
from benchmarks.clients import PAYLOAD, RAW_INSERT, RAW_TABLE, receipt
from infra.clock import Clock
from infra.intake.handler import Handler
from infra.local.postgres import Postgres
from infra.store.hash_chain import Head
from infra.store.log import EventStore
from infra.store.opening import open_database
from infra.store.session import Database

RAW_UNNEST = (
    "INSERT INTO raw_events (stream, version, topic, state) "
    "SELECT * FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::bytea[])"
)
CONTACT_SECONDS = 1_700_000_000
_fresh = count()


def run(*, full: bool) -> None:
    rounds = 9 if full else 5
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        with Postgres(Path(folder) / "server", durable=True) as server:
            url = server.create_database("bench")
            with psycopg.connect(url, autocommit=True) as raw, open_database(url) as database:
                raw.execute(RAW_TABLE)
                print(f"  {'':44} {'floor':>10} {'Rapport':>10} {'share':>7}")
                _appends(raw, database, 1, rounds, 400 if full else 150)
                for clients in (8, 32):
                    _clients(url, database, clients, rounds, 3000 if full else 800)
                _appends(raw, database, 200, rounds, 20 if full else 8)
                _load(raw, database, 100 if full else 30)
                _lag(url, database, 300 if full else 100)
            url = server.create_database("rebuild")
            with psycopg.connect(url, autocommit=True) as raw, open_database(url) as database:
                postgres_rebuild.measure(raw, database, 300 if full else 60, 3)


def message(subject: str, number: int) -> bytes:
    """A proposal as number -1, else a contact; each contact at a time of its own."""
    if number < 0:
        parties = {"programme_id": "p1", "mentee_id": "ana", "mentor_id": "ben", "codes": []}
        return _line(subject, number, "ProposeRelationship", "service:s", "2023-10-01T00:00:00Z", parties)
    at = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(CONTACT_SECONDS + number))}"
    return _line(subject, number, "RecordContact", "service:s", at, {"channel": "email"})


def _line(subject: str, number: int, type_: str, actor: str, at: str, data: Mapping[str, object]) -> bytes:
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": f"{subject} {number}",
            "source": "/benchmarks",
            "type": f"rapport.{type_}",
            "subject": subject,
            "time": at,
            "actor": actor,
            "data": data,
        }
    )


def _print(what: str, floor: list[float], ours: list[float], wanted: str, unit: str) -> None:
    """A line: medians, and the median of the shares of each round, for floor and ours were measured in turn."""
    share = statistics.median(mine / its for its, mine in zip(floor, ours, strict=True))
    print(
        f"  {what:44} {statistics.median(floor):10,.1f} {statistics.median(ours):10,.1f} {share:7.2f}  {unit}, wanted {wanted}",
        flush=True,
    )


def _timed(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


class Round:
    """The same number of batches of one size sent three ways, one after the other."""

    def __init__(self, raw: psycopg.Connection, database: Database, size: int, batches: int) -> None:
        self.raw = raw
        self.store = EventStore(database)
        self.handler = Handler(self.store, Clock())
        self.batches = range(batches)
        self.streams = [f"batch-{next(_fresh)}" for _ in range(size)]
        self.heads = dict.fromkeys(self.streams, Head())
        subjects = [str(UUID(int=10**9 + next(_fresh), version=4)) for _ in range(size)]
        self.handler.handle([message(subject, -1) for subject in subjects])
        self.messages = [[message(subject, number) for subject in subjects] for number in self.batches]

    def rate(self, way: Callable[[int], object]) -> float:
        """Events a second, one batch after the other."""

        def all_batches() -> None:
            for number in self.batches:
                way(number)

        return self._rate(all_batches)

    def rate_of_all(self) -> float:
        """The same for the whole of Rapport, which decides the next batch while the last is being committed."""
        return self._rate(lambda: list(self.handler.handle_all(self.messages)))

    def _rate(self, all_batches: Callable[[], object]) -> float:
        return len(self.streams) * len(self.batches) / _timed(all_batches)

    def insert(self, number: int) -> None:
        """psycopg: one INSERT that commits itself, of all rows at once."""
        size = len(self.streams)
        if size == 1:
            self.raw.execute(RAW_INSERT, (self.streams[0], number, "Happened", PAYLOAD), prepare=True)
        else:
            columns = (self.streams, [number] * size, ["Happened"] * size, [PAYLOAD] * size)
            self.raw.execute(RAW_UNNEST, columns, prepare=True)

    def append(self, number: int) -> None:
        """The store, with receipts and hash chain."""
        events = [StoredEvent(stream, number + 1, "Happened", PAYLOAD) for stream in self.streams]
        receipts = [receipt(f"{stream} {number}") for stream in self.streams]
        self.store.append_stored(events, heads=self.heads, receipts=receipts)

    def handle(self, number: int) -> None:
        """The whole of Rapport, as for one who waits for each answer."""
        self.handler.handle(self.messages[number])


def _appends(raw: psycopg.Connection, database: Database, size: int, rounds: int, batches: int) -> None:
    floor, alone, whole = [], [], []
    for _ in range(rounds):
        this = Round(raw, database, size, batches)
        floor.append(this.rate(this.insert))
        alone.append(this.rate(this.append))
        whole.append(this.rate(this.handle) if size == 1 else this.rate_of_all())
    what = "a commit each" if size == 1 else f"batches of {size}"
    _print(f"{what}: the store", floor, alone, ">= 0.6" if size == 1 else ">= 0.7", "events/s")
    _print(f"{what}: the whole handler", floor, whole, "-" if size == 1 else ">= 0.25", "events/s")


def _clients(url: str, database: Database, clients: int, rounds: int, total: int) -> None:
    each = total // clients
    apart, floor, library, alone, whole = [], [], [], [], []
    for _ in range(rounds):
        with many.raw_clients(url, apart=True) as client:
            apart.append(many.rate(clients, each, client))
        with many.raw_clients(url, apart=False) as client:
            floor.append(many.rate(clients, each, client))
        with many.store_clients(database) as client:
            alone.append(many.rate(clients, each, client))
        with many.command_clients(database, message, each) as client:
            whole.append(many.rate(clients, each, client))
        with many.library_clients(url, clients) as client:
            library.append(many.rate(clients, each, client))
    of_floor, of_library = (">= 0.7", ">= 3.5") if clients == 8 else ("> 1", ">= 5")
    for name, ours in (("the store", alone), ("the whole handler", whole)):
        _print(f"{clients} clients: {name} / INSERT, then COMMIT", apart, ours, of_floor, "events/s")
        _print(f"{clients} clients: {name} / INSERT that commits", floor, ours, of_floor, "events/s")
        _print(f"{clients} clients: {name} / eventsourcing", library, ours, of_library, "events/s")


def _load(raw: psycopg.Connection, database: Database, rounds: int) -> None:
    """All events of a stream, read and decoded: to dictionaries at the floor, to validated events at ours."""
    store, handler = EventStore(database), Handler(EventStore(database), Clock())
    subject = str(UUID(int=3 * 10**9, version=4))
    handler.handle([message(subject, number) for number in range(-1, 999)])
    stored = store.stored(subject)
    raw.cursor().executemany(RAW_INSERT, [(subject, found.version, found.topic, found.state) for found in stored])
    select = "SELECT version, topic, state FROM raw_events WHERE stream = %s ORDER BY version"

    def read(decode: Callable[[bytes], object]) -> list[object]:
        return [decode(row[2]) for row in raw.execute(select, (subject,), prepare=True).fetchall()]

    floor, fast, ours = [], [], []
    for _ in range(rounds):
        floor.append(1e3 * _timed(lambda: read(json.loads)))
        fast.append(1e3 * _timed(lambda: read(orjson.loads)))
        ours.append(1e3 * _timed(lambda: store.read(subject)))
    _print("load 1,000 events / fetch and json.loads", floor, ours, "<= 1.3", "ms")
    _print("load 1,000 events / fetch and orjson.loads", fast, ours, "-", "ms")


def _lag(url: str, database: Database, rounds: int) -> None:
    """From before an append until another connection has read the event, which waits for it."""
    store = EventStore(database)
    floor, ours = [], []
    with psycopg.connect(url, autocommit=True) as writer, psycopg.connect(url, autocommit=True) as reader:
        reader.execute("LISTEN raw_events")
        for _ in range(rounds):
            stream = f"lag-{next(_fresh)}"
            floor.append(1e3 * _between(lambda: _write_raw(writer, stream), lambda: _read_raw(reader, stream)))  # noqa: B023
            head, event = store.head(), StoredEvent(stream, 1, "Happened", PAYLOAD)
            heads = {stream: Head()}
            ours.append(1e3 * _between(lambda: store.append_stored([event], heads=heads), lambda: _read(store, head)))  # noqa: B023
    _print("lag, median", floor, ours, "<= 2", "ms")


def _write_raw(writer: psycopg.Connection, stream: str) -> None:
    with writer.transaction():
        writer.execute(RAW_INSERT, (stream, 1, "Happened", PAYLOAD), prepare=True)
        writer.execute("NOTIFY raw_events")


def _read_raw(reader: psycopg.Connection, stream: str) -> None:
    for _ in reader.notifies(timeout=5, stop_after=1):
        pass
    assert reader.execute("SELECT position, state FROM raw_events WHERE stream = %s", (stream,)).fetchall()


def _read(store: EventStore, after: int) -> None:
    assert store.wait(after, 5)
    assert store.logged(after, 10)


def _between(write: Callable[[], object], read: Callable[[], object]) -> float:
    """From the beginning of writing to the end of reading, which waits in another thread."""
    ends: list[float] = []

    def live() -> None:
        read()
        ends.append(time.perf_counter())

    thread = threading.Thread(target=live)
    thread.start()
    time.sleep(0.01)
    start = time.perf_counter()
    write()
    thread.join()
    return ends[0] - start
