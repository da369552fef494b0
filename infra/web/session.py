"""Sessions: a signed cookie that says who signed in, in which role, and until when.

The cookie is signed, not sealed: it holds what its owner may know, and scripts can't read it. Under TLS it is sent over TLS alone. A
session ends after twelve hours, whatever happens in it. The key is in a file; sessions that another key signed are none.
"""

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from infra import private_file
from infra.access import local_key
from infra.access.caller import Caller
from infra.settings import Settings, WrongSettings

COOKIE: Final = "rapport_session"
# Browsers take a cookie of this prefix over TLS alone, for this host alone.
SECURE_COOKIE: Final = f"__Host-{COOKIE}"
LASTING: Final = timedelta(hours=12)
KEY_BYTES: Final = 32
# The API has tokens, and takes no cookie.
WITHOUT: Final = ("/v1/", "/static/")


class Sessions:
    """The middleware: gives `request.session` to pages."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        seconds = int(LASTING.total_seconds())
        self._plain = SessionMiddleware(app, key, COOKIE, seconds, same_site="lax")
        self._secure = SessionMiddleware(app, key, SECURE_COOKIE, seconds, same_site="lax", https_only=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(WITHOUT):
            await self._app(scope, receive, send)
        elif scope["scheme"] == "https":
            await self._secure(scope, receive, send)
        else:
            await self._plain(scope, receive, send)


def session_key(settings: Settings) -> str:
    """The key that signs sessions, made at first use beside the key of local tokens.

    Raises:
        WrongSettings: The file can't be made or read, others can read it, or it is too short.
        StoreError: The address of the store can't be understood.
    """
    file = settings.session_key_file or _beside(local_key.place(settings))
    try:
        if not file.exists():
            private_file.make(file, secrets.token_hex(KEY_BYTES).encode())
        key = private_file.read(file).decode("ascii").strip()
    except OSError as error:
        raise WrongSettings(f"RAPPORT_SESSION_KEY_FILE: {file} can't be made or read: {error.strerror}") from None
    except private_file.Exposed as error:
        raise WrongSettings(f"RAPPORT_SESSION_KEY_FILE: {file} {error}") from None
    except UnicodeDecodeError:
        key = ""
    if len(key) < KEY_BYTES:
        raise WrongSettings(f"RAPPORT_SESSION_KEY_FILE: {file}: expected at least {KEY_BYTES} letters and digits")
    return key


def _beside(token_key: Path) -> Path:
    return token_key.with_name(
        token_key.name.removesuffix("token-key").removesuffix(".").removesuffix("-") + ".session-key"
    )


def begin(request: Request, caller: Caller, now: datetime, **more: Any) -> None:
    """Begin a session of a person who signed in; nothing of an earlier one stays."""
    request.session.clear()
    request.session.update(
        {
            "id": caller.id,
            "roles": sorted(caller.roles),
            "programmes": None if caller.programmes is None else sorted(caller.programmes),
            "until": (now + LASTING).timestamp(),
            **more,
        }
    )
    if len(caller.roles) == 1:
        request.session["role"] = next(iter(caller.roles))


def caller_of(request: Request) -> Caller | None:
    """Who signed in; None: nobody did, it is too long ago, or in a demo that is over. Time is the machine's, as for tokens."""
    session: dict[str, Any] = request.scope.get("session", {})
    if "id" not in session or session["until"] < datetime.now(UTC).timestamp():
        return None
    if session.get("demo") and not request.app.state.site.demo:
        return None
    programmes = session["programmes"]
    return Caller(
        id=session["id"],
        roles=frozenset(session["roles"]),
        programmes=None if programmes is None else frozenset(programmes),
        acts_for=frozenset(),
    )


def notice(request: Request, text: str) -> None:
    """Say a sentence on the next page, once."""
    request.session["notices"] = [*request.session.get("notices", []), text][-5:]


def notices(request: Request) -> list[str]:
    """What is to be said on this page; it is said once."""
    found: list[str] = request.session.pop("notices", []) if "session" in request.scope else []
    return found
