"""A mistake of ours that one message brought to light: it is told to its sender and logged, and harms no other message.

What the message says is nobody's business who reads logs, so neither it nor the text of the error is logged: errors of
readers and databases quote what they failed on. The digest finds the message where it came from:
`sha256sum` of the line, of the value of a dead letter, of the body of a request.
"""

import logging
from hashlib import sha256
from pathlib import Path
from traceback import extract_tb
from typing import Any, Final

import orjson

from domain.problem import Problem
from infra.intake.receipt import Receipt

# As many characters of the digest tell messages apart.
DIGEST: Final = 16
# The last steps of what our code was doing.
STEPS: Final = 6

logger = logging.getLogger("rapport.intake")


def digest(raw: bytes) -> str:
    """By what the log names a message: the beginning of the SHA-256 of its bytes."""
    return sha256(raw).hexdigest()[:DIGEST]


def internal(error: Exception, digest: str, source: str | None, id_: str | None, subject: str | None) -> Receipt:
    """The receipt of a message on which our own code failed; it is logged without a word of what the message says."""
    steps = [f"{Path(step.filename).name}:{step.lineno} {step.name}" for step in extract_tb(error.__traceback__)]
    logger.error(
        "failed on the message with SHA-256 %s…: %s at %s", digest, type(error).__name__, " > ".join(steps[-STEPS:])
    )
    said = f"Rapport failed on this message (SHA-256 {digest}…); nothing was recorded of it, and it may be sent again"
    return Receipt(source, id_, subject, "invalid", (), (Problem("internal", said),))


def named(raw: bytes) -> tuple[str | None, str | None, str | None]:
    """Source, id and subject of a message, as far as they can be read."""
    try:
        read: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None, None, None
    found = [read.get(name) if isinstance(read, dict) else None for name in ("source", "id", "subject")]
    source, id_, subject = (value if isinstance(value, str) else None for value in found)
    return source, id_, subject
