"""The answers to messages that are recorded but whose answers may never have left: found in the record, not decided anew."""

from collections.abc import Sequence

from domain.problem import Problem
from infra.intake.handler import Handler
from infra.intake.message import Message
from infra.intake.receipt import Receipt
from infra.kafka.answers import Answered
from infra.kafka.arrival import Arrived, failed
from infra.store.hash_chain import ReceiptRow


def answered_earlier(handler: Handler, arrivals: Sequence[Arrived]) -> list[Answered]:
    """Each of these with the receipt that it got. Raises `StoreError`."""
    messages = [arrived.read for arrived in arrivals if isinstance(arrived.read, Message)]
    kept = handler.store.receipts({(message.source, message.id) for message in messages})
    refused = iter(handler.turned_away(messages))
    answers = []
    for arrived in arrivals:
        message = arrived.read
        if isinstance(message, Receipt):
            answers.append(Answered(arrived, message))
            continue
        if (turned_away := next(refused)) is not None:
            # Such a refusal is in no record, since it uses no id; under that id there may be the message of another sender.
            answers.append(Answered(arrived, turned_away))
            continue
        try:
            receipt = _again(
                message, handler.store.mapper.fingerprint(message.fingerprint), kept.get((message.source, message.id))
            )
        except Exception as error:  # noqa: BLE001 - no receipt that can't be read may hold up the partition
            receipt = failed(arrived, error)
        answers.append(Answered(arrived, receipt))
    return answers


def _again(message: Message, fingerprint: bytes, row: ReceiptRow | None) -> Receipt:
    """The receipt that a message got."""
    if row is None:
        sentence = "nothing was recorded of this message, and why was lost in a restart; it may be sent again"
        return _invalid(message, Problem("not_recorded", sentence))
    if row.fingerprint != fingerprint:
        sentence = "expected the same content as before under this source and id, or another id"
        return _invalid(message, Problem("id_reused", sentence, field="id"))
    again = Receipt.duplicate(message.source, message.id, row.answer)
    assert again.first_status is not None
    return again._replace(status=again.first_status, first_status=None)


def _invalid(message: Message, problem: Problem) -> Receipt:
    return Receipt(message.source, message.id, message.subject, "invalid", (), (problem,))
