"""Reading what a request brings, within limits of size and time, and in each of the forms that CloudEvents has over HTTP."""

import asyncio
import re
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import unquote_to_bytes

import orjson
from fastapi import Request
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Message as Part
from starlette.types import Receive, Scope

from domain.problem import Problem
from infra.http.problems import CUT_OFF, NOTHING, HttpProblem, incomplete
from infra.http.trace import trace_of
from infra.intake import form_problems
from infra.intake.binary_mode import assembled
from infra.intake.lines import Cutter
from infra.intake.message import BYTE_ORDER_MARK, MAX_BYTES, Message, parse
from infra.intake.receipt import Receipt

Mode = Literal["structured", "binary", "batch", "lines"]
STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
LINES: Final = "application/x-ndjson"
MODE_OF: Final[dict[str, Mode]] = {
    STRUCTURED: "structured",
    BATCH: "batch",
    LINES: "lines",
    "application/ndjson": "lines",
    "application/jsonl": "lines",
    "application/jsonlines": "lines",
}
TAKEN: Final = f"{STRUCTURED}, {BATCH}, {LINES}, application/json"
PREFIX: Final = "ce-"
MAX_MESSAGES: Final = 1000
# A batch is one JSON document and has to be in memory as a whole; lines are taken as they come.
MAX_BATCH_BYTES: Final = 32 * 1024 * 1024
MAX_LINES_BYTES: Final = 256 * 1024 * 1024
# A body that does not come on for so long is given up, and one message or batch has to be there within so many seconds.
IDLE_SECONDS: Final = 20.0
WHOLE_SECONDS: Final = 60.0
# So much of a body that is too large is read and thrown away, since most clients read no answer before they have sent all.
MAX_DISCARDED: Final = 16 * 1024 * 1024
_CLOSE: Final = {"Connection": "close"}
_LINES_BEFORE: Final = "only lines that came whole were recorded, and come back as duplicates"


class Limits(NamedTuple):
    """How long a body may take."""

    idle_seconds: float = IDLE_SECONDS
    whole_seconds: float = WHOLE_SECONDS


def mode_of(headers: Headers) -> Mode:
    """The form in which messages come, by the content type.

    Raises:
        HttpProblem: It is none that is taken, or the body is compressed.
    """
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise _unsupported(
            "content-encoding", "expected a body that is not compressed", {"Accept-Encoding": "identity"}
        )
    if len(headers.getlist("content-type")) > 1:
        raise _unsupported("content-type", "expected the header Content-Type only once")
    kind, *parameters = [part.strip().lower() for part in headers.get("content-type", "").split(";")]
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in {"utf-8", "utf8", "us-ascii"}:
            raise _unsupported("content-type", "expected UTF-8")
    if mode := MODE_OF.get(kind):
        return mode
    if any(name.startswith(PREFIX) for name in headers):
        return "binary"
    if kind == "application/json":
        return "structured"
    raise _unsupported("content-type", f"expected one of {TAKEN}", {"Accept-Post": TAKEN})


def _unsupported(field: str, message: str, headers: dict[str, str] | None = None) -> HttpProblem:
    problem = Problem("unsupported_media_type", message, field=field)
    return HttpProblem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, problem, headers=headers)


async def one(request: Request, mode: Mode, limits: Limits) -> Message | Receipt:
    """The message of the body, structured or binary, or an invalid receipt."""
    body = await whole(request, MAX_BYTES + len(BYTE_ORDER_MARK), limits)
    if body is None:
        return form_problems.invalid({}, [form_problems.too_large(MAX_BYTES)])
    if mode == "structured":
        return traced(parse(body), request)
    attributes = [(name[len(PREFIX) :], _header_text(value)) for name, value in _pairs(request.headers)]
    raw = assembled(body, attributes, request.headers.get("content-type"), PREFIX)
    return traced(parse(raw) if isinstance(raw, bytes) else raw, request)


async def batch(request: Request, limits: Limits) -> list[Message | Receipt]:
    """The messages of a batch, and invalid receipts of those without form.

    Raises:
        HttpProblem: The body is no JSON array, has too many messages, or is too large.
    """
    body = await whole(request, MAX_BATCH_BYTES, limits)
    if body is None:
        raise too_large(MAX_BATCH_BYTES)
    try:
        read: Any = orjson.loads(body.removeprefix(BYTE_ORDER_MARK))
    except orjson.JSONDecodeError as error:
        raise HttpProblem(HTTPStatus.BAD_REQUEST, form_problems.unreadable(body, str(error))) from None
    if not isinstance(read, list):
        raise HttpProblem(HTTPStatus.BAD_REQUEST, Problem("not_an_array", "expected a JSON array of CloudEvents"))
    if len(read) > MAX_MESSAGES:
        said = f"expected at most {MAX_MESSAGES} messages, found {len(read)}; nothing was recorded"
        raise HttpProblem(HTTPStatus.BAD_REQUEST, Problem("too_many", said))
    return [traced(parse(raw), request) for raw in _elements(body)]


