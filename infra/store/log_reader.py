"""Decoded events of the log: page by page in the order of commits, or stream by stream.

Projections, workers and queries of figures read it this way, without the content of events. An event that can't be read is an entry with an error: it holds up its own stream alone.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from domain.model import AnyRecorded, Event
from domain.registry import EVENTS, effective
from domain.relationship.events import FactCorrected
from infra.store.errors import DamagedEvent, UnknownEvent
from infra.store.hash_chain import recorded_time
from infra.store.mapper import RapportMapper
from infra.store.session import StoreSession

_PAGE: Final = """
    SELECT position, originator_id, originator_version, topic, state FROM stored_events
    WHERE position > ? AND position <= ? ORDER BY position LIMIT ?
"""
_STREAM: Final = """
    SELECT position, originator_id, originator_version, topic, state FROM stored_events
    WHERE originator_id = ? AND originator_version > ? AND position <= ? ORDER BY originator_version
"""
_STREAMS: Final = """
    SELECT position, originator_id, originator_version, topic, state FROM stored_events
    WHERE (originator_id, originator_version) > (?, ?) AND originator_id <= ? AND position <= ?
    ORDER BY originator_id, originator_version LIMIT ?
"""
_THESE: Final = """
    SELECT position, originator_id, originator_version, topic, state FROM stored_events
    WHERE originator_id IN ({keys}) AND position <= ? ORDER BY originator_id, originator_version
"""
_FIRST_AFTER: Final = (
    "SELECT originator_id, MIN(originator_version) FROM stored_events WHERE position > ? GROUP BY originator_id"
)
_FROM: Final = (
    "SELECT position, state FROM stored_events WHERE position >= ? AND position <= ? ORDER BY position LIMIT 1"
)
_BEGINNINGS: Final = """
    SELECT position, originator_id, originator_version, topic, state FROM stored_events
    WHERE originator_version = 1 AND originator_id IN ({keys})
"""

# Sorts after every subject.
LAST: Final = "\U0010ffff"


class LogEntry(NamedTuple):
    """An event of the log.

    One that can't be read has an `error` and no `recorded`; one of a type that the reader was not asked for has neither.
    """

    position: int
    subject: str
    version: int
    topic: str
    recorded: AnyRecorded | None
    error: str | None = None


class LogReader:
    """Decodes stored events; with `wanted`, only events of these types."""

    def __init__(self, mapper: RapportMapper, wanted: Container[type[Event]] | None = None) -> None:
        self.mapper = mapper
        known = EVENTS.items() if wanted is not None else ()
        self._unwanted = frozenset(name for name, event in known if wanted is not None and event not in wanted)

    def read(self, rows: Iterable[Sequence[Any]]) -> Iterator[LogEntry]:
        """Yields an entry for every stored event, those that can't be decoded too."""
        decode, unwanted = self.mapper.decode_facts, self._unwanted
        for position, subject, version, topic, state in rows:
            if topic in unwanted:
                yield LogEntry(position, subject, version, topic, None)
                continue
            try:
                yield LogEntry(position, subject, version, topic, decode(topic, state))
            except (UnknownEvent, DamagedEvent) as error:
                yield LogEntry(position, subject, version, topic, None, str(error))


def head(session: StoreSession) -> int:
    """The position of the last event; 0 when there is none."""
    return int(session.query("SELECT COALESCE(MAX(position), 0) FROM stored_events")[0][0])


def known_up_to(session: StoreSession, known_at: datetime) -> int:
    """A position after which nothing had been recorded by a time: along the log recorded times never go back.

    A damaged event that names no time counts as known unless one before it was not.
    """
    low, high = 0, head(session)
    unknown = high + 1
    while low < high:
        middle = (low + high + 1) // 2
        timed = _first_timed(session, middle, high)
        if timed is None:
            high = middle - 1
        elif timed[1] <= known_at:
            low = timed[0]
        else:
            high, unknown = middle - 1, timed[0]
    return unknown - 1


def _first_timed(session: StoreSession, first: int, last: int) -> tuple[int, datetime] | None:
    """The first event from one position to another that names its recorded time: its position, and the time."""
    while rows := session.query(_FROM, (first, last)):
        [(position, state)] = rows
        if (at := recorded_time(bytes(state))) is not None:
            return position, at
        first = position + 1
    return None


def page(session: StoreSession, reader: LogReader, after: int, until: int, limit: int) -> list[LogEntry]:
    """Up to `limit` events after one position and up to another, in the order of commits."""
    return list(reader.read(session.query(_PAGE, (after, until, limit))))


def stream(session: StoreSession, reader: LogReader, subject: str, until: int, after: int = 0) -> list[LogEntry]:
    """The events of one stream after a version and up to a position, in order of version."""
    return list(reader.read(session.query(_STREAM, (subject, after, until))))


def places(session: StoreSession, subject: str) -> dict[int, int]:
    """The positions of the events of one stream, by version."""
    return dict(
        session.query("SELECT originator_version, position FROM stored_events WHERE originator_id = ?", (subject,))
    )


def is_correction(entry: LogEntry) -> bool:
    """Whether an event puts an earlier one of its stream right."""
    return entry.recorded is not None and isinstance(entry.recorded.data, FactCorrected)


def effective_entries(entries: Sequence[LogEntry]) -> list[LogEntry]:
    """A whole stream, or its first events, with its corrections applied; every entry must have been read."""
    history = [entry.recorded for entry in entries if entry.recorded is not None]
    assert len(history) == len(entries), "a correction is applied to a whole history"
    counted = effective(history[0].subject, history) if history else []
    return placed(counted, {entry.version: entry.position for entry in entries})


def placed(events: Iterable[AnyRecorded], positions: Mapping[int, int]) -> list[LogEntry]:
    """The entries of events, from the positions of their versions."""
    return [
        LogEntry(positions[each.version], each.subject, each.version, type(each.data).__name__, each) for each in events
    ]


def streams(
    session: StoreSession, reader: LogReader, after: tuple[str, int], last: str, until: int, limit: int
) -> list[LogEntry]:
    """Up to `limit` events up to a position, stream after stream, after (subject, version) and up to a last stream."""
    return list(reader.read(session.query(_STREAMS, (*after, last, until, limit))))


def first_versions_after(session: StoreSession, position: int) -> dict[str, int]:
    """The version of the first event after a position in each stream that has one."""
    return dict(session.query(_FIRST_AFTER, (position,)))


def these(session: StoreSession, reader: LogReader, subjects: Sequence[str], until: int) -> Iterator[LogEntry]:
    """The events of these streams up to a position, stream after stream in the order of the subjects, which are sorted."""
    # Read at once, decoded one after the other: something else may be asked meanwhile.
    return reader.read(list(session.keyed(_THESE, [(subject,) for subject in subjects], (until,))))


def beginnings(session: StoreSession, reader: LogReader, subjects: Sequence[str]) -> Iterator[LogEntry]:
    """The first event of each of these streams, as far as there are any."""
    return reader.read(session.keyed(_BEGINNINGS, [(subject,) for subject in subjects]))
