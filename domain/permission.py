"""Who may send the commands about mentors, conduct cases and programmes: by role, whichever person holds it."""

from collections.abc import Mapping

from domain.model import Command, Context
from domain.problem import Problem
from domain.words import Role


def role_problems(may: Mapping[type[Command], frozenset[Role]], command: Command, context: Context) -> list[Problem]:
    """Problem `role` unless the acting role is among those that may send the command."""
    allowed = may[type(command)]
    if context.actor.role in allowed:
        return []
    listed = ", ".join(sorted(allowed))
    message = f"{type(command).__name__} is for {listed}, not for {context.actor.role}"
    return [Problem("role", message, field="actor")]
