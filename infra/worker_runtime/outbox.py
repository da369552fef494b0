"""What leaves the workers: commands, notifications and decision receipts, and the commands on their way to the handler.

An id derives from the worker, what set it going, and the purpose; so whatever is done again after a crash, or by two
processes at once, is known by its id and happens once. It is keyed with a key of the store, which auditors may read: nobody else can
compute the id of a message that a worker is going to send.

Commands wait in the outbox and are handed to the handler like anybody's messages, in order. The handler knows a message by its
id, so a command that was sent before a crash is sent again and answered `duplicate`. Answers are written with the next save;
losing one only means asking again.
"""

import hmac
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson

from domain.model import Actor, Command
from domain.registry import COMMANDS
from infra.intake.handler import Handler
from infra.intake.message import Message, compose
from infra.intake.receipt import Receipt
from infra.notifications.outbox import Notification
from infra.operations.logs import logger
from infra.store.partitions import among
from infra.store.session import StoreSession, as_time
from infra.worker_runtime.desk import Placed
from workers.model import Notify, OpenTask, Send
from workers.step import DecisionReceipt

WITHHELD: Final = "withheld"
# Commands that are handed to the handler together.
BATCH: Final = 500
# What the digit of a UUID becomes that says of which variant it is.
_VARIANT: Final = {f"{digit:x}": f"{digit & 3 | 8:x}" for digit in range(16)}
log = logger("rapport.working")


class Item(NamedTuple):
    """A command as it goes into the outbox."""

    id: str
    worker: str
    key: str
    subject: str
    command: Command
    at: datetime
    body: dict[str, Any]
    position: int


class Decided(NamedTuple):
    """A decision receipt, as its row will be."""

    id: str
    worker: str
    key: str
    trigger_id: str
    at: datetime
    receipt: DecisionReceipt
    sent: list[dict[str, Any]]
    position: int


def derived(secret: bytes, *parts: str | int) -> str:
    """The id that stands for these parts: a UUID of version 8 (RFC 9562) made of their HMAC-SHA256 under the secret."""
    made = _begun(secret).copy()
    made.update(orjson.dumps(parts))
    text = made.hexdigest()
    return f"{text[:8]}-{text[8:12]}-8{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


@lru_cache(maxsize=8)
def _begun(secret: bytes) -> hmac.HMAC:
    """Many ids are made with one secret, which costs more than the rest of an id."""
    return hmac.new(secret, digestmod="sha256")


def source_of(worker: str) -> str:
    """The `source` of a worker's messages."""
    return f"/workers/{worker}"


def commands(step: Placed, now: datetime, secret: bytes) -> Iterator[Item]:
    """Yields the commands of a step, in order. They have the trigger's time, but never one later than now."""
    done, position, trigger = step
    cause, at = done.cause, min(done.trigger.at, now)
    for receipt in done.step.receipts:
        for send in receipt.sends:
            body = {
                "data": _data(send),
                "causation_id": cause.message_id if cause and cause.message_id else trigger,
                "correlation_id": cause.correlation_id if cause else None,
                "traceparent": cause.traceparent if cause else None,
            }
            id_ = derived(secret, done.worker, trigger, send.purpose, send.subject)
            yield Item(id_, done.worker, done.key, send.subject, send.command, at, body, position)


def notifications(step: Placed, decisions: Sequence[Decided], secret: bytes) -> Iterator[Notification]:
    """Yields the notifications of a step, in order; `decisions` are those of the step."""
    done, _, trigger = step
    for decision in decisions:
        receipt = decision.receipt
        for number, effect in enumerate(receipt.effects):
            if isinstance(effect, Notify):
                yield Notification(
                    derived(secret, done.worker, done.key, trigger, receipt.number, number),
                    done.worker,
                    # A mentee is no subject of the record; what it is about then is where the evidence is.
                    receipt.evidence_of if done.key.startswith("mentee:") else done.key,
                    effect.recipient,
                    effect.template,
                    effect.parameters,
                    receipt.clauses,
                    done.trigger.at,
                    effect.alone,
                    done.key,
                    effect.of,
                    effect.until,
                    decision.id,
                )


def _data(send: Send) -> Any:
    return orjson.loads(send.command.__pydantic_serializer__.to_json(send.command, exclude_none=True))


def message(id_: str, worker: str, subject: str, command: Command, at: datetime, body: Mapping[str, Any]) -> Message:
    """The message that a row of the outbox stands for."""
    return compose(
        command,
        source=source_of(worker),
        id=id_,
        subject=subject,
        time=at,
        actor=Actor("worker", worker),
        correlation_id=body.get("correlation_id"),
        causation_id=body.get("causation_id"),
        traceparent=body.get("traceparent"),
        data=body["data"],
    )


def decided(step: Placed, secret: bytes) -> list[Decided]:
    """The receipts of a step's decisions."""
    done, position, trigger = step
    return [
        Decided(
            derived(secret, done.worker, done.key, trigger, receipt.number),
            done.worker,
            done.key,
            trigger,
            done.trigger.at,
            receipt,
            [_described(effect) for effect in receipt.effects],
            position,
        )
        for receipt in done.step.receipts
    ]


def _described(effect: Send | Notify | OpenTask) -> dict[str, Any]:
    match effect:
        case Send():
            return {"command": type(effect.command).__name__, "subject": effect.subject, "data": _data(effect)}
        case Notify():
            recipient = WITHHELD if effect.alone else effect.recipient
            until = {"until": effect.until.isoformat()} if effect.until else {}
            return {"template": effect.template, "recipient": recipient, "parameters": dict(effect.parameters), **until}
        case OpenTask():
            due = effect.due.isoformat() if effect.due else None
            return {"task": effect.kind, "name": effect.id, "settled_by": list(effect.settled_by), "due": due}


# --- to the handler ------------------------------------------------------------------------------------------------
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

    def load(self, session: StoreSession, partitions: Collection[int]) -> None:
        """Read what waits in the outbox, of the keys of these partitions."""
        rows = session.query(
            "SELECT seq, id, worker, subject, command, at, body FROM outbox WHERE status = 'waiting' "  # noqa: S608
            f"AND {among(session.kind, 'key', partitions)} ORDER BY seq"
        )
        for seq, id_, worker, subject, command, at, body in rows:
            read = orjson.loads(body)
            given = COMMANDS[command].model_validate_json(orjson.dumps(read["data"]))
            self.waiting.append((seq, message(id_, worker, subject, given, as_time(at), read)))

    def add(self, waiting: list[tuple[int, Item]]) -> None:
        """More to send."""
        for number, item in waiting:
            sent = message(item.id, item.worker, item.subject, item.command, item.at, item.body)
            self.waiting.append((number, sent))

    def latest(self) -> datetime | None:
        """The latest time of what waits: a clock that is turned must have reached it."""
        return max((sent.time for _, sent in self.waiting), default=None)

    def send(self) -> int:
        """Send what waits; returns how many events came of it.

        Raises:
            StoreError: The database can't; nothing is lost then.
        """
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

    def answer_rows(self) -> list[tuple[str, str, int]]:
        """The answers by now: status, answer and number of each."""
        return [(_status(receipt), receipt.to_json().decode(), number) for number, receipt in self.answered]

    def save(self, session: StoreSession, answers: Sequence[tuple[str, str, int]]) -> None:
        """Write down answers."""
        session.update("outbox", ("status", "answer"), ("seq",), answers)


def _status(receipt: Receipt) -> str:
    """An answer is the end of a command's way; what the rules or the form refused is kept as such."""
    first = receipt.first_status if receipt.status == "duplicate" else receipt.status
    return str(first)
