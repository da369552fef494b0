"""All that is held about a person, for a request of access: what, why, from whom, who got it, until when, how scores come about.

What is the person's own is shown with its words. The words of others are protected: in their place stands which class they are
of and the clause that keeps them. What somebody reported in confidence is withheld, as it is from every reader who may not know.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from domain.codes.implements import implements
from domain.commitment.policy import POLICY, SIGNALS
from domain.ids import MACHINES, key
from domain.model import Actor, AnyRecorded, Event, Holds
from domain.person.state import Person
from domain.registry import kind_of, replay
from domain.relationship import events as e
from domain.relationship.state import Relationship
from domain.sharing.answer import may_read
from domain.sharing.cells import RowName, clause_of
from domain.sharing.question import OF_STATE, Fact, Reader
from domain.terms import values
from domain.words import DATA_CLASSES, NAMED_ROLES, ROLES, DataClass
from infra.notifications.outbox import ready
from infra.projection_engine.engine import Engine
from infra.queries.as_at import NOW, Asked, counting, state_of
from infra.queries.attempts import attempts
from infra.queries.health import assess_one
from infra.queries.health import shown as health_shown
from infra.queries.sealed import Fields, Judge, is_gone, is_words, judged
from infra.queries.sharing import Matter, matter_of, without_reason
from infra.queries.subject import ENTRY
from infra.queries.tasks import Chosen, open_tasks
from infra.store.log import EventStore
from infra.store.reads import Read, reads_of, record_reads
from infra.store.session import as_time

Shown = dict[str, Any]
CLAUSE: Final = "pentalog.data-visible"
# Each purpose with the classes of data that serve it (pentalog.data-visible names the first three).
PURPOSES: Final[tuple[tuple[str, tuple[DataClass, ...]], ...]] = (
    (
        "improve the mentoring",
        ("attendance", "schedule", "time_spent", "goal_presence", "goal_types", "goal_outcomes", "goals", "challenges",
         "session_content", "process_improvement", "feedback", "process"),
    ),
    ("propose services", ("nps_score", "nps_comment", "testimonial", "success_story")),
    ("improve the fit of mentor and mentee", ("assessment", "profile", "goal_types", "feedback")),
    ("bring two people together and run their programme", ("identity", "contact_details", "operational", "schedule")),
    ("keep people safe, and deal with what goes wrong", ("safeguarding",)),
)  # fmt: skip
# Where data goes by the way Rapport works, whatever a person agreed to.
STANDING_RECIPIENTS: Final = (
    ("analyst", "datasets with facts and figures, under pseudonyms and without anybody's words"),
    (
        "service",
        "the topic rapport.events: facts with ids, without anybody's words and without what is confidential in itself",
    ),
)
LOGIC: Final = (
    "Mentee and mentor each start at 100 and lose the points of the signals that hold for them; the score of the relationship is the "
    "lower of the two, less the points of its own signals. The score falls into a band. Facts alone are counted, by fixed rules: no "
    "words are read and nothing is learned from people. A score leads to a conversation with the coordinator; it decides nothing."
)
CONFIDENTIAL: Final = (
    "What others reported or disclosed in confidence, and what is made of it in a conduct case, is withheld from everybody who may "
    "not know of it. This answer does not say whether there is any."
)
_REPORTS: Final = frozenset({"trust_breakdown", "disrespect"})


class Held(NamedTuple):
    """A subject that has to do with the person: its events, and the roles in which it names them."""

    subject: str
    events: list[AnyRecorded]
    roles: tuple[str, ...]
    matter: Matter | None


@implements("pentalog.data-visible")
def person_data(store: EventStore, engine: Callable[[], Engine], person: str, now: datetime, by: str) -> Shown | None:
    """All that is held about a person, by id; None where nothing names them. That `by` reads the person's words is put on record.

    Raises:
        UnknownEvent: An event is of a newer Rapport.
    """
    person = _first_spelling(store, person)
    held = list(_held(store, engine, person, now))
    tried = [each for each in attempts(store.database, None) if _is(person, each["actor"])]
    if not held and not tried:
        return None
    seen = [_Seen(person, each) for each in held]
    readers = [read._asdict() for each in seen for read in each.readers(store)]
    record_reads(
        store.database,
        [
            Read(now, by, each.held.subject, version, data_class, CLAUSE, "subject access")
            for each in seen
            for version, data_class in sorted(each.opened)
            if each.recorded[version].actor != by
        ],
    )
    return {
        "person": person,
        "made_at": now,
        "clause": CLAUSE,
        "entry": _entry(store, person),
        "held": [one for each in seen if (one := each.shown())],
        "refused": tried,
        "purposes": _purposes(seen),
        "sources": _sources(seen),
        "recipients": [recipient for each in seen for recipient in each.recipients()] + _standing_recipients(),
        "may_read": [one for each in seen if (one := each.may_read())],
        "readers": readers,
        "retention": [one for each in seen if (one := each.retention())],
        "scores": _scores(store, seen, now),
        "tasks": [*(task for each in seen for task in each.tasks(store)), *_unregistered(store, person, held)],
        "notifications": _notifications(store, person),
        "withheld": {"sealed": "safeguarding", "clause": "care.disclosure", "why": CONFIDENTIAL},
    }


def _shown_task(task: Shown) -> Shown:
    return {name: task[name] for name in ("subject", "kind", "clauses", "since", "due", "settled_by")}


def _unregistered(store: EventStore, person: str, held: Collection[Held]) -> list[Shown]:
    """The open tasks of a mentor of whom there are no events but those of their mentees."""
    subject = f"mentor:{person}"
    if any(each.subject == subject for each in held):
        return []
    return [_shown_task(task) for task in open_tasks(store.database, Chosen(owner="mentor", subject=subject))]


def _entry(store: EventStore, person: str) -> Shown | None:
    """The person's own entry as it is now, and whether their data may be used; None where there is none."""
    state = replay(f"person:{person}", store.read(f"person:{person}"))
    if not isinstance(state, Person):
        return None
    entry = {name: getattr(state, name) for name in ENTRY}
    shown = {name: {"erased": ENTRY[name]} if is_gone(value) else value for name, value in entry.items()}
    return shown | {"restricted": state.restricted}


