"""Every read as every reader, as the matrix of sharing has it, on a server that is a process of its own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.access.pages import Cut
from tests.command import own_environment, rapport
from tests.infra.http.server import PLAIN, Server, serving
from tests.infra.http.telling import (
    CANARY,
    ELSEWHERE,
    HOUSE,
    OTHERS,
    PARTIES,
    PROGRAMME,
    QUIET,
    READERS,
    REPORTED,
    UNKNOWN,
    tell,
    told,
)
from tests.messages import relationship_id

ALL_ROLES = [*PARTIES, "coordinator"]
OF_ONE = ("", "/history", "/health", "/decisions", "/can-share?data_class=goals")
OF_ALL = (
    "/v1/relationships",
    "/v1/health",
    "/v1/nps?by=programme&by=mentor&by=month",
    "/v1/tasks",
    "/v1/mentors/ben",
    "/v1/cases/c1",
    "/v1/codes",
    "/v1/me",
    *(
        f"/v1/datasets/{name}"
        for name in (
            "relationships",
            "sessions",
            "goals",
            "commitment_health",
            "commitment_signals",
            "commitment_bands",
            "signals_history",
            "concerns",
            "tasks",
            "cases",
            "timeline",
            "practices",
            "session_moves",
            "homework",
            "gates",
            "pauses",
            "requests",
            "mentors",
            "programmes",
            "corrections",
            "nps",
            "nps_responses",
        )
    ),
)
# Words that only a report, or what follows from one, brings into an answer.
TELLTALE = ("Disrespect", "disrespect", "TrustBreakdown", "trust_breakdown", "Breach", "Disclos", "ProblemReported", "ShutdownRecommended", "shutdown_recommendation", "case:c1")  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The story told to a server without workers, at a time when it has just been told."""
    folder = tmp_path_factory.mktemp("reads")
    options = {"RAPPORT_CLOCK": "2026-03-20T09:00:00Z"}
    with serving(f"sqlite:///{folder / 'store.sqlite'}", folder, "--api-only", **options) as found:
        with found.client("service:booking", acts_for=ALL_ROLES) as client:
            tell(client)
        yield found


@contextmanager
def asking(server: Server, actor: str, programmes: Any = (PROGRAMME,)) -> Iterator[httpx.Client]:
    """A client of this reader, whose token covers the story's programme."""
    with server.client(actor, programmes=programmes) as client:
        yield client


def send(server: Server, *messages: dict[str, Any]) -> int:
    """Send messages, all of which are accepted; the position of the record after them."""
    with server.client("service:booking", acts_for=ALL_ROLES) as client:
        for each in messages:
            got = client.post("/v1/messages", json=each, headers={"Content-Type": "application/cloudevents+json"})
            assert got.status_code == 200, got.text
    return int(got.headers["Rapport-Position"])


def propose(server: Server, programme: str, *subjects: str) -> int:
    parties = {"programme_id": programme, "mentee_id": "mia", "mentor_id": "max", "customer_id": "carl", "codes": []}
    return send(
        server, *(told("ProposeRelationship", "coordinator:cora", "03-17T09:00", parties, each) for each in subjects)
    )


def of(subject: str, what: str = "") -> str:
    return f"/v1/relationships/{subject}{what}"


def status(server: Server, actor: str, path: str) -> int:
    with asking(server, actor) as client:
        return client.get(path).status_code


