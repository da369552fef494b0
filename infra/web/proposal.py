"""The form that proposes a relationship: the one command whose subject is made with it."""

from typing import Final
from uuid import uuid4

from fastapi import APIRouter, Request, Response

from domain.model import Command as CommandModel
from domain.registry import COMMANDS
from domain.relationship.permissions import may_send
from infra.web.command_form import Setting, data_of, fields_of, given_in
from infra.web.command_words import title
from infra.web.commands import Filled, about, at_fields, command_of, status_of
from infra.web.errors import PageRoute
from infra.web.form import FormOf
from infra.web.navigation import N_
from infra.web.page import page, see_other
from infra.web.sending import send, troubles
from infra.web.session import notice
from infra.web.task_words import PROPOSE
from infra.web.visitor import Visitor, VisitorOf, of_roles
from infra.web.zones import zone_of

router = APIRouter(route_class=PageRoute)
NAME: Final = "ProposeRelationship"
COMMAND: Final[type[CommandModel]] = COMMANDS[NAME]


@router.get(PROPOSE)
def form(request: Request, visitor: VisitorOf) -> Response:
    """The form; fields that the address names are filled in."""
    of_roles(visitor, *sorted(may_send(COMMAND)))
    given = {each: request.query_params.getlist(each) for each in request.query_params}
    return _page(request, visitor, Filled(given))


form.any_query = True  # type: ignore[attr-defined]


@router.post(PROPOSE)
async def sent(request: Request, visitor: VisitorOf, form: FormOf) -> Response:
    """Propose it; what is refused is shown in the form, with the reasons."""
    of_roles(visitor, *sorted(may_send(COMMAND)))
    subject = str(uuid4())
    data = data_of(COMMAND, form, _setting(request, visitor))
    receipt = await send(request, visitor, command_of(NAME, subject, data, form))
    if receipt.status in {"accepted", "duplicate"}:
        notice(request, N_("Recorded."))
        return see_other(request, f"/relationships/{receipt.subject}")
    return _page(request, visitor, Filled(given_in(form), troubles(receipt.problems)), status_of(receipt))


def _setting(request: Request, visitor: Visitor) -> Setting:
    return Setting({"codes": []}, (), visitor.role, visitor.caller.id, zone_of(request))


def _page(request: Request, visitor: Visitor, filled: Filled, status: int = 200) -> Response:
    fields = fields_of(COMMAND, _setting(request, visitor), filled.given)
    return page(
        request,
        "proposal",
        status=status,
        title=title(NAME),
        about=about(COMMAND),
        fields=fields,
        wrong=filled.wrong,
        wrong_at=at_fields(filled.wrong, fields),
        message_id=f"page-{uuid4()}",
        action=PROPOSE,
    )
