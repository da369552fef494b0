"""Conduct cases, for hr and the coordinators: which there are, and of one of them whom it is about, how far it is, and what can be done.

Nobody reads of a case about themselves. What was said and decided is safeguarded: it opens for a reason, which is kept.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from domain.registry import COMMANDS
from infra.access import others
from infra.access.seen import Shown, words_for
from infra.http.asking import Desk, DeskOf
from infra.http.problems import not_found
from infra.queries.as_at import NOW
from infra.queries.preview import history_as
from infra.web.command_words import title
from infra.web.errors import PageRoute
from infra.web.form import FormOf
from infra.web.names import names_of
from infra.web.offers import Offer
from infra.web.page import page, see_other
from infra.web.senders import OF_OTHERS
from infra.web.start import tasks_of
from infra.web.subject_seen import readable, reason_of
from infra.web.task_words import TaskWords
from infra.web.visitor import Visitor, VisitorOf, of_roles

router = APIRouter(prefix="/cases", route_class=PageRoute)
ROLES: Final = ("coordinator", "hr")
IdPath = Annotated[str, Path(alias="id", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


@router.get("")
def cases(request: Request, at: DeskOf, visitor: VisitorOf) -> Response:
    """The cases of the visitor's programmes: those that are open first."""
    of_roles(visitor, *ROLES)
    found = others.cases(at.engine, visitor.asker)
    return page(request, "cases", cases=found, names=names_of(request, at, visitor, _about(found)))


@router.get("/{id}")
def case(request: Request, at: DeskOf, visitor: VisitorOf, id_: IdPath) -> Response:
    """One case."""
    return _page(request, at, visitor, id_)


@router.post("/{id}/words")
def words(request: Request, at: DeskOf, visitor: VisitorOf, id_: IdPath, form: FormOf) -> Response:
    """The same with what was said and decided, as far as the visitor may read it; the reason is kept."""
    return _page(request, at, visitor, id_, reason_of(form))


@router.get("/{id}/words")
def no_words(request: Request, id_: IdPath) -> Response:
    """Who opens the address of a page with words anew is asked for the reason again."""
    return see_other(request, f"/cases/{id_}#reveal")


def _page(request: Request, at: Desk, visitor: Visitor, id_: str, why: str | None = None) -> Response:
    of_roles(visitor, *ROLES)
    shown = others.case(at.engine, visitor.asker, id_, NOW, at.now)
    if shown is None:
        raise not_found()
    subject, reader = shown["id"], visitor.asker.reader
    entries = history_as(at.store, lambda: at.engine, subject, reader, NOW, at.now)
    may_open = readable(entries)
    if why is not None:
        events = [event for event in at.store.read(subject) if event.version in may_open]
        opened = words_for(at.store, lambda: at.engine, subject, reader, events, at.now, why)
        entries = [entry | {"data": opened.get(entry["version"], entry["data"])} for entry in entries]
    can = offers(visitor, shown)
    people = [*_about([shown]), *((entry["actor"] or "").partition(":")[2] for entry in entries)]
    return page(
        request,
        "case",
        shown=shown,
        id=subject.partition(":")[2],
        entries=entries,
        offers=can,
        tasks=_tasks(at, visitor, subject, can),
        read_words=why is not None,
        may_reveal=bool(may_open),
        names=names_of(request, at, visitor, people),
    )


def offers(visitor: Visitor, shown: Shown) -> list[Offer]:
    """What the visitor can do about a case, and what not any more: it is decided once, and closed once."""
    now = shown["possible"].get(visitor.role, [])
    mine = [command.__name__ for command, roles in OF_OTHERS["case"].items() if visitor.role in roles]
    return [
        Offer(name, title(name), is_possible=name in now) for name in mine if name != "OpenCase" and name in COMMANDS
    ]


def _tasks(at: Desk, visitor: Visitor, subject: str, can: Sequence[Offer]) -> list[TaskWords]:
    """The open tasks of the case, with the forms of what is possible: workers close what was settled a little later."""
    now = {offer.title for offer in can if offer.is_possible}
    return [
        task._replace(settles=tuple(each for each in task.settles if each[1] in now))
        for task in tasks_of(at, visitor)
        if task.subject == subject
    ]


def _about(found: Sequence[Mapping[str, Any]]) -> list[str]:
    return [each["about"].rpartition(":")[2] for each in found if each["about"] and ":" in each["about"]]
