"""Tokens: whom they name, and everything that makes one worthless."""

import base64
import json
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from infra.access import local_key, tokens
from infra.access.caller import Caller
from infra.access.errors import KeysNotReached, NotKnown
from infra.access.key_sets import UrlKeys
from infra.access.tokens import Tokens
from infra.settings import Settings, WrongSettings

ED = ed25519.Ed25519PrivateKey.generate()
EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
KEYS: dict[str, tuple[Any, str, Any]] = {
    "ed": (ED, "EdDSA", OKPAlgorithm),
    "ec": (EC, "ES256", ECAlgorithm),
    "rsa": (RSA, "RS256", RSAAlgorithm),
}


def claims(**changed: Any) -> dict[str, Any]:
    whole = {
        "iss": "https://id.example.org",
        "aud": "rapport",
        "sub": "ana",
        "roles": ["mentee"],
        "programmes": ["P1"],
        "exp": datetime.now(UTC) + timedelta(minutes=5),
        **changed,
    }
    return {name: value for name, value in whole.items() if value is not None}


def signed(kid: str = "ed", **changed: Any) -> str:
    key, algorithm, _ = KEYS[kid]
    return jwt.encode(claims(**changed), key, algorithm, {"kid": kid})


def jwks(*kids: str) -> dict[str, Any]:
    return {"keys": [json.loads(KEYS[kid][2].to_jwk(KEYS[kid][0].public_key())) | {"kid": kid} for kid in kids]}


@pytest.fixture
def known(tmp_path: Path) -> Tokens:
    (tmp_path / "jwks.json").write_text(json.dumps(jwks("ed", "ec", "rsa")))
    return Tokens.of(Settings(token_keys=str(tmp_path / "jwks.json"), token_issuer="https://id.example.org"))


class TestClaims:
    @pytest.mark.parametrize("kid", KEYS)
    def test_eddsa_es256_and_rs256_are_taken(self, known: Tokens, kid: str) -> None:
        expected = Caller("ana", frozenset({"mentee"}), frozenset({"p1"}), frozenset())
        assert known.caller(signed(kid)) == expected

    def test_programmes_may_be_all_and_a_service_may_act_for_roles(self, known: Tokens) -> None:
        token = signed(sub="booking", roles=["service"], programmes="*", acts_for=["mentee", "mentor"])
        assert known.caller(token) == Caller("booking", frozenset({"service"}), None, frozenset({"mentee", "mentor"}))

    def test_roles_of_other_applications_and_workers_are_passed_over(self, known: Tokens) -> None:
        assert known.caller(signed(roles=["offline_access", "worker", "mentor"])).roles == {"mentor"}

    def test_a_token_without_programmes_covers_none(self, known: Tokens) -> None:
        assert known.caller(signed(programmes=None)).programmes == frozenset()

    def test_the_audience_may_be_one_of_several(self, known: Tokens) -> None:
        assert known.caller(signed(aud=["account", "rapport"])).id == "ana"

    @pytest.mark.parametrize(
        "changed",
        [
            {"exp": datetime.now(UTC) - timedelta(seconds=1)},
            {"exp": None},
            {"nbf": datetime.now(UTC) + timedelta(days=1)},
            {"iss": "https://elsewhere.example.org"},
            {"iss": None},
            {"aud": "another"},
            {"aud": None},
            {"sub": None},
            {"sub": "ana lopez"},
            {"sub": 7},
            {"sub": "a" * 65},
            {"roles": "mentee"},
            {"roles": [1]},
            {"programmes": "p1"},
            {"acts_for": "mentee"},
        ],
    )
    def test_a_wrong_claim_makes_a_token_worthless(self, known: Tokens, changed: dict[str, Any]) -> None:
        with pytest.raises(NotKnown):
            known.caller(signed(**changed))


