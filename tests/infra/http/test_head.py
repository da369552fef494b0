"""The head of a request: what is after the body is none of it, and it is bounded in bytes and fields, whole or not."""

import contextlib
import json
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.http.connection import MAX_FIELDS, MAX_HEAD_BYTES, MAX_WAITING
from tests.infra.http.server import Server
from tests.infra.http.test_faults import code, raw, status, until_closed
from tests.infra.http.test_messages import LINES, post, proposal

CHUNKED = b"GET /v1/me HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
POSTED = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
NEXT = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def told(server: Server, *parts: bytes) -> bytes:
    """What comes back to parts that are sent one after the other, until the connection is closed."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for part in parts:
                connection.sendall(part)
        return until_closed(connection)


def token(server: Server, actor: str = "coordinator:cora") -> bytes:
    return f"Authorization: Bearer {server.token(actor)}\r\n".encode()


class TestTrailers:
    def test_a_token_after_the_body_is_none_and_the_next_request_is_read_as_it_is(self, server: Server) -> None:
        found = told(server, CHUNKED + b"\r\n0\r\n" + token(server) + b"\r\n" + NEXT)
        assert re.findall(rb"HTTP/1.1 (\d+)", found) == [b"401", b"200"]

    def test_the_next_request_has_its_own_headers_alone(self, server: Server) -> None:
        own = b"GET /v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        found = told(
            server, CHUNKED + token(server) + b"\r\n0\r\nRapport-Role: hr\r\n\r\n" + own + token(server) + b"\r\n"
        )
        assert re.findall(rb"HTTP/1.1 (\d+)", found) == [b"200", b"200"]
        found = told(server, CHUNKED + token(server) + b"\r\n0\r\n" + token(server) + b"\r\n" + own + b"\r\n")
        assert re.findall(rb"HTTP/1.1 (\d+)", found) == [b"200", b"401"]

    def test_a_content_type_after_the_body_is_none(self, server: Server) -> None:
        body = json.dumps(proposal()).encode()
        chunk = b"%x\r\n%b\r\n0\r\n" % (len(body), body)
        kind = b"Content-Type: application/cloudevents+json\r\n"
        assert status(raw(server, POSTED + token(server) + b"\r\n" + chunk + kind + b"\r\n")) == 415
        assert (
            status(raw(server, POSTED + token(server) + kind + b"\r\n" + chunk + b"Content-Type: a/b\r\n\r\n")) == 200
        )

    def test_attributes_after_the_body_are_none(self, server: Server) -> None:
        sent = proposal()
        body = json.dumps(sent["data"]).encode()
        fields = "".join(f"ce-{name}: {value}\r\n" for name, value in sent.items() if name not in {"data", "actor"})
        head = POSTED + token(server) + b"Content-Type: application/json\r\n" + fields.encode() + b"\r\n"
        found = raw(server, head + b"%x\r\n%b\r\n0\r\nce-actor: coordinator:cora\r\n\r\n" % (len(body), body))
        assert (status(found), code(found)) == (400, "missing")

    def test_they_are_dropped_though_they_come_by_themselves(self, server: Server) -> None:
        found = told(server, CHUNKED + b"\r\n", b"0\r\n", token(server), b"\r\n", NEXT)
        assert re.findall(rb"HTTP/1.1 (\d+)", found) == [b"401", b"200"]


def resident(server: Server) -> int:
    """MiB of memory of the server's process."""
    assert server.process is not None
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


LINE = b"GET /livez HTTP/1.1\r\nHost: x\r\n"


