"""Who may send which command from a page, about whatever kind of subject."""

from collections.abc import Mapping
from typing import Final

from domain.case.decide import MAY_SEND as OF_CASES
from domain.mentor.decide import MAY_SEND as OF_MENTORS
from domain.model import Command
from domain.person.decide import MAY_SEND as OF_PERSONS
from domain.registry import COMMANDS, kind_of
from domain.relationship.permissions import may_send
from domain.words import Role

# Those about a mentor, a case or a person, which are no relationship.
OF_OTHERS: Final[Mapping[str, Mapping[type[Command], frozenset[Role]]]] = {
    "mentor": OF_MENTORS,
    "case": OF_CASES,
    "person": OF_PERSONS,
}
# Programs and our own workers tell of themselves; nobody asks them to.
_NOBODY_TO_ASK: Final = frozenset({"service", "worker"})


def senders(subject: str, name: str) -> frozenset[Role]:
    """The roles that may send a command about a subject."""
    command = COMMANDS[name]
    others = OF_OTHERS.get(kind_of(subject), {})
    return others[command] if command in others else may_send(command)


def to_ask(subject: str, name: str) -> tuple[str, ...]:
    """Whom somebody asks who may not send it, in the order of the alphabet."""
    return tuple(sorted(senders(subject, name) - _NOBODY_TO_ASK))
