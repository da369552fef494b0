"""The journal of the workers: states, deadlines and their history, tasks, receipts, the outbox, parked keys.

All of it goes into one transaction with the position. Rows are numbered in the order in which things were decided.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final, NamedTuple, Self

import orjson
from pydantic import BaseModel

from infra.notifications.outbox import Matter, Notification, Status, enqueue_rows, rows_of, settle
from infra.store.session import Row, StoreSession, list_text, time_text
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
BLOCK: Final = 100_000


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
    `transaction` is where a block is taken: one of its own, so that nobody waits for the numbers of another, or the one that is under way.
    """

    def __init__(self, transaction: Callable[[], AbstractContextManager[StoreSession]]) -> None:
        super().__init__()
        self.end = 0
        self._transaction = transaction

    def next(self) -> int:
        if self.last == self.end:
            with self._transaction() as session:
                session.execute("UPDATE worker_numbers SET last = last + ?", (BLOCK,))
                [(end,)] = session.query("SELECT last FROM worker_numbers")
            self.last, self.end = end - BLOCK, end
        return super().next()


class Rows(NamedTuple):
    """What a desk did since the last save, as rows in the order of the columns.

    They are made before the transaction that writes them, for which other processes may have to wait. `waiting` are the commands to be
    sent, with their numbers.
    """

    ground: Sequence[Row]
    sources: Sequence[Row]
    corrections: Sequence[Row]
    states: Sequence[Row]
    running: Sequence[Row]
    gone: Sequence[Row]
    history: Sequence[Row]
    opened: Sequence[Sequence[Any]]
    closed: Sequence[Row]
    decisions: Sequence[Row]
    parked: Sequence[Row]
    settled: Sequence[Matter]
    notes: Sequence[Row]
    missed: Collection[str]
    waiting: list[tuple[int, Item]]
    outbox: Sequence[Row]

    @classmethod
    def of(
        cls, desk: StoredDesk, numbers: Numbers, now: datetime, secret: bytes, delivery: Delivery | None = AT_ONCE
    ) -> Self:
        """What a desk did. Without `delivery` notifications are left out.

        `secret` is the key of the store's workers (`schema.key_of`); ids are keyed with it.
        """
        placed = desk.placed
        last = {(step.done.worker, step.done.key): step for step in placed}
        running, gone = _deadline_rows(placed, last)
        history = history_rows(placed, numbers)
        opened, closed = task_rows(placed, numbers, secret)
        deciding = decisions_of(placed, secret)
        decisions = decision_rows(deciding, numbers)
        status, seen_from, _ = delivery or AT_ONCE
        notes = Notes.of(deciding, secret, delivery) if delivery is not None else NO_NOTES
        waiting = [(numbers.next(), item) for step, made in deciding if made for item in commands(step, now, secret)]
        return cls(
            _ground_rows(desk.learned),
            sorted(desk.heard),
            list(desk.corrected),
            _state_rows((place, step.done.step.memory, step.position) for place, step in last.items()),
            running,
            gone,
            history,
            opened,
            closed,
            decisions,
            list(desk.newly_parked),
            notes.settled,
            rows_of(notes.new, missed=notes.missed, status=status, seen_from=seen_from),
            notes.missed,
            waiting,
            [outbox_row(number, item) for number, item in waiting],
        )

    def write(self, session: StoreSession) -> None:
        """Write them."""
        write_ground(session, self.ground, self.sources, self.corrections)
        session.upsert(STATES.name, STATES.columns, STATES.key, self.states)
        session.upsert(DEADLINES.name, DEADLINES.columns, DEADLINES.key, self.running)
        session.delete(DEADLINES.name, DEADLINES.key, self.gone)
        session.insert(HISTORY.name, HISTORY.columns, self.history)
        write_tasks(session, self.opened, self.closed)
        session.upsert(DECISIONS.name, DECISIONS.columns, DECISIONS.key, self.decisions)
        session.upsert(PARKED.name, PARKED.columns, PARKED.key, self.parked)
        settle(session, self.settled)
        enqueue_rows(session, self.notes, self.missed)
        session.upsert(OUTBOX.name, OUTBOX.columns, ("id",), self.outbox)


def save_ground(session: StoreSession, desk: StoredDesk) -> None:
    """Write what all workers stand on, and what was heard and taken up."""
    write_ground(session, _ground_rows(desk.learned), sorted(desk.heard), desk.corrected)


def write_ground(
    session: StoreSession, ground: Sequence[Row], sources: Sequence[Row], corrections: Sequence[Row]
) -> None:
    """The same, as rows."""
    session.upsert(GROUND.name, GROUND.columns, GROUND.key, ground)
    session.upsert(SOURCES.name, SOURCES.columns, SOURCES.key, sources)
    session.upsert(CORRECTIONS.name, CORRECTIONS.columns, CORRECTIONS.key, corrections)


def decisions_of(placed: Iterable[Placed], secret: bytes) -> list[Deciding]:
    """The steps, each with what was decided in it."""
    return [(step, decided(step, secret) if step.done.step.receipts else ()) for step in placed]


