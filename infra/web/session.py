"""Sessions: a signed cookie with a secret of its own, by which the server finds who signed in and until when.

The cookie is signed, not sealed: it holds what its owner may know, and scripts can't read it. Under TLS it is sent over TLS alone. Who
signed in is kept in a table beside the record, so signing out ends a session wherever its cookie was copied to, and somebody of many
programmes has no larger cookie than others. A session ends after twelve hours, whatever happens in it. The key is in a file; sessions
that another key signed are none.
"""

import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, Final

import orjson
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from infra import private_file
from infra.access import local_key
from infra.access.caller import Caller
from infra.settings import Settings, WrongSettings
from infra.store.session import Database

COOKIE: Final = "rapport_session"
# Browsers take a cookie of this prefix over TLS alone, for this host alone.
SECURE_COOKIE: Final = f"__Host-{COOKIE}"
LASTING: Final = timedelta(hours=12)
KEY_BYTES: Final = 32
# The API has tokens, and takes no cookie.
WITHOUT: Final = ("/v1/", "/static/")
_SECRET: Final = "secret"  # noqa: S105 - a name in the cookie
_FOUND: Final = "rapport.signed_in"
_TABLE: Final = "CREATE TABLE IF NOT EXISTS page_sessions (secret_hash {text} PRIMARY KEY, ends_at {time} NOT NULL, who {text} NOT NULL)"
_MAKING: Final = Lock()


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


class SignedIn:
    """Who is signed in, in the database of the store, under the hash of a secret that only their cookie has. Threads may share it.

    Every method raises `StoreError` where the database can't.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.changing_schema() as session:
            session.execute(_TABLE.format_map(database.types))

    def add(self, secret: str, caller: Caller, until: datetime, *, demo: bool) -> None:
        """Keep a session; those that are over are forgotten."""
        programmes = None if caller.programmes is None else sorted(caller.programmes)
        kept = orjson.dumps({"id": caller.id, "roles": sorted(caller.roles), "programmes": programmes, "demo": demo})
        with self._database.transaction() as session:
            session.execute("DELETE FROM page_sessions WHERE ends_at < ?", (datetime.now(UTC),))
            session.insert("page_sessions", ("secret_hash", "ends_at", "who"), [(_hash(secret), until, kept.decode())])

    def find(self, secret: str) -> tuple[Caller, bool] | None:
        """Who signed in, and whether as a person of the demo; None where the session is over."""
        sql = "SELECT who FROM page_sessions WHERE secret_hash = ? AND ends_at >= ?"
        rows = self._database.query(sql, (_hash(secret), datetime.now(UTC)))
        if not rows:
            return None
        kept = orjson.loads(rows[0][0])
        programmes = None if kept["programmes"] is None else frozenset(kept["programmes"])
        return Caller(kept["id"], frozenset(kept["roles"]), programmes, frozenset()), kept["demo"]

    def end(self, secret: str) -> None:
        """End a session."""
        with self._database.transaction() as session:
            session.execute("DELETE FROM page_sessions WHERE secret_hash = ?", (_hash(secret),))


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _signed_in(request: Request) -> SignedIn:
    """The sessions of the app, whose table is made at the first call."""
    state = request.app.state
    with _MAKING:
        if getattr(state, "signed_in", None) is None:
            state.signed_in = SignedIn(state.rapport.database)
        found: SignedIn = state.signed_in
    return found


def begin(request: Request, caller: Caller, now: datetime, *, demo: bool = False, **more: Any) -> None:
    """Begin a session of a person who signed in; nothing of an earlier one stays."""
    end(request)
    secret = secrets.token_urlsafe(KEY_BYTES)
    _signed_in(request).add(secret, caller, now + LASTING, demo=demo)
    request.session.update({_SECRET: secret, **more})
    if len(caller.roles) == 1:
        request.session["role"] = next(iter(caller.roles))


def end(request: Request) -> None:
    """End the session of a request, for every copy of its cookie."""
    if secret := request.session.get(_SECRET):
        _signed_in(request).end(secret)
    request.session.clear()
    request.scope.pop(_FOUND, None)


def caller_of(request: Request) -> Caller | None:
    """Who signed in; None: nobody did, they signed out, it is too long ago, or in a demo that is over.

    The database is asked once a request.

    Raises:
        StoreError: It can't answer.
    """
    if _FOUND not in request.scope:
        # Where the database can't answer, the page that says so is as for a stranger.
        request.scope[_FOUND] = None
        if secret := request.scope.get("session", {}).get(_SECRET):
            request.scope[_FOUND] = _signed_in(request).find(secret)
    found: tuple[Caller, bool] | None = request.scope[_FOUND]
    if found is None or (found[1] and not request.app.state.site.demo):
        return None
    return found[0]


def is_demo(request: Request) -> bool:
    """Whether who signed in is a person of the demo."""
    return caller_of(request) is not None and request.scope[_FOUND][1]


def notice(request: Request, text: str) -> None:
    """Say a sentence on the next page, once."""
    request.session["notices"] = [*request.session.get("notices", []), text][-5:]


def notices(request: Request) -> list[str]:
    """What is to be said on this page; it is said once."""
    found: list[str] = request.session.pop("notices", []) if "session" in request.scope else []
    return found
