"""Who read which content: a row for each class of data of an event and each time that it was read; rows are only ever added."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from infra.store.session import Database, as_time

COLUMNS: Final = ("at", "reader", "subject", "version", "data_class", "clause", "why")
# The same on both kinds of database, but for the type of times.
TABLE: Final = """
CREATE TABLE content_reads (
    at {time} NOT NULL, reader text NOT NULL, subject text NOT NULL, version bigint NOT NULL, data_class text NOT NULL,
    clause text, why text)
"""
INDEX: Final = "CREATE INDEX content_reads_of_subject ON content_reads (subject)"
SQLITE: Final = (TABLE.format(time="text"), INDEX)
POSTGRESQL: Final = (TABLE.format(time="timestamptz"), INDEX)


class Read(NamedTuple):
    """One reading: when, who, of which event what class of data, the clause that opened it, and why in the reader's words."""

    at: datetime
    reader: str
    subject: str
    version: int
    data_class: str
    clause: str | None
    why: str | None


def record_reads(database: Database, reads: Sequence[Read]) -> None:
    """Keep these readings, all or none.

    Raises:
        StoreError: They can't be kept; then the content must not be shown.
    """
    if reads:
        with database.transaction() as session:
            session.insert("content_reads", COLUMNS, reads)


def reads_of(database: Database, subject: str | None) -> list[Read]:
    """The readings about a subject, or about all, the earliest first."""
    where, params = ("WHERE subject = ? ", (subject,)) if subject is not None else ("", ())
    rows = database.query(
        f"SELECT {', '.join(COLUMNS)} FROM content_reads {where}ORDER BY at, reader, subject, version, data_class",  # noqa: S608 - our own words
        params,
    )
    return [Read(as_time(at), *rest) for at, *rest in rows]
