"""What the workers left for people: open tasks, keys that were put aside, and decisions with their reasons."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple, get_args

import orjson

from infra.store.session import Database, as_time
from infra.worker_runtime import schema
from infra.worker_runtime.desk import parked
from infra.worker_runtime.outbox import WITHHELD
from workers.model import TaskKind

KINDS: Final[tuple[str, ...]] = get_args(TaskKind)


class Chosen(NamedTuple):
    """Which tasks are wanted: those of one owner (a role), of one programme, of one kind, about one subject; None: any."""

    owner: str | None = None
    programme: str | None = None
    kind: str | None = None
    subject: str | None = None


ALL: Final = Chosen()


def open_tasks(database: Database, chosen: Chosen = ALL) -> list[dict[str, Any]]:
    """The open tasks, those due first at the top, then those without a day, each as the outside reads it."""
    if not schema.ready(database):
        return []
    wanted = {
        "owner": chosen.owner,
        "LOWER(programme_id)": chosen.programme and chosen.programme.lower(),
        "kind": chosen.kind,
        "subject": chosen.subject,
    }
    given = {column: value for column, value in wanted.items() if value is not None}
    where = " AND ".join(["closed_at IS NULL", *(f"{column} = ?" for column in given)])
    rows = database.query(
        "SELECT subject, kind, clause, since, due, evidence, settled_by, clauses, evidence_of, about, position, "  # noqa: S608 - our own words
        f"owner, programme_id, mentee_id, mentor_id FROM worker_tasks WHERE {where}",
        tuple(given.values()),
    )
    tasks = [_task(*row) for row in rows]
    return sorted(tasks, key=lambda task: (task["due"] is None, task["due"] or "", task["since"], task["subject"]))


def _task(
    subject: str, kind: str, clause: str | None, since: Any, due: Any, evidence: str, settled_by: str, *more: Any
) -> dict[str, Any]:
    clauses, evidence_of, about, place, owner, programme_id, mentee_id, mentor_id = more
    commands = orjson.loads(settled_by)
    return {
        "subject": subject,
        "kind": kind,
        "clause": clause,
        "since": _text(as_time(since)),
        "due": _text(as_time(due)) if due else None,
        "evidence": orjson.loads(evidence),
        "settled_by": commands[0],
        "also_settled_by": commands[1:],
        "clauses": orjson.loads(clauses),
        "evidence_of": evidence_of,
        "about": about,
        "owner": owner,
        "programme_id": programme_id,
        "mentee_id": mentee_id,
        "mentor_id": mentor_id,
        "position": place,
    }


def parked_keys(database: Database) -> list[dict[str, Any]]:
    """The keys that workers put aside, and why."""
    if not schema.ready(database):
        return []
    with database.reading() as session:
        found = parked(session)
    return [
        {"worker": each.worker, "key": each.key, "since": _text(each.since),
         "trigger": each.trigger_id, "position": each.position, "error": each.error}
        for each in found
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
            "at": _text(as_time(at)),
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


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
