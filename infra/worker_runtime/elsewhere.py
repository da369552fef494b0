"""What is known of subjects that other processes keep: folded from the log, as of the place in it that this process has come to.

A worker looks at facts of other keys: the programme's terms, whether a mentor rests, the relationship of a case. Each process is at a place of
its own, so what another has written down may be too old or too new. The log is the same for all: who asks at a position gets what
a single process would have had there, and so does the audit's replay. No correction changes any of it (`workers.ground`).
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import groupby
from typing import Final

from domain.registry import AGGREGATES_OF_EVENT, EVENTS
from domain.relationship.events import FactCorrected
from infra.store.log_reader import LogEntry, LogReader
from infra.store.mapper import RapportMapper
from infra.store.session import StoreSession
from workers.ground import LISTENS, Fact, known_after
from workers.model import AnyWorker
from workers.step import STOPPING

CORRECTED: Final = FactCorrected.__name__
_TOPICS: Final = ", ".join(f"'{name}'" for name in sorted(kind.__name__ for kind in LISTENS))
_FACTS: Final = f"""
    SELECT position, originator_id, originator_version, topic, state FROM stored_events
    WHERE originator_id IN ({{keys}}) AND topic IN ({_TOPICS}) AND position < ?
"""  # noqa: S608 - names of our own events


def own_topics(workers: Iterable[AnyWorker]) -> frozenset[str]:
    """The topics of relationships' events which are of no matter to other keys than the relationship's own."""
    elsewhere = LISTENS.union(*(each.listens for each in workers if each.crosses))
    own = {name for name, kinds in AGGREGATES_OF_EVENT.items() if kinds == ("relationship",)}
    return frozenset(own - {kind.__name__ for kind in elsewhere})


def unheard_topics(workers: Iterable[AnyWorker]) -> frozenset[str]:
    """The topics of events that no worker sees and from which nothing is known: to them they only show that time has passed."""
    heard = LISTENS.union(STOPPING, *(each.listens for each in workers))
    return frozenset(EVENTS.keys() - {kind.__name__ for kind in heard} - {CORRECTED})


def facts_before(
    session: StoreSession, mapper: RapportMapper, subjects: Sequence[str], position: int
) -> dict[str, Fact]:
    """What was known of these subjects before a position, by subject; as far as their streams can be read."""
    reader = LogReader(mapper)
    rows = session.keyed(_FACTS, [(subject,) for subject in subjects], (position,))
    found: dict[str, Fact] = {}
    for subject, entries in groupby(sorted(reader.read(rows), key=_place), key=lambda entry: entry.subject):
        counted = (entry.recorded for entry in _readable(entries) if entry.recorded is not None)
        fact = reduce(known_after, counted, None)
        if fact is not None:
            found[subject] = fact
    return found


def _place(entry: LogEntry) -> tuple[str, int]:
    return entry.subject, entry.version


def _readable(entries: Iterable[LogEntry]) -> list[LogEntry]:
    """The entries before the first that can't be read."""
    readable = []
    for entry in entries:
        if entry.recorded is None:
            break
        readable.append(entry)
    return readable
