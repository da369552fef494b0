"""Everything the workers keep, by key: the facts they stand on, their states, their deadlines and tasks.

In memory, filled through `load` as keys are asked for. The runtime puts a database behind it, tests put nothing behind it.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from domain.model import AnyRecorded, Event
from workers.ground import Fact, Ground
from workers.model import AnyWorker, Deadline, of_relationship
from workers.step import STOPPING, Memory, Step


def sees_at(worker: AnyWorker, recorded: AnyRecorded, ground: Ground) -> Iterable[str]:
    """The keys at which a worker sees an event; a pause that it doesn't listen for stops its deadlines all the same."""
    kind = type(recorded.data)
    if kind not in worker.listens:
        return (recorded.subject,) if kind in STOPPING else ()
    keys = worker.keys(recorded, ground)
    return [key for key in keys if _adopted(worker, key, ground)] if worker.under else keys


def receivers(workers: Iterable[AnyWorker], recorded: AnyRecorded, ground: Ground) -> list[tuple[AnyWorker, str]]:
    """Who of these workers sees an event, and at which key, in order."""
    # Asked once for all the workers whose key is the relationship.
    usual, kind = of_relationship(recorded, ground), type(recorded.data)
    found: list[tuple[AnyWorker, str]] = []
    for worker in workers:
        if worker.keys is of_relationship and not worker.under and kind in worker.listens:
            if usual:
                found.append((worker, usual[0]))
        else:
            found += [(worker, key) for key in sees_at(worker, recorded, ground)]
    return found


def _adopted(worker: AnyWorker, key: str, ground: Ground) -> bool:
    relation = ground.relation(key)
    return relation is not None and not worker.under.isdisjoint(relation.codes)


class Trigger(NamedTuple):
    """What set a worker going: an event (a version of a subject's stream), or a deadline of a key."""

    subject: str
    at: datetime
    version: int | None = None
    deadline: str | None = None

    @property
    def id(self) -> str:
        """A name for it that is the same in every run."""
        if self.version is not None:
            return f"{self.subject}/{self.version}"
        return f"{self.subject}#{self.deadline}@{self.at.isoformat()}"


class Done(NamedTuple):
    """One step that was made."""

    worker: str
    key: str
    trigger: Trigger
    step: Step
    cause: AnyRecorded | None = None


class Fired(NamedTuple):
    """A deadline of a key that fired, after all events up to a position and before the next."""

    position: int
    worker: str
    name: str
    due_at: datetime


class Past(NamedTuple):
    """What came about at a key: the events seen there as they count now, with their positions, and the deadlines that fired.

    By worker: what was sent (`workers.correction.effect_key`), and the position from which on it has reacted. `corrections` are the
    versions of those that are taken up now, `changed` the kinds of the events that count otherwise because of them.
    """

    seen: Sequence[tuple[int, AnyRecorded]]
    fired: Sequence[Fired] = ()
    effects: Mapping[str, Sequence[str]] = {}
    since: Mapping[str, int] = {}
    corrections: tuple[int, ...] = ()
    changed: frozenset[type[Event]] = frozenset()


class Due(NamedTuple):
    """The deadline of a key that runs out first; sorts in the order in which deadlines fire."""

    at: datetime
    place: int
    name: str


@dataclass(slots=True)
class KeyState:
    """What is kept about one key: the fact, and each worker's memory by name.

    `unread`: states as they were kept, by worker, until the worker is asked. Of the workers with a state at a key few are at a time;
    a memory before that has the deadlines and tasks, and no state.
    """

    fact: Fact | None = None
    memories: dict[str, Memory] = field(default_factory=dict)
    due: Due | None = None
    unread: dict[str, str] = field(default_factory=dict)


class Desk(Ground):
    """The entries by key, and the steps made since they were last taken away (`done`).

    `lets_run_out`: deadlines fire as they run out; else the one who has the desk says when each fires.
    """

    lets_run_out = True

    def __init__(self, workers: Sequence[AnyWorker]) -> None:
        self.workers = tuple(workers)
        self.entries: dict[str, KeyState] = {}
        self.done: list[Done] = []
        self._workers_by_event: dict[type[Event], tuple[AnyWorker, ...]] = {}
        self._places = {worker.name: place for place, worker in enumerate(self.workers)}
        self._blank = {worker.name: Memory(worker.blank) for worker in self.workers}

    @abstractmethod
    def load(self, key: str) -> KeyState:
        """What was kept about a key before."""

    @abstractmethod
    def past(self, correction: AnyRecorded) -> Past:
        """What came about at the relationship of a correction, up to the correction and including it."""

    def keeps(self, key: str) -> bool:
        """Whether workers are to be asked about a key here, at present: others may be asked elsewhere."""
        del key
        return True

    def hear(self, key: str, subject: str) -> None:
        """Note that events of a subject are seen at a key of another name."""

    def entry(self, key: str) -> KeyState:
        """What is kept about a key."""
        found = self.entries.get(key)
        if found is None:
            found = self.entries[key] = self.load(key)
            self.find_next_due(key)
        return found

    def fact(self, subject: str) -> Fact | None:
        return self.entry(subject).fact

    def workers_for(self, kind: type[Event]) -> tuple[AnyWorker, ...]:
        """The workers that receive events of a kind: those that listen, and every worker for a pause or a resumption."""
        found = self._workers_by_event.get(kind)
        if found is None:
            found = tuple(worker for worker in self.workers if kind in worker.listens or kind in STOPPING)
            self._workers_by_event[kind] = found
        return found

    def learn(self, subject: str, fact: Fact | None) -> None:
        """Keep a fact."""
        self.entry(subject).fact = fact

    def memory(self, worker: AnyWorker, key: str) -> Memory:
        """A worker's memory of a key; a blank one before the first event."""
        return self.entry(key).memories.get(worker.name) or self._blank[worker.name]

    def make(
        self, worker: AnyWorker, key: str, trigger: Trigger, step: Callable[[Memory], Step], cause: AnyRecorded | None
    ) -> None:
        """Make one step and keep what comes of it. `cause` is the event, if it was one."""
        memory = self.memory(worker, key)
        made = step(memory)
        if made.changes(memory.state):
            self.keep(Done(worker.name, key, trigger, made, cause))

    def keep(self, done: Done) -> None:
        """Keep what a step left behind."""
        self.remember(done)
        self.done.append(done)

    def remember(self, done: Done) -> None:
        """Take over the memory that a step left behind."""
        self.entry(done.key).memories[done.worker] = done.step.memory
        if done.step.deadlines:
            self.find_next_due(done.key)

    def due_at(self, key: str) -> tuple[AnyWorker, Deadline] | None:
        """The deadline of a key that runs out first, and whose it is."""
        entry = self.entry(key)
        if entry.due is None:
            return None
        worker = self.workers[entry.due.place]
        return worker, entry.memories[worker.name].deadlines[entry.due.name]

    def rests(self, worker: AnyWorker, key: str) -> bool:
        """Whether a worker is not to be asked about a key at present."""
        del worker, key
        return False

    def find_next_due(self, key: str) -> None:
        """Find the deadline of a key that runs out first."""
        entry = self.entries[key]
        entry.due = None
        for name, memory in entry.memories.items():
            place = self._places.get(name)
            if place is None or not memory.deadlines or self.rests(self.workers[place], key):
                continue
            if deadline := memory.next_due():
                due = Due(deadline.due_at, place, deadline.name)
                entry.due = due if entry.due is None else min(entry.due, due)
