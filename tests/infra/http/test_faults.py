"""Bad connections, bad moments and bad requests: each is answered plainly, and nothing that was answered is lost."""

import contextlib
import json
import os
import random
import re
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.bootstrap import open_rapport
from infra.evidence.verify import verify
from infra.settings import Settings
from tests.infra.http.server import Server, serving
from tests.infra.http.test_messages import BATCH, LINES, contact, post, proposal

# HTTP_LOAD=full: 32 clients for a minute, with a kill every 10 s.
FULL = os.environ.get("HTTP_LOAD") == "full"
CLIENTS, KILLS, PAUSE = (32, 6, (10, 10)) if FULL else (6, 2, (0.3, 1.5))


class Sending:
    """A client that posts contacts one after the other, whatever becomes of the server, and notes what was answered."""

    def __init__(self, server: Server, subject: str, number: int, enough: threading.Event) -> None:
        self.subject = subject
        self.number = number
        self.answered: dict[str, str] = {}
        self.again = 0
        self._server = server
        self._enough = enough
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        with self._server.client() as client:
            self._post_on(client)

    def _post_on(self, client: httpx.Client) -> None:
        count = 0
        while not self._enough.is_set():
            count += 1
            sent = self.message(count)
            while (found := self._posted(client, sent)) is None:
                self.again += 1
                time.sleep(0.05)
            self.answered[sent["id"]] = found

    def message(self, count: int) -> dict[str, Any]:
        """One of its messages, at a time that no other message has."""
        day, hour = self.number % 28 + 1, self.number // 28 * 12 + count // 3600
        at = f"2026-03-{day:02}T{hour:02}:{count // 60 % 60:02}:{count % 60:02}Z"
        return {**contact(self.subject, "1"), "id": f"{self.number}-{count}", "time": at}

    def _posted(self, client: httpx.Client, sent: dict[str, Any]) -> str | None:
        """The status of the receipt; None where nobody knows what became of the message."""
        try:
            got = post(client, sent)
        except httpx.HTTPError:
            return None
        if got.status_code == 503:
            return None
        assert got.status_code == 200, got.text
        status: str = got.json()["status"]
        return status


