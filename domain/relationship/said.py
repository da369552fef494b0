"""How a decision turns a command into the event that records it."""

from typing import Any, TypeVar

from domain.model import Command, Event

E = TypeVar("E", bound=Event)


def said(event: type[E], command: Command, **more: Any) -> E:
    """The event that records what a command said, with what the decision adds."""
    return event(**{**command.__dict__, **more})
