"""Projections: building all of them, beside raw reading and the library's own way; memory; lag from command to row.

Every build runs in a process of its own, so that its memory is its own. The library's way is one event a transaction into
one view of one table, with SQLite synchronised alike.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid5

from eventsourcing.persistence import Tracking
from eventsourcing.sqlite import SQLiteConnection, SQLiteConnectionPool, SQLiteDatastore, SQLiteTrackingRecorder

from domain.model import Actor
from domain.relationship import commands as c
from infra.bootstrap import open_rapport
from infra.intake.message import Message, compose
from infra.settings import Settings
from infra.simulate import messages
from infra.store import log_reader
from infra.store.log import LoggedEvent

NAMES = UUID("6b1f3c0c-53c7-5d1e-9a5b-2f5f0e7c9a77")
EVENTS_A_RELATIONSHIP = 64.5
VISIBLE = "SELECT 1 FROM relationships WHERE relationship_id = ?"
BATCH = 500
PAGE = 4_000


def run(*, full: bool) -> None:
    small, large = (100_000, 1_000_000) if full else (10_000, 100_000)
    with TemporaryDirectory(prefix="rapport-bench-") as folder:
        stores = {count: fill(Path(folder), count) for count in (small, large)}
        builds = {count: alone("build", store, "full") for count, store in stores.items()}
        for count, build in builds.items():
            print(
                f"   all projections over {build['events']:,} events: {build['rate']:,.0f} events/s, "
                f"{1e6 / build['rate']:.1f} us each, peak {build['memory']:.0f} MiB; "
                f"raw read and decode {build['raw']:,.0f}/s, share {build['rate'] / build['raw']:.2f}"
            )
            assert build["events"] >= count * 0.95
        slower = builds[small]["rate"] / builds[large]["rate"]
        grown = builds[large]["memory"] / builds[small]["memory"]
        print(f"   ten times the events: time an event x {slower:.2f} (wanted: 0.8 to 1.2), memory x {grown:.2f} (1.3)")
        for synchronous in ("full", "normal"):
            theirs = alone("library", stores[small], synchronous)["rate"]
            ours = builds[large] if synchronous == "full" else alone("build", stores[large], synchronous)
            print(
                f"   the library, one view, an event a transaction, synchronous {synchronous}: {theirs:,.0f} events/s; "
                f"all projections x {ours['rate'] / theirs:.1f} (wanted: 3)"
            )
        lag(Path(folder), 1_000 if full else 200)


def fill(folder: Path, count: int) -> str:
    """A store with about so many events of a simulation; its URL."""
    url = f"sqlite:///{folder / f'{count}.sqlite'}"
    with open_rapport(Settings(store=url, synchronous="off")) as rapport:
        lines: list[bytes] = []
        for line in messages(round(count / EVENTS_A_RELATIONSHIP), 1):
            lines.append(line)
            if len(lines) == BATCH:
                rapport.handler.handle(lines)
                lines = []
        rapport.handler.handle(lines)
    return url


def alone(what: str, store: str, synchronous: str) -> dict[str, float]:
    """What a process of its own measured."""
    command = [sys.executable, "-m", "benchmarks.projections", what, store, synchronous]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    found: dict[str, float] = json.loads(done.stdout)
    return found


# --- in a process of its own ---------------------------------------------------------------------------------------
def build(store: str, synchronous: str) -> dict[str, float]:
    """Build every projection from the first event, twice over: into the empty tables, and beside what that gave."""
    from infra.projection_engine.build import rebuild

    with open_rapport(Settings(store=store, synchronous=synchronous)) as rapport:  # type: ignore[arg-type]
        head = rapport.store.head()
        reader = log_reader.LogReader(rapport.store.mapper)
        begun, position = time.perf_counter(), 0
        while position < head:
            with rapport.database.reading() as session:
                position = log_reader.page(session, reader, position, head, PAGE)[-1].position
        raw = time.perf_counter() - begun
        engine = rapport.engine()
        engine.catch_up()
        begun = time.perf_counter()
        rebuild(engine, list(engine.projections))
        taken = time.perf_counter() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"events": head, "rate": head / taken, "raw": head / raw, "memory": memory}


class _View(SQLiteTrackingRecorder):
    """What the library's documentation shows: a table, and the position beside it."""

    def construct_create_table_statements(self) -> list[str]:
        table = (
            "CREATE TABLE IF NOT EXISTS seen (subject TEXT PRIMARY KEY, events INTEGER NOT NULL, last TEXT NOT NULL)"
        )
        return [*super().construct_create_table_statements(), table]

    def apply(self, subject: str, last: str, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(
                "INSERT INTO seen VALUES (?, 1, ?) ON CONFLICT (subject) DO UPDATE "
                "SET events = events + 1, last = excluded.last",
                (subject, last),
            )


class _NormalPool(SQLiteConnectionPool):
    """The library's connections, synchronised less strictly."""

    def _create_connection(self) -> SQLiteConnection:
        connection = super()._create_connection()
        connection.cursor().execute("PRAGMA synchronous = NORMAL")
        return connection


def library(store: str, synchronous: str) -> dict[str, float]:
    """One view of one table, an event a transaction."""
    count = 20_000 if synchronous == "normal" else 2_000
    with TemporaryDirectory(prefix="rapport-bench-") as folder, open_rapport(Settings(store=store)) as rapport:
        found: Sequence[LoggedEvent] = rapport.store.logged(0, count)
        datastore = SQLiteDatastore(str(Path(folder) / "view.sqlite"))
        if synchronous == "normal":
            datastore.pool.close()
            datastore.pool = _NormalPool(db_name=str(Path(folder) / "view.sqlite"))
        view = _View(datastore)
        view.create_table()
        begun = time.perf_counter()
        for each in found:
            event = rapport.store.decode_facts(each)
            view.apply(event.subject, type(event.data).__name__, Tracking("rapport", each.position))
        taken = time.perf_counter() - begun
        datastore.close()
    return {"rate": len(found) / taken}


def follow(store: str, _: str) -> dict[str, float]:
    """Keep the projections at the head until stdin ends."""
    import threading

    from infra.projection_engine.following import Following

    gone = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        gone.set()

    threading.Thread(target=wait, daemon=True).start()
    with open_rapport(Settings(store=store)) as rapport:
        following = Following(rapport.engine(), gone)
        while not gone.is_set():
            following.turn()
    return {}


# --- lag -----------------------------------------------------------------------------------------------------------
def lag(folder: Path, count: int) -> None:
    """From an accepted command to its row, which another process folds."""
    url = f"sqlite:///{folder / 'lag.sqlite'}"
    with open_rapport(Settings(store=url)) as rapport:
        now = rapport.clock.now()
        parties: dict[str, Any] = {"programme_id": "p1", "mentee_id": "ana", "mentor_id": "ben", "codes": ()}
        subjects = [str(uuid5(NAMES, str(number))) for number in range(50)]
        rapport.handler.handle_messages(
            [sent(c.ProposeRelationship(**parties), subject, now, "propose") for subject in subjects]
        )
        rapport.engine().catch_up()
        command = [sys.executable, "-m", "benchmarks.projections", "follow", url, ""]
        home = Path(__file__).parents[1]
        follower = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=os.environ, cwd=home)
        try:
            taken = []
            for number in range(count):
                contact = c.RecordContact(channel="email")
                message = sent(contact, subjects[number % 50], rapport.clock.now(), f"contact {number}")
                [receipt] = rapport.handler.handle_messages([message])
                accepted = time.perf_counter()
                assert receipt.status == "accepted", receipt
                row = (message.subject, rapport.store.head())
                while True:
                    mark = rapport.database.mark()
                    if rapport.database.query(f"{VISIBLE} AND position = ?", row):
                        break
                    rapport.database.wait_since(mark, 30)
                taken.append((time.perf_counter() - accepted) * 1000)
        finally:
            assert follower.stdin is not None
            follower.stdin.close()
            follower.wait(30)
    cuts = quantiles(taken[count // 10 :], n=100)
    print(
        f"   accepted command to visible row, {count} times: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms (wanted: 100)"
    )


def sent(command: Any, subject: str, at: Any, id_: str) -> Message:
    return compose(
        command, subject=subject, source="/bench", id=f"{id_} {subject}", time=at, actor=Actor("coordinator", "cora")
    )


if __name__ == "__main__":
    measure = {"build": build, "library": library, "follow": follow}[sys.argv[1]]
    print(json.dumps(measure(sys.argv[2], sys.argv[3])))
