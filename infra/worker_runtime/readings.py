"""What the store knows of the workers, for the metrics and for `rapport tasks`."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from infra.operations.store import Reading
from infra.store.session import Database, Session, as_time
from infra.worker_runtime import schema
from infra.worker_runtime.lease import position
from infra.worker_runtime.outbox import WITHHELD


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


def decisions(database: Database, key: str) -> list[dict[str, Any]]:
    """What the workers decided at a key, in order: why, under which terms, and what followed.

    An effect that is a notification says what became of it, and why when it was missed.
    """
    if not schema.ready(database):
        return []
    with database.reading() as session:
        rows = session.query(
            "SELECT id, worker, at, clauses, evidence, evidence_of, terms, sent FROM decisions WHERE key = ? ORDER BY seq",
            (key,),
        )
        fates = session.keyed(
            "SELECT decision, template, recipient, alone, status, last_error FROM notifications "
            "WHERE decision IN ({keys})",
            [(row[0],) for row in rows],
        )
        fate = {
            (decision, template, WITHHELD if alone else recipient): (status, why)
            for decision, template, recipient, alone, status, why in fates
        }
    return [
        {
            "worker": worker,
            "at": as_time(at).isoformat().replace("+00:00", "Z"),
            "clauses": orjson.loads(clauses),
            "evidence": orjson.loads(evidence),
            "evidence_of": evidence_of,
            "terms": orjson.loads(terms),
            "effects": [_effect(effect, id_, fate) for effect in orjson.loads(sent)],
        }
        for id_, worker, at, clauses, evidence, evidence_of, terms, sent in rows
    ]


def _effect(
    effect: dict[str, Any], decision: str, fates: Mapping[tuple[str, str, str], tuple[str, str | None]]
) -> dict[str, Any]:
    if "template" not in effect:
        return effect
    status, why = fates.get((decision, effect["template"], effect["recipient"]), ("pending", None))
    return {**effect, "status": status, **({"missed": why} if status == "missed" else {})}
