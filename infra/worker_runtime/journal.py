"""The journal of the workers: states, deadlines and their history, tasks, receipts, the outbox, parked keys.

All of it goes into one transaction with the position. Rows are numbered in the order in which things were decided.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
from pydantic import BaseModel

from infra.notifications.outbox import Matter, Notification, Status, enqueue, settle
from infra.store.session import Row, StoreSession, list_text
from infra.worker_runtime.desk import Placed, StoredDesk
from infra.worker_runtime.outbox import Decided, Item, commands, decided, derived, notifications
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
from workers.model import Deadline
from workers.step import Memory, Settled, TaskChange

# A worker and a key.
Place = tuple[str, str]
# A step, and what was decided in it.
Deciding = tuple[Placed, Sequence[Decided]]
# So many numbers a process takes at a time.
BLOCK: Final = 10_000


class Delivery(NamedTuple):
    """How notifications are written: their status, the position from which they may leave, and the time of the real clock."""

    status: Status = "pending"
    seen_from: int = 0
    now: datetime | None = None


AT_ONCE: Final = Delivery()


class Numbers:
    """Hands out the numbers of rows, from 1 on: of tables that nobody else writes."""

    def __init__(self) -> None:
        self.last = 0

    def next(self) -> int:
        self.last += 1
        return self.last


class StoredNumbers(Numbers):
    """Hands out the numbers of a store, which several processes write: each takes a block at a time.

    What a process decides about a key after it took it over has higher numbers than what was decided before, if it takes a new block then.
    A block that was taken in a transaction which failed must be dropped.
    """

    def __init__(self) -> None:
        super().__init__()
        self.end = 0
        self.session: StoreSession | None = None

    @contextmanager
    def taken_in(self, session: StoreSession) -> Iterator[None]:
        """Take blocks in this transaction while the block of code runs."""
        self.session = session
        try:
            yield
        finally:
            self.session = None

    def next(self) -> int:
        if self.last == self.end:
            assert self.session is not None, "numbers are handed out within a transaction"
            self.session.execute("UPDATE worker_numbers SET last = last + ?", (BLOCK,))
            [(self.end,)] = self.session.query("SELECT last FROM worker_numbers")
            self.last = self.end - BLOCK
        return super().next()


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
    save_ground(session, desk)
    _save_last(session, desk.placed)
    session.insert(HISTORY.name, HISTORY.columns, history_rows(desk.placed, numbers))
    save_tasks(session, desk.placed, numbers, secret)
    deciding = decisions_of(desk.placed, secret)
    session.upsert(DECISIONS.name, DECISIONS.columns, DECISIONS.key, decision_rows(deciding, numbers))
    session.upsert(PARKED.name, PARKED.columns, PARKED.key, desk.newly_parked)
    if delivery is not None:
        _notify(session, deciding, secret, delivery)
    return _outbox(session, deciding, numbers, now, secret)


def save_ground(session: StoreSession, desk: StoredDesk) -> None:
    """Write what all workers stand on, and what was heard and taken up."""
    _ground(session, desk.learned)
    session.upsert(SOURCES.name, SOURCES.columns, SOURCES.key, sorted(desk.heard))
    session.upsert(CORRECTIONS.name, CORRECTIONS.columns, CORRECTIONS.key, desk.corrected)


def decisions_of(placed: Iterable[Placed], secret: bytes) -> list[Deciding]:
    """The steps, each with what was decided in it."""
    return [(step, decided(step, secret) if step.done.step.receipts else ()) for step in placed]


def _notify(session: StoreSession, deciding: Iterable[Deciding], secret: bytes, delivery: Delivery) -> None:
    """Notifications in the order of the steps: what a later step settles is missed before it was sent."""
    notes: dict[str, Notification] = {}
    about: dict[tuple[str, str], dict[str, Notification]] = {}
    settled: list[Matter] = []
    missed: set[str] = set()
    for step, decisions in deciding:
        place = step.done.key, step.done.worker
        for each in _settled(step.done, delivery):
            matter = Matter(*place, *each)
            settled.append(matter)
            missed.update(id_ for id_, note in about.get(place, {}).items() if matter.covers(note))
        for note in notifications(step, decisions, secret):
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


def _last(placed: Iterable[Placed]) -> dict[Place, Placed]:
    return {(step.done.worker, step.done.key): step for step in placed}


def _save_last(session: StoreSession, placed: Sequence[Placed]) -> None:
    """Write what workers keep after the last step at each key, with the deadlines that changed."""
    last = {place: (step.done.step.memory, step.position) for place, step in _last(placed).items()}
    _states(session, last)
    touched = {
        (step.done.worker, step.done.key, change.deadline.name)
        for step in placed
        for change in step.done.step.deadlines
    }
    running, gone = [], []
    for worker, key, name in sorted(touched):
        deadline = last[worker, key][0].deadlines.get(name)
        if deadline is None:
            gone.append((key, worker, name))
        else:
            running.append(_deadline(worker, key, deadline))
    session.upsert(DEADLINES.name, DEADLINES.columns, DEADLINES.key, running)
    session.delete(DEADLINES.name, DEADLINES.key, gone)


def save_memories(session: StoreSession, memories: Mapping[Place, tuple[Memory, int]]) -> None:
    """Write what workers keep, with all deadlines; each with the position of its last step."""
    _states(session, memories)
    session.delete(DEADLINES.name, ("worker", "key"), memories)
    running = [
        _deadline(worker, key, deadline)
        for (worker, key), (memory, _) in memories.items()
        for deadline in memory.deadlines.values()
    ]
    session.insert(DEADLINES.name, DEADLINES.columns, running)


def _states(session: StoreSession, memories: Mapping[Place, tuple[Memory, int]]) -> None:
    rows = [(worker, key, _json(memory.state), position) for (worker, key), (memory, position) in memories.items()]
    session.upsert(STATES.name, STATES.columns, STATES.key, rows)


def _deadline(worker: str, key: str, deadline: Deadline) -> Row:
    return (
        worker,
        key,
        deadline.name,
        deadline.due_at,
        deadline.frozen_at,
        deadline.freezes,
        list_text(deadline.clauses),
        list_text(deadline.evidence),
        deadline.evidence_of,
    )


def history_rows(placed: Sequence[Placed], numbers: Numbers) -> list[Row]:
    """The rows of the deadlines that changed, in the order of the columns."""
    rows: list[Row] = []
    for done, position, trigger in placed:
        if done.step.deadlines:
            worker, key = done.worker, done.key
            rows += [
                (numbers.next(), worker, key, it.name, change, it.due_at, at, list_text(it.clauses), trigger, position)
                for change, it, at in done.step.deadlines
            ]
    return rows


def save_tasks(session: StoreSession, placed: Sequence[Placed], numbers: Numbers, secret: bytes) -> None:
    """New tasks are inserted, with their closing if that came at once; older ones that closed are updated."""
    rows: list[list[Any]] = []
    fresh: dict[tuple[str, str, str], list[Any]] = {}
    closed: list[tuple[Any, ...]] = []
    for done, position, trigger in placed:
        for change in done.step.tasks:
            place = done.worker, done.key, change.task.id
            if change.opened:
                row = fresh[place] = _task(done, change, trigger, numbers.next(), position, secret)
                rows.append(row)
            elif row := fresh.pop(place, []):
                row[-3:] = [change.at, trigger, position]
            else:
                closed.append((change.at, trigger, position, done.key, done.worker, change.task.id))
    session.executemany(
        "UPDATE worker_tasks SET closed_at = ?, closed_by = ?, position = ? "
        "WHERE key = ? AND worker = ? AND name = ? AND closed_at IS NULL",
        closed,
    )
    session.upsert(TASKS.name, TASKS.columns, TASKS.key, rows)


def _task(done: Done, change: TaskChange, trigger: str, number: int, position: int, secret: bytes) -> list[Any]:
    task = change.task
    return [
        derived(secret, done.worker, done.key, task.id, trigger), number, done.worker, done.key, task.id, task.subject,
        task.kind, task.clauses[0] if task.clauses else None, list_text(task.clauses), task.since, task.due,
        list_text(task.evidence), task.evidence_of, list_text(task.settled_by), task.about, task.owner,
        task.programme_id, task.mentee_id, task.mentor_id, None, None, position,
    ]  # fmt: skip


def decision_rows(deciding: Iterable[Deciding], numbers: Numbers) -> list[Row]:
    """The rows of the receipts of decisions, in the order of the columns."""
    return [
        (
            row.id,
            numbers.next(),
            row.worker,
            row.key,
            row.trigger_id,
            row.at,
            list_text(row.receipt.clauses),
            list_text(row.receipt.evidence),
            row.receipt.evidence_of,
            text(dict(row.receipt.terms)),
            text(row.sent),
            row.position,
        )
        for _, decisions in deciding
        for row in decisions
    ]


def _outbox(
    session: StoreSession, deciding: Iterable[Deciding], numbers: Numbers, now: datetime, secret: bytes
) -> list[tuple[int, Item]]:
    waiting = [(numbers.next(), item) for step, _ in deciding for item in commands(step, now, secret)]
    rows = [outbox_row(number, item) for number, item in waiting]
    session.upsert(OUTBOX.name, OUTBOX.columns, ("id",), rows)
    return waiting


def outbox_row(number: int, item: Item) -> Row:
    """The row of a command that waits, in the order of the columns."""
    return (
        number,
        item.id,
        item.worker,
        item.key,
        item.subject,
        type(item.command).__name__,
        item.at,
        text(item.body),
        "waiting",
        None,
        item.position,
    )
