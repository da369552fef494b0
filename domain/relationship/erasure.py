"""The erasure of a person's content: one asks for it, another carries it out, and what the law still needs is held.

The same rules hold for one relationship and, with a person's entry as the subject, for everything about the person. What is erased
is destroyed outside the record: the keys of the words. The record keeps that it was asked for and done.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from domain.ids import same_person
from domain.model import Context
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.words import OVERSEERS


class ErasureRequest(NamedTuple):
    """A request to erase a person's content: who asked, whether its legal hold stands, the hash of the request."""

    person: str
    by: str
    held: bool
    content_hash: bytes
    done: bool = False


Requests = Mapping[int, ErasureRequest]


def erasure_problems(requests: Requests, command: c.ErasePersonalData, context: Context) -> Iterator[Problem]:
    """An erasure carries out somebody else's request, and neither a legal hold nor an open case stands against it."""
    request = requests.get(command.request)
    if request is None or request.person != command.person:
        message = (
            f"event {command.request} is no request to erase this person: give the version of one (RequestErasure)"
        )
        yield Problem("no_request", message, field="data.request")
        return
    if held := holds(requests, command.person):
        message = (
            f"a legal hold stands against the erasure of this person (event {held[-1]}): once it is over, "
            "a coordinator, the supplier or hr lifts it by RequestErasure with the basis legal_duty and no legal_hold"
        )
        yield Problem("legal_hold", message, field="data.request")
    if context.open_case:
        message = (
            "a conduct case is open that needs this person's words: decide or close it first (DecideCase, CloseCase)"
        )
        yield Problem("legal_hold", message, field="data.person")
    if same_person(request.by, context.actor):
        message = "you requested this erasure: leave it to somebody else in the office or HR to carry it out"
        yield Problem("own_matter", message, field="actor")


def hold_problems(requests: Requests, command: c.RequestErasure, context: Context) -> Iterator[Problem]:
    """A legal hold is set and lifted by the office, and by nobody whose own data it keeps."""
    role = context.actor.role
    if command.legal_hold is not None and role not in OVERSEERS:
        message = f"a legal hold is set by coordinator, supplier or hr, not by a {role.replace('_', ' ')}: leave it out"
        yield Problem("role", message, field="data.legal_hold")
    lifted = lifts(command, role) and holds(requests, command.person)
    if lifted and command.person == context.actor.id:
        message = "the legal hold is on your own data: leave it to somebody else in the office or HR to lift it"
        yield Problem("own_matter", message, field="actor")


def holds(requests: Requests, person: str) -> list[int]:
    """The requests of which a legal hold stands against the erasure of a person's content."""
    return [version for version, request in requests.items() if request.held and request.person == person]


def lifts(request: c.RequestErasure | e.ErasureRequested, role: str) -> bool:
    """Whether a request says that the holds before it are over: the office asks for what the law now demands."""
    return request.legal_hold is None and request.basis == "legal_duty" and role in OVERSEERS


def requested(
    requests: Requests, command: c.RequestErasure, context: Context, content_hash: bytes
) -> list[e.ErasureRequested]:
    """The event of a request; none where the same person has an open request of the same content."""
    known = any(
        request.content_hash == content_hash and request.by == str(context.actor) and not request.done
        for request in requests.values()
    )
    lifted = lifts(command, context.actor.role) and holds(requests, command.person)
    return [] if known and not lifted else [asked_for(command)]


def asked_for(command: c.RequestErasure) -> e.ErasureRequested:
    """The event that a request would record."""
    return e.ErasureRequested(person=command.person, basis=command.basis, legal_hold=command.legal_hold)


def carried_out(requests: Requests, command: c.ErasePersonalData) -> list[e.PersonalDataErased]:
    """The event of an erasure; none where its request was carried out already."""
    done = requests[command.request].done
    return [] if done else [e.PersonalDataErased(person=command.person, request=command.request)]
