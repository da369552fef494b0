"""Words are read through one function: it asks the matrix, puts the reading on record, and only then shows them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from domain.sharing.cells import ReaderRole
from domain.sharing.question import Reader
from infra.bootstrap import Rapport, open_rapport
from infra.queries.reading import Reading, read_content
from infra.settings import Settings
from infra.store.errors import StoreError
from infra.store.reads import reads_of
from tests import command
from tests.command import own_environment
from tests.infra.queries.test_preview import CORRECTED, CORRECTION, GOAL, WORDS
from tests.infra.queries.test_sharing import BREACH, DISCLOSURE, NOTE, RELATIONSHIP, STORY, tell

NOW = datetime(2026, 3, 11, 20, tzinfo=UTC)
ENVIRONMENT = {"RAPPORT_CLOCK": "2026-03-11T20:00:00Z"}
PERSON: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    ("person:Ana", "RegisterPerson", "01T10", "mentee:Ana", {"display_name": "Ana Pop", "email": "ana@example.org"}),
)
MENTOR: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    ("mentor:ben", "RegisterMentor", "01T10", "coordinator:cora", {"name": "Ben Brown"}),
    ("mentor:ben", "RecordTraining", "01T11", "coordinator:cora", {"course": "Listening", "completed_on": "2026-02-01"}),
)  # fmt: skip


def reader(text: str) -> Reader:
    role, _, id_ = text.partition(":")
    return Reader(cast("ReaderRole", role), id_)


@pytest.fixture
def rapport(settings: Settings) -> Any:
    tell(settings.store, (*STORY, *CORRECTION, *PERSON, *MENTOR))
    with open_rapport(settings) as opened:
        yield opened


def read(opened: Rapport, reading: Reading, subject: str = RELATIONSHIP) -> dict[int, dict[str, Any]]:
    return read_content(opened.store, opened.engine, reading, subject, NOW)


def test_the_operator_reads_every_word_and_each_class_of_each_event_is_on_record(rapport: Rapport) -> None:
    found = read(rapport, Reading.by_operator("root", "a complaint"))
    text = orjson.dumps(found, option=orjson.OPT_NON_STR_KEYS, default=str).decode()
    assert [word for word in WORDS if word not in text] == []
    kept = reads_of(rapport.database, RELATIONSHIP)
    assert {(each.version, each.data_class) for each in kept} >= {
        (GOAL, "goals"), (NOTE, "session_content"), (BREACH, "safeguarding"), (DISCLOSURE, "safeguarding"),
        (CORRECTED, "process"), (CORRECTED, "session_content"),
    }  # fmt: skip
    assert {(each.at, each.reader, each.why) for each in kept} == {(NOW, "operator:root", "a complaint")}
    assert {each.clause for each in kept if each.version == NOTE} == {"pentalog.sensitive"}
    assert reads_of(rapport.database, "mentor:ben") == []


@pytest.mark.clause("pentalog.sensitive", "pentalog.session-content", "pentalog.mentor-with-consent")
def test_a_reader_reads_what_the_matrix_opens_and_the_rest_is_sealed_with_its_clause(rapport: Rapport) -> None:
    seen = read(rapport, Reading.by_operator("root", "a preview", reader("coordinator:cora")))
    assert seen[GOAL]["title"] == "Lead"
    assert seen[NOTE]["text"] == {"sealed": "session_content", "clause": "pentalog.sensitive"}
    assert "He laughed" not in str(seen)
    [kept] = [each for each in reads_of(rapport.database, RELATIONSHIP) if each.data_class == "goals"]
    assert (kept.reader, kept.clause) == (
        "operator:root as coordinator:cora",
        "pentalog.mentor-with-consent",
    )
    # What they may not know of is left out, and so is everything for who stands outside.
    mentee = read(rapport, Reading.by_caller(reader("mentee:ana")))
    assert (DISCLOSURE in mentee, BREACH in mentee) == (False, True)
    assert read(rapport, Reading.by_caller(reader("mentee:bob"))) == {}


@pytest.mark.clause("pentalog.session-content")
def test_who_was_there_reads_the_note_and_its_author_leaves_no_trace(rapport: Rapport) -> None:
    assert read(rapport, Reading.by_caller(reader("mentee:ANA")))[NOTE]["text"] == "She wants to leave"
    assert read(rapport, Reading.by_caller(reader("mentor:ben")))[NOTE]["text"] == "She wants to leave"
    kept = [(each.reader, each.version) for each in reads_of(rapport.database, RELATIONSHIP)]
    assert ("mentee:Ana", NOTE) in kept
    assert ("mentor:ben", NOTE) not in kept
    assert ("mentor:ben", GOAL) in kept
    assert ("mentee:Ana", GOAL) not in kept


def test_a_withdrawn_consent_closes_at_once_whatever_moment_the_words_are_of(rapport: Rapport) -> None:
    later = datetime(2026, 3, 20, tzinfo=UTC)
    reading = Reading.by_caller(reader("coordinator:cora"))
    seen = read_content(rapport.store, rapport.engine, reading, RELATIONSHIP, later)
    assert seen[GOAL]["title"] == {"sealed": "goals", "clause": "pentalog.mentor-with-consent"}


def test_words_whose_key_is_gone_are_erased_and_not_read(rapport: Rapport, settings: Settings) -> None:
    rapport.keys.kept.run("DELETE FROM data_keys WHERE person = ?", ("=mentee",))
    with open_rapport(settings) as opened:
        seen = read(opened, Reading.by_operator("root", "a complaint"))
        assert seen[GOAL]["title"] == {"erased": "goals"}
        assert seen[NOTE]["text"] == "She wants to leave"
        assert GOAL not in {each.version for each in reads_of(opened.database, RELATIONSHIP)}


def test_nothing_is_shown_that_can_not_be_put_on_record(rapport: Rapport, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr("infra.queries.reading.record_reads", full)
    with pytest.raises(StoreError):
        read(rapport, Reading.by_operator("root", "a complaint"))


@pytest.mark.parametrize(
    "subject, who, shown, hidden",
    [
        ("person:Ana", "mentee:ana", ["Ana Pop", "ana@example.org"], []),
        ("person:Ana", "coordinator:cora", ["Ana Pop", "ana@example.org"], []),
        ("person:Ana", "mentor:ben", [], ["Ana Pop", "ana@example.org"]),
        ("mentor:ben", "mentor:ben", ["Ben Brown", "Listening"], []),
        ("mentor:ben", "hr:hans", [], ["Ben Brown", "Listening"]),
        ("mentor:ben", "mentee:ana", [], ["Ben Brown", "Listening"]),
    ],
)
def test_people_and_mentors_have_the_same_table(
    rapport: Rapport, subject: str, who: str, shown: list[str], hidden: list[str]
) -> None:
    found = str(read(rapport, Reading.by_caller(reader(who)), subject))
    assert [word for word in shown if word not in found] == []
    assert [word for word in hidden if word in found] == []


# --- on the command line ---------------------------------------------------------------------------------------------
@pytest.fixture
def run(settings: Settings, tmp_path: Path) -> Callable[..., Any]:
    tell(settings.store, (*STORY, *CORRECTION, *PERSON, *MENTOR))

    def run(*arguments: str) -> Any:
        done = command.rapport(*arguments, "--json", env=own_environment(RAPPORT_STORE=settings.store, **ENVIRONMENT))
        assert done.returncode == 0, done.stderr
        return orjson.loads(done.stdout)

    return run


def test_a_history_shows_words_for_a_reason_alone_and_reads_lists_them(run: Callable[..., Any]) -> None:
    unread = str([run("history", RELATIONSHIP), run("history", RELATIONSHIP, "--as", "mentor:ben")])
    assert [word for word in WORDS if word in unread] == []
    assert run("reads") == []
    revealed = run("history", RELATIONSHIP, "--reveal", "a complaint of 2 March")
    assert [word for word in WORDS if word not in str(revealed)] == []
    kept = run("reads", RELATIONSHIP)
    assert all(
        each.keys() == {"at", "reader", "subject", "version", "data_class", "clause", "why"}
        and each["reader"].startswith("operator:")
        and each["why"] == "a complaint of 2 March"
        for each in kept
    )
    assert {each["subject"] for each in kept} == {RELATIONSHIP}
    as_mentee = run("history", RELATIONSHIP, "--as", "mentee:ana", "--reveal", "she asked")
    assert "She wants to leave" in str(as_mentee)
    assert "Harm" not in str(as_mentee)
    assert {each["reader"].partition(" as ")[2] for each in run("reads") if each["why"] == "she asked"} == {
        "mentee:Ana"
    }


def test_show_shows_words_for_a_reason_alone(run: Callable[..., Any]) -> None:
    title = {"sealed": "goals", "clause": "pentalog.mentor-with-consent"}
    assert run("show", RELATIONSHIP)["goals"][0]["title"] == title
    assert run("show", RELATIONSHIP, "--reveal", "why")["goals"][0]["title"] == "Lead"
    assert run("show", RELATIONSHIP, "--as", "coordinator:cora")["goals"][0]["title"] == title | {"allowed": True}
    as_customer = run("show", RELATIONSHIP, "--as", "customer:cus", "--reveal", "why")
    assert as_customer["goals"][0]["title"] == title
    assert as_customer["state"] == "active"
    assert run("show", "person:ana")["entry"]["display_name"] == {"sealed": "identity", "clause": None}
    assert run("show", "person:ana", "--reveal", "why")["entry"]["email"] == "ana@example.org"
    assert run("show", "mentor:ben")["name"] == {"sealed": "identity", "clause": None}
    assert run("show", "mentor:ben", "--reveal", "why")["trainings"][0]["course"] == "Listening"
    assert {(each["subject"], each["data_class"]) for each in run("reads")} >= {
        (RELATIONSHIP, "goals"), ("person:Ana", "contact_details"), ("mentor:ben", "process"),
    }  # fmt: skip


def test_a_reader_without_a_part_in_it_is_shown_nothing_and_no_reason_is_no_reason(
    settings: Settings, run: Callable[..., Any]
) -> None:
    env = own_environment(RAPPORT_STORE=settings.store, **ENVIRONMENT)
    for arguments in (
        ("show", RELATIONSHIP, "--as", "mentee:bob"),
        ("show", RELATIONSHIP, "--as", "mentee:bob", "--reveal", "why"),
        ("show", "person:Ana", "--as", "mentor:ben"),
        ("history", RELATIONSHIP, "--as", "mentee:bob", "--reveal", "why"),
        ("history", RELATIONSHIP, "--reveal", " "),
        ("show", RELATIONSHIP, "--reveal", ""),
    ):
        done = command.rapport(*arguments, env=env)
        assert (done.returncode, done.stdout) == (2, b""), arguments
    assert run("reads") == []
