"""Thousands of deadlines due at once: with a command each, with reminders each, with a task each; by one process and by two.

Beside each rate stands the floor: the very rows that were written, by one statement a table in one transaction, with no rules and no
workers. Of deadlines with a command these are the event, its receipt and its place in the tree too.
"""

import time
from collections.abc import Mapping
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier
from typing import Final, NamedTuple

from benchmarks.workers import BATCH, START, hand_in, name, proposed, sent, work
from domain.relationship import commands as c
from infra.bootstrap import Rapport, open_rapport
from infra.local.postgres import Postgres
from infra.notifications.outbox import TABLE
from infra.settings import Settings
from infra.store.partitions import COUNT
from infra.store.session import Row, StoreSession
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.loop import nothing_due
from infra.worker_runtime.runner import Runner
from infra.worker_runtime.schema import DEADLINES, DECISIONS, HISTORY, OUTBOX, STATES, TASKS


class Kind(NamedTuple):
    """Deadlines that run out so many days after the start, and what each of them leads to."""

    days: int
    what: str


# In this order each relationship has one of each.
KINDS: Final = (
    Kind(8, "a command and a notification each"),
    Kind(16, "3 notifications each"),
    Kind(31, "a task and a notification each"),
)
# With their keys; those of the record have rows for commands alone.
TABLES: Final = {table.name: table.key for table in (STATES, DEADLINES, HISTORY, DECISIONS, TASKS, OUTBOX)} | {
    TABLE: ("id",),
    "stored_events": ("position",),
    "receipts": ("leaf",),
    "tree_leaves": ("number",),
    "tree_nodes": ("level", "number"),
}
Rows = Mapping[str, Mapping[Row, Row]]


class Share(NamedTuple):
    """What one of several processes did: deadlines fired, seconds, and seconds of a processor."""

    deadlines: int
    seconds: float
    used: float


def run(*, full: bool) -> None:
    count = 10_000 if full else 4_000
    with TemporaryDirectory(prefix="rapport-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        for processes in (1, 2):
            ours, floor = (f"sqlite:///{Path(folder) / f'{each}{processes}.sqlite'}" for each in ("ours", "floor"))
            measure("SQLite", ours, floor, count, processes)
        with Postgres(Path(folder) / "server", durable=True) as server:
            for processes in (1, 2):
                ours, floor = (server.create_database(f"{each}{processes}") for each in ("ours", "floor"))
                measure("PostgreSQL", ours, floor, count, processes)


def measure(label: str, ours: str, floor: str, count: int, processes: int) -> None:
    """Let so many processes, which hold their shares of the keys when the moment comes, do one kind after the other."""
    with open_rapport(Settings(store=ours, clock=START)) as rapport:
        escalating(rapport, count)
        context = get_context("spawn")
        ready, done = context.Barrier(processes + 1), context.SimpleQueue()
        started = [
            context.Process(target=share, args=(ours, processes, ready, done), daemon=True) for _ in range(processes)
        ]
        for process in started:
            process.start()
        for kind in KINDS:
            with rapport.database.reading() as session:
                before = rows(session)
            ready.wait()
            shares: list[Share] = [done.get() for _ in started]
            assert sum(each.deadlines for each in shares) == count
            with rapport.database.reading() as session:
                after = rows(session)
            raw = written(floor, before, after)
            taken, used = max(each.seconds for each in shares), sum(each.used for each in shares)
            print(
                f"   {label}, {processes} process{'es' * (processes > 1)}, {count} deadlines, {kind.what}: "
                f"{count / taken:,.0f}/s ({used / count * 1e6:.0f} us of a processor each); "
                f"the rows alone {count / raw:,.0f}/s, share {raw / taken:.2f}",
                flush=True,
            )
        for process in started:
            process.join()


def escalating(rapport: Rapport, count: int) -> None:
    """So many relationships that wait to be activated, each with a recommendation that nobody has decided about yet."""
    proposed(rapport, count, START)
    hand_in(
        rapport,
        [
            sent(c.ReportTrustBreakdown(description="x"), name(number), START, "mentee:ana", "report")
            for number in range(count)
        ],
    )
    work(rapport)


def share(store: str, processes: int, ready: Barrier, done: "SimpleQueue[Share]") -> None:
    """One of several processes."""
    with open_rapport(Settings(store=store, clock=START)) as rapport:
        runner = Runner(
            rapport.store, rapport.handler, Horizon(rapport.clock), batch=BATCH, lease_seconds=60, shares=True
        )
        while not runner.take_lease() or len(runner.lease.reached if runner.lease else ()) > -(-COUNT // processes):
            time.sleep(0.05)
        for kind in KINDS:
            fired = runner.tally.deadlines
            ready.wait()
            rapport.clock.fixed = START + timedelta(days=kind.days)
            begun, used = time.perf_counter(), time.process_time()
            while runner.turn() or not nothing_due(rapport.store, runner.horizon):
                pass
            runner.keep()
            done.put(Share(runner.tally.deadlines - fired, time.perf_counter() - begun, time.process_time() - used))
        runner.release()


def rows(session: StoreSession) -> Rows:
    """The rows of the tables, by their keys."""
    found = {}
    for table, key in TABLES.items():
        columns = session.columns(table)
        places = [columns.index(name) for name in key]
        read = session.query(f"SELECT {', '.join(columns)} FROM {table}")
        found[table] = {tuple(row[place] for place in places): tuple(row) for row in read}
    return found


def written(store: str, before: Rows, after: Rows) -> float:
    """Seconds to make the rows of before those of after, synchronised alike."""
    with open_rapport(Settings(store=store, clock=START)) as rapport:
        Runner(rapport.store, rapport.handler, Horizon(rapport.clock))
        database = rapport.database
        with database.transaction() as session:
            columns = {table: session.columns(table) for table in TABLES}
            for table in TABLES:
                session.execute(f"DELETE FROM {table} WHERE 1 = 1")
                session.insert(table, columns[table], before[table].values())
        new = {table: [row for key, row in after[table].items() if key not in before[table]] for table in TABLES}
        changed = {
            table: [row for key, row in after[table].items() if before[table].get(key, row) != row] for table in TABLES
        }
        gone = {table: [key for key in before[table] if key not in after[table]] for table in TABLES}
        begun = time.perf_counter()
        with database.transaction() as session:
            for table, key in TABLES.items():
                session.insert(table, columns[table], new[table])
                session.upsert(table, columns[table], key, changed[table])
                session.delete(table, key, gone[table])
        return time.perf_counter() - begun
