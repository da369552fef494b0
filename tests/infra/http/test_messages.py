"""`POST /v1/messages`, on a server that is a process of its own."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.infra.http.server import Server
from tests.messages import message

STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}
LINES = {"Content-Type": "application/x-ndjson"}


def proposal(**fields: Any) -> dict[str, Any]:
    """A proposal of a relationship that nobody has heard of."""
    subject = str(uuid.uuid4())
    data = {"programme_id": "p1", "mentee_id": "ana", "mentor_id": "ben", "codes": []}
    return message("ProposeRelationship", data, **{"subject": subject, "id": subject, **fields})


def contact(subject: str, id_: str, **fields: Any) -> dict[str, Any]:
    given = {"subject": subject, "id": f"{subject}-{id_}", "time": f"2026-03-03T09:00:{int(id_):02}Z"}
    return message("RecordContact", {"channel": "email"}, **given | fields)


def post(client: httpx.Client, sent: Any, headers: Mapping[str, str] = STRUCTURED, **more: str) -> httpx.Response:
    content = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    return client.post("/v1/messages", content=content, headers={**headers, **more})


@pytest.fixture
def client(server: Server) -> Any:
    with server.client() as found:
        yield found


class TestOne:
    def test_accepted_is_200_with_the_receipt_and_the_position_of_the_record(self, client: httpx.Client) -> None:
        sent = proposal()
        got = post(client, sent)
        assert (got.status_code, got.headers["content-type"]) == (200, "application/json")
        events = [{"type": "rapport.RelationshipProposed", "version": 1}]
        expected = {"source": "/tests", "id": sent["id"], "subject": sent["subject"], "status": "accepted"}
        assert got.json() == {**expected, "events": events, "problems": []}
        before = int(got.headers["Rapport-Position"])
        assert int(post(client, contact(sent["subject"], "1")).headers["Rapport-Position"]) > before > 0

    def test_duplicate_is_200_with_the_rest_of_the_first_receipt(self, client: httpx.Client) -> None:
        sent = proposal()
        first = post(client, sent).json()
        again = post(client, sent)
        assert again.status_code == 200
        assert again.json() == {**first, "status": "duplicate", "first_status": "accepted"}

    def test_conflict_is_409_with_the_receipt_in_problem_details(self, client: httpx.Client) -> None:
        got = post(client, proposal(expectedversion=3))
        assert_problem(got, 409, "conflict", "version")

    def test_refused_is_422_and_cites_clauses(self, client: httpx.Client) -> None:
        sent = proposal()
        sent["data"]["codes"] = ["cmn"]
        post(client, sent)
        got = post(client, message("ActivateRelationship", subject=sent["subject"], id=f"a-{sent['id']}"))
        problem = assert_problem(got, 422, "refused", "gate")
        assert "cmn.timeframe" in {each["clause"] for each in problem["problems"]}
        again = post(client, message("ActivateRelationship", subject=sent["subject"], id=f"a-{sent['id']}"))
        assert (again.status_code, again.json()["first_status"]) == (200, "refused")

    def test_invalid_is_400_and_names_every_field(self, client: httpx.Client) -> None:
        sent = proposal(time="yesterday")
        del sent["data"]["mentee_id"]
        problem = assert_problem(post(client, sent), 400, "invalid")
        assert {each["field"] for each in problem["problems"]} == {"time", "data.mentee_id"}

    def test_what_is_no_json_is_400(self, client: httpx.Client) -> None:
        assert_problem(post(client, b'{"id":'), 400, "invalid", "bad_json")

    def test_application_json_is_taken_as_structured(self, client: httpx.Client) -> None:
        assert post(client, proposal(), {"Content-Type": "application/json"}).json()["status"] == "accepted"

    def test_binary_mode(self, client: httpx.Client) -> None:
        sent = proposal(id="größe " + str(uuid.uuid4()))
        data = sent.pop("data")
        headers = {f"ce-{name}": value for name, value in sent.items()}
        headers["ce-id"] = sent["id"].replace(" ", "%20").replace("ö", "%C3%B6").replace("ß", "%C3%9F")
        got = post(client, data, {"Content-Type": "application/json", "ce-expectedversion": "0", **headers})
        assert (got.status_code, got.json()["id"]) == (200, sent["id"]), got.text
        again = post(client, {**sent, "data": data, "expectedversion": 0})
        assert again.json()["status"] == "duplicate"

    def test_binary_mode_names_an_attribute_that_comes_twice(self, client: httpx.Client) -> None:
        sent = proposal()
        data = json.dumps(sent.pop("data")).encode()
        headers = [*((f"ce-{name}", value) for name, value in sent.items()), ("ce-id", "other")]
        got = client.post("/v1/messages", content=data, headers=[*headers, ("Content-Type", "application/json")])
        problem = assert_problem(got, 400, "invalid", "duplicate_key")
        assert [each["field"] for each in problem["problems"]] == ["id"]

    @pytest.mark.parametrize(
        "kind", ["text/plain", "application/x-www-form-urlencoded", "application/cloudevents+json; charset=latin-1"]
    )
    def test_another_content_type_is_415_and_says_what_is_taken(self, client: httpx.Client, kind: str) -> None:
        got = post(client, proposal(), {"Content-Type": kind})
        assert got.status_code == 415
        assert got.json()["problems"][0]["field"] == "content-type"

    def test_a_compressed_body_is_415(self, client: httpx.Client) -> None:
        assert post(client, proposal(), {**STRUCTURED, "Content-Encoding": "gzip"}).status_code == 415

    def test_the_trace_of_the_request_is_the_messages(self, client: httpx.Client, server: Server) -> None:
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        sent = proposal()
        position = int(post(client, sent, traceparent=trace).headers["Rapport-Position"])
        found = client.get("/v1/events", params={"after": position - 1}).json()["items"]
        assert [each["traceparent"] for each in found if each["subject"] == sent["subject"]] == [trace]


class TestSeveral:
    def test_a_batch_is_200_with_the_receipts_in_order(self, client: httpx.Client) -> None:
        first = proposal()
        wrong = proposal(time="never")
        sent = [first, wrong, contact(first["subject"], "1"), first, proposal(expectedversion=9)]
        got = post(client, sent, BATCH)
        assert (got.status_code, got.headers["content-type"]) == (200, "application/json")
        assert [each["status"] for each in got.json()] == ["accepted", "invalid", "accepted", "duplicate", "conflict"]
        assert [each["id"] for each in got.json()] == [each["id"] for each in sent]
        assert int(got.headers["Rapport-Position"]) > 0

    def test_a_batch_of_1000_is_taken_and_one_of_1001_is_not(self, client: httpx.Client) -> None:
        sent = [proposal() for _ in range(1001)]
        got = post(client, sent, BATCH)
        assert (got.status_code, got.json()["problems"][0]["code"]) == (400, "too_many")
        receipts = post(client, sent[:1000], BATCH).json()
        assert [(each["id"], each["status"]) for each in receipts] == [(each["id"], "accepted") for each in sent[:1000]]

    def test_an_empty_batch_has_no_receipts(self, client: httpx.Client) -> None:
        assert post(client, [], BATCH).json() == []

    @pytest.mark.parametrize("body", [b"{}", b"[1,", b'"x"', b""])
    def test_a_batch_that_is_no_array_is_400(self, client: httpx.Client, body: bytes) -> None:
        got = post(client, body, BATCH)
        assert (got.status_code, got.headers["content-type"]) == (400, "application/problem+json")

    def test_a_key_that_a_message_of_a_batch_has_twice_is_found(self, client: httpx.Client) -> None:
        whole = json.dumps(proposal())
        twice = whole[:-1] + ',"id":"other"}'
        found = post(client, f"[{whole}, {twice}]".encode(), BATCH).json()
        assert [each["status"] for each in found] == ["accepted", "invalid"]
        assert found[1]["problems"][0]["code"] == "duplicate_key"

    def test_lines_are_answered_by_lines(self, client: httpx.Client) -> None:
        first = proposal()
        lines = [json.dumps(each) for each in (first, contact(first["subject"], "2"))]
        got = post(client, f"{lines[0]}\r\n\n{lines[1]}".encode(), LINES)
        assert (got.status_code, got.headers["content-type"]) == (200, "application/x-ndjson")
        assert [json.loads(line)["status"] for line in got.text.splitlines()] == ["accepted"] * 2

    def test_ten_thousand_lines_with_a_bad_one_in_the_middle_lose_nothing_of_the_rest(
        self, client: httpx.Client
    ) -> None:
        of = proposal()
        sent = [json.dumps(of).encode()] + [
            json.dumps(
                {
                    **contact(of["subject"], "1"),
                    "id": f"{of['id']}-{n}",
                    "time": f"2026-03-03T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z",
                }
            ).encode()
            for n in range(9999)
        ]
        sent[5000] = b'{"half'
        got = post(client, b"\n".join(sent), LINES)
        statuses = [json.loads(line)["status"] for line in got.text.splitlines()]
        assert len(statuses) == 10_000
        assert [n for n, status in enumerate(statuses) if status != "accepted"] == [5000]
        assert statuses[5000] == "invalid"


class TestWho:
    def test_without_a_token_it_is_401(self, server: Server) -> None:
        got = httpx.post(f"{server.url}/v1/messages", json=proposal())
        assert (got.status_code, got.headers["content-type"]) == (401, "application/problem+json")
        assert got.headers["www-authenticate"].startswith("Bearer")

    def test_another_actor_than_the_caller_is_403_and_uses_no_id(self, server: Server, client: httpx.Client) -> None:
        sent = proposal()
        with server.client("coordinator:eve") as eve:
            assert_problem(post(eve, sent), 403, "refused", "not_the_caller")
        assert post(client, sent).json()["status"] == "accepted"

    def test_a_role_that_the_caller_has_not_is_403(self, client: httpx.Client) -> None:
        assert_problem(post(client, proposal(actor="supplier:cora")), 403, "refused", "not_the_caller")

    def test_an_id_of_another_case_is_the_same(self, client: httpx.Client) -> None:
        assert post(client, proposal(actor="coordinator:CORA")).status_code == 200

    def test_a_service_passes_on_what_roles_do_that_it_acts_for(self, server: Server) -> None:
        with server.client("service:booking", acts_for=["coordinator"]) as booking:
            assert post(booking, proposal()).json()["status"] == "accepted"
            assert_problem(post(booking, proposal(actor="supplier:sue")), 403, "refused", "not_the_caller")

    def test_a_role_named_by_the_request_is_the_one_to_act_as(self, server: Server, client: httpx.Client) -> None:
        assert post(client, proposal(), {**STRUCTURED, "Rapport-Role": "coordinator"}).status_code == 200
        assert post(client, proposal(), {**STRUCTURED, "Rapport-Role": "hr"}).status_code == 403

    def test_in_a_batch_the_others_are_taken(self, client: httpx.Client) -> None:
        receipts = post(client, [proposal(), proposal(actor="mentee:ana"), proposal()], BATCH).json()
        assert [each["status"] for each in receipts] == ["accepted", "refused", "accepted"]

    def test_another_programmes_relationship_and_one_that_does_not_exist_are_404_alike(
        self, server: Server, client: httpx.Client
    ) -> None:
        theirs = proposal()
        post(client, theirs)
        with server.client("coordinator:cora", programmes=["p2"]) as other:
            answers = [post(other, contact(subject, "3")) for subject in (theirs["subject"], str(uuid.uuid4()))]
            there, not_there = (assert_problem(answer, 404, "refused", "programme") for answer in answers)
            for each in (there, not_there):
                del each["receipt"]
            assert there == not_there
            assert_problem(post(other, proposal()), 403, "refused", "programme")

    def test_a_mentor_tells_of_their_own_development_whatever_the_token_covers(self, server: Server) -> None:
        for own, status in (("mentor:cleo", 200), ("mentor:other", 404)):
            sent = message(
                "RecordDevelopment",
                {"what": "a course", "completed_on": "2026-02-01"},
                subject=own,
                id=f"d-{own}",
                actor="mentor:cleo",
            )
            with server.client("mentor:cleo", programmes=["p9"]) as cleo:
                assert post(cleo, sent).status_code == status

    def test_workers_and_their_sources_are_reserved(self, client: httpx.Client) -> None:
        assert_problem(post(client, proposal(source="/workers/x")), 422, "refused", "reserved")
        assert_problem(post(client, proposal(actor="worker:x")), 422, "refused", "reserved")


class TestLimits:
    def test_a_message_of_300_kb_is_invalid_and_the_connection_serves_on(self, client: httpx.Client) -> None:
        big = proposal()
        big["data"]["codes"] = ["x" * 300_000]
        problem = assert_problem(post(client, big), 400, "invalid", "too_large")
        assert "262144" in problem["detail"]
        assert post(client, proposal()).status_code == 200

    def test_a_line_of_300_kb_is_invalid_and_the_others_are_taken(self, client: httpx.Client) -> None:
        big = {**proposal(), "x": "y" * 300_000}
        got = post(client, b"\n".join(json.dumps(each).encode() for each in (proposal(), big, proposal())), LINES)
        found = [json.loads(line) for line in got.text.splitlines()]
        assert [each["status"] for each in found] == ["accepted", "invalid", "accepted"]
        assert found[1]["problems"][0]["code"] == "too_large"

    def test_a_batch_that_is_too_large_is_413(self, client: httpx.Client) -> None:
        got = post(client, b"[" + b" " * (33 * 1024 * 1024) + b"]", BATCH)
        assert (got.status_code, got.json()["problems"][0]["code"]) == (413, "too_large")

    def test_unknown_query_parameters_are_400_and_named(self, client: httpx.Client) -> None:
        got = client.post("/v1/messages?dry_run=1&x", content=b"{}", headers=STRUCTURED)
        assert got.status_code == 400
        assert {each["field"] for each in got.json()["problems"]} == {"dry_run", "x"}
        got = client.get("/v1/events?afer=1&after=2&after=3")
        assert {(each["field"], each["code"]) for each in got.json()["problems"]} == {
            ("afer", "unknown_parameter"),
            ("after", "duplicate_parameter"),
        }
        assert "did you mean after?" in got.json()["detail"]

    def test_an_unknown_path_and_method_are_problem_details(self, client: httpx.Client) -> None:
        for got, status in ((client.get("/v1/nothing"), 404), (client.get("/v1/messages"), 405)):
            assert (got.status_code, got.headers["content-type"]) == (status, "application/problem+json")
            assert got.json()["status"] == status


def assert_problem(got: httpx.Response, status: int, receipt: str, code: str | None = None) -> dict[str, Any]:
    """The answer is problem details about a message: RFC 9457, with the receipt in the member `receipt`."""
    assert (got.status_code, got.headers["content-type"]) == (status, "application/problem+json"), got.text
    found: dict[str, Any] = got.json()
    assert found["status"] == status
    assert found["title"]
    assert found["detail"]
    assert found["receipt"]["status"] == receipt
    assert found["problems"] == found["receipt"]["problems"]
    if code is not None:
        assert code in {each["code"] for each in found["problems"]}
    return found


class TestMyErasure:
    def test_a_person_asks_for_the_erasure_of_what_is_theirs(self, server: Server) -> None:
        person = f"p{uuid.uuid4().hex[:8]}"
        with server.client(f"mentee:{person}") as client:
            got = client.post("/v1/me/erasure", json={"basis": "objection"})
            assert got.status_code == 200, got.text
            assert got.json()["subject"] == f"person:{person}"
            assert got.json()["events"] == [{"type": "rapport.ErasureRequested", "version": 1}]
            assert client.post("/v1/me/erasure", json={"basis": "because"}).status_code == 400
            assert client.post("/v1/me/erasure", json={}).status_code == 400
        with server.client("service:booking") as client:
            assert client.post("/v1/me/erasure", json={"basis": "objection"}).status_code == 403
        assert httpx.post(f"{server.url}/v1/me/erasure", json={"basis": "objection"}).status_code == 401


class TestStrangers:
    """Who is named nowhere can't tell a relationship that there is from one that there isn't."""

    @pytest.mark.parametrize("actor", ["mentee:zoe", "mentor:zoe", "customer:zoe", "line_manager:zoe"])
    @pytest.mark.parametrize(
        "more",
        [
            {},
            {"expectedversion": 7},
            {"expectedversion": 0},
            {"type": "rapport.ReportProblem", "data": {"description": "x"}},
        ],
    )
    def test_the_answer_is_the_same_and_so_is_that_of_the_same_message_again(
        self, server: Server, client: httpx.Client, actor: str, more: dict[str, Any]
    ) -> None:
        subject, unknown = str(uuid.uuid4()), str(uuid.uuid4())
        assert post(client, proposal(subject=subject, id=subject)).status_code == 200
        told = []
        with server.client(actor) as stranger:
            for each in (subject, unknown):
                sent = {**contact(each, "1"), "actor": actor, **more}
                answers = [post(stranger, sent), post(stranger, sent)]
                told.append([(got.status_code, got.text.replace(each, "ID")) for got in answers])
        assert told[0] == told[1]
        status, text = told[0][0]
        assert status == 422
        assert json.loads(text)["problems"][-1]["code"] == "actor"
        assert json.loads(told[0][1][1])["first_status"] == "refused"

    def test_who_is_named_and_who_passes_on_are_told_as_it_is(self, server: Server, client: httpx.Client) -> None:
        post(client, sent := proposal())
        with server.client("mentee:ana") as named:
            got = post(named, {**contact(sent["subject"], "1"), "actor": "mentee:ana", "expectedversion": 7})
            assert (got.status_code, got.json()["receipt"]["status"]) == (409, "conflict")
        with server.client("service:booking", acts_for=["mentee"]) as service:
            got = post(service, {**contact(str(uuid.uuid4()), "1"), "actor": "mentee:ana"})
            assert "unknown_relationship" in {each["code"] for each in got.json()["problems"]}
