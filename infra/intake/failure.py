"""One message on which our own code failed: its sender is answered, the failure is logged, and no other message is harmed.

Neither the message nor the text of the error is logged. The digest finds the message where it came from: `sha256sum` of the
line, of the value of a dead letter, of the body of a request.
"""

import logging
from hashlib import sha256
from typing import Any, Final, NamedTuple

import orjson

from domain.problem import Problem
from infra.intake.receipt import Receipt
from infra.operations.mistake import Mistake

# This many characters of the digest tell messages apart.
DIGEST: Final = 16

logger = logging.getLogger("rapport.intake")


class Failure(NamedTuple):
    """What went wrong with one message, named by its digest."""

    digest: str
    mistake: Mistake

    @classmethod
    def of(cls, error: Exception, raw: bytes) -> "Failure":
        """The failure of the message in these bytes."""
        return cls(sha256(raw).hexdigest()[:DIGEST], Mistake.of(error))

    def log(self) -> None:
        """Write the failure to the log."""
        kind, where = self.mistake
        logger.error("failed on the message with SHA-256 %s…: %s at %s", self.digest, kind, where)

    def receipt(self, source: str | None, id_: str | None, subject: str | None) -> Receipt:
        """The answer to the sender."""
        message = (
            f"Rapport failed on this message (SHA-256 {self.digest}…); nothing was recorded of it, "
            "and it may be sent again"
        )
        return Receipt(source, id_, subject, "invalid", (), (Problem("internal", message),))


def in_raw(error: Exception, raw: bytes) -> Receipt:
    """Log a failure on a message that was not yet read; returns its receipt."""
    failure = Failure.of(error, raw)
    failure.log()
    return failure.receipt(*named(raw))


def named(raw: bytes) -> tuple[str | None, str | None, str | None]:
    """Source, id and subject of a message, as far as they can be read."""
    try:
        read: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None, None, None
    found = [read.get(name) if isinstance(read, dict) else None for name in ("source", "id", "subject")]
    source, id_, subject = (value if isinstance(value, str) else None for value in found)
    return source, id_, subject
