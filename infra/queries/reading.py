"""The one seam for reading content: it asks the matrix what a reader may see, keeps that they read it, and only then shows it.

Every road on which words leave Rapport goes through `read_content`: command line, HTTP, reports and what a person is told about
themselves. Whether a reader may is asked as of now, whatever moment the words are of: a withdrawn consent works at once.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from domain.model import AnyRecorded, Holds, is_blank
from domain.relationship.events import FactCorrected
from domain.relationship.state import Relationship
from domain.sharing.answer import Answer, may_read
from domain.sharing.others import may_read_other
from domain.sharing.question import Reader, Situation, stands
from domain.words import DataClass
from infra.projection_engine.engine import Engine
from infra.queries.as_at import NOW, state_at
from infra.queries.sealed import Fields, Judge, fields_of, is_gone, is_words, judged, sealing_clause
from infra.queries.sharing import Ask, Matter, first_spelling, is_listed, matter_of, without_reason
from infra.sealing.errors import KeysRefused
from infra.sealing.unkeyed import REFUSED
from infra.store.log import EventStore
from infra.store.reads import Read, record_reads

# What a party learns of another: that they have an entry, and their name.
_OF_A_PARTY: Final[frozenset[DataClass]] = frozenset({"operational", "identity"})


class Reading(NamedTuple):
    """Who reads, and why.

    `operator` is the login of who has the keys of the store, None where readers read for themselves. The matrix is asked about
    `reader`; without one the operator may open everything.
    """

    operator: str | None
    reader: Reader | None
    why: str | None = None

    @property
    def name(self) -> str:
        """What `rapport reads` calls them."""
        if self.operator is None:
            return str(self.reader)
        operator = f"operator:{self.operator}"
        return f"{operator} as {self.reader}" if self.reader else operator

    @classmethod
    def by_operator(cls, login: str, why: str | None = None, reader: Reader | None = None) -> "Reading":
        """The operator of the store, alone or to see what a reader sees."""
        return cls(login, reader, why)

    @classmethod
    def by_caller(cls, reader: Reader, why: str | None = None) -> "Reading":
        """A reader for themself."""
        return cls(None, reader, why)


def read_content(
    store: EventStore,
    engine: Callable[[], Engine],
    reading: Reading,
    subject: str,
    now: datetime,
    events: Sequence[AnyRecorded] | None = None,
) -> dict[int, Fields]:
    """The data of events of one subject by version, with the words that the reader may see; that they read them is on record.

    `events` are those to read; None: all of the subject. Words that the reader may not see are `{"sealed": data_class, "clause": clause}`,
    those that nobody can read any more `{"erased": data_class}`. An event that the reader may not know of is left out; of a
    subject in which they have no part, all are.

    Raises:
        UnknownEvent: An event is of a newer Rapport.
        KeysRefused: The login has no keys, such as an auditor's.
        StoreError: It can't be put on record; then nothing is shown.
    """
    events = store.read(subject) if events is None else events
    return read_contents(store, engine, reading, {subject: events}, now)[subject]


def read_contents(
    store: EventStore,
    engine: Callable[[], Engine],
    reading: Reading,
    events: Mapping[str, Sequence[AnyRecorded]],
    now: datetime,
    known_by: Situation | None = None,
    only: Collection[DataClass] | None = None,
) -> dict[str, dict[int, Fields]]:
    """The same of several subjects at once, by subject: that they were read is put on record in one piece.

    Who the parties of a relationship are is for all of them to know: with the situation of one, `known_by`, a party reads the names of
    those whom it names too, as far as its matrix opens identity. With `only`, words of other classes stay closed, and are not read.

    Raises:
        UnknownEvent: An event is of a newer Rapport.
        KeysRefused: The login has no keys, such as an auditor's.
        StoreError: It can't be put on record; then nothing is shown.
    """
    if not store.database.may_append:
        raise KeysRefused(REFUSED)
    if reading.reader is not None:
        reading = reading._replace(reader=first_spelling(store, reading.reader))
    seen: dict[str, dict[int, Fields]] = {}
    reads: list[Read] = []
    for subject, of_subject in events.items():
        asked = _Asked.of(store, engine, reading.reader, subject, now)
        asked.known_by, asked.only = known_by, only
        seen[subject] = {event.version: asked.seen(event) for event in of_subject if asked.knows(event)}
        own = {event.version for event in of_subject if event.actor == reading.name}
        reads += [
            Read(now, reading.name, subject, version, data_class, clause, reading.why)
            for (version, data_class), clause in asked.opened.items()
            if version not in own
        ]
    record_reads(store.database, reads)
    return seen


class _Asked:
    """The matrix asked about the events of one subject for one reader; `opened` is what it opened, by version and class."""

    def __init__(self, reader: Reader | None, subject: str, matter: Matter | None, codes: Collection[str]) -> None:
        self.reader, self.subject, self.codes = reader, subject, codes
        self.opened: dict[tuple[int, DataClass], str | None] = {}
        self.known_by: Situation | None = None
        self.only: Collection[DataClass] | None = None
        self._matter = matter

    @classmethod
    def of(
        cls, store: EventStore, engine: Callable[[], Engine], reader: Reader | None, subject: str, now: datetime
    ) -> "_Asked":
        if reader is None:
            state = state_at(store.read(subject))
            return cls(None, subject, None, state.codes if isinstance(state, Relationship) else ())
        matter = matter_of(store, engine, subject, reader, NOW, now)
        return cls(reader, subject, matter, matter.situation.codes if matter else ())

    def knows(self, event: AnyRecorded) -> bool:
        """Whether the reader may know that an event happened."""
        if self.reader is None:
            return True
        if self._matter is not None and not stands(self._matter.situation, self.reader):
            return False
        return is_listed(event.data, self._ask(event, event.version))

    def seen(self, event: AnyRecorded) -> Fields:
        """The data of an event as the reader sees them."""
        of_fact = None
        if isinstance(event.data, FactCorrected):
            # What a correction says is the fact's: of the session in which it was said, and of the person who stated it.
            of_fact = self._judge(event, self._ask(event, event.data.version))
        data = judged(event.data, fields_of(event), self._judge(event, self._ask(event, event.version)), of_fact)
        if self.reader is None or self._matter is None:
            return data
        return without_reason(self._matter, self.reader, event, data)

    def _ask(self, event: AnyRecorded, of_version: int) -> Ask:
        """What the matrix says about a class of data of an event, or of the fact of another version that it puts right."""
        if self.reader is None:
            return lambda data_class: Answer(True, sealing_clause(event.data, data_class, self.codes), "")
        reader = self.reader
        if self._matter is None:
            return lambda data_class: self._of_other(reader, data_class, event.actor)
        situation, fact = self._matter.situation, self._matter.fact(of_version)
        own = self._matter.fact(event.version)
        if fact is not None and own is not None:
            # Sensitive is what the fact says or what the correction makes of it.
            fact = fact._replace(sensitive=fact.sensitive or own.sensitive)
        return lambda data_class: may_read(situation, reader, data_class, fact)

    def _of_other(self, reader: Reader, data_class: DataClass, author: str) -> Answer:
        """The matrix about what is no relationship: what it keeps to itself of a person, a relationship with them may open."""
        answer = may_read_other(self.subject, reader, data_class, author)
        situation, (kind, _, id_) = self.known_by, self.subject.partition(":")
        if answer.allowed or situation is None or kind != "person" or id_ not in situation.parties.values():
            return answer
        # Those who read pseudonyms alone have no part in anybody's name.
        if data_class not in _OF_A_PARTY or reader.role not in situation.parties or not stands(situation, reader):
            return answer
        return may_read(situation, reader, data_class)

    def _judge(self, event: AnyRecorded, ask: Ask) -> Judge:
        def judge(held: Holds, value: Any) -> Any:
            data_class, words = held.data_class, is_words(held)
            if words and is_gone(value):
                return {"erased": data_class}
            answer = ask(data_class)
            if not answer.allowed or (words and self.only is not None and data_class not in self.only):
                return {"sealed": data_class, "clause": answer.clause}
            if words and not (isinstance(value, str) and is_blank(value)):
                self.opened[event.version, data_class] = answer.clause
            return value

        return judge
