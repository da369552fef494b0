"""`/v1/me`: what is a caller's own."""

from fastapi import APIRouter, Request, Response

from infra.access.own import me as own
from infra.http.asking import DeskOf, answered
from infra.http.caller import CallerOf
from infra.http.log_head import Visible

router = APIRouter(prefix="/v1/me", tags=["me"], dependencies=[Visible])


@router.get("", operation_id="getMe")
def me(request: Request, at: DeskOf, caller: CallerOf) -> Response:
    """Who the caller is to Rapport, and the relationships that name them."""
    return answered(request, at, own(at.engine, caller))
