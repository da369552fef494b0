"""`/v1/webhooks`: who is told facts as they come. Coordinators and suppliers subscribe for the programmes that their token covers.

What a subscriber is told is what the topic has for services: operational facts, nothing that is withheld.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from domain.model import Actor
from domain.problem import Problem
from domain.words import Role
from infra.access.caller import Caller
from infra.bootstrap import Rapport
from infra.http.asking import Desk, DeskOf, answered
from infra.http.caller import ActorOf, CallerOf
from infra.http.log_head import beyond
from infra.http.problems import HttpProblem, forbidden, not_found
from infra.kafka.facts import PUBLISHED
from infra.webhooks.address import NotAllowed, check, networks
from infra.webhooks.subscriptions import Subscription, Subscriptions, TooMany, Wanted, covered

ADMINS: Final[frozenset[Role]] = frozenset({"coordinator", "supplier"})
TYPES: Final = frozenset(f"rapport.{event.__name__}" for event in PUBLISHED)

router = APIRouter(prefix="/v1/webhooks", tags=["facts"])

IdPath = Annotated[str, Path(alias="id", description="The id of the subscription.")]


class Subscribed(BaseModel):
    """Where to send which facts."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"url": "https://example.org/hooks/rapport", "programme_id": "spring"}},
    )

    url: str = Field(
        description="The address that is called: https, unless RAPPORT_WEBHOOK_NETWORKS names its network."
    )
    programme_id: str | None = Field(
        None,
        description="The programme whose facts are sent. Only tokens for all programmes may leave it out, for the facts of all.",
    )
    types: list[Annotated[str, WithJsonSchema({"enum": sorted(TYPES)})]] = Field(
        [], max_length=200, description="The types of facts that are sent; none: all."
    )
    after: int | None = Field(
        None, ge=0, le=2**63 - 1, description="The position after which to begin. Without it: the facts from now on."
    )


def _subscriptions(request: Request) -> Subscriptions:
    """The subscriptions of the app, whose table is made at the first call."""
    state = request.app.state
    if getattr(state, "subscriptions", None) is None:
        rapport: Rapport = state.rapport
        state.subscriptions = Subscriptions(rapport.database, rapport.keys)
    found: Subscriptions = state.subscriptions
    return found


def _must_administer(actor: Actor) -> None:
    if actor.role not in ADMINS:
        raise forbidden(f"expected one of the roles {', '.join(sorted(ADMINS))}", code="role")


def _one(request: Request, caller: Caller, actor: Actor, id_: str) -> Subscription:
    """The subscription, if it is for the caller to know.

    Raises:
        HttpProblem: There is none that is.
    """
    _must_administer(actor)
    found = _subscriptions(request).one(id_)
    if found is None or not covered([found], caller.programmes):
        raise not_found()
    return found


def shown(found: Subscription) -> dict[str, Any]:
    """The subscription as it is answered, without its secret."""
    return {name: value for name, value in found._asdict().items() if name != "types"} | {"types": list(found.types)}


@router.post("", operation_id="subscribe", status_code=201)
def subscribe(request: Request, at: DeskOf, caller: CallerOf, actor: ActorOf, wanted: Subscribed) -> Response:
    """Have facts sent to an address as they come. The secret that signs them is in this answer alone."""
    _must_administer(actor)
    _check(at, caller, wanted)
    head = at.store.head()
    if wanted.after is not None and wanted.after > head:
        raise beyond("after", head)
    position = head if wanted.after is None else wanted.after
    named = Wanted(wanted.url, wanted.programme_id, tuple(dict.fromkeys(wanted.types)), position, str(actor))
    try:
        made, secret = _subscriptions(request).make(named)
    except TooMany as error:
        raise HttpProblem(409, Problem("too_many", str(error), field="programme_id")) from None
    answer = answered(request, at, {**shown(made), "secret": secret}, "shown once")
    answer.status_code = 201
    answer.headers["Location"] = f"{request.scope.get('root_path', '')}/v1/webhooks/{made.id}"
    return answer


def _check(at: Desk, caller: Caller, wanted: Subscribed) -> None:
    """Make sure that the caller may have this.

    Raises:
        HttpProblem: They may not, or it can't be.
    """
    try:
        check(wanted.url, networks(at.rapport.settings.webhook_networks))
    except NotAllowed as error:
        raise HttpProblem(400, Problem("bad_value", str(error), field="url")) from None
    if unknown := [each for each in wanted.types if each not in TYPES]:
        said = f"there are no facts of the type {unknown[0]!r}; docs/reference/messages.md lists those that are sent"
        raise HttpProblem(400, Problem("unknown_type", said, field="types"))
    if wanted.programme_id is None and caller.programmes is not None:
        raise HttpProblem(400, Problem("missing", "expected one of the token's programmes", field="programme_id"))
    if wanted.programme_id is not None and not caller.of_programme(wanted.programme_id):
        raise forbidden("expected one of the token's programmes", "programme_id", "not_covered")


@router.get("", operation_id="listWebhooks")
def webhooks(request: Request, at: DeskOf, caller: CallerOf, actor: ActorOf) -> Response:
    """The subscriptions of the caller's programmes: how far each has come, and what stands in its way."""
    _must_administer(actor)
    items = [shown(each) for each in covered(_subscriptions(request).all(), caller.programmes)]
    return answered(request, at, {"items": items, "next": None})


@router.post("/{id}/enable", operation_id="enableWebhook")
def enable(request: Request, at: DeskOf, caller: CallerOf, actor: ActorOf, id_: IdPath) -> Response:
    """Send again what a disabled or failing subscription has missed, from where it stopped."""
    found = _one(request, caller, actor, id_)
    _subscriptions(request).enable(found.id)
    return answered(request, at, shown(_one(request, caller, actor, id_)))


@router.delete("/{id}", operation_id="unsubscribe", status_code=204)
def remove(request: Request, caller: CallerOf, actor: ActorOf, id_: IdPath) -> Response:
    """Send nothing more there; the secret is forgotten."""
    _subscriptions(request).remove(_one(request, caller, actor, id_).id)
    return Response(status_code=204)
