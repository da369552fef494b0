"""Who may see what of a relationship: the matrix of sharing, asked with everything that the record says about it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from domain.calendar import local_day
from domain.ids import MACHINES, key
from domain.model import AnyRecorded
from domain.programme.state import Programme
from domain.relationship.state import Relationship
from domain.sharing.answer import NO_EVENT, UNKNOWN, Answer, may_read
from domain.sharing.question import Fact, Reader, Situation, fact_of, situation
from domain.words import DataClass
from infra.projection_engine.engine import Engine
from infra.queries.as_at import Moment, counting, state_at, state_of
from infra.store.log import EventStore
from infra.store.session import as_time


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


def matter_of(
    store: EventStore, engine: Callable[[], Engine], subject: str, reader: Reader, moment: Moment, now: datetime
) -> Matter | None:
    """A relationship at a moment, to be asked about by a reader; None where there is none by then, or the subject is none.

    Raises:
        UnknownEvent: An event is of a newer Rapport.
    """
    if ":" in subject:
        return None
    recorded = store.read(subject)
    counted = counting(recorded, moment)
    state = state_of(counted)
    if not isinstance(state, Relationship):
        return None
    programme = state_at(store.read(f"programme:{state.programme_id}"), moment._replace(version=None))
    zone = programme.timezone if isinstance(programme, Programme) else state.known.timezone or "UTC"
    at = moment.as_of or now
    # Nobody else's cells ask for a case, and it takes the datasets to their head.
    in_case = reader.role == "hr" and has_case(engine(), subject, at)
    return Matter(
        situation(state, local_day(at, zone), in_case=in_case),
        {event.version: event for event in recorded if moment.holds(event)},
        {event.version: event for event in counted},
        zone,
    )


def first_spelling(store: EventStore, reader: Reader) -> Reader:
    """The reader with their id as the record knows it."""
    if not reader.id or reader.role in MACHINES:
        return reader
    folded = key("person", reader.id)
    return reader._replace(id=store.spellings([folded]).get(folded, reader.id))


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
