"""A small OpenID Connect issuer, served for tests: it signs whom it was told to, and can be told to do it wrong."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import time
from typing import Any
from urllib.parse import urlencode

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from infra.http.serving import Place, listening

CLIENT, SECRET = "rapport-pages", "s3cret"


class Issuer:
    """What it says about the next person who signs in: `claims` are added to the ID token, `key` signs it.

    `name` is what it calls itself, `others` are listed beside the key that it publishes.
    """

    def __init__(self, url: str) -> None:
        self.url = self.name = url
        self.key: ECKey | RSAKey = ECKey.generate_key("P-256", {"kid": "one"})
        self.published = self.key
        self.others: list[dict[str, Any]] = []
        self.claims: dict[str, Any] = {}
        self._asked: dict[str, dict[str, str]] = {}

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def configuration() -> dict[str, Any]:
            return {
                "issuer": self.name,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "id_token_signing_alg_values_supported": ["none", "HS256", "ES256", "RS256"],
            }

        @app.get("/keys")
        def keys() -> dict[str, Any]:
            return {"keys": [*self.others, self.published.as_dict(private=False)]}

        @app.get("/authorize")
        def authorize(request: Request) -> Response:
            asked = dict(request.query_params)
            self._asked["the-code"] = asked
            back = urlencode({"code": "the-code", "state": asked["state"], "session_state": "theirs"})
            return RedirectResponse(f"{asked['redirect_uri']}?{back}")

        @app.post("/token")
        async def token(request: Request) -> Response:
            body = dict(pair.split("=", 1) for pair in (await request.body()).decode().split("&"))
            given = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
            asked = self._asked.pop(body["code"], None)
            digest = hashlib.sha256(body["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if (
                request.headers["authorization"] != f"Basic {given}"
                or not asked
                or asked["code_challenge"] != challenge
            ):
                return JSONResponse({"error": "invalid_grant"}, 400)
            now = int(time())
            claims = {
                "iss": self.url,
                "aud": CLIENT,
                "sub": "cora",
                "iat": now,
                "exp": now + 300,
                "nonce": asked["nonce"],
            }
            alg = "RS256" if isinstance(self.key, RSAKey) else "ES256"
            signed = jwt.encode({"alg": alg, "kid": self.key.kid}, claims | self.claims, self.key, algorithms=[alg])
            return JSONResponse({"access_token": "unused", "token_type": "Bearer", "id_token": signed})

        return app


@contextmanager
def issuing() -> Iterator[Issuer]:
    """An issuer for the block, on a free port of this machine."""
    with listening(Place(port=0)) as (listener, url):
        issuer = Issuer(url)
        server = uvicorn.Server(uvicorn.Config(issuer.app(), log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield issuer
        finally:
            server.should_exit = True
            thread.join()
