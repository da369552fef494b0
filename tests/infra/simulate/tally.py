"""Made-up relationships counted back from their messages, the way an outsider would."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

LATE = timedelta(hours=24)


@dataclass
class Life:
    """What one relationship's messages add up to."""

    mentor: str
    planned: int = 0
    scheduled: int = 0
    completed: int = 0
    missed: int = 0
    active: bool = False
    messages: int = 0
    starts: dict[str, datetime] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)
    homework: dict[str, float] = field(default_factory=dict)
    nps: list[int] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)

    @property
    def moved_late(self) -> int:
        return len(self.late)

    @property
    def ended_early(self) -> bool:
        return self.completed < self.planned or not self.planned


def lives(messages: Iterable[bytes]) -> list[Life]:
    """One tally a relationship, in the order of their proposals."""
    found: dict[str, Life] = {}
    for line in messages:
        message = orjson.loads(line)
        subject, name, data = message["subject"], message["type"].removeprefix("rapport."), message["data"]
        if name == "ProposeRelationship":
            found[subject] = Life(data["mentor_id"])
        if life := found.get(subject):
            life.messages += 1
            life.kinds.append(name)
            _count(life, name, data, datetime.fromisoformat(message["time"]))
    return list(found.values())


def _count(life: Life, name: str, data: dict[str, Any], at: datetime) -> None:
    match name:
        case "AgreePlan":
            life.planned = data["sessions"]
        case "ActivateRelationship":
            life.active = True
        case "ScheduleSession":
            life.scheduled += 1
            life.starts[data["session_id"]] = datetime.fromisoformat(data["starts_at"])
        case "RescheduleSession" | "CancelSession":
            if life.starts[data["session_id"]] - at < LATE:
                life.late.add(data["session_id"])
            if name == "RescheduleSession":
                life.starts[data["session_id"]] = datetime.fromisoformat(data["starts_at"])
        case "CompleteSession":
            life.completed += life.active
        case "RecordNoShow":
            life.missed += 1
        case "ReportHomework":
            life.homework[data["homework_id"]] = data["hours"]
        case "RespondToNps":
            life.nps.append(data["score"])
        case _:
            pass
