"""The notifications that were decided, each a row with what became of it.

A row is written in the worker's own transaction, so there is no notification without its reasons and none is forgotten.
Delivering is somebody else's business, see `deliver`: a row is `pending` until it was `sent`, given up (`dead`), or found
to have no way out (`kept`). Rows are never deleted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import orjson

from infra.eventstore.database import Database, Session, as_time
from workers.model import Value

Status = Literal["pending", "sent", "kept", "dead"]

# What a notification is; the other columns are what became of it.
COLUMNS: Final = (
    "id", "worker", "subject", "recipient", "template", "parameters", "clauses", "alone", "created_at",
)  # fmt: skip
# `next_at`, `held_until` and `resting_until` are milliseconds since 1970 by the clock of the database.
TABLES: Final = {
    "notifications": (
        "id {text} PRIMARY KEY, worker {text} NOT NULL, subject {text} NOT NULL, recipient {text} NOT NULL, "
        "template {text} NOT NULL, parameters {json} NOT NULL, clauses {json} NOT NULL, alone {boolean} NOT NULL, "
        "created_at {time} NOT NULL, status {text} NOT NULL DEFAULT 'pending', attempts {integer} NOT NULL DEFAULT 0, "
        "next_at {integer} NOT NULL DEFAULT 0, last_error {text}, sent_at {time}, channel {text}, "
        "token {integer} NOT NULL DEFAULT 0, held_until {integer} NOT NULL DEFAULT 0"
    ),
    "notification_routes": ("name {text} PRIMARY KEY, failures {integer} NOT NULL, resting_until {integer} NOT NULL"),
}
INDEX: Final = "CREATE INDEX IF NOT EXISTS notifications_due ON notifications (next_at, id) WHERE status = 'pending'"

_INSERT: Final = (
    f"INSERT INTO notifications ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "  # noqa: S608 - our own names
    "ON CONFLICT (id) DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Notification:
    """What a worker wants somebody to know.

    `id` is derived from the worker, its trigger and the place in the reaction, so that a second run of the same reaction
    gives the same ids. `subject` is what it is about: the worker's key. `at` is the time of the trigger. `alone`: nobody but the
    recipient may learn to whom it went.
    """

    id: str
    worker: str
    subject: str
    recipient: str
    template: str
    parameters: Mapping[str, Value]
    clauses: tuple[str, ...]
    at: datetime
    alone: bool = False


def prepare(database: Database) -> None:
    """Make the tables where they are missing. Raises `StoreError`."""
    if not ready(database):
        with database.changing_schema() as session:
            for name, columns in TABLES.items():
                session.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns.format_map(database.types)})")
            session.execute(INDEX)


def ready(database: Database) -> bool:
    """Whether the tables are there."""
    last = list(TABLES)[-1]
    with database.reading() as session:
        if session.kind == "sqlite":
            return bool(session.query("SELECT 1 FROM sqlite_master WHERE name = ?", (last,)))
        return bool(session.query("SELECT to_regclass(?) IS NOT NULL", (last,))[0][0])


def enqueue(session: Session, notifications: Iterable[Notification]) -> None:
    """Write notifications down in the transaction of the session; those whose id is there already stay as they are.

    Raises `StoreError`.
    """
    rows = [
        (
            note.id,
            note.worker,
            note.subject,
            note.recipient,
            note.template,
            orjson.dumps(dict(note.parameters)).decode(),
            orjson.dumps(note.clauses).decode(),
            note.alone,
            note.at,
        )
        for note in notifications
    ]
    if rows:
        session.executemany(_INSERT, rows)


def notification(fields: Sequence[object]) -> Notification:
    """A notification from its columns."""
    id_, worker, subject, recipient, template, parameters, clauses, alone, created_at = fields
    return Notification(
        str(id_),
        str(worker),
        str(subject),
        str(recipient),
        str(template),
        orjson.loads(str(parameters)),
        tuple(orjson.loads(str(clauses))),
        as_time(created_at),  # type: ignore[arg-type]
        bool(alone),
    )
