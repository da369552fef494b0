"""Events as the tests of the workers tell them, with everything filled in that doesn't matter."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from domain.relationship import events as e
from domain.words import Channel, Role
from tests.given_when_then import day


def booked(session_id: str, starts_on: float, channel: Channel = "platform") -> e.SessionScheduled:
    return e.SessionScheduled(session_id=session_id, starts_at=day(starts_on), channel=channel, minutes=60)


def moved(session_id: str, before: float, after: float, notice_hours: float) -> e.SessionRescheduled:
    return e.SessionRescheduled(
        session_id=session_id,
        starts_at=day(after),
        previous_starts_at=day(before),
        reason="work",
        notice_hours=notice_hours,
        late=notice_hours < 24,
    )


def completed(session_id: str, started_on: float, **more: Any) -> e.SessionCompleted:
    given: dict[str, Any] = {
        "present": ("mentee", "mentor"),
        "joined": {"mentee": day(started_on), "mentor": day(started_on) - timedelta(minutes=6)},
        "agenda": (),
        "status": "active",
        "call_to_action": "Write it down.",
        "camera_on": True,
    }
    ended = day(started_on) + timedelta(hours=1)
    return e.SessionCompleted(session_id=session_id, started_at=day(started_on), ended_at=ended, **{**given, **more})


def missed(session_id: str, *absent: Role) -> e.SessionMissed:
    return e.SessionMissed(session_id=session_id, absent=absent)


def checked(session_id: str, on: float, *findings: Any) -> e.PresessionCheckRecorded:
    return e.PresessionCheckRecorded(
        session_id=session_id,
        checked_at=day(on),
        device="phone" if "device" in findings else "computer",
        connection=True,
        microphone=True,
        speakers=True,
        camera=True,
        quiet="quiet" not in findings,
        background=True,
        findings=findings,
    )


def planned(sessions: int) -> e.PlanAgreed:
    start = day(0).date()
    return e.PlanAgreed(
        sessions=sessions, minutes=60, every_days=14, starts_on=start, ends_on=start, channel="platform"
    )


def paused(review_on: float) -> e.RelationshipPaused:
    return e.RelationshipPaused(
        reason="leave", review_on=day(review_on).date(), informed=("mentee", "mentor"), next_steps="They write."
    )


def ended(reason: Any = "goals_met") -> e.RelationshipTerminated:
    return e.RelationshipTerminated(reason=reason, informed=("mentee", "mentor"), next_steps="None.")


def kinds(tasks: Sequence[Any]) -> list[str]:
    return [task.kind for task in tasks]