def _first_spelling(store: EventStore, text: str) -> str:
    """The id of a person as the record knows it, written alone or behind a role."""
    id_ = text.rpartition(":")[2]
    folded = key("person", id_)
    return store.spellings([folded]).get(folded, id_)


def _is(person: str, actor: str) -> bool:
    role, _, id_ = actor.partition(":")
    return id_.lower() == person.lower() and role not in MACHINES


# --- what has to do with the person -----------------------------------------------------------------------------------
def _held(store: EventStore, engine: Callable[[], Engine], person: str, now: datetime) -> Iterator[Held]:
    for subject in store.subjects_naming(person):
        events = store.read(subject)
        if (kind := kind_of(subject)) != "relationship":
            own = subject in (f"mentor:{person}", f"person:{person}")
            yield Held(subject, events, (kind,) if own else (), None)
            continue
        state = state_of(counting(events))
        roles = tuple(role for role in NAMED_ROLES if isinstance(state, Relationship) and state.named(role) == person)
        reader = Reader(roles[0], person) if roles else Reader("coordinator", person)
        yield Held(subject, events, roles, matter_of(store, engine, subject, reader, NOW, now))


class _Seen:
    """One subject as the person may see it."""

    def __init__(self, person: str, held: Held) -> None:
        self.person, self.held = person, held
        self.recorded = {each.version: each for each in held.events}
        self.state = held.matter.situation.state if held.matter else None
        role = held.roles[0] if held.roles else None
        self.reader = Reader(role, person) if role in NAMED_ROLES else None
        # The person's words that are shown, by version and class.
        self.opened: set[tuple[int, DataClass]] = set()
        self.entries = [entry for each in held.events if (entry := self._entry(each))]
        # The events that the person may see, which everything else here is drawn from.
        self.open = [self.recorded[entry["version"]] for entry in self.entries if "withheld" not in entry]

    def shown(self) -> Shown | None:
        """The subject with its events; None where nothing in it concerns the person."""
        if not self.entries:
            return None
        shown: Shown = {
            "subject": self.held.subject,
            "kind": kind_of(self.held.subject),
            "roles": list(self.held.roles),
        }
        if self.state is not None and self.held.roles:
            shown |= {"programme_id": self.state.programme_id, "state": self.state.status}
        return shown | {"events": self.entries}

    # --- one event ---
    def _entry(self, recorded: AnyRecorded) -> Shown | None:
        """An event as the person may see it; None where it does not concern them."""
        fact = self.held.matter.fact(recorded.version) if self.held.matter else None
        mine = _is(self.person, recorded.actor)
        if fact is not None and fact.knowers is not None and not self._knows(fact, mine=mine):
            return self._withheld(recorded, fact) if self._is_party else None
        if not (mine or self._is_party or self._concerns(recorded)):
            return None
        if self.held.subject.startswith("case:") and not mine:
            # A case gives a report away.
            return None
        entry = {
            "version": recorded.version,
            "type": f"rapport.{type(recorded.data).__name__}",
            "occurred_at": recorded.occurred_at,
            "recorded_at": recorded.recorded_at,
            "actor": recorded.actor,
            "source": recorded.source,
            "data": self._data(recorded, fact),
        }
        corrected = self.state.corrected.get(recorded.version) if self.state else None
        return entry | ({"corrected_by": corrected} if corrected else {})

    @property
    def _is_party(self) -> bool:
        """Whether all of it is about the person: their mentoring, or their own entry."""
        return bool({"mentee", "mentor", "person"} & set(self.held.roles))

    def _knows(self, fact: Fact, *, mine: bool) -> bool:
        """Whether the person may know of something confidential: they said it, or it was told to them in some role."""
        assert fact.knowers is not None
        return mine or any(_is(self.person, each) for each in fact.knowers)

    def _concerns(self, recorded: AnyRecorded) -> bool:
        """Whether an event names the person, or is one that their part lets them see of somebody else's mentoring."""
        if type(recorded.data) in OF_STATE and self.held.roles:
            return True
        text = recorded.data.model_dump_json()
        return f'"{self.person}"' in text or f':{self.person}"' in text

    def _withheld(self, recorded: AnyRecorded, fact: Fact) -> Shown:
        assert self.held.matter is not None
        reader = self.reader or Reader("mentee", self.person)
        answer = may_read(self.held.matter.situation, reader, "operational", fact)
        return {
            "version": recorded.version,
            "occurred_at": recorded.occurred_at,
            "recorded_at": recorded.recorded_at,
            "withheld": {"sealed": "operational", "clause": answer.clause},
        }

    def _data(self, recorded: AnyRecorded, fact: Fact | None) -> Fields:
        data = recorded.data.model_dump(mode="json", exclude_none=True)
        corrects = recorded.data.version if isinstance(recorded.data, e.FactCorrected) else recorded.version
        original = self.recorded.get(corrects, recorded)
        shown = judged(
            recorded.data, data, self._judge(recorded, recorded, fact), self._judge(recorded, original, fact)
        )
        if self.held.matter is None:
            return shown
        return without_reason(self.held.matter, self.reader or Reader("mentee", self.person), recorded, shown)

    def _judge(self, recorded: AnyRecorded, author: AnyRecorded, fact: Fact | None) -> Judge:
        def judge(held: Holds, value: Any) -> Any:
            if is_words(held) and not is_gone(value) and self._is_own(held, author.actor, value):
                self.opened.add((recorded.version, held.data_class))
            if self._is_own(held, author.actor, value) or (not is_words(held) and self._may_see(held.data_class, fact)):
                return value
            return {"sealed": held.data_class, "clause": self._clause(held.data_class, fact)}

        return judge

    def _may_see(self, data_class: DataClass, fact: Fact | None) -> bool:
        """Whether the person may see facts of a class that are not theirs; outside their own mentorings they see what they sent."""
        if self.held.matter is None or self.reader is None:
            return True
        return may_read(self.held.matter.situation, self.reader, data_class, fact).allowed

    def _is_own(self, held: Holds, actor: str, value: Any) -> bool:
        """Whether what a field holds is the person's: their words, or what is theirs no matter who wrote it down."""
        match held.whose:
            case "author" | "fact":
                return _is(self.person, actor)
            case "mentee" | "mentor":
                if self.state is not None:
                    return self.state.named(held.whose) == self.person
                return held.whose in self.held.roles
            case "named":
                return bool(value == self.person)
            case "subject":
                return "person" in self.held.roles
            case "record":
                return True

    def _clause(self, data_class: DataClass, fact: Fact | None) -> str | None:
        """The clause that keeps others' words: that of the answer to the person, else the one that speaks about the class."""
        if self.held.matter is None:
            return None
        situation = self.held.matter.situation
        if self.reader is not None:
            answer = may_read(situation, self.reader, data_class, fact)
            if not answer.allowed and answer.clause:
                return answer.clause
        row: RowName = "sensitive" if fact and fact.sensitive and data_class == "session_content" else data_class
        return clause_of(row, self.reader.role if self.reader else "coordinator", None, situation.codes)

    # --- who gets it, and until when ---
    def recipients(self) -> Iterator[Shown]:
        """To whom the person's data went or may go by what they themselves, or both, agreed, and what was disclosed."""
        subject = self.held.subject
        for recorded in self.open:
            event, of = recorded.data, {"subject": subject, "version": recorded.version, "at": recorded.occurred_at}
            mine = _is(self.person, recorded.actor)
            match event:
                case e.ConsentGranted() | e.ConsentWithdrawn() if mine:
                    how = "consent" if isinstance(event, e.ConsentGranted) else "consent withdrawn"
                    yield of | {
                        "how": how,
                        "to": event.audience,
                        "data_classes": [event.data_class],
                        "until": event.until,
                    }
                case e.ConfidentialityAgreed() if self._is_party:
                    for term in event.shared:
                        yield of | {
                            "how": "agreed confidentiality",
                            "to": term.audience,
                            "data_classes": [term.data_class],
                        }
                case e.ReportingAgreed() if self._is_party:
                    yield of | {"how": "agreed reporting", "to": event.with_whom, "data_classes": list(event.outputs)}
                case e.ReportShared() if self._is_party:
                    yield of | {"how": "report", "to": event.with_whom, "data_classes": self._outputs(event.with_whom)}
                case e.ContactDetailsShared() if mine:
                    yield of | {
                        "how": "shared by the person",
                        "to": "the other party",
                        "data_classes": ["contact_details"],
                    }
                case e.ConfidenceDisclosed():
                    yield of | {"how": "disclosure", "to": event.recipient, "data_classes": ["safeguarding"]}
                case _:
                    pass

    def _outputs(self, with_whom: str) -> list[str]:
        reporting = self.state.reporting.get(with_whom) if self.state else None
        return sorted(reporting.outputs) if reporting else []

    def may_read(self) -> Shown | None:
        """Which classes of this mentoring each role may see now, as the matrix has it."""
        if self.held.matter is None or not {"mentee", "mentor"} & set(self.held.roles):
            return None
        situation = self.held.matter.situation
        named = situation.parties
        readers = [
            Reader(role, named.get(role) or "")
            for role in ROLES
            if role != "worker" and (role not in named or named[role])
        ]
        found = {
            reader.role: [each for each in DATA_CLASSES if may_read(situation, reader, each).allowed]
            for reader in readers
        }
        return {"subject": self.held.subject, "roles": {role: classes for role, classes in found.items() if classes}}

    def retention(self) -> Shown | None:
        """Until when the records are kept."""
        state = self.state
        if state is None or not self.held.roles:
            return None
        of: Shown = {"subject": self.held.subject, "retained_until": state.retained_until}
        if state.retained_until is not None:
            return of | {"why": "the records were secured until this day", "clause": _adopted(state, "cmn.records")}
        days = int(values(state.known.terms)["retention_days"])
        to_come = f"until {days} days after its end, which has not come"
        return of | {
            "why": f"until {days} days after the end" if state.ended_at else to_come,
            "clause": _adopted(state, "cmn.records"),
        }

    def readers(self, store: EventStore) -> list[Read]:
        """Who read the person's words."""
        mine = {version for version, _ in self.opened}
        return [each for each in reads_of(store.database, self.held.subject) if each.version in mine]

    def tasks(self, store: EventStore) -> Iterator[Shown]:
        """The open tasks that are the person's to do."""
        for task in open_tasks(store.database, Chosen(subject=self.held.subject)) if self.held.roles else ():
            if task["owner"] in self.held.roles and task["about"] in (None, self.person, *self.held.roles):
                yield _shown_task(task)

    @property
    def knows_all_reports(self) -> bool:
        """Whether nothing of this mentoring is withheld from the person."""
        return not any("withheld" in entry for entry in self.entries)


