"""What the store knows of every follower of the log, read for each scrape of the metrics.

A follower that has died can't tell its lag; the store can. Every process that shows metrics shows these.
"""

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


class StoreCollector(Collector):
    """Collects at the time of the scrape; a part whose tables are not there yet is left out."""

    def __init__(self, store: EventStore) -> None:
        self.store = store

    def register(self) -> None:
        """Show these with the other metrics of the process."""
        REGISTRY.register(self)

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: registering must not ask the database."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The gauges, or none while the database can't be reached (`/ready` says so)."""
        lag = GaugeMetricFamily("rapport_lag_events", "Events after a follower's stored position.", labels=["follower"])
        overdue = GaugeMetricFamily(
            "rapport_deadlines_overdue", "Deadlines that should have fired by now.", labels=["follower"]
        )
        parked = GaugeMetricFamily("rapport_parked_keys", "Keys put aside after failures.", labels=["follower"])
        try:
            head = self.store.head()
            named: list[Source] = [getattr(import_module(module), function) for module, function in SOURCES]
            readings = [reading for source in (_publishers, *named) for reading in self._read(source)]
        except StoreError:
            return
        for reading in readings:
            if reading.position is not None:
                lag.add_metric([reading.follower], max(0, head - reading.position))
            if reading.overdue is not None:
                overdue.add_metric([reading.follower], reading.overdue)
            if reading.parked is not None:
                parked.add_metric([reading.follower], reading.parked)
        yield from (lag, overdue, parked)

    def _read(self, source: Source) -> list[Reading]:
        try:
            with self.store.database.reading() as session:
                return list(source(session))
        except StoreError:
            return []


def _publishers(session: StoreSession) -> Iterator[Reading]:
    """How far each publisher is."""
    for name, position in session.query("SELECT name, position FROM leases WHERE name LIKE 'publish:%'"):
        yield Reading(str(name), int(position))
