"""`GET /v1/events`: operational facts in order, long poll and server-sent events, withheld as on the topic."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.infra.http.server import Server
from tests.infra.http.test_messages import contact, post, proposal
from tests.messages import message


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as found:
        yield found


def grown(client: httpx.Client, *sent: dict[str, Any]) -> int:
    """Send messages that are accepted; the position before them."""
    before = int(post(client, proposal()).headers["Rapport-Position"])
    for each in sent:
        assert post(client, each).json()["status"] == "accepted"
    return before


def events(client: httpx.Client, **params: Any) -> dict[str, Any]:
    got = client.get("/v1/events", params=params)
    assert got.status_code == 200, got.text
    found: dict[str, Any] = got.json()
    return found


def stream(client: httpx.Client, count: int, after: int, **headers: str) -> list[dict[str, Any]]:
    """The first events of a stream: their ids and data."""
    found: list[dict[str, Any]] = []
    given = {"Accept": "text/event-stream", **headers}
    with client.stream("GET", "/v1/events", params={"after": after}, headers=given) as got:
        assert got.headers["content-type"].startswith("text/event-stream")
        event: dict[str, Any] = {}
        for line in got.iter_lines():
            name, _, value = line.partition(": ")
            if line == "":
                found += [event] if "data" in event else []
                event = {}
                if len(found) == count:
                    return found
            elif name:
                event[name] = json.loads(value) if name == "data" else value
    return found


def test_they_come_in_order_as_cloudevents_with_their_position(client: httpx.Client) -> None:
    sent = proposal()
    before = grown(client, sent, contact(sent["subject"], "1"), contact(sent["subject"], "2"))
    found = events(client, after=before)
    assert [each["type"] for each in found["items"]] == [
        "rapport.RelationshipProposed",
        "rapport.ContactRecorded",
        "rapport.ContactRecorded",
    ]
    assert [each["position"] for each in found["items"]] == [before + 1, before + 2, before + 3]
    assert {each["specversion"] for each in found["items"]} == {"1.0"}
    assert found["items"][0]["id"] == f"{sent['subject']}/1"
    assert found["next"] == before + 3


def test_a_page_goes_on_where_the_last_one_ended(client: httpx.Client) -> None:
    sent = proposal()
    before = grown(client, sent, contact(sent["subject"], "1"), contact(sent["subject"], "2"))
    first = events(client, after=before, limit=2)
    rest = events(client, after=first["next"])
    assert [len(each["items"]) for each in (first, rest)] == [2, 1]
    assert events(client, after=rest["next"]) == {"items": [], "next": rest["next"]}


def test_a_question_that_waits_is_answered_when_a_fact_comes(server: Server, client: httpx.Client) -> None:
    before = grown(client)

    def later() -> None:
        time.sleep(0.5)
        with server.client() as other:
            post(other, proposal())

    sending = threading.Thread(target=later)
    sending.start()
    found = events(client, after=before, wait=30)
    sending.join()
    assert [each["type"] for each in found["items"]] == ["rapport.RelationshipProposed"]


def test_a_question_that_waits_for_nothing_is_answered_with_nothing(client: httpx.Client) -> None:
    before = grown(client)
    assert events(client, after=before, wait=0.3) == {"items": [], "next": before}


def test_a_stream_goes_on_after_the_last_event_that_was_seen(client: httpx.Client) -> None:
    sent = proposal()
    before = grown(client, sent, contact(sent["subject"], "1"), contact(sent["subject"], "2"))
    first, second = stream(client, 2, before)
    assert [first["id"], second["id"]] == [str(before + 1), str(before + 2)]
    assert first["data"]["position"] == before + 1
    [third] = stream(client, 1, 0, **{"Last-Event-ID": second["id"]})
    assert third["data"]["id"] == f"{sent['subject']}/3"


def test_a_stream_sends_what_comes(server: Server, client: httpx.Client) -> None:
    before = grown(client)
    with server.client() as other:
        sending = threading.Timer(0.5, post, (other, proposal()))
        sending.start()
        assert len(stream(client, 1, before)) == 1
        sending.join()


def test_what_happened_in_confidence_is_withheld_and_passed_over(server: Server, client: httpx.Client) -> None:
    sent = proposal()
    before = grown(client, sent)
    with server.client("mentee:ana") as ana:
        told = message(
            "ReportProblem", {"description": "words"}, subject=sent["subject"], id=f"p-{sent['id']}", actor="mentee:ana"
        )
        position = int(post(ana, told).headers["Rapport-Position"])
    found = events(client, after=before)
    assert [each["type"] for each in found["items"]] == ["rapport.RelationshipProposed"]
    assert "words" not in json.dumps(found)
    assert found["next"] >= position


def test_a_token_covers_the_facts_of_its_programmes_alone(server: Server, client: httpx.Client) -> None:
    mine = proposal()
    mine["data"]["programme_id"] = "mine"
    before = grown(client, proposal(), mine, contact(mine["subject"], "1"))
    with server.client("coordinator:cora", programmes=["mine"]) as limited:
        found = events(limited, after=before)
    assert {each["subject"] for each in found["items"]} == {mine["subject"]}
    assert len(found["items"]) == 2


@pytest.mark.parametrize("role", ["analyst", "auditor"])
def test_readers_under_pseudonyms_see_nobodys_id(server: Server, client: httpx.Client, role: str) -> None:
    before = grown(client, proposal())
    with server.client(f"{role}:x") as reader:
        [found] = events(reader, after=before)["items"]
    assert found["actor"] == "coordinator"
    assert found["data"]["programme_id"] == "p1"
    assert not {"mentee_id", "mentor_id"} & found["data"].keys()
    assert "causationid" not in found


@pytest.mark.parametrize("role", ["mentee", "mentor", "customer", "line_manager", "hr"])
def test_others_may_not_have_them(server: Server, role: str) -> None:
    with server.client(f"{role}:ana") as reader:
        assert reader.get("/v1/events").status_code == 403


def test_without_a_token_there_are_none(server: Server) -> None:
    assert httpx.get(f"{server.url}/v1/events").status_code == 401


@pytest.mark.parametrize("query", ["after=-1", "after=x", "wait=61", "wait=nan", "limit=0", "limit=1001"])
def test_a_wrong_parameter_is_400_and_named(client: httpx.Client, query: str) -> None:
    got = client.get(f"/v1/events?{query}")
    assert got.status_code == 400
    assert [each["field"] for each in got.json()["problems"]] == [query.partition("=")[0]]


def test_a_position_that_the_record_has_not_come_to_is_400_and_says_how_far_it_is(client: httpx.Client) -> None:
    head = int(post(client, proposal()).headers["Rapport-Position"])
    stream = {"Accept": "text/event-stream"}
    asked: list[tuple[str, dict[str, int], dict[str, str]]] = [
        ("after", {"after": 10**9}, {}),
        ("after", {"after": 10**9, "wait": 30}, {}),
        ("after", {"after": 10**9}, stream),
        ("Last-Event-ID", {}, {**stream, "Last-Event-ID": str(10**9)}),
    ]
    for field, params, headers in asked:
        got = client.get("/v1/events", params=params, headers=headers)
        [problem] = got.json()["problems"]
        assert (got.status_code, problem["field"]) == (400, field)
        found = int(problem["message"].partition("up to ")[2].partition(",")[0])
        assert head <= found < 10**9
    assert client.get("/v1/events", params={"after": head}).status_code == 200


def test_a_last_event_id_that_is_none_is_400(client: httpx.Client) -> None:
    got = client.get("/v1/events", headers={"Accept": "text/event-stream", "Last-Event-ID": "x"})
    assert (got.status_code, got.json()["problems"][0]["field"]) == (400, "Last-Event-ID")
