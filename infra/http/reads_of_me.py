"""`/v1/me`: what is a caller's own."""

from fastapi import APIRouter, Request, Response

from domain.ids import MACHINES
from infra.access.own import me as own
from infra.http.asking import DeskOf, answered
from infra.http.caller import ActorOf, CallerOf, RoleOf
from infra.http.log_head import Visible
from infra.http.problems import forbidden, not_found
from infra.queries.person_data import person_data

router = APIRouter(prefix="/v1/me", tags=["me"], dependencies=[Visible])


@router.get("", operation_id="getMe")
def me(request: Request, at: DeskOf, caller: CallerOf, named: RoleOf) -> Response:
    """Who the caller is to Rapport, and the relationships that name them: in the role that the request names, or in any of theirs."""
    return answered(request, at, own(at.engine, caller, named))


@router.get("/data", operation_id="getMyData")
def data(request: Request, at: DeskOf, actor: ActorOf) -> Response:
    """All that is held about the caller: what, why, from whom, for whom, until when; the words of others are protected."""
    if actor.role in MACHINES:
        raise forbidden("a service is no person: data is held about people", code="role")
    found = person_data(at.store, lambda: at.engine, actor.id, at.now, str(actor))
    if found is None:
        raise not_found("nothing is recorded of you")
    return answered(request, at, found)
