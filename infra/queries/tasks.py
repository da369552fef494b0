"""What the workers left for people: open tasks, keys that were put aside, and decisions with their reasons."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, get_args

import orjson

from infra.store.session import Database, Kind, as_time
from infra.worker_runtime import schema
from infra.worker_runtime.desk import parked
from infra.worker_runtime.outbox import WITHHELD
from workers.model import TaskKind

READ: Final = 1000
KINDS: Final[tuple[str, ...]] = get_args(TaskKind)


class Chosen(NamedTuple):
    """Which tasks are wanted: those of one owner (a role), of one programme, of one kind, about one subject; None: any."""

    owner: str | None = None
    programme: str | None = None
    kind: str | None = None
    subject: str | None = None


ALL: Final = Chosen()


class Within(NamedTuple):
    """A condition on `worker_tasks`, in SQL."""

    where: str
    params: tuple[str, ...] = ()


EVERY: Final = Within("1 = 1")


class Place(NamedTuple):
    """Where a task stands in the list: those due first at the top, then those without a day. No two stand at one."""

    due: datetime | None
    since: datetime
    subject: str
    kind: str
    about: str


_COLUMNS: Final = (
    "subject, kind, clause, since, due, evidence, settled_by, clauses, evidence_of, about, position, "
    "owner, programme_id, mentee_id, mentor_id"
)
# Texts are put in order by their characters, whatever the language of a database.
_TEXTS: Final[Mapping[Kind, str]] = {
    "sqlite": "subject, kind, COALESCE(about, '')",
    "postgresql": """subject COLLATE "C", kind COLLATE "C", COALESCE(about, '') COLLATE "C\"""",
}


def open_tasks(database: Database, chosen: Chosen = ALL) -> list[dict[str, Any]]:
    """The open tasks, those due first at the top, then those without a day, each as the outside reads it."""
    return [task for _, task in tasks_after(database, chosen)]


def place_of(database: Database, id_: str) -> Place | None:
    """Where a task stands, or stood while it was open; None of an id that no task has."""
    if not schema.ready(database):
        return None
    rows = database.query("SELECT subject, kind, since, due, about FROM worker_tasks WHERE task_id = ?", (id_,))
    return next((_place(*row) for row in rows), None)


def _place(subject: str, kind: str, since: Any, due: Any, about: str | None) -> Place:
    return Place(as_time(due) if due else None, as_time(since), subject, kind, about or "")


def tasks_after(
    database: Database, chosen: Chosen = ALL, within: Within = EVERY, after: Place | None = None, size: int = READ
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same from after a place on, each with its id, as far as they are wanted: `size` are read at a time."""
    if not schema.ready(database):
        return
    wanted = {
        "owner": chosen.owner,
        "LOWER(programme_id)": chosen.programme and chosen.programme.lower(),
        "kind": chosen.kind,
        "subject": chosen.subject,
    }
    given = {column: value for column, value in wanted.items() if value is not None}
    where = " AND ".join(["closed_at IS NULL", *(f"{column} = ?" for column in given), within.where])
    params = (*given.values(), *within.params)
    if after is None or after.due is not None:
        yield from _in_order(database, f"{where} AND due IS NOT NULL", params, "due, since", after, size)
        after = None
    yield from _in_order(database, f"{where} AND due IS NULL", params, "since", after, size)


def _in_order(
    database: Database, where: str, params: Sequence[Any], times: str, after: Place | None, size: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tasks that fulfil a condition, each with its id, in the order of these times and of their texts."""
    order = f"{times}, {_TEXTS[database.kind]}"
    while True:
        later = ""
        place: tuple[Any, ...] = ()
        if after is not None:
            place = after if after.due is not None else after[1:]
            later = f" AND ({order}) > ({', '.join('?' * len(place))})"
        rows = database.query(
            f"SELECT task_id, {_COLUMNS} FROM worker_tasks WHERE {where}{later} ORDER BY {order} LIMIT ?",  # noqa: S608 - our own words
            (*params, *place, size),
        )
        yield from ((id_, _task(*row)) for id_, *row in rows)
        if len(rows) < size:
            return
        _, subject, kind, _, since, due, *_, about = rows[-1][:11]
        after = _place(subject, kind, since, due, about)


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
