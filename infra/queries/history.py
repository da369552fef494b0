"""A subject's events in order, as `rapport history` gives them, each with its link of the hash chain."""

from typing import Any

from domain.registry import replay
from domain.relationship.state import Relationship
from infra.store.hash_chain import NO_HASH
from infra.store.log import EventStore

Entry = dict[str, Any]


def history(store: EventStore, subject: str) -> list[Entry]:
    """Returns one entry per event; none for an unknown subject.

    Raises:
        UnknownEvent: An event is of a newer Rapport.
    """
    entries: list[Entry] = []
    previous = NO_HASH
    found = store.stored(subject)
    events = [store.mapper.decode(stored.topic, stored.state) for stored in found]
    state = replay(subject, events)
    for stored, event in zip(found, events, strict=True):
        entry: Entry = {
            "version": stored.version,
            "type": f"rapport.{type(event.data).__name__}",
            "occurred_at": event.occurred_at,
            "recorded_at": event.recorded_at,
            "actor": event.actor,
            "data": event.data.model_dump(mode="json", exclude_none=True),
            "findings": [finding.model_dump() for finding in event.findings or ()],
            **_disputes(state, event.version),
            "source": event.source,
            "message_id": event.message_id,
        }
        for name in ("correlation_id", "causation_id", "traceparent"):
            if value := getattr(event, name):
                entry[name] = value
        if event.known is not None:
            entry["known"] = event.known.model_dump(mode="json")
        entry |= {"hash": stored.hash.hex(), "previous_hash": previous.hex()}
        previous = stored.hash
        entries.append(entry)
    return entries


def _disputes(state: object, version: int) -> Entry:
    """Whether an event is contested, and the version of the latest correction of it; the event itself shows what was recorded."""
    if not isinstance(state, Relationship):
        return {"contested": False, "corrected_by": None}
    return {"contested": version in state.contested, "corrected_by": state.corrected.get(version)}
