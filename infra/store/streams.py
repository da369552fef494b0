"""The streams that readers asked for lately, decoded, with what was worked out of them: so that a second question reads only what is new.

A stream only grows, so what is kept of it is right as far as it goes. It is kept in memory with its words, and all of it is let go
once keys were destroyed: what was erased must not be read from here. About so many bytes are kept, of streams used lately.
"""

from collections.abc import Callable, Hashable, Sequence
from threading import Lock, RLock
from typing import Any, Final, NamedTuple, TypeVar

from cachetools import LRUCache

from domain.model import AnyRecorded
from infra.store.mapper import RapportMapper
from infra.store.session import Database

# What streams may take together, in bytes.
KEPT: Final = 80_000_000
# What a stream takes, an event of it, with what is worked out of it, and each stored byte of an event: its words are there once
# sealed, and once as texts of up to four bytes for a character.
_ALONE: Final = 40_000
_EVENT: Final = 2_000
_BYTE: Final = 4
_SINCE: Final = (
    "SELECT originator_version, topic, state, hash, position FROM stored_events "
    "WHERE originator_id = ? AND originator_version >= ? ORDER BY originator_version"
)
T = TypeVar("T")


class Stored(NamedTuple):
    """An event of a stream as it is stored, with its link of the hash chain."""

    version: int
    topic: str
    state: bytes
    hash: bytes
    position: int


class Stream:
    """A stream as far as it was read: its events as they are stored, and decoded. It never changes; threads may share it."""

    def __init__(self, stored: Sequence[Stored], events: Sequence[AnyRecorded]) -> None:
        self.stored, self.events = tuple(stored), tuple(events)
        # What it takes in memory, in bytes, about.
        self.size = _ALONE + sum(_EVENT + _BYTE * len(each.state) for each in self.stored)
        # Who works with what is worked out and changes when it is asked, as the walk through health does, takes this turn.
        self.turn = RLock()
        self._worked_out: dict[Hashable, Any] = {}

    def once(self, what: Hashable, work: Callable[[], T]) -> T:
        """What is worked out of these events alone, at the first question; `what` names it."""
        with self.turn:
            if what not in self._worked_out:
                self._worked_out[what] = work()
            found: T = self._worked_out[what]
            return found


class Streams:
    """The streams of one store that are kept. Threads may share it."""

    def __init__(self, database: Database, mapper: RapportMapper, size: int = KEPT) -> None:
        self._database, self._mapper = database, mapper
        self._kept: LRUCache[str, Stream] = LRUCache(size, getsizeof=lambda stream: stream.size)
        self._words = mapper.words_mark()
        self._lock = Lock()

    def read(self, subject: str) -> Stream:
        """The stream of a subject as it is now.

        Raises:
            UnknownEvent: An event is of a newer Rapport.
            DamagedEvent: The bytes of one are no such event.
        """
        words = self._mapper.words_mark()
        with self._lock:
            if words != self._words:
                self._kept.clear()
                self._words = words
            kept = self._kept.get(subject)
        last = kept.stored[-1] if kept is not None and kept.stored else None
        # From the last one on, which has to be the one that is known: an old backup may have come back.
        rows = self._rows(subject, last.version if last else 1)
        if kept is not None and last is not None and rows[:1] == [last]:
            if len(rows) == 1:
                return kept
            stored, events = (*kept.stored, *rows[1:]), (*kept.events, *self._decoded(rows[1:]))
        else:
            stored = tuple(rows if last is None else self._rows(subject, 1))
            events = tuple(self._decoded(stored))
        found = Stream(stored, events)
        self._keep(subject, found, words)
        return found

    def _rows(self, subject: str, version: int) -> list[Stored]:
        return [Stored(*row) for row in self._database.query(_SINCE, (subject, version))]

    def _decoded(self, rows: Sequence[Stored]) -> list[AnyRecorded]:
        decode = self._mapper.decode
        return [decode(row.topic, row.state) for row in rows]

    def _keep(self, subject: str, stream: Stream, words: int) -> None:
        with self._lock:
            # What was read with keys that are destroyed by now is for this question alone.
            if words == self._words and stream.size <= self._kept.maxsize:
                self._kept[subject] = stream
