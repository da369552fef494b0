"""All that is held about a person: their own words, why, from whom, for whom; the words of others protected."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests import command
from tests.infra.queries.test_report import ID, STORY
from tests.infra.queries.test_sharing import tell

CASE = "case:c1"
ACTIVE = "aa000000-0000-4000-8000-00000000000c"
MORE: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    ("person:ana", "RegisterPerson", "01T07", "hr:hans", {"display_name": "CANARY Ana", "email": "ana@example.org"}),
    ("mentor:ben", "RegisterMentor", "01T08", "coordinator:cora", {"name": "CANARY Ben's name"}),
    *STORY,
    (ID, "ConfirmAgreement", "11T09", "mentee:ana", {"version": 5}),
    (ID, "RecordAssessment", "11T10", "coordinator:cora", {"assessment_id": "a1", "area": "CANARY her area", "score": 3}),
    (ID, "GrantConsent", "11T11", "mentee:ana", {"data_class": "goals", "audience": "coordinator", "how": "CANARY her how"}),
    (ID, "ShareReport", "11T12", "mentee:ana", {"with_whom": "line_manager", "period_from": "2026-03-01", "period_to": "2026-03-10"}),
    (ID, "DiscloseConfidence", "11T13", "mentor:ben", {"exception": "risk_of_harm", "recipient": "hr:hans", "disclosed": "CANARY his disclosure", "urgency": "urgent"}),
    (ID, "RecordSessionNote", "11T14", "mentee:ana", {"session_id": "s1", "text": "CANARY her note"}),
    (CASE, "OpenCase", "11T15", "hr:hans", {"about": "mentor:ben", "kind": "code", "description": "CANARY case", "relationship_id": ID}),
    ("aa000000-0000-4000-8000-0000000000ff", "ProposeRelationship", "11T16", "coordinator:cora", {"programme_id": "autumn", "mentee_id": "ann", "mentor_id": "benedict", "codes": []}),
    (ACTIVE, "ProposeRelationship", "01T10", "coordinator:cora", {"programme_id": "autumn", "mentee_id": "ola", "mentor_id": "pat", "codes": []}),
    (ACTIVE, "ActivateRelationship", "10T10", "coordinator:cora", {}),
    (ACTIVE, "ReportDisrespect", "11T10", "mentee:ola", {"against": "mentor", "description": "He laughed"}),
)  # fmt: skip
REFUSED = {
    "specversion": "1.0",
    "id": "refused",
    "source": "/tests",
    "type": "rapport.ResumeRelationship",
    "subject": ID,
    "time": "2026-03-11T17:00:00Z",
    "actor": "mentee:ana",
    "data": {"informed": [], "note": "CANARY refused"},
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('subject') / 'rapport.sqlite'}"
    tell(url, MORE)
    done = command.rapport("submit", "-", env={"RAPPORT_STORE": url}, stdin=orjson.dumps(REFUSED))
    assert done.returncode == 1, done.stderr
    return url


def run(store: str, *arguments: str | Path) -> Any:
    return command.rapport("subject", *arguments, env={"RAPPORT_STORE": store, "RAPPORT_CLOCK": "2026-03-12T20:00:00Z"})


def asked(store: str, person: str) -> dict[str, Any]:
    done = run(store, person, "--json")
    assert done.returncode == 0, done.stderr
    shown: dict[str, Any] = orjson.loads(done.stdout)
    return shown


def canaries(shown: object) -> set[str]:
    text = orjson.dumps(shown).decode()
    return {part.partition('"')[0].strip() for part in text.split("CANARY")[1:]}


@pytest.mark.clause("pentalog.data-visible", "pentalog.assessment-visible")
def test_a_person_gets_their_own_words_and_not_those_of_the_other_party(store: str) -> None:
    ana, ben = asked(store, "ana"), asked(store, "mentor:ben")
    assert canaries(ana) == {
        "agenda <b>",
        "after my divorce",
        "comment",
        "disrespect",
        "her area",
        "her how",
        "her note",
        "Ana",
    }
    assert canaries(ben) == {"sensitive", "his disclosure", "Ben's name"}
    assert ana["entry"]["email"] == "ana@example.org"
    mentoring = next(each for each in ana["held"] if each["kind"] == "relationship")
    assert (mentoring["roles"], mentoring["programme_id"]) == (["mentee"], "spring")
    note = next(each for each in mentoring["events"] if each.get("type") == "rapport.SessionNoteRecorded")
    assert note["data"]["text"] == {"sealed": "session_content", "clause": "leapfrog.confidentiality"}
    answer = next(each for each in ben["held"][0]["events"] if each.get("type") == "rapport.NpsResponded")
    assert answer["data"]["score"]["sealed"] == "nps_score"


@pytest.mark.clause("nottingham.confidentiality", "care.breach")
def test_what_was_said_about_a_person_in_confidence_is_withheld(store: str) -> None:
    ben = asked(store, "ben")
    assert "DisrespectReported" not in orjson.dumps(ben).decode()
    assert CASE not in orjson.dumps(ben).decode()
    withheld = [each for held in ben["held"] for each in held["events"] if "withheld" in each]
    assert [set(each) for each in withheld] == [{"version", "occurred_at", "recorded_at", "withheld"}]
    assert ben["scores"]["now"][0]["score"] is None  # before activation there is none
    ana = asked(store, "ana")
    assert "ConfidenceDisclosed" not in orjson.dumps(ana).decode()


@pytest.mark.clause("pentalog.data-visible")
def test_it_says_why_from_whom_for_whom_until_when_and_how_scores_come_about(store: str) -> None:
    ana = asked(store, "Ana")
    assert [each["purpose"] for each in ana["purposes"]][:3] == [
        "improve the mentoring",
        "propose services",
        "improve the fit of mentor and mentee",
    ]
    assert {"source": "/tests", "role": "mentor", "events": 2} in ana["sources"]
    ways = {(each["how"], each["to"]) for each in ana["recipients"]}
    assert {("consent", "coordinator"), ("report", "line_manager"), ("agreed reporting", "line_manager")} <= ways
    assert {each["why"] for each in ana["readers"]} <= {"subject access"}
    (retention,) = ana["retention"]
    assert retention["clause"] == "cmn.records"
    assert "2190 days" in retention["why"]
    assert ana["scores"]["policy"] == "commitment-health/2"
    assert ana["scores"]["signals"]["no_show"] == {"points_no_show": 10, "points_no_show_running": 25}
    assert [(each["type"], each["problems"][0]["code"]) for each in ana["refused"]] == [
        ("rapport.ResumeRelationship", "state")
    ]
    may_read = ana["may_read"][0]["roles"]
    assert "goals" in may_read["coordinator"]
    assert "session_content" not in may_read["coordinator"]


def test_a_score_that_tells_of_a_report_is_shown_to_its_author_alone(store: str) -> None:
    (own,), (others,) = (asked(store, person)["scores"]["now"] for person in ("ola", "pat"))
    assert (own["band"], own["score"]) == ("critical", 60)
    assert others["score"] == others["band"] == others["signals"] == {"sealed": "operational", "clause": None}


def test_others_get_what_they_sent_and_what_names_them_alone(store: str) -> None:
    """A line manager and a coordinator are no party to what is said: theirs is their own part in it."""
    lin = asked(store, "lin")
    assert {each["type"] for each in lin["held"][0]["events"]} == {
        "rapport.RelationshipProposed",
        "rapport.ReportingAgreed",
    }
    hans = asked(store, "hans")
    assert canaries(hans) == {"case"}
    assert {each["type"] for held in hans["held"] for each in held["events"]} == {
        "rapport.ConfidenceDisclosed",
        "rapport.CaseOpened",
        "rapport.PersonRegistered",
    }
    assert [each["subject"] for each in asked(store, "ann")["held"]] == ["aa000000-0000-4000-8000-0000000000ff"]


def test_it_has_what_rapport_told_the_person(store: str) -> None:
    environment = {"RAPPORT_STORE": store}
    assert command.rapport("work", "--once", env=environment).returncode == 0
    told = {each["template"] for each in asked(store, "hans")["notifications"]}
    assert "disclosure" in " ".join(told)  # which was for him alone
    assert "disclosure" not in " ".join(each["template"] for each in asked(store, "ana")["notifications"])


def test_the_answer_goes_to_a_file_for_programs_or_for_people(store: str, tmp_path: Path) -> None:
    page, data = tmp_path / "ana.html", tmp_path / "ana.json"
    assert run(store, "ana", "-o", page).returncode == 0
    assert run(store, "ana", "-o", data).returncode == 0
    assert canaries(orjson.loads(data.read_bytes())) == canaries(asked(store, "ana"))
    text = page.read_text()
    assert "agenda &lt;b&gt;" in text
    assert "agenda <b>" not in text
    for heading in (
        "Why it is held",
        "From whom it came",
        "Who gets it",
        "Who read it",
        "Until when",
        "How scores come about",
    ):
        assert heading in text
    assert (page.stat().st_mode | data.stat().st_mode) & 0o077 == 0
    assert b"held about ana" in run(store, "ana").stdout
    assert run(store, "nobody").returncode == 2
    assert run(store, "Ana Lee").returncode == 2


@pytest.mark.clause("leapfrog.competence")
@pytest.mark.parametrize("registered", [False, True])
def test_what_a_mentor_is_to_do_for_their_development_is_theirs(tmp_path: Path, *, registered: bool) -> None:
    url = f"sqlite:///{tmp_path / 'rapport.sqlite'}"
    covered = ["mentor_role", "complaints_procedure"]
    told: Any = (
        (ACTIVE, "ProposeRelationship", "01T10", "coordinator:cora", {"programme_id": "p1", "mentee_id": "ola", "mentor_id": "pat", "codes": ["leapfrog"]}),
        (ACTIVE, "RecordContractingConversation", "02T10", "mentor:pat", {"held_at": "2026-03-02T09:00:00Z", "covered": covered}),
        (ACTIVE, "ActivateRelationship", "03T10", "coordinator:cora", {}),
        ("mentor:pat", "RegisterMentor", "03T11", "coordinator:cora", {"programme_id": "p1"}),
    )  # fmt: skip
    tell(url, told if registered else told[:-1])
    later = {"RAPPORT_STORE": url, "RAPPORT_CLOCK": "2027-06-01T00:00:00Z", "RAPPORT_CLOCK_FORCE": "1"}
    assert command.rapport("work", "--once", env=later).returncode == 0
    listed = orjson.loads(command.rapport("tasks", "--owner", "mentor", "--json", env=later).stdout)
    found = orjson.loads(command.rapport("subject", "pat", "--json", env=later).stdout)["tasks"]
    assert [(task["subject"], task["kind"]) for task in listed] == [("mentor:pat", "development")]
    assert [(task["subject"], task["kind"]) for task in found] == [("mentor:pat", "development")]