class TestStanding:
    @pytest.mark.parametrize(
        "what, forbidden",
        [
            ("", {"analyst"}),
            ("/history", {"analyst"}),
            ("/health", {"analyst", "line_manager"}),
            ("/decisions", {"analyst", "line_manager", "mentee", "mentor", "customer", "service"}),
            ("/can-share?data_class=goals", {"analyst"}),
        ],
    )
    def test_each_reader_reads_the_relationships_in_which_they_stand(
        self, server: Server, what: str, forbidden: set[str]
    ) -> None:
        for actor in READERS:
            expected = 403 if actor.partition(":")[0] in forbidden else 200
            assert status(server, actor, of(REPORTED, what)) == expected, actor

    @pytest.mark.parametrize("what", OF_ONE)
    @pytest.mark.parametrize(
        "stranger",
        ["mentee:zoe", "mentor:zoe", "customer:zoe", "line_manager:zoe", "supplier:zoe", "mentor:ana", "mentee:ben"],
    )
    def test_a_stranger_gets_the_answer_of_an_unknown_id(self, server: Server, stranger: str, what: str) -> None:
        with asking(server, stranger) as client:
            hidden, unknown = client.get(of(REPORTED, what)), client.get(of(UNKNOWN, what))
        assert hidden.status_code == unknown.status_code == 404
        assert hidden.content == unknown.content
        assert {**hidden.headers} | {"date": ""} == {**unknown.headers} | {"date": ""}

    @pytest.mark.parametrize("what", OF_ONE)
    @pytest.mark.parametrize("actor", ["coordinator:cora", "hr:hugo", "service:booking", "auditor:ada"])
    def test_another_programmes_ids_are_unknown(self, server: Server, actor: str, what: str) -> None:
        with asking(server, actor) as client:
            hidden, unknown = client.get(of(OTHERS, what)), client.get(of(UNKNOWN, what))
        assert (hidden.status_code, hidden.content) == (404, unknown.content)
        with asking(server, actor, (PROGRAMME, ELSEWHERE)) as client:
            expected = (
                404 if actor.startswith("hr") else 403 if what == "/decisions" and actor.startswith("service") else 200
            )
            assert client.get(of(OTHERS, what)).status_code == expected

    def test_hr_reads_the_relationships_with_a_case_alone(self, server: Server) -> None:
        with asking(server, "hr:hugo") as client:
            assert client.get(of(REPORTED)).status_code == 200
            assert client.get(of(QUIET)).status_code == 404
            assert [item["id"] for item in client.get("/v1/relationships").json()["items"]] == [REPORTED]

    def test_analysts_are_told_the_same_of_known_and_unknown_ids(self, server: Server) -> None:
        with asking(server, "analyst:alf") as client:
            known, unknown = client.get(of(REPORTED)), client.get(of(UNKNOWN))
        assert (known.status_code, known.content) == (403, unknown.content)

    def test_no_token_and_a_wrong_one_are_401(self, server: Server) -> None:
        for path in (*OF_ALL, *(of(REPORTED, what) for what in OF_ONE)):
            with httpx.Client(base_url=server.url, verify=PLAIN) as client:
                got = client.get(path)
                assert (got.status_code, got.headers["content-type"]) == (401, "application/problem+json"), path
                assert client.get(path, headers={"Authorization": "Bearer a.b.c"}).status_code == 401

    def test_a_token_that_asks_too_often_is_429_and_others_are_not(self, tmp_path: Path) -> None:
        with serving(
            f"sqlite:///{tmp_path}/store.sqlite", tmp_path, "--api-only", RAPPORT_TOKEN_RATE="3/hour"
        ) as found:
            with found.client("mentee:ana") as client:
                answers = [client.get("/v1/me") for _ in range(4)]
                assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
                assert answers[3].headers["content-type"] == "application/problem+json"
                assert 0 < int(answers[3].headers["Retry-After"]) <= 3600
            with found.client("mentee:zoe") as client:
                assert client.get("/v1/me").status_code == 200

    def test_tokens_that_do_not_hold_are_429_after_some_and_those_that_do_are_taken(self, tmp_path: Path) -> None:
        with serving(
            f"sqlite:///{tmp_path}/store.sqlite", tmp_path, "--api-only", RAPPORT_FAILED_TOKEN_RATE="3/hour"
        ) as found:
            wrong = [httpx.get(f"{found.url}/v1/me", headers={"Authorization": "Bearer a.b.c"}) for _ in range(4)]
            assert [answer.status_code for answer in wrong] == [401, 401, 401, 429]
            assert 0 < int(wrong[3].headers["Retry-After"]) <= 3600
            with found.client("mentee:ana") as client:
                assert client.get("/v1/me").status_code == 200

    def test_without_a_token_it_is_401_however_often(self, tmp_path: Path) -> None:
        with serving(
            f"sqlite:///{tmp_path}/store.sqlite", tmp_path, "--api-only", RAPPORT_FAILED_TOKEN_RATE="3/hour"
        ) as found:
            answers = [httpx.get(f"{found.url}/v1/me") for _ in range(5)]
            assert [answer.status_code for answer in answers] == [401] * 5

    def test_no_other_origin_is_let_in(self, server: Server) -> None:
        with asking(server, "coordinator:cora") as client:
            got = client.get("/v1/me", headers={"Origin": "https://evil.example.org"})
            assert not [name for name in got.headers if name.startswith("access-control")]
            assert client.options("/v1/me", headers={"Origin": "https://evil.example.org"}).status_code == 405

    def test_somebody_who_is_no_longer_the_party_is_a_stranger_at_once(self, server: Server) -> None:
        subject = relationship_id(301)
        propose(server, "changing", subject)
        with server.client("customer:carl") as client:
            assert client.get(of(subject)).status_code == 200
            send(
                server,
                told("ChangeParty", "coordinator:cora", "03-18T09:00", {"role": "customer", "id": "kim"}, subject),
            )
            hidden, unknown = client.get(of(subject)), client.get(of(UNKNOWN))
            assert (hidden.status_code, hidden.content) == (404, unknown.content)
            assert subject not in client.get("/v1/relationships").text
        with server.client("customer:kim") as client:
            assert client.get(of(subject)).status_code == 200

    def test_what_was_sent_is_read_after_its_position(self, server: Server) -> None:
        subject = relationship_id(302)
        position = propose(server, "changing", subject)
        with server.client("coordinator:cora") as client:
            assert client.get(of(subject, f"?after={position}")).json()["version"] == 1

    def test_a_role_that_the_token_does_not_have_is_403(self, server: Server) -> None:
        with asking(server, "mentee:ana") as client:
            assert client.get(of(REPORTED), headers={"Rapport-Role": "coordinator"}).status_code == 403

    def test_ids_are_the_same_in_any_case(self, server: Server) -> None:
        with asking(server, "mentee:ANA") as client:
            assert client.get(of(REPORTED.upper())).json()["id"] == REPORTED


