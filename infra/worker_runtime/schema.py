"""The tables of the workers. They are in the database of the record, so that one transaction covers both.

- `worker_ground`, `worker_state`: what is kept per subject and per worker and key.
- `deadlines`: those that run or stand still; `deadline_history`: each one armed, moved, frozen, cancelled, fired.
- `outbox`: commands in the order in which they were decided, and what was answered. Notifications: `infra.notifications.outbox`.
- `decisions`: one receipt for each reaction. `worker_tasks`: open and closed ones, which the dataset `tasks` shows. `parked`: keys put aside after failures.
- `worker_sources`: of which other subjects' events are seen at a key; a correction reads them again.
- `worker_corrections`: at which corrections what is kept at a key was made again. Of several in a row the last takes up all.
- `worker_clock`: where a walk turned the clock to. `worker_positions`: from which position of the log on each worker has seen everything.
- `worker_key`: with what the ids of what workers send are keyed. It is derived from the store's secret, so that auditors, who may not read
  that, can replay what was decided.
- `worker_numbers`: the highest number of a row that was given out; a process takes them by the block.
- `worker_partitions` (`infra.store.partitions`): which process works on which keys, and the position of the log that it has reached.
"""

import hmac
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from infra.notifications import outbox as notify
from infra.operations.followers import Reading
from infra.store.errors import DamagedStore
from infra.store.identity import read_identity
from infra.store.partitions import reached_by_all
from infra.store.session import Database, StoreSession, as_time
from projections.tasks import WORKER_TASKS


class Table:
    """A table: its columns with their types, in the order in which rows are written, and its key."""

    def __init__(self, name: str, key: Sequence[str], columns: Mapping[str, str]) -> None:
        self.name, self.key, self.types = name, tuple(key), columns

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self.types)

    @cached_property
    def listed(self) -> str:
        """The names of the columns as a query lists them."""
        return ", ".join(self.columns)

    def statement(self, database: Database) -> str:
        """The statement that creates the table where it is missing."""
        columns = ", ".join(f"{name} {type_}" for name, type_ in self.types.items()).format_map(database.types)
        return f"CREATE TABLE IF NOT EXISTS {self.name} ({columns}, PRIMARY KEY ({', '.join(self.key)}))"

    def typed(self, row: Sequence[Any]) -> list[Any]:
        """A row of SQLite, with the types that any database takes."""
        return [_typed(self.types[column], value) for column, value in zip(self.columns, row, strict=True)]


def _typed(type_: str, value: Any) -> Any:
    if value is None:
        return None
    if type_.startswith("{time}"):
        return as_time(value)
    return bool(value) if type_.startswith("{boolean}") else value


