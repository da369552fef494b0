"""The tables of the workers. They are in the database of the record, so that one transaction covers both.

- `worker_ground`, `worker_state`: what is kept per subject and per worker and key.
- `deadlines`: those that run or stand still; `deadline_history`: each one armed, moved, frozen, cancelled, fired.
- `outbox`: commands in the order in which they were decided, and what was answered. Notifications: `infra.notifications.outbox`.
- `decisions`: one receipt for each reaction. `tasks`: open and closed ones. `parked`: keys put aside after failures.
- `worker_clock`: where a walk turned the clock to. `worker_positions`: from which position of the log on each worker has seen everything.
"""

from typing import Final

from infra.notifications import outbox as notify
from infra.store import lease
from infra.store.session import Database

TABLES: Final = {
    "worker_ground": "subject {text} PRIMARY KEY, programme {text}, relationship {text}, fact {json} NOT NULL",
    "worker_state": (
        "worker {text} NOT NULL, key {text} NOT NULL, state {json} NOT NULL, position {integer} NOT NULL, "
        "PRIMARY KEY (key, worker)"
    ),
    "deadlines": (
        "worker {text} NOT NULL, key {text} NOT NULL, name {text} NOT NULL, due_at {time} NOT NULL, "
        "frozen_at {time}, freezes {boolean} NOT NULL, clauses {json} NOT NULL, evidence {json} NOT NULL, "
        "evidence_of {text} NOT NULL, PRIMARY KEY (key, worker, name)"
    ),
    "deadline_history": (
        "seq {integer} PRIMARY KEY, worker {text} NOT NULL, key {text} NOT NULL, name {text} NOT NULL, "
        "change {text} NOT NULL, due_at {time} NOT NULL, at {time} NOT NULL, clauses {json} NOT NULL, "
        "caused_by {text} NOT NULL, position {integer} NOT NULL"
    ),
    "outbox": (
        "seq {integer} PRIMARY KEY, id {text} NOT NULL UNIQUE, worker {text} NOT NULL, key {text} NOT NULL, "
        "subject {text} NOT NULL, command {text} NOT NULL, at {time} NOT NULL, body {json} NOT NULL, "
        "status {text} NOT NULL, answer {json}, position {integer} NOT NULL"
    ),
    "decisions": (
        "id {text} PRIMARY KEY, seq {integer} NOT NULL, worker {text} NOT NULL, key {text} NOT NULL, "
        "trigger_id {text} NOT NULL, at {time} NOT NULL, clauses {json} NOT NULL, evidence {json} NOT NULL, "
        "evidence_of {text} NOT NULL, terms {json} NOT NULL, sent {json} NOT NULL, position {integer} NOT NULL"
    ),
    "tasks": (
        "task_id {text} PRIMARY KEY, seq {integer} NOT NULL, worker {text} NOT NULL, key {text} NOT NULL, "
        "name {text} NOT NULL, subject {text} NOT NULL, kind {text} NOT NULL, clause {text}, clauses {json} NOT NULL, "
        "since {time} NOT NULL, due {time}, evidence {json} NOT NULL, evidence_of {text} NOT NULL, "
        "settled_by {json} NOT NULL, about {text}, closed_at {time}, closed_by {text}, position {integer} NOT NULL"
    ),
    "parked": (
        "worker {text} NOT NULL, key {text} NOT NULL, since {time} NOT NULL, trigger_id {text} NOT NULL, "
        "position {integer} NOT NULL, error {text} NOT NULL, PRIMARY KEY (worker, key)"
    ),
    "worker_clock": "name {text} PRIMARY KEY, turned_to {time} NOT NULL",
    "worker_positions": "worker {text} PRIMARY KEY, position {integer} NOT NULL",
}
INDEXES: Final = (
    "worker_ground_programme ON worker_ground (programme)",
    "worker_ground_relationship ON worker_ground (relationship)",
    "deadlines_due ON deadlines (due_at)",
    "deadline_history_key ON deadline_history (key)",
    "deadline_history_fired ON deadline_history (position) WHERE change = 'fired'",
    "outbox_waiting ON outbox (seq) WHERE status = 'waiting'",
    "decisions_key ON decisions (key)",
    "decisions_seq ON decisions (seq)",
    "tasks_seq ON tasks (seq)",
    "tasks_open ON tasks (seq) WHERE closed_at IS NULL",
    "tasks_key ON tasks (key, worker, name) WHERE closed_at IS NULL",
)


def prepare(database: Database) -> None:
    """Make the tables where they are missing. Raises `StoreError`."""
    found = {name for name in TABLES if _there(database, name)}
    if found != set(TABLES):
        with database.changing_schema() as session:
            for name, columns in TABLES.items():
                session.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns.format_map(database.types)})")
            for index in INDEXES:
                session.execute(f"CREATE INDEX IF NOT EXISTS {index}")
            session.open_to("deadline_history", "auditor")
            session.open_to("decisions", "auditor")
    lease.prepare(database)
    notify.prepare(database)


def ready(database: Database) -> bool:
    """Whether workers ever worked on this store."""
    return _there(database, "worker_positions")


def _there(database: Database, table: str) -> bool:
    with database.reading() as session:
        if session.kind == "sqlite":
            return bool(session.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)))
        return bool(session.query("SELECT to_regclass(?) IS NOT NULL", (table,))[0][0])
