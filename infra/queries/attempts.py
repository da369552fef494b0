"""Attempts: the messages that Rapport refused, and why; what somebody tried is part of what happened."""

from typing import Any

import orjson

from infra.intake.message import PREFIX
from infra.store import attempts as kept
from infra.store.session import Database


def attempts(database: Database, subject: str | None) -> list[dict[str, Any]]:
    """The refused messages about a subject or about all, in the order in which Rapport answered them.

    `at` is when it answered, `time` the message's own. Messages that used up no id (malformed, or from a sender who may not
    send them) left nothing in the record.
    """
    found = [_attempt(*row) for row in kept.attempts(database, subject)]
    return sorted(found, key=lambda each: (each["at"], each["source"], each["id"]))


def _attempt(source: str, id_: str, answer: bytes) -> dict[str, Any]:
    subject, status, _, problems, at, time, actor, command = orjson.loads(answer)
    return {
        "at": at,
        "time": time,
        "actor": actor,
        "type": f"{PREFIX}{command}",
        "subject": subject,
        "status": status,
        "problems": [
            {"code": code, "clause": clause, "message": message, "field": field}
            for code, message, clause, field in problems
        ],
        "source": source,
        "id": id_,
    }
