"""A subject's events in order, as `rapport history` gives them, each with its link of the hash chain."""

from typing import Any

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
    for stored in store.stored(subject):
        event = store.mapper.decode(stored.topic, stored.state)
        entry: Entry = {
            "version": stored.version,
            "type": f"rapport.{type(event.data).__name__}",
            "occurred_at": event.occurred_at,
            "recorded_at": event.recorded_at,
            "actor": event.actor,
            "data": event.data.model_dump(mode="json", exclude_none=True),
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
