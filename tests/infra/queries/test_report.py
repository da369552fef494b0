"""The report for a sponsor: exactly the agreed outputs, as far as the matrix lets them through, and why the others are missing."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests import command
from tests.infra.queries.test_sharing import tell

ID = "aa000000-0000-4000-8000-00000000000a"
PLAIN = "aa000000-0000-4000-8000-00000000000b"
NOBODYS = "aa000000-0000-4000-8000-00000000ffff"
PARTIES = {
    "programme_id": "spring",
    "mentee_id": "ana",
    "mentor_id": "ben",
    "line_manager_id": "lin",
    "customer_id": "cus",
}
GOAL = {"type": "career", "source": "mentee", "agreed_by": ["mentee", "mentor"]}
SESSION = {"session_id": "s1", "starts_at": "2026-03-10T17:00:00Z", "channel": "virtual_meeting"}
COMPLETED = {
    "session_id": "s1",
    "started_at": "2026-03-10T17:00:00Z",
    "ended_at": "2026-03-10T17:50:00Z",
    "present": ["mentee", "mentor"],
    "joined": {},
    "agenda": [{"topic": "CANARY agenda <b>", "set_by": "mentee", "goal_id": "g1", "minutes": 50}],
}
NOTE = {"session_id": "s1", "text": "CANARY sensitive", "sensitive": True}
STORY: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    (ID, "ProposeRelationship", "01T09", "coordinator:cora", PARTIES | {"codes": ["cmn", "leapfrog"]}),
    (ID, "AgreeGoal", "02T09", "mentee:ana", GOAL | {"goal_id": "g1", "title": "Lead a <team>"}),
    (ID, "MarkTopicPrivate", "02T10", "mentee:ana", {"topic": "my divorce"}),
    (ID, "AgreeGoal", "02T11", "mentee:ana", GOAL | {"goal_id": "g2", "title": "CANARY after my divorce"}),
    (ID, "AgreeReporting", "02T12", "line_manager:lin", {"with_whom": "line_manager", "outputs": ["attendance", "goals", "nps_score", "session_content"]}),
    (ID, "ScheduleSession", "03T10", "mentee:ana", SESSION),
    (ID, "CompleteSession", "10T18", "mentor:ben", COMPLETED),
    (ID, "RecordSessionNote", "10T19", "mentor:ben", NOTE),
    (ID, "RespondToNps", "10T20", "mentee:ana", {"occasion": "mid", "score": 9, "comment": "CANARY comment"}),
    (ID, "ReportDisrespect", "10T21", "mentee:ana", {"against": "mentor", "description": "CANARY disrespect"}),
)  # fmt: skip
CONFIRMED = (*STORY, (ID, "ConfirmAgreement", "11T09", "mentee:ana", {"version": 5}))


def store_of(story: Any, folder: Path) -> str:
    url = f"sqlite:///{folder / 'rapport.sqlite'}"
    tell(url, story)
    return url


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    return store_of(CONFIRMED, tmp_path_factory.mktemp("report"))


def run(store: str, *arguments: str | Path) -> Any:
    return command.rapport("report", *arguments, env={"RAPPORT_STORE": store, "RAPPORT_CLOCK": "2026-03-12T20:00:00Z"})


def asked(store: str, to: str = "line_manager", *more: str, of: str = ID) -> dict[str, Any]:
    done = run(store, of, "--to", to, "--json", *more)
    assert (done.returncode, done.stderr) == (0, b""), done.stderr
    shown: dict[str, Any] = orjson.loads(done.stdout)
    return shown


@pytest.mark.clause("cmn.outputs", "cmn.reporting")
def test_the_line_manager_sees_the_agreed_reporting_and_nothing_else(store: str) -> None:
    shown = asked(store)
    assert shown["agreed"]["outputs"] == ["attendance", "nps_score", "goals", "session_content"]
    assert set(shown["outputs"]) == {"attendance", "goals", "session_content"}
    assert shown["outputs"]["attendance"]["completed"] == 1
    assert [(each["version"], each["title"]) for each in shown["outputs"]["goals"]] == [(2, "Lead a <team>")]
    assert [each["agenda"] for each in shown["outputs"]["session_content"]] == [[{"topic": "CANARY agenda <b>"}]]
    for secret in ("CANARY sensitive", "CANARY comment", "CANARY disrespect", "CANARY after", "divorce"):
        assert secret not in orjson.dumps(shown).decode()
    assert shown["recipient"] == "line_manager:lin"


@pytest.mark.clause("leapfrog.privacy", "pentalog.sensitive", "cmn.outputs")
def test_what_is_not_shown_says_which_clause(store: str) -> None:
    reasons = {(each["data_class"], each["clause"]) for each in asked(store)["not_shown"]}
    assert reasons == {
        ("nps_score", "cmn.outputs"),
        ("goals", "leapfrog.privacy"),
        ("session_content", "leapfrog.confidentiality"),
    }


@pytest.mark.clause("cmn.outputs")
def test_agreed_needs_the_mentees_own_word_or_confirmation(tmp_path: Path) -> None:
    shown = asked(store_of(STORY, tmp_path))
    assert shown["outputs"] == {}
    assert {each["data_class"] for each in shown["not_shown"]} == set(shown["agreed"]["outputs"])
    assert shown["agreed"]["waits_for"] == ["mentee"]


@pytest.mark.clause("cmn.reporting")
def test_without_an_agreement_or_a_recipient_there_is_no_report(store: str, tmp_path: Path) -> None:
    for to in ("customer", "coordinator"):
        done = run(store, ID, "--to", to, "--json")
        assert (done.returncode, done.stdout) == (1, b"")
        assert b"no reporting was agreed" in done.stderr
        assert b"(cmn.reporting)" in done.stderr
    alone = store_of(
        ((PLAIN, "ProposeRelationship", "01T09", "coordinator:cora", {"programme_id": "spring", "mentee_id": "ana", "mentor_id": "ben", "codes": []}),),
        tmp_path,
    )  # fmt: skip
    done = run(alone, PLAIN, "--to", "line_manager")
    assert done.returncode == 1
    assert b"names no line_manager" in done.stderr
    assert run(store, NOBODYS, "--to", "customer").returncode == 2
    assert run(store, ID, "--to", "mentor").returncode == 2
    assert run(store, ID, "--to", "customer", "--from", "2026-03-05", "--to-day", "2026-03-04").returncode == 2


def test_withdrawal_works_at_once(tmp_path: Path) -> None:
    """A consent that stood when the words were said, and does not any more, opens nothing."""
    reporting = {"with_whom": "customer", "outputs": ["feedback"]}
    story = (
        (PLAIN, "ProposeRelationship", "01T09", "coordinator:cora", PARTIES | {"codes": ["pentalog"]}),
        (PLAIN, "AgreeReporting", "02T09", "mentee:ana", reporting),
        (PLAIN, "GrantConsent", "02T10", "mentee:ana", {"data_class": "feedback", "audience": "customer"}),
        (PLAIN, "GiveFeedback", "02T11", "mentee:ana", {"about": "process", "answers": {}, "text": "CANARY words"}),
    )
    withdrawn = (
        PLAIN,
        "WithdrawConsent",
        "03T10",
        "mentee:ana",
        {"data_class": "feedback", "audience": "customer"},
    )
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    after.mkdir()
    assert asked(store_of(story, before), "customer", of=PLAIN)["outputs"]["feedback"][0]["text"] == "CANARY words"
    shown = asked(store_of((*story, withdrawn), after), "customer", of=PLAIN)
    assert shown["outputs"] == {}
    assert shown["not_shown"][0]["clause"] == "pentalog.mentor-with-consent"


@pytest.mark.clause("pentalog.mentor-time")
def test_time_spent_has_the_minutes_that_are_asked_of_the_mentor_outside_the_sessions(tmp_path: Path) -> None:
    def contact(day: str, **data: Any) -> Any:
        return (PLAIN, "RecordContact", day, "coordinator:cora", {"channel": "telephone"} | data)

    story = (
        (PLAIN, "ProposeRelationship", "01T09", "coordinator:cora", PARTIES | {"codes": ["pentalog"]}),
        (PLAIN, "AgreeReporting", "02T09", "mentee:ana", {"with_whom": "customer", "outputs": ["time_spent"]}),
        contact("03T09", between=["mentee", "mentor"], minutes=20),
        contact("04T09", between=["coordinator", "mentor"], minutes=5),
        contact("05T09", between=["coordinator", "mentee"], minutes=40),
        contact("06T09", between=["mentee", "mentor"]),
    )
    assert asked(store_of(story, tmp_path), "customer", of=PLAIN)["outputs"]["time_spent"]["contact_minutes"] == 25


def test_facts_are_told_as_they_were_corrected(tmp_path: Path) -> None:
    void = (ID, "CorrectFact", "11T10", "mentor:ben", {"version": 7, "reason": "it was cancelled", "void": True})
    notes = tuple(each for each in CONFIRMED if each[1] != "RecordSessionNote")
    shown = asked(store_of((*notes, void), tmp_path))
    assert shown["outputs"]["attendance"]["completed"] == 0
    assert shown["outputs"]["session_content"] == []


def test_a_report_is_about_days_of_the_programme(store: str) -> None:
    assert (
        asked(store, "line_manager", "--from", "2026-03-10", "--to-day", "2026-03-10")["outputs"]["attendance"][
            "completed"
        ]
        == 1
    )
    earlier = asked(store, "line_manager", "--to-day", "2026-03-09")
    assert earlier["outputs"]["attendance"]["completed"] == 0
    assert earlier["period"] == {"from": None, "to": "2026-03-09"}
    assert asked(store, "line_manager", "--from", "2026-03-11")["outputs"]["goals"] == []


def test_the_page_escapes_what_people_wrote(store: str, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert run(store, ID, "--to", "line_manager", "-o", page).returncode == 0
    text = page.read_text()
    assert "Lead a &lt;team&gt;" in text
    assert "<team>" not in text
    assert "agenda <b>" not in text
    assert "leapfrog.privacy: " in text
    assert (page.stat().st_mode & 0o077) == 0
    assert run(store, ID, "--to", "line_manager", "-o", tmp_path / "report.pdf").returncode == 2
    printed = run(store, ID, "--to", "line_manager")
    assert b"completed: 1" in printed.stdout


@pytest.mark.clause("pentalog.data-visible")
def test_each_word_that_is_shown_is_on_record_as_read(tmp_path: Path) -> None:
    """Each read of a content class by anybody but its author is recorded: who, when, what, clause."""
    told = store_of(CONFIRMED, tmp_path)
    asked(told)
    environment = {"RAPPORT_STORE": told}
    rows = orjson.loads(command.rapport("reads", ID, "--json", env=environment).stdout)
    assert {(each["version"], each["data_class"], each["why"]) for each in rows} == {
        (2, "goals", "report to line_manager"),
        (7, "session_content", "report to line_manager"),
    }
    assert all(each["reader"].startswith("operator:") and each["clause"] for each in rows)
    about = orjson.loads(command.rapport("subject", "ana", "--json", env=environment).stdout)
    assert [(each["version"], each["data_class"]) for each in about["readers"]] == [
        (2, "goals"),
        (7, "session_content"),
    ]
    again = orjson.loads(command.rapport("subject", "ana", "--json", env=environment).stdout)
    assert "subject access" in {each["why"] for each in again["readers"]}
