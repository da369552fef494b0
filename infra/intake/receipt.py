"""The answer to a message: what became of it, which events it recorded, what was wrong with it."""

from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

import orjson

from domain.problem import Problem

# A dead letter is what an invalid message becomes when it came over Kafka.
Status = Literal["accepted", "duplicate", "refused", "invalid", "conflict", "dead_lettered"]
# A message with one of these has used its id; an invalid one may be put right and sent again.
KEPT: Final = frozenset({"accepted", "refused", "conflict"})
# What makes `rapport submit` exit 1.
BAD: Final = frozenset({"refused", "invalid", "conflict"})


class Attempt(NamedTuple):
    """What a message tried: when Rapport decided, the message's own time, who acted, and the command."""

    at: datetime
    time: datetime
    actor: str
    command: str


class Receipt(NamedTuple):
    """One receipt. `source`, `id` and `subject` are None where they could not be read.

    `events` holds name and version of each recorded event. `first_status` is that of the first receipt, on a duplicate only.
    """

    source: str | None
    id: str | None
    subject: str | None
    status: Status
    events: tuple[tuple[str, int], ...] = ()
    problems: tuple[Problem, ...] = ()
    first_status: Status | None = None

    def to_dict(self) -> dict[str, Any]:
        """The receipt as the outside reads it."""
        answer: dict[str, Any] = {"source": self.source, "id": self.id, "subject": self.subject, "status": self.status}
        if self.first_status is not None:
            answer["first_status"] = self.first_status
        answer["events"] = [{"type": f"rapport.{name}", "version": version} for name, version in self.events]
        answer["problems"] = [
            {"code": problem.code, "clause": problem.clause, "message": problem.message, "field": problem.field}
            for problem in self.problems
        ]
        return answer

    def to_json(self) -> bytes:
        """The receipt as one line of JSON, without the line feed."""
        return orjson.dumps(self.to_dict())

    def kept(self, attempt: Attempt) -> bytes:
        """What is stored of the receipt: to answer duplicates with, and as evidence of what was tried."""
        answer = (self.subject, self.status, self.events, [tuple(problem) for problem in self.problems])
        return orjson.dumps((*answer, *attempt), option=orjson.OPT_UTC_Z)

    @classmethod
    def duplicate(cls, source: str, id_: str, kept: bytes) -> "Receipt":
        """The answer to a message that was answered before: the rest of the first receipt."""
        subject, status, events, problems, *_ = orjson.loads(kept)
        named = tuple((name, version) for name, version in events)
        return cls(source, id_, subject, "duplicate", named, tuple(Problem(*problem) for problem in problems), status)
