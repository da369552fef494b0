"""The notifications that were decided, each a row with what became of it.

A row is written in the worker's own transaction, so there is no notification without its reasons and none is forgotten.
`deliver` sends them: a row is `pending` until it was `sent`, given up (`dead`), found
to have no way out (`kept`), or came too late (`missed`). Rows are never deleted.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

import orjson

from infra.store import lease, partitions
from infra.store.session import Database, Row, StoreSession, as_time, list_text, time_text
from workers.model import Value

Status = Literal["pending", "sent", "kept", "dead", "missed"]

TABLE: Final = "notifications"
# What a notification is, with the types; the other columns are what became of it.
TYPES: Final[Mapping[str, str]] = {
    "id": "{text} PRIMARY KEY",
    "worker": "{text} NOT NULL",
    "subject": "{text} NOT NULL",
    "recipient": "{text} NOT NULL",
    "template": "{text} NOT NULL",
    "parameters": "{json} NOT NULL",
    "clauses": "{json} NOT NULL",
    "alone": "{boolean} NOT NULL",
    "created_at": "{time} NOT NULL",
    "key": "{text} NOT NULL DEFAULT ''",
    "topic": "{text}",
    "until": "{time}",
    "decision": "{text}",
}
COLUMNS: Final = tuple(TYPES)
# Of whom it goes to auditors see what the decision says: of some nobody but the recipient may learn to whom they went.
AUDITED: Final = tuple(name for name in COLUMNS if name != "recipient")
BEGUN: Final = "what it announces had begun by then"
SETTLED: Final = "what it speaks of was settled by then"
# `seen_from`: it waits until the workers have seen the log up to there, for its matter may be settled in between.
# `next_at`, `held_until` and `resting_until` are milliseconds since 1970 by the clock of the database.
TABLES: Final = {
    TABLE: ", ".join(f"{name} {type_}" for name, type_ in TYPES.items())
    + (
        ", seen_from {integer} NOT NULL DEFAULT 0, status {text} NOT NULL DEFAULT 'pending', attempts {integer} NOT NULL DEFAULT 0, "
        "next_at {integer} NOT NULL DEFAULT 0, last_error {text}, sent_at {time}, channel {text}, "
        "token {integer} NOT NULL DEFAULT 0, held_until {integer} NOT NULL DEFAULT 0"
    ),
    "notification_routes": ("name {text} PRIMARY KEY, failures {integer} NOT NULL, resting_until {integer} NOT NULL"),
}
INDEXES: Final = (
    "notifications_due ON notifications (next_at, id) WHERE status = 'pending'",
    "notifications_ending ON notifications (until) WHERE until IS NOT NULL AND status IN ('pending', 'kept')",
    "notifications_matter ON notifications (key, worker, topic) WHERE topic IS NOT NULL AND status IN ('pending', 'kept')",
    "notifications_decision ON notifications (decision)",
)
# In whose place others have come.
FORMER_INDEXES: Final = ("notifications_until", "notifications_topic")

_WRITTEN: Final = (*COLUMNS, "status", "seen_from")
# Joins: SQLite would scan the table for several columns in a list.
_ABOUT: Final = (
    "WITH wanted (k, w, t) AS ({keys}) SELECT id FROM wanted CROSS JOIN notifications "
    "WHERE key = k AND worker = w AND topic = t AND status IN ('pending', 'kept')"
)
_ABOUT_ANY: Final = (
    "WITH wanted (k, w) AS ({keys}) SELECT id, key, worker, topic FROM wanted CROSS JOIN notifications "
    "WHERE key = k AND worker = w AND topic IS NOT NULL AND status IN ('pending', 'kept')"
)


class Notification(NamedTuple):
    """What a worker wants a person to know.

    `id` is derived from the worker, its trigger and the place in the reaction, so that a second run of the same reaction
    gives the same ids. `subject` is what it is about: the worker's key. `at` is the time of the trigger. `alone`: nobody but the
    recipient may learn to whom it went. `key` is the worker's key, `topic` the deadline or task of which it speaks, and
    from `until` on it is too late to send it: see `workers.model.Notify`. `decision` is the id of the decision's receipt.
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
    key: str = ""
    topic: str | None = None
    until: datetime | None = None
    decision: str | None = None


class Matter(NamedTuple):
    """What notifications of a worker at a key speak of; no topic: of anything but those to keep."""

    key: str
    worker: str
    topic: str | None
    keep: tuple[str, ...] = ()

    def covers(self, note: Notification) -> bool:
        """Whether a notification of this worker and key speaks of it."""
        return note.topic is not None and (
            note.topic == self.topic or (self.topic is None and note.topic not in self.keep)
        )