class TestContent:
    @pytest.mark.parametrize("actor", [*READERS, "mentee:zoe"])
    def test_no_read_without_reveal_has_anybodys_words(self, server: Server, actor: str) -> None:
        with asking(server, actor) as client:
            for path in (*OF_ALL, *(of(subject, what) for subject in (REPORTED, QUIET, OTHERS) for what in OF_ONE)):
                for accept in ("*/*", "text/csv") if "datasets" in path else ("*/*",):
                    got = client.get(path, headers={"Accept": accept})
                    assert got.status_code in {200, 403, 404}, (path, got.text)
                    assert CANARY not in got.text, path

    @pytest.mark.parametrize("actor", ["auditor:ada", "analyst:alf"])
    def test_auditors_and_analysts_see_no_id_of_a_person(self, server: Server, actor: str) -> None:
        persons = {f'"{id_}"' for id_ in [*PARTIES.values(), HOUSE["coordinator"]]} | {
            f":{id_}" for id_ in PARTIES.values()
        }
        with asking(server, actor) as client:
            for path in (*OF_ALL, *(of(REPORTED, what) for what in OF_ONE)):
                if "/mentors/" in path:
                    # The one who asks by an id has it.
                    continue
                got = client.get(path)
                assert got.status_code in {200, 403, 404}
                text = got.text
                assert not [person for person in persons if person in text], path

    def test_a_pseudonym_is_the_same_in_every_answer(self, server: Server) -> None:
        with asking(server, "auditor:ada") as client:
            listed = client.get("/v1/relationships").json()["items"]
            rows = [json.loads(line) for line in client.get("/v1/datasets/relationships").text.splitlines()]
        assert {item["mentor_id"] for item in listed} == {row["mentor_id"] for row in rows}
        assert len({item["mentor_id"] for item in listed}) == 1


class TestReveal:
    """`reveal=WHY` shows words as far as the matrix opens them, and each read by anybody but the author is on record."""

    def entry(self, client: httpx.Client, type_: str, query: str = "?reveal=coaching") -> dict[str, Any]:
        entries = client.get(of(QUIET, f"/history{query}")).json()["items"]
        data: dict[str, Any] = next(entry["data"] for entry in entries if entry["type"] == f"rapport.{type_}")
        return data

    def test_who_was_present_reads_the_note_and_nobody_else_does(self, server: Server) -> None:
        for actor in READERS:
            if actor.partition(":")[0] not in {"analyst", "hr", "line_manager"}:
                with asking(server, actor) as client:
                    text = self.entry(client, "SessionNoteRecorded")["text"]
                if actor in {"mentee:ana", "mentor:ben"}:
                    assert text == f"{CANARY} note"
                else:
                    assert text == {"sealed": "session_content", "clause": "pentalog.session-content"}, actor

    def test_a_read_is_on_record_and_an_authors_own_is_not(self, server: Server) -> None:
        why = "supervision"
        for actor in ("mentee:ana", "mentor:ben", "coordinator:cora"):
            with asking(server, actor) as client:
                got = client.get(of(QUIET, f"?reveal={why}"))
                assert got.headers["cache-control"] == "no-store"
                assert got.json()["goals"][0]["title"] == f"{CANARY} title"
                assert client.get(of(QUIET, f"/history?reveal={why}")).status_code == 200
        env = own_environment(RAPPORT_STORE=server.settings.store)
        found = json.loads(rapport("reads", QUIET, "--json", env=env).stdout)
        of_why = {(each["reader"], each["data_class"]) for each in found if each["why"] == why}
        assert {("mentee:ana", "goals"), ("mentor:ben", "goals"), ("mentee:ana", "session_content")} <= of_why
        # The coordinator told the goal, and mentee and mentor told the rest that they read of their own.
        assert ("coordinator:cora", "goals") not in of_why
        assert not [each for each in found if each["reader"] == "mentor:ben" and each["version"] == 11]

    def test_without_a_reason_nothing_is_read(self, server: Server) -> None:
        with asking(server, "mentor:ben") as client:
            assert self.entry(client, "SessionNoteRecorded", "")["text"]["sealed"] == "session_content"
            for blank in ("", "%20"):
                got = client.get(of(QUIET, f"/history?reveal={blank}"))
                assert (got.status_code, got.json()["problems"][0]["field"]) == (400, "reveal")

    def test_a_reason_opens_no_door(self, server: Server) -> None:
        with asking(server, "mentee:zoe") as client:
            hidden, unknown = client.get(of(QUIET, "?reveal=x")), client.get(of(UNKNOWN, "?reveal=x"))
            assert (hidden.status_code, hidden.content) == (404, unknown.content)
        for actor in ("mentor:ben", "supplier:sam", "auditor:ada", "line_manager:lina"):
            with asking(server, actor) as client:
                for what in ("?reveal=x", "/history?reveal=x"):
                    assert f"{CANARY} description" not in client.get(of(REPORTED, what)).text

    def test_words_of_a_case_are_hrs(self, server: Server) -> None:
        with asking(server, "hr:hugo") as client:
            assert client.get("/v1/cases/c1?reveal=review").json()["description"] == f"{CANARY} case"
            assert client.get("/v1/cases/c1").json()["description"]["sealed"] == "safeguarding"


