"""Who is asking, and as what: dependencies for every route that needs to know.

A token names a person or service with one or more roles. A request acts and reads as one of them: the header `Rapport-Role`
says which, and may be left out by those who have only one.
"""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Depends, Header, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from domain.model import Actor
from domain.problem import Problem
from infra.access.caller import Caller
from infra.access.errors import NotKnown
from infra.access.rates import Rates
from infra.access.tokens import Tokens
from infra.http.problems import HttpProblem, forbidden, wrong_query

ROLE: Final = "Rapport-Role"
# For the document alone: the header is read below, where two of them are an error.
_BEARER: Final = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    bearerFormat="JWT",
    description="A JWT (EdDSA, ES256 or RS256) with aud `rapport`; `rapport token issue` makes one for development.",
)
RoleHeader = Annotated[
    str | None, Header(alias=ROLE, description="The role to act and read as, for callers who have more than one.")
]


async def caller(
    request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)] = None
) -> Caller:
    """The caller whom the token names.

    Raises:
        NotKnown: There is no token, or it is not valid.
        HttpProblem: The token makes too many requests.
    """
    tokens: Tokens = request.app.state.tokens
    given = request.headers.getlist("authorization")
    if len(given) > 1:
        raise NotKnown("expected one Authorization header")
    scheme, _space, text = given[0].partition(" ") if given else ("", "", "")
    token = text.strip() if scheme.lower() == "bearer" else ""
    found = tokens.known(token)
    if found is None:
        try:
            found = await run_in_threadpool(tokens.caller, token)
        except NotKnown:
            if token:
                _count_failure(request)
            raise
    request.scope["rapport.caller"] = found.id
    rates: Rates = request.app.state.rates
    if seconds := rates.wait_for(token):
        problem = Problem("too_many_requests", f"the token makes too many requests: send it again in {seconds} s")
        raise HttpProblem(HTTPStatus.TOO_MANY_REQUESTS, problem, headers={"Retry-After": str(seconds)})
    return found


def _count_failure(request: Request) -> None:
    """Count a token that does not hold against the address that it came from.

    Raises:
        HttpProblem: There were too many of them.
    """
    failures: Rates = request.app.state.failures
    if seconds := failures.wait_for(request.client.host if request.client else ""):
        problem = Problem("too_many_requests", f"too many tokens from here do not hold: try again in {seconds} s")
        raise HttpProblem(HTTPStatus.TOO_MANY_REQUESTS, problem, headers={"Retry-After": str(seconds)})


CallerOf = Annotated[Caller, Depends(caller)]


async def role(request: Request, known: CallerOf, named: RoleHeader = None) -> str | None:
    """The role that the request names, if it does; the caller has it.

    Raises:
        HttpProblem: The caller does not have it, or the header is there twice.
    """
    if len(request.headers.getlist(ROLE)) > 1:
        raise wrong_query(ROLE, "expected the header only once")
    if named is not None and named not in known.roles:
        raise forbidden("expected a role that the token names", ROLE, "role")
    return named


RoleOf = Annotated[str | None, Depends(role)]


# It asks for the header itself: what depends on dependencies that share others has each of these looked at again.
async def actor(request: Request, known: CallerOf, named: RoleHeader = None) -> Actor:
    """Who asks: the caller in the role that the request names, or in the only one.

    Raises:
        HttpProblem: The caller does not have the role that is named, or has none, or several and the request names none.
    """
    named = await role(request, known, named)
    if named is None and len(known.roles) > 1:
        raise wrong_query(ROLE, f"expected one of the token's roles: {', '.join(sorted(known.roles))}", "missing")
    if not known.roles:
        raise forbidden("expected a token with a role of Rapport", code="role")
    return Actor.parse(f"{named or next(iter(known.roles))}:{known.id}")


ActorOf = Annotated[Actor, Depends(actor)]
