"""What the store knows of the workers, for the metrics and for `rapport tasks`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from infra.eventstore.database import Database, Session, as_time
from infra.observe.store import Reading
from infra.working import schema
from infra.working.lease import position


def readings(session: Session) -> Iterator[Reading]:
    """How far the workers are, how many deadlines should have fired, how many keys are put aside."""
    now = datetime.now(UTC)
    overdue = session.query("SELECT COUNT(*) FROM deadlines WHERE frozen_at IS NULL AND due_at <= ?", (now,))
    parked = session.query("SELECT COUNT(*) FROM parked")
    yield Reading("workers", position(session), int(overdue[0][0]), int(parked[0][0]))


def open_tasks(database: Database) -> list[dict[str, Any]]:
    """The open tasks, those due first first, then those without a day, each as the outside reads it."""
    if not schema.ready(database):
        return []
    rows = database.query(
        "SELECT subject, kind, clause, since, due, evidence, settled_by, clauses, evidence_of, about, position "
        "FROM tasks WHERE closed_at IS NULL"
    )
    tasks = [_task(*row) for row in rows]
    return sorted(tasks, key=lambda task: (task["due"] is None, task["due"] or "", task["since"], task["subject"]))


def _task(
    subject: str, kind: str, clause: str | None, since: Any, due: Any, evidence: str, settled_by: str, *more: Any
) -> dict[str, Any]:
    clauses, evidence_of, about, place = more
    commands = orjson.loads(settled_by)
    return {
        "subject": subject,
        "kind": kind,
        "clause": clause,
        "since": as_time(since).isoformat().replace("+00:00", "Z"),
        "due": as_time(due).isoformat().replace("+00:00", "Z") if due else None,
        "evidence": orjson.loads(evidence),
        "settled_by": commands[0],
        "also_settled_by": commands[1:],
        "clauses": orjson.loads(clauses),
        "evidence_of": evidence_of,
        "about": about,
        "position": place,
    }


def parked_keys(database: Database) -> list[dict[str, Any]]:
    """The keys that workers put aside, and why."""
    if not schema.ready(database):
        return []
    rows = database.query("SELECT worker, key, since, trigger_id, position, error FROM parked ORDER BY worker, key")
    return [
        {"worker": row[0], "key": row[1], "since": as_time(row[2]).isoformat().replace("+00:00", "Z"),
         "trigger": row[3], "position": row[4], "error": row[5]}
        for row in rows
    ]  # fmt: skip
