"""A store as one answer reads it: every stream is read and decoded once, so that all of the answer is told of the same events."""

from typing import Self

from domain.model import AnyRecorded
from infra.store.log import EventStore
from infra.store.streams import Stored, Stream, Streams


class ReadOnce(EventStore):
    """The same store for the time of one question: what was read of a stream stays, whatever is appended meanwhile.

    With `kept` streams, what earlier questions read is not read again.
    """

    def __init__(self, store: EventStore, kept: Streams | None = None) -> None:
        super().__init__(store.database, store.mapper, store.flush_keys)
        self.before_append, self.after_append = store.before_append, store.after_append
        self._from = kept or Streams(store.database, store.mapper)
        self._streams: dict[str, Stream] = {}

    @classmethod
    def of(cls, store: EventStore) -> Self:
        """The store itself where it reads once already."""
        return store if isinstance(store, cls) else cls(store)

    def stream(self, subject: str) -> Stream:
        """A stream as it was when it was first asked for. Raises what `read` raises."""
        if subject not in self._streams:
            self._streams[subject] = self._from.read(subject)
        return self._streams[subject]

    def read(self, subject: str, after_version: int = 0) -> list[AnyRecorded]:
        """The events of a stream in order of version. Raises `UnknownEvent` for one that a newer Rapport wrote."""
        return [event for event in self.stream(subject).events if event.version > after_version]

    def stored(self, subject: str) -> list[Stored]:
        """The events of a stream as they are stored."""
        return list(self.stream(subject).stored)

    def positions(self, subject: str) -> dict[int, int]:
        """The positions of the events of a stream, by version."""
        return {row.version: row.position for row in self.stream(subject).stored}
