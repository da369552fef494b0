"""The event store as the rest of Rapport sees it: streams by subject, one log, appends that are all or nothing."""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from functools import cached_property
from threading import Lock
from typing import Final, NamedTuple, Unpack

from cachetools import LRUCache
from eventsourcing.persistence import StoredEvent

from domain.ids import Namespace
from domain.model import AnyRecorded
from infra.store.clocks import ClockMark, leave_mark, read_marks
from infra.store.hash_chain import Head, Offset, ReceiptRow, Together, recorded_time
from infra.store.identity import Identity, read_id, read_identity
from infra.store.mapper import RapportMapper
from infra.store.proposals import open_relationships, relationships
from infra.store.session import Database
from infra.store.streams import Stored, Streams

MOST_NAMED: Final = 1000
# Subject, version, topic, bytes, hash.
StoredRow = tuple[str, int, str, bytes, bytes]


class LoggedEvent(NamedTuple):
    """An event in the one log of all events, as it is stored. Positions grow; there may be gaps."""

    position: int
    subject: str
    version: int
    topic: str
    state: bytes


class News(NamedTuple):
    """What happened in the log after a position, and the kept receipts by (source, message id).

    `head` is the log's head, `recorded_at` the log's latest recorded time if anything came after the position, `changed` the
    subjects of what came.
    """

    head: int
    recorded_at: datetime | None
    changed: set[str]
    answered: dict[tuple[str, str], ReceiptRow]


