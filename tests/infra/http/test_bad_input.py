"""Callers who are not who they say, who guess, and who hang up half: each answered plainly, and nothing recorded that has no receipt."""

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain.sharing.question import Reader
from infra.access import local_key
from infra.access.standing import Asker, stands_in
from infra.bootstrap import Rapport, open_rapport
from infra.settings import Settings
from tests.infra.http.server import PLAIN, Server
from tests.infra.http.telling import OTHERS, REPORTED, UNKNOWN, story
from tests.infra.http.test_faults import code, raw, read_all, slow_post, status, until_closed
from tests.infra.http.test_messages import LINES, STRUCTURED, contact, post, proposal

CALLS = ["/v1/me", "/v1/relationships", "/v1/events", "/v1/checkpoint"]


def claims(server: Server, **changed: Any) -> dict[str, Any]:
    """The claims of a token that holds, with others in their place."""
    return {**jwt.decode(server.token(), options={"verify_signature": False}), **changed}


def local(server: Server) -> Ed25519PrivateKey:
    return local_key.read(local_key.place(server.settings))


def of_another_key(server: Server) -> str:
    return jwt.encode(claims(server), Ed25519PrivateKey.generate(), "EdDSA", {"kid": local_key.kid_of(local(server))})


def unsigned(server: Server) -> str:
    return jwt.encode(claims(server), "", "none")


def signed_with_the_public_key_as_a_secret(server: Server) -> str:
    public = local(server).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return jwt.encode(claims(server), public, "HS256", {"kid": local_key.kid_of(local(server))})


def changed_after_signing(server: Server) -> str:
    head, _, signature = server.token().split(".")
    body = jwt.encode(claims(server, roles=["hr"]), "x" * 32, "HS256").split(".")[1]
    return f"{head}.{body}.{signature}"


def otherwise(**changed: Any) -> Callable[[Server], str]:
    def make(server: Server) -> str:
        key = local(server)
        return jwt.encode(claims(server, **changed), key, "EdDSA", {"kid": local_key.kid_of(key)})

    return make


class TestForged:
    @pytest.mark.parametrize(
        "make, said",
        [
            (of_another_key, "the token is not valid"),
            (unsigned, "the token is not valid"),
            (signed_with_the_public_key_as_a_secret, "the token is not valid"),
            (changed_after_signing, "the token is not valid"),
            (otherwise(exp=1), "the token has expired"),
            (otherwise(iss="https://elsewhere.example.org"), "another issuer made the token"),
            (otherwise(aud="another"), 'the token is for another service: expected aud "rapport"'),
        ],
    )
    def test_it_is_401_says_why_and_records_nothing(
        self, server: Server, make: Callable[[Server], str], said: str
    ) -> None:
        sent = proposal()
        forged = {"Authorization": f"Bearer {make(server)}"}
        with httpx.Client(base_url=server.url, headers=forged, verify=PLAIN) as forger:
            answers = [post(forger, sent), *(forger.get(path) for path in CALLS)]
        for got in answers:
            assert (got.status_code, got.headers["content-type"]) == (401, "application/problem+json")
            assert (got.json()["problems"][0]["code"], got.json()["detail"]) == ("token", said)
        with server.client() as client:
            assert post(client, sent).json()["status"] == "accepted"

    def test_a_token_is_known_no_longer_once_its_key_is_gone(self, tmp_path: Path) -> None:
        with own_server(tmp_path) as server, server.client() as client:
            assert client.get("/v1/me").status_code == 200
            local_key.place(server.settings).unlink()
            until = time.monotonic() + 60
            while client.get("/v1/me").status_code != 401:
                assert time.monotonic() < until

    def test_keys_that_cannot_be_read_are_503_and_their_place_is_for_the_log_alone(self, tmp_path: Path) -> None:
        with own_server(tmp_path) as server, server.client() as client:
            local_key.place(server.settings).write_text("no key")
            got = client.get("/v1/me")
            assert (got.status_code, got.json()["problems"][0]["code"]) == (503, "keys_not_reached")
            assert str(tmp_path) not in got.text
            assert str(tmp_path) in server.log


def own_server(folder: Path) -> Any:
    from tests.infra.http.server import serving

    return serving(f"sqlite:///{folder / 'store.sqlite'}", folder, "--api-only")


