"""Query parameters that a route does not have are an error that names them: a filter with a typing error would else answer too much."""

from difflib import get_close_matches
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant

from domain.problem import Problem
from infra.http.caller import caller
from infra.http.problems import HttpProblem


async def only_known(request: Request) -> None:
    """A dependency of every route: refuse parameters that it does not have, single ones that are given twice, and values with the character NUL.

    A route whose endpoint has `any_query` takes what others add to its address.

    Raises:
        HttpProblem: There are any; each is named.
        NotKnown: There are any, and who asks is not known.
    """
    route = request.scope["route"]
    if not request.scope["query_string"] or getattr(route.endpoint, "any_query", False):
        return
    known = _parameters(route)
    problems = []
    for name in dict.fromkeys(request.query_params):
        if name not in known:
            problems.append(Problem("unknown_parameter", _expected(name, known), field=name))
        elif not known[name] and len(request.query_params.getlist(name)) > 1:
            problems.append(Problem("duplicate_parameter", "expected the parameter only once", field=name))
        elif any("\0" in each for each in request.query_params.getlist(name)):
            # Nothing that is recorded has one, and PostgreSQL takes none.
            problems.append(Problem("bad_character", "expected no NUL in a text", field=name))
    if problems:
        if _asks_who(route.dependant):
            await caller(request)
        raise HttpProblem(400, *problems)


def _expected(name: str, known: dict[str, bool]) -> str:
    if meant := get_close_matches(name, known, 1, 0.6):
        return f"there is no such parameter; did you mean {meant[0]}?"
    return (
        f"there is no such parameter; expected one of {', '.join(sorted(known))}" if known else "expected no parameter"
    )


def _asks_who(dependant: Dependant) -> bool:
    """Whether a route answers only those whom a token names."""
    return dependant.call is caller or any(map(_asks_who, dependant.dependencies))


def _parameters(route: Any) -> dict[str, bool]:
    """The query parameters of a route, and whether each may be given several times."""
    found: dict[str, bool] = {}
    _collect(getattr(route, "dependant", None), found)
    return found


def _collect(dependant: Dependant | None, found: dict[str, bool]) -> None:
    if dependant is None:
        return
    for each in dependant.query_params:
        annotation = str(each.field_info.annotation)
        found[each.alias] = annotation.startswith(("list", "set", "tuple", "typing.List", "collections.abc.Sequence"))
    for inner in dependant.dependencies:
        _collect(inner, found)
