"""What a page's form brings: its fields, once it is known that the form is one of ours.

Every form carries the token of its session (`csrf`), which no other site can read. A browser that says that another site sent the form
is believed too.
"""

import secrets
from hmac import compare_digest
from typing import Annotated, Final
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from domain.problem import Problem
from infra.http.bodies import Limits, whole
from infra.http.problems import HttpProblem, forbidden

FIELD: Final = "csrf"
MAX_BYTES: Final = 262_144
MAX_FIELDS: Final = 500
_TYPE: Final = "application/x-www-form-urlencoded"


class Form:
    """The fields of a form, each with the values it was given."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value.replace("\r\n", "\n"))

    def text(self, name: str) -> str:
        """The value of a field without spaces around it; empty where there is none."""
        return self._values.get(name, [""])[-1].strip()

    def texts(self, name: str) -> list[str]:
        """All values of a field that are not empty, such as the boxes that were ticked."""
        return [value.strip() for value in self._values.get(name, []) if value.strip()]

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def names(self) -> list[str]:
        """The names of the fields."""
        return list(self._values)


def token_of(request: Request) -> str:
    """The token that the forms of this session carry; made at first use."""
    found = request.session.get(FIELD)
    if found is None:
        found = request.session[FIELD] = secrets.token_urlsafe(24)
    return str(found)


async def sent_form(request: Request) -> Form:
    """The form of a request.

    Raises:
        HttpProblem: It is not one of this session's forms, is none at all, or is too large.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise _not_ours()
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise HttpProblem(415, Problem("unsupported_media_type", f"expected a form: {_TYPE}", field="content-type"))
    limits: Limits = request.app.state.limits
    body = await whole(request, MAX_BYTES, limits)
    if body is None:
        raise HttpProblem(413, Problem("too_large", f"expected a form of at most {MAX_BYTES:,} bytes"))
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        raise HttpProblem(400, Problem("bad_value", "expected a form in UTF-8 with at most 500 fields")) from None
    form = Form(pairs)
    expected = request.session.get(FIELD)
    if expected is None or not compare_digest(str(expected).encode(), form.text(FIELD).encode()):
        raise _not_ours()
    return form


def _not_ours() -> HttpProblem:
    said = (
        "this form is not from a page of your session, or your session has ended: open the page again and send it anew"
    )
    return forbidden(said, FIELD, "csrf")


FormOf = Annotated[Form, Depends(sent_form)]
