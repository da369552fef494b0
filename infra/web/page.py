"""A page: a template with values, in the reader's language and time zone, under a policy that lets nothing of others in.

Every value is escaped. Templates have `_` and `ngettext`, `url(path)` for addresses of ours, `asset(name)` for files under static/,
the filters `time`, `day`, `spaced` and `plain`, and those of `infra.web.wording`.
"""

from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from infra.pages.page import is_mark, plain, spaced
from infra.web import navigation, wording
from infra.web.catalogue import LANGUAGES, catalogue, language_of
from infra.web.event_words import camel
from infra.web.form import token_of
from infra.web.session import caller_of, is_demo, notices
from infra.web.zones import shown_day, shown_time, zone_of

STATIC: Final = Path(__file__).parent / "static"
# Files that make pages livelier for those whose browsers run them.
SCRIPTS: Final = ("htmx.min.js", "connection.js")
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "private, no-store",
    # Without it browsers send a form with the origin `null`.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def page(
    request: Request,
    template: str,
    *,
    status: int = HTTPStatus.OK,
    programme_zone: str | None = None,
    **values: Any,
) -> Response:
    """The page of a template: `template` is its name without `.html.j2`. Times are shown in the reader's zone, else the programme's."""
    language = language_of(request)
    given = {**_of_request(request), "language": language, "zone": zone_of(request, programme_zone), **values}
    body = environment(language).get_template(f"{template}.html.j2").render(given)
    headers = {**HEADERS, "Content-Language": language}
    return Response(body.encode(errors="replace"), int(status), headers, "text/html; charset=utf-8")


def _of_request(request: Request) -> Mapping[str, Any]:
    caller = caller_of(request)
    role = request.session.get("role") if caller is not None else None
    return {
        "caller": caller,
        "role": role,
        "name": request.session.get("name") if caller is not None else None,
        "is_demo": is_demo(request),
        "places": navigation.places(role),
        "path": request.url.path.removeprefix(root_of(request)),
        "csrf": token_of(request),
        "notices": notices(request),
        "languages": LANGUAGES,
        "url": lambda path: address(request, path),
        "asset": lambda name: address(request, f"/static/{name}?v={digest(name)}"),
        "scripts": [name for name in SCRIPTS if (STATIC / name).exists()],
    }


def root_of(request: Request) -> str:
    """The path under which a proxy shows Rapport; empty where it is at the root."""
    return str(request.scope.get("root_path", ""))


def address(request: Request, path: str) -> str:
    """The address of a page of ours, where a proxy may show it under a path of its own."""
    return root_of(request) + quote(path, safe="/?&=#:,+%-._~")


def see_other(request: Request, path: str) -> Response:
    """The answer to a form that was taken: look at this page next."""
    return RedirectResponse(address(request, path), int(HTTPStatus.SEE_OTHER), {"Cache-Control": "no-store"})


@cache
def digest(name: str) -> str:
    """A mark of a file under static/, so that browsers keep it until it changes."""
    return sha256((STATIC / name).read_bytes()).hexdigest()[:12]


@cache
def environment(language: str) -> Environment:
    """The templates in a language."""
    found = Environment(
        loader=PackageLoader("infra.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    sentences = catalogue(language)
    found.globals.update(_=_escaping(sentences.gettext), ngettext=_counted(_escaping(sentences.ngettext)))
    found.filters.update(plain=plain, spaced=spaced, time=_time, day=_day, camel=camel)
    found.filters.update(wording.filters(language))
    found.tests.update(mark=is_mark, timely=wording.is_timely, closed=wording.is_closed)
    return found


def _escaping(translated: Callable[..., str]) -> Callable[..., Markup]:
    """Sentences for templates, escaped: a variable may hold anybody's words, and a `%` in them is no place for a value."""

    def sentence(*message: Any, **values: Any) -> Markup:
        found = escape(translated(*message))
        return found % values if values else found

    return sentence


def _counted(sentence: Callable[..., Markup]) -> Callable[..., Markup]:
    """Sentences about a number, which is their `num`."""

    def counted(one: str, many: str, number: int, **values: Any) -> Markup:
        return sentence(one, many, number, **{"num": number, **values})

    return counted


@pass_context
def _time(context: Context, value: Any) -> str:
    return shown_time(value, context["zone"])


@pass_context
def _day(context: Context, value: Any) -> str:
    return shown_day(value, context["zone"])