class TestReports:
    """That trouble was reported is for its author, coordinator and hr to know."""

    @pytest.mark.parametrize(
        "actor", ["mentor:ben", "supplier:sam", "service:booking", "auditor:ada", "line_manager:lina"]
    )
    def test_others_see_the_relationship_as_if_nothing_had_been_reported(self, server: Server, actor: str) -> None:
        with asking(server, actor) as client:
            reported, quiet = client.get(of(REPORTED)), client.get(of(QUIET))
            assert _alike(reported.json()) == _alike(quiet.json())
            assert _alike(client.get(of(REPORTED, "/health")).json()) == _alike(client.get(of(QUIET, "/health")).json())
            listed = client.get("/v1/relationships").json()["items"]
            assert _alike(listed[0]) == _alike(listed[1])
            assert len(client.get("/v1/relationships?band=critical").json().get("items", ())) == 0

    @pytest.mark.parametrize("actor", [actor for actor in READERS if actor.partition(":")[0] not in {"mentee", "customer", "coordinator", "hr"}])  # fmt: skip
    def test_no_answer_names_a_report_or_what_followed(self, server: Server, actor: str) -> None:
        with asking(server, actor) as client:
            for path in (*OF_ALL, *(of(REPORTED, what) for what in OF_ONE)):
                if path == "/v1/codes":
                    continue
                got = client.get(path)
                assert got.status_code in {200, 403, 404}
                text = got.text
                if actor in {"analyst:alf", "auditor:ada"}:
                    # Whose rows say that their kind is withheld.
                    text = text.replace("case:c1", "")
                if actor == "mentor:ben":
                    # His own disclosure is his to know.
                    text = text.replace("ConfidenceDisclosed", "")
                found = [word for word in TELLTALE if word in _without_commands(text)]
                assert not found, (path, found)

    def test_the_history_shows_that_something_is_withheld_and_nobodys_name(self, server: Server) -> None:
        with asking(server, "mentor:ben") as client:
            entries = client.get(of(REPORTED, "/history")).json()["items"]
        withheld = [entry for entry in entries if entry["type"] is None]
        assert [entry["version"] for entry in withheld] == [14, 15, 16, 17, 18]
        for entry in withheld:
            assert (entry["actor"], entry["data"], entry["findings"]) == (None, {}, [])

    def test_the_coordinator_sees_it_and_the_author_their_own(self, server: Server) -> None:
        with asking(server, "coordinator:cora") as client:
            types = [entry["type"] for entry in client.get(of(REPORTED, "/history")).json()["items"]]
            assert "rapport.DisrespectReported" in types
            assert client.get(of(REPORTED, "/health")).json()["band"] == "critical"
            assert [item["id"] for item in client.get("/v1/relationships?band=critical").json()["items"]] == [REPORTED]
        with asking(server, "mentee:ana") as client:
            types = [entry["type"] for entry in client.get(of(REPORTED, "/history")).json()["items"]]
            assert "rapport.DisrespectReported" in types
            assert "rapport.ProblemReported" not in types
            assert client.get(of(REPORTED, "/health")).json()["band"] == "critical"

    def test_asking_about_others_gives_no_report_away(self, server: Server) -> None:
        with asking(server, "mentor:ben") as client:
            for version in (14, 17, 18):
                answers = {
                    client.get(of(REPORTED, f"/can-share?data_class=safeguarding&to={to}&version={version}")).text
                    for to in ("coordinator:cora", "hr:hugo", "mentee:ana", "customer:carl")
                }
                assert len(answers) == 1
            for subject in (REPORTED, QUIET):
                answer = client.get(of(subject, "/can-share?data_class=safeguarding&to=hr:hugo")).json()
                assert answer["allowed"] is False

    def test_a_case_is_for_hr_and_coordinator_but_not_for_whom_it_is_about(self, server: Server) -> None:
        for actor in READERS:
            expected = 200 if actor in {"coordinator:cora", "hr:hugo"} else 404
            assert status(server, actor, "/v1/cases/c1") == expected, actor
        for actor in ("coordinator:ben", "hr:ben"):
            assert status(server, actor, "/v1/cases/c1") == 404
        with asking(server, "coordinator:cora", (ELSEWHERE,)) as client:
            hidden, unknown = client.get("/v1/cases/c1"), client.get("/v1/cases/c999")
        assert (hidden.status_code, hidden.content) == (404, unknown.content)