def prepare(database: Database) -> None:
    """Make the tables where they are missing.

    Raises:
        StoreError: The database can't.
    """
    if not (ready(database) and _has_indexes(database)):
        with database.changing_schema() as session:
            for name, columns in TABLES.items():
                session.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns.format_map(database.types)})")
            for index in INDEXES:
                session.execute(f"CREATE INDEX IF NOT EXISTS {index}")
            for index in FORMER_INDEXES:
                session.execute(f"DROP INDEX IF EXISTS {index}")
            session.open_to(TABLE, "auditor", columns=AUDITED)
    # What waits for the workers looks up how far they are.
    lease.prepare(database)
    partitions.prepare(database)


def ready(database: Database) -> bool:
    """Whether the tables are there."""
    return _has(database, list(TABLES)[-1])


def _has_indexes(database: Database) -> bool:
    """Whether they are there too: some have taken the place of others."""
    return all(_has(database, index.partition(" ")[0]) for index in INDEXES)


def _has(database: Database, relation: str) -> bool:
    with database.reading() as session:
        if session.kind == "sqlite":
            return bool(session.query("SELECT 1 FROM sqlite_master WHERE name = ?", (relation,)))
        return bool(session.query("SELECT to_regclass(?) IS NOT NULL", (relation,))[0][0])


def enqueue(
    session: StoreSession,
    notifications: Iterable[Notification],
    *,
    missed: Collection[str] = (),
    status: Status = "pending",
    seen_from: int = 0,
) -> None:
    """Write notifications down in the transaction of the session; those whose id is there already stay as they are.

    `missed`: the matter of these ids was settled before they could be sent. What speaks of a deadline or task waits
    until the workers have seen the log up to `seen_from`.

    Raises:
        StoreError: The database can't.
    """
    enqueue_rows(session, rows_of(notifications, missed=missed, status=status, seen_from=seen_from), missed)


def rows_of(
    notifications: Iterable[Notification], *, missed: Collection[str], status: Status, seen_from: int
) -> list[Row]:
    """What `enqueue` writes of notifications."""
    return [
        (*values(note), "missed" if note.id in missed else status, seen_from if note.topic else 0)
        for note in notifications
    ]


def enqueue_rows(session: StoreSession, rows: Sequence[Row], missed: Collection[str]) -> None:
    """The same as `enqueue`, of rows that were made before.

    Raises:
        StoreError: The database can't.
    """
    if rows:
        session.insert_new(TABLE, _WRITTEN, ("id",), rows)
        _mark(session, missed)


def values(note: Notification) -> Row:
    """What a notification is, in the order of the columns."""
    return (
        note.id,
        note.worker,
        note.subject,
        note.recipient,
        note.template,
        orjson.dumps(dict(note.parameters)).decode(),
        list_text(note.clauses),
        note.alone,
        time_text(note.at),
        note.key,
        note.topic,
        None if note.until is None else time_text(note.until),
        note.decision,
    )


def settle(session: StoreSession, matters: Iterable[Matter]) -> None:
    """Mark unsent notifications about these matters as missed.

    Raises:
        StoreError: The database can't.
    """
    named, over = [], []
    for key, worker, topic, keep in dict.fromkeys(matters):
        if topic is None:
            over.append((key, worker, keep))
        else:
            named.append((key, worker, topic))
    found = [row[0] for row in session.keyed(_ABOUT, named)]
    kept = {(key, worker): keep for key, worker, keep in over}
    found += [
        id_ for id_, key, worker, topic in session.keyed(_ABOUT_ANY, list(kept)) if topic not in kept[key, worker]
    ]
    _mark(session, found)


def _mark(session: StoreSession, ids: Iterable[str]) -> None:
    session.executemany(
        "UPDATE notifications SET status = 'missed', last_error = ? WHERE id = ? AND status <> 'sent'",
        [(SETTLED, id_) for id_ in ids],
    )


def notification(fields: Sequence[object]) -> Notification:
    """A notification from its columns."""
    id_, worker, subject, recipient, template, parameters, clauses, alone, created_at, *more = fields
    key, topic, until, decision = more
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
        str(key),
        topic,  # type: ignore[arg-type]
        as_time(until) if until else None,  # type: ignore[arg-type]
        decision,  # type: ignore[arg-type]
    )
