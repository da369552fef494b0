"""Rapport and the library eventsourcing, as `benchmarks.peers` drives them: in this process, a thread a client."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID

import orjson
from eventsourcing.application import Application
from eventsourcing.persistence import InfrastructureFactory, Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import ApplicationSubscription
from eventsourcing.utils import Environment
from psycopg.sql import SQL

from benchmarks.clients import library_environment, rate
from benchmarks.peer import Relationship, begin, tell
from domain.model import AnyRecorded
from domain.registry import EVENTS
from infra.bootstrap import Rapport, open_rapport
from infra.intake.group_commit import GroupCommit
from infra.intake.receipt import Receipt
from infra.projection_engine.engine import Engine
from infra.settings import Settings
from infra.worker_runtime.schema import prepare
from projections.dataset import Column, Key, Row, Table
from projections.projection import RowFold, Rows

# What a client sends: batches of messages as they come in, each batch committed by itself.
Batches = Sequence[Sequence[bytes]]
CLIENTS: Final = 8


class Peer(Protocol):
    """One store under measurement, in a database of its own. Appends and loads return the seconds that they took.

    `pid` is the process of its clients.
    """

    pid: int

    def prepare(self, clients: Sequence[Batches]) -> Any:
        """What `append` takes: the messages as this store's clients have them before they send them."""

    def append(self, clients: Any) -> float:
        """Clients side by side, of which each commits its batches one after the other."""

    def load(self, stream: str, times: int, events: int) -> float:
        """All events of a stream, decoded, so many times."""

    def project(self) -> tuple[int, float]:
        """Count the events by stream and type in the table `event_counts`; how many were counted, in which time."""


def timed(step: Callable[[], object]) -> float:
    """The seconds that a step takes."""
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def loaded(read: Callable[[], Sequence[object]], times: int, events: int) -> float:
    """The seconds of reading so many times, each time so many events."""

    def read_all() -> None:
        for _ in range(times):
            assert len(read()) == events

    return timed(read_all)


def in_threads(clients: Sequence[Sequence[Any]], commit: Callable[[], Callable[[Any], object]]) -> float:
    """The seconds until every client, each with a `commit` of its own, has committed its batches."""
    queues = iter(clients)

    def client() -> Callable[[int], object]:
        queue, send = next(queues), commit()
        return lambda number: send(queue[number])

    count, each = len(clients), len(clients[0])
    return count * each / rate(count, each, client)


# --- Rapport -------------------------------------------------------------------------------------------------------
def _keys(recorded: AnyRecorded, _: Rows) -> tuple[Key, ...]:
    return ((recorded.subject, type(recorded.data).__name__),)


def _count(row: Row | None, recorded: AnyRecorded) -> Row:
    return {
        "subject": recorded.subject,
        "type": type(recorded.data).__name__,
        "events": row["events"] + 1 if row else 1,
    }


COUNTS: Final = RowFold(
    "event_counts",
    1,
    Table(
        "event_counts",
        "Events by stream and type.",
        (
            Column("subject", "text", "The stream."),
            Column("type", "text", "The type."),
            Column("events", "integer", "How many."),
        ),
        key=("subject", "type"),
    ),
    frozenset(EVENTS.values()),
    _count,
    _keys,
)


class Ours:
    """The whole of Rapport: single messages through group commit, batches as `rapport submit` takes them."""

    def __init__(self, rapport: Rapport) -> None:
        self.pid = os.getpid()
        self.rapport = rapport

    def prepare(self, clients: Sequence[Batches]) -> Any:
        return clients

    def append(self, clients: Sequence[Batches]) -> float:
        handler = self.rapport.handler
        if any(len(batch) > 1 for batch in clients[0]):
            assert len(clients) == 1
            return timed(lambda: _accepted(chain.from_iterable(handler.handle_all(clients[0]))))
        with GroupCommit(handler) as group:
            return in_threads(clients, lambda: lambda batch: _accepted([group.submit(batch[0])]))

    def load(self, stream: str, times: int, events: int) -> float:
        return loaded(lambda: self.rapport.store.read(stream), times, events)

    def project(self) -> tuple[int, float]:
        engine = Engine(self.rapport.store, self.rapport.clock, [COUNTS], prepare_shown=prepare)
        return self.rapport.store.head(), timed(engine.catch_up)


def _accepted(receipts: Iterable[Receipt]) -> None:
    for receipt in receipts:
        assert receipt.status == "accepted", receipt


@contextmanager
def ours(url: str, folder: Path) -> Iterator[Ours]:
    """Rapport as it is set up by default, content sealed, with its keys in a file of the folder."""
    with open_rapport(Settings(store=url, keys=f"sqlite:///{folder / 'rapport.keys'}")) as rapport:
        yield Ours(rapport)


# --- eventsourcing -------------------------------------------------------------------------------------------------
class _Counts(PostgresTrackingRecorder):
    """The library's way to a view: a table, and the position in the transaction of each event."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.sql_create_statements.append(
            SQL(
                "CREATE TABLE IF NOT EXISTS event_counts "
                "(stream text, type text, events bigint NOT NULL, PRIMARY KEY (stream, type))"
            ).format()
        )

    def count(self, stream: str, type_: str, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(
                "INSERT INTO event_counts VALUES (%s, %s, 1) "
                "ON CONFLICT (stream, type) DO UPDATE SET events = event_counts.events + 1",
                (stream, type_),
                prepare=True,
            )


class Library:
    """Aggregates saved by an `Application`; each is kept in memory by its client, so that saving reads nothing."""

    def __init__(self, url: str, projected: int) -> None:
        self.pid = os.getpid()
        self.projected = projected
        self.environment = library_environment(url, CLIENTS)
        self.app: Application[UUID] = Application(env=self.environment)
        self.kept: dict[str, Relationship] = {}

    def prepare(self, clients: Sequence[Batches]) -> Any:
        return [[[orjson.loads(raw) for raw in batch] for batch in batches] for batches in clients]

    def append(self, clients: Any) -> float:
        return in_threads(clients, lambda: self._commit)

    def _commit(self, facts: Sequence[dict[str, Any]]) -> None:
        touched = {}
        for fact in facts:
            subject = fact["subject"]
            if subject not in self.kept:
                self.kept[subject] = begin(fact)
            else:
                tell(self.kept[subject], fact)
            touched[subject] = self.kept[subject]
        self.app.save(*touched.values())

    def load(self, stream: str, times: int, events: int) -> float:
        id_ = self.kept[stream].id
        return loaded(lambda: list(self.app.events.get(id_)), times, events)

    def project(self) -> tuple[int, float]:
        environment = Environment("EventCounts", self.environment)
        view = InfrastructureFactory[_Counts].construct(env=environment).tracking_recorder(_Counts)

        def follow() -> None:
            with ApplicationSubscription(self.app) as subscription:
                for event, tracking in islice(subscription, self.projected):
                    view.count(str(event.originator_id), type(event).__name__, tracking)

        try:
            return self.projected, timed(follow)
        finally:
            view.datastore.close()


@contextmanager
def library(url: str, projected: int) -> Iterator[Library]:
    """Eventsourcing with its PostgreSQL recorder, a pool as large as there are clients and otherwise its defaults.

    `projected` events are enough to measure its projection: each has a commit of its own, so the rate stays the same.
    """
    found = Library(url, projected)
    try:
        yield found
    finally:
        found.app.close()
