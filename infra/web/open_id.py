"""Signing in with OpenID Connect: the code flow with PKCE, at one issuer.

The ID token's claims are read like those of the API's tokens: `sub`, `roles`, `programmes`. It has to be for this client, from the
issuer that the setting names, signed with a key of that issuer. What the issuer says of itself and its keys are read again like the keys
of tokens: every ten minutes, and at once for a key that nobody knows.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth, OAuthError, StarletteOAuth2App
from fastapi import Request, Response
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from infra.access.caller import Caller
from infra.access.errors import KeysNotReached, NotKnown
from infra.access.key_sets import FRESH, RSA_BITS, for_signatures
from infra.access.tokens import caller_of_claims
from infra.configured_file import read_secret
from infra.operations.logs import logger
from infra.public_url import LOOPBACK
from infra.settings import Settings, WrongSettings

SIGNED_BY: Final = ("RS256", "ES256", "EdDSA", "Ed25519", "PS256", "ES384", "RS384", "RS512")
TIMEOUT_SECONDS: Final = 10.0
log = logger("rapport.pages")


class _App(StarletteOAuth2App):  # type: ignore[misc]  # the library has no types
    """The library's client, which would keep what it once read of the issuer for as long as the process runs."""

    issuer: str
    monotonic: Callable[[], float]
    server_metadata: dict[str, Any]
    _read_at = float("-inf")

    async def load_server_metadata(self) -> dict[str, Any]:
        """What the issuer says of itself, held to signatures that nobody else can make.

        Raises:
            httpx2.HTTPError: The issuer can't be reached.
            ValueError: It calls itself by another name, or says nothing that can be understood.
        """
        if self.monotonic() - self._read_at < FRESH:
            return self.server_metadata
        async with self._get_session() as client:
            answer = await client.request("GET", self._server_metadata_url, withhold_token=True)
            answer.raise_for_status()
            said = answer.json()
        if not isinstance(said, dict) or said.get("issuer") != self.issuer:
            raise ValueError("the issuer calls itself by another name")
        offered = said.get("id_token_signing_alg_values_supported") or ["RS256"]
        said["id_token_signing_alg_values_supported"] = [name for name in offered if name in SIGNED_BY]
        self.server_metadata, self._read_at = said, self.monotonic()
        return said

    async def fetch_jwk_set(self, force: bool = False) -> dict[str, Any]:
        """The issuer's keys that may sign: no weak ones, and none of a kind that is not known.

        Raises:
            httpx2.HTTPError: The issuer can't be reached.
            ValueError: It says nothing that can be understood.
        """
        said = await super().fetch_jwk_set(force)
        listed = said.get("keys") if isinstance(said, dict) else None
        return {"keys": [jwk for jwk in listed or () if _signs(jwk)]}


class OpenId:
    """The one issuer at which people sign in."""

    def __init__(
        self, issuer: str, client_id: str, secret: str, scope: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.issuer, self._client_id = issuer, client_id
        self._app: Any = OAuth().register(
            "rapport",
            client_cls=_App,
            client_id=client_id,
            client_secret=secret,
            server_metadata_url=issuer.rstrip("/") + "/.well-known/openid-configuration",
            client_kwargs={"scope": scope, "code_challenge_method": "S256", "timeout": TIMEOUT_SECONDS},
        )
        self._app.issuer, self._app.monotonic = issuer, monotonic

    @classmethod
    def of(cls, settings: Settings) -> "OpenId | None":
        """As the settings say; None where they name no issuer.

        Raises:
            WrongSettings: The issuer is no https URL, or the secret can't be read.
        """
        issuer, client_id, file = settings.openid_issuer, settings.openid_client, settings.openid_secret_file
        if issuer is None or client_id is None or file is None:
            return None
        parts = urlsplit(issuer)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise WrongSettings("RAPPORT_OPENID_ISSUER: expected an https URL: without TLS others could sign in")
        return cls(issuer, client_id, read_secret(file, "RAPPORT_OPENID_SECRET_FILE"), settings.openid_scope)

    async def begin(self, request: Request, back: str) -> Response:
        """Send the person to the issuer, who sends them back to the address `back`.

        Raises:
            KeysNotReached: The issuer can't be reached.
        """
        try:
            found: Response = await self._app.authorize_redirect(request, back)
        except (httpx2.HTTPError, RuntimeError, ValueError, KeyError, TypeError) as error:
            raise _away(error) from error
        return found

    async def finish(self, request: Request) -> tuple[Caller, Mapping[str, Any]]:
        """The person whom the issuer sent back, and their claims.

        Raises:
            NotKnown: The issuer says no, or what it says can't be trusted.
            KeysNotReached: The issuer can't be reached.
        """
        options = {
            "iss": {"essential": True, "values": [self.issuer]},
            "aud": {"essential": True, "values": [self._client_id]},
        }
        try:
            token = await self._app.authorize_access_token(request, claims_options=options)
        except httpx2.HTTPError as error:
            raise _away(error) from error
        except (OAuthError, AuthlibBaseError, JoseError, ValueError, TypeError, KeyError, RuntimeError) as error:
            # What the issuer says may quote what a stranger sent: it belongs into the log alone.
            log.info("signing in did not work", why=type(error).__name__)
            raise NotKnown("signing in did not work: begin anew") from None
        claims = token.get("userinfo")
        if not claims:
            raise NotKnown("the issuer said nothing of who you are: expected an ID token")
        return caller_of_claims(dict(claims)), claims


def _signs(jwk: Any) -> bool:
    """Whether it is a public key that is there to check signatures, and strong enough."""
    if not isinstance(jwk, dict) or not for_signatures(jwk):
        return False
    try:
        key = JWKRegistry.import_key(jwk)
    except (JoseError, ValueError, KeyError, TypeError):
        return False
    if isinstance(key, RSAKey):
        return key.raw_value.key_size >= RSA_BITS
    return isinstance(key, ECKey | OKPKey)


def _away(error: Exception) -> KeysNotReached:
    log.warning("the issuer of sign-ins can't be reached or understood", why=type(error).__name__, error=str(error))
    return KeysNotReached("the place where you sign in can't be reached right now: try again in a moment")
