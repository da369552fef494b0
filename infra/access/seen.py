"""One relationship as a reader sees it: state, history, health, decisions and tasks, each judged by the matrix of sharing.

That trouble was reported is confidential by itself. For those who may not know, everything is worked out as if the report had
not happened: no open recommendation, no points lost, no band that fell, no task. The history alone shows that something is
withheld, since versions count it.

Who may read is decided by how things are now: a consent that was withdrawn opens nothing, whatever time is asked about.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, cast

from domain.ids import is_id
from domain.model import AnyRecorded, Event, Holds
from domain.relationship import events as e
from domain.sharing import confidential
from domain.sharing.answer import UNKNOWN, Answer, may_know, may_know_all, may_read, secret
from domain.sharing.question import Reader, Situation
from domain.words import DATA_CLASSES, NAMED_ROLES, ROLES, DataClass, Role
from infra.access.standing import KNOWERS, Asker
from infra.projection_engine.engine import Engine
from infra.queries import tasks as task_queries
from infra.queries.as_at import END, NOW, Asked, Moment, counting, state_of
from infra.queries.health import Assessed, assess_one
from infra.queries.health import shown as health_shown
from infra.queries.history import history
from infra.queries.preview import data_as, data_in, nothing, seen_by
from infra.queries.reading import Reading, read_content
from infra.queries.sealed import is_words, judged_fields
from infra.queries.sharing import Matter, Question, matter_of
from infra.queries.subject import show_relationship, show_subject
from infra.queries.subject_words import holding, with_words
from infra.store.log import EventStore
from infra.store.read_once import ReadOnce

Shown = dict[str, Any]
Ask = Callable[[DataClass], Answer]

# What shown fields hold that are not operational: of a session, of a goal, of the whole.
_OF_SESSION: Final[Mapping[str, DataClass]] = {
    "status": "attendance",
    "starts_at": "schedule",
    "minutes": "schedule",
    "reschedules": "schedule",
    "late_moves": "schedule",
    "channel": "schedule",
}
_OF_GOAL: Final[Mapping[str, DataClass]] = {"status": "goal_outcomes", "type": "goal_types"}
_OF_WHOLE: Final[Mapping[str, DataClass]] = {
    "plan": "schedule",
    "planned_sessions": "schedule",
    "completed_sessions": "attendance",
    "next_session": "schedule",
    "awaiting_outcome": "attendance",
}
# A line manager sees state and dates, and the reporting that was agreed.
_STATE: Final = (
    "id",
    "kind",
    "state",
    "version",
    "programme_id",
    "mentee_id",
    "mentor_id",
    "line_manager_id",
    "codes",
)
_TIMES: Final = frozenset({"starts_at", "ended_at", "started_at", "until"})
_PERSONS: Final = ("mentee_id", "mentor_id", "customer_id", "line_manager_id", "supplier_id")

DECISIONS: Final[frozenset[Role]] = frozenset({"coordinator", "supplier", "hr", "auditor"})


class Seen:
    """A relationship as somebody sees it who stands in it (`standing.stands_in`)."""

    def __init__(
        self, store: ReadOnce, engine: Callable[[], Engine], asker: Asker, matter: Matter, now: datetime
    ) -> None:
        self.store, self.asker, self.now = store, asker, now
        self._engine = engine
        self._matter = matter
        self.subject = matter.situation.state.subject

    @classmethod
    def of(
        cls, store: EventStore, engine: Callable[[], Engine], asker: Asker, subject: str, now: datetime
    ) -> "Seen | None":
        """The relationship as it is recorded now, or None where there is none.

        Raises:
            UnknownEvent: An event is of a newer Rapport.
        """
        once = ReadOnce(store, store.kept_streams)
        matter = matter_of(once, engine, subject, asker.reader, NOW, now)
        return None if matter is None else cls(once, engine, asker, matter, now)

    def ask(self, data_class: DataClass) -> Answer:
        """Whether the reader may see a class of data, as it is shown to them."""
        return may_read(self._matter.situation, self.asker.reader, data_class)

    @property
    def situation(self) -> Situation:
        """The situation of the relationship, to ask the matrix about."""
        return self._matter.situation

    @property
    def shows_state(self) -> bool:
        """Whether state and dates are for the reader to see: hr who was told something, with no case of theirs, reads that alone."""
        return self.ask("operational").allowed

    @property
    def zone(self) -> str:
        """The time zone of its programme."""
        return self._matter.zone

    @property
    def last_version(self) -> int:
        """The version of its last event."""
        return max(self._matter.events)

    @property
    def last_at(self) -> datetime:
        """When the latest of its events occurred; a clock that runs fast may have told of it before."""
        return max(event.occurred_at for event in self._matter.events.values())

    @cached_property
    def withheld(self) -> frozenset[int]:
        """The versions of the events of which the reader may not know what they are."""
        matter, reader = self._matter, self.asker.reader
        if may_know_all(matter.situation, reader):
            return frozenset()
        found = ((version, matter.fact(version)) for version in matter.events)
        return frozenset(
            version for version, fact in found if fact is not None and not may_know(matter.situation, reader, fact)
        )

    # --- state ---------------------------------------------------------------------------------------------------------
    def show(self, moment: Moment) -> Shown | None:
        """The relationship at a moment; None when there was none by then."""
        shown = self._told(moment)
        if shown is None:
            return None
        # Versions are what messages expect and confirm, so they stay those of the record.
        shown["version"] = max(event.version for event in self._matter.events.values() if moment.holds(event))
        if self.asker.role == "line_manager":
            return self._state(shown)
        shown |= {name: self._judged(shown[name], data_class) for name, data_class in _OF_WHOLE.items()}
        shown["sessions"] = [self._each(session, _OF_SESSION) for session in shown["sessions"]]
        shown["goals"] = self._judged([self._each(goal, _OF_GOAL) for goal in shown["goals"]], "goal_presence")
        shown["agreements"] = self._agreements(shown["agreements"])
        if self.asker.role == "auditor":
            # A pseudonym is kept where lists and datasets are; here the role says who it was.
            shown = {name: _roles_alone(value) for name, value in shown.items()}
            shown |= {name: self._mark("identity") for name in _PERSONS if shown[name] is not None}
        if moment.version is None:
            shown["health"] = self.health(moment)
        shown["tasks"] = self.tasks() if moment == NOW else []
        return shown

    def _told(self, moment: Moment) -> Shown | None:
        """The state at a moment, told as if what is withheld had not happened."""
        if moment == NOW and not self.withheld:
            counted = list(self._matter.counted.values())
            return show_relationship(self.store, self._matter.situation.state, counted, moment, self.now)
        return show_subject(self.store, self.subject, moment, self.now, self.withheld)

    def _counted(self, moment: Moment) -> list[AnyRecorded]:
        """The events that count at a moment, without those that are withheld."""
        counted = self._matter.counted.values() if moment == NOW else counting(self.store.read(self.subject), moment)
        return [event for event in counted if event.version not in self.withheld]

    def _state(self, shown: Shown) -> Shown:
        reporting = [each for each in shown["agreements"]["reporting"] if each["with_whom"] == "line_manager"]
        return {name: shown[name] for name in _STATE} | {"agreements": {"reporting": reporting}}

    def _each(self, of: Shown, classes: Mapping[str, DataClass]) -> Shown:
        return of | {name: self._judged(of[name], data_class) for name, data_class in classes.items()}

    def _judged(self, value: Any, data_class: DataClass) -> Any:
        return value if self.ask(data_class).allowed else self._mark(data_class)

    def _mark(self, data_class: DataClass) -> Shown:
        return {"sealed": data_class, "clause": self.ask(data_class).clause}

    def _agreements(self, agreed: Shown) -> Shown:
        """The agreements in force, without anybody's words."""

        def judge(held: Holds, value: Any) -> Any:
            return self._mark(held.data_class) if is_words(held) else self._judged(value, held.data_class)

        def of(model: type[Event], one: Shown | None) -> Shown | None:
            if one is None:
                return None
            fields = {name: value for name, value in one.items() if name in model.model_fields and name != "version"}
            return one | judged_fields(model, fields, judge)

        return agreed | {
            "plan": of(e.PlanAgreed, agreed["plan"]),
            "confidentiality": of(e.ConfidentialityAgreed, agreed["confidentiality"]),
            "reporting": [of(e.ReportingAgreed, each) for each in agreed["reporting"]],
            "contracting": [of(e.ContractingConversationRecorded, each) for each in agreed["contracting"]],
        }

    def show_with_words(self, moment: Moment, why: str | None) -> Shown | None:
        """The same with the words that belong into it: sealed, or where there is a reason as the reader may see them.

        That they were read is put on record.

        Raises:
            StoreError: It can't be put on record; then nothing is shown.
        """
        shown = self.show(moment)
        if shown is None:
            return None
        events = holding(self._counted(moment))
        return with_words(shown, events, self._words(events, why))

    def words_of(self, versions: Collection[int], why: str | None) -> dict[int, Shown]:
        """The data of some events by version: their words sealed, or where there is a reason as the reader may see them.

        Raises:
            StoreError: It can't be put on record that they were read; then nothing is shown.
        """
        wanted = set(versions) - self.withheld
        return self._words([event for event in self.store.read(self.subject) if event.version in wanted], why)

    def _words(self, events: Sequence[AnyRecorded], why: str | None) -> dict[int, Shown]:
        reader = self.asker.reader
        if why is None:
            return data_in(self._matter, reader, events)
        return read_content(self.store, self._engine, Reading.by_caller(reader, why), self.subject, self.now, events)

    # --- the rest ------------------------------------------------------------------------------------------------------
    def history(self, moment: Moment, why: str | None = None) -> list[Shown]:
        """The events that count at a moment: their content sealed, or where there is a reason as the reader may see it.

        That it was read is put on record.

        Raises:
            StoreError: It can't be put on record; then nothing is shown.
        """
        entries = self._entries(moment)
        if why is None:
            return entries
        known = {entry["version"] for entry in entries} - self.withheld
        words = self._words([event for event in self.store.read(self.subject) if event.version in known], why)
        return [entry | {"data": words[entry["version"]]} if entry["version"] in words else entry for entry in entries]

    def _entries(self, moment: Moment) -> list[Shown]:
        reader = self.asker.reader
        entries = [seen_by(self._matter, reader, entry) for entry in history(self.store, self.subject, moment, nothing)]
        # Who was told something and sees nothing else does not see either how much else there is.
        return entries if self.shows_state else [entry for entry in entries if entry["type"] is not None]

    def health(self, moment: Moment) -> Shown | None:
        """Commitment health at a moment; None when there was no relationship by then."""
        found = self.assessed(moment)
        if found is None:
            return None
        shown = health_shown(found)
        if self.asker.role == "auditor":
            shown["mentor_id"] = self._mark("identity")
        return shown

    def assessed(self, moment: Moment, terms: Mapping[str, float] | None = None) -> Assessed | None:
        """The same, with how it came about; under other `terms` as it would be.

        Raises:
            ImpossibleTerms: Under these terms the bands would be out of order.
        """
        asked = Asked(moment.as_of or self._time_of(moment.version) or self.now, moment.known_at)
        last = END if moment.version is None else moment.version
        return assess_one(self.store, self.subject, asked, terms, self.withheld, last)

    def _time_of(self, version: int | None) -> datetime | None:
        """The time by which everything had occurred that the reader may know of up to a version."""
        if version is None:
            return None
        known = (each for each in self._matter.events.values() if each.version not in self.withheld)
        return max((each.occurred_at for each in known if each.version <= version), default=None)

    def tasks(self) -> list[Shown]:
        """The open tasks of the relationship that are for the reader to know."""
        found = task_queries.open_tasks(self.store.database, task_queries.Chosen(subject=self.subject))
        return [task for task in found if may_see_task(self.asker, task)]

    def decisions(self, moment: Moment = NOW) -> list[Shown]:
        """What workers had decided about the relationship by a moment, as far as the reader may know of it."""
        found = task_queries.decisions(self.store.database, self.subject)
        if moment != NOW:
            found = [each for each in found if self._was_decided(each, moment)]
        if self.asker.role not in KNOWERS:
            found = [each for each in found if not self._is_confidential(each)]
        if not self.ask("schedule").allowed:
            found = [each | {"effects": [_without_times(effect) for effect in each["effects"]]} for each in found]
        if self.asker.role != "auditor":
            return found
        state = self._matter.situation.state
        persons = {id_: role for role in NAMED_ROLES if (id_ := getattr(state, f"{role}_id"))}
        return [{name: _roles_alone(value, persons) for name, value in each.items()} for each in found]

    def _was_decided(self, decision: Shown, moment: Moment) -> bool:
        """Whether it was decided by then, on evidence that was known by then."""
        times = (moment.as_of, moment.known_at, self._time_of(moment.version))
        if any(time is not None and datetime.fromisoformat(decision["at"]) > time for time in times):
            return False
        events = self._matter.events if decision["evidence_of"] == self.subject else {}
        return all(moment.knows(events[version]) for version in decision["evidence"] if version in events)

    def _is_confidential(self, decision: Shown) -> bool:
        if decision["worker"] in confidential.WORKERS:
            return True
        of_this = decision["evidence_of"] == self.subject
        return of_this and not self.withheld.isdisjoint(decision["evidence"])

    # --- sharing -------------------------------------------------------------------------------------------------------
    def can_share(self, question: Question, to: Reader, moment: Moment, engine: Callable[[], Engine]) -> Answer:
        """Whether `to` may see a class of data at a moment, as far as this reader may know why."""
        if self.asker.role in KNOWERS or to == self.asker.reader:
            matter = matter_of(self.store, engine, self.subject, to, moment, self.now)
            return UNKNOWN if matter is None else matter.answer(to, *question)
        if question.version in self.withheld:
            return secret(self._matter.situation.codes)
        # The answer for somebody else must not give away what they were told, or that there is a case.
        matter = matter_of(self.store, engine, self.subject, to, moment, self.now)
        known = None if matter is None else self._known(matter)
        return UNKNOWN if known is None else known.answer(to, *question)

    def matrix(self, roles: Iterable[Role]) -> dict[Role, dict[DataClass, Answer]]:
        """What each of these roles may see now, class by class, as far as this reader may know why.

        Roles that the relationship names nobody for are left out.
        """
        known = self._known(self._matter)
        if known is None:
            return {}
        parties = known.situation.parties
        readers = [Reader(role, parties.get(role) or "") for role in roles if role not in parties or parties[role]]
        return {
            cast("Role", reader.role): {each: may_read(known.situation, reader, each) for each in DATA_CLASSES}
            for reader in readers
        }

    def _known(self, matter: Matter) -> Matter | None:
        counted = {version: event for version, event in matter.counted.items() if version not in self.withheld}
        state = state_of(_in_order(counted))
        if not isinstance(state, type(matter.situation.state)):
            return None
        events = {version: event for version, event in matter.events.items() if version not in self.withheld}
        return matter._replace(
            situation=matter.situation._replace(state=state, in_case=False), events=events, counted=counted
        )


