"""The module `rapport`: messages arrive once whatever happens on the way, and the programs of its page do what it says."""

import asyncio
import os
import pickle
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

import rapport
from rapport import AsyncClient, Client, HttpError, Problem, Receipt, Unavailable, message, open_record
from tests.infra.http.server import Server, serving

PROBLEM = Problem("store", None, "The store can't answer now.", None)
PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "use-from-python.md"
ROLES = ["coordinator", "mentee"]
PARTIES = {"programme_id": "spring", "mentee_id": "ana", "mentor_id": "ben", "codes": []}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("served")
    with serving(f"sqlite:///{folder / 'store.sqlite'}", folder) as found:
        yield found


@pytest.fixture
def token(server: Server) -> str:
    return server.token("service:booking", acts_for=ROLES)


class Gateway(ThreadingHTTPServer):
    """What stands before a server: it answers as it is told to, one request after the other, then passes on what comes."""

    daemon_threads = True

    def __init__(self, url: str, *plan: Callable[["Passing"], None]) -> None:
        super().__init__(("127.0.0.1", 0), Passing)
        self.target = url
        self.plan = list(plan)
        self.requests = 0
        self.url = f"http://127.0.0.1:{self.server_port}"


class Passing(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self) -> None:
        self.server.requests += 1
        if self.server.plan:
            self.server.plan.pop(0)(self)
        else:
            passed_on(self)

    do_GET = do_POST  # noqa: N815 - the base class's names

    def log_message(self, *_: Any) -> None:
        pass

    def pass_on(self) -> httpx.Response:
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name: self.headers[name] for name in ("authorization", "content-type") if name in self.headers}
        return httpx.request(self.command, self.server.target + self.path, content=content, headers=headers)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def passed_on(passing: Passing) -> None:
    found = passing.pass_on()
    position = found.headers.get("rapport-position")
    passing.answer(found.status_code, found.content, **({"rapport_position": position} if position else {}))


def lost(passing: Passing) -> None:
    """The server has it, and its answer never arrives."""
    assert passing.pass_on().status_code == 200


def away(passing: Passing) -> None:
    passing.answer(503, b"<html>no JSON at all</html>")


