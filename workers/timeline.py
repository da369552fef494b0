"""The record in order: one event after the other, and between them the deadlines that ran out meanwhile.

Each key has its own time: before a worker receives an event, the deadlines of its keys that were due before it fire. So a record
read in one go leads to the same as one followed as it grew, whatever else stands between its events in the log. An
event at the very moment of a deadline comes first: an answer on the last day is in time.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from domain.model import AnyRecorded
from workers.desk import Desk, Trigger
from workers.ground import LISTENS, Fact, Ground, fold
from workers.model import AnyWorker, Deadline
from workers.step import on_deadline, on_event


class _After(Ground):
    """The ground as an event leaves it."""

    def __init__(self, ground: Ground, subject: str, fact: Fact | None) -> None:
        self._ground, self._subject, self._fact = ground, subject, fact

    def fact(self, subject: str) -> Fact | None:
        return self._fact if subject == self._subject else self._ground.fact(subject)

    def members(self, programme: str) -> tuple[str, ...]:
        return self._ground.members(programme)


def take(desk: Desk, recorded: AnyRecorded, until: datetime) -> None:
    """Give an event to every worker, after the deadlines that were due before it, and before `until`, have fired."""
    subject, kind = recorded.subject, type(recorded.data)
    before = desk.fact(subject)
    after = fold(before, recorded) if kind in LISTENS else before
    ground = desk if after is before else _After(desk, subject, after)
    receiving = [(worker, key) for worker in desk.workers_for(kind) for key in _keys(worker, recorded, ground)]
    pass_time(desk, dict.fromkeys([subject, *(key for _, key in receiving)]), min(recorded.occurred_at, until))
    if after is not before:
        desk.learn(subject, after)
    trigger = Trigger(subject, recorded.occurred_at, version=recorded.version)
    for worker, key in receiving:
        # A pause concerns a worker that doesn't listen only if one of its deadlines stops.
        concerned = kind in worker.listens or desk.memory(worker, key).may_freeze
        if concerned and not desk.rests(worker, key):
            desk.make(worker, key, trigger, partial(on_event, worker, key, recorded, desk), recorded)


def _keys(worker: AnyWorker, recorded: AnyRecorded, ground: Ground) -> Iterable[str]:
    """The keys at which a worker sees an event; a pause that it doesn't listen for stops its deadlines all the same."""
    if type(recorded.data) not in worker.listens:
        return (recorded.subject,)
    keys = worker.keys(recorded, ground)
    return [key for key in keys if _adopted(worker, key, ground)] if worker.under else keys


def _adopted(worker: AnyWorker, key: str, ground: Ground) -> bool:
    relation = ground.relation(key)
    return not worker.under or (relation is not None and not worker.under.isdisjoint(relation.codes))


def pass_time(desk: Desk, keys: Iterable[str], until: datetime) -> None:
    """Fire the deadlines of these keys that are due before a time, in the order in which they are due."""
    keys = tuple(keys)
    while True:
        due = [(entry.due, key) for key in keys if (entry := desk.entry(key)).due and entry.due.at < until]
        if not due:
            return
        ring(desk, min(due)[1])


def ring(desk: Desk, key: str) -> None:
    """Fire the deadline of a key that runs out first."""
    found = desk.due_at(key)
    assert found is not None, "something is due"
    worker, deadline = found
    fire(desk, worker, key, deadline)


def fire(desk: Desk, worker: AnyWorker, key: str, deadline: Deadline) -> None:
    """Fire one deadline of a worker at a key."""
    trigger = Trigger(key, deadline.due_at, deadline=deadline.name)
    desk.make(worker, key, trigger, partial(on_deadline, worker, key, deadline.name, desk), None)