def _roles_alone(value: Any, persons: Mapping[str, str] = MappingProxyType({})) -> Any:
    """A value with the role in the place of every `role:id`, and of the ids of these persons, whose roles are given."""
    match value:
        case dict():
            return {name: _roles_alone(each, persons) for name, each in value.items()}
        case list() | tuple():
            return [_roles_alone(each, persons) for each in value]
        case str():
            role, colon, id_ = value.partition(":")
            return role if colon and role in ROLES and is_id(id_) else persons.get(value, value)
        case _:
            return value


def _without_times(effect: Shown) -> Shown:
    """What a worker sent, without the times of sessions."""
    kept = {name: value for name, value in effect.items() if name not in _TIMES}
    if isinstance(parameters := effect.get("parameters"), dict):
        kept["parameters"] = {name: value for name, value in parameters.items() if name not in _TIMES}
    return kept


def _in_order(events: Mapping[int, AnyRecorded]) -> Sequence[AnyRecorded]:
    return [events[version] for version in sorted(events)]


def words_for(
    store: EventStore,
    engine: Callable[[], Engine],
    subject: str,
    reader: Reader,
    events: Sequence[AnyRecorded],
    now: datetime,
    why: str | None,
) -> dict[int, Shown]:
    """The data of events by version: their words sealed, or where there is a reason as the reader may see them.

    Raises:
        StoreError: That they were read can't be put on record; then nothing is shown.
    """
    if why is None:
        return data_as(store, engine, subject, reader, events, now)
    return read_content(store, engine, Reading.by_caller(reader, why), subject, now, events)


def may_see_task(asker: Asker, task: Mapping[str, Any]) -> bool:
    """Whether a task is for somebody to know: the office sees those of its programmes, everybody else their own.

    Auditors and services see which tasks are open, but for those that give a report away.
    """
    role, id_ = asker.reader
    if task["kind"] in confidential.TASKS and (task["about"] or "").rpartition(":")[2].lower() == id_.lower():
        # Whom a case is about does not learn of it here, whatever their role.
        return False
    match role:
        case "mentee" | "mentor":
            named: str = task[f"{role}_id"] or task["subject"].removeprefix(f"{role}:")
            return bool(task["owner"] == role and named.lower() == id_.lower())
        case "coordinator":
            return asker.covers(task["programme_id"])
        case "hr" | "supplier":
            return task["owner"] == role and asker.covers(task["programme_id"])
        case "auditor" | "service":
            return task["kind"] not in confidential.TASKS and asker.covers(task["programme_id"])
        case _:
            return False