GROUND: Final = Table(
    "worker_ground",
    ("subject",),
    {
        "subject": "{text} NOT NULL",
        "programme": "{text}",
        "relationship": "{text}",
        "fact": "{json} NOT NULL",
    },
)
STATES: Final = Table(
    "worker_state",
    ("key", "worker"),
    {
        "worker": "{text} NOT NULL",
        "key": "{text} NOT NULL",
        "state": "{json} NOT NULL",
        "position": "{integer} NOT NULL",
    },
)
DEADLINES: Final = Table(
    "deadlines",
    ("key", "worker", "name"),
    {
        "worker": "{text} NOT NULL",
        "key": "{text} NOT NULL",
        "name": "{text} NOT NULL",
        "due_at": "{time} NOT NULL",
        "frozen_at": "{time}",
        "freezes": "{boolean} NOT NULL",
        "clauses": "{json} NOT NULL",
        "evidence": "{json} NOT NULL",
        "evidence_of": "{text} NOT NULL",
    },
)
HISTORY: Final = Table(
    "deadline_history",
    ("seq",),
    {
        "seq": "{integer} NOT NULL",
        "worker": "{text} NOT NULL",
        "key": "{text} NOT NULL",
        "name": "{text} NOT NULL",
        "change": "{text} NOT NULL",
        "due_at": "{time} NOT NULL",
        "at": "{time} NOT NULL",
        "clauses": "{json} NOT NULL",
        "caused_by": "{text} NOT NULL",
        "position": "{integer} NOT NULL",
    },
)
OUTBOX: Final = Table(
    "outbox",
    ("seq",),
    {
        "seq": "{integer} NOT NULL",
        "id": "{text} NOT NULL UNIQUE",
        "worker": "{text} NOT NULL",
        "key": "{text} NOT NULL",
        "subject": "{text} NOT NULL",
        "command": "{text} NOT NULL",
        "at": "{time} NOT NULL",
        "body": "{json} NOT NULL",
        "status": "{text} NOT NULL",
        "answer": "{json}",
        "position": "{integer} NOT NULL",
    },
)
DECISIONS: Final = Table(
    "decisions",
    ("id",),
    {
        "id": "{text} NOT NULL",
        "seq": "{integer} NOT NULL",
        "worker": "{text} NOT NULL",
        "key": "{text} NOT NULL",
        "trigger_id": "{text} NOT NULL",
        "at": "{time} NOT NULL",
        "clauses": "{json} NOT NULL",
        "evidence": "{json} NOT NULL",
        "evidence_of": "{text} NOT NULL",
        "terms": "{json} NOT NULL",
        "sent": "{json} NOT NULL",
        "position": "{integer} NOT NULL",
    },
)
TASKS: Final = Table(
    WORKER_TASKS,
    ("task_id",),
    {
        "task_id": "{text} NOT NULL",
        "seq": "{integer} NOT NULL",
        "worker": "{text} NOT NULL",
        "key": "{text} NOT NULL",
        "name": "{text} NOT NULL",
        "subject": "{text} NOT NULL",
        "kind": "{text} NOT NULL",
        "clause": "{text}",
        "clauses": "{list} NOT NULL",
        "since": "{time} NOT NULL",
        "due": "{time}",
        "evidence": "{list} NOT NULL",
        "evidence_of": "{text} NOT NULL",
        "settled_by": "{list} NOT NULL",
        "about": "{text}",
        "owner": "{text} NOT NULL",
        "programme_id": "{text}",
        "mentee_id": "{text}",
        "mentor_id": "{text}",
        "closed_at": "{time}",
        "closed_by": "{text}",
        "position": "{integer} NOT NULL",
    },
)
PARKED: Final = Table(
    "parked",
    ("worker", "key"),
    {
        "worker": "{text} NOT NULL",
        "key": "{text} NOT NULL",
        "since": "{time} NOT NULL",
        "trigger_id": "{text} NOT NULL",
        "position": "{integer} NOT NULL",
        "error": "{text} NOT NULL",
    },
)
SOURCES: Final = Table(
    "worker_sources",
    ("key", "subject"),
    {
        "key": "{text} NOT NULL",
        "subject": "{text} NOT NULL",
    },
)
CORRECTIONS: Final = Table(
    "worker_corrections",
    ("key", "position"),
    {
        "key": "{text} NOT NULL",
        "position": "{integer} NOT NULL",
    },
)
CLOCK: Final = Table(
    "worker_clock",
    ("name",),
    {
        "name": "{text} NOT NULL",
        "turned_to": "{time} NOT NULL",
    },
)
POSITIONS: Final = Table(
    "worker_positions",
    ("worker",),
    {
        "worker": "{text} NOT NULL",
        "position": "{integer} NOT NULL",
    },
)
NUMBERS: Final = Table(
    "worker_numbers",
    ("only_row",),
    {
        "only_row": "{boolean} NOT NULL CHECK (only_row)",
        "last": "{integer} NOT NULL",
    },
)
KEY: Final = Table(
    "worker_key",
    ("only_row",),
    {
        "only_row": "{boolean} NOT NULL CHECK (only_row)",
        "key": "{blob} NOT NULL",
    },
)
_ALL: Final = (
    GROUND,
    STATES,
    DEADLINES,
    HISTORY,
    OUTBOX,
    DECISIONS,
    TASKS,
    PARKED,
    SOURCES,
    CORRECTIONS,
    CLOCK,
    POSITIONS,
    NUMBERS,
    KEY,
)
# Whose rows are numbered in the order in which things were decided.
NUMBERED: Final = (HISTORY, OUTBOX, DECISIONS, TASKS)
TABLES: Final = tuple(table.name for table in _ALL)
# What an auditor reads to replay decisions. Of commands that were sent not what they say or how they were answered.
AUDITED: Final = (GROUND, STATES, DEADLINES, HISTORY, DECISIONS, TASKS, PARKED, SOURCES, CORRECTIONS, POSITIONS, KEY)
AUDITED_OF_OUTBOX: Final = ("id", "worker", "key", "subject", "command")
INDEXES: Final = (
    "worker_ground_programme ON worker_ground (programme)",
    "worker_ground_relationship ON worker_ground (relationship)",
    "deadlines_running ON deadlines (due_at, key) WHERE frozen_at IS NULL",
    "deadline_history_key ON deadline_history (key)",
    "deadline_history_fired ON deadline_history (position) WHERE change = 'fired'",
    "outbox_waiting ON outbox (seq) WHERE status = 'waiting'",
    "decisions_key ON decisions (key)",
    "decisions_seq ON decisions (seq)",
    "tasks_seq ON worker_tasks (seq)",
    "tasks_open ON worker_tasks (seq) WHERE closed_at IS NULL",
    "tasks_key ON worker_tasks (key, worker, name) WHERE closed_at IS NULL",
    "tasks_subject ON worker_tasks (subject) WHERE closed_at IS NULL",
    "tasks_due ON worker_tasks (due, since) WHERE closed_at IS NULL",
)
# In whose place another has come.
FORMER_INDEXES: Final = ("deadlines_due",)


