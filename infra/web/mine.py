"""What is a person's own: their sessions and agreements, who may know what of theirs, who has read it, and how to have it erased."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, NamedTuple, get_args
from uuid import uuid4

import orjson
from fastapi import APIRouter, Query, Request, Response

from domain.problem import Problem
from domain.relationship.commands import RequestErasure
from domain.words import ErasureBasis, Role
from infra.access.lists import Lists
from infra.access.seen import Seen, Shown
from infra.access.today import one_zone
from infra.http.asking import Desk, DeskOf
from infra.http.erasure_of_me import SOURCE
from infra.http.intake import Intake
from infra.http.problems import HttpProblem, not_found
from infra.intake.message import compose
from infra.pages.page import page as file_page
from infra.queries.erasure import asked_for
from infra.queries.person_data import PURPOSES as OF_DATA
from infra.queries.person_data import person_data
from infra.queries.subject import ENTRY
from infra.web.errors import PageRoute
from infra.web.form import FormOf
from infra.web.names import names_of
from infra.web.navigation import N_
from infra.web.own_matrix import CLASSES, matrix_of
from infra.web.page import page, see_other
from infra.web.sending import troubles
from infra.web.session import notice
from infra.web.subject_seen import SeenOf, shown_with_words
from infra.web.visitor import Visitor, VisitorOf, of_roles
from infra.web.zones import moment_of

router = APIRouter(route_class=PageRoute)
OWNERS: Final[tuple[Role, ...]] = ("mentee", "mentor", "customer", "line_manager")
# Relationships on one page.
OWN: Final = 3
PageQuery = Annotated[int, Query(alias="page", ge=1, le=10_000)]
BASES: Final[Mapping[str, str]] = {
    "consent_withdrawn": N_("I withdraw my consent"),
    "objection": N_("I object to it"),
    "no_longer_needed": N_("It is no longer needed"),
    "unlawful": N_("It is held unlawfully"),
    "legal_duty": N_("The law demands it"),
}
assert set(BASES) == set(get_args(ErasureBasis))
PURPOSES: Final[Mapping[str, str]] = {
    "improve the mentoring": N_("To improve the mentoring"),
    "propose services": N_("To propose services"),
    "improve the fit of mentor and mentee": N_("To improve the fit of mentor and mentee"),
    "bring two people together and run their programme": N_("To bring two people together and run their programme"),
    "keep people safe, and deal with what goes wrong": N_("To keep people safe, and deal with what goes wrong"),
}
assert set(PURPOSES) == {purpose for purpose, _ in OF_DATA}
# What a person's own entry holds.
ENTRY_LABELS: Final[Mapping[str, str]] = {
    "display_name": N_("Name"),
    "email": N_("E-mail address"),
    "telephone": N_("Telephone number"),
    "timezone": N_("Time zone"),
    "locale": N_("Language"),
    "restricted": N_("Use of my data is restricted"),
}
assert set(ENTRY_LABELS) == {*ENTRY, "restricted"}


class Own(NamedTuple):
    """A relationship as the page of what is one's own has it: its sessions to come and past."""

    subject: str
    shown: Shown
    to_come: list[Shown]
    past: list[Shown]


@router.get("/mine")
def mine(request: Request, at: DeskOf, visitor: VisitorOf, number: PageQuery = 1) -> Response:
    """What is the visitor's own."""
    of_roles(visitor, *OWNERS)
    every = Lists(at.engine, visitor.asker, at.pseudonyms, at.now).own()
    found_here = (
        Seen.of(at.store, lambda: at.engine, visitor.asker, each, at.now)
        for each in every[(number - 1) * OWN : number * OWN]
    )
    theirs = [seen for seen in found_here if seen is not None]
    found = [_own(at, seen) for seen in theirs]
    people = [each.shown[f"{role}_id"] for each in found for role in ("mentee", "mentor")]
    return page(
        request,
        "mine",
        programme_zone=one_zone(at.engine, visitor.asker),
        found=found,
        number=number,
        more=len(every) > number * OWN,
        bases=BASES,
        asked=asked_for(at.store, visitor.caller.id),
        classes=CLASSES,
        names=names_of(request, at, visitor, people, *theirs),
    )


