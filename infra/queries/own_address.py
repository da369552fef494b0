"""The e-mail address in a person's own entry, for notifications to that person.

It is read through the one seam, as the person whose it is: the matrix opens it to them, and that it was read is on record. It is kept for a
while, so that a hundred notifications are one reading; an entry that was put right or erased has another version, so nothing old is used.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, cast

from cachetools import TTLCache

from domain.ids import MACHINES
from domain.sharing.question import Reader
from domain.words import ROLES, Role
from infra.projection_engine.engine import Engine
from infra.queries.reading import Reading, read_contents
from infra.queries.subject_words import holding
from infra.sealing.errors import KeysRefused
from infra.store.errors import UnknownEvent
from infra.store.log import EventStore

WHY: Final = "to send a notification to the address"
KEPT: Final = timedelta(minutes=10)
MOST: Final = 20_000


class OwnAddresses:
    """The addresses in entries, by recipient. Threads may share it."""

    def __init__(self, store: EventStore, engine: Callable[[], Engine]) -> None:
        self._store, self._engine = store, engine
        self._kept: TTLCache[tuple[Reader, int], str | None] = TTLCache(MOST, KEPT.total_seconds())
        self._lock = Lock()

    def of(self, recipient: str, now: datetime) -> str | None:
        """The address of a recipient, `role:id`; None of a whole role, and of those who have none in their entry.

        Raises:
            StoreError: The store can't be read, or that the address was read can't be put on record.
        """
        role, _, id_ = recipient.partition(":")
        if not id_ or role not in ROLES or role in MACHINES:
            return None
        reader, subject = Reader(cast("Role", role), id_), f"person:{id_}"
        key = reader, self._store.heads([subject])[subject].version
        if not key[1]:
            return None
        with self._lock:
            if key in self._kept:
                return self._kept[key]
        try:
            found = self._read(reader, subject, now)
        except (KeysRefused, UnknownEvent):
            # Without its key, or written by a newer Rapport, an entry is as none: nobody else has to wait for that.
            return None
        with self._lock:
            self._kept[key] = found
        return found

    def _read(self, reader: Reader, subject: str, now: datetime) -> str | None:
        """The address that stands: what was put right last."""
        events = {subject: holding(self._store.read(subject))}
        reading = Reading.by_caller(reader, WHY)
        judged = read_contents(self._store, self._engine, reading, events, now, only={"contact_details"})[subject]
        emails = (fields.get("email") for _, fields in sorted(judged.items(), reverse=True))
        return next((email for email in emails if isinstance(email, str)), None)
