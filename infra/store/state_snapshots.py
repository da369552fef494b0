"""Snapshots of states: what a stream had come to at a version, so that a decision reads that and what came after it.

They are a help that may be lost: what a snapshot does not say, or says to nobody any more, is folded from the events. They hold
content, so they are sealed (`infra/intake/snapshots.py`), and what erases a person's words from a stream drops its snapshot.
"""

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from infra.store.session import Database, StoreSession

# The same on both kinds of database, but for the type of bytes. `code` names what wrote the state, `key` what opens the box.
TABLE: Final = """
CREATE TABLE state_snapshots (
    subject text NOT NULL PRIMARY KEY, version bigint NOT NULL, code text NOT NULL, key text NOT NULL, box {bytes} NOT NULL)
"""
SQLITE: Final = (TABLE.format(bytes="blob"),)
POSTGRESQL: Final = (TABLE.format(bytes="bytea"), "REVOKE ALL ON state_snapshots FROM PUBLIC")
_COLUMNS: Final = ("subject", "version", "code", "key", "box")
# A snapshot comes before the events after it; one of a version that the stream has not come to is none. The joins are in an order
# that SQLite keeps to.
_SINCE: Final = """
WITH wanted (name) AS ({keys})
SELECT p.subject, p.version, p.key, p.box, e.hash, 0 FROM wanted
    CROSS JOIN state_snapshots p CROSS JOIN stored_events e
    WHERE p.subject = name AND p.code = ? AND e.originator_id = name AND e.originator_version = p.version
UNION ALL
SELECT e.originator_id, e.originator_version, e.topic, e.state, e.hash, 1
    FROM (SELECT name, COALESCE((
        SELECT p.version FROM state_snapshots p CROSS JOIN stored_events h
        WHERE p.subject = name AND p.code = ? AND h.originator_id = name AND h.originator_version = p.version
    ), 0) AS version FROM wanted) AS since CROSS JOIN stored_events e
    WHERE e.originator_id = name AND e.originator_version > since.version
ORDER BY 1, 6, 2
"""


class SnapshotRow(NamedTuple):
    """A snapshot as it is stored."""

    subject: str
    version: int
    code: str
    key: str
    box: bytes


# Subject, version, topic, bytes and hash of an event; of a snapshot, its key and box in the place of topic and bytes, and 0 at the end.
SinceRow = tuple[str, int, str, bytes, bytes, int]


def read_since(database: Database, subjects: Collection[str], code: str) -> list[SinceRow]:
    """The snapshot of each stream, if this code wrote one, and the events after it, each stream in order of version.

    Raises:
        StoreError: The store can't be read.
    """
    return database.keyed(_SINCE, [(subject,) for subject in subjects], (code, code))


def keep(session: StoreSession, rows: Iterable[SnapshotRow]) -> None:
    """Store snapshots, in the place of earlier ones."""
    session.upsert("state_snapshots", _COLUMNS, ("subject",), rows)


def drop(session: StoreSession, subjects: Iterable[str]) -> None:
    """Drop the snapshots of these subjects."""
    session.delete("state_snapshots", ("subject",), [(subject,) for subject in subjects])
