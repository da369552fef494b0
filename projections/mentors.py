"""`mentors`: one row a mentor: standing, capacity, training and development. Names, profiles and reasons are not here."""

from datetime import date
from typing import Any, Final, assert_never

from domain.mentor import events as m
from domain.model import AnyRecorded, events_of
from projections.dataset import Column, Row, Table
from projections.projection import RowFold

Heard = m.MentorEvent

TABLE: Final = Table(
    "mentors",
    "One row a mentor: standing, capacity, training and development.",
    (
        Column("subject", "text", "The mentor as messages name it.", "identity", private=True),
        Column("mentor_id", "text", "The mentor.", "identity"),
        Column("home_programme_id", "text", "The programme in which the mentor was registered, where one was named."),
        Column("registered_at", "time", "When the mentor was registered; empty if nobody did."),
        Column("capacity", "integer", "How many relationships the mentor may have at a time; empty for no own limit."),
        Column("standing", "text", "good, suspended or removed: the standing that holds everywhere."),
        Column("suspended_in", "texts", "The programmes in which the mentor is suspended besides."),
        Column("removed_from", "texts", "The programmes from which the mentor was removed besides."),
        Column("standing_since", "time", "When any standing last changed; empty if none ever did."),
        Column("trainings", "integer", "Trainings completed.", "process_improvement"),
        Column("trained_on", "day", "The day on which the latest training was completed.", "process_improvement"),
        Column("training_due_on", "day", "The earliest day by which a training is to be taken again.", "process_improvement"),
        Column("developments", "integer", "Pieces of professional development.", "process_improvement"),
        Column("developed_on", "day", "The day of the latest one.", "process_improvement"),
        Column("has_profile", "boolean", "Whether a profile was published.", "process_improvement"),
        Column("due_by_course", "json", "Course and the day by which it is to be taken again.", private=True),
    ),
    key=("subject",),
    indexes=(("mentor_id",), ("standing",)),
    order=("mentor_id",),
)  # fmt: skip


def evolve(row: Row | None, recorded: AnyRecorded) -> Row | None:
    """The row after an event."""
    row = row or _blank(recorded.subject)
    return {**row, **_changes(row, recorded)}


def _blank(subject: str) -> Row:
    blank: dict[str, Any] = dict.fromkeys(column.name for column in TABLE.columns)
    return blank | {
        "subject": subject,
        "mentor_id": subject.partition(":")[2],
        "standing": "good",
        "suspended_in": [],
        "removed_from": [],
        "trainings": 0,
        "developments": 0,
        "has_profile": False,
        "due_by_course": {},
    }


def _changes(row: Row, recorded: AnyRecorded) -> dict[str, Any]:
    event: Heard = recorded.data
    match event:
        case m.MentorRegistered():
            registered_at = row["registered_at"] or recorded.occurred_at
            return {"registered_at": registered_at, "home_programme_id": event.programme_id, "capacity": event.capacity}
        case m.ProfilePublished():
            return {"has_profile": True}
        case m.TrainingRecorded():
            return _trained(row, event)
        case m.DevelopmentRecorded():
            latest = max(filter(None, (row["developed_on"], event.completed_on)))
            return {"developments": row["developments"] + 1, "developed_on": latest}
        case m.MentorSuspended() | m.MentorReinstated() | m.MentorRemoved():
            return _standing(row, event) | {"standing_since": recorded.occurred_at}
        case _:
            assert_never(event)


def _trained(row: Row, event: m.TrainingRecorded) -> dict[str, Any]:
    """A course is due by what its latest completion says."""
    known: dict[str, list[Any]] = row["due_by_course"]
    held = known.get(event.course)
    if held is None or event.completed_on.isoformat() >= held[0]:
        due = event.due_on.isoformat() if event.due_on else None
        known = {**known, event.course: [event.completed_on.isoformat(), due]}
    days = [due for _, due in known.values() if due is not None]
    return {
        "trainings": row["trainings"] + 1,
        "trained_on": max(filter(None, (row["trained_on"], event.completed_on))),
        "due_by_course": known,
        "training_due_on": date.fromisoformat(min(days)) if days else None,
    }


def _standing(row: Row, event: m.MentorSuspended | m.MentorReinstated | m.MentorRemoved) -> dict[str, Any]:
    suspended, removed = set(row["suspended_in"]), set(row["removed_from"])
    programme = event.programme_id
    if programme is None:
        match event:
            case m.MentorSuspended():
                return {"standing": "suspended"}
            case m.MentorRemoved():
                return {"standing": "removed"}
            case m.MentorReinstated():
                return {"standing": "good", "suspended_in": []}
    suspended.discard(programme)
    match event:
        case m.MentorSuspended():
            suspended.add(programme)
        case m.MentorRemoved():
            removed.add(programme)
        case m.MentorReinstated():
            pass
    return {"suspended_in": sorted(suspended), "removed_from": sorted(removed)}


PROJECTION: Final = RowFold("mentors", 1, TABLE, events_of(Heard), evolve)
