"""A corrected fact: what a worker keeps about its relationship is made again from the effective history.

The walk goes once more through everything that was seen at the key, with the corrections applied: deadlines that fired fire
where they fired, others as they run out. What comes of it is compared with what was kept. Tasks without a reason close, new ones
open, deadlines are armed, moved and cancelled; what nobody was sent yet is sent now, because of the correction. What was
sent stays sent: a person who was told something by mistake reads the correction in the record.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from json import dumps
from typing import Any, Final, NamedTuple

from domain.model import AnyRecorded, Event
from workers.desk import Desk, Fired, Past, Trigger, sees_at
from workers.ground import LISTENS, Fact, Ground, Relation, known_after
from workers.model import AnyWorker, Change, Deadline, Notify, OpenTask, Send, Task
from workers.step import (
    STOPPING,
    DeadlineChange,
    DecisionReceipt,
    Memory,
    Settled,
    Step,
    TaskChange,
    given_at,
    on_deadline,
    on_event,
)

WITHHELD: Final = "withheld"


def effect_key(effect: Send | Notify) -> str:
    """A command or notification as a text by which it is known again, whenever it was sent."""
    if isinstance(effect, Send):
        data = effect.command.model_dump(mode="json", exclude_none=True)
        return _text(type(effect.command).__name__, effect.subject, data)
    return _text(effect.template, WITHHELD if effect.alone else effect.recipient, dict(effect.parameters))


def stored_effect_key(receipt: Mapping[str, Any]) -> str | None:
    """The same text of an effect as its receipt describes it; None for a task."""
    if "command" in receipt:
        return _text(receipt["command"], receipt["subject"], receipt["data"])
    return _text(receipt["template"], receipt["recipient"], receipt["parameters"]) if "template" in receipt else None


def _text(*parts: Any) -> str:
    return dumps(parts, sort_keys=True)


def refold(worker: AnyWorker, correction: AnyRecorded, past: Past, desk: Desk, memory: Memory) -> Step:
    """What a correction leads to at its relationship: the step from what was kept to what the effective history gives."""
    walk = _Walk(worker, correction.subject, desk)
    walk.go(past, correction.occurred_at)
    return _difference(correction, past, memory, walk)


def is_concerned(worker: AnyWorker, past: Past) -> bool:
    """Whether a correction may change anything for a worker: it listens for an event that counts otherwise, or all stand on one."""
    return not past.changed.isdisjoint(_heard(worker))


def _heard(worker: AnyWorker) -> frozenset[type[Event]]:
    return worker.listens | STOPPING | LISTENS


class _Made(NamedTuple):
    """A step of the walk, what set it going, and the position at which that was."""

    trigger: str
    position: int
    step: Step


class _Walk(Ground):
    """One worker at one key, from the first event on. Facts are folded along; those of other subjects stand as they are."""

    def __init__(self, worker: AnyWorker, key: str, desk: Desk) -> None:
        self.worker, self.key, self._desk = worker, key, desk
        self.memory = Memory(worker.blank)
        self.made: list[_Made] = []
        self._facts: dict[str, Fact | None] = {}
        self._position = 0

    def fact(self, subject: str) -> Fact | None:
        return self._facts[subject] if subject in self._facts else self._desk.fact(subject)

    def members(self, programme: str) -> tuple[str, ...]:
        fact = self.fact(self.key)
        if isinstance(fact, Relation):
            return (self.key,) if f"programme:{fact.programme_id}" == programme else ()
        return self._desk.members(programme)

    def go(self, past: Past, until: datetime) -> None:
        """Through the events in order, and the deadlines in between, up to a time."""
        self._facts = dict.fromkeys(recorded.subject for _, recorded in past.seen)
        fired = [each for each in past.fired if each.worker == self.worker.name]
        heard = _heard(self.worker)
        place = 0
        for position, recorded in past.seen:
            self._position = position
            while place < len(fired) and fired[place].position < position:
                self._fire_again(fired[place])
                place += 1
            self._pass_time(recorded.occurred_at)
            if type(recorded.data) in heard:
                self._see(recorded)
        self._pass_time(until)

    def _fire_again(self, fired: Fired) -> None:
        """A deadline that fired here fires here again, if it runs."""
        if deadline := self.memory.running_at(fired.name, fired.due_at):
            self._fire(deadline)

    def _see(self, recorded: AnyRecorded) -> None:
        subject, before = recorded.subject, self.fact(recorded.subject)
        self._facts[subject] = known_after(before, recorded)
        if self.key in sees_at(self.worker, recorded, self) and (
            type(recorded.data) in self.worker.listens or self.memory.may_freeze
        ):
            given = given_at(self, self.key, recorded.occurred_at, subject)
            self._keep(f"{subject}/{recorded.version}", on_event(self.worker, given, recorded, self, self.memory))

    def _pass_time(self, until: datetime) -> None:
        while (deadline := self.memory.next_due()) is not None and deadline.due_at < until:
            self._fire(deadline)

    def _fire(self, deadline: Deadline) -> None:
        trigger = Trigger(self.key, deadline.due_at, deadline=deadline.name)
        self._keep(trigger.id, on_deadline(self.worker, self.key, deadline.name, self, self.memory))

    def _keep(self, trigger: str, step: Step) -> None:
        self.memory = step.memory
        self.made.append(_Made(trigger, self._position, step))


# --- the difference --------------------------------------------------------------------------------------------------
def _difference(correction: AnyRecorded, past: Past, before: Memory, walk: _Walk) -> Step:
    at, after = correction.occurred_at, walk.memory
    deadlines = tuple(_deadline_changes(before.deadlines, after.deadlines, at))
    tasks = tuple(_task_changes(before.tasks, after.tasks, at))
    opened = {change.task.id for change in tasks if change.opened}
    gone = [change.deadline.name for change in deadlines if change.change == "cancelled"]
    gone += [change.task.id for change in tasks if not change.opened and change.task.id not in opened]
    state = before.state if before.state == after.state else after.state
    return Step(
        Memory(state, after.deadlines, after.tasks),
        at,
        tuple(_receipts(correction, past, walk, opened)),
        deadlines,
        tasks,
        tuple(Settled(name) for name in gone),
    )


def _deadline_changes(
    before: Mapping[str, Deadline], after: Mapping[str, Deadline], at: datetime
) -> Iterator[DeadlineChange]:
    for name in sorted(before.keys() | after.keys()):
        was, is_ = before.get(name), after.get(name)
        if was != is_:
            change: Change = "cancelled" if is_ is None else "armed" if was is None else "moved"
            found = is_ or was
            assert found is not None, "one of them has it"
            yield DeadlineChange(change, found, at)


def _task_changes(before: Mapping[str, Task], after: Mapping[str, Task], at: datetime) -> Iterator[TaskChange]:
    """A task that stands otherwise now is closed and opened anew: what it rests on is another fact."""
    for name, task in before.items():
        if after.get(name) != task:
            yield TaskChange(task, opened=False, at=at)
    for name, task in after.items():
        if before.get(name) != task:
            yield TaskChange(task, opened=True, at=at)


def _receipts(correction: AnyRecorded, past: Past, walk: _Walk, opened: set[str]) -> Iterator[DecisionReceipt]:
    """The decisions of the walk, reduced to what is new; the corrections are part of their evidence.

    A worker that joined later sends nothing about what lies before.
    """
    made, worker = walk.made, walk.worker.name
    since, left = past.since.get(worker, 0), Counter(past.effects.get(worker, ()))
    opening = {
        effect.id: (place, receipt.number)
        for place, each in enumerate(made)
        for receipt in each.step.receipts
        for effect in receipt.effects
        if isinstance(effect, OpenTask) and effect.id in opened
    }
    own = f"{correction.subject}/{correction.version}"
    number = 0
    for place, each in enumerate(made):
        for receipt in each.step.receipts:
            new: list[Send | Notify | OpenTask] = []
            for effect in receipt.effects:
                if isinstance(effect, OpenTask):
                    if opening.get(effect.id) == (place, receipt.number):
                        new.append(effect)
                elif left[what := effect_key(effect)] > 0:
                    left[what] -= 1
                elif each.position < since:
                    continue
                elif isinstance(effect, Send):
                    purpose = effect.purpose if each.trigger == own else f"{effect.purpose} of {each.trigger}"
                    new.append(Send(effect.subject, effect.command, purpose))
                elif _still_true(effect, made[place + 1 :], correction.occurred_at):
                    new.append(effect)
            if new:
                yield receipt._replace(number=number, evidence=_evidence(receipt, correction, past), effects=tuple(new))
                number += 1


def _evidence(receipt: DecisionReceipt, correction: AnyRecorded, past: Past) -> tuple[int, ...]:
    if receipt.evidence_of != correction.subject:
        return receipt.evidence
    return (*receipt.evidence, *(version for version in past.corrections if version not in receipt.evidence))


def _still_true(note: Notify, later: Sequence[_Made], at: datetime) -> bool:
    """Whether a notification of the walk still says something: it is not too late, and its matter was not settled since."""
    if note.until is not None and note.until <= at:
        return False
    matters = (settled for each in later for settled in each.step.settled)
    return note.of is None or not any(
        note.of == settled.name or (settled.name is None and note.of not in settled.keep) for settled in matters
    )
