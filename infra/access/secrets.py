"""Which relationships have an event that may be withheld from a reader, and how their health stands without it.

Most have none, and their rows in the datasets are for everybody who stands in them. The others are worked out anew for who may not know.
The log only grows, so what was found in it up to a position is kept, and only what came after is read.
"""

from collections.abc import Mapping
from datetime import datetime
from threading import Lock
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from cachetools import LRUCache

from domain.commitment.reading import HEALTH_EVENTS
from domain.relationship.events import TrustReadinessStated
from domain.sharing.question import WITHHELD
from infra.access.seen import Seen
from infra.access.standing import Asker
from infra.projection_engine.engine import Engine
from infra.queries.as_at import NOW
from infra.store.log import EventStore
from infra.store.session import Kind

MOST: Final = 50_000
# Readiness that reports nothing and settles nothing, as it is stored. No correction makes a report of it: another statement would.
_PLAIN: Final = '"data":{"ready":true,"settled":false}'
_READINESS: Final = TrustReadinessStated.__name__
_OF_HEALTH: Final = frozenset(event.__name__ for event in HEALTH_EVENTS)
_TOPICS: Final = tuple(sorted(kind.__name__ for kind in WITHHELD))
_IS_PLAIN: Final[Mapping[Kind, str]] = {
    "sqlite": "instr(CAST(state AS TEXT), ?) > 0",
    "postgresql": "position(convert_to(?, 'UTF8') in state) > 0",
}


class Standing(NamedTuple):
    """Score and band of a relationship as somebody sees them; None where there are none."""

    score: int | None
    band: str | None


class Secrets:
    """What one process knows of a store. Threads may share it."""

    def __init__(self, store: EventStore) -> None:
        self._lock = Lock()
        self._found: set[str] = set()
        self._of_health: set[str] = set()
        self._head = 0
        self._standings: LRUCache[tuple[Any, ...], tuple[datetime | None, Standing]] = LRUCache(MOST)
        kind = store.database.kind
        marks = ", ".join("?" * len(_TOPICS))
        self._sql = (
            "SELECT DISTINCT originator_id, topic FROM stored_events WHERE position > ? AND position <= ? "  # noqa: S608 - our own words
            f"AND (topic IN ({marks}) OR (topic = ? AND NOT {_IS_PLAIN[kind]}))"
        )

    def subjects(self, store: EventStore) -> set[str]:
        """The relationships with an event that may be withheld."""
        with self._lock:
            self._read_on(store)
            return self._found

    def subjects_of_health(self, store: EventStore) -> set[str]:
        """Those of them whose health depends on such an event; the health of the others is the same without it."""
        with self._lock:
            self._read_on(store)
            return self._of_health

    def _read_on(self, store: EventStore) -> None:
        head = store.head()
        if head > self._head:
            rows = store.database.query(self._sql, (self._head, head, *_TOPICS, _READINESS, _PLAIN))
            self._found = self._found | {subject for subject, _ in rows}
            self._of_health = self._of_health | {subject for subject, topic in rows if topic in _OF_HEALTH}
            self._head = head

    def standings(
        self, engine: Engine, asker: Asker, programme_of: Mapping[str, str], now: datetime
    ) -> dict[str, Standing]:
        """How these relationships stand as the asker sees them, by id; `programme_of` has their programmes.

        What was worked out is kept until something happens in the relationship or its programme, or health changes by time alone.
        """
        store = engine.store
        heads = store.heads([*programme_of, *{f"programme:{each}" for each in programme_of.values()}])
        found: dict[str, Standing] = {}
        for subject, programme in programme_of.items():
            key = (asker.reader, subject, heads[subject].version, heads[f"programme:{programme}"].version)
            with self._lock:
                until, kept = self._standings.get(key, (None, None))
            if kept is None or (until is not None and until <= now):
                until, kept = _worked_out(engine, asker, subject, now)
                with self._lock:
                    self._standings[key] = until, kept
            found[subject] = kept
        return found


def _worked_out(engine: Engine, asker: Asker, subject: str, now: datetime) -> tuple[datetime | None, Standing]:
    """Until when it holds if nothing happens, and how the relationship stands."""
    seen = Seen.of(engine.store, lambda: engine, asker, subject, now)
    found = None if seen is None else seen.assessed(NOW)
    if seen is None or found is None:
        return None, Standing(None, None)
    until = seen.last_at if seen.last_at > now else found.health.next_change_at
    return until, Standing(found.health.score, found.health.band)


_OF: Final["WeakKeyDictionary[EventStore, Secrets]"] = WeakKeyDictionary()
_MAKING: Final = Lock()


def secrets_of(store: EventStore) -> Secrets:
    """What this process knows of a store."""
    with _MAKING:
        if store not in _OF:
            _OF[store] = Secrets(store)
        return _OF[store]


def with_secrets(store: EventStore) -> set[str]:
    """The relationships with an event that may be withheld from a reader."""
    return secrets_of(store).subjects(store)


def with_secret_health(store: EventStore) -> set[str]:
    """The relationships whose health depends on an event that may be withheld from a reader."""
    return secrets_of(store).subjects_of_health(store)