class Notes(NamedTuple):
    """The notifications of some steps, the matters that these settled, and those that are settled among the new ones."""

    settled: Sequence[Matter]
    new: Sequence[Notification]
    missed: Collection[str]

    @classmethod
    def of(cls, deciding: Iterable[Deciding], secret: bytes, delivery: Delivery) -> Self:
        """In the order of the steps: what a later step settles is missed before it was sent."""
        notes: dict[str, Notification] = {}
        about: dict[tuple[str, str], dict[str, Notification]] = {}
        settled: list[Matter] = []
        missed: set[str] = set()
        for step, decisions in deciding:
            done = step.done
            place = done.key, done.worker
            for each in _settled(done, delivery) if done.step.settled else ():
                matter = Matter(*place, *each)
                settled.append(matter)
                missed.update(id_ for id_, note in about.get(place, {}).items() if matter.covers(note))
            for note in notifications(step, decisions, secret) if decisions else ():
                notes[note.id] = note
                if note.topic is not None:
                    about.setdefault(place, {})[note.id] = note
        return cls(settled, list(notes.values()), missed)


NO_NOTES: Final = Notes((), (), ())


def _settled(done: Done, delivery: Delivery) -> tuple[Settled, ...]:
    """While a walk turns the clock nothing comes late: it would have been sent by then."""
    return done.step.settled if delivery.now is None or done.trigger.at <= delivery.now else ()


def text(value: object) -> str:
    """A value as the JSON text of a column."""
    return orjson.dumps(value).decode()


def _json(model: BaseModel) -> str:
    return model.__pydantic_serializer__.to_json(model).decode()


def _ground_rows(learned: dict[str, Fact]) -> list[Row]:
    return [
        (
            subject,
            f"programme:{fact.programme_id}" if isinstance(fact, Relation) else None,
            fact.relationship_id if isinstance(fact, Case) else None,
            _fact(fact),
        )
        for subject, fact in learned.items()
    ]


def _fact(fact: Fact) -> str:
    return f'["{type(fact).__name__}",{_json(fact)}]'


def _deadline_rows(placed: Sequence[Placed], last: Mapping[Place, Placed]) -> tuple[list[Row], list[Row]]:
    """The deadlines that changed and run, or stand still, after the last step at their key; and the keys of those that are gone."""
    touched = {
        (step.done.worker, step.done.key, change.deadline.name)
        for step in placed
        for change in step.done.step.deadlines
    }
    running, gone = [], []
    for worker, key, name in sorted(touched):
        deadline = last[worker, key].done.step.memory.deadlines.get(name)
        if deadline is None:
            gone.append((key, worker, name))
        else:
            running.append(_deadline(worker, key, deadline))
    return running, gone


def save_memories(session: StoreSession, memories: Mapping[Place, tuple[Memory, int]]) -> None:
    """Write what workers keep, with all deadlines; each with the position of its last step."""
    rows = _state_rows((place, *kept) for place, kept in memories.items())
    session.upsert(STATES.name, STATES.columns, STATES.key, rows)
    session.delete(DEADLINES.name, ("worker", "key"), memories)
    running = [
        _deadline(worker, key, deadline)
        for (worker, key), (memory, _) in memories.items()
        for deadline in memory.deadlines.values()
    ]
    session.insert(DEADLINES.name, DEADLINES.columns, running)


def _state_rows(memories: Iterable[tuple[Place, Memory, int]]) -> list[Row]:
    return [(worker, key, _json(memory.state), position) for (worker, key), memory, position in memories]


def _deadline(worker: str, key: str, deadline: Deadline) -> Row:
    return (
        worker,
        key,
        deadline.name,
        time_text(deadline.due_at),
        None if deadline.frozen_at is None else time_text(deadline.frozen_at),
        deadline.freezes,
        list_text(deadline.clauses),
        list_text(deadline.evidence),
        deadline.evidence_of,
    )


def history_rows(placed: Sequence[Placed], numbers: Numbers) -> list[Row]:
    """The rows of the deadlines that changed, in the order of the columns."""
    rows: list[Row] = []
    for done, position, trigger in placed:
        for change, it, at in done.step.deadlines:
            due_at, when, clauses = time_text(it.due_at), time_text(at), list_text(it.clauses)
            rows.append(
                (numbers.next(), done.worker, done.key, it.name, change, due_at, when, clauses, trigger, position)
            )
    return rows


def task_rows(
    placed: Sequence[Placed], numbers: Numbers, secret: bytes
) -> tuple[list[list[Any]], list[tuple[Any, ...]]]:
    """The rows of new tasks, with their closing if that came at once; and of older ones that closed when, why and which."""
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
                row[-3:] = [time_text(change.at), trigger, position]
            else:
                closed.append((time_text(change.at), trigger, position, done.key, done.worker, change.task.id))
    return rows, closed


def write_tasks(session: StoreSession, opened: Sequence[Sequence[Any]], closed: Sequence[Row]) -> None:
    """Insert new tasks, and update older ones that closed."""
    session.executemany(
        "UPDATE worker_tasks SET closed_at = ?, closed_by = ?, position = ? "
        "WHERE key = ? AND worker = ? AND name = ? AND closed_at IS NULL",
        closed,
    )
    session.upsert(TASKS.name, TASKS.columns, TASKS.key, opened)


def _task(done: Done, change: TaskChange, trigger: str, number: int, position: int, secret: bytes) -> list[Any]:
    task = change.task
    return [
        derived(secret, done.worker, done.key, task.id, trigger), number, done.worker, done.key, task.id, task.subject,
        task.kind, task.clauses[0] if task.clauses else None, list_text(task.clauses), time_text(task.since),
        None if task.due is None else time_text(task.due),
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
            time_text(row.at),
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


def outbox_row(number: int, item: Item) -> Row:
    """The row of a command that waits, in the order of the columns."""
    return (
        number,
        item.id,
        item.worker,
        item.key,
        item.subject,
        type(item.command).__name__,
        time_text(item.at),
        text(item.body),
        "waiting",
        None,
        item.position,
    )
