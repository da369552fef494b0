"""Forms for what a task asks about a mentor, a person or a conduct case, which are no relationship."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool

from domain.model import Command as CommandModel
from domain.registry import COMMANDS, kind_of
from infra.access import others
from infra.http.asking import Desk, DeskOf
from infra.http.problems import not_found
from infra.queries.as_at import NOW
from infra.queries.preview import history_as
from infra.web.command_form import Setting, data_of, fields_of, given_in
from infra.web.command_words import about, title
from infra.web.commands import Filled, at_fields, command_of, status_of
from infra.web.errors import PageRoute
from infra.web.form import FormOf
from infra.web.names import names_of
from infra.web.navigation import N_
from infra.web.page import page, see_other
from infra.web.senders import OF_OTHERS
from infra.web.sending import send, troubles
from infra.web.session import notice
from infra.web.suggestions import only_choice
from infra.web.visitor import ForOthers, Visitor, VisitorOf
from infra.web.zones import zone_of

router = APIRouter(route_class=PageRoute)
SubjectPath = Annotated[str, Path(alias="subject", pattern=r"^(mentor|case|person):[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
NamePath = Annotated[str, Path(alias="command", max_length=60)]


@router.get("/subjects/{subject}/do/{command}")
def form(request: Request, at: DeskOf, visitor: VisitorOf, subject: SubjectPath, name: NamePath) -> Response:
    """The form of a command; fields that the address names are filled in."""
    command = _known(at, visitor, subject, name)
    given = {each: request.query_params.getlist(each) for each in request.query_params}
    return _page(request, at, visitor, subject, command, Filled(given))


form.any_query = True  # type: ignore[attr-defined]


@router.post("/subjects/{subject}/do/{command}")
async def sent(
    request: Request, at: DeskOf, visitor: VisitorOf, subject: SubjectPath, name: NamePath, form: FormOf
) -> Response:
    """Send the command; what is refused is shown in the form, with the reasons."""
    command = await run_in_threadpool(_known, at, visitor, subject, name)
    data = data_of(command, form, _setting(request, at, visitor, subject))
    receipt = await send(request, visitor, command_of(name, subject, data, form))
    if receipt.status in {"accepted", "duplicate"}:
        notice(request, N_("Recorded."))
        return see_other(request, start_of(subject))
    filled = Filled(given_in(form), troubles(receipt.problems))
    return await run_in_threadpool(_page, request, at, visitor, subject, command, filled, status_of(receipt))


def start_of(subject: str) -> str:
    """The page from which a form about a subject came: that of the case, else the start."""
    kind, _, id_ = subject.partition(":")
    return f"/cases/{id_}" if kind == "case" else "/"


def _known(at: Desk, visitor: Visitor, subject: str, name: str) -> type[CommandModel]:
    """The command, of a subject that the visitor may know of, in a role that may send it.

    Raises:
        HttpProblem: There is no such subject or command for the visitor.
    """
    kind = kind_of(subject)
    command = COMMANDS.get(name)
    if command is None or command not in OF_OTHERS[kind] or not _may_know(at, visitor, subject):
        raise not_found()
    may = OF_OTHERS[kind][command]
    if visitor.role not in may:
        raise ForOthers(may)
    return command


def _may_know(at: Desk, visitor: Visitor, subject: str) -> bool:
    kind, _, id_ = subject.partition(":")
    if kind == "case":
        return others.case(at.engine, visitor.asker, id_, NOW, at.now) is not None
    if kind == "mentor":
        try:
            return others.mentor(at.engine, visitor.asker, id_, at.pseudonyms, NOW, at.now) is not None
        except others.MayNot:
            return False
    own = visitor.caller.id.lower() == id_.lower()
    return own or (
        others.knows_person(at.engine, visitor.asker, id_)
        and bool(history_as(at.store, lambda: at.engine, subject, visitor.asker.reader, NOW, at.now))
    )


def _setting(request: Request, at: Desk, visitor: Visitor, subject: str) -> Setting:
    entries: Sequence[Mapping[str, Any]] = history_as(
        at.store, lambda: at.engine, subject, visitor.asker.reader, NOW, at.now
    )
    kind, _, id_ = subject.partition(":")
    of_person = {"person": id_} if kind == "person" else {}
    return Setting({"codes": [], **of_person}, entries, visitor.role, visitor.caller.id, zone_of(request))


def _page(
    request: Request,
    at: Desk,
    visitor: Visitor,
    subject: str,
    command: type[CommandModel],
    filled: Filled,
    status: int = 200,
) -> Response:
    fields = only_choice(fields_of(command, _setting(request, at, visitor, subject), filled.given))
    id_ = subject.partition(":")[2]
    return page(
        request,
        "subject_command",
        status=status,
        title=title(command.__name__),
        about=about(command),
        command=command.__name__,
        subject=subject,
        fields=fields,
        wrong=filled.wrong,
        wrong_at=at_fields(filled.wrong, fields),
        message_id=f"page-{uuid4()}",
        id=id_,
        start=start_of(subject),
        names=names_of(request, at, visitor, [id_]),
    )
