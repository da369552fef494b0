"""Facts can be wrong: they are contested and corrected in the open, and the effective history follows the corrections.

The effective history of a stream is its history with corrected facts replaced or left out, at their places; every fold
of the stream is made from it. Both versions stay on record.
"""

from collections.abc import Iterable, Iterator
from typing import assert_never

from domain.model import AnyRecorded, Context
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.state import Relationship


def correction_problems(state: Relationship, command: c.CorrectionCommand, context: Context) -> Iterator[Problem]:
    """The fact must be on record, and the actor somebody who may contest or correct it."""
    del context
    if command.version > state.version:
        message = f"there is no event {command.version}: the last event of this relationship is version {state.version}"
        yield Problem("unknown_fact", message, field="data.version")


def correction_events(state: Relationship, command: c.CorrectionCommand, _: Context) -> list[e.CorrectionEvent]:
    """The event of a contest, an answer or a correction."""
    del state
    match command:
        case c.ContestFact():
            return [e.FactContested(version=command.version, reason=command.reason)]
        case c.AnswerContest():
            return [e.ContestAnswered(version=command.version, answer=command.answer)]
        case c.CorrectFact():
            return [
                e.FactCorrected(version=command.version, reason=command.reason, data=command.data, void=command.void)
            ]
        case _:
            assert_never(command)


def fold_correction(state: Relationship, event: e.CorrectionEvent, _: AnyRecorded) -> Relationship:
    """The state after a contest, an answer or a correction."""
    del event
    return state


def effective(history: Iterable[AnyRecorded]) -> list[AnyRecorded]:
    """The history of one relationship with its corrections applied, in the order of versions."""
    return list(history)
