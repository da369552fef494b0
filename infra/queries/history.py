"""A subject's events in order, as `rapport history` gives them, each with its link of the hash chain."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from domain.model import AnyRecorded, Finding
from domain.registry import COMMAND_OF, COMMANDS, effective, replay
from domain.relationship.contests import groups
from domain.relationship.state import Relationship
from infra.queries.as_at import NOW, Moment
from infra.queries.sealed import Fields, sealed
from infra.store.hash_chain import NO_HASH
from infra.store.log import EventStore
from infra.store.read_once import ReadOnce
from infra.store.sealed_bytes import left_out
from infra.store.streams import Stored, Stream

Entry = dict[str, Any]


def history(
    store: EventStore, subject: str, moment: Moment = NOW, data_of: Callable[[AnyRecorded], Fields] | None = None
) -> list[Entry]:
    """Returns one entry per event that counts at a moment; none for an unknown subject.

    `data_of` gives what is shown of an event's data; without it, all but its words.

    An event shows what was recorded, and whether it was contested or corrected, as far as that was known by then. As with
    every question, a correction counts from when it was known, whenever it occurred. Where corrections changed what Rapport
    itself found in an event, `counts_as` has that as it counts now, and null for an event that counts no more.

    Raises:
        UnknownEvent: An event is of a newer Rapport.
    """
    stream = ReadOnce.of(store).stream(subject)
    disputes, entries = _without_data(stream, moment)
    if data_of is None:
        codes = disputes.codes
        return [{**entry, "data": sealed(event, codes, left_out(stored.state))} for stored, event, entry in entries]
    return [{**entry, "data": data_of(event)} for _, event, entry in entries]


Entries = Sequence[tuple[Stored, AnyRecorded, Entry]]


def _without_data(stream: Stream, moment: Moment) -> tuple["_Disputes", Entries]:
    """What was said against the events of a stream, and its entries without their data; those of now are made once."""
    if moment != NOW:
        return _made(stream, moment)
    return stream.once("history", lambda: _made(stream, NOW))


def _made(stream: Stream, moment: Moment) -> tuple["_Disputes", Entries]:
    disputes = _Disputes(stream.events, moment)
    return disputes, tuple(_entries(stream, moment, disputes))


def _entries(stream: Stream, moment: Moment, disputes: "_Disputes") -> Iterator[tuple[Stored, AnyRecorded, Entry]]:
    previous = NO_HASH
    for stored, event in zip(stream.stored, stream.events, strict=True):
        link, previous = previous, stored.hash
        if not moment.holds(event):
            continue
        entry: Entry = {
            "version": stored.version,
            "type": f"rapport.{type(event.data).__name__}",
            "occurred_at": event.occurred_at,
            "recorded_at": event.recorded_at,
            "actor": event.actor,
            "data": {},
            "findings": [finding.model_dump() for finding in disputes.findings(event)],
            "contested": event.version in disputes.contested,
            "corrected_by": disputes.corrected_by.get(event.version),
            **disputes.counts_as(event),
            "source": event.source,
            "message_id": event.message_id,
        }
        for name in ("correlation_id", "causation_id", "traceparent"):
            if value := getattr(event, name):
                entry[name] = value
        if event.known is not None:
            entry["known"] = event.known.model_dump(mode="json")
        yield stored, event, entry | {"hash": stored.hash.hex(), "previous_hash": link.hex()}


class _Disputes:
    """What was said against the events of a subject: which are contested, by which event each was corrected, what was found.

    The data of an event are those that were recorded; its findings are those of the words that count at the moment.
    """

    def __init__(self, events: Sequence[AnyRecorded], moment: Moment) -> None:
        known = [event for event in events if moment.knows(event)]
        subject = known[0].subject if known else ""
        state = replay(subject, known) if known else None
        then = state if moment.as_of is None else replay(subject, filter(moment.holds, known))
        self.codes: Collection[str] = ()
        self.contested: frozenset[int] = frozenset()
        self.corrected_by: dict[int, int] = {}
        self._counted: dict[int, AnyRecorded] | None = None
        if isinstance(state, Relationship):
            self.codes = state.codes
            self.contested = frozenset(then.contested) if isinstance(then, Relationship) else frozenset()
            # What came with a fact was corrected with it.
            for group in groups(known) if state.corrected else ():
                if (correction := state.corrected.get(group[0].version)) is not None:
                    self.corrected_by |= {event.version: correction for event in group}
            if state.corrected:
                self._counted = {event.version: event for event in reversed(effective(subject, known))}

    def findings(self, event: AnyRecorded) -> Sequence[Finding]:
        """The findings of an event as it counts; of one that is left out, those that it had."""
        counted = event if self._counted is None else self._counted.get(event.version, event)
        return counted.findings or ()

    def counts_as(self, event: AnyRecorded) -> Entry:
        """What corrections changed in that which Rapport added to the words of an event; nothing where nothing changed."""
        if self._counted is None:
            return {}
        if (counted := self._counted.get(event.version)) is None:
            return {"counts_as": None}
        recorded, now = self._added(event), self._added(counted)
        return {} if recorded == now else {"counts_as": now}

    def _added(self, event: AnyRecorded) -> Fields:
        """What an event says besides the words of its command: how late it was, what was found in it."""
        words = COMMANDS[COMMAND_OF[type(event.data).__name__]].model_fields
        return {name: value for name, value in sealed(event, self.codes).items() if name not in words}
