"""Answers that say what is wrong: problem details (RFC 9457), with `problems` as receipts have them.

Every answer that is no 2xx has this form, those of the framework too. What went wrong inside is in the log, never in the answer.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from domain.form import in_words
from domain.problem import Problem
from infra.access.errors import KeysNotReached, NotKnown
from infra.access.pages import WrongCursor
from infra.intake.group_commit import Closed, Overloaded
from infra.intake.receipt import Receipt
from infra.operations.logs import logger
from infra.operations.mistake import report_mistake
from infra.store.errors import StoreError

MEDIA_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = 1
METHODS: Final = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
# In the scope of a request whose client sends no more, though its body is not whole.
CUT_OFF: Final = "rapport.cut_off"
NOTHING: Final = "nothing of it was recorded"
TITLES: Final[Mapping[int, str]] = {400: "Invalid", 409: "Conflict", 422: "Refused"}

log = logger("rapport.http")


class HttpProblem(Exception):
    """An answer that is no 2xx. `problems` say what is wrong, one by one; `headers` go with the answer."""

    def __init__(
        self, status: int, *problems: Problem, receipt: Receipt | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.status = status
        self.problems = problems
        self.receipt = receipt
        self.headers = headers


def not_found(message: str = "there is nothing here that you may know of") -> HttpProblem:
    """The answer about what does not exist, and about what the caller may not know of: nobody can tell which."""
    return HttpProblem(HTTPStatus.NOT_FOUND, Problem("not_found", message))


def forbidden(message: str, field: str | None = None, code: str = "forbidden") -> HttpProblem:
    """The answer to a caller who may know of the thing, and may not do this with it."""
    return HttpProblem(HTTPStatus.FORBIDDEN, Problem(code, message, field=field))


def wrong_query(name: str, message: str, code: str = "bad_value") -> HttpProblem:
    """The answer to a query parameter that can't be understood."""
    return HttpProblem(HTTPStatus.BAD_REQUEST, Problem(code, message, field=name))


def incomplete(recorded: str = NOTHING) -> HttpProblem:
    """The answer to a body that ends before all of it has come; `recorded` says what of it was recorded."""
    said = f"the body ended before all of it had come; {recorded}: send it again"
    return HttpProblem(HTTPStatus.BAD_REQUEST, Problem("incomplete_body", said), headers={"Connection": "close"})


def answer(problem: HttpProblem) -> Response:
    """The problem as an answer."""
    return Response(orjson.dumps(body_of(problem)), problem.status, problem.headers, MEDIA_TYPE)


def body_of(problem: HttpProblem) -> dict[str, Any]:
    """The problem as problem details."""
    found = problem.problems if problem.receipt is None else problem.receipt.problems or problem.problems
    body: dict[str, Any] = {
        "type": f"urn:rapport:problem:{found[0].code if found else problem.status}",
        "title": TITLES.get(problem.status) if problem.receipt is not None else None,
        "status": problem.status,
        "detail": "; ".join(_said(each) for each in found),
        "problems": [each._asdict() for each in found],
    }
    body["title"] = body["title"] or HTTPStatus(problem.status).phrase
    if problem.receipt is not None:
        body["receipt"] = problem.receipt.to_dict()
    return body


def _said(problem: Problem) -> str:
    return f"{problem.field}: {problem.message}" if problem.field else problem.message


def register(app: FastAPI) -> None:
    """Let the app answer every exception with problem details."""
    app.add_exception_handler(HttpProblem, _declined)
    app.add_exception_handler(HTTPException, _of_framework)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(WrongCursor, _wrong_cursor)
    app.add_exception_handler(NotKnown, _unknown_caller)
    app.add_exception_handler(StoreError, _store_away)


async def _declined(_: Request, error: Exception) -> Response:
    assert isinstance(error, HttpProblem)
    return answer(error)


async def _of_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return answer(of_framework(request, error))