class TestLists:
    def test_pages_follow_one_another_and_end(self, server: Server) -> None:
        with asking(server, "coordinator:cora", (PROGRAMME, ELSEWHERE)) as client:
            found, cursor = [], None
            while True:
                query = {"limit": 1} | ({"cursor": cursor} if cursor else {})
                page = client.get("/v1/relationships", params=query).json()
                found += [item["id"] for item in page["items"]]
                if (cursor := page["next"]) is None:
                    break
            assert found == [REPORTED, QUIET, OTHERS]

    def test_a_cursor_belongs_to_its_question(self, server: Server) -> None:
        with asking(server, "coordinator:cora") as client:
            cursor = client.get("/v1/relationships?limit=1").json()["next"]
            for query in (f"cursor={cursor}&state=active", "cursor=nonsense", "cursor=W10="):
                got = client.get(f"/v1/relationships?{query}")
                assert (got.status_code, got.json()["problems"][0]["field"]) == (400, "cursor")
        with asking(server, "mentee:ana") as client:
            assert client.get(f"/v1/relationships?cursor={cursor}").status_code == 400

    @pytest.mark.parametrize(
        "path, key",
        [
            ("/v1/relationships", []),
            ("/v1/relationships", [7]),
            ("/v1/relationships", ["\0"]),
            ("/v1/health", []),
            ("/v1/tasks", [7]),
            ("/v1/tasks", ["\0"]),
            ("/v1/tasks", ["no task"]),
        ],
    )
    def test_a_cursor_that_somebody_made_is_told(self, server: Server, path: str, key: list[Any]) -> None:
        made = Cut((path, (), "coordinator:cora"), limit=1).page([1, 2], lambda _: key).next
        with asking(server, "coordinator:cora") as client:
            for cursor in (made, "bnVsbA=="):
                got = client.get(path, params={"cursor": cursor})
                assert (got.status_code, got.json()["problems"][0]["field"]) == (400, "cursor")

    def test_a_cursor_stays_right_while_rows_change_and_come(self, server: Server) -> None:
        known = [relationship_id(number) for number in range(201, 206)]
        propose(server, "moving", *known)
        with asking(server, "coordinator:cora", ("moving",)) as client:
            first = client.get("/v1/relationships?limit=2").json()
            assert [item["id"] for item in first["items"]] == known[:2]
            # One before and one after the cursor change, and one comes at either side.
            for subject in (known[0], known[3]):
                send(server, told("ActivateRelationship", "coordinator:cora", "03-18T09:00", {}, subject))
            propose(server, "moving", relationship_id(200), relationship_id(206))
            rest = client.get(f"/v1/relationships?limit=100&cursor={first['next']}").json()
        assert [item["id"] for item in rest["items"]] == [*known[2:], relationship_id(206)]
        assert (rest["items"][1]["state"], rest["next"]) == ("active", None)

    @pytest.mark.parametrize(
        "query, expected",
        [
            ("state=active", [REPORTED, QUIET]),
            ("state=paused", []),
            (f"programme={PROGRAMME.upper()}", [REPORTED, QUIET]),
            (f"programme={ELSEWHERE}", []),
            ("mentor=BEN", [REPORTED, QUIET]),
            ("mentor=zoe", []),
            ("mentee=ana", [REPORTED, QUIET]),
            ("band=critical", [REPORTED]),
            ("band=healthy", [QUIET]),
        ],
    )
    def test_the_filters_choose(self, server: Server, query: str, expected: list[str]) -> None:
        with asking(server, "coordinator:cora") as client:
            assert [item["id"] for item in client.get(f"/v1/relationships?{query}").json()["items"]] == expected

    @pytest.mark.parametrize(
        "path", ["/v1/relationships", "/v1/tasks", "/v1/nps", of(REPORTED), of(REPORTED, "/history")]
    )
    def test_an_unknown_parameter_is_400_and_named(self, server: Server, path: str) -> None:
        with asking(server, "coordinator:cora") as client:
            got = client.get(f"{path}?stat=active")
        assert (got.status_code, got.headers["content-type"]) == (400, "application/problem+json")
        assert got.json()["problems"][0]["field"] == "stat"
        # Who is nobody learns nothing, not even which parameters there are.
        assert httpx.get(f"{server.url}{path}?stat=active").status_code == 401

    @pytest.mark.parametrize(
        "query, field",
        [
            ("state=asleep", "state"),
            ("band=good", "band"),
            ("limit=0", "limit"),
            ("limit=x", "limit"),
            ("after=-1", "after"),
        ],
    )
    def test_a_wrong_value_is_400_and_named(self, server: Server, query: str, field: str) -> None:
        with asking(server, "coordinator:cora") as client:
            got = client.get(f"/v1/relationships?{query}")
        assert (got.status_code, got.json()["problems"][0]["field"]) == (400, field)


