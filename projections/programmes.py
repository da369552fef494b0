"""`programmes`: one row a programme: its time zone, the codes that it adopted, what its documents set."""

from collections.abc import Iterable
from typing import Any, Final, assert_never

from domain.model import AnyRecorded, events_of
from domain.programme import events as p
from projections.dataset import Column, Key, Row, Table
from projections.projection import RowFold, Rows, by_subject

Heard = p.ProgrammeEvent

TABLE: Final = Table(
    "programmes",
    "One row a programme: its time zone, the codes that it adopted, what its documents set.",
    (
        Column("subject", "text", "The programme as messages name it.", private=True),
        Column("programme_id", "text", "The programme."),
        Column("name", "text", "Its name; empty if nobody created it."),
        Column("timezone", "text", "The time zone of its days and months."),
        Column("created_at", "time", "When it was created; empty if nobody did."),
        Column("codes", "texts", "The codes of conduct that it adopted, in order."),
        Column("adopted_at", "time", "When it last adopted a code."),
        Column("settings", "texts", "What its documents set: document, term and value, such as `privacy_policy decision_days 5`."),
        Column("settings_changed_at", "time", "When a document last set or withdrew a term."),
    ),
    key=("subject",),
    indexes=(("programme_id",),),
    order=("programme_id",),
)  # fmt: skip


def keys(recorded: AnyRecorded, rows: Rows) -> Iterable[Key]:
    """The row that an event concerns: none where a relationship sets a term of its own, by the same event."""
    return by_subject(recorded, rows) if recorded.subject.startswith("programme:") else ()


def evolve(row: Row | None, recorded: AnyRecorded) -> Row | None:
    """The row after an event."""
    row = row or _blank(recorded.subject)
    return {**row, **_changes(row, recorded)}


def _blank(subject: str) -> Row:
    blank: dict[str, Any] = dict.fromkeys(column.name for column in TABLE.columns)
    programme_id = subject.partition(":")[2]
    return blank | {"subject": subject, "programme_id": programme_id, "timezone": "UTC", "codes": [], "settings": []}


def _changes(row: Row, recorded: AnyRecorded) -> dict[str, Any]:
    event: Heard = recorded.data
    at = recorded.occurred_at
    match event:
        case p.ProgrammeCreated():
            return {"name": event.name, "timezone": event.timezone, "created_at": at}
        case p.CodeAdopted():
            return {"codes": [*row["codes"], event.code], "adopted_at": at}
        case p.TermSet():
            setting = f"{event.document} {event.term} {event.value:g}"
            return {"settings": sorted([*_others(row, event), setting]), "settings_changed_at": at}
        case p.TermWithdrawn():
            return {"settings": _others(row, event), "settings_changed_at": at}
        case _:
            assert_never(event)


def _others(row: Row, event: p.TermSet | p.TermWithdrawn) -> list[str]:
    """The settings but that of the event's document and term."""
    return [one for one in row["settings"] if not one.startswith(f"{event.document} {event.term} ")]


PROJECTION: Final = RowFold("programmes", 2, TABLE, events_of(Heard), evolve, keys)