def _taken(request: Request) -> list[str]:
    """The methods that the path takes; the framework names those of one of its routes alone."""
    asked = {name: request.scope[name] for name in ("type", "path", "root_path", "headers") if name in request.scope}
    scopes = ({**asked, "method": method} for method in METHODS)
    return [
        scope["method"] for scope in scopes if any(each.matches(scope)[0] is Match.FULL for each in request.app.routes)
    ]


def of_framework(request: Request, error: HTTPException) -> HttpProblem:
    """What the framework says: there is no such path, the path has no such method, the body is not to be read."""
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        problem = Problem("method_not_allowed", "the path does not take this method")
        return HttpProblem(error.status_code, problem, headers={"Allow": ", ".join(_taken(request))})
    if error.status_code == HTTPStatus.BAD_REQUEST and CUT_OFF in request.scope:
        return incomplete()
    said = {404: "there is no such path; /docs lists those that there are"}
    code = HTTPStatus(error.status_code).name.lower()
    message = said.get(error.status_code, HTTPStatus(error.status_code).phrase)
    return HttpProblem(error.status_code, Problem(code, message), headers=error.headers)


async def _malformed(_: Request, error: Exception) -> Response:
    """Parameters of the path, the query or the headers, or a body, that have the wrong form: each is named."""
    assert isinstance(error, RequestValidationError)
    return answer(HttpProblem(HTTPStatus.BAD_REQUEST, *_named(error.errors())))


async def _wrong_cursor(_: Request, error: Exception) -> Response:
    return answer(wrong_query("cursor", str(error)))


def _named(errors: Sequence[Any]) -> list[Problem]:
    found = []
    for each in errors:
        place = ".".join(str(part) for part in each["loc"][1:])
        code, expected = in_words(each["type"], each["msg"], each.get("input"))
        found.append(Problem("missing" if code == "missing" else "bad_value", expected, field=place or None))
    return found


async def _unknown_caller(_: Request, error: Exception) -> Response:
    if isinstance(error, KeysNotReached):
        # Which file it is, or what is wrong with it, is not for strangers.
        log.warning("the keys that sign tokens can't be read", error=str(error))
        headers = {"Retry-After": str(RETRY_SECONDS)}
        said = "the keys that sign tokens can't be read now: send it again later"
        return answer(HttpProblem(503, Problem("keys_not_reached", said), headers=headers))
    given = 'Bearer error="invalid_token"'
    return answer(HttpProblem(401, Problem("token", str(error)), headers={"WWW-Authenticate": given}))


async def _store_away(_: Request, error: Exception) -> Response:
    found = of_store(error)
    if found.problems[0].code == "store":
        log.warning("the store can't answer", error=str(error), why=type(error).__name__)
    return answer(found)


def of_store(error: Exception) -> HttpProblem:
    """The store can't do it now; nothing of the request was recorded that has no receipt, and it may come again."""
    code = "overloaded" if isinstance(error, Overloaded) else "stopping" if isinstance(error, Closed) else "store"
    said = {
        "overloaded": "too many messages are waiting: send it again later",
        "stopping": "the server is stopping: send it again to another, or later",
        "store": "the store can't answer now: send it again later",
    }
    headers = {"Retry-After": str(RETRY_SECONDS)}
    return HttpProblem(503, Problem(code, said[code]), headers=headers)


def answer_to_one_too_many() -> Response:
    """The answer to a request that comes while very many others have none yet."""
    headers = {"Retry-After": str(RETRY_SECONDS)}
    return answer(
        HttpProblem(503, Problem("overloaded", "too many requests are open: send it again later"), headers=headers)
    )


def answer_to_mistake(error: Exception) -> Response:
    """The answer to a request on which our own code failed; the log says how."""
    report_mistake(log, "Rapport failed on a request", error)
    return answer(HttpProblem(500, Problem("internal", "Rapport failed on this request, and its log says how")))
