"""What a reader would see of a relationship's history: the matrix asked about every field of every event.

A preview never shows words: content says whether the reader may see it and by which clause. What happened in confidence is
there with its version and times alone.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from domain.model import AnyRecorded, Holds
from domain.sharing.answer import Answer, may_read
from domain.sharing.question import Reader, stands
from domain.words import DataClass
from infra.projection_engine.engine import Engine
from infra.queries.as_at import Moment
from infra.queries.history import history
from infra.queries.sealed import is_words, judged
from infra.queries.sharing import Matter, first_spelling, matter_of
from infra.store.log import EventStore

Entry = dict[str, Any]
Ask = Callable[[DataClass], Answer]
# What stays of an event of which the reader may not know what it is: its place, its times, and its links of the chain.
KEPT = ("version", "occurred_at", "recorded_at", "hash", "previous_hash")


def history_as(
    store: EventStore, engine: Callable[[], Engine], subject: str, reader: Reader, moment: Moment, now: datetime
) -> list[Entry]:
    """The entries of a relationship's history as a reader would see them at a moment; none for readers outside it.

    Raises:
        UnknownEvent: An event is of a newer Rapport.
    """
    reader = first_spelling(store, reader)
    matter = matter_of(store, engine, subject, reader, moment, now)
    if matter is None or not stands(matter.situation, reader):
        return []
    return [seen_by(matter, reader, entry) for entry in history(store, subject, moment, words=True)]


def seen_by(matter: Matter, reader: Reader, entry: Entry) -> Entry:
    """One entry of a relationship's history, given with all its words, as a reader sees it in the situation of the matter."""
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
    def judge(held: Holds, value: Any) -> Any:
        answer = ask(held.data_class)
        return value if answer.allowed and not is_words(held) else _mark(held.data_class, answer)

    return judged(recorded.data, data, judge)


def _mark(data_class: DataClass, answer: Answer) -> Entry:
    return {"sealed": data_class, "clause": answer.clause, "allowed": answer.allowed}
