"""Messages from callers on their way to the record: who may send for whom, and one group commit for all requests.

The actor of a message is the caller in one of their roles, or anybody in a role that a service may act for. What a caller may
not send never reaches the record: it uses no id and leaves no receipt behind.
"""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, NamedTuple

from fastapi.concurrency import run_in_threadpool

from domain.problem import Problem
from domain.relationship.permissions import role_problem
from domain.sharing.question import Reader
from domain.words import Role
from infra.access.caller import Caller
from infra.access.standing import Asker, stands_in
from infra.bootstrap import Rapport
from infra.http.problems import HttpProblem
from infra.intake.group_commit import GroupCommit
from infra.intake.message import Message
from infra.intake.receipt import Receipt, Status
from infra.intake.senders import FOLLOWS, NOT_COVERED, OURS_ALONE, turned_away
from infra.kafka.facts import PERSONS
from infra.operations.metrics import MESSAGES

# So many messages of one request wait at a time; those of other requests come between.
WINDOW: Final = 200
NOT_THE_CALLER: Final = "not_the_caller"
# What is wrong with a party whom the relationship does not name.
ACTOR: Final = "actor"
PARTIES: Final[frozenset[Role]] = frozenset({"mentee", "mentor", "customer", "line_manager"})
STATUSES: Final[dict[Status, HTTPStatus]] = {
    "accepted": HTTPStatus.OK,
    "duplicate": HTTPStatus.OK,
    "refused": HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid": HTTPStatus.BAD_REQUEST,
    "conflict": HTTPStatus.CONFLICT,
    "dead_lettered": HTTPStatus.BAD_REQUEST,
}


class Sender(NamedTuple):
    """Who sends: the caller, and the role that the request names, if it does."""

    caller: Caller
    role: str | None


class Intake:
    """Takes messages that callers send, from all requests of this process."""

    def __init__(self, rapport: Rapport) -> None:
        self._rapport = rapport
        self._handler = rapport.handler
        self._group = GroupCommit(rapport.handler)

    @property
    def position(self) -> int:
        """Up to where the record has grown, as this process knows."""
        return self._handler.position

    async def receipt(self, read: Message | Receipt, sender: Sender) -> Receipt:
        """The receipt of one message, once it is committed.

        Raises:
            StoreError: It was not recorded and may come again.
        """
        found = read if isinstance(read, Receipt) else admitted(read, sender)
        if isinstance(found, Message):
            found = await self._veiled(await self._group.receipt(found), found, sender.caller)
        MESSAGES.labels("http", found.status).inc()
        return found

    async def _veiled(self, receipt: Receipt, message: Message, caller: Caller) -> Receipt:
        """The receipt without what it would tell a party whom the relationship does not name (decision 0036)."""
        if message.actor.role not in PARTIES or message.actor.role in caller.acts_for:
            return receipt
        is_conflict = "conflict" in {receipt.status, receipt.first_status}
        if is_conflict and not await run_in_threadpool(self._names, message):
            return as_stranger(receipt, message)
        return as_stranger(receipt, message) if any(each.code == ACTOR for each in receipt.problems) else receipt

    def _names(self, message: Message) -> bool:
        """Whether the subject names its actor."""
        subject, actor = message.subject.lower(), message.actor
        if ":" in subject:
            return subject.partition(":")[2] == actor.id.lower()
        asker = Asker(Reader(actor.role, actor.id), None)
        return stands_in(self._rapport.store, self._rapport.engine, asker, subject)

    async def own(self, message: Message) -> Receipt:
        """The receipt of a message that a call makes for its caller about nobody else, whatever their programmes are.

        Raises:
            StoreError: It was not recorded and may come again.
        """
        found = await self._group.receipt(message)
        MESSAGES.labels("http", found.status).inc()
        return found

    async def receipts(self, read: Sequence[Message | Receipt], sender: Sender) -> list[Receipt]:
        """The receipts of several messages, in their order; those of one subject are taken in this order too.

        Raises:
            StoreError: Not all of them were recorded; all may come again.
        """
        found: list[Receipt] = []
        for start in range(0, len(read), WINDOW):
            # Tasks begin in the order in which they are made, and each joins the queue before it waits.
            found += await asyncio.gather(*(self.receipt(each, sender) for each in read[start : start + WINDOW]))
        return found

    def close(self) -> None:
        """Commit what is waiting, then take no more."""
        self._group.close()


def admitted(message: Message, sender: Sender) -> Message | Receipt:
    """The message with what its caller may reach, or the receipt of one that the caller may not send."""
    caller, role = sender
    actor = message.actor
    if actor.role == "worker":
        return turned_away(message, OURS_ALONE)
    own = actor.id.lower() == caller.id.lower() and actor.role in caller.roles and role in {None, actor.role}
    if not own and actor.role not in caller.acts_for:
        said = "expected the caller of the request as actor, in one of their roles, or a role that the token acts for"
        return turned_away(message, Problem(NOT_THE_CALLER, said, field="actor"))
    programmes = caller.programmes
    if programmes is not None and not programmes and actor.role in PARTIES:
        # A party may reach the relationships that name it, and nobody has to list their programmes in its token.
        programmes = None
    if own and message.subject.lower() in {f"{kind}:{actor.id.lower()}" for kind in PERSONS}:
        # What people say of themselves concerns no programme.
        programmes = None
    return message if programmes is None else message._replace(programmes=programmes)


def as_stranger(receipt: Receipt, message: Message) -> Receipt:
    """The receipt of a party whom the relationship does not name, the same where there is no such relationship.

    The record keeps what was found; of what is wrong, only what the message says by itself is told beside it.
    """
    actor = message.actor
    told = Problem(ACTOR, f"nothing of this id names {actor} as its {actor.role}", field="actor")
    forbidden = role_problem(message.command, actor) if ":" not in message.subject else None
    shown = (told,) if forbidden is None else (forbidden, told)
    if receipt.status == "duplicate":
        return receipt._replace(first_status="refused", problems=shown)
    return receipt._replace(status="refused", problems=shown)


def status_of(receipt: Receipt, read: Message | Receipt) -> HTTPStatus:
    """The status of an answer about one message."""
    code = receipt.problems[0].code if receipt.status == "refused" else None
    if code == NOT_THE_CALLER:
        return HTTPStatus.FORBIDDEN
    if code == NOT_COVERED:
        return HTTPStatus.FORBIDDEN if _names_its_programme(receipt, read) else HTTPStatus.NOT_FOUND
    return STATUSES[receipt.status]


def _names_its_programme(receipt: Receipt, read: Message | Receipt) -> bool:
    """Whether the programme is one that the caller has named, so that the answer tells nothing."""
    if not isinstance(read, Message) or receipt.problems[0].field == FOLLOWS:
        return False
    return read.subject.startswith("programme:") or getattr(read.command, "programme_id", None) is not None


def problem_of(receipt: Receipt, status: HTTPStatus) -> HttpProblem:
    """The answer about one message that was not accepted."""
    return HttpProblem(status, receipt=receipt)
