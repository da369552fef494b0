"""`/v1/webhooks`: facts to a real receiver, in order, signed, after failures and kills too; who may subscribe, and to what address."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from infra.bootstrap import open_rapport
from infra.settings import Settings, WrongSettings
from infra.webhooks.address import NotAllowed, check, look_up, networks
from infra.webhooks.sending import LEASE, backoff
from tests.infra.http.server import Server, serving
from tests.infra.http.test_messages import contact, post, proposal
from tests.stores import by_hand, opened

LOCAL = networks(Settings.model_fields["webhook_networks"].default)


class Receiver(ThreadingHTTPServer):
    """A subscriber: it keeps what it took, and answers as `plan` has it, else 204."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.plan: list[Callable[[Taking], None]] = []
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.refused: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}/hooks"

    @property
    def positions(self) -> list[int]:
        return [json.loads(body)["position"] for _, body in self.taken]

    def wait(self, count: int, seconds: float = 30) -> None:
        until = time.monotonic() + seconds
        while len(self.taken) < count:
            assert time.monotonic() < until, (len(self.taken), self.refused)
            time.sleep(0.02)


class Taking(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        self.body = self.rfile.read(length)
        if len(self.body) < length:
            # Its sender was killed in the middle of it.
            self.close_connection = True
        elif self.server.plan:
            self.server.refused.append(self.headers["webhook-id"])
            self.server.plan.pop(0)(self)
        else:
            self.take()

    def take(self) -> None:
        self.server.taken.append(({name.lower(): value for name, value in self.headers.items()}, self.body))
        self.answer(204)

    def answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def receiving() -> Iterator[Receiver]:
    with Receiver() as found:
        thread = Thread(target=found.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            found.shutdown()
            thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def programme() -> str:
    """A programme that no other test speaks of."""
    return f"p-{uuid.uuid4()}"


def of(programme: str) -> dict[str, Any]:
    sent = proposal()
    sent["data"]["programme_id"] = programme
    return sent


def subscribe(client: httpx.Client, url: str, programme: str, **more: Any) -> dict[str, Any]:
    got = client.post("/v1/webhooks", json={"url": url, "programme_id": programme, **more})
    assert got.status_code == 201, got.text
    found: dict[str, Any] = got.json()
    return found


def listed(client: httpx.Client, id_: str) -> dict[str, Any]:
    return next(item for item in client.get("/v1/webhooks").json()["items"] if item["id"] == id_)


def until_listed(client: httpx.Client, id_: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    until = time.monotonic() + 30
    while not holds(found := listed(client, id_)):
        assert time.monotonic() < until, found
        time.sleep(0.05)
    return found


class TestSent:
    def test_the_facts_of_the_programme_come_in_order_signed_and_as_the_topic_has_them(
        self, server: Server, receiver: Receiver, programme: str
    ) -> None:
        with server.client() as client:
            made = subscribe(client, receiver.url, programme)
            sent = of(programme)
            post(client, sent)
            post(client, proposal())
            for number in range(1, 4):
                post(client, contact(sent["subject"], str(number)))
            receiver.wait(4)
            facts = [each for each in client.get(f"/v1/events?after={made['position']}").json()["items"] if each["subject"] == sent["subject"]]  # fmt: skip
        assert [json.loads(body) for _, body in receiver.taken] == facts
        signer = Webhook(made["secret"])
        for headers, body in receiver.taken:
            assert headers["content-type"] == "application/cloudevents+json"
            assert headers["webhook-id"] == f"fact_{json.loads(body)['position']}"
            signer.verify(body, headers)

    def test_what_is_withheld_is_not_sent_and_does_not_stop_what_comes_after(
        self, server: Server, receiver: Receiver, programme: str
    ) -> None:
        with server.client("service:booking", acts_for=["coordinator", "mentee"]) as client, server.client() as office:
            subscribe(office, receiver.url, programme)
            sent = of(programme)
            post(client, sent)
            reported = {**contact(sent["subject"], "1"), "type": "rapport.ReportProblem", "actor": "mentee:ana"}
            assert post(client, reported | {"data": {"description": "in confidence"}}).status_code == 200
            post(client, contact(sent["subject"], "2"))
            receiver.wait(2)
        assert [json.loads(body)["type"] for _, body in receiver.taken] == [
            "rapport.RelationshipProposed",
            "rapport.ContactRecorded",
        ]

    def test_only_the_types_that_were_asked_for_from_the_position_that_was_asked_for(
        self, server: Server, receiver: Receiver, programme: str
    ) -> None:
        with server.client() as client:
            sent = of(programme)
            before = int(post(client, sent).headers["Rapport-Position"])
            post(client, contact(sent["subject"], "1"))
            made = subscribe(client, receiver.url, programme, after=before - 1, types=["rapport.ContactRecorded"])
            receiver.wait(1)
            until_listed(client, made["id"], lambda found: found["position"] > before)
        assert [json.loads(body)["type"] for _, body in receiver.taken] == ["rapport.ContactRecorded"]

    def test_what_is_not_taken_is_sent_again_in_order_and_shown_meanwhile(
        self, server: Server, receiver: Receiver, programme: str
    ) -> None:
        receiver.plan = [lambda taking: taking.answer(500), lambda taking: taking.answer(302, location="/elsewhere")]
        with server.client() as client:
            made = subscribe(client, receiver.url, programme)
            sent = of(programme)
            post(client, sent)
            post(client, contact(sent["subject"], "1"))
            found = until_listed(client, made["id"], lambda found: found["failures"] == 2)
            assert (found["status"], found["last_error"]) == ("active", "it answered 302")
            assert found["failing_since"]
            receiver.wait(2)
            assert receiver.positions == sorted(receiver.positions)
            assert receiver.refused == [receiver.taken[0][0]["webhook-id"]] * 2
            found = until_listed(client, made["id"], lambda found: found["position"] >= receiver.positions[-1])
            assert (found["failures"], found["failing_since"], found["last_error"]) == (0, None, None)

    def test_one_that_is_gone_is_disabled_and_goes_on_where_it_stopped_once_it_is_enabled(
        self, server: Server, receiver: Receiver, programme: str
    ) -> None:
        receiver.plan = [lambda taking: taking.answer(410)]
        with server.client() as client:
            made = subscribe(client, receiver.url, programme)
            post(client, sent := of(programme))
            found = until_listed(client, made["id"], lambda found: found["status"] == "disabled")
            assert found["last_error"] == "it answered 410"
            post(client, contact(sent["subject"], "1"))
            time.sleep(0.7)
            assert receiver.taken == []
            assert client.post(f"/v1/webhooks/{made['id']}/enable").json()["status"] == "active"
            receiver.wait(2)

    def test_a_slow_one_holds_up_no_other(self, server: Server, receiver: Receiver, programme: str) -> None:
        with receiving() as slow, server.client() as client:
            slow.plan = [lambda _: time.sleep(8)]
            for each in (slow, receiver):
                subscribe(client, each.url, programme)
            began = time.monotonic()
            post(client, of(programme))
            receiver.wait(1)
            assert time.monotonic() - began < 5

    def test_a_removed_one_is_told_nothing_more(self, server: Server, receiver: Receiver, programme: str) -> None:
        with server.client() as client:
            made = subscribe(client, receiver.url, programme)
            assert client.delete(f"/v1/webhooks/{made['id']}").status_code == 204
            assert client.delete(f"/v1/webhooks/{made['id']}").status_code == 404
            with receiving() as other:
                subscribe(client, other.url, programme)
                post(client, of(programme))
                other.wait(1)
            assert receiver.taken == []


def taken_slowly(taking: Taking) -> None:
    time.sleep(0.1)
    taking.take()


def run_out(store: str) -> None:
    """As when the half minute has passed for which the killed one held on to the sending."""
    with opened(store) as database, by_hand(database) as session:
        assert session.execute("UPDATE leases SET until = 0 WHERE name = ?", (LEASE,)) == 1


def test_killed_in_between_each_fact_arrives_and_none_out_of_turn(
    store_url: str, receiver: Receiver, programme: str, tmp_path: Path
) -> None:
    server = Server(store_url, tmp_path)
    server.start()
    try:
        with server.client() as client:
            subscribe(client, receiver.url, programme)
            sent = of(programme)
            post(client, sent)
            receiver.plan = [taken_slowly] * 60
            for number in range(1, 30):
                post(client, contact(sent["subject"], str(number)))
            # Posts may be quicker than the first fact is sent: the kill is to come in the middle.
            receiver.wait(3)
            server.kill()
            assert len(receiver.taken) < 30
            run_out(store_url)
            server.start()
        receiver.wait(30, 60)
        time.sleep(0.5)
    finally:
        assert server.stop() == 0, server.log
    with open_rapport(Settings(store=store_url)) as rapport:
        last = rapport.store.head()
    once = list(dict.fromkeys(receiver.positions))
    assert once == sorted(once)
    assert len(once) == 30
    assert once[-1] == last
    # What a kill repeats is the fact that was under way.
    assert len(receiver.positions) - len(once) <= 1


def test_one_that_takes_nothing_for_long_is_disabled(receiver: Receiver, programme: str, tmp_path: Path) -> None:
    receiver.plan = [lambda taking: taking.answer(503)] * 50
    store = f"sqlite:///{tmp_path / 's.sqlite'}"
    with serving(store, tmp_path, RAPPORT_WEBHOOK_DAYS="0.00001") as server, server.client() as client:
        made = subscribe(client, receiver.url, programme)
        post(client, of(programme))
        found = until_listed(client, made["id"], lambda found: found["status"] == "disabled")
        assert found["last_error"].startswith("it took nothing for 1e-05 days")
        assert made["secret"].removeprefix("whsec_") not in (tmp_path / "s.sqlite").read_bytes().decode("latin-1")
        assert made["secret"] not in server.log


class TestAsked:
    def test_secrets_are_shown_once(self, server: Server, programme: str) -> None:
        with server.client() as client:
            made = subscribe(client, "https://example.org/hooks", programme)
            assert made["secret"].startswith("whsec_")
            assert "secret" not in listed(client, made["id"])
            assert "secret" not in client.post(f"/v1/webhooks/{made['id']}/enable").json()

    @pytest.mark.parametrize("actor", ["mentee:ana", "hr:hugo", "auditor:ada", "service:booking"])
    def test_others_than_the_office_may_not(self, server: Server, actor: str) -> None:
        with server.client(actor) as client:
            body = {"url": "https://example.org/hooks", "programme_id": "p1"}
            for got in (client.get("/v1/webhooks"), client.post("/v1/webhooks", json=body)):
                assert (got.status_code, got.json()["problems"][0]["code"]) == (403, "role")

    def test_those_of_other_programmes_are_not_there(self, server: Server, programme: str) -> None:
        with server.client() as client, server.client(programmes=["elsewhere"]) as other:
            made = subscribe(client, "https://example.org/hooks", programme)
            assert other.get("/v1/webhooks").json()["items"] == []
            assert other.delete(f"/v1/webhooks/{made['id']}").status_code == 404
            assert other.post(f"/v1/webhooks/{made['id']}/enable").status_code == 404
            got = other.post("/v1/webhooks", json={"url": "https://example.org/", "programme_id": programme})
            assert got.status_code == 403
            got = other.post("/v1/webhooks", json={"url": "https://example.org/"})
            assert got.json()["problems"][0]["field"] == "programme_id"

    @pytest.mark.parametrize(
        "url",
        [
            "ftp://example.org/",
            "example.org",
            "https://user:secret@example.org/",
            "https://example.org/#x",
            "http://169.254.169.254/latest/meta-data",
            "https://10.0.0.1/",
            "https://[::ffff:10.0.0.1]/",
            "https://[fd00::1]/",
            "https://0.0.0.0/",
            "http://8.8.8.8/",
            "https://example.org/a b",
        ],
    )
    def test_an_address_that_may_not_be_called_is_named(self, server: Server, url: str) -> None:
        with server.client() as client:
            got = client.post("/v1/webhooks", json={"url": url, "programme_id": "p1"})
            assert (got.status_code, got.json()["problems"][0]["field"]) == (400, "url")
            assert "secret" not in got.text

    def test_types_that_are_never_sent_are_named(self, server: Server) -> None:
        with server.client() as client:
            body = {"url": "https://example.org/", "programme_id": "p1", "types": ["rapport.BreachReported"]}
            got = client.post("/v1/webhooks", json=body)
            assert (got.status_code, got.json()["problems"][0]["code"]) == (400, "unknown_type")

    def test_a_position_that_the_record_has_not_come_to_is_named(self, server: Server, programme: str) -> None:
        with server.client() as client:
            body = {"url": "https://example.org/", "programme_id": programme, "after": 10**9}
            got = client.post("/v1/webhooks", json=body)
            assert (got.status_code, got.json()["problems"][0]["field"]) == (400, "after")
            assert "to which the record has grown" in got.text

    def test_a_programme_has_so_many_and_no_more(self, server: Server, programme: str) -> None:
        with server.client() as client:
            for _ in range(20):
                subscribe(client, "https://example.org/", programme)
            got = client.post("/v1/webhooks", json={"url": "https://example.org/", "programme_id": programme.upper()})
            assert (got.status_code, got.json()["problems"][0]["code"]) == (409, "too_many")


class TestAddress:
    def test_a_name_is_judged_by_every_address_that_it_has(self) -> None:
        with pytest.raises(NotAllowed, match="expected an address on the public Internet"):
            look_up("http://localhost:8080/x", ())
        found = look_up("http://localhost:8080/x?y=1", LOCAL)
        assert found.url in {"http://127.0.0.1:8080/x?y=1", "http://[::1]:8080/x?y=1"}
        assert (found.host, found.name) == ("localhost:8080", "localhost")

    def test_networks_that_the_setting_names_may_be_called_over_http_too(self) -> None:
        with pytest.raises(NotAllowed):
            check("http://10.1.2.3/", LOCAL)
        check("http://10.1.2.3/", networks("10.1.0.0/16, ::1/128"))
        with pytest.raises(NotAllowed):
            check("http://127.0.0.1/", networks("none"))
        with pytest.raises(WrongSettings, match="RAPPORT_WEBHOOK_NETWORKS"):
            networks("somewhere")


def test_pauses_grow_up_to_an_hour() -> None:
    assert [backoff(count) for count in (1, 2, 3, 30)] == [1, 3, 9, 3600]
