"""Whether a recorded step was one that the statechart knows: what an auditor asks of every event."""

from domain.model import AnyRecorded
from domain.relationship import events as e
from domain.relationship.lifecycle import CREATION, TABLE
from domain.relationship.state import Relationship


def illegal(before: Relationship | None, recorded: AnyRecorded, command: str, after: Relationship) -> str | None:
    """What is wrong with a recorded transition, or None. `command` is the one that records such an event."""
    event = recorded.data
    name = type(event).__name__
    if before is None:
        return None if command == CREATION else f"{name} before any proposal"
    if isinstance(event, e.SessionCancelled) and event.by_pause:
        # A pause cancels what was to come in the same transaction, right after itself.
        return None if before.status == "paused" else f"{name} by a pause while {before.status}"
    step = TABLE.get((before.status, command))
    if step is None:
        return f"{name} while {before.status}"
    if after.status != step.target:
        return f"{name} led from {before.status} to {after.status}, not to {step.target}"
    return None
