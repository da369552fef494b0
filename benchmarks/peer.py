# ruff: noqa: ARG002 - an event of the library holds what its method is given, used or not
"""A mentoring relationship written for the eventsourcing library the way its tutorial does, with nothing of the library changed.

Declarative aggregate, JSON transcoder, SQLite recorder. It folds what its events say about sessions, goals, homework and
contacts; it checks no rule, keeps no receipt and no hash.
"""

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event


class Relationship(Aggregate):
    """Every method takes who acted, which message said so, and when it happened, as Rapport's events do."""

    @event("Proposed")
    def __init__(self, actor: str, source: str, message_id: str, occurred_at: datetime, data: dict[str, Any]) -> None:
        self.parties = data
        self.status = "contracting"
        self.goals: dict[str, str] = {}
        self.sessions: dict[str, dict[str, Any]] = {}
        self.homework: dict[str, float] = {}
        self.contact_at = occurred_at

    @event("Activated")
    def activate(self, actor: str, source: str, message_id: str, occurred_at: datetime) -> None:
        self.status = "active"

    @event("GoalAgreed")
    def agree_goal(
        self, actor: str, source: str, message_id: str, occurred_at: datetime, goal_id: str, title: str, type_: str
    ) -> None:
        self.goals[goal_id] = "open"

    @event("SessionScheduled")
    def schedule(
        self,
        actor: str,
        source: str,
        message_id: str,
        occurred_at: datetime,
        session_id: str,
        starts_at: datetime,
        channel: str,
    ) -> None:
        self.sessions[session_id] = {"status": "scheduled", "starts_at": starts_at, "moves": 0}

    @event("SessionRescheduled")
    def reschedule(
        self,
        actor: str,
        source: str,
        message_id: str,
        occurred_at: datetime,
        session_id: str,
        starts_at: datetime,
        reason: str,
    ) -> None:
        session = self.sessions[session_id]
        session["starts_at"] = starts_at
        session["moves"] += 1

    @event("SessionChecked")
    def check(
        self,
        actor: str,
        source: str,
        message_id: str,
        occurred_at: datetime,
        session_id: str,
        checked_at: datetime,
        device: str,
        connection: bool,
        microphone: bool,
        speakers: bool,
        camera: bool,
        quiet: bool,
        background: bool,
    ) -> None:
        self.checked_at = checked_at

    @event("SessionCompleted")
    def complete(
        self,
        actor: str,
        source: str,
        message_id: str,
        occurred_at: datetime,
        session_id: str,
        started_at: datetime,
        ended_at: datetime,
        present: list[str],
        joined: dict[str, datetime],
        agenda: list[dict[str, Any]],
    ) -> None:
        self.sessions[session_id].update(status="completed", started_at=started_at, ended_at=ended_at)

    @event("NoteRecorded")
    def note(self, actor: str, source: str, message_id: str, occurred_at: datetime, session_id: str, text: str) -> None:
        self.noted_at = occurred_at

    @event("ProgressRecorded")
    def progress(
        self,
        actor: str,
        source: str,
        message_id: str,
        occurred_at: datetime,
        goal_id: str,
        session_id: str,
        progress: str,
    ) -> None:
        self.goals[goal_id] = progress

    @event("HomeworkAssigned")
    def assign(
        self,
        actor: str,
        source: str,
        message_id: str,
        occurred_at: datetime,
        homework_id: str,
        session_id: str,
        description: str,
    ) -> None:
        self.homework[homework_id] = 0.0

    @event("HomeworkReported")
    def report(
        self,
        actor: str,
        source: str,
        message_id: str,
        occurred_at: datetime,
        homework_id: str,
        hours: float,
        done: bool,
    ) -> None:
        self.homework[homework_id] = hours

    @event("ContactRecorded")
    def contact(self, actor: str, source: str, message_id: str, occurred_at: datetime, channel: str) -> None:
        self.contact_at = occurred_at

    @event("Told")
    def tell(
        self, actor: str, source: str, message_id: str, occurred_at: datetime, type_: str, data: dict[str, Any]
    ) -> None:
        """Any other fact."""


METHODS = {
    "ActivateRelationship": "activate",
    "AgreeGoal": "agree_goal",
    "ScheduleSession": "schedule",
    "RescheduleSession": "reschedule",
    "RecordPresessionCheck": "check",
    "CompleteSession": "complete",
    "RecordSessionNote": "note",
    "RecordGoalProgress": "progress",
    "AssignHomework": "assign",
    "ReportHomework": "report",
    "RecordContact": "contact",
}


def begin(fact: dict[str, Any]) -> Relationship:
    """A relationship from the message that proposes it."""
    return Relationship(**_envelope(fact), data=fact["data"])


def act(relationship: Relationship, fact: dict[str, Any]) -> None:
    """Call the method that a message is about, with the fields that it asks for."""
    name = METHODS[fact["type"].removeprefix("rapport.")]
    data = {
        field: _typed(field, value) for field, value in fact["data"].items() if field not in {"source", "agreed_by"}
    }
    if name == "agree_goal":
        data["type_"] = data.pop("type")
    getattr(relationship, name)(**_envelope(fact), **data)


def tell(relationship: Relationship, fact: dict[str, Any]) -> None:
    """Record a message as it is, its data as plain JSON: the cheapest that the library can do with it."""
    relationship.tell(**_envelope(fact), type_=fact["type"], data=fact["data"])


def application(file: Path) -> Application[UUID]:
    """The library on a file of its own."""
    return Application(env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(file)})


def _envelope(fact: dict[str, Any]) -> dict[str, Any]:
    occurred_at = datetime.fromisoformat(fact["time"])
    return {"actor": fact["actor"], "source": fact["source"], "message_id": fact["id"], "occurred_at": occurred_at}


def _typed(field: str, value: Any) -> Any:
    if field.endswith("_at"):
        return datetime.fromisoformat(value)
    if field == "joined":
        return {role: datetime.fromisoformat(time) for role, time in value.items()}
    return value
