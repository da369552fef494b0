"""A store as one answer reads it: every stream is read and decoded once, so that all of the answer is told of the same events."""

from typing import Self

from domain.model import AnyRecorded
from infra.store.log import EventStore, Stored


class ReadOnce(EventStore):
    """The same store for the time of one question: what was read of a stream stays, whatever is appended meanwhile."""

    def __init__(self, store: EventStore) -> None:
        super().__init__(store.database, store.mapper, store._before_append)  # noqa: SLF001 - its own class
        self.after_append = store.after_append
        self._rows: dict[str, list[Stored]] = {}
        self._events: dict[str, list[AnyRecorded]] = {}

    @classmethod
    def of(cls, store: EventStore) -> Self:
        """The store itself where it reads once already."""
        return store if isinstance(store, cls) else cls(store)

    def read(self, subject: str, after_version: int = 0) -> list[AnyRecorded]:
        """The events of a stream in order of version. Raises `UnknownEvent` for one that a newer Rapport wrote."""
        if subject not in self._events:
            decode = self.mapper.decode
            self._events[subject] = [decode(row.topic, row.state) for row in self.stored(subject)]
        return [event for event in self._events[subject] if event.version > after_version]

    def stored(self, subject: str) -> list[Stored]:
        """The events of a stream as they are stored, not decoded."""
        if subject not in self._rows:
            self._rows[subject] = super().stored(subject)
        return self._rows[subject]

    def positions(self, subject: str) -> dict[int, int]:
        """The positions of the events of a stream, by version."""
        return {row.version: row.position for row in self.stored(subject)}
