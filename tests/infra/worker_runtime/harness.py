"""A record with workers at work on it, for the tests: send commands, let the workers finish, read the results."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import orjson

from domain.model import Actor, Command
from domain.registry import kind_of
from infra.bootstrap import Rapport
from infra.intake.message import compose
from infra.intake.receipt import Receipt
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.runner import Runner
from tests.given_when_then import IDS, day
from workers.catalogue import WORKERS
from workers.model import AnyWorker

SUBJECTS = UUID("6b1f3c0c-53c7-5d1e-9a5b-2f5f0e7c9a10")


def subject(number: int = 1) -> str:
    """The number-th relationship of the tests."""
    return str(uuid5(SUBJECTS, str(number)))


class WorkerHarness:
    """An open store and its workers. The clock stands still until `now` or `send` sets it."""

    def __init__(self, rapport: Rapport) -> None:
        self.rapport = rapport
        self.sent = 0
        self.now(0)

    def now(self, on: float) -> "WorkerHarness":
        """Set the clock to that many days after START."""
        self.rapport.clock.fixed = day(on)
        return self

    def send(self, command: Command, by: str, on: float, about: str | None = None) -> Receipt:
        """Send a command of that day; the clock is set to it unless it is later already."""
        clock = self.rapport.clock
        clock.fixed = max(clock.now(), day(on))
        self.sent += 1
        about = about or subject()
        id_ = IDS[by] if kind_of(about) == "relationship" or by != "mentor" else about.partition(":")[2]
        message = compose(
            command,
            source="/tests",
            id=f"m{self.sent}",
            subject=about,
            time=day(on),
            actor=Actor(by, id_),  # type: ignore[arg-type]
        )
        [receipt] = self.rapport.handler.handle_messages([message])
        assert receipt.status in {"accepted", "refused"}, receipt
        return receipt

    def runner(self, until: datetime | None = None, workers: Sequence[AnyWorker] = WORKERS, **options: Any) -> Runner:
        """A runner, as another process would have."""
        return Runner(
            self.rapport.store,
            self.rapport.handler,
            Horizon(self.rapport.clock, until),
            workers=workers,
            **options,
        )

    def work(self, until: float | None = None, **options: Any) -> Runner:
        """Do everything that is due, as one process would."""
        runner = self.runner(None if until is None else day(until), **options)
        run(runner)
        return runner

    # --- results ---------------------------------------------------------------------------------------------------
    def query(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        return self.rapport.database.query(sql, params)

    def events(self, about: str | None = None) -> list[str]:
        return [type(recorded.data).__name__ for recorded in self.rapport.store.read(about or subject())]

    def commands(self, status: str = "accepted") -> list[str]:
        return [row[0] for row in self.query("SELECT command FROM outbox WHERE status = ? ORDER BY seq", status)]

    def notified(self) -> list[tuple[str, str]]:
        rows = self.query("SELECT template, recipient FROM notifications ORDER BY created_at, template, recipient")
        return [(row[0], row[1]) for row in rows]

    def open_tasks(self) -> list[str]:
        return [row[0] for row in self.query("SELECT kind FROM worker_tasks WHERE closed_at IS NULL ORDER BY seq")]

    def history(self, name: str) -> list[tuple[str, str]]:
        """The changes of a deadline, with their times in days since START."""
        from infra.store.session import as_time

        rows = self.query("SELECT change, at FROM deadline_history WHERE name = ? ORDER BY seq", name)
        return [(row[0], f"{(as_time(row[1]) - day(0)).total_seconds() / 86_400:g}") for row in rows]


def run(runner: Runner) -> None:
    """Do everything that is due, under the lease."""
    assert runner.take_lease()
    while runner.turn():
        pass
    runner.release()


def everything(rapport: Rapport) -> dict[str, list[Any]]:
    """All that the workers left in a store, for comparison: the events, whose bytes are random, and their own tables."""
    database, decode = rapport.database, rapport.store.mapper.decode
    found: dict[str, list[Any]] = {
        "events": [
            (row[0], row[1], row[2], decode(row[2], bytes(row[3])))
            for row in database.query(
                "SELECT originator_id, originator_version, topic, state FROM stored_events ORDER BY 1, 2"
            )
        ]
    }
    for table, columns in {
        "notifications": "id, worker, subject, recipient, template, parameters, clauses, created_at",
        "decisions": "id, worker, key, trigger_id, at, clauses, evidence, evidence_of, terms, sent",
        "worker_tasks": "task_id, subject, kind, clauses, since, due, evidence, settled_by, about, closed_at, closed_by",
        "outbox": "id, worker, subject, command, at, body, status",
        "deadlines": "worker, key, name, due_at, frozen_at",
        "deadline_history": "worker, key, name, change, due_at, at, caused_by",
        "worker_state": "worker, key, state",
        "worker_ground": "subject, programme, fact",
    }.items():
        found[table] = sorted(map(_plain, database.query(f"SELECT {columns} FROM {table}")))
    return found


def _plain(row: Sequence[Any]) -> str:
    return orjson.dumps(row, default=str).decode()