def _adopted(state: Relationship, clause: str) -> str | None:
    return clause if clause.partition(".")[0] in state.codes else None


# --- why, from whom, to whom -------------------------------------------------------------------------------------------
def _purposes(seen: Iterable[_Seen]) -> list[Shown]:
    """Each purpose with the classes that are held for it."""
    held = {data_class for each in seen for recorded in each.open for data_class in _classes(type(recorded.data))}
    found = [(purpose, [each for each in classes if each in held]) for purpose, classes in PURPOSES]
    return [{"purpose": purpose, "data_classes": classes, "clause": CLAUSE} for purpose, classes in found if classes]


def _classes(event: type[Event]) -> set[DataClass]:
    found: set[DataClass] = {"operational"}
    for field in event.model_fields.values():
        for part in [*field.metadata, *getattr(field.annotation, "__metadata__", ())]:
            if isinstance(part, Holds):
                found.add(part.data_class)
    return found


def _sources(seen: Iterable[_Seen]) -> list[Shown]:
    """Through which services, and from which roles, the events came, and how many."""
    counts = Counter((recorded.source, Actor.parse(recorded.actor).role) for each in seen for recorded in each.open)
    return [{"source": source, "role": role, "events": count} for (source, role), count in sorted(counts.items())]


def _standing_recipients() -> list[Shown]:
    return [{"how": "by the way Rapport works", "to": to, "what": what} for to, what in STANDING_RECIPIENTS]