async def lines(request: Request, limits: Limits) -> AsyncIterator[list[Message | Receipt]]:
    """The messages of lines, as they come; blank lines are left out.

    A line that is longer than a message may be comes cut off right after the limit, which is enough to call it too large.

    Raises:
        HttpProblem: The lines have too many bytes together, do not come on, or end before the body does.
    """
    cutter = Cutter()
    limits = limits._replace(whole_seconds=float("inf"))
    async for chunk in _chunks(request, MAX_LINES_BYTES, limits, _LINES_BEFORE):
        if found := _parsed(cutter.lines(chunk), request):
            yield found
    if found := _parsed([cutter.rest], request):
        yield found


def _parsed(whole: list[bytes], request: Request) -> list[Message | Receipt]:
    stripped = (line.removeprefix(BYTE_ORDER_MARK).removesuffix(b"\r") for line in whole)
    return [traced(parse(line), request) for line in stripped if line and not line.isspace()]


def traced(found: Message | Receipt, request: Request) -> Message | Receipt:
    """The message as a part of the request's trace, where it names none itself."""
    if isinstance(found, Message) and found.traceparent is None and (given := trace_of(request.scope)):
        return found._replace(traceparent=given)
    return found


def too_large(limit: int) -> HttpProblem:
    """The answer to a body that is too large to be read on."""
    said = f"expected a body of at most {limit} bytes: send it in several requests"
    return HttpProblem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, Problem("too_large", said), headers=_CLOSE)


def arriving(scope: Scope, receive: Receive) -> Receive:
    """What comes of a request. A body that is cut off ends as one whose client has gone, after what came of it: never as a whole one."""
    ended = False

    async def part() -> Part:
        nonlocal ended
        if ended:
            return {"type": "http.disconnect"}
        found = await receive()
        if CUT_OFF not in scope or found.get("more_body"):
            return found
        ended = True
        return {**found, "more_body": True}

    return part


async def whole(request: Request, limit: int, limits: Limits) -> bytes | None:
    """The body, or None where it is larger than the limit."""
    body = bytearray()
    try:
        async for chunk in _chunks(request, limit, limits):
            body += chunk
    except HttpProblem as problem:
        if problem.status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            raise
        return None
    return bytes(body)


async def _chunks(request: Request, limit: int, limits: Limits, recorded: str = NOTHING) -> AsyncIterator[bytes]:
    """The body as it comes. `recorded` says what is recorded of one that is cut off.

    Raises:
        HttpProblem: It is larger than the limit, does not come on, or ends before all of it has come.
        ClientDisconnect: The client has gone before the end of it.
    """
    declared = request.headers.get("content-length", "")
    expected = int(declared) if declared.isdigit() else 0
    if expected > limit + MAX_DISCARDED:
        raise too_large(limit)
    size = 0
    loop = asyncio.get_running_loop()
    until = loop.time() + limits.whole_seconds
    more = True
    while more:
        try:
            async with asyncio.timeout_at(min(until, loop.time() + limits.idle_seconds)):
                part = await request.receive()
        except TimeoutError:
            if expected > limit:
                raise too_large(limit) from None
            said = "the body did not come on in time: send it again"
            raise HttpProblem(HTTPStatus.REQUEST_TIMEOUT, Problem("slow_body", said), headers=_CLOSE) from None
        if part["type"] == "http.disconnect":
            raise incomplete(recorded) if CUT_OFF in request.scope else ClientDisconnect
        chunk, more = part.get("body", b""), part.get("more_body", False)
        size += len(chunk)
        if size > limit + MAX_DISCARDED:
            raise too_large(limit)
        if size <= limit:
            yield chunk
    if size > limit:
        raise too_large(limit)


def _pairs(headers: Headers) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items() if name.startswith(PREFIX)]


def _header_text(value: str) -> bytes:
    """The bytes of an attribute in a header: percent-encoded where they are not plain, perhaps in double quotes."""
    raw = value.encode("latin-1")
    if len(raw) > 1 and raw.startswith(b'"') and raw.endswith(b'"'):
        raw = raw[1:-1].replace(b'\\"', b'"').replace(b"\\\\", b"\\")
    return unquote_to_bytes(raw)


def _elements(body: bytes) -> list[bytes]:
    """Each element of a JSON array as it is written: read and written anew, a key that is there twice would be lost."""
    found, depth, start = [], 0, 0
    for token in _STRUCTURE.finditer(body):
        match body[token.start() : token.start() + 1]:
            case b"[" | b"{":
                depth += 1
                if depth == 1:
                    start = token.end()
            case b"]" | b"}":
                depth -= 1
                if depth == 0:
                    found.append(body[start : token.start()])
            case b"," if depth == 1:
                found.append(body[start : token.start()])
                start = token.end()
    return [element for element in found if element.strip()]


_STRUCTURE: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{},]')
