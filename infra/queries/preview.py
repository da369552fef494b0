"""What a reader would see of a relationship's history: the matrix asked about every field of every event.

A preview never shows words: content says whether the reader may see it and by which clause. What happened in confidence is
there with its version and times alone.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from domain.model import AnyRecorded, holds, values_in
from domain.registry import COMMAND_OF, COMMANDS
from domain.relationship.events import FactCorrected
from domain.sharing.answer import Answer, may_read
from domain.sharing.question import Reader, stands
from domain.words import CONTENT, DataClass
from infra.projection_engine.engine import Engine
from infra.queries.as_at import NOW
from infra.queries.history import history
from infra.queries.sharing import Matter, first_spelling, has_case, matter_of
from infra.store.log import EventStore

Entry = dict[str, Any]
Ask = Callable[[DataClass], Answer]
# What stays of an event of which the reader may not know what it is: its place, its times, and its links of the chain.
KEPT = ("version", "occurred_at", "recorded_at", "hash", "previous_hash")


def history_as(
    store: EventStore, engine: Callable[[], Engine], subject: str, reader: Reader, now: datetime
) -> list[Entry]:
    """The entries of a relationship's history as a reader would see them now; none for whoever stands outside, as for an unknown id.

    Raises:
        UnknownEvent: An event is of a newer Rapport.
    """
    reader = first_spelling(store, reader)
    matter = matter_of(store, subject, NOW, now, lambda at: reader.role == "hr" and has_case(engine(), subject, at))
    if matter is None or not stands(matter.situation, reader):
        return []
    return [_seen(matter, reader, entry) for entry in history(store, subject) if entry["version"] in matter.events]


def _seen(matter: Matter, reader: Reader, entry: Entry) -> Entry:
    version: int = entry["version"]
    fact = matter.fact(version)

    def ask(data_class: DataClass) -> Answer:
        return may_read(matter.situation, reader, data_class, fact)

    known = ask("operational")
    if not known.allowed:
        hidden: Entry = {
            "type": None,
            "actor": None,
            "data": {},
            "findings": [],
            "contested": False,
            "corrected_by": None,
        }
        return {**{name: entry[name] for name in KEPT}, **hidden, "withheld": _mark("operational", known)}
    seen = {**entry, "data": _data(matter.events[version], entry["data"], ask)}
    if not ask("identity").allowed:
        # A pseudonym is kept where datasets are; here the role says who acted.
        seen["actor"] = entry["actor"].partition(":")[0]
        for name in ("source", "message_id"):
            seen.pop(name, None)
    return seen


def _data(recorded: AnyRecorded, data: Entry, ask: Ask) -> Entry:
    seen = _fields(type(recorded.data), data, ask)
    if isinstance(recorded.data, FactCorrected) and recorded.data.data is not None:
        # What is corrected has the classes that the fact's own command says.
        seen["data"] = _fields(COMMANDS[COMMAND_OF[recorded.data.fact]], recorded.data.data, ask)
    return seen


def _fields(model: type[BaseModel], data: Mapping[str, Any], ask: Ask) -> Entry:
    return {name: _field(model, name, value, ask) for name, value in data.items()}


def _field(model: type[BaseModel], name: str, value: Any, ask: Ask) -> Any:
    inner = next(values_in([model.model_fields[name].annotation]), None)
    if inner is not None:
        return [_fields(inner, each, ask) for each in value]
    declared = holds(model, name)
    assert declared is not None, f"{model.__name__}.{name} says nothing of what it holds"
    answer = ask(declared.data_class)
    is_words = declared.data_class in CONTENT or (declared.data_class == "identity" and declared.whose != "named")
    if answer.allowed and not is_words:
        return value
    return _mark(declared.data_class, answer)


def _mark(data_class: DataClass, answer: Answer) -> Entry:
    return {"sealed": data_class, "clause": answer.clause, "allowed": answer.allowed}
