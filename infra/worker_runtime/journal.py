"""The journal of the workers: states, deadlines and their history, tasks, receipts, the outbox, parked keys.

All of it goes into one transaction with the position. Rows are numbered in the order in which things were decided.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
from pydantic import BaseModel

from infra.notifications.outbox import Matter, Notification, Status, enqueue, settle
from infra.store.session import StoreSession
from infra.worker_runtime.desk import Placed, StoredDesk
from infra.worker_runtime.outbox import Item, commands, decided, derived, notifications
from infra.worker_runtime.schema import (
    CORRECTIONS,
    DEADLINES,
    DECISIONS,
    GROUND,
    HISTORY,
    OUTBOX,
    PARKED,
    SOURCES,
    STATES,
    TASKS,
)
from workers.desk import Done
from workers.ground import Case, Fact, Relation
from workers.step import Settled, TaskChange

NUMBERED: Final = (HISTORY, OUTBOX, DECISIONS, TASKS)


class Delivery(NamedTuple):
    """How notifications are written: their status, the position from which they may leave, and the time of the real clock."""

    status: Status = "pending"
    seen_from: int = 0
    now: datetime | None = None


AT_ONCE: Final = Delivery()


def last_number(session: StoreSession) -> int:
    """The highest number that a row has."""
    return max(
        int(session.query(f"SELECT COALESCE(MAX(seq), 0) FROM {table.name}")[0][0])  # noqa: S608 - our own names
        for table in NUMBERED
    )


class Numbers:
    """Hands out the numbers of rows."""

    def __init__(self, last: int) -> None:
        self.last = last

    def next(self) -> int:
        self.last += 1
        return self.last


def save(
    session: StoreSession,
    desk: StoredDesk,
    numbers: Numbers,
    now: datetime,
    secret: bytes,
    delivery: Delivery | None = AT_ONCE,
) -> list[tuple[int, Item]]:
    """Write what the desk did since the last save; returns the commands that wait to be sent, with their numbers.

    `secret` is the key of the store's workers (`schema.key_of`); ids are keyed with it. Without `delivery` notifications are left out.
    """
    _ground(session, desk.learned)
    session.upsert(SOURCES.name, SOURCES.columns, SOURCES.key, sorted(desk.heard))
    session.upsert(CORRECTIONS.name, CORRECTIONS.columns, CORRECTIONS.key, desk.corrected)
    _states(session, desk.placed)
    _deadlines(session, desk.placed)
    _history(session, desk.placed, numbers)
    _tasks(session, desk.placed, numbers, secret)
    _receipts(session, desk.placed, numbers, secret)
    session.upsert(PARKED.name, PARKED.columns, PARKED.key, desk.newly_parked)
    if delivery is not None:
        _notify(session, desk.placed, secret, delivery)
    return _outbox(session, desk.placed, numbers, now, secret)


def _notify(session: StoreSession, placed: Sequence[Placed], secret: bytes, delivery: Delivery) -> None:
    """Notifications in the order of the steps: what a later step settles is missed before it was sent."""
    notes: dict[str, Notification] = {}
    about: dict[tuple[str, str], dict[str, Notification]] = {}
    settled: list[Matter] = []
    missed: set[str] = set()
    for step in placed:
        place = step.done.key, step.done.worker
        for each in _settled(step.done, delivery):
            matter = Matter(*place, *each)
            settled.append(matter)
            missed.update(id_ for id_, note in about.get(place, {}).items() if matter.covers(note))
        for note in notifications(step.done, secret):
            notes[note.id] = note
            if note.topic is not None:
                about.setdefault(place, {})[note.id] = note
    settle(session, settled)
    enqueue(session, notes.values(), missed=missed, status=delivery.status, seen_from=delivery.seen_from)


def _settled(done: Done, delivery: Delivery) -> tuple[Settled, ...]:
    """While a walk turns the clock nothing comes late: it would have been sent by then."""
    return done.step.settled if delivery.now is None or done.trigger.at <= delivery.now else ()


def text(value: object) -> str:
    """A value as the JSON text of a column."""
    return orjson.dumps(value).decode()


def _json(model: BaseModel) -> str:
    return model.__pydantic_serializer__.to_json(model).decode()


def _ground(session: StoreSession, learned: dict[str, Fact]) -> None:
    rows = [
        (
            subject,
            f"programme:{fact.programme_id}" if isinstance(fact, Relation) else None,
            fact.relationship_id if isinstance(fact, Case) else None,
            _fact(fact),
        )
        for subject, fact in learned.items()
    ]
    session.upsert(GROUND.name, GROUND.columns, GROUND.key, rows)


def _fact(fact: Fact) -> str:
    return f'["{type(fact).__name__}",{_json(fact)}]'


def _last(placed: Iterable[Placed]) -> dict[tuple[str, str], Placed]:
    return {(step.done.worker, step.done.key): step for step in placed}


def _states(session: StoreSession, placed: Sequence[Placed]) -> None:
    rows = [
        (worker, key, _json(step.done.step.memory.state), step.position)
        for (worker, key), step in _last(placed).items()
    ]
    session.upsert(STATES.name, STATES.columns, STATES.key, rows)


def _deadlines(session: StoreSession, placed: Sequence[Placed]) -> None:
    last = _last(placed)
    touched = {
        (step.done.worker, step.done.key, change.deadline.name)
        for step in placed
        for change in step.done.step.deadlines
    }
    rows, gone = [], []
    for worker, key, name in sorted(touched):
        deadline = last[worker, key].done.step.memory.deadlines.get(name)
        if deadline is None:
            gone.append((key, worker, name))
            continue
        rows.append(
            (
                worker,
                key,
                name,
                deadline.due_at,
                deadline.frozen_at,
                deadline.freezes,
                text(deadline.clauses),
                text(deadline.evidence),
                deadline.evidence_of,
            )
        )
    session.upsert(DEADLINES.name, DEADLINES.columns, DEADLINES.key, rows)
    session.delete(DEADLINES.name, DEADLINES.key, gone)


def _history(session: StoreSession, placed: Sequence[Placed], numbers: Numbers) -> None:
    rows = [
        (
            numbers.next(),
            step.done.worker,
            step.done.key,
            change.deadline.name,
            change.change,
            change.deadline.due_at,
            change.at,
            text(change.deadline.clauses),
            step.done.trigger.id,
            step.position,
        )
        for step in placed
        for change in step.done.step.deadlines
    ]
    session.insert(HISTORY.name, HISTORY.columns, rows)


def _tasks(session: StoreSession, placed: Sequence[Placed], numbers: Numbers, secret: bytes) -> None:
    """New tasks are inserted, with their closing if that came at once; older ones that closed are updated."""
    rows: list[list[Any]] = []
    fresh: dict[tuple[str, str, str], list[Any]] = {}
    closed: list[tuple[Any, ...]] = []
    for step in placed:
        done = step.done
        for change in done.step.tasks:
            place = done.worker, done.key, change.task.id
            if change.opened:
                row = fresh[place] = _task(done, change, numbers.next(), step.position, secret)
                rows.append(row)
            elif row := fresh.pop(place, []):
                row[-3:] = [change.at, done.trigger.id, step.position]
            else:
                closed.append((change.at, done.trigger.id, step.position, done.key, done.worker, change.task.id))
    session.executemany(
        "UPDATE worker_tasks SET closed_at = ?, closed_by = ?, position = ? "
        "WHERE key = ? AND worker = ? AND name = ? AND closed_at IS NULL",
        closed,
    )
    session.upsert(TASKS.name, TASKS.columns, TASKS.key, rows)


def _task(done: Done, change: TaskChange, number: int, position: int, secret: bytes) -> list[Any]:
    task = change.task
    return [
        derived(secret, done.worker, done.key, task.id, done.trigger.id), number, done.worker, done.key, task.id, task.subject,
        task.kind, task.clauses[0] if task.clauses else None, text(task.clauses), task.since, task.due,
        text(task.evidence), task.evidence_of, text(task.settled_by), task.about, task.owner,
        task.programme_id, task.mentee_id, task.mentor_id, None, None, position,
    ]  # fmt: skip


def _receipts(session: StoreSession, placed: Sequence[Placed], numbers: Numbers, secret: bytes) -> None:
    rows = [
        (
            row.id,
            numbers.next(),
            row.worker,
            row.key,
            row.trigger_id,
            row.at,
            text(row.receipt.clauses),
            text(row.receipt.evidence),
            row.receipt.evidence_of,
            text(dict(row.receipt.terms)),
            text(row.sent),
            row.position,
        )
        for step in placed
        for row in decided(step.done, step.position, secret)
    ]
    session.upsert(DECISIONS.name, DECISIONS.columns, DECISIONS.key, rows)


def _outbox(
    session: StoreSession, placed: Sequence[Placed], numbers: Numbers, now: datetime, secret: bytes
) -> list[tuple[int, Item]]:
    waiting = [(numbers.next(), item) for step in placed for item in commands(step.done, step.position, now, secret)]
    rows = [
        (
            number,
            item.id,
            item.worker,
            item.key,
            item.subject,
            item.command,
            item.at,
            text(item.body),
            "waiting",
            None,
            item.position,
        )
        for number, item in waiting
    ]
    session.upsert(OUTBOX.name, OUTBOX.columns, ("id",), rows)
    return waiting
