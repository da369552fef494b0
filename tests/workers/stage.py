"""The kit in which workers are told: what happens, what they then send, whom they tell, what is left to do.

    stage = Stage("pentalog").active()
    stage.happens(TrustBreakdownReported(description="…"), on=3, by="mentee")
    assert stage.sent(RecommendShutdown)
    stage.passes(11)
    assert stage.recorded(RecommendationEscalated)

Everything is in memory: the workers' desk, and a record in which the domain's own rules decide about what they send.
Days are counted from `START`; `happens` records an event as it is, `says` asks the rules first.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Self, TypeVar

from domain.mentor.state import Mentor
from domain.model import Actor, AnyRecorded, Command, Context, Event, Finding, Known, Recorded
from domain.problem import Refused
from domain.programme.state import Programme
from domain.registry import State, decide, evolve, replay
from domain.relationship import events as e
from domain.relationship.corrections import History
from tests.given_when_then import IDS, SUBJECT, actor, day, proposed
from workers.catalogue import WORKERS
from workers.correction import effect_key
from workers.desk import Desk, Done, Fired, KeyState, Past
from workers.ground import Relation
from workers.model import AnyWorker, Notify, Send, Task
from workers.step import DecisionReceipt, running
from workers.timeline import ring, take

MENTOR = f"mentor:{IDS['mentor']}"
C = TypeVar("C", bound=Command)
E = TypeVar("E", bound=Event)


class Blank(Desk):
    """A desk with nothing behind it but the log, of which `read` events were read."""

    def __init__(self, workers: Iterable[AnyWorker], log: Sequence[AnyRecorded] = ()) -> None:
        super().__init__(tuple(workers))
        self.log, self.read = log, 0
        self.fired: list[tuple[str, Fired]] = []
        self.effects: dict[str, dict[str, list[str]]] = {}

    def load(self, key: str) -> KeyState:
        del key
        return KeyState()

    def past(self, correction: AnyRecorded) -> Past:
        key = correction.subject
        seen = [(place, recorded) for place, recorded in enumerate(self.log[: self.read], start=1)]
        own = [recorded for _, recorded in seen if recorded.subject == key]
        history = History.of(own)
        before = History.of([recorded for recorded in own if recorded.version < correction.version])
        places = {recorded.version: place for place, recorded in seen if recorded.subject == key}
        now = [(place, recorded) for place, recorded in seen if recorded.subject != key]
        now += [(places[recorded.version], recorded) for recorded in history.counted]
        now.sort(key=lambda each: each[0])
        changed = history.changed_since(before) | {type(correction.data)}
        return Past(
            now,
            [fired for where, fired in self.fired if where == key],
            self.effects.get(key, {}),
            {},
            (correction.version,),
            changed,
        )

    def keep(self, done: Done) -> None:
        super().keep(done)
        memory = done.step.memory
        assert memory.queue is None or memory.queue == running(memory.deadlines)
        effects = [effect for receipt in done.step.receipts for effect in receipt.effects]
        texts = [effect_key(effect) for effect in effects if isinstance(effect, Send | Notify)]
        self.effects.setdefault(done.key, {}).setdefault(done.worker, []).extend(texts)
        self.fired += [
            (done.key, Fired(self.read, done.worker, change.deadline.name, change.deadline.due_at))
            for change in done.step.deadlines
            if change.change == "fired"
        ]

    def members(self, programme: str) -> tuple[str, ...]:
        id_ = programme.partition(":")[2]
        facts = (entry.fact for entry in self.entries.values())
        return tuple(sorted(f.subject for f in facts if isinstance(f, Relation) and f.programme_id == id_))


class Note(NamedTuple):
    """A notification: when, to whom, by which template, with what."""

    at: datetime
    recipient: str
    template: str
    parameters: dict[str, Any]


class Sent(NamedTuple):
    """A command that a worker sent, and what the rules said."""

    at: datetime
    worker: str
    subject: str
    command: Command
    accepted: bool


class Stage:
    """One relationship (more, if wanted) with all workers, or some, looking on."""

    def __init__(self, *codes: str, workers: Iterable[AnyWorker] = WORKERS, propose: bool = True) -> None:
        self.log: list[AnyRecorded] = []
        self.desk = Blank(workers, self.log)
        self.states: dict[str, State] = {}
        self.notes: list[Note] = []
        self.receipts: list[tuple[Done, DecisionReceipt]] = []
        self.all_sent: list[Sent] = []
        self.done: list[Done] = []
        self._waiting: list[tuple[Done, Send]] = []
        self.now = day(0)
        if propose:
            self.happens(proposed(*codes))

    # --- what happens ----------------------------------------------------------------------------------------------
    def active(self, on: float = 0) -> Self:
        """Activated, whatever the gates say."""
        return self.happens(e.RelationshipActivated(), on=on)

    def happens(self, *events: Event, on: float | None = None, by: str = "coordinator", subject: str = SUBJECT) -> Self:
        """Events are recorded that many days after START (by default now), without asking the rules."""
        at = self.now if on is None else day(on)
        for event in events:
            self._record(subject, event, at, str(actor(by)))
        return self._settle()

    def says(self, command: Command, *, by: str, on: float | None = None, subject: str = SUBJECT) -> Self:
        """A command is sent; the rules must accept it."""
        at = self.now if on is None else day(on)
        assert self._decide(subject, command, at, actor(by)), f"refused: {command}"
        return self._settle()

    def tries(self, command: Command, *, by: str) -> int | None:
        """A command is sent now; the version of its event, 0 when it recorded none, None when the rules refuse it."""
        before = len(self.log)
        if not self._decide(SUBJECT, command, self.now, actor(by)):
            return None
        version = self.log[before].version if len(self.log) > before else 0
        self._settle()
        return version

    def passes(self, until: float) -> Self:
        """Time passes until that day: deadlines fire in order, what they send is done before the next one."""
        end = day(until)
        while True:
            due = [(entry.due, key) for key, entry in self.desk.entries.items() if entry.due and entry.due.at <= end]
            if not due:
                break
            first, key = min(due)
            self.now = max(self.now, first.at)
            ring(self.desk, key)
            self._settle()
        self.now = max(self.now, end)
        return self

    # --- what came of it -------------------------------------------------------------------------------------------
    def sent(self, command: type[C]) -> list[C]:
        """The commands of a type that workers sent and the rules accepted."""
        return [sent.command for sent in self.all_sent if isinstance(sent.command, command) and sent.accepted]

    def recorded(self, event: type[E], subject: str | None = None) -> list[E]:
        """The events of a type in the record."""
        wanted = (r for r in self.log if subject in (None, r.subject))
        return [recorded.data for recorded in wanted if isinstance(recorded.data, event)]

    def told(self, template: str) -> list[str]:
        """Who was told by a template, in order."""
        return [note.recipient for note in self.notes if note.template == template]

    def tasks(self, kind: str | None = None) -> list[Task]:
        """The open tasks, of one kind or all."""
        memories = (memory for entry in self.desk.entries.values() for memory in entry.memories.values())
        return [task for memory in memories for task in memory.tasks.values() if kind in (None, task.kind)]

    def clauses(self, template: str) -> tuple[str, ...]:
        """The clauses of the latest decision to tell somebody by a template."""
        for _, receipt in reversed(self.receipts):
            if any(isinstance(effect, Notify) and effect.template == template for effect in receipt.effects):
                return receipt.clauses
        raise AssertionError(f"nobody was told by {template}")

    def deadlines(self) -> dict[str, datetime]:
        """The running deadlines, "worker:name" to due time."""
        return {
            f"{worker}:{name}": deadline.due_at
            for entry in self.desk.entries.values()
            for worker, memory in entry.memories.items()
            for name, deadline in memory.deadlines.items()
            if deadline.frozen_at is None
        }

    def nothing(self) -> bool:
        """Whether no worker sent, told or asked for anything."""
        return not (self.notes or self.all_sent or self.tasks())

    # --- the record ------------------------------------------------------------------------------------------------
    def _record(
        self,
        subject: str,
        event: Event,
        at: datetime,
        who: str,
        known: Known | None = None,
        message: str = "",
        findings: tuple[Finding, ...] = (),
    ) -> None:
        state = self.states.get(subject)
        version = 1 + sum(recorded.subject == subject for recorded in self.log)
        self.now = max(self.now, at)
        recorded: AnyRecorded = Recorded(
            subject=subject, version=version, occurred_at=at, recorded_at=self.now, actor=who, known=known, data=event,
            source="/stage" if message else "", message_id=message, findings=findings or None,
        )  # fmt: skip
        self.log.append(recorded)
        if isinstance(event, e.FactCorrected):
            after = replay(subject, [each for each in self.log if each.subject == subject])
            assert after is not None, "a fact on record is corrected"
            self.states[subject] = after
        else:
            self.states[subject] = evolve(state, recorded)

    def _decide(self, subject: str, command: Command, at: datetime, who: Actor) -> bool:
        state = self.states.get(subject)
        try:
            context = Context(who, at, self.now, self._known(state, at), history=lambda: self._history(subject))
            accepted = decide(subject, state, command, context)
        except Refused:
            return False
        message = f"m{len(self.log)}"
        findings = accepted.findings
        for event in accepted.events:
            self._record(subject, event, at, str(who), message=message, findings=findings)
            findings = ()
        return True

    def _history(self, subject: str) -> list[AnyRecorded]:
        return [recorded for recorded in self.log if recorded.subject == subject]

    def _known(self, state: State | None, at: datetime) -> Known:
        mentor = self.states.get(f"mentor:{getattr(state, 'mentor_id', '')}")
        programme = self.states.get(f"programme:{getattr(state, 'programme_id', '')}")
        terms = programme.settings_at(at) if isinstance(programme, Programme) else ()
        standing = mentor.standing_in(getattr(state, "programme_id", None)) if isinstance(mentor, Mentor) else "good"
        zone = programme.timezone if isinstance(programme, Programme) and programme.timezone != "UTC" else None
        return Known(mentor_standing=standing, terms=terms, timezone=zone)

    def _settle(self) -> Self:
        """Until nothing is left: workers see what was recorded, and what they send is decided."""
        while self.desk.read < len(self.log) or self._collect():
            if self.desk.read < len(self.log):
                recorded = self.log[self.desk.read]
                self.desk.read += 1
                take(self.desk, recorded, self.now)
                continue
            waiting, self._waiting = self._waiting, []
            for done, send in waiting:
                at = min(done.trigger.at, self.now)
                accepted = self._decide(send.subject, send.command, at, Actor("worker", done.worker))
                self.all_sent.append(Sent(at, done.worker, send.subject, send.command, accepted))
        return self

    def _collect(self) -> bool:
        """Take the steps off the desk; whether commands wait."""
        for done in self.desk.done:
            self.done.append(done)
            for receipt in done.step.receipts:
                self.receipts.append((done, receipt))
                for effect in receipt.effects:
                    if isinstance(effect, Send):
                        self._waiting.append((done, effect))
                    elif isinstance(effect, Notify):
                        note = Note(done.step.at, effect.recipient, effect.template, dict(effect.parameters))
                        self.notes.append(note)
        self.desk.done.clear()
        return bool(self._waiting)