def _scores(store: EventStore, seen: Iterable[_Seen], now: datetime) -> Shown:
    """How a score comes about, and the scores of the person's mentorings."""
    defaults = values(())
    current = [
        _score(health_shown(found), each)
        for each in seen
        if each.state is not None
        and {"mentee", "mentor"} & set(each.held.roles)
        and (found := assess_one(store, each.held.subject, Asked(now)))
    ]
    return {
        "policy": POLICY,
        "logic": LOGIC,
        "signals": {
            signal: {name: value for name, value in defaults.items() if name.startswith(f"points_{signal}")}
            for signal in SIGNALS
        },
        "bands": {name.removeprefix("band_"): value for name, value in defaults.items() if name.startswith("band_")},
        "now": current,
    }


def _score(health: Shown, seen: _Seen) -> Shown:
    """A score, unless it would tell of a report that the person may not know of."""
    answers = {
        name: health[name]
        for name in ("relationship_id", "as_of", "score", "band", "mentee_score", "mentor_score", "signals")
    }
    if seen.knows_all_reports or not any(signal["signal"] in _REPORTS for signal in health["signals"]):
        return answers
    mark = {"sealed": "operational", "clause": None}
    return {name: value if name in ("relationship_id", "as_of") else mark for name, value in answers.items()}


def _notifications(store: EventStore, person: str) -> list[Shown]:
    """What Rapport told the person, also what was for them alone."""
    if not ready(store.database):
        return []
    recipients = [f"{role}:{person.lower()}" for role in ROLES]
    marks = ", ".join("?" * len(recipients))
    rows = store.database.query(
        "SELECT created_at, subject, template, status, channel FROM notifications "  # noqa: S608 - only marks
        f"WHERE LOWER(recipient) IN ({marks}) ORDER BY created_at, id",
        recipients,
    )
    return [
        {"created_at": as_time(at), "subject": subject, "template": template, "status": status, "channel": channel}
        for at, subject, template, status, channel in rows
    ]
