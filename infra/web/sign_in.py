"""Signing in and out, and choosing a role where somebody has several."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from domain.model import Actor
from domain.problem import Problem
from domain.sharing.question import Reader
from infra.access.caller import Caller
from infra.access.errors import KeysNotReached, NotKnown
from infra.access.seen import words_for
from infra.http.asking import Desk, DeskOf
from infra.http.problems import HttpProblem, not_found
from infra.public_url import LOOPBACK
from infra.queries.subject_words import NO_ENTRY, holding
from infra.sealing.errors import KeysRefused
from infra.web import session
from infra.web.errors import PageRoute
from infra.web.form import FormOf
from infra.web.navigation import N_
from infra.web.page import page, root_of, see_other
from infra.web.site_of import Site, site_of
from infra.web.visitor import CHOOSE_ROLE, SIGN_IN, CallerOf

# Why somebody reads their own entry, as the record of reads says it.
WHY: Final = "signing in"
BACK: Final = f"{SIGN_IN}/open-id/back"
router = APIRouter(route_class=PageRoute)


@router.get(SIGN_IN)
def sign_in(request: Request, target: Annotated[str | None, Query(alias="next", max_length=500)] = None) -> Response:
    """The ways to sign in."""
    site = site_of(request)
    return page(request, "sign_in", demo=site.demo, open_id=site.open_id is not None, target=ours(target))


@router.post(f"{SIGN_IN}/demo")
def sign_in_as(request: Request, at: DeskOf, form: FormOf) -> Response:
    """Sign in as a person of the demo, where there is one."""
    site = site_of(request)
    _count(request, site)
    person = next((each for each in site.demo if each.caller.id == form.text("person")), None)
    if person is None:
        raise not_found()
    _begin(request, at, person.caller, name=person.name, demo=True)
    return see_other(request, ours(form.text("next")))


@router.get(f"{SIGN_IN}/open-id")
async def begin(
    request: Request, target: Annotated[str | None, Query(alias="next", max_length=500)] = None
) -> Response:
    """Send the person to where they sign in."""
    site = site_of(request)
    _count(request, site)
    if site.open_id is None:
        raise not_found()
    back = _public(request, site) + BACK
    request.session["next"] = ours(target)
    try:
        return await site.open_id.begin(request, back)
    except KeysNotReached as error:
        raise HttpProblem(503, Problem("keys_not_reached", str(error))) from None


@router.get(BACK)
async def finish(request: Request, at: DeskOf) -> Response:
    """Take the person whom the issuer sent back."""
    site = site_of(request)
    _count(request, site)
    if site.open_id is None:
        raise not_found()
    target = ours(request.session.get("next"))
    try:
        caller, claims = await site.open_id.finish(request)
    except KeysNotReached as error:
        raise HttpProblem(503, Problem("keys_not_reached", str(error))) from None
    except NotKnown as error:
        raise HttpProblem(401, Problem("token", str(error))) from None
    name = claims.get("name")
    _begin(request, at, caller, name=name if isinstance(name, str) else None)
    return see_other(request, target)


# Providers add parameters of their own to what they send back.
finish.any_query = True  # type: ignore[attr-defined]


@router.post("/sign-out")
def sign_out(request: Request, _: FormOf) -> Response:
    """End the session."""
    session.end(request)
    session.notice(request, N_("You are signed out."))
    return see_other(request, SIGN_IN)


@router.get(CHOOSE_ROLE)
def roles(request: Request, caller: CallerOf) -> Response:
    """The roles that a person may look in."""
    return page(request, "role", roles=sorted(caller.roles))


@router.post(CHOOSE_ROLE)
def choose_role(request: Request, caller: CallerOf, form: FormOf) -> Response:
    """Look in another role from now on."""
    chosen = form.text("role")
    if chosen not in caller.roles:
        raise HttpProblem(400, Problem("bad_value", "expected one of your roles", field="role"))
    request.session["role"] = chosen
    return see_other(request, "/")


def ours(target: str | None) -> str:
    """An address of ours to go on to; the start page where somebody names another's."""
    if target is None or not target.startswith("/") or target.startswith(("//", "/\\")) or not target.isprintable():
        return "/"
    return target


def _public(request: Request, site: Site) -> str:
    """Where people reach the pages. What a request says of its host is believed on this machine alone: a stranger may write it.

    Raises:
        HttpProblem: The operator did not say it.
    """
    if site.public_url is not None:
        return site.public_url
    if request.url.hostname not in LOOPBACK:
        said = "signing in is not set up for this address: the operator has to set RAPPORT_PUBLIC_URL"
        raise HttpProblem(503, Problem("public_url", said))
    return f"{request.url.scheme}://{request.url.netloc}{root_of(request)}"


def _begin(request: Request, at: Any, caller: Caller, *, name: str | None, **more: Any) -> None:
    entry = _own_entry(at, caller)
    shown = entry.get("display_name") or (name or "")[:100] or caller.id
    session.begin(request, caller, datetime.now(UTC), name=shown, zone=entry.get("timezone"), **more)


def _count(request: Request, site: Site) -> None:
    """Let nobody try to sign in without end.

    Raises:
        HttpProblem: Too many tries came from this address.
    """
    address = request.client.host if request.client else ""
    if seconds := site.rates.wait_for(address):
        problem = Problem("too_many_requests", f"too many tries to sign in: try again in {seconds} s")
        raise HttpProblem(429, problem, headers={"Retry-After": str(seconds)})


def _own_entry(at: Desk, caller: Caller) -> dict[str, Any]:
    """The fields of a person's own entry that are there as text; none for somebody without an entry.

    Pages take name and time zone from it. That they read it is on record, as every read is.
    """
    role = next(iter(sorted(caller.roles)), None)
    if role is None:
        return {}
    subject = f"person:{caller.id}"
    events = holding(at.store.read(subject))
    if not events:
        return {}
    actor = Actor.parse(f"{role}:{caller.id}")
    try:
        judged = words_for(at.store, lambda: at.engine, subject, Reader(*actor), events, at.now, WHY)
    except KeysRefused:
        return {}
    entry = dict(NO_ENTRY)
    for event in events:
        entry |= judged.get(event.version, {})
    return {name: value for name, value in entry.items() if isinstance(value, str)}
