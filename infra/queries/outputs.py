"""What a class of data comes to in a relationship over some days, as a sponsor is told it.

Facts are told as figures and dates: nothing in them is anybody's words. Content is told event by event, with the fields of that
class alone; the report asks the matrix about each of those events.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from domain.calendar import local_day
from domain.model import AnyRecorded, Holds
from domain.relationship import events as e
from domain.relationship.state import Relationship, Session
from domain.sharing.question import OF_STATE
from domain.words import DataClass
from infra.queries.sealed import Fields, judged

_NOTHING: Final = object()


class Days(NamedTuple):
    """The days that a report is about, both included; None: without a beginning, or an end."""

    first: date | None = None
    last: date | None = None

    def hold(self, day: date) -> bool:
        """Whether a day is among them."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


class Course(NamedTuple):
    """A relationship over some days: its state at their end, the events that count by then, and those of these days alone."""

    state: Relationship
    by_then: tuple[AnyRecorded, ...]
    events: tuple[AnyRecorded, ...]
    days: Days
    zone: str

    def heard(self, *kinds: type[Any]) -> list[Any]:
        """The events of these kinds, without their envelopes."""
        return [each.data for each in self.events if isinstance(each.data, kinds)]

    @property
    def sessions(self) -> list[Session]:
        """The sessions whose start lies on these days, the earliest first."""
        found = [each for each in self.state.sessions.values() if self.days.hold(local_day(each.starts_at, self.zone))]
        return sorted(found, key=lambda each: each.starts_at)


# --- facts ---------------------------------------------------------------------------------------------------------
def _attendance(course: Course) -> Fields:
    completed, missed = course.heard(e.SessionCompleted), course.heard(e.SessionMissed)
    return {
        "completed": len(completed),
        "missed": len(missed),
        "sessions": [
            {"session_id": each.session_id, "present": list(each.present), "joined": dict(each.joined)}
            if isinstance(each, e.SessionCompleted)
            else {"session_id": each.session_id, "absent": list(each.absent)}
            for each in course.heard(e.SessionCompleted, e.SessionMissed)
        ],
        "contacts": len(course.heard(e.ContactRecorded)),
    }


def _schedule(course: Course) -> Fields:
    plans = [each.data for each in course.by_then if isinstance(each.data, e.PlanAgreed)]
    return {
        "plan": plans[-1].model_dump(mode="json") if plans else None,
        "sessions": [
            {
                "session_id": each.session_id,
                "starts_at": each.starts_at,
                "minutes": each.minutes,
                "channel": each.channel,
                "reschedules": each.reschedules,
                "cancelled": each.status == "cancelled",
            }
            for each in course.sessions
        ],
    }


def _time_spent(course: Course) -> Fields:
    completed = course.heard(e.SessionCompleted)
    minutes = [
        {"session_id": each.session_id, "minutes": round((each.ended_at - each.started_at).total_seconds() / 60)}
        for each in completed
    ]
    # Hours are told as they are so far: the last report of each counts.
    hours = {each.homework_id or each.session_id: each.hours for each in course.heard(e.HomeworkReported)}
    return {
        "session_minutes": sum(each["minutes"] for each in minutes),
        "homework_hours": round(sum(hours.values()), 2),
        # Time asked of the mentor outside the sessions (pentalog.mentor-time).
        "contact_minutes": sum(
            each.minutes or 0 for each in course.heard(e.ContactRecorded) if "mentor" in each.between
        ),
        "sessions": minutes,
    }


def _goal_presence(course: Course) -> Fields:
    completed = course.heard(e.SessionCompleted)
    return {
        "has_goals": bool(course.state.goals),
        "completed_sessions": len(completed),
        "sessions_with_goals": sum(any(item.goal_id for item in each.agenda) for each in completed),
    }


def _goal_types(course: Course) -> Fields:
    return {"types": _counted(each.type for each in course.state.goals.values())}


def _goal_outcomes(course: Course) -> Fields:
    statuses = Counter(each.status for each in course.state.goals.values())
    return {
        "open": statuses["open"],
        "achieved": statuses["achieved"],
        "dropped": statuses["dropped"],
        "progress": _counted(each.progress for each in course.heard(e.GoalProgressRecorded)),
        "homework_done": sum(bool(each.done) for each in course.heard(e.HomeworkReported)),
    }


def _process_improvement(course: Course) -> Fields:
    checks, completed = course.heard(e.PresessionCheckRecorded), course.heard(e.SessionCompleted)
    return {
        "contracting_covered": sorted(
            {topic for each in course.heard(e.ContractingConversationRecorded) for topic in each.covered}
        ),
        "presession_checks": len(checks),
        "failed_items": _counted(item for each in checks for item in each.findings),
        "sessions_with_encouragement": sum(bool(each.encouragement) for each in completed),
        "sessions_with_camera": sum(bool(each.camera_on) for each in completed),
        "urgent_concerns": sum(item.urgent_concern for each in completed for item in each.agenda),
    }


def _identity(course: Course) -> Fields:
    names = ("programme_id", "mentee_id", "mentor_id", "customer_id", "line_manager_id", "supplier_id")
    return {name: getattr(course.state, name) for name in names}


def _operational(course: Course) -> Fields:
    return {
        "state": course.state.status,
        "dates": [
            {"type": f"rapport.{type(each.data).__name__}", "at": each.occurred_at}
            for each in course.events
            if type(each.data) in OF_STATE
        ],
    }


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


# What is told of each class of facts; of every other class its words are.
FIGURES: Final[Mapping[DataClass, Callable[[Course], Fields]]] = {
    "attendance": _attendance,
    "schedule": _schedule,
    "time_spent": _time_spent,
    "goal_presence": _goal_presence,
    "goal_types": _goal_types,
    "goal_outcomes": _goal_outcomes,
    "process_improvement": _process_improvement,
    "identity": _identity,
    "operational": _operational,
}


# --- content -------------------------------------------------------------------------------------------------------
class Words(NamedTuple):
    """What one event holds of a class: the version of the event, and its fields of that class alone."""

    recorded: AnyRecorded
    data: Fields


def words(course: Course, data_class: DataClass) -> Iterator[Words]:
    """What the events hold of a class of content, in their order; corrected facts in the words that count."""

    def judge(held: Holds, value: Any) -> Any:
        return value if held.data_class == data_class else _NOTHING

    for recorded in course.events:
        # A correction stands at the place of its fact already.
        if isinstance(recorded.data, e.FactCorrected):
            continue
        fields = recorded.data.model_dump(mode="json", exclude_none=True)
        if data := _without_nothing(judged(recorded.data, fields, judge)):
            yield Words(recorded, data)


def texts(value: Any) -> Iterator[str]:
    """Every text in a value of data, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield name
            yield from texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts(each)


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        found = {name: _without_nothing(each) for name, each in value.items() if each is not _NOTHING}
        return {name: each for name, each in found.items() if each not in ({}, [])}
    if isinstance(value, list):
        return [found for each in value if each is not _NOTHING and (found := _without_nothing(each)) != {}]
    return value
