"""Messages as services send them: CloudEvents with the fields that a test does not care about filled in."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zlib import crc32

TIME = "2026-03-02T09:00:00Z"
# What a process says, once, when it takes messages and no file says who may send them.
NOBODY_CHECKED = "RAPPORT_SENDERS is not set: every source may send for every role but worker, analyst and auditor\n"

# How the one line begins that says where the keys of content were made, when a store is first written to.
KEYS_MADE = "made a master key in "


def after_keys_made(complaints: str) -> str:
    """What a process says on standard error after the line that says where it made the keys of its store."""
    made, _, rest = complaints.partition("\n")
    assert made.startswith(KEYS_MADE), complaints
    return rest


def relationship_id(number: int) -> str:
    """The UUID of the numbered relationship."""
    return str(UUID(int=number, version=4))


def message(type_: str, data: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A message of this command from the coordinator about relationship 1; `fields` replace or add others, None leaves out."""
    whole = {
        "specversion": "1.0",
        "id": f"{type_}-1",
        "source": "/tests",
        "type": f"rapport.{type_}",
        "subject": relationship_id(1),
        "time": TIME,
        "actor": "coordinator:cora",
        "data": data or {},
        **fields,
    }
    return {name: value for name, value in whole.items() if value is not None}


def line(type_: str, data: dict[str, Any] | None = None, **fields: Any) -> bytes:
    """The same as JSON."""
    return json.dumps(message(type_, data, **fields)).encode()


def proposal(number: int = 1, **data: Any) -> bytes:
    """A proposal of the numbered relationship under no code, so that no gate stands before its activation."""
    parties = {"programme_id": "p1", "mentee_id": "ana", "mentor_id": "ben", "codes": []}
    return line("ProposeRelationship", parties | data, subject=relationship_id(number), id=f"propose-{number}")


def contact(number: int, id_: str, **fields: Any) -> bytes:
    """A contact within the numbered relationship, always accepted; other ids have other times, so that each is a fact of its own."""
    at = datetime(2026, 3, 3, tzinfo=UTC) + timedelta(seconds=crc32(f"{number} {id_}".encode()) % 2_000_000)
    return line(
        "RecordContact",
        {"channel": "email"},
        **{"subject": relationship_id(number), "id": id_, "time": at.isoformat()} | fields,
    )