class TestOne:
    def test_show_has_the_fields_of_the_command_line(self, server: Server) -> None:
        with asking(server, "coordinator:cora") as client:
            shown = client.get(of(QUIET)).json()
        expected = {"id": QUIET, "kind": "relationship", "state": "active", "version": 19, "mentor_id": "ben"}
        assert {name: shown[name] for name in expected} == expected
        assert (shown["sessions"][0]["status"], shown["goals"][0]["status"]) == ("completed", "open")
        assert {"claims", "contested", "codes", "unmet_gates", "allowed", "concerns", "recommendations", "terms"} <= {
            *shown
        }

    def test_a_line_manager_sees_state_and_the_agreed_reporting_alone(self, server: Server) -> None:
        with asking(server, "line_manager:lina") as client:
            shown = client.get(of(QUIET)).json()
        assert shown["state"] == "active"
        assert [each["outputs"] for each in shown["agreements"]["reporting"]] == [["attendance"]]
        assert not {"sessions", "goals", "health", "tasks", "concerns"} & {*shown}

    def test_an_auditor_sees_no_attendance_without_a_grant(self, server: Server) -> None:
        with asking(server, "auditor:ada") as client:
            session = client.get(of(QUIET)).json()["sessions"][0]
        assert session["status"] == {"sealed": "attendance", "clause": "pentalog.mentor-free"}

    def test_as_of_known_at_and_version_ask_about_another_time(self, server: Server) -> None:
        with asking(server, "coordinator:cora") as client:
            assert client.get(of(QUIET, "?as_of=2026-03-02T12:00:00Z")).json()["state"] == "contracting"
            assert client.get(of(QUIET, "?version=1")).json()["version"] == 1
            assert client.get(of(QUIET, "?version=99")).json()["problems"][0]["field"] == "version"
            assert client.get(of(QUIET, "?as_of=2026-03-01T12:00:00Z")).status_code == 404
            assert client.get(of(QUIET, "?known_at=2020-01-01T12:00:00Z")).status_code == 404
            assert client.get(of(QUIET, "?as_of=2026-03-02T12:00")).json()["problems"][0]["field"] == "as_of"
            assert len(client.get(of(QUIET, "/history?as_of=2026-03-02T12:00:00Z")).json()["items"]) == 7
            assert client.get(of(QUIET, "/decisions?as_of=2026-03-02T12:00:00Z&version=1")).json()["items"] == []
            for path in ("/decisions?", "/history?", "/can-share?data_class=goals&"):
                assert client.get(of(QUIET, f"{path}version=99")).json()["problems"][0]["field"] == "version", path

    def test_health_is_told_as_it_was_after_an_event(self, server: Server) -> None:
        with asking(server, "coordinator:cora") as client:
            first = client.get(of(QUIET, "/health?version=1")).json()
            assert (first["status"], first["score"], first["as_of"]) == ("contracting", None, "2026-03-02T09:00:00Z")
            active = client.get(of(QUIET, "/health?version=8")).json()
            assert (active["status"], active["as_of"]) == ("active", "2026-03-03T09:00:00Z")
            assert active["score"] is not None
            assert client.get(of(QUIET, "/health?version=99")).json()["problems"][0]["field"] == "version"

    def test_times_are_those_of_the_command_line(self, server: Server) -> None:
        with asking(server, "coordinator:cora") as client:
            for right in (
                "2026-03-02T12:00:00Z",
                "2026-03-02t12:00:00.5z",
                "2026-03-02T12:00:00%2B01:00",
                "2026-03-02T12:00Z",
                "2026-03-02",
            ):
                assert client.get(of(QUIET, f"?as_of={right}")).status_code == 200, right
            for wrong in (
                "2026-03-02T12:00:00",
                "2026-03-02T12:00:00+01:00",
                "2026-W10",
                "2026-03-02T12:00:00,5Z",
                "2026-03-02T12:00:00%2B0100",
                "0",
            ):
                assert client.get(of(QUIET, f"?as_of={wrong}")).status_code == 400, wrong

    def test_an_answer_is_304_to_who_has_it(self, server: Server) -> None:
        with asking(server, "coordinator:cora") as client:
            first = client.get(of(QUIET))
            again = client.get(of(QUIET), headers={"If-None-Match": first.headers["ETag"]})
            assert (again.status_code, again.content) == (304, b"")
            for given in ("*", f'"another", W/{first.headers["ETag"]}'):
                assert client.get(of(QUIET), headers={"If-None-Match": given}).status_code == 304
            other = client.get(of(REPORTED), headers={"If-None-Match": first.headers["ETag"]})
            assert other.status_code == 200

    @pytest.mark.parametrize("accept", ["application/x-ndjson", "text/csv", "application/vnd.apache.parquet"])
    def test_a_dataset_is_304_to_who_has_it_in_this_form(self, server: Server, accept: str) -> None:
        with asking(server, "coordinator:cora") as client:
            first = client.get("/v1/datasets/relationships", headers={"Accept": accept})
            kept = {"If-None-Match": first.headers["ETag"]}
            again = client.get("/v1/datasets/relationships", headers={"Accept": accept, **kept})
            assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
            for other, form in (("sessions", accept), ("relationships", "text/csv;q=0, application/jsonl, text/csv")):
                got = client.get(f"/v1/datasets/{other}", headers={"Accept": form, **kept})
                assert (other, got.status_code) == (
                    other,
                    304 if (other, accept[-6:]) == ("relationships", "ndjson") else 200,
                )
        with asking(server, "analyst:alf") as client:
            assert client.get("/v1/datasets/relationships", headers={"Accept": accept, **kept}).status_code == 200

    def test_after_waits_for_a_position_and_is_503_where_it_does_not_come(self, server: Server) -> None:
        with asking(server, "coordinator:cora") as client:
            assert client.get(of(QUIET, "?after=1")).status_code == 200
            got = client.get(of(QUIET, "?after=999999999"))
        assert (got.status_code, got.headers["content-type"]) == (503, "application/problem+json")

    def test_mentors_are_for_themselves_and_who_looks_after_them(self, server: Server) -> None:
        expected = {"mentee": 403, "customer": 403, "line_manager": 403, "analyst": 403}
        for actor in READERS:
            assert status(server, actor, "/v1/mentors/ben") == expected.get(actor.partition(":")[0], 200), actor
        for stranger in ("mentor:zoe", "mentee:zoe"):
            with asking(server, stranger) as client:
                hidden, unknown = client.get("/v1/mentors/ben"), client.get("/v1/mentors/nobody")
            assert (hidden.status_code, hidden.content) == (404, unknown.content)
        with asking(server, "coordinator:cora") as client:
            shown = client.get("/v1/mentors/BEN").json()
        assert (shown["standing"], shown["load"]) == ("good", 2)
        assert {each["relationship_id"] for each in shown["relationships"]} == {REPORTED, QUIET}

    def test_a_report_is_for_its_recipient_and_the_mentee(self, server: Server) -> None:
        with asking(server, "line_manager:lina") as client:
            own = client.get(of(QUIET, "/report")).json()
            assert ([*own["outputs"]], own["outputs"]["attendance"]["completed"]) == (["attendance"], 1)
            assert client.get(of(QUIET, "/report?to=customer")).status_code == 403
            # What was agreed since counts for what happened before it as well.
            before = client.get(of(QUIET, "/report?as_of=2026-03-04T00:00:00Z")).json()
            assert (before["outputs"]["attendance"]["completed"], before["as_of"]) == (0, "2026-03-04T00:00:00Z")
            assert client.get(of(QUIET, "/report?known_at=2026-01-01T00:00:00Z")).status_code == 403
            assert client.get(of(QUIET, "/report?from=2026-03-11&to_day=2026-03-01")).status_code == 400
        with asking(server, "mentee:ana") as client:
            assert client.get(of(QUIET, "/report?to=line_manager")).json()["outputs"] == own["outputs"]
            assert client.get(of(QUIET, "/report")).json()["problems"][0]["field"] == "to"
        for actor in READERS:
            if actor not in {"line_manager:lina", "mentee:ana"}:
                # With customer and coordinator no reporting was agreed.
                assert status(server, actor, of(REPORTED, "/report")) == 403, actor

    def test_a_person_has_all_that_is_held_about_them_and_a_service_is_no_person(self, server: Server) -> None:
        with asking(server, "mentor:ben") as client:
            got = client.get("/v1/me/data")
            assert {each["subject"] for each in got.json()["held"]} >= {REPORTED, QUIET, OTHERS}
            assert f"{CANARY} description" not in got.text
        with asking(server, "mentee:nobody") as client:
            assert client.get("/v1/me/data").status_code == 404
        with asking(server, "service:ana") as client:
            assert client.get("/v1/me/data").status_code == 403

    def test_me_names_the_caller_and_their_relationships(self, server: Server) -> None:
        with server.client("mentee:ana") as client:
            me = client.get("/v1/me").json()
        assert (me["id"], me["roles"], me["programmes"]) == ("ana", ["mentee"], "*")
        assert {each["relationship_id"] for each in me["relationships"]} == {REPORTED, QUIET, OTHERS}

    def test_me_in_a_role_has_the_relationships_of_that_role(self, server: Server) -> None:
        with server.client("mentee:ana") as client:
            same = client.get("/v1/me", headers={"Rapport-Role": "mentee"})
            other = client.get("/v1/me", headers={"Rapport-Role": "mentor"})
            assert same.json() == client.get("/v1/me").json()
        assert (other.status_code, other.json()["problems"][0]["field"]) == (403, "Rapport-Role")


