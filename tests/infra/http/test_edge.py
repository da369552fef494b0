"""What surrounds every request: too many at once, mistakes of ours, TLS, a path in front of all others."""

import asyncio
import fcntl
import json
import os
import ssl
import subprocess
import termios
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from infra.http.edge import Edge
from tests.command import RAPPORT, own_environment, rapport_text
from tests.infra.http.server import Server, serving
from tests.infra.http.test_messages import STRUCTURED, proposal


async def asked(app: Any) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        return await client.get("/")


def test_one_request_too_many_is_turned_away_and_the_next_is_taken() -> None:
    async def story() -> list[int]:
        go = asyncio.Event()

        async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
            await go.wait()
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        app = Edge(waiting, most_open=2)
        first = [asyncio.create_task(asked(app)) for _ in range(2)]
        await asyncio.sleep(0)
        third = await asked(app)
        assert third.json()["problems"][0]["code"] == "overloaded"
        assert third.headers["retry-after"]
        go.set()
        found = [each.status_code for each in await asyncio.gather(*first)]
        return [*found, third.status_code, (await asked(app)).status_code]

    assert asyncio.run(story()) == [204, 204, 503, 204]


def test_a_mistake_of_ours_is_a_500_that_quotes_nothing() -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("what ana wrote")

    got = asyncio.run(asked(Edge(failing)))
    assert (got.status_code, got.headers["content-type"]) == (500, "application/problem+json")
    assert "ana" not in got.text


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of its own authority for the loopback address, and its key."""
    made, key = folder / "certificate.pem", folder / "key.pem"
    options = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=rapport",
    ]
    subprocess.run(
        ["openssl", "req", "-x509", *options, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", made],
        check=True,
        capture_output=True,
    )
    return made, key


def test_with_a_certificate_it_speaks_tls_and_nothing_else(tmp_path: Path) -> None:
    made, key = certificate(tmp_path)
    options = ["--tls-certificate", str(made), "--tls-key", str(key)]
    with serving(f"sqlite:///{tmp_path / 's.sqlite'}", tmp_path, *options) as server:
        assert server.url.startswith("https://")
        trusted = ssl.create_default_context(cafile=made)
        got = httpx.get(f"{server.url}/livez", verify=trusted)
        assert (got.status_code, got.headers["strict-transport-security"]) == (200, "max-age=31536000")


def test_a_key_with_a_pass_phrase_is_refused_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    made, key = certificate(tmp_path)
    sealed = tmp_path / "sealed.pem"
    subprocess.run(
        ["openssl", "ec", "-in", key, "-aes256", "-passout", "pass:1234", "-out", sealed],
        check=True,
        capture_output=True,
    )
    # On a terminal: without one there would be nobody to ask.
    ours, terminal = os.openpty()
    try:
        command = [
            RAPPORT, "serve", "--port", "0", "--tls-certificate", str(made), "--tls-key", str(sealed)
        ]  # fmt: skip
        environment = own_environment(RAPPORT_STORE=f"sqlite:///{tmp_path / 's.sqlite'}")
        done = subprocess.run(
            command, env=environment, stdin=terminal, capture_output=True, text=True, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0), timeout=60, check=False,
        )  # fmt: skip
    finally:
        os.close(ours)
        os.close(terminal)
    assert done.returncode == 2
    assert "which may have no pass phrase" in done.stderr


def test_under_a_path_of_a_proxy_calls_and_documents_are_there(tmp_path: Path) -> None:
    options = ["--root-path", "/rapport", "--trusted-proxy", "127.0.0.1"]
    with serving(f"sqlite:///{tmp_path / 's.sqlite'}", tmp_path, *options) as server:
        behind = server.url.removesuffix("/rapport")
        headers = {**STRUCTURED, "Authorization": f"Bearer {server.token()}", "X-Forwarded-Proto": "https"}
        got = httpx.post(f"{behind}/v1/messages", content=json.dumps(proposal()), headers=headers)
        assert got.json()["status"] == "accepted"
        assert got.headers["strict-transport-security"]
        assert httpx.get(f"{behind}/openapi.json").json()["servers"] == [{"url": "/rapport"}]
        assert 'href="/rapport/openapi.json"' in httpx.get(f"{behind}/docs").text


def test_with_an_exporter_a_request_is_a_span_of_the_callers_trace_that_its_facts_continue(tmp_path: Path) -> None:
    trace, caller = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    store = f"sqlite:///{tmp_path / 's.sqlite'}"
    with serving(store, tmp_path, "--api-only", OTEL_TRACES_EXPORTER="console") as server:
        with server.client() as client:
            headers = {**STRUCTURED, "traceparent": f"00-{trace}-{caller}-01"}
            assert client.post("/v1/messages", content=json.dumps(proposal()), headers=headers).status_code == 200
            [fact] = client.get("/v1/events").json()["items"]
            client.get("/v1/secret-path")
        assert server.stop() == 0
        told = server.log
    span = fact["traceparent"].split("-")[2]
    assert fact["traceparent"].split("-")[1] == trace
    assert span != caller
    assert f'"span_id": "0x{span}"' in told
    assert f'"parent_id": "0x{caller}"' in told
    assert '"name": "POST /v1/messages"' in told
    assert '"http.response.status_code": 200' in told
    assert "secret-path" not in told


@pytest.mark.parametrize("path", ["/livez", "/v1/relationships?limit=1", "/v1/me", "/v1/nowhere", "/sign-in"])
def test_head_is_answered_as_get_is_without_the_body(server: Server, path: str) -> None:
    with server.client() as client:
        got, head = client.get(path), client.head(path)
        assert head.status_code == got.status_code
        assert head.content == b""
        told = ("content-type", "content-length", "etag", "cache-control")
        assert {name: head.headers.get(name) for name in told} == {name: got.headers.get(name) for name in told}


def test_head_of_a_stream_ends(server: Server) -> None:
    with server.client() as client:
        head = client.head("/v1/events", headers={"Accept": "text/event-stream"})
        assert (head.status_code, head.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
        assert client.get("/v1/me").status_code == 200


def test_head_of_what_takes_messages_alone_is_not_allowed(server: Server) -> None:
    with server.client() as client:
        head = client.head("/v1/messages")
        assert (head.status_code, head.headers["allow"]) == (405, "POST")


def test_a_proxy_that_is_no_address_is_a_wrong_call() -> None:
    done = rapport_text("serve", "--trusted-proxy", "proxy.internal")
    assert (done.returncode, "--trusted-proxy proxy.internal" in done.stderr) == (2, True)