@contextmanager
def gateway(server: Server, *plan: Callable[[Passing], None]) -> Iterator[Gateway]:
    with Gateway(server.url, *plan) as found:
        thread = Thread(target=found.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            found.shutdown()
            thread.join()


def proposal() -> dict[str, Any]:
    return {"subject": str(uuid.uuid4()), "actor": "coordinator:cora", "data": PARTIES}


def test_a_message_whose_answer_was_lost_is_sent_again_under_the_same_id_and_recorded_once(
    server: Server, token: str
) -> None:
    with gateway(server, lost, away) as before, Client(before.url, token) as client:
        sent = proposal()
        receipt = client.send("ProposeRelationship", **sent)
        assert before.requests == 3
        assert (receipt.status, receipt.first_status, receipt.accepted) == ("duplicate", "accepted", True)
        assert receipt.events == (rapport.Event("rapport.RelationshipProposed", 1),)
        assert len(client.history(sent["subject"], after=receipt.position)["items"]) == 1


def test_the_same_for_asyncio(server: Server, token: str) -> None:
    async def run(url: str) -> tuple[Receipt, Any]:
        async with AsyncClient(url, token) as client:
            sent = proposal()
            receipt = await client.send("ProposeRelationship", **sent)
            return receipt, await client.relationship(sent["subject"], after=receipt.position)

    with gateway(server, lost, away) as before:
        receipt, shown = asyncio.run(run(before.url))
    assert (receipt.first_status, shown["state"]) == ("accepted", "contracting")


@pytest.mark.parametrize(
    "asked", ["1", format_datetime(datetime.now(UTC) + timedelta(days=-1), usegmt=True)], ids=["seconds", "a time"]
)
def test_it_waits_as_long_as_it_is_asked_to(server: Server, token: str, asked: str) -> None:
    def busy(passing: Passing) -> None:
        passing.answer(429, retry_after=asked)

    with gateway(server, busy) as before, Client(before.url, token) as client:
        began = datetime.now(UTC)
        assert client.send("ProposeRelationship", **proposal()).status == "accepted"
        waited = (datetime.now(UTC) - began).total_seconds()
        assert waited >= 1 if asked == "1" else waited < 1
        assert before.requests == 2


def test_it_does_not_wait_for_longer_than_its_patience(server: Server, token: str) -> None:
    def long(passing: Passing) -> None:
        passing.answer(503, retry_after="3600")

    with gateway(server, long) as before, Client(before.url, token) as client:
        with pytest.raises(Unavailable) as found:
            client.send("ProposeRelationship", **proposal())
        assert (found.value.status, found.value.retry_after, before.requests) == (503, 3600, 1)


def test_what_is_refused_invalid_or_in_conflict_is_a_receipt_and_is_not_sent_again(server: Server, token: str) -> None:
    with gateway(server) as before, Client(before.url, token) as client:
        sent = proposal()
        assert client.send("ProposeRelationship", **sent).accepted
        again = client.send("ProposeRelationship", **sent)
        assert (again.status, again.accepted) == ("refused", False)
        wrong = client.send("ActivateRelationship", subject=sent["subject"], actor="nobody")
        assert (wrong.status, wrong.problems[0].field) == ("invalid", "actor")
        late = client.send("PlanNothing", **sent)
        assert late.problems[0].code == "unknown_type"
        met = client.send("RecordContact", **{**sent, "data": {"channel": "email"}}, expectedversion=7)
        assert met.status == "conflict"
        assert client.send("ProposeRelationship", **{**sent, "actor": "hr:hugo"}).problems[0].code == "not_the_caller"
        assert before.requests == 6


def test_what_has_no_receipt_is_an_error_that_names_what_is_wrong(server: Server, token: str) -> None:
    with Client(server.url, "no token") as client, pytest.raises(HttpError, match="401") as found:
        client.send("ProposeRelationship", **proposal())
    assert found.value.problems[0].code == "token"
    with Client(server.url, token) as client:
        with pytest.raises(HttpError, match="404"):
            client.relationship(str(uuid.uuid4()))
        with pytest.raises(HttpError, match="did you mean as_of"):
            client.relationship(str(uuid.uuid4()), as_off="2026-03-02T09:00:00Z")


@pytest.mark.parametrize("error", [HttpError(404, "nothing"), Unavailable(503, "later", (PROBLEM,), 2.5)])
def test_an_error_and_a_receipt_reach_another_process_whole(error: HttpError) -> None:
    receipt = Receipt("/tests", "1", "s", "refused", problems=(PROBLEM,))
    got, same = pickle.loads(pickle.dumps((error, receipt)))
    assert (type(got), str(got), vars(got)) == (type(error), str(error), vars(error))
    assert same == receipt


def test_a_server_that_is_not_there_is_told_in_the_end(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rapport, "ATTEMPTS", 2)
    with Client("http://127.0.0.1:9", token) as client, pytest.raises(httpx.ConnectError):
        client.me()


def test_many_messages_go_in_batches_and_are_answered_in_order(
    server: Server, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rapport, "MOST", 3)
    sent = [message("ProposeRelationship", source="/tests", **proposal()) for _ in range(7)]
    with gateway(server, lost) as before, Client(before.url, token) as client:
        receipts = client.send_all([*sent, {}])
        assert [receipt.id for receipt in receipts] == [*(each["id"] for each in sent), None]
        assert [receipt.status for receipt in receipts] == ["duplicate"] * 3 + ["accepted"] * 4 + ["invalid"]
        assert before.requests == 4
        found = {item["id"] for item in client.each("/v1/relationships", limit=2)}
        assert {each["subject"] for each in sent} <= found


def test_facts_are_followed_from_a_position(server: Server, token: str) -> None:
    with Client(server.url, token) as client:
        first = client.send("ProposeRelationship", **(sent := proposal()))
        assert first.position is not None
        client.send("RecordContact", **{**sent, "data": {"channel": "email"}})
        [fact] = client.facts(first.position, follow=False)
        assert fact["type"] == "rapport.ContactRecorded"
        assert next(client.facts(first.position, wait=5))["position"] == fact["position"]


def test_a_time_without_an_offset_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ValueError, match="time: expected a time with its offset"):
        message("RecordContact", source="/tests", subject="s", actor="mentee:ana", time=datetime(2026, 3, 2, 9))  # noqa: DTZ001