def test_killed_during_posts_every_200_is_recorded_exactly_once(store_url: str, tmp_path: Path) -> None:
    seed = random.randrange(1_000_000)
    sys.stdout.write(f"seed {seed}\n")
    moments = random.Random(seed)
    server = Server(store_url, tmp_path)
    server.start()
    enough = threading.Event()
    try:
        with server.client() as client:
            subjects = [proposal() for _ in range(3)]
            for each in subjects:
                assert post(client, each).status_code == 200
        sending = [Sending(server, subjects[n % 3]["subject"], n, enough) for n in range(CLIENTS)]
        for _ in range(KILLS):
            time.sleep(moments.uniform(*PAUSE))
            server.kill()
            server.start()
        time.sleep(0.5)
        enough.set()
        for sender in sending:
            sender.thread.join()
        answered = {id_: status for each in sending for id_, status in each.answered.items()}
        assert set(answered.values()) <= {"accepted", "duplicate"}
        assert sum(each.again for each in sending) > 0, "not one post was cut off"
        with server.client() as client:
            for some in sending:
                counts = range(1, len(some.answered) + 1)
                resent = [some.message(count) for count in counts[:: max(1, len(counts) // 50)]]
                assert resent
                found = post(client, json.dumps(resent).encode(), BATCH).json()
                assert {receipt["status"] for receipt in found} == {"duplicate"}
    finally:
        enough.set()
        assert server.stop() == 0, server.log
    with open_rapport(Settings(store=store_url)) as rapport:
        kept = {row[0] for row in rapport.database.query("SELECT message_id FROM receipts")}
        assert answered.keys() <= kept
        told = [event.message_id for each in subjects for event in rapport.store.read(each["subject"])]
        assert len(told) == len(set(told))
        assert answered.keys() <= set(told)
        verdict = verify(rapport.store)
        assert verdict.ok, verdict.problems


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_answers_what_it_took_and_ends_well(tmp_path: Path, number: signal.Signals) -> None:
    with serving(f"sqlite:///{tmp_path / 's.sqlite'}", tmp_path) as server:
        body = json.dumps(proposal()).encode()
        with slow_post(server, len(body)) as connection, server.client() as waiting:
            connection.sendall(body[:40])
            answers: list[httpx.Response] = []
            poll = threading.Thread(target=lambda: answers.append(waiting.get("/v1/events?after=0&wait=60")))
            poll.start()
            time.sleep(0.5)
            assert server.process is not None
            server.process.send_signal(number)
            time.sleep(0.5)
            connection.sendall(body[40:])
            assert b'"status":"accepted"' in read_all(connection)
            poll.join(10)
            assert [answer.status_code for answer in answers] == [200]
        assert server.process.wait(60) == 0


def slow_post(server: Server, length: int, **more: str) -> socket.socket:
    """A connection on which the head of a post was sent."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    head = {
        "Host": "localhost",
        "Authorization": f"Bearer {server.token()}",
        "Content-Type": "application/cloudevents+json",
        "Content-Length": str(length),
        **more,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    connection.sendall(f"POST /v1/messages HTTP/1.1\r\n{lines}\r\n".encode())
    return connection


def read_all(connection: socket.socket) -> bytes:
    found = b""
    while chunk := connection.recv(65_536):
        found += chunk
        if b"\r\n\r\n" in found and found.endswith(b"}"):
            break
    return found


def until_closed(connection: socket.socket) -> bytes:
    """All that comes, also where the other side has closed on what was being sent."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65_536):
            found += chunk
    return found


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def code(answer: bytes) -> str:
    """The code of the one answer, in problem details."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    found: str = json.loads(body)["problems"][0]["code"]
    return found


def raw(server: Server, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(request)
        return read_all(connection)


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that waits for heads and bodies for a second only."""
    folder = tmp_path_factory.mktemp("hasty")
    with serving(f"sqlite:///{folder / 's.sqlite'}", folder, "--body-timeout", "1", "--head-timeout", "1") as server:
        yield server


class TestSlow:
    def test_a_body_that_does_not_come_on_is_408_and_others_are_served_meanwhile(self, hasty: Server) -> None:
        with slow_post(hasty, 1000) as connection, hasty.client() as client:
            connection.sendall(b"{")
            assert post(client, proposal()).status_code == 200
            found = read_all(connection)
            assert found.startswith(b"HTTP/1.1 408 ")
            assert b'"code":"slow_body"' in found

    def test_a_head_that_does_not_come_on_is_408(self, hasty: Server) -> None:
        with socket.create_connection(("127.0.0.1", hasty.port), timeout=60) as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
            found = read_all(connection)
        assert (status(found), code(found)) == (408, "slow_head")

    def test_a_batch_that_would_be_too_large_is_413_though_it_does_not_come(self, hasty: Server) -> None:
        for length in (33, 49):
            with slow_post(hasty, length * 2**20, **{"Content-Type": BATCH["Content-Type"]}) as connection:
                found = until_closed(connection)
            assert (status(found), code(found)) == (413, "too_large")

    def test_a_connection_that_says_nothing_is_closed(self, hasty: Server) -> None:
        with socket.create_connection(("127.0.0.1", hasty.port), timeout=60) as connection:
            assert read_all(connection).startswith(b"HTTP/1.1 408 ")

    def test_a_client_that_leaves_in_the_middle_records_nothing(self, hasty: Server) -> None:
        body = json.dumps(sent := proposal()).encode()
        with slow_post(hasty, len(body)) as connection:
            connection.sendall(body[:-1])
        with hasty.client() as client:
            assert post(client, sent).json()["status"] == "accepted"
        assert "Rapport failed" not in hasty.log

    def test_lines_that_break_off_are_recorded_up_to_there_and_may_come_again(self, hasty: Server) -> None:
        lines = [json.dumps(proposal()).encode() + b"\n" for _ in range(3)]
        whole = b"".join(lines)
        with slow_post(hasty, len(whole), **{"Content-Type": "application/x-ndjson"}) as connection:
            connection.sendall(lines[0] + lines[1][:20])
            assert read_all(connection).startswith(b"HTTP/1.1 408 ")
        with hasty.client() as client:
            statuses = [json.loads(line)["status"] for line in post(client, whole, LINES).text.splitlines()]
        assert statuses == ["duplicate", "accepted", "accepted"]


class TestSmuggled:
    @pytest.mark.parametrize(
        "head",
        [
            b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            b"Content-Length: 5\r\nContent-Length: 6\r\n",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            b"Content-Length : 5\r\n",
            b"Content-Length: +5\r\n",
            b"X-A: b\n Content-Length: 5\r\n",
            b"Transfer-Encoding: chunked\r\nHost: y\r\n",
        ],
    )
    def test_a_request_that_can_be_read_in_two_ways_is_400_and_the_connection_closed(
        self, server: Server, head: bytes
    ) -> None:
        request = (
            b"POST /v1/messages HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        found = raw(server, request)
        assert found.startswith(b"HTTP/1.1 400 ")
        assert b"application/problem+json" in found
        assert b'"ok":true' not in found

    def test_what_is_no_http_is_refused_behind_the_answers_to_earlier_requests(self, server: Server) -> None:
        """Said before them, it would be read as the answer to the first."""
        with server.client() as client:
            head = client.get("/v1/events?limit=1000").json()["next"]
        wait = f"GET /v1/events?after={head}&wait=0.5 HTTP/1.1\r\nAuthorization: Bearer {server.token()}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            connection.sendall(wait.encode() + b"GET /livez HTTP/1.1\r\n\r\n" + b"no http\r\n\r\n" + wait.encode())
            found = until_closed(connection)
        assert re.findall(rb"HTTP/1.1 (\d+)", found) == [b"200", b"200", b"400"]
        assert b'"code":"bad_http"' in found

    def test_two_tokens_are_none(self, server: Server) -> None:
        token = server.token()
        headers = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
        assert httpx.get(f"{server.url}/v1/events", headers=headers).status_code == 401

    def test_two_roles_are_none(self, server: Server) -> None:
        with server.client() as client:
            headers = [("Rapport-Role", "coordinator"), ("Rapport-Role", "hr")]
            assert client.get("/v1/events", headers=headers).status_code == 400

    def test_headers_of_a_proxy_count_for_nothing(self, server: Server) -> None:
        got = httpx.get(f"{server.url}/livez", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "10.0.0.1"})
        assert "strict-transport-security" not in got.headers


class TestTold:
    def test_answers_have_headers_for_safety_and_none_of_the_servers_name(self, server: Server) -> None:
        for path in ("/livez", "/v1/nothing"):
            headers = httpx.get(f"{server.url}{path}").headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert "server" not in headers
            assert "access-control-allow-origin" not in headers

    def test_the_log_has_a_line_for_each_request_and_nothing_secret(self, server: Server) -> None:
        sent = proposal(id=f"secret-id-{uuid.uuid4()}")
        sent["data"]["supplier_id"] = "secret-supplier"
        with server.client() as client:
            post(client, sent)
            client.get("/v1/secret-path?secret=1")
            token = client.headers["Authorization"].partition(" ")[2]
        lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
        found = [line for line in lines if line["logger"] == "rapport.access"]
        assert {"method", "route", "status", "ms", "time"} <= found[-1].keys()
        assert ("/v1/messages", 200) in {(line["route"], line["status"]) for line in found}
        assert "secret" not in server.log
        assert token not in server.log

    def test_metrics_count_by_template(self, server: Server) -> None:
        httpx.get(f"{server.url}/v1/anything/else")
        found = httpx.get(f"{server.url}/metrics").text
        assert 'rapport_http_requests_total{method="GET",route="none",status="404"}' in found
        assert "/v1/anything" not in found
        assert "rapport_lag_events" in found

    def test_it_is_ready_when_its_parts_are(self, server: Server) -> None:
        until = time.monotonic() + 60
        while (got := httpx.get(f"{server.url}/readyz")).status_code != 200:
            assert time.monotonic() < until, got.text
            time.sleep(0.1)
        assert got.json()["ok"] is True
        assert {"work", "projections", "database"} <= got.json().keys()
        assert httpx.get(f"{server.url}/livez").json()["ok"] is True


def test_a_port_that_is_taken_is_told(server: Server, tmp_path: Path) -> None:
    other = Server(f"sqlite:///{tmp_path / 's.sqlite'}", tmp_path)
    other._port = server.port
    with pytest.raises(AssertionError, match=f"can't listen on 127.0.0.1:{server.port}"):
        other.start()
    assert other.process is not None
    assert other.process.returncode == 2


def test_api_only_leaves_the_workers_to_others(tmp_path: Path) -> None:
    with serving(f"sqlite:///{tmp_path / 's.sqlite'}", tmp_path, "--api-only") as server:
        found = httpx.get(f"{server.url}/readyz").json()
        assert found["ok"]
        assert "work" not in found


def test_several_processes_serve_one_store_and_see_what_others_took(emptied_url: str, tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    with (
        serving(emptied_url, tmp_path) as one,
        serving(emptied_url, tmp_path / "two", "--api-only") as two,
        one.client() as first,
        two.client() as second,
    ):
        before = int(post(first, sent := proposal()).headers["Rapport-Position"])
        assert post(second, sent).json()["status"] == "duplicate"
        waiting: list[Any] = []
        poll = threading.Thread(target=lambda: waiting.append(second.get(f"/v1/events?after={before}&wait=30").json()))
        poll.start()
        post(first, contact(sent["subject"], "1"))
        poll.join(40)
        assert [each["type"] for each in waiting[0]["items"]] == ["rapport.ContactRecorded"]
