"""One step of one worker at one key: the trigger goes in, what is to be kept and what is to be done comes out.

Everything around the worker's own function that must be exact is here, pure, so that a test, the runtime and the
auditor's replay do the same: deadlines armed, moved, frozen by a pause and shifted by what the pause took, tasks opened
and closed, receipts with the terms in force.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, NamedTuple, assert_never

from domain.model import AnyRecorded, Event
from domain.relationship.events import RelationshipPaused, RelationshipResumed
from workers.ground import Case, Ground, Mentor, mentor_rests, programme_of, relation_in, relation_of
from workers.model import (
    NOTHING,
    AnyWorker,
    Arm,
    Cancel,
    Change,
    CloseTask,
    Deadline,
    Decision,
    Effect,
    Given,
    Notify,
    OpenTask,
    Over,
    Reaction,
    Send,
    State,
    Task,
)

# What stops the deadlines that run only outside pauses, and what lets them run on, whether or not their worker listens.
STOPPING: Final[frozenset[type[Event]]] = frozenset({RelationshipPaused, RelationshipResumed})
# The effects of which a receipt is kept: what leaves the worker, or waits for a person.
OUTWARD: Final = (Send, Notify, OpenTask)
NOTHING_RUNS: Final[Mapping[str, Deadline]] = MappingProxyType({})
NOTHING_OPEN: Final[Mapping[str, Task]] = MappingProxyType({})


class Memory(NamedTuple):
    """What one worker keeps about one key; `queue` are its running deadlines where they are known in order."""

    state: State
    deadlines: Mapping[str, Deadline] = NOTHING_RUNS
    tasks: Mapping[str, Task] = NOTHING_OPEN
    queue: tuple[tuple[datetime, str], ...] | None = None

    @property
    def may_freeze(self) -> bool:
        """Whether a pause or a resumption would change a deadline."""
        return any(deadline.freezes for deadline in self.deadlines.values())

    def running_at(self, name: str, due_at: datetime) -> Deadline | None:
        """The deadline of that name, if it runs out at that time and is not frozen."""
        found = self.deadlines.get(name)
        return found if found is not None and found.due_at == due_at and found.frozen_at is None else None

    def next_due(self) -> Deadline | None:
        """The deadline that runs out first; of two at one time the first by name."""
        queue = running(self.deadlines) if self.queue is None else self.queue
        return self.deadlines[queue[0][1]] if queue else None


def running(deadlines: Mapping[str, Deadline]) -> tuple[tuple[datetime, str], ...]:
    """The deadlines that are not frozen, in the order in which they run out: times and names."""
    return tuple(sorted((each.due_at, each.name) for each in deadlines.values() if each.frozen_at is None))


class DeadlineChange(NamedTuple):
    """One line of a deadline's history."""

    change: Change
    deadline: Deadline
    at: datetime


class TaskChange(NamedTuple):
    """A task opened or closed."""

    task: Task
    opened: bool
    at: datetime


class Settled(NamedTuple):
    """Notifications about the deadline or task of this name need not be sent any more; None: about any but those to keep."""

    name: str | None
    keep: tuple[str, ...] = ()


class DecisionReceipt(NamedTuple):
    """Why a command, notification or task came about: the receipt of one decision."""

    number: int
    clauses: tuple[str, ...]
    evidence: tuple[int, ...]
    evidence_of: str
    terms: Mapping[str, float]
    effects: tuple[Send | Notify | OpenTask, ...]

    @property
    def sends(self) -> tuple[Send, ...]:
        """The commands among the effects."""
        return tuple(effect for effect in self.effects if isinstance(effect, Send))


class Step(NamedTuple):
    """What a trigger led to at one key."""

    memory: Memory
    at: datetime
    receipts: tuple[DecisionReceipt, ...] = ()
    deadlines: tuple[DeadlineChange, ...] = ()
    tasks: tuple[TaskChange, ...] = ()
    settled: tuple[Settled, ...] = ()

    def changes(self, before: State) -> bool:
        """Whether anything is to be kept or done."""
        return bool(self.receipts or self.deadlines or self.tasks) or self.memory.state is not before


