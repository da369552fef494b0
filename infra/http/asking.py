"""What all reads have in common: who asks about which moment and which page, and how answers are given.

An answer carries an `ETag` by the position of the record and its content; asked again with `If-None-Match`, the same answer is
304 without a body. Answers belong to their reader: nobody in between may keep them without asking again.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from hashlib import sha256
from threading import Lock
from typing import Annotated, Any, Final

import orjson
from cachetools import LRUCache
from fastapi import Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, BeforeValidator, WithJsonSchema

from domain.model import Actor, is_blank
from domain.time_form import is_day
from infra.access.caller import Caller
from infra.access.pages import MOST, USUAL, Cut, Page
from infra.access.standing import Asker, asker
from infra.bootstrap import Rapport
from infra.http.caller import CallerOf, RoleHeader, actor
from infra.http.problems import wrong_query
from infra.projection_engine.engine import Engine
from infra.projection_engine.pseudonyms import Pseudonyms
from infra.queries.as_at import Moment
from infra.queries.asked_time import asked_time
from infra.queries.sharing import is_spelled

# The relationship of the examples in the document.
RELATIONSHIP: Final = "6f1e0000-0000-4000-8000-000000000001"
_MAKING: Final = Lock()
# Callers of whom it is known as whom they read.
ASKERS: Final = 10_000

_Time = Annotated[str, WithJsonSchema({"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]})]
AsOfQuery = Annotated[
    _Time | None,
    Query(alias="as_of", description="As it was by then: what had occurred by this time, or day (RFC 3339)."),
]
KnownAtQuery = Annotated[
    _Time | None,
    Query(
        alias="known_at", description="As it was known then: what had been recorded by this time, or day (RFC 3339)."
    ),
]
VersionQuery = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="As it was after this event.")]


# --- what is asked of -------------------------------------------------------------------------------------------------
class Desk:
    """What reads of one app share: the store, the engine of the datasets, the pseudonyms. Threads may share it."""

    def __init__(self, rapport: Rapport) -> None:
        self.rapport = rapport
        self.store = rapport.store
        self.engine: Engine = rapport.engine()
        self.pseudonyms = Pseudonyms(rapport.store.identity.secret)
        self._askers: LRUCache[tuple[Caller, Actor], tuple[Asker, int | None]] = LRUCache(ASKERS)
        self._turn = Lock()

    def known_asker(self, caller: Caller, actor: Actor, position: int) -> Asker | None:
        """The caller in a role as `asker` found them, if nothing can be otherwise at a position of the log; waits for nothing."""
        with self._turn:
            found, by = self._askers.get((caller, actor), (None, None))
        return found if by is None or by == position else None

    def asker(self, caller: Caller, actor: Actor, position: int) -> Asker:
        """The caller in a role, with their id as the record spells it; the log had come to a position."""
        found = asker(self.store, caller, actor)
        # The first spelling of an id stands; of an id that nobody has told of, the next event may have one.
        by = None if is_spelled(self.store, found.reader) else position
        with self._turn:
            self._askers[caller, actor] = found, by
        return found

    @property
    def now(self) -> datetime:
        """The time of the question."""
        return self.rapport.clock.now()


# Dependencies that wait for nothing are coroutines: those that aren't go to a thread and back, each for itself.
async def desk(request: Request) -> Desk:
    """The desk of the app, made at the first read."""
    state = request.app.state
    found: Desk | None = getattr(state, "desk", None)
    return found if found is not None else await run_in_threadpool(_desk, state)


def _desk(state: Any) -> Desk:
    with _MAKING:
        if getattr(state, "desk", None) is None:
            state.desk = Desk(state.rapport)
        found: Desk = state.desk
    return found


DeskOf = Annotated[Desk, Depends(desk)]


async def standing(request: Request, known: CallerOf, named: RoleHeader = None) -> Asker:
    """The caller in the role in which they ask."""
    who, at = await actor(request, known, named), await desk(request)
    position = request.app.state.log_head.position
    found = at.known_asker(known, who, position)
    return found if found is not None else await run_in_threadpool(at.asker, known, who, position)


AskerOf = Annotated[Asker, Depends(standing)]


# --- what is asked for ------------------------------------------------------------------------------------------------
def time_of(name: str, text: str | None) -> datetime | None:
    """A time with its offset or the end of a day, in UTC; None where there is none.

    Raises:
        HttpProblem: It is no such time; the parameter is named.
    """
    try:
        return None if text is None else asked_time(text)
    except ValueError as error:
        raise wrong_query(name, f"{error}; write + as %2B") from None


async def moment(as_of: AsOfQuery = None, known_at: KnownAtQuery = None) -> Moment:
    """The time that is asked about."""
    return Moment(time_of("as_of", as_of), time_of("known_at", known_at))


async def moment_or_version(
    as_of: AsOfQuery = None, known_at: KnownAtQuery = None, version: VersionQuery = None
) -> Moment:
    """The time or the version that is asked about."""
    return Moment(time_of("as_of", as_of), time_of("known_at", known_at), version)


MomentOf = Annotated[Moment, Depends(moment)]
MomentOrVersion = Annotated[Moment, Depends(moment_or_version)]


def _written_day(value: object) -> object:
    # A bare number would pass for seconds since 1970.
    if isinstance(value, str) and not is_day(value):
        raise ValueError("expected a day such as 2026-03-02")
    return value


Day = Annotated[date, BeforeValidator(_written_day)]


class Paging(BaseModel):
    """Which page of a list."""

    cursor: str | None = None
    limit: int = USUAL

    def of(self, request: Request, who: Asker) -> Cut:
        """The page of this question: the same path, filters, role and caller."""
        asked = sorted(pair for pair in request.query_params.multi_items() if pair[0] not in _OF_PAGE)
        question = (request.url.path, tuple(asked), str(who.reader))
        return Cut(question, self.cursor, self.limit)


_OF_PAGE: Final = frozenset({"cursor", "limit", "after"})


async def paging(
    cursor: Annotated[str | None, Query(max_length=2000, description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST, description="How many items at most.")] = USUAL,
) -> Paging:
    """The page that is asked for."""
    return Paging(cursor=cursor, limit=limit)


PagingOf = Annotated[Paging, Depends(paging)]


async def reason(
    reveal: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=500,
            description="Why content is read: it is shown as far as the caller may see it, and the read recorded.",
        ),
    ] = None,
) -> str | None:
    """Why content is read; None: it stays sealed.

    Raises:
        HttpProblem: The reason says nothing.
    """
    if reveal is not None and is_blank(reveal):
        raise wrong_query("reveal", "expected the reason for which content is read")
    return reveal


ReasonOf = Annotated[str | None, Depends(reason)]


# On what an answer depends beside its address: who reads.
READER: Final = "Authorization, Rapport-Role"
# A quote inside a text is escaped, so no text looks like this member.
_AS_OF: Final = re.compile(rb'"as_of":"[^"]*"')


# --- answers ----------------------------------------------------------------------------------------------------------
def answered(request: Request, at: Desk, value: Any, why: str | None = None) -> Response:
    """The answer as JSON, or 304 where the caller has it already. What was revealed for a reason is to be kept by nobody."""
    body = orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z)
    if why is not None:
        return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
    # The same answer a moment later has the same tag: the time of which it is doesn't count.
    headers = tagged(at, sha256(_AS_OF.sub(b"", body)).hexdigest())
    return unchanged(request, headers) or Response(body, media_type="application/json", headers=headers)


def tagged(at: Desk, digest: str, vary: str = READER) -> dict[str, str]:
    """The headers of an answer whose content has this digest, by which the caller may ask for it again; `vary` names what it depends on."""
    return {"ETag": f'"{at.store.head()}-{digest[:16]}"', "Cache-Control": "private, no-cache", "Vary": vary}


def unchanged(request: Request, headers: dict[str, str]) -> Response | None:
    """304 where the caller has the answer with these headers (of `tagged`) already; None where they need it."""
    # `*` is whatever answer there is (RFC 9110, 13.1.2).
    is_had = not _tags(request).isdisjoint({headers["ETag"].removeprefix("W/"), "*"})
    return Response(status_code=304, headers=headers) if is_had else None


def page_of(request: Request, at: Desk, page: Page[Any]) -> Response:
    """A page of a list."""
    return answered(request, at, {"items": page.items, "next": page.next})


def whole(request: Request, at: Desk, items: list[Any], why: str | None = None) -> Response:
    """A list that is one page."""
    return answered(request, at, {"items": items, "next": None}, why)


def _tags(request: Request) -> set[str]:
    given = request.headers.get("if-none-match", "")
    return {tag.strip().removeprefix("W/") for tag in given.split(",")}


def _plain(value: object) -> object:
    match value:
        case BaseModel():
            return value.model_dump()
        case tuple():
            return list(value)
        case set() | frozenset():
            return sorted(value)
        case Mapping():
            return dict(value)
        case date():
            return value.isoformat()
        case _:
            raise TypeError(f"{type(value).__name__} has no JSON form")
