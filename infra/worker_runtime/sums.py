"""Does replay make what is on record? Told by sums of keyed hashes, one for each table: no row is sorted, and few are written.

Equal sums mean the same rows, in whatever order they come: the key is made anew for each comparison, so nobody who wrote rows can have
known it. What replay never reads again goes into its sums at once. Which rows differ sums don't tell; that
takes a replay into tables (`infra/worker_runtime/verify.py`).
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from operator import itemgetter
from secrets import token_bytes
from typing import Any, Final

import orjson

from domain.model import AnyRecorded
from domain.relationship.events import FactCorrected
from infra.notifications.outbox import values
from infra.store.log import EventStore
from infra.store.partitions import Reached
from infra.store.session import Database, Kind, Row, StoreSession, time_text
from infra.worker_runtime.desk import KEPT_KEYS
from infra.worker_runtime.journal import (
    Place,
    decision_rows,
    decisions_of,
    history_rows,
    outbox_row,
    save_ground,
    save_memories,
    task_rows,
    write_tasks,
)
from infra.worker_runtime.outbox import commands, notifications
from infra.worker_runtime.replay import Fired, Replay, Share
from infra.worker_runtime.schema import (
    DEADLINES,
    DECISIONS,
    GROUND,
    HISTORY,
    OUTBOX,
    SOURCES,
    STATES,
    TASKS,
    Table,
)
from infra.worker_runtime.table_check import NOTES, compared
from workers.catalogue import WORKERS
from workers.timeline import Sight, react, sights

NEVER: Final = datetime.max.replace(tzinfo=UTC)
MODULUS: Final = 1 << 256
# Batches for which a key stays in memory though nothing happens there; twice as many at most.
LATELY: Final = 25
# What replay reads again, and so writes.
KEPT: Final = (GROUND, SOURCES, STATES, DEADLINES, TASKS)
SUMMED: Final = (*KEPT, HISTORY, DECISIONS, OUTBOX, NOTES)
Plain = Callable[[Any], Any]


class Sums:
    """The sum of the hashes of the compared columns of each table's rows. `like`: the kind of database that is compared with.

    `whole`: whether all that is compared can be read there.
    """

    def __init__(self, key: bytes, like: Kind, *, whole: bool = True) -> None:
        self._key, self._like = key, like
        self.columns = {table.name: compared(table, whole=whole) for table in SUMMED}
        self._plain = {table.name: _plain(table, self.columns[table.name], like) for table in SUMMED}
        self.of_tables = dict.fromkeys(self._plain, 0)

    def add(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        """More rows, of the columns that are compared.

        Raises:
            TypeError: A value is none that the column can have.
        """
        if plain := self._plain[table.name]:
            rows = (
                [value if how is None or value is None else how(value) for how, value in zip(plain, row, strict=True)]
                for row in rows
            )
        self._add(table, rows)

    def _add(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        key, total = self._key, self.of_tables[table.name]
        dumps, as_they_are = orjson.dumps, orjson.OPT_PASSTHROUGH_DATETIME
        for row in rows:
            text = dumps(row, time_text, as_they_are)
            total += int.from_bytes(sha256(key + text).digest())
        self.of_tables[table.name] = total % MODULUS

    def add_kept(self, session: StoreSession, table: Table, share: Share) -> None:
        """The rows of a database that are in a share. Raises what `add` raises."""
        columns = self.columns[table.name]
        place = columns.index("subject" if table is GROUND else "key")
        rows = session.stream(f"SELECT {', '.join(columns)} FROM {table.name}")  # noqa: S608 - our own words
        rows = rows if share.of == 1 else (row for row in rows if share.has(row[place]))
        if self._like == "sqlite":
            # Both are read from SQLite.
            self._add(table, rows)
        else:
            self.add(table, rows)


def _plain(table: Table, columns: Sequence[str], like: Kind) -> tuple[Plain | None, ...]:
    """How a value of each compared column becomes what SQLite keeps; None: it is."""
    found: list[Plain | None] = []
    for name in columns:
        type_ = table.types[name]
        how = int if type_.startswith("{boolean}") else None
        found.append(_parsed if type_.startswith("{list}") and like == "postgresql" else how)
    return tuple(found) if any(found) else ()


def _parsed(value: Any) -> str:
    """PostgreSQL gives a list as it is, or with other spaces."""
    return orjson.dumps(orjson.loads(value) if isinstance(value, str) else value, option=orjson.OPT_SORT_KEYS).decode()


@dataclass
class SummedReplay(Replay):
    """A replay that writes only what it reads again, and that when it has to; all else goes into sums.

    What is recorded at keys with corrections is written all the same, for a correction looks back.
    """

    sums: Sums = field(kw_only=True)

    def __post_init__(self) -> None:
        # The keys at which a step was made since those at which none was were last let go, and how many batches ago that is.
        self._busy: set[str] = set()
        self._batches_since = 0
        # The position of the last step at what is in memory alone.
        self._unwritten: dict[Place, int] = {}
        # What each worker has not done yet: what it sees, with the position, and deadlines that fire.
        self._put_off: dict[str, list[tuple[int, Sight] | Fired]] = {worker.name: [] for worker in self.workers}

    def _take(self, recorded: AnyRecorded) -> None:
        """One worker goes through a batch before the next does, which is faster. What a correction looks back at has to be done."""
        if self.desk.parked or self.desk.reached is not None:
            super()._take(recorded)
        elif isinstance(recorded.data, FactCorrected):
            position = self.desk.position
            self._catch_up()
            self.desk.position = position
            super()._take(recorded)
        else:
            self.desk.puts_off = True
            for sight in sights(self.desk, recorded, NEVER):
                self._put_off[sight.worker.name].append((self.desk.position, sight))

    def _fire(self, fired: Fired) -> None:
        if self.desk.puts_off and fired.worker in self._put_off:
            self._put_off[fired.worker].append(fired)
        else:
            super()._fire(fired)

    def _catch_up(self) -> None:
        desk = self.desk
        desk.puts_off = False
        for put_off in self._put_off.values():
            for each in put_off:
                if isinstance(each, Fired):
                    desk.known_at = each.position
                    super()._fire(each)
                else:
                    desk.position, sight = each
                    desk.known_at = desk.position
                    react(desk, sight)
            put_off.clear()
        desk.catch_up()

    def write_memories(self, keys: Collection[str] | None = None) -> None:
        """Write what workers keep and is in memory alone, at these keys or at all."""
        entries = self.desk.entries
        places = [place for place in self._unwritten if keys is None or place[1] in keys]
        kept = {
            (worker, key): (entries[key].memories[worker], self._unwritten.pop((worker, key))) for worker, key in places
        }
        with self.scratch.transaction() as session:
            save_memories(session, kept)

    def _let_go(self) -> None:
        """Keep in memory only keys at which something happened lately, so that it does not grow with the log."""
        idle = self.desk.entries.keys() - self._busy
        self.write_memories(idle)
        for key in idle:
            del self.desk.entries[key]
        self._busy.clear()
        self._batches_since = 0

    def _save(self) -> None:
        placed, numbers = self.desk.placed, self.numbers
        history = history_rows(placed, numbers)
        deciding = decisions_of([step for step in placed if step.done.step.receipts], self._key)
        decisions = decision_rows(deciding, numbers)
        opened, closed = task_rows(placed, numbers, self._key)
        with self.scratch.transaction() as session:
            save_ground(session, self.desk)
            write_tasks(session, opened, closed)
            for table, rows in ((HISTORY, history), (DECISIONS, decisions)):
                key = table.columns.index("key")
                session.insert(table.name, table.columns, [row for row in rows if row[key] in self._corrected])
                self._add(table, rows)
        sent = (item for step, _ in deciding for item in commands(step, NEVER, self._key))
        self._add(OUTBOX, (outbox_row(0, item) for item in sent))
        self._add(NOTES, (values(note) for each in deciding for note in notifications(*each, self._key)))
        unwritten, busy = self._unwritten, self._busy
        for done, position, _ in placed:
            unwritten[done.worker, done.key] = position
            busy.add(done.key)
        self.desk.written()
        self._batches_since += 1
        if len(self.desk.entries) > KEPT_KEYS:
            self.write_memories()
            self.desk.entries.clear()
        elif self._batches_since == LATELY:
            self._let_go()

    def _add(self, table: Table, rows: Iterable[Row]) -> None:
        compared_columns = itemgetter(*map(table.columns.index, self.sums.columns[table.name]))
        self.sums.add(table, map(compared_columns, rows))


def is_what_replay_makes(
    store: EventStore, scratch: Database, reached: Reached, advance: Callable[[int], None], share: Share
) -> bool:
    """Whether the workers' tables are, in a share of the keys, what a replay makes up to where they have come.

    Raises:
        StoreError: The database can't.
    """
    key, like = token_bytes(32), store.database.kind
    kept, made = (Sums(key, like, whole=store.database.may_append) for _ in range(2))
    replay = SummedReplay(
        store, scratch, WORKERS, reached.most, share=share, notified=False, reached=reached, sums=made
    )
    try:
        replay.run(advance)
        replay.write_memories()
        with store.database.reading() as ours, scratch.reading() as theirs:
            for table in SUMMED:
                kept.add_kept(ours, table, share)
            for table in KEPT:
                made.add_kept(theirs, table, share)
    except (TypeError, ValueError):
        # What is no value of its column replay does not make.
        return False
    whole = not replay.odd and not replay.odd_corrections and not replay.desk.parked
    return whole and kept.of_tables == made.of_tables