def given_at(ground: Ground, key: str, at: datetime, subject: str | None = None) -> Given:
    """What a worker may use; `subject` is the event's, when the key is not the relationship."""
    fact = about = ground.fact(key)
    relation = relation_in(ground, fact)
    if subject is not None and subject != key:
        about = ground.fact(subject)
        relation = relation or relation_in(ground, about)
    return Given(
        key,
        at,
        relation,
        programme_of(ground, fact, relation),
        about if isinstance(about, Case) else None,
        mentor_rests=lambda: relation is not None and mentor_rests(ground, relation),
    )


def on_event(worker: AnyWorker, given: Given, recorded: AnyRecorded, ground: Ground, memory: Memory) -> Step:
    """An event of a kind that the worker sees, or a pause or resumption of the relationship that is the key.

    `given` is that of the event, which all workers share that see it at a key.
    """
    kind = type(recorded.data)
    state, reaction = worker.react(memory.state, recorded, given) if kind in worker.listens else (memory.state, NOTHING)
    stops = kind in STOPPING and given.key == recorded.subject
    if not reaction and not stops:
        unmoved = memory if state is memory.state else Memory(state, memory.deadlines, memory.tasks, memory.queue)
        return Step(unmoved, given.at)
    work = _Work(given, memory, recorded.subject, ground)
    if stops:
        if kind is RelationshipPaused:
            work.freeze()
        else:
            work.thaw()
    work.take(state, reaction)
    return work.step()


def on_deadline(worker: AnyWorker, key: str, name: str, ground: Ground, memory: Memory) -> Step:
    """A deadline has run out; the reaction happens at its due time."""
    deadline = memory.deadlines[name]
    assert deadline.frozen_at is None, "a frozen deadline does not run out"
    given = given_at(ground, key, deadline.due_at)
    work = _Work(given, memory, deadline.evidence_of, ground)
    work.drop(name, "fired")
    work.take(*worker.due(memory.state, deadline, given))
    return work.step()


