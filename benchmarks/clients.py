"""Clients that each send one thing at a time over and over, as threads of one process; and what they can be made to send to."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import StoredEvent
from psycopg.conninfo import conninfo_to_dict

from infra.clock import Clock
from infra.intake.group_commit import GroupCommit
from infra.intake.handler import Handler
from infra.intake.receipt import Receipt
from infra.store.hash_chain import Head, Offset, ReceiptRow
from infra.store.log import EventStore
from infra.store.session import Database

PAYLOAD = b'{"subject":"6f1e5a52","note":"' + b"x" * 268 + b'"}'
RAW_TABLE = (
    "CREATE TABLE IF NOT EXISTS raw_events (position bigserial PRIMARY KEY, stream text NOT NULL, version bigint NOT NULL, "
    "topic text NOT NULL, state bytea NOT NULL, UNIQUE (stream, version))"
)
RAW_INSERT = "INSERT INTO raw_events (stream, version, topic, state) VALUES (%s, %s, %s, %s)"
# One client's way to send its next thing, whatever number that has.
Send = Callable[[int], object]
_fresh = count()


def receipt(id_: str) -> ReceiptRow:
    """A receipt as Rapport keeps one."""
    return ReceiptRow("/benchmarks", id_, b"0123456789abcdef", b'["6f1e5a52","accepted",[["Happened",14]],[]]')


def rate(clients: int, each: int, client: Callable[[], Send]) -> float:
    """How many things a second so many clients send that each send so many."""
    ready = threading.Barrier(clients + 1)

    def live() -> None:
        send = client()
        ready.wait()
        for number in range(each):
            send(number)

    threads = [threading.Thread(target=live) for _ in range(clients)]
    for thread in threads:
        thread.start()
    ready.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    return clients * each / (time.perf_counter() - start)


@contextmanager
def raw_clients(url: str, *, apart: bool) -> Iterator[Callable[[], Send]]:
    """psycopg, a connection each: INSERT and COMMIT apart, or in the one statement that commits itself."""
    with ExitStack() as closing:

        def client() -> Send:
            connection = closing.enter_context(psycopg.connect(url, autocommit=not apart))
            stream = f"stream-{next(_fresh)}"

            def send(number: int) -> None:
                connection.execute(RAW_INSERT, (stream, number, "Happened", PAYLOAD), prepare=True)
                if apart:
                    connection.commit()

            send(-1)
            return send

        yield client


class Subject(Aggregate):
    """Takes any fact and keeps the last."""

    @event("Begun")
    def __init__(self, name: str) -> None:
        self.name = name
        self.last = ""

    @event("Happened")
    def happen(self, message_id: str, note: str) -> None:
        self.last = f"{message_id} {note}"


def library_environment(url: str, clients: int) -> dict[str, str]:
    """What eventsourcing is told to store in this database, with as many connections as there are clients."""
    found = conninfo_to_dict(url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(found["dbname"]),
        "POSTGRES_HOST": str(found["host"]),
        "POSTGRES_PORT": str(found["port"]),
        "POSTGRES_USER": str(found["user"]),
        "POSTGRES_PASSWORD": "",
        "POSTGRES_POOL_SIZE": str(clients),
    }


@contextmanager
def library_clients(url: str, clients: int) -> Iterator[Callable[[], Send]]:
    """Eventsourcing with its defaults, but for a pool as large as there are clients: one event saved each time."""
    app: Application[UUID] = Application(env=library_environment(url, clients))

    def client() -> Send:
        subject = Subject("a subject")
        app.save(subject)

        def send(number: int) -> None:
            subject.happen(f"m{number}", "x" * 150)
            app.save(subject)

        return send

    try:
        yield client
    finally:
        app.close()


class StoreAlone(Handler):
    """Stands where the handler stands, and stores what comes as events, each with a receipt, undecided."""

    def __init__(self, store: EventStore) -> None:
        super().__init__(store, Clock())
        self.heads: dict[str, Head] = {}

    def begin(self, raws: Iterable[bytes], *, offsets: Sequence[Offset] = ()) -> "Stored":  # type: ignore[override]
        events, receipts = [], []
        for raw in raws:
            stream, _, number = raw.decode().partition(" ")
            self.heads.setdefault(stream, Head())
            events.append(StoredEvent(stream, int(number) + 1, "Happened", PAYLOAD))
            receipts.append(receipt(raw.decode()))
        end = self.store.begin_append(events, heads=self.heads, receipts=receipts, offsets=offsets)
        return Stored(end, [Receipt("/benchmarks", row.message_id, None, "accepted") for row in receipts])


class Stored(NamedTuple):
    """What `StoreAlone` has begun to store."""

    end: Callable[[], object]
    answers: list[Receipt]

    def receipts(self) -> list[Receipt]:
        """The answers, once all is stored."""
        self.end()
        return self.answers


@contextmanager
def store_clients(database: Database) -> Iterator[Callable[[], Send]]:
    """Rapport's store with receipts and hash chain through group commit, without the rules."""
    with GroupCommit(StoreAlone(EventStore(database))) as group:

        def client() -> Send:
            stream = f"own-{next(_fresh)}"
            return lambda number: group.submit(f"{stream} {number}".encode())

        yield client


@contextmanager
def command_clients(
    database: Database, messages: Callable[[str, int], bytes], each: int
) -> Iterator[Callable[[], Send]]:
    """The whole of Rapport through group commit: parse, decide, fold, store, answer."""
    with GroupCommit(Handler(EventStore(database), Clock())) as group:

        def client() -> Send:
            subject = str(UUID(int=next(_fresh), version=4))
            answered = group.submit(messages(subject, -1))
            assert answered.status == "accepted", answered
            prepared = [messages(subject, number) for number in range(each)]

            def send(number: int) -> Any:
                receipt = group.submit(prepared[number])
                assert receipt.status == "accepted", receipt
                return receipt

            return send

        yield client
