"""What a reader would see of a relationship's history: the matrix asked about every field of every event.

A preview never shows words: content says whether the reader may see it and by which clause. To see the words themselves is to read
them (`infra.queries.reading`). What happened in confidence is there with its version and times alone.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any

from domain.model import AnyRecorded, Holds
from domain.relationship.events import FactCorrected
from domain.sharing.answer import Answer, may_read
from domain.sharing.others import may_read_other
from domain.sharing.question import Reader, stands
from domain.words import DataClass
from infra.projection_engine.engine import Engine
from infra.queries.as_at import NOW, Moment
from infra.queries.history import Entry, history
from infra.queries.reading import Reading, read_content
from infra.queries.sealed import Judge, fields_of, is_words, judged, judged_fields
from infra.queries.sharing import Ask, Matter, first_spelling, is_listed, matter_of, without_reason
from infra.store.log import EventStore

# What says how an event came to be.
_OPERATIONAL = ("counts_as", "source", "message_id", "correlation_id", "causation_id", "traceparent", "known")
# What stays of an event of which the reader may not know what it is: its place, its times, and its links of the chain.
KEPT = ("version", "occurred_at", "recorded_at", "hash", "previous_hash")


def history_read(
    store: EventStore, engine: Callable[[], Engine], subject: str, reading: Reading, moment: Moment, now: datetime
) -> list[Entry]:
    """The entries of a history at a moment with the words that the reader may see now, which is put on record.

    Raises:
        UnknownEvent: An event is of a newer Rapport.
        StoreError: It can't be put on record; then nothing is shown.
    """
    if reading.reader is None:
        entries = history(store, subject, moment)
    else:
        entries = history_as(store, engine, subject, reading.reader, moment, now)
    shown = {entry["version"] for entry in entries if "withheld" not in entry}
    events = [event for event in store.read(subject) if event.version in shown]
    words = read_content(store, engine, reading, subject, now, events)
    return [entry | {"data": words[entry["version"]]} if entry["version"] in words else entry for entry in entries]


def history_as(
    store: EventStore, engine: Callable[[], Engine], subject: str, reader: Reader, moment: Moment, now: datetime
) -> list[Entry]:
    """The entries of a history as a reader would see them at a moment; none for readers who have no part in it.

    Raises:
        UnknownEvent: An event is of a newer Rapport.
    """
    if ":" in subject:
        return _of_other(store, subject, first_spelling(store, reader), moment)
    reader = first_spelling(store, reader)
    matter = matter_of(store, engine, subject, reader, moment, now)
    if matter is None or not stands(matter.situation, reader):
        return []
    return [seen_by(matter, reader, entry) for entry in history(store, subject, moment, nothing)]


def nothing(_: AnyRecorded) -> Entry:
    """No data: they follow when it is known who reads."""
    return {}


def seen_by(matter: Matter, reader: Reader, entry: Entry) -> Entry:
    """One entry of a relationship's history, with the data that a reader sees in the situation of the matter."""
    recorded = matter.events[entry["version"]]
    seen = _seen(entry, recorded, partial(_answer, matter, reader))
    return seen | {"data": without_reason(matter, reader, recorded, seen["data"])} if seen["data"] else seen


def data_as(
    store: EventStore,
    engine: Callable[[], Engine],
    subject: str,
    reader: Reader,
    events: Iterable[AnyRecorded],
    now: datetime,
) -> dict[int, Entry]:
    """The data of events as a reader would see them now, by version; without those of which they may not know."""
    reader = first_spelling(store, reader)
    if ":" in subject:
        return _data(partial(_of_other_subject, subject, reader), events)
    matter = matter_of(store, engine, subject, reader, NOW, now)
    return {} if matter is None else data_in(matter, reader, events)


def data_in(matter: Matter, reader: Reader, events: Iterable[AnyRecorded]) -> dict[int, Entry]:
    """The same of events of a relationship, in the situation of the matter."""
    if not stands(matter.situation, reader):
        return {}
    return _data(lambda event: _answer(matter, reader, event.version), events)


def _data(asked: Callable[[AnyRecorded], Ask], events: Iterable[AnyRecorded]) -> dict[int, Entry]:
    return {
        event.version: judged(event.data, fields_of(event), _judge(ask))
        for event in events
        if is_listed(event.data, ask := asked(event))
    }


def _of_other_subject(subject: str, reader: Reader, event: AnyRecorded) -> Ask:
    return lambda data_class: may_read_other(subject, reader, data_class, event.actor)


def _of_other(store: EventStore, subject: str, reader: Reader, moment: Moment) -> list[Entry]:
    """The entries of a mentor, person, case or programme."""
    events = {event.version: event for event in store.read(subject)}

    def asked(version: int) -> Ask:
        return lambda data_class: may_read_other(subject, reader, data_class, events[version].actor)

    if not any(asked(version)("operational").allowed for version in events):
        return []
    entries = history(store, subject, moment, nothing)
    return [_seen(entry, events[entry["version"]], asked) for entry in entries]


def _answer(matter: Matter, reader: Reader, version: int) -> Ask:
    fact = matter.fact(version)
    return lambda data_class: may_read(matter.situation, reader, data_class, fact)


def _seen(entry: Entry, recorded: AnyRecorded, asked: Callable[[int], Ask]) -> Entry:
    ask = asked(recorded.version)
    known = ask("operational")
    if not is_listed(recorded.data, ask):
        hidden: Entry = {
            "type": None,
            "actor": None,
            "data": {},
            "findings": [],
            "contested": False,
            "corrected_by": None,
        }
        return {**{name: entry[name] for name in KEPT}, **hidden, "withheld": _mark("operational", known)}
    of_fact = asked(recorded.data.version) if isinstance(recorded.data, FactCorrected) else ask
    data = judged(recorded.data, fields_of(recorded), _judge(ask), _judge(of_fact))
    seen = {**entry, "data": data}
    if counts_as := entry.get("counts_as"):
        seen["counts_as"] = judged_fields(type(recorded.data), counts_as, _judge(ask))
    if not known.allowed:
        # Of an event that is there for one class of data alone, what was found in it and how it was sent are not.
        seen |= {"findings": [], "contested": False, "corrected_by": None}
        for name in _OPERATIONAL:
            seen.pop(name, None)
    if not ask("identity").allowed:
        # A pseudonym is kept where datasets are; here the role says who acted.
        seen["actor"] = entry["actor"].partition(":")[0]
        for name in ("source", "message_id"):
            seen.pop(name, None)
    return seen


def _judge(ask: Ask) -> Judge:
    def judge(held: Holds, value: Any) -> Any:
        answer = ask(held.data_class)
        return value if answer.allowed and not is_words(held) else _mark(held.data_class, answer)

    return judge


def _mark(data_class: DataClass, answer: Answer) -> Entry:
    return {"sealed": data_class, "clause": answer.clause, "allowed": answer.allowed}
