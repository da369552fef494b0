"""What a reader would see of a history: no words, the clause of everything sealed, and no trace of what happened in confidence."""

from datetime import UTC, datetime
from typing import Any, cast

import orjson
import pytest

from domain.sharing.cells import ReaderRole
from domain.sharing.question import Reader
from infra.bootstrap import open_rapport
from infra.queries.as_at import Moment
from infra.queries.history import history
from infra.queries.preview import history_as
from infra.queries.sealed import fields_of
from infra.settings import Settings
from tests import command
from tests.infra.queries.test_sharing import BREACH, COMPLETED, DISCLOSURE, NOBODYS, NOTE, RELATIONSHIP, STORY, tell

NOW = datetime(2026, 3, 11, 20, tzinfo=UTC)
GOAL, SESSION = 2, 7
WORDS = ("Lead", "She wants to leave", "He laughed", "Harm", "Crisis", "Her own words", "of the ministry")
CORRECTION: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    (RELATIONSHIP, "CorrectFact", "11T12", "mentor:ben", {"version": SESSION, "reason": "Her own words", "data": COMPLETED | {"agenda": [{"topic": "Crisis", "set_by": "mentee", "minutes": 50, "urgent_concern": True}]}}),
    (RELATIONSHIP, "DeclareConflictOfInterest", "11T13", "mentor:ben", {"nature": "stakeholder", "stakeholder": "of the ministry"}),
)  # fmt: skip
CORRECTED = 12


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('preview') / 'rapport.sqlite'}"
    tell(url, (*STORY, *CORRECTION))
    return url


def seen(url: str, as_: str, of: str = RELATIONSHIP) -> dict[int, dict[str, Any]]:
    role, _, id_ = as_.partition(":")
    with open_rapport(Settings(store=url)) as rapport:
        entries = history_as(rapport.store, rapport.engine, of, Reader(cast("ReaderRole", role), id_), Moment(), NOW)
    return {entry["version"]: entry for entry in entries}


