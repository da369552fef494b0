"""The record in order: one event after the other, and between them the deadlines that ran out meanwhile.

Each key has its own time: before a worker receives an event, the deadlines of its keys that were due before it fire. So a record
read in one go leads to the same as one followed as it grew, whatever else stands between its events in the log. An
event at the very moment of a deadline comes first: an answer on the last day is in time. A correction changes what was seen
before it: see `workers.correction`.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import NamedTuple

from domain.model import AnyRecorded
from domain.relationship.events import FactCorrected
from workers.correction import is_concerned, refold
from workers.desk import Desk, Trigger, receivers
from workers.ground import Fact, Ground, known_after
from workers.model import AnyWorker, Deadline, Given
from workers.step import given_at, on_deadline, on_event


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
    if isinstance(recorded.data, FactCorrected):
        _correct(desk, recorded, until)
    else:
        give(desk, recorded, until)


class Sight(NamedTuple):
    """That a worker sees an event at a key, and what is given there at that time."""

    worker: AnyWorker
    key: str
    trigger: Trigger
    given: Given
    recorded: AnyRecorded


def give(desk: Desk, recorded: AnyRecorded, until: datetime) -> None:
    """As `take`, of a history in which corrections are applied already: one of them is an event like any other."""
    for sight in sights(desk, recorded, until):
        react(desk, sight)


def react(desk: Desk, sight: Sight) -> None:
    """Let a worker react to what it sees, if it is concerned."""
    worker, key, trigger, given, recorded = sight
    # A pause concerns a worker that doesn't listen only if one of its deadlines stops.
    concerned = type(recorded.data) in worker.listens or desk.memory(worker, key).may_freeze
    if concerned and not desk.rests(worker, key):
        desk.make(worker, key, trigger, partial(on_event, worker, given, recorded, desk), recorded)


def sights(desk: Desk, recorded: AnyRecorded, until: datetime) -> list[Sight]:
    """Who sees an event where, in order, once the deadlines that were due before it have fired and what it says is known."""
    subject, kind = recorded.subject, type(recorded.data)
    before = desk.fact(subject)
    after = known_after(before, recorded)
    ground = desk if after is before else _After(desk, subject, after)
    receiving = [
        (worker, key) for worker, key in receivers(desk.workers_for(kind), recorded, ground) if desk.keeps(key)
    ]
    if desk.lets_run_out:
        own = {subject: None} if desk.keeps(subject) else {}
        pass_time(desk, own | {key: None for _, key in receiving}, min(recorded.occurred_at, until))
    if after is not before:
        desk.learn(subject, after)
    trigger = Trigger(subject, recorded.occurred_at, version=recorded.version)
    given, found = None, list[Sight]()
    for worker, key in receiving:
        if key != subject:
            desk.hear(key, subject)
        if given is None or given.key != key:
            given = given_at(desk, key, recorded.occurred_at, subject)
        found.append(Sight(worker, key, trigger, given, recorded))
    return found


def _correct(desk: Desk, recorded: AnyRecorded, until: datetime) -> None:
    """Give a correction to every worker that it concerns: what each keeps about the relationship is made again.

    Of several corrections in a row the last may be given alone: it takes up those before it.
    """
    key = recorded.subject
    if not desk.keeps(key):
        return
    pass_time(desk, (key,), min(recorded.occurred_at, until))
    past = desk.past(recorded)
    trigger = Trigger(key, recorded.occurred_at, version=recorded.version)
    for worker in desk.workers:
        if is_concerned(worker, past) and not desk.rests(worker, key):
            desk.make(worker, key, trigger, partial(refold, worker, recorded, past, desk), recorded)


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
