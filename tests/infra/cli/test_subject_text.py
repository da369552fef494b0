"""What `rapport show` and `rapport history` tell a coordinator, in words and as JSON."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from infra.bootstrap import Rapport, open_rapport
from infra.settings import Settings
from tests import command

RELATIONSHIP = "aa000000-0000-4000-8000-000000000001"
PLAN = {"sessions": 4, "minutes": 60, "every_days": 14, "starts_on": "2026-03-09", "ends_on": "2026-05-10"}
SESSION = {"session_id": "s1", "starts_at": "2026-03-10T17:00:00Z", "channel": "virtual_meeting"}
STORY: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("ProposeRelationship", "01T09", "coordinator:cora", {"programme_id": "spring", "mentee_id": "ana", "mentor_id": "ben", "line_manager_id": "lin", "codes": ["pentalog"]}),
    ("AgreeGoal", "02T09", "mentee:ana", {"goal_id": "g1", "title": "Leave my husband", "type": "career", "source": "mentee", "agreed_by": ["mentee", "mentor"]}),
    ("StateTrustReadiness", "02T10", "mentee:ana", {"ready": True}),
    ("StateTrustReadiness", "02T11", "mentor:ben", {"ready": True}),
    ("AgreePlan", "03T09", "mentor:ben", PLAN | {"channel": "virtual_meeting"}),
    ("AgreeReporting", "03T10", "line_manager:lin", {"with_whom": "line_manager", "outputs": ["attendance"], "every_days": 30}),
    ("GrantConsent", "03T11", "mentee:ana", {"data_class": "goals", "audience": "customer", "until": "2026-03-20"}),
    ("AcceptTerms", "03T12", "mentor:ben", {"document": "code_of_conduct", "version": "2026"}),
    ("ActivateRelationship", "04T09", "coordinator:cora", {}),
    ("ScheduleSession", "04T10", "mentee:ana", SESSION),
    ("CompleteSession", "10T18", "mentor:ben", {"session_id": "s1", "started_at": "2026-03-10T17:00:00Z", "ended_at": "2026-03-10T17:50:00Z", "present": ["mentee", "mentor"], "joined": {}, "agenda": []}),
    ("ScheduleSession", "10T19", "mentee:ana", SESSION | {"session_id": "s2", "starts_at": "2026-03-24T17:00:00Z"}),
    ("ContestFact", "11T09", "mentee:ana", {"version": 11, "reason": "It was half an hour"}),
    ("ConfirmAgreement", "12T09", "mentee:ana", {"version": 5}),
)  # fmt: skip


def messages() -> list[bytes]:
    return [
        orjson.dumps(
            {
                "specversion": "1.0",
                "id": f"m{number}",
                "source": "/tests",
                "type": f"rapport.{kind}",
                "subject": RELATIONSHIP,
                "time": f"2026-03-{time}:00:00Z",
                "actor": actor,
                "data": data,
            }
        )
        for number, (kind, time, actor, data) in enumerate(STORY)
    ]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('show') / 'rapport.sqlite'}"
    with open_rapport(Settings(store=url)) as rapport:
        told(rapport)
    return url


def told(rapport: Rapport) -> None:
    receipts = rapport.handler.handle(messages())
    assert [(each.id, each.problems) for each in receipts if each.status != "accepted"] == []


def run(store: str, *arguments: str) -> str:
    done = command.rapport(*arguments, env={"RAPPORT_STORE": store, "RAPPORT_CLOCK": "2026-03-13T09:00:00Z"})
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    return done.stdout.decode()


def shown(store: str, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(run(store, "show", RELATIONSHIP, "--json", *arguments))
    return found


def test_show_gives_the_agreements_in_force_and_how_each_stands(store: str) -> None:
    agreed = shown(store)["agreements"]
    assert agreed["plan"] | PLAN | {"by": "mentor", "status": "agreed", "version": 5} == agreed["plan"]
    (reporting,) = agreed["reporting"]
    assert (reporting["with_whom"], reporting["outputs"], reporting["status"]) == (
        "line_manager",
        ["attendance"],
        "claimed",
    )
    (accepted,) = agreed["accepted_terms"]
    assert (accepted["by"], accepted["document"]) == ("mentor", "code_of_conduct")
    (consent,) = agreed["consents"]
    assert (consent["by"], consent["data_class"], consent["audience"], consent["until"]) == (
        "mentee",
        "goals",
        "customer",
        "2026-03-20",
    )
    assert agreed["declined_terms"] == []


def test_a_plan_that_one_side_told_is_claimed_until_the_other_confirms_it(store: str) -> None:
    before = shown(store, "--as-of", "2026-03-11T00:00:00Z")
    assert before["agreements"]["plan"]["status"] == "claimed"
    assert {"version": 5, "by": "mentor", "waits_for": "mentee", "matter": "plan"} in before["claims"]
    assert 5 not in {claim["version"] for claim in shown(store)["claims"]}


def test_a_consent_is_left_out_after_its_last_day(store: str) -> None:
    assert shown(store, "--as-of", "2026-03-20T20:00:00Z")["agreements"]["consents"] != []
    assert shown(store, "--as-of", "2026-03-21T00:00:00Z")["agreements"]["consents"] == []


def test_show_says_how_far_the_plan_has_come_and_what_comes_next(store: str) -> None:
    found = shown(store)
    assert (found["completed_sessions"], found["planned_sessions"]) == (1, 4)
    assert found["next_session"]["session_id"] == "s2"
    assert found["contested"] == [11]
    assert found["health"]["band"] == "healthy"
    late = shown(store, "--as-of", "2026-03-24T18:00:00Z")
    assert (late["next_session"], late["awaiting_outcome"]) == (None, ["s2"])


def test_what_is_possible_by_role_is_what_the_state_allows_and_the_role_may_send(store: str) -> None:
    found = shown(store)
    assert set(found["possible"]) == {"mentee", "mentor", "line_manager", "supplier", "coordinator", "hr"}
    assert all(set(commands) <= set(found["allowed"]) for commands in found["possible"].values())
    assert "MarkTopicPrivate" in found["possible"]["mentee"]
    assert "MarkTopicPrivate" not in found["possible"]["mentor"]
    assert "ActivateRelationship" not in found["possible"]["coordinator"]
    assert "AgreeReporting" in found["possible"]["line_manager"]


def test_the_text_of_show_has_every_section_and_nobodys_words_within_80_columns(store: str) -> None:
    text = run(store, "show", RELATIONSHIP)
    for line in (
        "who ",
        "how it stands",
        "1 of 4 sessions completed",
        "next session",
        "what is agreed",
        "not settled",
        "what is possible now",
    ):
        assert line in text
    assert "event 11: correct it, or answer the contest" in text
    assert "\n  HR: " in text
    assert "husband" not in text
    assert "half an hour" not in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    "reader",
    [
        "mentee:ana",
        "mentor:ben",
        "line_manager:lin",
        "coordinator:cora",
        "hr:eva",
        "service:booking",
        "analyst:al",
        "auditor:ada",
        "public",
        "mentee:zoe",
    ],
)
def test_whoever_the_reader_is_with_a_reason_or_without_there_is_text_or_a_plain_refusal(
    store: str, reader: str
) -> None:
    env = {"RAPPORT_STORE": store, "RAPPORT_CLOCK": "2026-03-13T09:00:00Z"}
    for asked in ("show", "history"):
        for reason in ((), ("--reveal", "a complaint")):
            done = command.rapport_text(asked, RELATIONSHIP, "--as", reader, *reason, env=env)
            assert (done.returncode in (0, 2), "Traceback" in done.stderr) == (True, False), (
                asked,
                reason,
                done.stderr,
            )
            assert done.stdout or done.stderr.startswith("error: ")


def test_the_text_of_history_marks_what_is_contested_within_80_columns(store: str) -> None:
    text = run(store, "history", RELATIONSHIP)
    lines = text.splitlines()
    completed = next(place for place, line in enumerate(lines) if "SessionCompleted" in line)
    assert lines[completed + 1].strip() == "! contested"
    assert text.count("! contested") == 1
    assert max(map(len, lines)) <= 80


def test_show_of_a_mentor_tells_load_and_relationships(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'rapport.sqlite'}"
    with open_rapport(Settings(store=url)) as rapport:
        told(rapport)
        register = orjson.loads(messages()[0]) | {
            "id": "mentor",
            "type": "rapport.RegisterMentor",
            "subject": "mentor:ben",
            "data": {"capacity": 2},
        }
        (receipt,) = rapport.handler.handle([orjson.dumps(register)])
        assert receipt.status == "accepted"
    found = orjson.loads(run(url, "show", "mentor:ben", "--json"))
    assert (found["load"], found["capacity"], found["standing"], found["standings"]) == (1, 2, "good", {})
    (one,) = found["relationships"]
    assert (one["relationship_id"], one["state"], one["completed_sessions"], one["planned_sessions"]) == (
        RELATIONSHIP,
        "active",
        1,
        4,
    )
    assert "room for 2" in run(url, "show", "mentor:ben")


def test_a_mentor_whom_nobody_registered_has_the_defaults_load_and_relationships(store: str) -> None:
    """A mentor or programme that nobody registered has the defaults."""
    mentor = orjson.loads(run(store, "show", "mentor:BEN", "--json"))
    assert (mentor["id"], mentor["registered"], mentor["standing"], mentor["version"]) == (
        "mentor:ben",
        False,
        "good",
        0,
    )
    assert (mentor["trainings"], mentor["capacity"], mentor["load"]) == ([], None, 1)
    [one] = mentor["relationships"]
    assert (one["relationship_id"], one["state"], one["mentee_id"]) == (RELATIONSHIP, "active", "ana")
    assert (one["completed_sessions"], one["planned_sessions"]) == (1, 4)
    assert "RegisterMentor" in mentor["possible"]["coordinator"]
    assert "nobody has sent RegisterMentor" in run(store, "show", "mentor:ben")


def test_a_programme_that_nobody_created_has_the_defaults(store: str) -> None:
    """A mentor or programme that nobody registered has the defaults."""
    programme = orjson.loads(run(store, "show", "programme:Spring", "--json"))
    assert (programme["id"], programme["created"], programme["state"]) == ("programme:spring", False, "unknown")
    assert (programme["timezone"], programme["codes"], programme["version"]) == ("UTC", [], 0)
    assert programme["terms"]["late_notice_hours"] == {"value": 24, "document": None, "overruled": []}
    assert "nobody has sent CreateProgramme" in run(store, "show", "programme:spring")


def test_the_relationships_of_a_mentor_are_those_of_the_time_asked_about(store: str) -> None:
    then = orjson.loads(run(store, "show", "mentor:ben", "--json", "--as-of", "2026-03-04T08:00:00Z"))
    assert [one["state"] for one in then["relationships"]] == ["contracting"]
    assert then["relationships"][0]["completed_sessions"] == 0


@pytest.mark.parametrize(
    "asked",
    [
        ("mentor:ana",),
        ("mentor:zoe",),
        ("programme:autumn",),
        ("case:ben",),
        ("mentor:ben", "--as-of", "2026-02-01T00:00:00Z"),
        ("programme:spring", "--as-of", "2026-02-01T00:00:00Z"),
        ("mentor:ben", "--version", "1"),
    ],
    ids=" ".join,
)
def test_what_nothing_names_stays_unknown(store: str, asked: tuple[str, ...]) -> None:
    done = command.rapport("show", *asked, env={"RAPPORT_STORE": store})
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(f"error: nothing is recorded of '{asked[0]}' in this store; RAPPORT_STORE".encode())


def test_allowed_has_no_command_that_workers_alone_send(store: str) -> None:
    """`allowed` and what is possible now by role."""
    found = shown(store)
    assert not {"EscalateConcern", "EscalateRecommendation"} & set(found["allowed"])
    assert {"RaiseConcern", "RequestNps", "CompleteSession"} <= set(found["allowed"])
    assert "service" not in found["possible"]


@pytest.mark.parametrize(
    "events, possible, over",
    [
        ((("RegisterMentor", {"name": "Ben"}),), {"SuspendMentor", "RemoveMentor"}, {"RegisterMentor", "ReinstateMentor"}),
        ((("SuspendMentor", {"reason": "x"}),), {"ReinstateMentor", "RegisterMentor"}, set()),
        ((("RemoveMentor", {"reason": "x"}),), {"RecordTraining"}, {"SuspendMentor", "RemoveMentor", "ReinstateMentor"}),
    ],
)  # fmt: skip
def test_what_is_possible_with_a_mentor_follows_the_standing(
    tmp_path: Path, events: Any, possible: set[str], over: set[str]
) -> None:
    found = asked_of(tmp_path, "mentor:ben", "coordinator:cora", *events)
    assert possible <= set(found["allowed"])
    assert not over & set(found["allowed"])
    assert set(found["possible"]) == {"mentor", "supplier", "coordinator", "hr"}


def test_what_is_possible_with_a_case_follows_its_state(tmp_path: Path) -> None:
    opened = ("OpenCase", {"mentor_id": "ben", "kind": "code", "description": "x"})
    found = asked_of(tmp_path, "case:c1", "hr:hanna", opened)
    assert found["allowed"] == ["CloseCase", "DecideCase", "EscalateCase"]
    closed = asked_of(tmp_path, "case:c2", "hr:hanna", opened, ("CloseCase", {"reason": "A mistake"}))
    assert (closed["allowed"], closed["possible"]) == ([], {})


def asked_of(folder: Path, subject: str, actor: str, *commands: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    url = f"sqlite:///{folder / 'rapport.sqlite'}"
    envelope = {"specversion": "1.0", "source": "/tests", "subject": subject, "time": "2026-03-01T09:00:00Z", "actor": actor}  # fmt: skip
    with open_rapport(Settings(store=url)) as rapport:
        for number, (kind, data) in enumerate(commands):
            message = envelope | {"id": f"{subject}-{number}", "type": f"rapport.{kind}", "data": data}
            [receipt] = rapport.handler.handle([orjson.dumps(message)])
            assert receipt.status == "accepted", receipt
    found: dict[str, Any] = orjson.loads(run(url, "show", subject, "--json"))
    run(url, "show", subject)
    return found


# --- tasks -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "asked, says",
    [
        (("--kind", "nonsense"), "no kind of task 'nonsense'; there are attention,"),
        (("--kind", "plan-end"), "did you mean plan_end?"),
        (("--kind", ""), "no kind of task ''"),
        (("--owner", "nonsense"), "no role 'nonsense'; there are mentee, mentor,"),
        (("--owner", "Coordinator"), "did you mean coordinator?"),
    ],
    ids=str,
)
def test_a_kind_or_an_owner_that_there_is_not_is_a_wrong_call(store: str, asked: tuple[str, ...], says: str) -> None:
    done = command.rapport("tasks", *asked, "--json", env={"RAPPORT_STORE": store})
    assert (done.returncode, done.stdout) == (2, b"")
    assert says in done.stderr.decode()


def test_tasks_of_a_programme_that_nothing_names_are_none_and_the_hint_says_so(store: str) -> None:
    known = command.rapport("tasks", "--programme", "SPRING", "--json", env={"RAPPORT_STORE": store})
    assert (known.returncode, known.stdout, known.stderr) == (0, b"[]\n", b"")
    done = command.rapport("tasks", "--programme", "autumn", "--json", env={"RAPPORT_STORE": store})
    assert (done.returncode, done.stdout) == (0, b"[]\n")
    assert "nothing names a programme 'autumn'" in done.stderr.decode()


@pytest.mark.parametrize("asked", [("tasks",), ("health",), ("nps",), ("what-if", "--set", "late_notice_hours=48")])
def test_a_programme_that_nothing_names_is_told_with_those_that_there_are(store: str, asked: tuple[str, ...]) -> None:
    """Unknown keys, groups and columns say which exist."""
    known = command.rapport(*asked, "--programme", "spring", env={"RAPPORT_STORE": store})
    assert b"nothing names" not in known.stderr
    done = command.rapport(*asked, "--programme", "autumn", env={"RAPPORT_STORE": store})
    assert done.returncode == 0
    assert "nothing names a programme 'autumn'" in done.stderr.decode()
    assert "; there are spring" in done.stderr.decode()


def test_a_mentor_whom_nothing_names_is_told_with_where_they_are_listed(store: str) -> None:
    done = command.rapport("health", "--mentor", "nobody", env={"RAPPORT_STORE": store})
    assert (done.returncode, b"nothing names a mentor 'nobody'" in done.stderr) == (0, True)


def test_keys_put_aside_are_asked_for_like_a_kind_of_task(store: str) -> None:
    assert orjson.loads(run(store, "tasks", "--kind", "parked_key", "--json")) == []


# --- history at other times --------------------------------------------------------------------------------------------
def test_history_takes_both_clocks_as_other_questions_do(tmp_path: Path) -> None:
    """`rapport history ID [--as-of T] [--known-at T]`: by the time at which things happened, or at which they were recorded."""
    url = f"sqlite:///{tmp_path / 'rapport.sqlite'}"
    correction = orjson.loads(messages()[-1]) | {
        "id": "right",
        "type": "rapport.CorrectFact",
        "time": "2026-03-13T08:00:00Z",
        "actor": "coordinator:cora",
        "data": {"version": 11, "reason": "It was less", "data": STORY[10][3] | {"ended_at": "2026-03-10T17:30:00Z"}},
    }
    with open_rapport(Settings(store=url, clock=datetime(2026, 3, 12, 12, tzinfo=UTC))) as rapport:
        told(rapport)
    with open_rapport(Settings(store=url, clock=datetime(2026, 3, 13, 9, tzinfo=UTC))) as rapport:
        [receipt] = rapport.handler.handle([orjson.dumps(correction)])
        assert receipt.status == "accepted", receipt

    def history(*moment: str) -> list[tuple[int, bool, int | None]]:
        entries = orjson.loads(run(url, "history", RELATIONSHIP, "--json", *moment))
        return [(each["version"], each["contested"], each["corrected_by"]) for each in entries if each["version"] > 10]

    assert history() == [(11, False, 15), (12, False, None), (13, False, None), (14, False, None), (15, False, None)]
    assert history("--as-of", "2026-03-11T10:00:00Z") == [(11, True, 15), (12, False, None), (13, False, None)]
    assert history("--known-at", "2026-03-12T13:00:00Z") == [
        (11, True, None),
        *((v, False, None) for v in (12, 13, 14)),
    ]
    before = command.rapport("history", RELATIONSHIP, "--as-of", "2026-02-01T00:00:00Z", env={"RAPPORT_STORE": url})
    assert (before.returncode, b"by then" in before.stderr) == (2, True)


def test_decisions_about_what_nothing_names_are_a_wrong_call(store: str) -> None:
    assert run(store, "decisions", "mentee:ana", "--json") == "[]\n"
    done = command.rapport("decisions", "nobody", env={"RAPPORT_STORE": store})
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: nothing is recorded of 'nobody' in this store; RAPPORT_STORE names another")


@pytest.mark.parametrize("asked", ["reads", "attempts"])
def test_an_id_that_nothing_names_is_told_from_one_without_an_answer(store: str, asked: str) -> None:
    unknown = b"nothing is recorded of 'relationship' in this store"
    done = command.rapport(asked, "relationship", "--json", env={"RAPPORT_STORE": store})
    assert (done.returncode, done.stdout, unknown in done.stderr) == (0, b"[]\n", True)
    assert unknown not in command.rapport(asked, RELATIONSHIP, "--json", env={"RAPPORT_STORE": store}).stderr
