"""A mistake of our own code: its kind and where it happened, fit for a log.

The text of an error is left out: errors of readers and databases quote what they failed on, and what a message says is
nobody's business who reads logs. Callers name the message by the SHA-256 of its bytes.
"""

from pathlib import Path
from traceback import extract_tb
from typing import Any, Final, NamedTuple

# The last steps of what our code was doing.
STEPS: Final = 6


class Mistake(NamedTuple):
    """The type of an error, and the last steps of our code before it."""

    kind: str
    where: str

    @classmethod
    def of(cls, error: BaseException) -> "Mistake":
        """What this error says about our code."""
        steps = [f"{Path(step.filename).name}:{step.lineno} {step.name}" for step in extract_tb(error.__traceback__)]
        return cls(type(error).__name__, " > ".join(steps[-STEPS:]))


def report_mistake(log: Any, sentence: str, error: BaseException, **facts: Any) -> None:
    """Log an error with the facts that lead to what it failed on."""
    mistake = Mistake.of(error)
    log.error(sentence, **facts, why=mistake.kind, where=mistake.where)
