"""A mistake of ours that one message brought to light: it is told to its sender and logged, and harms no other message.

What the message says is nobody's business who reads logs, so neither it nor the text of the error is logged: errors of
readers and databases quote what they failed on. The digest finds the message where it came from:
`sha256sum` of the line, of the value of a dead letter, of the body of a request.
"""

import logging
from hashlib import sha256
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from domain.problem import Problem
from infra.intake.receipt import Receipt

if TYPE_CHECKING:
    from infra.intake.message import Message

# As many characters of the digest tell messages apart.
DIGEST: Final = 16
# The last steps of what our code was doing.
STEPS: Final = 6

logger = logging.getLogger("rapport.intake")


class Mistake(NamedTuple):
    """What went wrong with one message: its digest, the kind of the error and the last steps of what our code was doing."""

    digest: str
    kind: str
    steps: tuple[str, ...]

    @classmethod
    def made(cls, error: Exception, raw: bytes) -> "Mistake":
        """What this error is for the message in these bytes."""
        steps = [f"{Path(step.filename).name}:{step.lineno} {step.name}" for step in extract_tb(error.__traceback__)]
        return cls(sha256(raw).hexdigest()[:DIGEST], type(error).__name__, tuple(steps[-STEPS:]))

    def log(self) -> None:
        """Tell whoever runs this Rapport."""
        where = " > ".join(self.steps)
        logger.error("failed on the message with SHA-256 %s…: %s at %s", self.digest, self.kind, where)

    def receipt(self, source: str | None, id_: str | None, subject: str | None) -> Receipt:
        """What the sender is answered."""
        said = (
            f"Rapport failed on this message (SHA-256 {self.digest}…); nothing was recorded of it, "
            "and it may be sent again"
        )
        return Receipt(source, id_, subject, "invalid", (), (Problem("internal", said),))


def in_raw(error: Exception, raw: bytes) -> Receipt:
    """The receipt of a message, not yet read, on which our own code failed; it is logged."""
    mistake = Mistake.made(error, raw)
    mistake.log()
    return mistake.receipt(*named(raw))


def in_message(error: Exception, message: "Message") -> Mistake:
    """What went wrong with a well-formed message."""
    # One that was made inside Rapport was never sent as bytes.
    return Mistake.made(error, message.raw or orjson.dumps([message.source, message.id]))


def named(raw: bytes) -> tuple[str | None, str | None, str | None]:
    """Source, id and subject of a message, as far as they can be read."""
    try:
        read: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None, None, None
    found = [read.get(name) if isinstance(read, dict) else None for name in ("source", "id", "subject")]
    source, id_, subject = (value if isinstance(value, str) else None for value in found)
    return source, id_, subject
