"""What a reader chooses for themselves: the language and the time zone of pages, in cookies that hold nothing else."""

from typing import Final

from fastapi import APIRouter, Request, Response

from domain.problem import Problem
from infra.http.problems import HttpProblem
from infra.web import catalogue, zones
from infra.web.errors import PageRoute
from infra.web.form import FormOf
from infra.web.page import page, see_other

YEAR_SECONDS: Final = 31_536_000
router = APIRouter(route_class=PageRoute)


@router.get("/preferences")
def preferences(request: Request) -> Response:
    """The page on which a reader chooses."""
    return page(request, "preferences", zones=zones.zones(), chosen=zones.chosen_zone(request) or "")


@router.post("/preferences")
def choose(request: Request, form: FormOf) -> Response:
    """Keep what a reader chose."""
    answer = see_other(request, "/preferences")
    for name, cookie, known in (
        ("language", catalogue.COOKIE, catalogue.LANGUAGES),
        ("zone", zones.COOKIE, zones.zones()),
    ):
        if value := form.text(name):
            if value not in known:
                raise HttpProblem(400, Problem("bad_value", f"there is no such {name}", field=name))
            secure = request.url.scheme == "https"
            answer.set_cookie(cookie, value, YEAR_SECONDS, httponly=True, samesite="lax", secure=secure)
    return answer
