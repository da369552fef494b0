"""The commands in the outbox: handed to the handler like anybody's messages, in order, and answered for.

The handler knows a message by its id, so what was sent before a crash is sent again and answered `duplicate`. Answers are
written with the next save; losing one only means to ask again.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import orjson

from infra.intake.handler import Handler
from infra.intake.message import Message
from infra.intake.receipt import Receipt
from infra.operations.logs import logger
from infra.store.session import Session, as_time
from infra.worker_runtime.outbox import Item, message

BATCH: Final = 500
log = logger("rapport.working")


@dataclass
class Answers:
    """How many commands were answered how, and why the refused ones were: by the code of their first problem."""

    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    wrong: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def count(self, receipt: Receipt) -> None:
        """One more. A worker's command that is invalid or in conflict is a mistake of ours, `wrong`."""
        match receipt.status:
            case "accepted":
                self.accepted += 1
            case "duplicate":
                self.duplicate += 1
            case "refused":
                self.refused += 1
            case _:
                self.wrong += 1
        if receipt.status not in {"accepted", "duplicate"}:
            reason = receipt.problems[0].code if receipt.problems else receipt.status
            self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def __str__(self) -> str:
        reasons = ", ".join(f"{code} {count}" for code, count in sorted(self.reasons.items()))
        counted = [f"{self.accepted} accepted", f"{self.refused} refused", f"{self.duplicate} duplicate"]
        if self.wrong:
            counted.append(f"{self.wrong} wrong")
        return ", ".join(counted) + (f" ({reasons})" if reasons else "")


class Commands:
    """The commands that wait, oldest first; `answers` counts what became of those that were sent."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.answers = Answers()
        self.waiting: deque[tuple[int, Message]] = deque()
        self.answered: list[tuple[int, Receipt]] = []

    def forget(self) -> None:
        """Drop what is in memory: the outbox has it."""
        self.waiting.clear()
        self.answered.clear()

    def load(self, session: Session) -> None:
        """Read what waits in the outbox."""
        rows = session.query(
            "SELECT seq, id, worker, subject, command, at, body FROM outbox WHERE status = 'waiting' ORDER BY seq"
        )
        for seq, id_, worker, subject, command, at, body in rows:
            self.waiting.append((seq, message(id_, worker, subject, command, as_time(at), orjson.loads(body))))

    def add(self, waiting: list[tuple[int, Item]]) -> None:
        """More to send."""
        for number, item in waiting:
            sent = message(item.id, item.worker, item.subject, item.command, item.at, item.body)
            self.waiting.append((number, sent))

    def latest(self) -> datetime | None:
        """The latest time of what waits: a clock that is turned must have reached it."""
        return max((sent.time for _, sent in self.waiting), default=None)

    def send(self) -> int:
        """Send what waits; how many events came of it. Raises `StoreError`, and then nothing is lost."""
        events = 0
        while self.waiting:
            batch = [self.waiting[place] for place in range(min(BATCH, len(self.waiting)))]
            for (number, sent), receipt in zip(
                batch, self.handler.handle_own([sent for _, sent in batch]), strict=True
            ):
                self.waiting.popleft()
                self.answered.append((number, receipt))
                events += len(receipt.events)
                self.answers.count(receipt)
                self._note(sent, receipt)
        return events

    def _note(self, sent: Message, receipt: Receipt) -> None:
        """A refusal is an answer, mostly to something that came late, and the outbox has it; the rest are mistakes of ours."""
        if receipt.status not in {"accepted", "duplicate", "refused"}:
            facts = {"worker": sent.actor.id, "command": type(sent.command).__name__, "subject": sent.subject}
            problems = [problem.code for problem in receipt.problems]
            log.error("a worker's command is wrong", **facts, status=receipt.status, problems=problems)

    def save(self, session: Session) -> None:
        """Write down the answers."""
        session.executemany(
            "UPDATE outbox SET status = ?, answer = ? WHERE seq = ?",
            [(_status(receipt), receipt.to_json().decode(), number) for number, receipt in self.answered],
        )


def _status(receipt: Receipt) -> str:
    """An answer is the end of a command's way; what the rules or the form refused is kept as such."""
    first = receipt.first_status if receipt.status == "duplicate" else receipt.status
    return str(first)
