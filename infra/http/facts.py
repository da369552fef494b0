"""`GET /v1/events`: operational facts in the order of the log, to ask for or to be sent as they come.

The same facts as on the topic `rapport.events`, and the same are withheld. The office and services read them under the ids of
people; analysts and auditors know people by pseudonyms alone, so theirs name nobody. Parties read their own relationships elsewhere.
"""

import time
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from domain.model import Actor
from domain.words import Role
from infra.access.caller import Caller
from infra.access.fact_reader import FactReader, Page
from infra.bootstrap import Rapport
from infra.http.caller import ActorOf, CallerOf
from infra.http.log_head import LogHead, beyond
from infra.http.messages import JSON, POSITION
from infra.http.problems import forbidden, wrong_query
from infra.kafka.facts import WITHOUT_IDS

STREAM: Final = "text/event-stream"
BATCH: Final = "application/cloudevents-batch+json"
BY_NAME: Final[frozenset[Role]] = frozenset({"service", "coordinator", "supplier"})
MOST: Final = 1000
USUAL: Final = 100
LONGEST_WAIT: Final = 60
# A stream says that it lives this often, and ends after so long: its reader comes back by itself, with a token that still holds.
BEAT_SECONDS: Final = 15.0
STREAM_SECONDS: Final = 900.0

router = APIRouter(tags=["facts"])

AfterQuery = Annotated[int, Query(ge=0, le=2**63 - 1, description="The position after which to begin.")]
WaitQuery = Annotated[
    float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for a fact where there is none yet.")
]
LimitQuery = Annotated[int, Query(ge=1, le=MOST, description="The most facts in one answer.")]
LastEventId = Annotated[
    str | None, Header(alias="Last-Event-ID", description="The id of the last event of a stream that broke off.")
]


@router.get("/v1/events", operation_id="getEvents")
async def get_events(
    request: Request,
    caller: CallerOf,
    actor: ActorOf,
    after: AfterQuery = 0,
    wait: WaitQuery = 0,
    limit: LimitQuery = USUAL,
    last_event_id: LastEventId = None,
) -> Response:
    """Operational facts after a position, in order, as CloudEvents with the extension `position`.

    Asked as `text/event-stream`, they come as server-sent events for as long as the reader stays.
    """
    reader = _reader(request, caller, actor)
    head: LogHead = request.app.state.log_head
    accepted = request.headers.get("accept", "")
    if STREAM in accepted:
        named, begin = ("after", after) if last_event_id is None else ("Last-Event-ID", _position(last_event_id))
        await _must_be_there(request, named, begin)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_streamed(reader, head, begin), media_type=STREAM, headers=headers)
    await _must_be_there(request, "after", after)
    page = await _awaited(reader, head, after, limit, wait)
    items = b"[" + b",".join(body for _, body in page.facts) + b"]"
    headers = {POSITION: str(page.position)}
    if BATCH in accepted:
        return Response(items, media_type=BATCH, headers=headers)
    return Response(b'{"items":%b,"next":%d}' % (items, page.position), media_type=JSON, headers=headers)


async def _must_be_there(request: Request, name: str, position: int) -> None:
    """Make sure that the log has come to a position; another process may have appended what was not seen here yet.

    Raises:
        HttpProblem: It has not.
    """
    if position > request.app.state.log_head.position:
        rapport: Rapport = request.app.state.rapport
        if position > (head := await run_in_threadpool(rapport.store.head)):
            raise beyond(name, head)


def _position(last_event_id: str) -> int:
    if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 19):
        raise wrong_query("Last-Event-ID", "expected the id of an event of this stream, a whole number")
    return int(last_event_id)


def _reader(request: Request, caller: Caller, actor: Actor) -> FactReader:
    if actor.role not in BY_NAME | WITHOUT_IDS:
        said = f"expected one of the roles {', '.join(sorted(BY_NAME | WITHOUT_IDS))}"
        raise forbidden(said, code="role")
    rapport: Rapport = request.app.state.rapport
    return FactReader(rapport.store, rapport.settings.source, request.app.state.adopted, actor.role, caller.programmes)


async def _awaited(reader: FactReader, head: LogHead, after: int, limit: int, wait: float) -> Page:
    """The first page that has a fact, or what there is when the time is up."""
    until = time.monotonic() + wait
    position = after
    while True:
        page = await run_in_threadpool(reader.page, position, limit)
        left = until - time.monotonic()
        if page.facts or (not page.more and (left <= 0 or head.stopping)):
            return page
        position = page.position
        if not page.more:
            await head.reached(position + 1, left)


async def _streamed(reader: FactReader, head: LogHead, after: int) -> AsyncIterator[bytes]:
    until = time.monotonic() + STREAM_SECONDS
    position = after
    yield b"retry: 1000\n\n"
    while time.monotonic() < until and not head.stopping:
        page = await run_in_threadpool(reader.page, position, MOST)
        if page.facts:
            yield b"".join(b"id: %d\ndata: %b\n\n" % each for each in page.facts)
        if page.position > (page.facts[-1][0] if page.facts else position):
            # What is withheld moves the reader on as well.
            yield b"id: %d\n\n" % page.position
        position = page.position
        if not page.more and not await head.reached(position + 1, min(BEAT_SECONDS, max(until - time.monotonic(), 0))):
            yield b": still here\n\n"
