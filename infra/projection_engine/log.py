"""The log as projections read it: in the order of commits by pages, or stream by stream, decoded once for all of them."""

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from domain.model import AnyRecorded, Event
from domain.registry import EVENTS
from infra.store.errors import DamagedEvent, UnknownEvent
from infra.store.mapper import RapportMapper
from infra.store.session import Session

_COLUMNS = "position, originator_id, originator_version, topic, state"


# Sorts after every subject.
LAST: Final = "\U0010ffff"


class Entry(NamedTuple):
    """An event of the log.

    One that can't be read has no `recorded` but an error; one of a type that nobody asked for has neither.
    """

    position: int
    subject: str
    version: int
    topic: str
    recorded: AnyRecorded | None
    error: str | None = None


class Reader:
    """Decodes stored events, those of the wanted types alone where it is told which."""

    def __init__(self, mapper: RapportMapper, wanted: Container[type[Event]] | None = None) -> None:
        self.mapper = mapper
        known = EVENTS.items() if wanted is not None else ()
        self._unwanted = frozenset(name for name, event in known if wanted is not None and event not in wanted)

    def read(self, rows: Iterable[Sequence[Any]]) -> Iterator[Entry]:
        """The entries of stored events. What can't be decoded is given all the same: one stream is held up, not the log."""
        decode, unwanted = self.mapper.decode, self._unwanted
        for position, subject, version, topic, state in rows:
            if topic in unwanted:
                yield Entry(position, subject, version, topic, None)
                continue
            try:
                yield Entry(position, subject, version, topic, decode(topic, state))
            except (UnknownEvent, DamagedEvent) as error:
                yield Entry(position, subject, version, topic, None, str(error))


def head(session: Session) -> int:
    """The position of the last event; 0 when there is none."""
    return int(session.query("SELECT COALESCE(MAX(position), 0) FROM stored_events")[0][0])


def page(session: Session, reader: Reader, after: int, until: int, limit: int) -> list[Entry]:
    """Up to `limit` events after one position and up to another, in the order of commits."""
    rows = session.query(
        f"SELECT {_COLUMNS} FROM stored_events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?",
        (after, until, limit),
    )
    return list(reader.read(rows))


def stream(session: Session, reader: Reader, subject: str, until: int) -> list[Entry]:
    """The events of one stream up to a position, in order of version."""
    rows = session.query(
        f"SELECT {_COLUMNS} FROM stored_events WHERE originator_id = ? AND position <= ? ORDER BY originator_version",
        (subject, until),
    )
    return list(reader.read(rows))


def streams(session: Session, reader: Reader, after: tuple[str, int], last: str, until: int, limit: int) -> list[Entry]:
    """Up to `limit` events up to a position, stream after stream, after (subject, version) and up to a last stream."""
    rows = session.query(
        f"SELECT {_COLUMNS} FROM stored_events WHERE (originator_id, originator_version) > (?, ?) AND originator_id <= ? "
        "AND position <= ? ORDER BY originator_id, originator_version LIMIT ?",
        (*after, last, until, limit),
    )
    return list(reader.read(rows))