@router.get("/mine/{id}/who-may-see")
def who_may_see(request: Request, at: DeskOf, visitor: VisitorOf, seen: SeenOf) -> Response:
    """Who may see what of the visitor in one relationship."""
    of_roles(visitor, *OWNERS)
    found = _own(at, seen)
    people = [found.shown[f"{role}_id"] for role in ("mentee", "mentor")]
    return page(
        request,
        "who_may_see",
        programme_zone=seen.zone,
        own=found,
        matrix=matrix_of(seen),
        classes=CLASSES,
        names=names_of(request, at, visitor, people, seen),
    )


def _own(at: Desk, seen: Seen) -> Own:
    shown = shown_with_words(at, seen)
    to_come: list[Shown] = []
    past: list[Shown] = []
    for session in shown.get("sessions", []):
        starts_at = moment_of(session["starts_at"]) if not isinstance(session["starts_at"], dict) else None
        coming = session["status"] == "scheduled" and starts_at is not None and starts_at >= at.now
        (to_come if coming else past).append(session)
    # Moved sessions keep their place in the record, not on the calendar.
    for those in (to_come, past):
        those.sort(key=lambda each: str(each["starts_at"]))
    return Own(seen.subject, shown, to_come, list(reversed(past)))


# --- all that is held ---------------------------------------------------------------------------------------------------
@router.get("/mine/data")
def data(request: Request, at: DeskOf, visitor: VisitorOf) -> Response:
    """What is held about the visitor, and who has read it."""
    of_roles(visitor, *OWNERS)
    held = _known(at, visitor)
    return page(
        request,
        "mine_data",
        held=held,
        reads=_reads(held["readers"], str(visitor.asker.reader)) if held else [],
        purposes=PURPOSES,
        labels=ENTRY_LABELS,
        classes=CLASSES,
    )


@router.get("/mine/data.json")
def data_as_json(at: DeskOf, visitor: VisitorOf) -> Response:
    """The same as a file for programs."""
    of_roles(visitor, *OWNERS)
    body = orjson.dumps(_held(at, visitor), default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z)
    return _file(body, "application/json", "what-is-held-about-me.json")


@router.get("/mine/data.html")
def data_as_page(at: DeskOf, visitor: VisitorOf) -> Response:
    """The same as a file to read."""
    of_roles(visitor, *OWNERS)
    return _file(file_page("subject", _held(at, visitor)), "text/html; charset=utf-8", "what-is-held-about-me.html")


def _held(at: Desk, visitor: Visitor) -> Shown:
    found = _known(at, visitor)
    if found is None:
        raise not_found("nothing is recorded of you")
    return found


def _known(at: Desk, visitor: Visitor) -> Shown | None:
    return person_data(at.store, lambda: at.engine, visitor.caller.id, at.now, str(visitor.asker.reader))


def _reads(readers: Sequence[Mapping[str, Any]], own: str) -> list[dict[str, Any]]:
    """Who read the visitor's words, the last time first: one line for each reader, day, class and reason."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for each in readers:
        if each["reader"] != own:
            line = (each["reader"], each["at"].date(), each["data_class"], each["clause"], each["why"], each["subject"])
            found.setdefault(line, {**each, "times": 0})["times"] += 1
    return sorted(found.values(), key=lambda each: str(each["at"]), reverse=True)


def _file(body: bytes, kind: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(body, media_type=kind, headers=headers)


@router.post("/mine/erasure")
async def erasure(request: Request, visitor: VisitorOf, form: FormOf) -> Response:
    """Ask that all words of the visitor be erased; another person has to approve it."""
    of_roles(visitor, *OWNERS)
    basis = form.text("basis")
    if basis not in BASES:
        raise HttpProblem(400, Problem("bad_value", "expected the ground on which you ask", field="basis"))
    intake: Intake = request.app.state.intake
    message = compose(
        RequestErasure(person=visitor.caller.id, basis=basis),  # type: ignore[arg-type]
        source=SOURCE,
        id=f"erasure-{uuid4()}",
        subject=f"person:{visitor.caller.id}",
        time=request.app.state.rapport.clock.now(),
        actor=visitor.actor,
    )
    receipt = await intake.own(message)
    if receipt.status == "accepted":
        notice(request, N_("You asked for the erasure. Somebody in the office answers within a month."))
        return see_other(request, "/mine")
    raise HttpProblem(422, *(Problem(each.clause or "state", each.what) for each in troubles(receipt.problems)))
