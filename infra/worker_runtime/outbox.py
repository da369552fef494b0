"""What leaves the workers: commands and notifications with ids that are the same in every run, and decision receipts.

An id derives from the worker, what set it going, and the purpose; so whatever is done again after a crash, or by two
processes at once, is known by its id and happens once. It is keyed with the secret of the store: nobody outside can
work out the id of a message that a worker is going to send.
"""

import hmac
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

from domain.model import Actor
from domain.registry import COMMANDS
from infra.intake.message import Message, compose
from infra.notifications.outbox import Notification
from workers.desk import Done
from workers.model import Notify, OpenTask, Send
from workers.step import Receipt

WITHHELD: Final = "withheld"
# Where a UUID says of which version and variant it is, and what one of version 8 says there.
_MARKS: Final = 0xF000_C000_0000_0000_0000
_VERSION_8: Final = 0x8000_8000_0000_0000_0000


class Item(NamedTuple):
    """A command as it goes into the outbox."""

    id: str
    worker: str
    key: str
    subject: str
    command: str
    at: datetime
    body: dict[str, Any]
    position: int


class Decided(NamedTuple):
    """A row of the receipts to be."""

    id: str
    worker: str
    key: str
    trigger_id: str
    at: datetime
    receipt: Receipt
    sent: list[dict[str, Any]]
    position: int


def derived(secret: bytes, *parts: str | int) -> str:
    """The id that stands for these parts: a UUID of version 8 (RFC 9562) made of their HMAC-SHA256 under the secret."""
    digest = int.from_bytes(hmac.digest(secret, orjson.dumps(parts), "sha256")[:16])
    return str(UUID(int=digest & ~_MARKS | _VERSION_8))


def source_of(worker: str) -> str:
    """The `source` of a worker's messages."""
    return f"/workers/{worker}"


def commands(done: Done, position: int, now: datetime, secret: bytes) -> Iterator[Item]:
    """What a step sends, in order. Commands are of the trigger's time, but never later than now."""
    cause, at = done.cause, min(done.trigger.at, now)
    for receipt in done.step.receipts:
        for send in receipt.sends:
            body = {
                "data": _data(send),
                "causation_id": cause.message_id if cause and cause.message_id else done.trigger.id,
                "correlation_id": cause.correlation_id if cause else None,
                "traceparent": cause.traceparent if cause else None,
            }
            id_ = derived(secret, done.worker, done.trigger.id, send.purpose, send.subject)
            yield Item(id_, done.worker, done.key, send.subject, type(send.command).__name__, at, body, position)


def notifications(done: Done, secret: bytes) -> Iterator[Notification]:
    """What a step tells, in order."""
    for receipt in done.step.receipts:
        for number, effect in enumerate(receipt.effects):
            if isinstance(effect, Notify):
                yield Notification(
                    id=derived(secret, done.worker, done.key, done.trigger.id, receipt.number, number),
                    worker=done.worker,
                    # A mentee is no subject of the record; what it is about then is where the evidence is.
                    subject=receipt.evidence_of if done.key.startswith("mentee:") else done.key,
                    recipient=effect.recipient,
                    template=effect.template,
                    parameters=effect.parameters,
                    clauses=receipt.clauses,
                    at=done.trigger.at,
                    alone=effect.alone,
                    key=done.key,
                    topic=effect.of,
                    until=effect.until,
                    decision=derived(secret, done.worker, done.key, done.trigger.id, receipt.number),
                )


def _data(send: Send) -> Any:
    return orjson.loads(send.command.__pydantic_serializer__.to_json(send.command, exclude_none=True))


def message(id_: str, worker: str, subject: str, command: str, at: datetime, body: Mapping[str, Any]) -> Message:
    """The message that a row of the outbox stands for."""
    return compose(
        COMMANDS[command].model_validate_json(orjson.dumps(body["data"])),
        source=source_of(worker),
        id=id_,
        subject=subject,
        time=at,
        actor=Actor("worker", worker),
        correlation_id=body.get("correlation_id"),
        causation_id=body.get("causation_id"),
        traceparent=body.get("traceparent"),
    )


def decided(done: Done, position: int, secret: bytes) -> Iterator[Decided]:
    """The receipts of a step's decisions."""
    for receipt in done.step.receipts:
        id_ = derived(secret, done.worker, done.key, done.trigger.id, receipt.number)
        sent = [_said(effect) for effect in receipt.effects]
        yield Decided(id_, done.worker, done.key, done.trigger.id, done.trigger.at, receipt, sent, position)


def _said(effect: Send | Notify | OpenTask) -> dict[str, Any]:
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