def fields(size: int, each: int = 1000) -> Iterator[bytes]:
    """Fields of so many bytes together."""
    for number in range(size // each):
        yield b"X-%06d: " % number + b"a" * (each - 12) + b"\r\n"


class TestSize:
    def test_a_head_up_to_the_bound_is_taken_whole_or_in_parts(self, server: Server) -> None:
        most = LINE + b"Connection: close\r\n" + b"".join(fields(MAX_HEAD_BYTES - 500, 500)) + b"\r\n"
        assert MAX_HEAD_BYTES - 1000 < len(most) < MAX_HEAD_BYTES
        assert status(told(server, most)) == 200
        assert status(told(server, *(most[at : at + 1000] for at in range(0, len(most), 1000)))) == 200

    @pytest.mark.parametrize(
        "head",
        [
            LINE + b"".join(fields(MAX_HEAD_BYTES + 1000)) + b"\r\n",
            LINE + b"X: " + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n",
            LINE + b"a" * MAX_HEAD_BYTES + b": b\r\n\r\n",
            b"GET /livez?a=" + b"a" * MAX_HEAD_BYTES + b" HTTP/1.1\r\n\r\n",
            LINE + b"X: b\r\n" * MAX_FIELDS + b"\r\n",
        ],
        ids=["fields", "value", "name", "url", "many"],
    )
    @pytest.mark.parametrize("part", [10**9, 10_000, 700])
    def test_a_head_beyond_the_bound_is_431_and_the_connection_closed(
        self, server: Server, head: bytes, part: int
    ) -> None:
        found = told(server, *(head[at : at + part] for at in range(0, len(head), part)))
        assert (status(found), code(found)) == (431, "head_too_large")

    @pytest.mark.parametrize(
        "begin, part",
        [
            (LINE, b"X-A: " + b"a" * 1000 + b"\r\n"),
            (LINE + b"X-A: ", b"a" * 1000),
            (LINE, b"X-A"),
            (b"GET /", b"a" * 1000),
            (LINE + b"\r\n", b"\r\n" * 500),
            (POSTED + b"\r\n1", b"0" * 10),
            (POSTED + b"\r\n1;a=", b"a" * 1000),
            (POSTED + b"\r\n", b"1;a=%b\r\nb\r\n" % (b"a" * 1000)),
            (POSTED + b"\r\n0\r\n", b"X-A: " + b"a" * 1000 + b"\r\n"),
            (POSTED + b"\r\n0\r\nX-A: ", b"a" * 1000),
        ],
        ids=["fields", "value", "name", "url", "lines", "size", "extension", "extensions", "trailers", "trailer"],
    )
    def test_what_has_no_end_is_closed_and_takes_no_memory(self, server: Server, begin: bytes, part: bytes) -> None:
        before = resident(server)
        block = part * (100_000 // len(part))
        sent = 0
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            connection.sendall(begin)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                while sent < 100 * 2**20:
                    connection.sendall(block)
                    sent += len(block)
        assert sent < 20 * 2**20
        assert resident(server) < before + 20

    def test_small_chunks_are_no_head(self, server: Server) -> None:
        """Most of such a body is the frame of its chunks."""
        padded = json.dumps(proposal()).encode() + b" " * 30_000
        chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in padded)
        head = POSTED + token(server) + b"Content-Type: application/cloudevents+json\r\nConnection: close\r\n\r\n"
        assert len(chunks) > 2 * MAX_HEAD_BYTES
        assert (
            status(told(server, head, *(chunks[at : at + 5000] for at in range(0, len(chunks), 5000)), b"0\r\n\r\n"))
            == 200
        )

    def test_a_large_body_is_no_head(self, server: Server) -> None:
        lines = json.dumps(proposal()).encode() + b"\n" + b" " * (8 * 2**20)
        with server.client() as client:
            assert post(client, lines, LINES).status_code == 200

    def test_each_request_of_a_connection_has_a_head_of_its_own(self, server: Server) -> None:
        each = LINE + b"".join(fields(MAX_HEAD_BYTES // 2)) + b"\r\n"
        assert told(server, each * 6 + NEXT).count(b"HTTP/1.1 200 ") == 7

    def test_what_was_answered_before_stays_answered(self, server: Server) -> None:
        found = told(server, LINE + b"\r\n" + LINE + b"X: " + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n")
        assert re.findall(rb"HTTP/1.1 (\d+)", found) == [b"200", b"431"]

    def test_fields_after_a_body_without_end_record_nothing_of_it(self, server: Server) -> None:
        body = json.dumps(sent := proposal()).encode()
        head = POSTED + token(server) + b"Content-Type: application/cloudevents+json\r\n\r\n"
        found = told(server, head + b"%x\r\n%b\r\n0\r\n" % (len(body), body) + b"X: b\r\n" * (MAX_FIELDS + 1) + b"\r\n")
        assert (status(found), code(found)) == (431, "head_too_large")
        with server.client() as client:
            assert post(client, sent).json()["status"] == "accepted"


def test_requests_without_end_in_one_connection_are_answered_up_to_a_bound_and_take_no_memory(server: Server) -> None:
    before = resident(server)
    found = told(server, *[(LINE + b"\r\n") * 1000] * 50)
    answers = re.findall(rb"HTTP/1.1 (\d+)", found)
    assert len(answers) > MAX_WAITING
    assert set(answers[:-1]) == {b"200"}
    assert answers[-1] == b"503"
    assert b'"code":"overloaded"' in found
    assert resident(server) < before + 20
