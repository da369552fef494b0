"""The codes of conduct: every clause in a sentence, what implements and tests it, and the statechart that decides."""

from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from domain.codes.clauses import CLAUSES, CODES, POLICY
from infra.access.seen import Seen
from infra.access.standing import READERS, stands_in
from infra.codes.trace import Trace, find_suite, trace
from infra.http.asking import Desk, DeskOf
from infra.http.problems import not_found
from infra.queries.as_at import NOW
from infra.web.errors import PageRoute
from infra.web.page import page
from infra.web.statechart import drawing
from infra.web.visitor import Visitor, VisitorOf

router = APIRouter(prefix="/codes", route_class=PageRoute)


@router.get("")
def codes(
    request: Request,
    at: DeskOf,
    visitor: VisitorOf,
    relationship: Annotated[str | None, Query(max_length=100, description="The one whose state is marked.")] = None,
) -> Response:
    """All clauses by code, and the statechart; with a relationship, its state is marked in it."""
    shown = None if relationship is None else _state(at, visitor, relationship.lower())
    return page(
        request,
        "codes",
        codes=[*CODES.values(), POLICY],
        adopted=None if shown is None else [*shown["codes"], POLICY.id],
        chart=drawing(),
        state=None if shown is None else shown["state"],
        subject=None if shown is None else shown["id"],
    )


def _state(at: Desk, visitor: Visitor, subject: str) -> dict[str, Any]:
    engine = at.engine
    if visitor.role in READERS and ":" not in subject and stands_in(at.store, lambda: engine, visitor.asker, subject):
        seen = Seen.of(at.store, lambda: engine, visitor.asker, subject, at.now)
        shown = seen and seen.show(NOW)
        if shown:
            return shown
    raise not_found()


@router.get("/{clause}")
def clause(
    request: Request,
    _: VisitorOf,
    id_: Annotated[str, Path(alias="clause", description="Such as cmn.objectives.")],
) -> Response:
    """One clause: its rule, what it takes hold of, and what implements and tests it."""
    if id_ not in CLAUSES:
        raise not_found()
    found = _traced()[id_]
    code = CODES.get(found.clause.code, POLICY)
    return page(request, "clause", clause=found.clause, code=code, found=found, has_suite=find_suite() is not None)


@cache
def _traced() -> dict[str, Trace]:
    """What implements and tests each clause; the code does not change while it runs."""
    return {each.clause.id: each for each in trace(find_suite())}