class TestForgeries:
    def test_no_token_is_nobody(self, known: Tokens) -> None:
        for bearer in (None, "", "a", "a.b.c", "." * 3, "x" * 20_000, "é.é.é"):
            with pytest.raises(NotKnown):
                known.caller(bearer)

    def test_alg_none_is_refused(self, known: Tokens) -> None:
        unsigned = jwt.encode(claims(), "", "none", {"kid": "ed"})
        header, body, _ = signed().split(".")
        for alg in ("none", "None", "NONE"):
            forged = base64.urlsafe_b64encode(json.dumps({"alg": alg, "kid": "ed"}).encode()).decode().rstrip("=")
            for token in (unsigned, f"{forged}.{body}.", f"{header}.{body}."):
                with pytest.raises(NotKnown):
                    known.caller(token)

    def test_a_public_key_taken_for_a_shared_secret_is_refused(self, known: Tokens) -> None:
        import hashlib
        import hmac

        pem = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        body = signed("rsa").split(".")[1]
        header = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"rsa"}').decode().rstrip("=")
        mac = hmac.digest(pem, f"{header}.{body}".encode(), hashlib.sha256)
        with pytest.raises(NotKnown):
            known.caller(f"{header}.{body}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}")

    def test_another_key_or_a_changed_claim_is_refused(self, known: Tokens) -> None:
        stranger = jwt.encode(claims(), ed25519.Ed25519PrivateKey.generate(), "EdDSA", {"kid": "ed"})
        header, _, signature = signed().split(".")
        body = base64.urlsafe_b64encode(json.dumps(claims(exp=9_999_999_999, roles=["coordinator"])).encode()).decode()
        crossed = jwt.encode(claims(), ED, "EdDSA", {"kid": "rsa"})
        for token in (stranger, f"{header}.{body.rstrip('=')}.{signature}", crossed):
            with pytest.raises(NotKnown):
                known.caller(token)

    def test_a_token_that_brings_its_own_key_is_refused(self, known: Tokens) -> None:
        key = ed25519.Ed25519PrivateKey.generate()
        own = json.loads(OKPAlgorithm.to_jwk(key.public_key()))
        for headers in ({"jwk": own}, {"kid": "mine", "jwk": own}, {"kid": "mine", "jku": "https://evil.example.org"}):
            with pytest.raises(NotKnown):
                known.caller(jwt.encode(claims(), key, "EdDSA", headers))

    def test_the_reason_has_nothing_of_the_token(self, known: Tokens) -> None:
        token = signed(aud="secret-audience")
        with pytest.raises(NotKnown) as raised:
            known.caller(token)
        assert "secret" not in str(raised.value)
        assert token.split(".")[2] not in str(raised.value)


