"""`POST /v1/me/erasure`: a person asks that what is theirs be erased, everywhere. Somebody in the office answers within a month."""

from uuid import uuid4

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from domain.ids import MACHINES
from domain.relationship.commands import RequestErasure
from domain.words import ErasureBasis
from infra.http.caller import ActorOf
from infra.http.intake import Intake
from infra.http.messages import answered_by
from infra.http.problems import forbidden
from infra.intake.message import compose

SOURCE = "/v1/me/erasure"

router = APIRouter(tags=["me"])


class AskedFor(BaseModel):
    """Why it is to be erased."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"basis": "objection"}})

    basis: ErasureBasis = Field(description="The ground on which the person asks.")


@router.post("/v1/me/erasure", operation_id="requestMyErasure")
async def request_erasure(request: Request, actor: ActorOf, asked: AskedFor) -> Response:
    """Ask that all words of the caller be erased. The receipt names the request, which another person has to approve."""
    if actor.role in MACHINES:
        raise forbidden("a service is no person: words are those of people", code="role")
    intake: Intake = request.app.state.intake
    message = compose(
        RequestErasure(person=actor.id, basis=asked.basis),
        source=SOURCE,
        id=f"erasure-{uuid4()}",
        subject=f"person:{actor.id}",
        time=request.app.state.rapport.clock.now(),
        actor=actor,
    )
    receipt = await intake.own(message)
    return answered_by(request, intake, receipt, message)
