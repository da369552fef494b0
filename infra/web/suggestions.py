"""What a form suggests before somebody fills it in: what the relationship already says, so that most of it is only to be confirmed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from domain.model import Command
from infra.web.command_form import TOLD_AFTER, Field, Setting, has_begun
from infra.web.zones import moment_of

Given = Mapping[str, Sequence[str]]
# About a session that was to take place: the earliest of which nobody told how it went is meant most often.
_ABOUT_ONE: Final = frozenset({"CompleteSession", "RecordNoShow", "RecordPresessionCheck"})
_JOINING: Final = ("mentee", "mentor")


def suggested(command: type[Command], setting: Setting, given: Given) -> dict[str, Sequence[str]]:
    """The values to fill in: those that are given, and what follows from them and from the relationship."""
    found = dict(given)
    name, fields = command.__name__, command.model_fields
    scheduled = [each for each in setting.shown.get("sessions", []) if each["status"] == "scheduled"]
    if name in TOLD_AFTER:
        scheduled = [each for each in scheduled if has_begun(each, setting.now)]
    if name in _ABOUT_ONE and not found.get("session_id") and scheduled:
        found["session_id"] = [min(scheduled, key=lambda each: str(each["starts_at"]))["session_id"]]
    if name == "CompleteSession":
        chosen = [each for each in scheduled if each["session_id"] in found.get("session_id", ())]
        found = {**_as_planned(chosen[0], setting), **found} if chosen else found
    plan = setting.shown.get("plan")
    if "channel" in fields and isinstance(plan, dict) and isinstance(plan.get("channel"), str):
        found.setdefault("channel", [plan["channel"]])
    return found


def _as_planned(session: Mapping[str, Any], setting: Setting) -> dict[str, Sequence[str]]:
    """A session as if it had begun and ended as it was planned, both being there from the start."""
    if isinstance(session["starts_at"], Mapping) or not isinstance(session["minutes"], int):
        return {}
    start = moment_of(session["starts_at"])
    assert start is not None
    began = _local(start, setting)
    return {
        "started_at": [began],
        "ended_at": [_local(start + timedelta(minutes=session["minutes"]), setting)],
        **{f"joined.{role}": [began] for role in _JOINING},
    }


def _local(at: datetime, setting: Setting) -> str:
    return f"{at.astimezone(setting.zone):%Y-%m-%dT%H:%M}"


def only_choice(fields: Sequence[Field]) -> list[Field]:
    """The fields, with the one choice chosen where there is but one and something has to be."""
    return [
        field._replace(values=(field.choices[0].value,))
        if field.kind == "select" and field.required and len(field.choices) == 1 and not field.values
        else field
        for field in fields
    ]
