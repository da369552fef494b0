"""What the store knows of every follower of the log, read for each scrape of the metrics.

A follower that has died can't tell its lag; the store can. Every process that shows metrics shows these. A store that does not
answer keeps nobody from the numbers of the process itself: it is waited for a little, and told as unreachable.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Final, NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from infra.operations.metrics import REGISTRY
from infra.store.errors import StoreError
from infra.store.log import EventStore
from infra.store.session import StoreSession


class Reading(NamedTuple):
    """One number from the store: the position of a follower, or a count of something that should be none."""

    follower: str
    position: int | None = None
    overdue: int | None = None
    parked: int | None = None


Source = Callable[[StoreSession], Iterable[Reading]]

# Each part of Rapport that follows the log says how far it is: module and function.
SOURCES: Final[list[tuple[str, str]]] = [
    ("infra.worker_runtime.schema", "readings"),
    ("infra.projection_engine.status", "readings"),
    ("infra.notifications.listing", "readings"),
]
# Scrapers wait for 10 s by default, and some for less.
PATIENCE_SECONDS: Final = 2.0


class StoreCollector(Collector):
    """Collects at the time of the scrape; a part whose tables are not there yet is left out. Threads may share it."""

    def __init__(self, store: EventStore) -> None:
        self.store = store
        self._turn = threading.Lock()
        self._reading: _StoreRead | None = None

    def register(self) -> None:
        """Show these with the other metrics of the process."""
        REGISTRY.register(self)

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: registering must not ask the database."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The gauges; while the store does not answer, the one alone that says so."""
        found = self._read_within(PATIENCE_SECONDS)
        if found is not None:
            yield from _gauges(*found)
        help_ = "1 while the store answered this scrape; 0: its other numbers are missing."
        yield GaugeMetricFamily("rapport_store_reachable", help_, value=found is not None)

    def _read_within(self, seconds: float) -> "tuple[int, list[Reading]] | None":
        """The head of the log and all readings; None if they can't be had within so many seconds.

        A read that hangs is not begun a second time: it goes on in its thread, and later scrapes wait for it.
        """
        with self._turn:
            if self._reading is None or not self._reading.is_alive():
                self._reading = _StoreRead(self.store)
                self._reading.start()
            reading = self._reading
        reading.join(seconds)
        return reading.found


class _StoreRead(threading.Thread):
    """One read of the store; a server that is away may hold it up for long."""

    def __init__(self, store: EventStore) -> None:
        super().__init__(name="metrics-of-the-store", daemon=True)
        self.store = store
        self.found: tuple[int, list[Reading]] | None = None

    def run(self) -> None:
        """Read everything. What can't be read is told by what is missing, and by `/ready`."""
        named: list[Source] = [getattr(import_module(module), function) for module, function in SOURCES]
        try:
            # It gives up sooner than a read does.
            self.store.database.ping()
            head = self.store.head()
        except StoreError:
            return
        self.found = head, [reading for source in (_publishers, *named) for reading in self._read(source)]

    def _read(self, source: Source) -> list[Reading]:
        try:
            with self.store.database.reading() as session:
                return list(source(session))
        except StoreError:
            return []


def _gauges(head: int, readings: list[Reading]) -> Iterator[Metric]:
    """The readings as gauges, lags against the head of the log."""
    lag = GaugeMetricFamily("rapport_lag_events", "Events after a follower's stored position.", labels=["follower"])
    overdue = GaugeMetricFamily(
        "rapport_deadlines_overdue", "Deadlines that should have fired by now.", labels=["follower"]
    )
    parked = GaugeMetricFamily("rapport_parked_keys", "Keys put aside after failures.", labels=["follower"])
    for reading in readings:
        if reading.position is not None:
            lag.add_metric([reading.follower], max(0, head - reading.position))
        if reading.overdue is not None:
            overdue.add_metric([reading.follower], reading.overdue)
        if reading.parked is not None:
            parked.add_metric([reading.follower], reading.parked)
    yield from (lag, overdue, parked)


def _publishers(session: StoreSession) -> Iterator[Reading]:
    """How far each publisher is."""
    for name, position in session.query("SELECT name, position FROM leases WHERE name LIKE 'publish:%'"):
        yield Reading(str(name), int(position))