def prepare(database: Database) -> None:
    """Make the tables and their indexes where they are missing.

    Raises:
        StoreError: The database can't.
    """
    names = {*TABLES, *(index.partition(" ")[0] for index in INDEXES)}
    found = _found(database, names)
    if found != names or _is_closed(database):
        with database.changing_schema() as session:
            for table in _ALL:
                session.execute(table.statement(database))
            for index in INDEXES:
                session.execute(f"CREATE INDEX IF NOT EXISTS {index}")
            for index in FORMER_INDEXES:
                session.execute(f"DROP INDEX IF EXISTS {index}")
            if NUMBERS.name not in found:
                highest = max(
                    int(session.query(f"SELECT COALESCE(MAX(seq), 0) FROM {table.name}")[0][0])  # noqa: S608 - our own names
                    for table in NUMBERED
                )
                session.upsert(NUMBERS.name, NUMBERS.columns, NUMBERS.key, [(True, highest)])
            if KEY.name not in found:
                # Another process may have made it meanwhile, from the same secret.
                session.upsert(KEY.name, KEY.columns, ("only_row",), [(True, key_of(read_identity(session).secret))])
            session.open_to(OUTBOX.name, "auditor", columns=AUDITED_OF_OUTBOX)
            for table in AUDITED:
                session.open_to(table.name, "auditor")
    notify.prepare(database)


def key_of(secret: bytes) -> bytes:
    """The key of the ids of what the workers of a store send."""
    return hmac.digest(secret, b"rapport workers", "sha256")


def read_key(database: Database) -> bytes:
    """The same as it is kept for those who replay.

    Raises:
        DamagedStore: The row is gone.
    """
    rows = database.query("SELECT key FROM worker_key")
    if not rows:
        raise DamagedStore(f"the table {KEY.name} is empty, so decisions can't be replayed: restore it from a backup")
    return bytes(rows[0][0])


def _is_closed(database: Database) -> bool:
    """Whether auditors can't read the tables yet, the last of which is the key: their role may have been added since."""
    if database.kind == "sqlite":
        return False
    asked = "SELECT NOT has_table_privilege(oid, ?, 'SELECT') FROM pg_roles WHERE rolname = 'rapport_auditor'"
    return database.query(asked, (KEY.name,)) == [(True,)]


def ready(database: Database) -> bool:
    """Whether workers ever worked on this store."""
    return _there(database, "worker_positions")


def _there(database: Database, table: str) -> bool:
    return bool(_found(database, (table,)))


def _found(database: Database, names: Collection[str]) -> set[str]:
    """Which of these tables and indexes there are."""
    listed = (
        "SELECT name FROM sqlite_master WHERE name"
        if database.kind == "sqlite"
        else "SELECT relname FROM pg_class WHERE pg_table_is_visible(oid) AND relname"
    )
    rows = database.query(f"{listed} IN ({', '.join('?' * len(names))})", tuple(names))
    return {name for (name,) in rows}


def readings(session: StoreSession) -> Iterator[Reading]:
    """How far the workers are, how many deadlines should have fired, how many keys are put aside."""
    now = datetime.now(UTC)
    overdue = session.query("SELECT COUNT(*) FROM deadlines WHERE frozen_at IS NULL AND due_at <= ?", (now,))
    parked = session.query("SELECT COUNT(*) FROM parked")
    yield Reading("workers", reached_by_all(session), int(overdue[0][0]), int(parked[0][0]))
