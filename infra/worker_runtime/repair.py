"""Repairs the workers by replay: takes up keys that were put aside, or rebuilds a worker's state.

Both run while this process holds all keys and end in one transaction. `release` makes up for what the released keys missed: what replay
decides for them and the record lacks is decided now, and sent. `rebuild` sends nothing: it only replaces what a worker
keeps, for a worker that is new or whose rules have changed.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any

from infra.notifications.outbox import COLUMNS, enqueue, notification
from infra.store.log import EventStore
from infra.store.partitions import COUNT, Held, Reached
from infra.store.session import Database, StoreSession
from infra.worker_runtime.desk import EVERYBODY
from infra.worker_runtime.journal import Numbers, StoredNumbers
from infra.worker_runtime.replay import Pair, Replay, scratch_database
from infra.worker_runtime.schema import (
    CORRECTIONS,
    DEADLINES,
    DECISIONS,
    HISTORY,
    OUTBOX,
    PARKED,
    POSITIONS,
    SOURCES,
    STATES,
    TASKS,
    Table,
)
from workers.catalogue import WORKERS
from workers.model import AnyWorker

Advance = Callable[[int], None]


def rebuild(
    store: EventStore, lease: Held, workers: Sequence[AnyWorker], now: datetime, advance: Advance = lambda _: None
) -> None:
    """Rebuild what these workers keep from the record; sends nothing.

    Deadlines fire where they fired; those of a worker that never worked fire where they would have, up to now.
    """
    never_worked = {worker.name for worker in unknown(store.database, WORKERS)}
    fires_until = now if never_worked.issuperset(worker.name for worker in workers) else None
    with scratch_database() as scratch:
        reached = _reached(lease)
        Replay(store, scratch, workers, reached.most, fires_until=fires_until, reached=reached).run(advance)
        with scratch.reading() as source, store.database.transaction() as session:
            numbers = StoredNumbers(lambda: nullcontext(session))
            lease.hold(session)
            _hear(source, session)
            for worker in workers:
                _replace(source, session, numbers, "worker = ?", (worker.name,))
            known = [(worker.name, lease.position) for worker in workers]
            session.upsert(POSITIONS.name, POSITIONS.columns, POSITIONS.key, known)


def release(store: EventStore, lease: Held, pairs: Iterable[Pair], advance: Advance = lambda _: None) -> int:
    """Take up keys that were put aside and decide what they missed; returns how many decisions that brought.

    A key that fails again is put aside again, by the runner, when it next has something to do.
    """
    released = list(pairs)
    with scratch_database() as scratch:
        reached = _reached(lease)
        replay = Replay(store, scratch, WORKERS, reached.most, released=released, reached=reached)
        replay.run(advance)
        with scratch.reading() as source, store.database.transaction() as session:
            numbers = StoredNumbers(lambda: nullcontext(session))
            lease.hold(session)
            made = 0
            _hear(source, session)
            still = {pair for pair in released if pair in replay.desk.parked}
            for worker, key in released:
                if (worker, key) in still:
                    continue
                where, params = (
                    ("key = ?", (key,)) if worker == EVERYBODY else ("worker = ? AND key = ?", (worker, key))
                )
                [(since,)] = session.query("SELECT position FROM parked WHERE worker = ? AND key = ?", (worker, key))
                made += _catch_up(source, session, numbers, where, params, since)
                _notify(source, session, worker, key)
                _replace(source, session, numbers, where, params)
                session.delete(PARKED.name, PARKED.key, [(worker, key)])
    return made


def _reached(lease: Held) -> Reached:
    """How far each partition is; who repairs holds them all."""
    return Reached(tuple(lease.reached[number] for number in range(COUNT)))


def _hear(source: StoreSession, session: StoreSession) -> None:
    """Add of which subjects' events replay heard at which keys, and which corrections it took up."""
    for table in (SOURCES, CORRECTIONS):
        rows = source.query(f"SELECT {table.listed} FROM {table.name}")  # noqa: S608 - our own words
        session.upsert(table.name, table.columns, table.key, rows)


def _replace(
    source: StoreSession, session: StoreSession, numbers: Numbers, where: str, params: tuple[Any, ...]
) -> None:
    """Let what replay keeps take the place of what is kept."""
    for table in (STATES, DEADLINES):
        session.execute(f"DELETE FROM {table.name} WHERE {where}", params)  # noqa: S608 - our own words
        rows = source.query(f"SELECT {table.listed} FROM {table.name} WHERE {where}", params)  # noqa: S608
        session.upsert(table.name, table.columns, table.key, [table.typed(row) for row in rows])
    open_ = f"{where} AND closed_at IS NULL"
    session.execute(f"DELETE FROM worker_tasks WHERE {open_}", params)  # noqa: S608 - our own words
    rows = source.query(f"SELECT {TASKS.listed} FROM worker_tasks WHERE {open_}", params)  # noqa: S608
    session.upsert(TASKS.name, TASKS.columns, TASKS.key, [_numbered(TASKS, row, numbers) for row in rows])


def _catch_up(
    source: StoreSession, session: StoreSession, numbers: Numbers, where: str, params: tuple[Any, ...], since: int
) -> int:
    """Add what replay decided and the record lacks: receipts, what is to be sent, deadlines' history."""
    missing = {}
    for table in (DECISIONS, OUTBOX):
        there = {row[0] for row in session.query(f"SELECT id FROM {table.name} WHERE {where}", params)}  # noqa: S608
        order = f"{where} ORDER BY seq"
        rows = source.query(f"SELECT {table.listed} FROM {table.name} WHERE {order}", params)  # noqa: S608
        new = [row for row in rows if row[table.columns.index("id")] not in there]
        missing[table.name] = len(new)
        session.insert(table.name, table.columns, [_numbered(table, row, numbers) for row in new])
    late = f"{where} AND position >= ? ORDER BY seq"
    rows = source.query(f"SELECT {HISTORY.listed} FROM deadline_history WHERE {late}", (*params, since))  # noqa: S608
    recorded = session.query(
        f"SELECT name, change, caused_by FROM deadline_history WHERE {where} AND position >= ?",  # noqa: S608
        (*params, since),
    )
    seen = set(recorded)
    new = [row for row in rows if (row[3], row[4], row[8]) not in seen]
    session.insert(HISTORY.name, HISTORY.columns, [_numbered(HISTORY, row, numbers) for row in new])
    return missing["decisions"]


def _notify(source: StoreSession, session: StoreSession, worker: str, key: str) -> None:
    """Add the notifications that replay made and the record lacks; those that are there stay as they are."""
    where, params = ("key = ?", (key,)) if worker == EVERYBODY else ("worker = ? AND key = ?", (worker, key))
    rows = source.query(f"SELECT {', '.join(COLUMNS)} FROM notifications WHERE {where}", params)  # noqa: S608
    enqueue(session, [notification(row) for row in rows])


def _numbered(table: Table, row: Sequence[Any], numbers: Numbers) -> list[Any]:
    typed = table.typed(row)
    typed[table.columns.index("seq")] = numbers.next()
    return typed


def unknown(database: Database, workers: Sequence[AnyWorker]) -> list[AnyWorker]:
    """The workers that this store has never seen."""
    known = {row[0] for row in database.query("SELECT worker FROM worker_positions")}
    return [worker for worker in workers if worker.name not in known]