class EventStore:
    """Reads and appends events. Threads may share it. Everything raises `StoreError` when the database can't."""

    def __init__(
        self,
        database: Database,
        mapper: RapportMapper | None = None,
        flush_keys: Callable[[], object] = lambda: None,
    ) -> None:
        self.database = database
        self.mapper = mapper or RapportMapper()
        # Stores the keys that were made since the last time, which must be there before what they seal.
        self.flush_keys = flush_keys
        # What is done before these topics are appended, by topic: it is given all that is appended with them.
        self.before_append: dict[str, Callable[[Sequence[StoredEvent]], object]] = {}
        # What is done once these topics were appended, by topic.
        self.after_append: dict[str, Callable[[], object]] = {}
        # Which subjects name an id, and up to which position the log was searched for it.
        self._named: LRUCache[str, tuple[int, frozenset[str]]] = LRUCache(MOST_NAMED)
        self._lock_of_named = Lock()

    @cached_property
    def identity(self) -> Identity:
        """Who the store is; read once, at first use."""
        with self.database.reading() as session:
            return read_identity(session)

    @cached_property
    def id(self) -> str:
        """The store's id, which a login that may not read the rest of the identity reads too; read once."""
        with self.database.reading() as session:
            return read_id(session)

    @cached_property
    def kept_streams(self) -> Streams:
        """The streams that readers asked for lately."""
        return Streams(self.database, self.mapper)

    def clocks(self) -> list[ClockMark]:
        """The kinds of clock that wrote the store, the first one first."""
        with self.database.reading() as session:
            return read_marks(session)

    def leave_clock_mark(self, mark: ClockMark) -> None:
        """Note the first use of a kind of clock, unless it is noted."""
        with self.database.transaction() as session:
            leave_mark(session, mark)

    # --- streams ---------------------------------------------------------------------------------------------------
    def read(self, subject: str, after_version: int = 0) -> list[AnyRecorded]:
        """The events of a stream in order of version. Raises `UnknownEvent` for one that a newer Rapport wrote."""
        rows = self.database.query(
            "SELECT topic, state FROM stored_events WHERE originator_id = ? AND originator_version > ? "
            "ORDER BY originator_version",
            (subject, after_version),
        )
        decode = self.mapper.decode
        return [decode(topic, state) for topic, state in rows]

    def first(self, subject: str) -> AnyRecorded | None:
        """The facts of a stream's first event, None where there is none. Raises `UnknownEvent` for one that a newer Rapport wrote."""
        return self.event(subject, 1)

    def event(self, subject: str, version: int) -> AnyRecorded | None:
        """The facts of one event of a stream, None where there is none. Raises `UnknownEvent` for one that a newer Rapport wrote."""
        rows = self.database.query(
            "SELECT topic, state FROM stored_events WHERE originator_id = ? AND originator_version = ?",
            (subject, version),
        )
        return self.mapper.decode_facts(*rows[0]) if rows else None

    def stored(self, subject: str) -> list[Stored]:
        """The events of a stream as they are stored, not decoded."""
        rows = self.database.query(
            "SELECT originator_version, topic, state, hash, position FROM stored_events "
            "WHERE originator_id = ? ORDER BY originator_version",
            (subject,),
        )
        return [Stored(*row) for row in rows]

    def streams(self, subjects: Collection[str]) -> list[StoredRow]:
        """Subject, version, topic, bytes and hash of every event of these streams, each stream in order of version."""
        return self.database.keyed(
            "SELECT originator_id, originator_version, topic, state, hash FROM stored_events "
            "WHERE originator_id IN ({keys}) ORDER BY originator_id, originator_version",
            [(subject,) for subject in subjects],
        )

    def relationships_of(self, mentor_id: str, *, open_only: bool) -> set[str]:
        """The relationships that were proposed to a mentor: all of them, or those that have not ended."""
        query = open_relationships if open_only else relationships
        return {row[0] for row in self.database.query(query(self.database.kind), (mentor_id,))}

    def subjects_naming(self, id_: str) -> list[str]:
        """The subjects whose events have an id in them, as a value or behind a role: ids stand in the clear, in their first spelling.

        The whole log is searched for an id once; later only what came after, since events stay as they are.
        """
        head = self.head()
        with self._lock_of_named:
            after, named = self._named.get(id_, (0, frozenset()))
        if head > after:
            within = "instr(state, ?) > 0" if self.database.kind == "sqlite" else "position(?::bytea in state) > 0"
            rows = self.database.query(
                "SELECT DISTINCT originator_id FROM stored_events WHERE position > ? AND position <= ? "  # noqa: S608 - our own words
                f"AND {within} AND ({within} OR {within})",
                (after, head, f'{id_}"'.encode(), f'"{id_}"'.encode(), f':{id_}"'.encode()),
            )
            named |= {subject for (subject,) in rows}
            with self._lock_of_named:
                self._named[id_] = head, named
        return sorted(named)

    def cases(self) -> set[str]:
        """The subjects of all conduct cases."""
        rows = self.database.query(
            "SELECT originator_id FROM stored_events "
            "WHERE originator_id >= 'case:' AND originator_id < 'case;' AND originator_version = 1"
        )
        return {subject for (subject,) in rows}

    def heads(self, subjects: Collection[str]) -> dict[str, Head]:
        """The last version and hash of each stream; `Head()` for a subject without events."""
        rows = self.database.keyed(
            "SELECT e.originator_id, e.originator_version, e.hash FROM stored_events e JOIN "
            "(SELECT originator_id, MAX(originator_version) AS last FROM stored_events "
            "WHERE originator_id IN ({keys}) GROUP BY originator_id) h "
            "ON e.originator_id = h.originator_id AND e.originator_version = h.last",
            [(subject,) for subject in subjects],
        )
        found = {subject: Head(version, hash_) for subject, version, hash_ in rows}
        return {subject: found.get(subject, Head()) for subject in subjects}

    # --- the log ---------------------------------------------------------------------------------------------------
    def logged(self, after_position: int, limit: int) -> list[LoggedEvent]:
        """Up to `limit` events after a position, in the order in which they were committed."""
        rows = self.database.query(
            "SELECT position, originator_id, originator_version, topic, state FROM stored_events "
            "WHERE position > ? ORDER BY position LIMIT ?",
            (after_position, limit),
        )
        return [LoggedEvent(*row) for row in rows]

    def decode_facts(self, logged: LoggedEvent) -> AnyRecorded:
        """A logged event without its content.

        Raises:
            UnknownEvent: A newer Rapport wrote it.
            DamagedEvent: The bytes are no such event.
        """
        return self.mapper.decode_facts(logged.topic, logged.state)

    def head(self) -> int:
        """The position of the last event in the log; 0 when there is none."""
        return int(self.database.query("SELECT COALESCE(MAX(position), 0) FROM stored_events")[0][0])

    def latest(self) -> tuple[int, datetime | None]:
        """The position and the recorded time of the last event in the log; (0, None) when there is none."""
        rows = self.database.query("SELECT position, state FROM stored_events ORDER BY position DESC LIMIT 1")
        return (rows[0][0], recorded_time(rows[0][1])) if rows else (0, None)

    def news(self, position: int, keys: Collection[tuple[str, str]]) -> News:
        """What a batch has to know before it is decided: who wrote after a position, and which messages were answered."""
        rows = self.database.keyed(
            # A join: SQLite would scan the table for pairs in a list.
            "WITH wanted (s, m) AS ({keys}) SELECT source, message_id, fingerprint, answer, 0 "
            "FROM wanted CROSS JOIN receipts WHERE source = s AND message_id = m UNION ALL "
            # Grouped by an expression: by the bare column SQLite would walk the whole index of streams.
            "SELECT NULL, MAX(originator_id), NULL, NULL, MAX(position) FROM stored_events WHERE position > ? "
            "GROUP BY originator_id || '' UNION ALL "
            "SELECT NULL, NULL, NULL, state, position FROM "
            "(SELECT state, position FROM stored_events WHERE position > ? ORDER BY position DESC LIMIT 1) AS last",
            keys or [("", "")],
            (position, position),
        )
        news = News(position, None, set(), {})
        for source, id_, fingerprint, answer, last in rows:
            if source is None and id_ is None:
                news = news._replace(head=last, recorded_at=recorded_time(answer))
            elif source is None:
                news.changed.add(id_)
            else:
                news.answered[source, id_] = ReceiptRow(source, id_, fingerprint, answer)
        return news

    def wait(self, after_position: int, timeout: float) -> bool:
        """Sleep until the log has an event after the position (True), or for `timeout` seconds (False).

        Wakes within milliseconds of an append by any process, without a busy loop.
        """
        until = time.monotonic() + timeout
        while True:
            mark = self.database.mark()
            if self.head() > after_position:
                return True
            left = until - time.monotonic()
            if left <= 0 or not self.database.wait_since(mark, left):
                return self.head() > after_position

    # --- appending -------------------------------------------------------------------------------------------------
    def append(self, events: Iterable[AnyRecorded], **together: Unpack[Together]) -> Sequence[int]:
        """Store events with receipts and offsets in one transaction; the positions of the events.

        Raises `Conflict` when a version, message id, offset or guarded stream was taken by somebody else; then
        nothing is stored.
        """
        return self.append_stored([self.mapper.to_stored_event(event) for event in events], **together)

    def append_stored(self, events: Sequence[StoredEvent], **together: Unpack[Together]) -> Sequence[int]:
        """The same for events that are encoded already."""
        self._prepare(events)
        positions = self.database.insert_events(events, **together)
        self._follow(events)
        return positions

    def begin_append(self, events: Sequence[StoredEvent], **together: Unpack[Together]) -> Callable[[], Sequence[int]]:
        """The same begun: see `Database.begin_events`."""
        self._prepare(events)
        end = self.database.begin_events(events, **together)
        if self.after_append.keys().isdisjoint(event.topic for event in events):
            return end

        def followed() -> Sequence[int]:
            positions = end()
            self._follow(events)
            return positions

        return followed

    def _prepare(self, events: Sequence[StoredEvent]) -> None:
        for prepare in {self.before_append[each.topic] for each in events if each.topic in self.before_append}:
            prepare(events)
        self.flush_keys()

    def _follow(self, events: Sequence[StoredEvent]) -> None:
        for topic in self.after_append.keys() & {event.topic for event in events}:
            self.after_append[topic]()

    # --- receipts and offsets --------------------------------------------------------------------------------------
    def receipts(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], ReceiptRow]:
        """The kept receipts of these messages, by (source, message id)."""
        return self.news(self.head(), keys).answered

    def spellings(self, keys: Collection[str]) -> dict[str, str]:
        """The first spelling of these ids, as far as there is one, by `domain.ids.key`."""
        rows = self.database.keyed(
            "SELECT key, spelling FROM spellings WHERE key IN ({keys})", [(key,) for key in keys]
        )
        return dict(rows)

    def named(self, namespace: Namespace) -> list[str]:
        """The first spellings of all ids of a namespace, in order."""
        rows = self.database.query(
            "SELECT spelling FROM spellings WHERE key > ? AND key < ? ORDER BY key", (f"{namespace}:", f"{namespace};")
        )
        return [row[0] for row in rows]

    def spelling_keys(self) -> frozenset[str]:
        """The keys of all ids of which there is a first spelling."""
        return frozenset(row[0] for row in self.database.query("SELECT key FROM spellings"))

    def offset(self, name: str) -> Offset | None:
        """How far a source has been read, or None if never."""
        rows = self.database.query("SELECT name, next, generation FROM source_offsets WHERE name = ?", (name,))
        return Offset(*rows[0]) if rows else None