class TestKeySets:
    def test_short_rsa_keys_secrets_and_keys_that_encrypt_are_left_out(self, tmp_path: Path) -> None:
        short = rsa.generate_private_key(65537, 1024)
        listed = [
            json.loads(RSAAlgorithm.to_jwk(short.public_key())) | {"kid": "short"},
            {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
            jwks("rsa")["keys"][0] | {"use": "enc", "kid": "enc"},
            {"kty": "nonsense"},
        ]
        file = tmp_path / "jwks.json"
        file.write_text(json.dumps({"keys": listed}))
        with pytest.raises(WrongSettings, match="no key that may sign tokens"):
            Tokens.of(Settings(token_keys=str(file)))

    @pytest.mark.parametrize("text", ["", "{}", "[]", '{"keys": 1}', "not json"])
    def test_a_file_that_is_no_jwks_is_a_wrong_setting(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "jwks.json").write_text(text)
        with pytest.raises(WrongSettings, match="RAPPORT_TOKEN_KEYS"):
            Tokens.of(Settings(token_keys=str(tmp_path / "jwks.json")))

    def test_a_changed_file_is_read_again(self, tmp_path: Path) -> None:
        file = tmp_path / "jwks.json"
        file.write_text(json.dumps(jwks("ed")))
        found = Tokens.of(Settings(token_keys=str(file), token_issuer="https://id.example.org"))
        with pytest.raises(NotKnown):
            found.caller(signed("ec"))
        file.write_text(json.dumps(jwks("ec")))
        assert found.caller(signed("ec")).id == "ana"
        with pytest.raises(NotKnown):
            found.caller(signed("ed"))

    @pytest.mark.parametrize("others", [jwks("ec"), None])
    def test_a_token_of_a_key_that_is_gone_is_known_no_longer(
        self, tmp_path: Path, others: dict[str, Any] | None
    ) -> None:
        file, token = tmp_path / "jwks.json", signed("ed")
        file.write_text(json.dumps(jwks("ed")))
        found = Tokens.of(Settings(token_keys=str(file), token_issuer="https://id.example.org"))
        found.caller(token)
        assert found.known(token) is not None
        file.unlink()
        if others is not None:
            file.write_text(json.dumps(others))
        until = time.monotonic() + 60
        while found.known(token) is not None:
            assert time.monotonic() < until

    def test_http_is_for_this_machine_alone(self) -> None:
        for url in ("http://id.example.org/jwks", "ftp://localhost/jwks", "file:///etc/passwd"):
            with pytest.raises(WrongSettings):
                UrlKeys(url)

    def test_a_url_is_fetched_once_and_again_for_an_unknown_key_but_not_often(self) -> None:
        clock = [0.0]
        with _serving(jwks("ed")) as (url, served):
            keys = UrlKeys(url, lambda: clock[0])
            assert keys.find("ed") is not None
            assert keys.find("ed") is not None
            assert served.count == 1
            for kid in ("made-up", "another"):
                assert keys.find(kid) is None
            assert served.count == 1
            served.document = jwks("ec")
            clock[0] += 31
            assert keys.find("ec") is not None
            assert keys.find("ed") is None
            assert served.count == 2

    def test_keys_are_fetched_again_when_they_are_old_so_that_a_withdrawn_one_ends(self) -> None:
        clock = [0.0]
        with _serving(jwks("ed", "ec")) as (url, served):
            keys = UrlKeys(url, lambda: clock[0])
            assert keys.find("ed") is not None
            served.document = jwks("ec")
            clock[0] += 601
            assert keys.find("ed") is None

    def test_old_keys_serve_on_while_the_server_is_away_and_none_is_an_error(self) -> None:
        clock = [0.0]
        with _serving(jwks("ed")) as (url, _):
            keys = UrlKeys(url, lambda: clock[0])
            assert keys.find("ed") is not None
        clock[0] += 601
        assert keys.find("ed") is not None
        with pytest.raises(KeysNotReached):
            UrlKeys(url).find("ed")


class TestLocalKey:
    def test_it_is_made_once_for_its_owner_alone_and_signs(self, tmp_path: Path) -> None:
        settings = Settings(store=f"sqlite:///{tmp_path}/store.sqlite")
        file = local_key.place(settings)
        assert file == tmp_path / "store.sqlite.token-key"
        found = Tokens.of(settings)
        with pytest.raises(NotKnown):
            found.caller("a.b.c")
        assert local_key.make(file)
        assert not local_key.make(file)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert found.caller(tokens.issue(settings, "mentee", "ana")).programmes is None
        assert found.caller(tokens.issue(settings, "mentee", "ana", programmes=["P1"])).programmes == frozenset({"p1"})

    def test_a_file_that_others_can_read_is_refused(self, tmp_path: Path) -> None:
        settings = Settings(token_key_file=tmp_path / "key")
        local_key.make(tmp_path / "key")
        (tmp_path / "key").chmod(0o644)
        with pytest.raises(WrongSettings, match="chmod 600"):
            tokens.issue(settings, "mentee", "ana")

    def test_it_signs_nothing_where_other_keys_do(self, tmp_path: Path, known: Tokens) -> None:
        settings = Settings(token_keys=str(tmp_path / "jwks.json"), token_key_file=tmp_path / "key")
        with pytest.raises(WrongSettings, match="RAPPORT_TOKEN_KEYS is set"):
            tokens.issue(settings, "mentee", "ana")
        local = Settings(token_key_file=tmp_path / "key")
        local_key.make(tmp_path / "key")
        with pytest.raises(NotKnown):
            known.caller(tokens.issue(local, "mentee", "ana"))


class _Served:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document, self.count = document, 0


@contextmanager
def _serving(document: dict[str, Any]) -> Iterator[tuple[str, _Served]]:
    served = _Served(document)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.count += 1
            body = json.dumps(served.document).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/jwks", served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
