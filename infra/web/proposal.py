"""The form that proposes a relationship: the one command whose subject is made with it."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from domain.model import Command as CommandModel
from domain.registry import COMMANDS
from domain.relationship.permissions import may_send
from infra.access.choosing import choosing
from infra.access.seen import Seen
from infra.access.standing import stands_in
from infra.http.asking import Desk, DeskOf
from infra.queries.as_at import NOW
from infra.web.command_form import Choice, Field, Setting, data_of, fields_of, given_in
from infra.web.command_words import about, title
from infra.web.commands import Filled, at_fields, command_of, status_of
from infra.web.errors import PageRoute
from infra.web.form import FormOf
from infra.web.names import names_of
from infra.web.navigation import N_
from infra.web.page import page, see_other
from infra.web.sending import send, troubles
from infra.web.session import notice
from infra.web.suggestions import only_choice
from infra.web.task_words import PROPOSE
from infra.web.visitor import Visitor, VisitorOf, of_roles
from infra.web.zones import zone_of

router = APIRouter(route_class=PageRoute)
NAME: Final = "ProposeRelationship"
COMMAND: Final[type[CommandModel]] = COMMANDS[NAME]


# What a relationship that follows another takes from it; the mentor is somebody else most often.
TAKEN: Final = ("programme_id", "mentee_id", "customer_id", "line_manager_id", "supplier_id")


@router.get(PROPOSE)
def form(request: Request, at: DeskOf, visitor: VisitorOf) -> Response:
    """The form; fields that the address names are filled in, and what the relationship that it follows says."""
    of_roles(visitor, *sorted(may_send(COMMAND)))
    given = {each: request.query_params.getlist(each) for each in request.query_params}
    return _page(request, at, visitor, Filled(_followed(at, visitor, given) | given))


form.any_query = True  # type: ignore[attr-defined]


@router.post(PROPOSE)
async def sent(request: Request, at: DeskOf, visitor: VisitorOf, form: FormOf) -> Response:
    """Propose it; what is refused is shown in the form, with the reasons."""
    of_roles(visitor, *sorted(may_send(COMMAND)))
    subject = str(uuid4())
    data = data_of(COMMAND, form, Setting({"codes": []}, (), visitor.role, visitor.caller.id, zone_of(request)))
    receipt = await send(request, visitor, command_of(NAME, subject, data, form))
    if receipt.status in {"accepted", "duplicate"}:
        notice(request, N_("Recorded."))
        return see_other(request, f"/relationships/{receipt.subject}")
    filled = Filled(given_in(form), troubles(receipt.problems))
    return await run_in_threadpool(_page, request, at, visitor, filled, status_of(receipt))


def _followed(at: Desk, visitor: Visitor, given: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """What is filled in from the relationship that the new one follows; nothing where the visitor has no part in it."""
    subject = next(iter(given.get("follows", ())), "").lower()
    if not subject or not stands_in(at.store, lambda: at.engine, visitor.asker, subject):
        return {}
    seen = Seen.of(at.store, lambda: at.engine, visitor.asker, subject, at.now)
    shown = seen.show(NOW) if seen is not None else None
    if shown is None:
        return {}
    taken = {name: [shown[name]] for name in TAKEN if isinstance(shown.get(name), str)}
    return taken | {"codes": list(shown["codes"])}


def _fields(request: Request, at: Desk, visitor: Visitor, filled: Filled) -> list[Field]:
    """The fields, with the programmes to choose from and the people to choose among; somebody new is named by their id."""
    known = choosing(at.engine, visitor.asker)
    names = names_of(request, at, visitor, [*known.mentees, *known.mentors])
    people = {"mentee_id": known.mentees, "mentor_id": known.mentors}
    programmes = tuple(Choice(id_, name if name == id_ else f"{name} ({id_})") for id_, name in known.programmes)
    known_programmes = {each.value for each in programmes}

    def offered(field: Field) -> Field:
        if field.name == "programme_id" and known_programmes.issuperset(field.values):
            return field._replace(kind="select", choices=programmes) if programmes else field
        if field.name in people:
            return field._replace(choices=tuple(Choice(id_, names.get(id_, id_)) for id_ in people[field.name]))
        return field._replace(kind="hidden") if field.name == "follows" and field.value else field

    setting = Setting({"codes": []}, (), visitor.role, visitor.caller.id, zone_of(request))
    return only_choice([offered(field) for field in fields_of(COMMAND, setting, filled.given)])


def _page(request: Request, at: Desk, visitor: Visitor, filled: Filled, status: int = 200) -> Response:
    fields = _fields(request, at, visitor, filled)
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
