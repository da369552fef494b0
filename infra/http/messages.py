"""`POST /v1/messages`: one CloudEvent, a batch, or lines; a receipt for each."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from infra.http import bodies
from infra.http.caller import ROLE, CallerOf, RoleOf, caller, role
from infra.http.intake import Intake, Sender, problem_of, status_of
from infra.http.problems import answer
from infra.http.queries import only_known
from infra.intake.message import Message
from infra.intake.receipt import Receipt

POSITION: Final = "Rapport-Position"
JSON: Final = "application/json"


class DirectRoute(APIRoute):
    """The route of messages without the framework's search for what an endpoint needs, which costs as much as a message does."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler: what the endpoint's signature says for the document is done by hand."""

        async def handled(request: Request) -> Response:
            known = await caller(request)
            await only_known(request)
            named = await role(request, known, request.headers.get(ROLE))
            return await post_messages(request, known, named)

        return handled


async def post_messages(request: Request, known: CallerOf, named: RoleOf) -> Response:
    """Send messages: one CloudEvent (structured or binary), a batch of at most 1,000, or lines. Each is answered by a receipt."""
    intake: Intake = request.app.state.intake
    limits: bodies.Limits = request.app.state.limits
    sender = Sender(known, named)
    mode = bodies.mode_of(request.headers)
    if mode in {"structured", "binary"}:
        found = await bodies.one(request, mode, limits)
        receipt = await intake.receipt(found, sender)
        return answered_by(request, intake, receipt, found)
    if mode == "batch":
        receipts = await intake.receipts(await bodies.batch(request, limits), sender)
        body = orjson.dumps([receipt.to_dict() for receipt in receipts])
        return _answered(request, intake, Response(body, media_type=JSON))
    lines: list[bytes] = []
    async for some in bodies.lines(request, limits):
        lines += [receipt.to_json() for receipt in await intake.receipts(some, sender)]
    return _answered(request, intake, Response(b"".join(line + b"\n" for line in lines), media_type=bodies.LINES))


def add_to(router: APIRouter) -> None:
    """Add the route to the app's own router: in one that is included, each request would be matched twice."""
    router.add_api_route(
        "/v1/messages",
        post_messages,
        methods=["POST"],
        tags=["messages"],
        operation_id="postMessages",
        route_class_override=DirectRoute,
    )


def answered_by(request: Request, intake: Intake, receipt: Receipt, read: Message | Receipt) -> Response:
    """The answer about one message."""
    return _answered(request, intake, _one(receipt, status_of(receipt, read)))


def _one(receipt: Receipt, status: HTTPStatus) -> Response:
    if status == HTTPStatus.OK:
        return Response(receipt.to_json(), media_type=JSON)
    found: Any = problem_of(receipt, status)
    return answer(found)


def _answered(request: Request, intake: Intake, response: Response) -> Response:
    """The answer with the position up to which the record has grown; requests that wait for it go on."""
    position = intake.position
    response.headers[POSITION] = str(position)
    request.app.state.log_head.seen(position)
    return response
