"""Who may see what of a relationship: the matrix of sharing, asked with everything that the record says about it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from domain.calendar import local_day
from domain.ids import MACHINES, key
from domain.model import AnyRecorded, Event
from domain.programme.state import Programme
from domain.relationship.events import RelationshipTerminated
from domain.relationship.state import Relationship
from domain.sharing.answer import NO_EVENT, UNKNOWN, Answer, may_know, may_read, secret
from domain.sharing.confidential import ENDINGS
from domain.sharing.question import Fact, Reader, Situation, fact_of, situation
from domain.words import DataClass
from infra.projection_engine.engine import Engine
from infra.queries.as_at import Moment, counting_of, state_in
from infra.queries.sealed import Fields, classes_of
from infra.store.log import EventStore
from infra.store.read_once import ReadOnce
from infra.store.session import as_time

Ask = Callable[[DataClass], Answer]


class Question(NamedTuple):
    """A class of data: of the event of a version, or None: as it is shown to the reader."""

    data_class: DataClass
    version: int | None = None


class Matter(NamedTuple):
    """A relationship at a moment as questions of sharing need it: its situation, its events, and what counts of them."""

    situation: Situation
    events: Mapping[int, AnyRecorded]
    counted: Mapping[int, AnyRecorded]
    # The time zone of its programme.
    zone: str

    def fact(self, version: int) -> Fact | None:
        """The facts of the event of a version; None where there is none by that moment."""
        if version not in self.events:
            return None
        return fact_of(self.situation.state, self.events, version, self.counted.get(version))

    def answer(self, reader: Reader, data_class: DataClass, version: int | None = None) -> Answer:
        """Whether a reader may see a class of data: of the event of a version, or as it is shown to that reader."""
        fact = None if version is None else self.fact(version)
        answer = may_read(self.situation, reader, data_class, fact)
        return NO_EVENT if version is not None and fact is None and answer is not UNKNOWN else answer


def is_listed(event: Event, ask: Ask) -> bool:
    """Whether a reader sees that an event happened: it is operational to them, or something that it says is open to them.

    So is, to a line manager who sees state and dates alone, an event with a class of data that was agreed with them.
    """
    return ask("operational").allowed or any(ask(data_class).allowed for data_class in classes_of(event))


def without_reason(matter: Matter, reader: Reader, event: AnyRecorded, data: Fields) -> Fields:
    """The data of an event as they were judged; the reason of an ending that is a report by itself is for those who may know of one."""
    if not isinstance(event.data, RelationshipTerminated) or event.data.reason not in ENDINGS:
        return data
    fact = matter.fact(event.version)
    assert fact is not None, "it is an event of the matter"
    if may_know(matter.situation, reader, fact._replace(knowers=frozenset({event.actor}))):
        return data
    return data | {"reason": {"sealed": "operational", "clause": secret(matter.situation.codes).clause}}


def matter_of(
    store: EventStore, engine: Callable[[], Engine], subject: str, reader: Reader, moment: Moment, now: datetime
) -> Matter | None:
    """A relationship at a moment, to be asked about by a reader; None where there is none by then, or the subject is none.

    Raises:
        UnknownEvent: An event is of a newer Rapport.
    """
    if ":" in subject:
        return None
    once = ReadOnce.of(store)
    stream = once.stream(subject)
    state = state_in(stream, moment)
    if not isinstance(state, Relationship):
        return None
    programme = state_in(once.stream(f"programme:{state.programme_id}"), moment._replace(version=None))
    zone = programme.timezone if isinstance(programme, Programme) else state.known.timezone or "UTC"
    at = moment.as_of or now
    # Nobody else's cells ask for a case, and it takes the datasets to their head.
    in_case = reader.role == "hr" and has_case(engine(), subject, at)
    return Matter(
        situation(state, local_day(at, zone), in_case=in_case),
        {event.version: event for event in stream.events if moment.holds(event)},
        {event.version: event for event in counting_of(stream, moment)},
        zone,
    )


def first_spelling(store: EventStore, reader: Reader) -> Reader:
    """The reader with their id as the record knows it."""
    if not reader.id or reader.role in MACHINES:
        return reader
    folded = key("person", reader.id)
    return reader._replace(id=store.spellings([folded]).get(folded, reader.id))


def is_spelled(store: EventStore, reader: Reader) -> bool:
    """Whether the record knows the id of a reader, so that its spelling is the same for ever."""
    return not reader.id or reader.role in MACHINES or bool(store.spellings([key("person", reader.id)]))


def can_share(
    store: EventStore,
    engine: Callable[[], Engine],
    subject: str,
    reader: Reader,
    question: Question,
    moment: Moment,
    now: datetime,
) -> Answer:
    """Whether a reader may see a class of data of a relationship at a moment.

    Raises:
        UnknownEvent: An event is of a newer Rapport.
    """
    matter = matter_of(store, engine, subject, reader, moment, now)
    return UNKNOWN if matter is None else matter.answer(first_spelling(store, reader), *question)


def has_case(engine: Engine, subject: str, at: datetime) -> bool:
    """Whether hr has, or had, a conduct case that has to do with a relationship."""
    engine.catch_up()
    found = engine.database.query("SELECT opened_at FROM cases WHERE relationship_id = ?", (subject,))
    return any(as_time(opened_at) <= at for (opened_at,) in found)
