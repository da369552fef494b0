"""What is wrong with a message, in a form on which both a person and a program can act.

A rule never raises a bare string: it names a code for programs, the clause that spoke, a sentence for
people and the field concerned. One refusal carries every problem found, never just the first.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Problem(NamedTuple):
    """One reason for a refusal or an invalid message.

    `code` is a stable word for programs, `clause` the id of the clause that spoke (None where no clause did),
    `message` a sentence for a person, `field` the path of the offending field (`data.starts_at`).
    """

    code: str
    message: str
    clause: str | None = None
    field: str | None = None


class Refused(Exception):
    """The rules refuse a command. `problems` holds all reasons, in the order in which the rules were checked."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.message for problem in self.problems))


class Malformed(Refused):
    """What a command brings has not the form that the record asks for: the message is invalid, which only its subject shows."""


def refuse(*problems: Problem) -> None:
    """Do nothing when there are no problems.

    Raises:
        Refused: with the given problems, when there are any.
    """
    if problems:
        raise Refused(problems)