class TestDatasets:
    def test_the_form_is_what_the_caller_accepts(self, server: Server, tmp_path: Path) -> None:
        import pyarrow.parquet as pq

        with asking(server, "coordinator:cora") as client:
            lines = client.get("/v1/datasets/sessions")
            assert lines.headers["content-type"] == "application/x-ndjson"
            assert [json.loads(line)["session_id"] for line in lines.text.splitlines()] == ["s1", "s1"]
            csv = client.get("/v1/datasets/sessions", headers={"Accept": "text/csv;q=0.9, text/html"})
            assert csv.headers["content-type"].startswith("text/csv")
            assert csv.text.splitlines()[0].startswith("relationship_id,programme_id,session_id")
            parquet = client.get("/v1/datasets/sessions", headers={"Accept": "application/vnd.apache.parquet"})
            (tmp_path / "sessions.parquet").write_bytes(parquet.content)
            assert pq.read_table(tmp_path / "sessions.parquet").num_rows == 2
            assert client.get("/v1/datasets/sessions", headers={"Accept": "text/html"}).status_code == 406
            assert client.get("/v1/datasets/session").status_code == 404

    def test_rows_are_those_of_the_callers_programmes(self, server: Server) -> None:
        with asking(server, "analyst:alf", (ELSEWHERE,)) as client:
            for path in OF_ALL:
                if path.startswith("/v1/datasets/"):
                    assert f'"{PROGRAMME}"' not in client.get(path).text, path

    def test_parties_read_no_datasets_and_only_the_office_that_of_cases(self, server: Server) -> None:
        for actor in READERS:
            role = actor.partition(":")[0]
            reads = role in {"analyst", "auditor", "coordinator", "supplier", "service"}
            assert status(server, actor, "/v1/datasets/sessions") == (200 if reads else 403), actor
            assert status(server, actor, "/v1/datasets/cases") == (
                200 if role in {"coordinator", "hr", "analyst", "auditor"} else 403
            ), actor


def _alike(shown: Any) -> Any:
    """What is left of an answer when the ids of the two relationships and their places in the log are taken out."""
    text = json.dumps(shown).replace(REPORTED, "one").replace(QUIET, "one")
    return json.loads(text)


def _without_commands(text: str) -> str:
    """An answer without the lists of commands that the rules know, which are the same for all."""
    try:
        shown = json.loads(text)
    except ValueError:
        return text
    if isinstance(shown, dict):
        for name in ("allowed", "possible", "terms"):
            shown.pop(name, None)
    return json.dumps(shown)
