"""A command that somebody sends from a page: the message, its way through the one intake, and what the receipt means to a person."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson
from fastapi import Request

from domain.problem import Problem
from infra.http.intake import Intake, Sender
from infra.intake.message import parse
from infra.intake.receipt import Receipt
from infra.web.command_words import ADVICE, label
from infra.web.visitor import Visitor

SOURCE: Final = "/pages"
ALREADY_SENT: Final = "id_reused"


class Command(NamedTuple):
    """What is sent: which command, about which subject. `expected` is the version that the page showed, None where none was."""

    name: str
    subject: str
    data: Mapping[str, Any]
    message_id: str
    expected: int | None = None
    # When it happened (RFC 3339), None: now.
    time: str | None = None


class Trouble(NamedTuple):
    """One problem in words: at which field of the form and what that is called, what is wrong, the clause, and what the person can do."""

    field: str
    label: str
    what: str
    clause: str = ""
    advice: str = ""


async def send(request: Request, visitor: Visitor, command: Command) -> Receipt:
    """The receipt of a command that the visitor sends.

    Raises:
        StoreError: It was not recorded and may come again.
    """
    intake: Intake = request.app.state.intake
    message = {
        "specversion": "1.0",
        "id": command.message_id,
        "source": SOURCE,
        "type": f"rapport.{command.name}",
        "subject": command.subject,
        "time": command.time or request.app.state.rapport.clock.now().isoformat(),
        "actor": str(visitor.asker.reader),
        "data": dict(command.data),
    }
    if command.expected is not None:
        message["expectedversion"] = command.expected
    receipt = await intake.receipt(parse(orjson.dumps(message)), Sender(visitor.caller, visitor.role))
    request.app.state.log_head.seen(intake.position)
    return receipt


def troubles(problems: Sequence[Problem]) -> list[Trouble]:
    """The problems of a receipt in words."""
    return [
        Trouble(
            field=_place(problem),
            label=_label(problem),
            what=problem.message,
            clause=problem.clause or "",
            advice=ADVICE.get(problem.code, ""),
        )
        for problem in problems
    ]


def _label(problem: Problem) -> str:
    place = _place(problem).rpartition(".")[2]
    return label(place) if place and not place.isdigit() else ""


def _place(problem: Problem) -> str:
    """The field of the form; the data of a correction has the data of the fact inside."""
    return (problem.field or "").removeprefix("data.").removeprefix("data.")
