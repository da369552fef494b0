"""The log as projections read it: in the order of commits by pages, or stream by stream, decoded once for all of them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from domain.model import AnyRecorded
from infra.eventstore.database import Session
from infra.eventstore.failure import DamagedEvent, UnknownEvent
from infra.eventstore.mapper import RapportMapper

_COLUMNS = "position, originator_id, originator_version, topic, state"


class Entry(NamedTuple):
    """An event of the log; one that can't be read has no `recorded` but an error."""

    position: int
    subject: str
    version: int
    topic: str
    recorded: AnyRecorded | None
    error: str | None = None


def read(mapper: RapportMapper, rows: Iterable[Sequence[Any]]) -> Iterator[Entry]:
    """Decode stored events. What can't be decoded is given all the same: the one stream is held up, not the log."""
    decode = mapper.decode
    for position, subject, version, topic, state in rows:
        try:
            yield Entry(position, subject, version, topic, decode(topic, state))
        except (UnknownEvent, DamagedEvent) as error:
            yield Entry(position, subject, version, topic, None, str(error))


def head(session: Session) -> int:
    """The position of the last event; 0 when there is none."""
    return int(session.query("SELECT COALESCE(MAX(position), 0) FROM stored_events")[0][0])


def page(session: Session, mapper: RapportMapper, after: int, until: int, limit: int) -> list[Entry]:
    """Up to `limit` events after one position and up to another, in the order of commits."""
    rows = session.query(
        f"SELECT {_COLUMNS} FROM stored_events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?",
        (after, until, limit),
    )
    return list(read(mapper, rows))


def stream(session: Session, mapper: RapportMapper, subject: str, until: int) -> list[Entry]:
    """The events of one stream up to a position, in order of version."""
    rows = session.query(
        f"SELECT {_COLUMNS} FROM stored_events WHERE originator_id = ? AND position <= ? ORDER BY originator_version",
        (subject, until),
    )
    return list(read(mapper, rows))


def streams(session: Session, mapper: RapportMapper, after: tuple[str, int], until: int, limit: int) -> list[Entry]:
    """Up to `limit` events up to a position, stream after stream, beginning after (subject, version)."""
    rows = session.query(
        f"SELECT {_COLUMNS} FROM stored_events WHERE (originator_id, originator_version) > (?, ?) AND position <= ? "
        "ORDER BY originator_id, originator_version LIMIT ?",
        (*after, until, limit),
    )
    return list(read(mapper, rows))