class _Work:
    """A step in the making. Deadlines and tasks are copied when the first of them changes: there may be thousands."""

    __slots__ = (
        "before",
        "deadlines",
        "evidence_of",
        "given",
        "ground",
        "history",
        "key",
        "own_deadlines",
        "own_tasks",
        "receipts",
        "settled",
        "state",
        "task_changes",
        "tasks",
    )

    def __init__(self, given: Given, memory: Memory, subject: str, ground: Ground) -> None:
        key = given.key
        self.key, self.given, self.ground = key, given, ground
        # Evidence is of the relationship where the key is one, whatever else set the worker going.
        self.evidence_of = key if given.relation is not None and given.relation.subject == key else subject
        self.state, self.before = memory.state, memory
        self.deadlines, self.tasks = memory.deadlines, memory.tasks
        self.own_deadlines: dict[str, Deadline] | None = None
        self.own_tasks: dict[str, Task] | None = None
        self.receipts: list[DecisionReceipt] = []
        self.history: list[DeadlineChange] = []
        self.task_changes: list[TaskChange] = []
        self.settled: list[Settled] = []

    def step(self) -> Step:
        memory = Memory(self.state, self.deadlines, self.tasks, self.in_order())
        return Step(
            memory,
            self.given.at,
            tuple(self.receipts),
            tuple(self.history),
            tuple(self.task_changes),
            tuple(dict.fromkeys(self.settled)) if len(self.settled) > 1 else tuple(self.settled),
        )

    def note(self, change: Change, deadline: Deadline) -> None:
        self.history.append(DeadlineChange(change, deadline, self.given.at))

    def in_order(self) -> tuple[tuple[datetime, str], ...]:
        """The running deadlines after the changes, each of which is taken out and put in with a search."""
        if self.before.queue is None:
            return running(self.deadlines)
        if not self.history:
            return self.before.queue
        queue = list(self.before.queue)
        for name in {change.deadline.name for change in self.history}:
            old, new = self.before.deadlines.get(name), self.deadlines.get(name)
            if old is not None and old.frozen_at is None:
                del queue[bisect_left(queue, (old.due_at, name))]
            if new is not None and new.frozen_at is None:
                insort(queue, (new.due_at, name))
        return tuple(queue)

    def changing_deadlines(self) -> dict[str, Deadline]:
        if self.own_deadlines is None:
            self.deadlines = self.own_deadlines = dict(self.deadlines)
        return self.own_deadlines

    def changing_tasks(self) -> dict[str, Task]:
        if self.own_tasks is None:
            self.tasks = self.own_tasks = dict(self.tasks)
        return self.own_tasks

    def put(self, change: Change, deadline: Deadline) -> None:
        self.changing_deadlines()[deadline.name] = deadline
        self.note(change, deadline)

    def drop(self, name: str, change: Change) -> None:
        if name in self.deadlines:
            self.note(change, self.changing_deadlines().pop(name))

    def freeze(self) -> None:
        """A pause stops the deadlines that run only outside pauses."""
        for deadline in list(self.deadlines.values()):
            if deadline.freezes and deadline.frozen_at is None:
                self.put("frozen", deadline._replace(frozen_at=self.given.at))

    def thaw(self) -> None:
        """Resumption moves them by as long as they stood still."""
        for deadline in list(self.deadlines.values()):
            if deadline.frozen_at is not None:
                stood = max(self.given.at - deadline.frozen_at, timedelta(0))
                self.put("moved", deadline._replace(due_at=deadline.due_at + stood, frozen_at=None))

    def take(self, state: State, reaction: Reaction) -> None:
        self.state = state
        for decision in reaction:
            for effect in decision.effects:
                self.effect(effect, decision)
            outward = [effect for effect in decision.effects if isinstance(effect, OUTWARD)]
            if outward:
                terms = {name: self.given.term(name) for name in decision.terms}
                receipt = DecisionReceipt(
                    len(self.receipts), decision.clauses, decision.evidence, self.evidence_of, terms, tuple(outward)
                )
                self.receipts.append(receipt)

    def effect(self, effect: Effect, decision: Decision) -> None:
        match effect:
            case Arm():
                self.settled.append(Settled(effect.name))
                self.arm(effect, decision)
            case Cancel():
                self.settled.append(Settled(effect.name))
                self.drop(effect.name, "cancelled")
            case OpenTask():
                self.open(effect, decision)
            case CloseTask():
                self.settled.append(Settled(effect.id))
                self.close(effect.id)
            case Over():
                self.settled.append(Settled(None, effect.keep))
                for name in [name for name in self.deadlines if name not in effect.keep]:
                    self.drop(name, "cancelled")
                for task in [task for task in self.tasks if task not in effect.keep]:
                    self.close(task)
            case Send() | Notify():
                pass
            case _:
                assert_never(effect)

    def arm(self, effect: Arm, decision: Decision) -> None:
        name, due_at, freezes = effect
        known = self.deadlines.get(name)
        if known is not None and known.due_at == due_at and known.freezes == freezes:
            return
        paused = freezes and self.given.relation is not None and self.given.relation.status == "paused"
        deadline = Deadline(
            name=name,
            due_at=due_at,
            clauses=decision.clauses,
            evidence=decision.evidence,
            evidence_of=self.evidence_of,
            freezes=freezes,
            frozen_at=self.given.at if paused else None,
        )
        self.put("armed" if known is None else "moved", deadline)

    def close(self, task_id: str) -> None:
        if task_id in self.tasks:
            task = self.changing_tasks().pop(task_id)
            self.task_changes.append(TaskChange(task, opened=False, at=self.given.at))

    def open(self, effect: OpenTask, decision: Decision) -> None:
        if effect.id in self.tasks:
            return
        subject = effect.subject or self.key
        task = Task(
            id=effect.id,
            kind=effect.kind,
            subject=subject,
            clauses=decision.clauses,
            since=self.given.at,
            due=effect.due,
            evidence=decision.evidence,
            evidence_of=self.evidence_of,
            settled_by=effect.settled_by,
            about=effect.about,
            owner=effect.owner,
            **self.people(subject),
        )
        self.changing_tasks()[effect.id] = task
        self.task_changes.append(TaskChange(task, opened=True, at=self.given.at))

    def people(self, subject: str) -> dict[str, str | None]:
        """Programme, mentee and mentor of what a task is about, as far as they are known."""
        relation = relation_of(self.ground, subject) or self.given.relation
        if relation is not None:
            return {
                "programme_id": relation.programme_id,
                "mentee_id": relation.mentee_id,
                "mentor_id": relation.mentor_id,
            }
        fact = self.ground.fact(subject)
        if isinstance(fact, Mentor):
            return {"programme_id": fact.programme_id, "mentor_id": subject.partition(":")[2]}
        return {"mentor_id": fact.mentor_id} if isinstance(fact, Case) else {}