def test_a_record_gives_the_receipts_and_reads_of_a_server(tmp_path: Path) -> None:
    with open_record(f"sqlite:///{tmp_path / 's.sqlite'}", synchronous="off") as record:
        sent = {**proposal(), "id": "once", "time": datetime.now(UTC)}
        assert record.send("ProposeRelationship", **sent).accepted
        again = record.send("ProposeRelationship", **sent)
        assert (again.status, again.accepted) == ("duplicate", True)
        shown = record.relationship(sent["subject"])
        assert shown is not None
        assert (shown["state"], shown["version"]) == ("contracting", 1)
        assert record.relationship(str(uuid.uuid4())) is None
        assert [event["version"] for event in record.history(sent["subject"])] == [1]


def test_a_record_is_asked_about_other_times_and_names_what_is_no_time(tmp_path: Path) -> None:
    with open_record(f"sqlite:///{tmp_path / 's.sqlite'}", synchronous="off") as record:
        proposed = datetime(2026, 3, 2, 9, tzinfo=UTC)
        sent = {**proposal(), "time": proposed}
        assert record.send("ProposeRelationship", **sent).accepted
        for then in (proposed, "2026-03-02T09:00:00Z", date(2026, 3, 2), "2026-03-02"):
            assert (record.relationship(sent["subject"], as_of=then) or {})["version"] == 1
            assert len(record.history(sent["subject"], as_of=then)) == 1
        before = proposed - timedelta(seconds=1)
        assert record.relationship(sent["subject"], as_of=before) is None
        assert record.history(sent["subject"], as_of=before) == []
        assert len(record.history(sent["subject"], version=1)) == 1
        reads: list[Callable[..., object]] = [record.relationship, record.history]
        for read in reads:
            for field in ("as_of", "known_at"):
                for wrong in ("yesterday", "2026-03-02T09:00:00", datetime(2026, 3, 2), 7):  # noqa: DTZ001
                    with pytest.raises(ValueError, match=rf"^{field}: .*expected a time with its offset"):
                        read(sent["subject"], **{field: wrong})
            for version in (0, -1, 2, "1"):
                with pytest.raises(ValueError, match=r"^version: .*the last one is 1"):
                    read(sent["subject"], version=version)


def programs() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def ran(program: str, folder: Path, **more: str) -> list[str]:
    (folder / "program.py").write_text(program)
    env = {**os.environ, **more}
    done = subprocess.run([sys.executable, "program.py"], cwd=folder, env=env, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_programs_of_the_page_do_what_it_says(server: Server, token: str, tmp_path: Path) -> None:
    client, aio, record = programs()
    told = ran(client, tmp_path, API_URL=server.url, API_TOKEN=token)
    assert (told[0], told[-1].split()[1]) == ("accepted", "rapport.RelationshipProposed")
    assert "contracting" in told
    assert any(line.startswith("nottingham.") for line in told)
    assert ran(aio, tmp_path, API_URL=server.url, API_TOKEN=token) == ["['accepted', 'accepted', 'accepted']", "1"]
    assert ran(record, tmp_path) == ["accepted", "contracting 1", "[]"]