class TestGuessed:
    @pytest.fixture
    def rapport(self, tmp_path: Path) -> Iterator[Rapport]:
        with open_rapport(Settings(store=f"sqlite:///{tmp_path}/store.sqlite")) as found:
            taken = [found.handler.handle([json.dumps(each).encode()])[0] for each in story()]
            assert {receipt.status for receipt in taken} == {"accepted"}
            yield found

    @pytest.mark.parametrize(
        "role, id_, programmes",
        [
            ("mentee", "zoe", None),
            ("mentor", "zoe", None),
            ("supplier", "zoe", None),
            ("coordinator", "cora", frozenset({"spring"})),
            ("hr", "hugo", frozenset({"spring"})),
            ("auditor", "ada", frozenset({"spring"})),
        ],
    )
    def test_the_store_is_asked_the_same_about_what_is_hidden_and_what_is_not_there(
        self, rapport: Rapport, role: Any, id_: str, programmes: frozenset[str] | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []
        query = rapport.database.query

        def counted(sql: str, *more: Any) -> Any:
            asked.append(sql)
            return query(sql, *more)

        monkeypatch.setattr(rapport.database, "query", counted)
        asker = Asker(Reader(role, id_), programmes)
        found = []
        for subject in (REPORTED, OTHERS, UNKNOWN):
            asked.clear()
            assert not stands_in(rapport.store, rapport.engine, asker, subject, or_was_told=True)
            found.append(list(asked))
        assert found[0] == found[1] == found[2]
        assert len(found[0]) == 1


class TestHeaders:
    def test_attributes_in_headers_change_nothing_of_a_message_in_the_body(self, server: Server) -> None:
        sent = proposal()
        smuggled = {"ce-actor": "hr:hugo", "ce-type": "rapport.RequestErasure", "ce-subject": "person:ana"}
        with server.client() as client:
            got = post(client, sent, {**STRUCTURED, **smuggled}).json()
        assert (got["status"], got["subject"]) == ("accepted", sent["subject"])

    def test_headers_that_a_proxy_might_add_name_no_other_caller(self, server: Server) -> None:
        others = {"X-User": "hr:hugo", "X-Forwarded-User": "hugo", "Rapport_Role": "hr", "X-Rapport-Role": "hr"}
        with server.client() as client:
            assert client.get("/v1/me", headers=others).json() == client.get("/v1/me").json()

    def test_a_header_with_a_line_end_in_it_is_no_second_header(self, server: Server) -> None:
        request = b"GET /v1/me HTTP/1.1\r\nHost: x\r\nX-A: b\rAuthorization: Bearer x\r\n\r\n"
        assert raw(server, request).startswith(b"HTTP/1.1 400 ")


class TestHalfClosed:
    def test_a_whole_request_is_answered_to_who_sends_no_more(self, server: Server) -> None:
        body = json.dumps(proposal()).encode()
        with slow_post(server, len(body)) as connection:
            connection.sendall(body)
            connection.shutdown(socket.SHUT_WR)
            found = read_all(connection)
            assert found.startswith(b"HTTP/1.1 200 ")
            assert b'"status":"accepted"' in found
            assert connection.recv(1) == b""

    def test_half_a_request_is_not_recorded_and_answered_so(self, server: Server) -> None:
        body = json.dumps(sent := proposal()).encode()
        with slow_post(server, len(body)) as connection:
            connection.sendall(body[:-1])
            connection.shutdown(socket.SHUT_WR)
            found = until_closed(connection)
        assert (status(found), code(found)) == (400, "incomplete_body")
        assert b"nothing of it was recorded" in found
        with server.client() as client:
            assert post(client, sent).json()["status"] == "accepted"

    def test_a_document_that_came_whole_within_a_body_that_did_not_counts_for_nothing(self, server: Server) -> None:
        """The calls whose body the framework reads: the JSON is whole, and the body is not."""
        erasure = b'{"basis":"objection"}'
        head = f"POST /v1/me/erasure HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token('mentee:ana')}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(erasure) + 1}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            connection.sendall(head.encode() + erasure)
            connection.shutdown(socket.SHUT_WR)
            found = until_closed(connection)
        assert (status(found), code(found)) == (400, "incomplete_body")
        with server.client("coordinator:cora") as client:
            assert b"ErasureRequested" not in client.get("/v1/events?limit=1000").content

    def test_requests_before_it_are_answered_first(self, server: Server) -> None:
        token = server.token()
        first = f"GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        second = first.replace(b"GET /v1/me", b"POST /v1/messages").replace(
            b"\r\n\r\n", b"\r\nContent-Type: application/cloudevents+json\r\nContent-Length: 9\r\n\r\n{"
        )
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            connection.sendall(first + first + second)
            connection.shutdown(socket.SHUT_WR)
            found = until_closed(connection)
        assert re.findall(rb"HTTP/1.1 (\d+)", found) == [b"200", b"200", b"400"]
        assert b'"code":"incomplete_body"' in found

    def test_lines_that_came_whole_are_recorded_though_the_rest_does_not(self, server: Server) -> None:
        first = proposal()
        lines = json.dumps(first).encode() + b"\n" + json.dumps(proposal()).encode()[:50]
        with slow_post(server, len(lines) + 1000, **{"Content-Type": LINES["Content-Type"]}) as connection:
            connection.sendall(lines)
            connection.shutdown(socket.SHUT_WR)
            found = until_closed(connection)
        assert (status(found), code(found)) == (400, "incomplete_body")
        assert b"only lines that came whole were recorded" in found
        with server.client() as client:
            assert post(client, first).json()["status"] == "duplicate"
            assert post(client, contact(first["subject"], "1")).json()["status"] == "accepted"
