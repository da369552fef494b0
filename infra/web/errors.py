"""What goes wrong on a page, said in plain words on a page.

`PageRoute` is the class of all routes of pages: it turns every exception into a page, where the API gives problem details.
"""

from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from domain.form import in_words
from domain.problem import Problem
from infra.access.errors import NotKnown
from infra.access.pages import WrongCursor
from infra.http.problems import HttpProblem, answer
from infra.http.problems import of_framework as as_problem
from infra.operations.logs import logger
from infra.operations.mistake import report_mistake
from infra.store.errors import StoreError
from infra.web.navigation import N_
from infra.web.page import page, see_other
from infra.web.session import caller_of
from infra.web.visitor import CHOOSE_ROLE, SIGN_IN, ForOthers, NoRoleYet, NotSignedIn

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
log = logger("rapport.pages")

# What each status means to a person, and what they can do.
TITLES: Final[dict[int, str]] = {
    400: N_("This address or form can't be understood"),
    401: N_("Please sign in"),
    403: N_("This is not for you to see or do"),
    404: N_("There is nothing here that you may know of"),
    405: N_("This page does not take that"),
    409: N_("Somebody was faster"),
    413: N_("That is too much at once"),
    429: N_("Too many tries"),
    500: N_("Rapport failed here"),
    503: N_("Rapport can't answer just now"),
}
ADVICE: Final[dict[int, str]] = {
    400: N_("Go back and look at what is named below."),
    403: N_("If you think that you should, ask the office of your programme."),
    404: N_(
        "The address may have a typing error, or what it names is not yours to know. Both look the same on purpose."
    ),
    409: N_("Open the page again: it shows what changed in the meantime."),
    429: N_("Wait a little, then try again."),
    500: N_("Nothing of what you sent was recorded. The operator finds the reason in the log."),
    503: N_("Nothing was lost. Try again in a moment."),
}


class PageRoute(APIRoute):
    """A route whose answers are pages, also where something goes wrong."""

    def get_route_handler(self) -> Handler:
        """The handler, with pages in the place of exceptions."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except Exception as error:  # noqa: BLE001 - whatever it is, a person gets a page
                return answer_to(request, error)

        return handled


def answer_to(request: Request, error: Exception) -> Response:
    """The page about an exception."""
    match error:
        case NotSignedIn():
            target = request.url.path if request.method == "GET" else "/"
            return see_other(request, f"{SIGN_IN}?next={quote(target, safe='')}")
        case NoRoleYet():
            return see_other(request, CHOOSE_ROLE)
        case NotKnown():
            return error_page(request, HTTPStatus.UNAUTHORIZED, Problem("token", str(error)))
        case ForOthers():
            return error_page(request, error.status, roles=error.roles)
        case HttpProblem():
            found = error_page(request, error.status, *error.problems)
            found.headers.update(error.headers or {})
            return found
        case WrongCursor():
            return error_page(request, HTTPStatus.BAD_REQUEST, Problem("bad_value", str(error), field="cursor"))
        case RequestValidationError():
            problems = [
                Problem(
                    "bad_value",
                    in_words(each["type"], each["msg"], each.get("input"))[1],
                    field=".".join(str(part) for part in each["loc"][1:]) or None,
                )
                for each in error.errors()
            ]
            return error_page(request, HTTPStatus.BAD_REQUEST, *problems)
        case HTTPException():
            found = error_page(request, error.status_code)
            found.headers.update(error.headers or {})
            return found
        case StoreError():
            log.warning("the store can't answer", error=str(error), why=type(error).__name__)
            return error_page(request, HTTPStatus.SERVICE_UNAVAILABLE)
        case _:
            report_mistake(log, "Rapport failed on a page", error)
            return error_page(request, HTTPStatus.INTERNAL_SERVER_ERROR)


def error_page(request: Request, status: int, *problems: Problem, roles: Sequence[str] = ()) -> Response:
    """The page about a status, with each problem in a sentence; `roles` are those for whom it is."""
    with suppress(StoreError):
        caller_of(request)
    title = TITLES.get(status, N_("That did not work"))
    # What nobody may know of is answered in the same words whatever it is.
    shown = [] if status == HTTPStatus.NOT_FOUND else problems
    return page(request, "error", status=status, title=title, advice=ADVICE.get(status), problems=shown, roles=roles)


def register(app: FastAPI) -> None:
    """Let paths that no route has be answered by a page where a browser asks for one."""

    async def no_route(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        of_page = "session" in request.scope and "text/html" in request.headers.get("accept", "")
        return error_page(request, error.status_code) if of_page else answer(as_problem(request, error))

    app.add_exception_handler(HTTPException, no_route)
