"""Who looks at a page: the person who signed in, in one of their roles, and the `Asker` as whom they read."""

from collections.abc import Collection
from http import HTTPStatus
from typing import Annotated, Final, NamedTuple

from fastapi import Depends, Request

from domain.model import Actor
from domain.problem import Problem
from infra.access.caller import Caller
from infra.access.errors import NotKnown
from infra.access.standing import Asker, asker
from infra.http.asking import Desk, DeskOf
from infra.http.problems import HttpProblem, forbidden
from infra.web.session import caller_of

SIGN_IN: Final = "/sign-in"
CHOOSE_ROLE: Final = "/role"


class NotSignedIn(NotKnown):
    """Nobody signed in, or it is too long ago: the answer is the page to sign in."""


class NoRoleYet(Exception):
    """The person has several roles and chose none: the answer is the page to choose one."""


class ForOthers(HttpProblem):
    """What somebody asked for is for others: `roles` are those of theirs."""

    def __init__(self, roles: Collection[str]) -> None:
        self.roles = sorted(roles)
        super().__init__(HTTPStatus.FORBIDDEN, Problem("role", f"this is for {', '.join(self.roles)}"))


class Visitor(NamedTuple):
    """A person who signed in, and the role in which they look."""

    caller: Caller
    actor: Actor
    asker: Asker

    @property
    def role(self) -> str:
        """The role in which they look."""
        return self.actor.role


def signed_in(request: Request) -> Caller:
    """The person who signed in.

    Raises:
        NotSignedIn: Nobody did.
    """
    found = caller_of(request)
    if found is None:
        raise NotSignedIn("expected somebody who signed in")
    request.scope["rapport.caller"] = found.id
    return found


CallerOf = Annotated[Caller, Depends(signed_in)]


def visitor(request: Request, at: DeskOf, caller: CallerOf) -> Visitor:
    """The person who signed in, in their role.

    Raises:
        NotSignedIn: Nobody did.
        NoRoleYet: They have to choose a role first.
        HttpProblem: They have no role of Rapport.
    """
    if not caller.roles:
        raise forbidden("you have no role in Rapport: ask your programme's coordinator for one", code="role")
    role = request.session.get("role")
    if role not in caller.roles:
        raise NoRoleYet
    return _as(at, caller, role)


def _as(at: Desk, caller: Caller, role: str) -> Visitor:
    actor = Actor.parse(f"{role}:{caller.id}")
    return Visitor(caller, actor, asker(at.store, caller, actor))


VisitorOf = Annotated[Visitor, Depends(visitor)]


def of_roles(visitor: Visitor, *roles: str) -> None:
    """Make sure that a page is for the visitor's role.

    Raises:
        ForOthers: It is not.
    """
    if visitor.role not in roles:
        raise ForOthers(roles)
