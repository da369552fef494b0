"""What a person's own entry says of how pages speak to them: name and time zone. That they read it is on record, as every read is."""

from typing import Any

from domain.model import Actor
from domain.sharing.question import Reader
from infra.access.caller import Caller
from infra.access.seen import words_for
from infra.http.asking import Desk
from infra.queries.subject_words import NO_ENTRY, holding
from infra.sealing.errors import KeysRefused

WHY = "signing in"


def own_entry(at: Desk, caller: Caller) -> dict[str, Any]:
    """The fields of a person's own entry that are there as text; none for somebody without an entry."""
    role = next(iter(sorted(caller.roles)), None)
    if role is None:
        return {}
    subject = f"person:{caller.id}"
    events = holding(at.store.read(subject))
    if not events:
        return {}
    actor = Actor.parse(f"{role}:{caller.id}")
    try:
        judged = words_for(at.store, lambda: at.engine, subject, Reader(*actor), events, at.now, WHY)
    except KeysRefused:
        return {}
    entry = dict(NO_ENTRY)
    for event in events:
        entry |= judged.get(event.version, {})
    return {name: value for name, value in entry.items() if isinstance(value, str)}
