"""`GET /v1/events`: operational facts in the order of the log, to ask for or to be sent as they come.

The same facts as on the topic `rapport.events`, and the same are withheld. The office and services read them under the ids of
people; analysts and auditors know people by pseudonyms alone, so theirs name nobody. Parties read their own relationships elsewhere.
"""

import time
from collections.abc import AsyncIterator
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from domain.model import Actor
from domain.words import Role
from infra.access.caller import Caller
from infra.bootstrap import Rapport
from infra.http.caller import ActorOf, CallerOf
from infra.http.log_head import LogHead
from infra.http.messages import JSON, POSITION
from infra.http.problems import forbidden, wrong_query
from infra.kafka.adopted import Adopted
from infra.kafka.facts import WITHOUT_IDS, fact
from infra.operations.logs import logger
from infra.operations.mistake import report_mistake
from infra.store.log import LoggedEvent

STREAM: Final = "text/event-stream"
BATCH: Final = "application/cloudevents-batch+json"
BY_NAME: Final[frozenset[Role]] = frozenset({"service", "coordinator", "supplier"})
# Events that are looked at in one go: most are facts, those of other programmes and those withheld are not.
LOOK: Final = 1000
MOST: Final = 1000
USUAL: Final = 100
LONGEST_WAIT: Final = 60
# A stream says that it lives this often, and ends after so long: its reader comes back by itself, with a token that still holds.
BEAT_SECONDS: Final = 15.0
STREAM_SECONDS: Final = 900.0

log = logger("rapport.http")
router = APIRouter(tags=["facts"])

AfterQuery = Annotated[int, Query(ge=0, le=2**63 - 1, description="The position after which to begin.")]
WaitQuery = Annotated[
    float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for a fact where there is none yet.")
]
LimitQuery = Annotated[int, Query(ge=1, le=MOST, description="The most facts in one answer.")]
LastEventId = Annotated[
    str | None, Header(alias="Last-Event-ID", description="The id of the last event of a stream that broke off.")
]


class Page(NamedTuple):
    """Facts, the position up to which the log was looked through for them, and whether there is more behind."""

    facts: list[tuple[int, bytes]]
    position: int
    more: bool


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
    reader = Reader(request.app.state.rapport, request.app.state.adopted, caller, actor)
    head: LogHead = request.app.state.log_head
    accepted = request.headers.get("accept", "")
    if STREAM in accepted:
        begin = after if last_event_id is None else _position(last_event_id)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_streamed(reader, head, begin), media_type=STREAM, headers=headers)
    page = await _awaited(reader, head, after, limit, wait)
    items = b"[" + b",".join(body for _, body in page.facts) + b"]"
    headers = {POSITION: str(page.position)}
    if BATCH in accepted:
        return Response(items, media_type=BATCH, headers=headers)
    return Response(b'{"items":%b,"next":%d}' % (items, page.position), media_type=JSON, headers=headers)


def _position(last_event_id: str) -> int:
    if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 19):
        raise wrong_query("Last-Event-ID", "expected the id of an event of this stream, a whole number")
    return int(last_event_id)


class Reader:
    """Reads the facts that a caller may have. Its methods wait for the database: call them in a thread."""

    def __init__(self, rapport: Rapport, adopted: Adopted, caller: Caller, actor: Actor) -> None:
        if actor.role not in BY_NAME | WITHOUT_IDS:
            said = f"expected one of the roles {', '.join(sorted(BY_NAME | WITHOUT_IDS))}"
            raise forbidden(said, code="role")
        self._rapport = rapport
        self._adopted = adopted
        self._caller = caller
        self._role = actor.role

    def page(self, after: int, limit: int) -> Page:
        """Facts after a position, as far as one look at the log goes."""
        notes = self._rapport.store.logged(after, LOOK)
        found: list[tuple[int, bytes]] = []
        for note in notes:
            if (body := self._fact(note)) is not None:
                found.append((note.position, body))
                if len(found) == limit:
                    return Page(found, note.position, more=True)
        return Page(found, notes[-1].position if notes else after, more=len(notes) == LOOK)

    def _fact(self, note: LoggedEvent) -> bytes | None:
        """The fact of an event, None where it is withheld; a mistake of ours in one keeps back no other."""
        try:
            recorded = self._rapport.store.decode_facts(note)
            terms = self._adopted.of(recorded)
            if not self._covered(terms.programme_id):
                return None
            return fact(recorded, self._rapport.settings.source, note.position, terms.codes, self._role)
        except Exception as error:  # noqa: BLE001 - whatever it is
            report_mistake(log, "Rapport failed on a fact, and does not send it", error, position=note.position)
            return None

    def _covered(self, programme_id: str | None) -> bool:
        """Whether the caller's token covers the programme of an event."""
        if self._caller.programmes is None:
            return True
        return programme_id is not None and self._caller.of_programme(programme_id)


async def _awaited(reader: Reader, head: LogHead, after: int, limit: int, wait: float) -> Page:
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


async def _streamed(reader: Reader, head: LogHead, after: int) -> AsyncIterator[bytes]:
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