@pytest.mark.parametrize(
    "reader",
    ["mentee:ana", "mentor:ben", "customer:cus", "line_manager:lin", "supplier:sup", "coordinator:cora", "hr:hans", "auditor:ada", "analyst:al", "service:booking"],
)  # fmt: skip
def test_a_preview_never_shows_words(store: str, reader: str) -> None:
    found = orjson.dumps(seen(store, reader), default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    assert len(seen(store, reader)) == 13
    assert [word for word in WORDS if word in found] == []


@pytest.mark.clause("pentalog.mentor-with-consent", "pentalog.sensitive", "pentalog.session-content")
def test_what_is_sealed_says_whether_the_reader_may_and_by_which_clause(store: str) -> None:
    title = {"sealed": "goals", "clause": "pentalog.mentor-with-consent"}
    note = {"sealed": "session_content", "clause": "pentalog.sensitive"}
    for reader, goals, notes in (
        ("coordinator:cora", True, False),
        ("mentor:ben", True, True),
        ("customer:cus", False, False),
    ):
        entries = seen(store, reader)
        assert entries[GOAL]["data"]["title"] == title | {"allowed": goals}
        assert entries[GOAL]["data"]["type"] == "career"
        assert entries[NOTE]["data"]["text"] == note | {"allowed": notes}
        (item,) = entries[CORRECTED]["data"]["data"]["agenda"]
        assert item["topic"] == {
            "sealed": "session_content",
            "clause": "pentalog.session-content",
            "allowed": reader == "mentor:ben",
        }
        assert item["minutes"] == 50


@pytest.mark.clause("cmn.breaches", "nottingham.confidentiality")
def test_of_what_happened_in_confidence_there_is_neither_type_nor_name(store: str) -> None:
    for reader, hidden in (
        ("mentor:ben", {BREACH}),
        ("mentee:ana", {DISCLOSURE}),
        ("coordinator:cora", set[int]()),
        ("supplier:sup", {BREACH, DISCLOSURE}),
        ("auditor:ada", {BREACH, DISCLOSURE}),
    ):
        entries = seen(store, reader)
        assert {version for version, entry in entries.items() if entry["type"] is None} == hidden
        for version in hidden:
            assert set(entries[version]) == {
                "version", "occurred_at", "recorded_at", "hash", "previous_hash",
                "type", "actor", "data", "findings", "contested", "corrected_by", "withheld",
            }  # fmt: skip
            assert (entries[version]["actor"], entries[version]["data"]) == (None, {})


def test_a_line_manager_sees_state_and_dates_and_an_auditor_roles_without_ids(store: str) -> None:
    types = {entry["type"] for entry in seen(store, "line_manager:lin").values()}
    assert types == {None, "rapport.RelationshipProposed", "rapport.RelationshipActivated"}
    audited = seen(store, "auditor:ada")
    assert audited[1]["actor"] == "coordinator"
    assert audited[1]["data"]["mentee_id"] == {"sealed": "identity", "clause": None, "allowed": False}
    assert seen(store, "mentor:ben")[1]["data"]["mentee_id"] == "Ana"


def test_whoever_stands_outside_sees_nothing_as_of_an_unknown_id(store: str) -> None:
    assert (
        seen(store, "mentee:bob") == seen(store, "mentee:ana", NOBODYS) == seen(store, "mentor:ben", "mentor:ben") == {}
    )
    said = []
    for arguments in (("history", RELATIONSHIP, "--as", "mentee:bob"), ("history", NOBODYS, "--as", "mentee:bob")):
        done = command.rapport(*arguments, env={"RAPPORT_STORE": store, "RAPPORT_CLOCK": "2026-03-11T20:00:00Z"})
        said.append((done.returncode, done.stdout, done.stderr.replace(arguments[1].encode(), b"ID")))
    assert said[0] == said[1]
    assert said[0][0] == 2


def test_the_command_prints_the_preview(store: str) -> None:
    environment = {"RAPPORT_STORE": store, "RAPPORT_CLOCK": "2026-03-11T20:00:00Z"}
    printed = command.rapport("history", RELATIONSHIP, "--as", "supplier:sup", env=environment)
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.count(b"(withheld)") == 2
    assert b"GoalAgreed  mentee:Ana" in printed.stdout
    wrong = command.rapport("history", RELATIONSHIP, "--as", "king:bob", env=environment)
    assert (wrong.returncode, wrong.stdout) == (2, b"")


def test_a_history_shows_content_as_sealed_with_the_clause_that_speaks_about_it(store: str) -> None:
    with open_rapport(Settings(store=store)) as rapport:
        shown, told = (history(rapport.store, RELATIONSHIP, data_of=data_of) for data_of in (None, fields_of))
        elsewhere = history(rapport.store, "programme:spring")
    found = orjson.dumps(shown, default=str).decode()
    assert [word for word in WORDS if word in found] == []
    assert shown[GOAL - 1]["data"] == {
        "goal_id": "g1",
        "title": {"sealed": "goals", "clause": "pentalog.mentor-with-consent"},
        "type": "career",
        "source": "mentee",
        "agreed_by": ["mentee", "mentor"],
    }
    assert shown[NOTE - 1]["data"]["text"] == {"sealed": "session_content", "clause": "pentalog.sensitive"}
    (item,) = shown[CORRECTED - 1]["data"]["data"]["agenda"]
    assert item["topic"] == {"sealed": "session_content", "clause": "pentalog.session-content"}
    assert shown[CORRECTED - 1]["data"]["reason"]["sealed"] == "process"
    assert shown[CORRECTED]["data"]["stakeholder"] == {"sealed": "identity", "clause": None}
    assert told[GOAL - 1]["data"]["title"] == "Lead"
    assert elsewhere[0]["data"]["name"] == "Spring"
    assert [entry["hash"] for entry in shown] == [entry["hash"] for entry in told]


def test_a_preview_is_of_any_moment(store: str) -> None:
    with open_rapport(Settings(store=store)) as rapport:
        earlier = Moment(datetime(2026, 3, 11, 8, tzinfo=UTC))
        cora = Reader("coordinator", "cora")
        entries = history_as(rapport.store, rapport.engine, RELATIONSHIP, cora, earlier, NOW)
    assert [entry["version"] for entry in entries] == list(range(1, NOTE + 1))
    assert entries[GOAL - 1]["data"]["title"]["allowed"] is False  # the consent came an hour later
