"""The page of a relationship, and the forms on it: what each reader sees, and what becomes of what they send."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import orjson
import pytest

from domain.model import Actor
from domain.registry import AGGREGATES_OF, COMMANDS
from domain.relationship.permissions import may_send
from domain.sharing.question import Reader
from domain.words import Role
from infra.access.seen import Seen
from infra.access.standing import Asker
from infra.queries.as_at import NOW
from infra.store.reads import reads_of
from infra.web.relationship import homework
from tests.infra.http.telling import CANARY, OTHERS, QUIET, REPORTED, UNKNOWN
from tests.infra.web.browsing import Browser, Served, serving_pages
from tests.messages import line, relationship_id

IDS: Final = {"mentee": "ana", "mentor": "ben", "customer": "carl", "line_manager": "lina", "supplier": "sam", "coordinator": "cora", "hr": "hugo", "auditor": "ada"}  # fmt: skip
PARTIES: Final = ("mentee", "mentor", "customer", "line_manager", "supplier")
SCRIPT: Final = "<script>alert('x')</script><img src=x onerror=alert(1)>"
RIGHT_TO_LEFT: Final = "\u202egnp.exe \u05e9\u05dc\u05d5\u05dd"
LONG: Final = "long" * 5000


@pytest.fixture(scope="module")
def used() -> Iterator[Served]:
    """The app with relationships that tests change: each takes one of its own."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder, serving_pages(Path(folder)) as served:
        yield served


def proposed(served: Served, number: int, *codes: str, **data: Any) -> str:
    parties = {"programme_id": "telling", "mentee_id": "ana", "mentor_id": "ben", "codes": list(codes)}
    served.tell([line("ProposeRelationship", parties | data, subject=relationship_id(number), id=f"propose-{number}")])
    return relationship_id(number)


def state(served: Served, subject: str) -> list[str]:
    return [type(event.data).__name__ for event in served.rapport.store.read(subject)]


# --- what each reader sees -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", IDS)
@pytest.mark.parametrize("path", ["", "/events"])
def test_every_role_has_the_page(told: Served, role: str, path: str) -> None:
    got = told.browser(IDS[role]).get(f"/relationships/{REPORTED}{path}")
    assert got.status == 200, got.words
    assert len(got.text) < 100_000


@pytest.mark.parametrize("role", IDS)
def test_no_words_are_on_the_page_but_those_that_the_matrix_opens_to_a_party(told: Served, role: str) -> None:
    reader = Reader(cast("Role", role), IDS[role])
    engine = told.rapport.engine()
    seen = Seen.of(told.rapport.store, lambda: engine, Asker(reader, None), REPORTED, told.rapport.clock.now())
    assert seen is not None
    open_to_them = [seen.show_with_words(NOW, "a test"), seen.history(NOW, "a test")]
    may = CANARY_WORDS.findall(orjson.dumps(open_to_them, default=str).decode())
    browser = told.browser(IDS[role])
    found = {
        word
        for path in ("", "/events", "/do/ReportProblem", "/do/ContestFact")
        for word in CANARY_WORDS.findall(browser.get(f"/relationships/{REPORTED}{path}").text)
    }
    assert found == (set(may) if role in PARTIES else set())


CANARY_WORDS: Final = re.compile(rf"{CANARY} \w+")


@pytest.mark.parametrize("role", ["mentor", "line_manager", "supplier"])
def test_who_may_not_know_of_a_report_finds_no_trace_of_it(told: Served, role: str) -> None:
    browser = told.browser(IDS[role])
    reported = browser.get(f"/relationships/{REPORTED}").words
    quiet = browser.get(f"/relationships/{QUIET}").words
    # The mentor disclosed something in one of them, which is no secret to the mentor.
    assert reported.partition("What people wrote")[0] == quiet.partition("What people wrote")[0]
    events = reported.partition("What people wrote")[2] + browser.get(f"/relationships/{REPORTED}/events").text
    for telltale in (
        "isrespect",
        "rust breakdown",
        "Breach reported",
        "Problem reported",
        "hutdown",
        "canary description",
    ):
        assert telltale not in events


def test_the_office_reads_words_for_a_reason_that_is_kept(told: Served) -> None:
    browser = told.browser("cleo").get(f"/relationships/{QUIET}")
    assert CANARY not in browser.text
    assert browser.post(f"/relationships/{QUIET}/words", {"why": "  "}).status == 400
    browser.get(f"/relationships/{QUIET}").post(f"/relationships/{QUIET}/words", {"why": "a call from the mentee"})
    assert f"{CANARY} title" in browser.words
    kept = reads_of(told.rapport.store.database, QUIET)
    assert any(each.reader == "coordinator:cleo" and each.why == "a call from the mentee" for each in kept)


def test_the_office_reads_what_a_problem_was_and_mentee_and_mentor_their_own_words(told: Served) -> None:
    browser = told.browser("cora").get(f"/relationships/{REPORTED}/events")
    assert "closed until you say why you read it" in browser.words
    assert f"{CANARY} description" not in browser.text
    browser.post(f"/relationships/{REPORTED}/events", {"why": "to help"})
    assert f"{CANARY} description" in browser.words
    browser.get(f"/relationships/{REPORTED}").post(f"/relationships/{REPORTED}/words", {"why": "to help"})
    assert f"{CANARY} description" in browser.words
    assert browser.get(f"/relationships/{REPORTED}/words").path == f"/relationships/{REPORTED}"
    for id_ in ("ana", "ben"):
        for path in ("", "/events"):
            assert f"{CANARY} topic" in told.browser(id_).get(f"/relationships/{QUIET}{path}").words
    kept = reads_of(told.rapport.store.database, QUIET)
    assert any(each.reader == "mentee:ana" and each.data_class == "session_content" for each in kept)


@pytest.mark.parametrize("subject", [OTHERS, UNKNOWN, "no-id", "mentor:ben"])
@pytest.mark.parametrize("path", ["", "/events", "/do/ReportProblem"])
def test_another_programmes_relationship_is_answered_like_none(told: Served, subject: str, path: str) -> None:
    browser = told.browser("dora")
    got = browser.get(f"/relationships/{subject}{path}")
    assert got.status == 404
    missing = browser.get(f"/relationships/{UNKNOWN}").words
    assert got.words == missing


def test_an_analyst_reads_no_single_relationship(told: Served) -> None:
    got = told.browser("alf").get(f"/relationships/{QUIET}")
    assert (got.status, "analysts read figures" in got.words) == (403, True)


def test_a_lost_point_is_explained_with_its_events(told: Served) -> None:
    got = told.browser("cora").get(f"/relationships/{REPORTED}")
    assert "Somebody reported that trust is broken." in got.words
    assert "\N{MINUS SIGN}40" in got.words
    assert re.search(rf'href="/relationships/{REPORTED}/events\?open=\d+#v\d+"', got.text)


# --- forms ---------------------------------------------------------------------------------------------------------
COMMANDS_OF_RELATIONSHIPS: Final = sorted(name for name, kinds in AGGREGATES_OF.items() if "relationship" in kinds)


@pytest.mark.parametrize("name", COMMANDS_OF_RELATIONSHIPS)
def test_every_command_has_a_form_for_those_who_may_send_it_and_for_nobody_else(told: Served, name: str) -> None:
    may = may_send(COMMANDS[name])
    for role in ("mentee", "coordinator"):
        got = told.browser(IDS[role]).get(
            f"/relationships/{QUIET}/do/{name}{'?version=8' if name == 'CorrectFact' else ''}"
        )
        assert got.status == (200 if role in may else 403), got.words
        if got.status == 200:
            fields = set(re.findall(r'name="([a-z_]+)', got.text))
            if "correction_reason" in fields:
                fields.add("reason")
            needed = {field for field, info in COMMANDS[name].model_fields.items() if info.is_required()}
            assert needed - fields <= {"answers", "joined", "agenda"}


def test_a_command_that_does_not_exist_is_not_there(told: Served) -> None:
    assert told.browser("cora").get(f"/relationships/{QUIET}/do/Nothing").status == 404


def test_a_session_is_scheduled_in_the_readers_time_zone(used: Served) -> None:
    subject = proposed(used, 1)
    browser = used.browser("ana").get("/preferences")
    browser.post("/preferences", {"zone": "Asia/Tokyo"})
    browser.get(f"/relationships/{subject}/do/ScheduleSession")
    shown = browser.text
    form = filled(browser) | {"starts_at": "2030-03-05T17:00", "channel": "platform", "minutes": "45"}
    browser.post(f"/relationships/{subject}/do/ScheduleSession", form)
    assert browser.path == f"/relationships/{subject}", browser.words
    assert 'type="datetime-local"' in shown
    assert "Recorded." in browser.words
    assert "2030-03-05 17:00 JST" in browser.words
    data = used.rapport.store.read(subject)[-1].data
    assert (data.starts_at.isoformat(), data.minutes) == ("2030-03-05T08:00:00+00:00", 45)


def test_a_refusal_is_shown_in_place_with_every_reason_and_what_was_filled_in(used: Served) -> None:
    subject = proposed(used, 2, "cmn")
    browser = used.browser("cora").get(f"/relationships/{subject}/do/ActivateRelationship")
    assert "Not yet: this has to come first" in browser.words
    browser.post(f"/relationships/{subject}/do/ActivateRelationship", filled(browser))
    assert browser.status == 422
    assert "This was not recorded" in browser.words
    assert "cmn.timeframe: " in browser.words
    assert "Do this first, then try again." in browser.words
    assert state(used, subject) == ["RelationshipProposed"]


def test_what_is_missing_or_wrong_is_said_at_its_field(used: Served) -> None:
    subject = proposed(used, 3)
    browser = used.browser("ana").get(f"/relationships/{subject}/do/AgreePlan")
    form = filled(browser) | {"sessions": "many", "starts_on": "2030-01-01", "ends_on": "2029-01-01", "every_days": "7"}
    browser.post(f"/relationships/{subject}/do/AgreePlan", form)
    assert browser.status == 400
    assert 'id="f-sessions-wrong"' in browser.text
    assert 'id="f-channel-wrong"' in browser.text
    assert 'value="many"' in browser.text


def test_a_stale_form_is_not_recorded_and_says_what_changed(used: Served) -> None:
    subject = proposed(used, 4)
    browser = used.browser("ana").get(f"/relationships/{subject}/do/RecordContact")
    form = filled(browser) | {"channel": "email"}
    used.tell([line("RecordContact", {"channel": "telephone"}, subject=subject, id="faster")])
    browser.post(f"/relationships/{subject}/do/RecordContact", form)
    assert browser.status == 409
    assert "Since you opened this form, something was recorded" in browser.words
    assert "Contact recorded" in browser.words
    assert len(state(used, subject)) == 2
    browser.post(f"/relationships/{subject}/do/RecordContact", filled(browser) | {"channel": "email"})
    assert "Recorded." in browser.words
    assert len(state(used, subject)) == 3


def test_the_same_form_sent_twice_records_once(used: Served) -> None:
    subject = proposed(used, 5)
    browser = used.browser("ana").get(f"/relationships/{subject}/do/ReportProblem")
    form = filled(browser) | {"description": "no answer for weeks"}
    browser.post(f"/relationships/{subject}/do/ReportProblem", form)
    browser.post(f"/relationships/{subject}/do/ReportProblem", form, csrf=token(browser))
    assert "This form was sent already." in browser.words
    assert state(used, subject).count("ProblemReported") == 1


@pytest.mark.parametrize("text", [SCRIPT, RIGHT_TO_LEFT, LONG], ids=["script", "right to left", "long"])
def test_whatever_people_write_shows_as_text(used: Served, text: str) -> None:
    subject = proposed(used, {SCRIPT: 6, RIGHT_TO_LEFT: 7, LONG: 8}[text], "pentalog")
    used.tell(
        [
            line(
                "AgreeGoal",
                {
                    "goal_id": "g1",
                    "title": text,
                    "type": "career",
                    "source": "mentee",
                    "agreed_by": ["mentee", "mentor"],
                },
                subject=subject,
                id=f"goal-{subject}",
                actor="mentee:ana",
            )
        ]
    )
    got = used.browser("ana").get(f"/relationships/{subject}")
    assert got.status == 200
    assert "<script>alert" not in got.text
    assert "<img src=x" not in got.text
    assert text in got.words.replace("\u202e", "\u202e") or text == SCRIPT
    assert re.search(r'<bdi class="text">(&lt;script|\u202e|long)', got.text)
    form = used.browser("ana").get(f"/relationships/{subject}/do/ReportProblem")
    form.post(f"/relationships/{subject}/do/ReportProblem", {"description": text, "message_id": SCRIPT})
    assert "<script>alert" not in form.text


def test_a_fact_is_put_right_with_its_fields_filled_in(used: Served) -> None:
    subject = proposed(used, 9)
    used.tell(
        [
            line("ActivateRelationship", {}, subject=subject, id="a9", time="2026-03-02T10:00:00Z"),
            line("RecordContact", {"channel": "email", "minutes": 10}, subject=subject, id="c9", time="2026-03-03T10:00:00Z", actor="mentee:ana"),
        ]
    )  # fmt: skip
    browser = used.browser("ana").get(f"/relationships/{subject}/events")
    version = len(state(used, subject))
    assert f"/relationships/{subject}/do/CorrectFact?version={version}" in browser.text
    browser.get(f"/relationships/{subject}/do/CorrectFact?version={version}")
    assert 'value="10"' in browser.text
    form = filled(browser) | {"minutes": "25", "channel": "telephone", "correction_reason": "it was by telephone"}
    browser.post(f"/relationships/{subject}/do/CorrectFact", form)
    assert "Recorded." in browser.words, browser.words
    assert state(used, subject)[-1] == "FactCorrected"
    assert "corrected by" in browser.get(f"/relationships/{subject}/events").words


def test_a_fact_is_contested(used: Served) -> None:
    subject = proposed(used, 10)
    used.tell([line("RecordContact", {"channel": "email"}, subject=subject, id="c10")])
    browser = used.browser("ben").get(f"/relationships/{subject}/do/ContestFact?version=2")
    browser.post(
        f"/relationships/{subject}/do/ContestFact", filled(browser) | {"version": "2", "reason": "we were not in touch"}
    )
    assert "Recorded." in browser.words
    assert "contested" in browser.words
    assert "we were not in touch" in browser.words
    used.tell([line("AnswerContest", {"version": 3, "answer": "the log of calls says so"}, subject=subject, id="ac10", actor="coordinator:cora")])  # fmt: skip
    assert "the log of calls says so" in browser.get(f"/relationships/{subject}").words
    assert "settled" in browser.words


def test_a_form_acts_for_nobody_else(used: Served) -> None:
    """Whoever the page is told to be, the actor is the person who signed in."""
    subject = proposed(used, 11)
    browser = used.browser("ana").get(f"/relationships/{subject}/do/ReportProblem")
    browser.post(
        f"/relationships/{subject}/do/ReportProblem", filled(browser) | {"description": "d", "actor": "mentor:ben"}
    )
    assert used.rapport.store.read(subject)[-1].actor == str(Actor("mentee", "ana"))


@pytest.mark.parametrize("csrf", [None, "forged"])
def test_a_command_without_the_sessions_token_is_not_sent(used: Served, csrf: str | None) -> None:
    subject = proposed(used, 12 if csrf is None else 13)
    browser = used.browser("ana").get(f"/relationships/{subject}/do/ReportProblem")
    before = state(used, subject)
    browser.post(f"/relationships/{subject}/do/ReportProblem", {"description": "d"}, csrf=csrf)
    assert (browser.status, state(used, subject)) == (403, before)


def filled(browser: Browser) -> dict[str, Any]:
    """The fields of the form on a page that have a value, as a browser would send them."""
    found: dict[str, Any] = {}
    form = browser.text.partition('class="stack"')[2]
    for tag in re.findall(r"<input[^>]*>", form):
        attributes = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if attributes.get("type") not in {"checkbox", "radio"} or " checked" in tag:
            found.setdefault(attributes["name"], []).append(attributes.get("value", ""))
    for name, options in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        if chosen := re.search(r'value="([^"]*)" selected', options):
            found[name] = [chosen[1]]
    found.pop("csrf", None)
    return found


def token(browser: Browser) -> str:
    match = re.search(r'name="csrf" value="([^"]+)"', browser.text)
    assert match
    return match[1]


def test_what_took_place_before_the_end_may_still_be_told_with_its_time(used: Served) -> None:
    subject = proposed(used, 20)
    told_of = {"subject": subject}
    used.tell(
        [
            line("ActivateRelationship", {}, id="a20", time="2026-03-02T10:00:00Z", **told_of),
            line("ScheduleSession", {"session_id": "s1", "starts_at": "2026-03-04T10:00:00Z", "channel": "platform"}, id="s20", time="2026-03-02T11:00:00Z", **told_of),
            line("TerminateRelationship", {"reason": "mentee_choice", "informed": ["mentee", "mentor"], "next_steps": "none"}, id="t20", time="2026-03-05T10:00:00Z", **told_of),
        ]
    )  # fmt: skip
    path = f"/relationships/{subject}/do/RecordNoShow"
    browser = used.browser("cora").get(f"{path}?session_id=s1")
    assert 'name="happened_at" type="datetime-local" value="2026-03-04T10:00"' in browser.text
    form = filled(browser) | {"absent": "mentor"}
    browser.post(path, form | {"happened_at": ""})
    assert "with the time at which it happened" in browser.words
    browser.post(path, form | {"message_id": "another"})
    assert "Recorded." in browser.words
    assert used.rapport.store.read(subject)[-1].occurred_at.isoformat() == "2026-03-04T10:00:00+00:00"


def test_parties_know_one_another_by_name_and_strangers_do_not(used: Served) -> None:
    subject = proposed(used, 30, mentee_id="nameda", mentor_id="ben", line_manager_id="lina")
    used.tell(
        [
            line("RegisterPerson", {"display_name": "Ada Named", "email": "canary@example.org"}, subject="person:nameda", id="n1", actor="mentee:nameda"),
            line("RegisterPerson", {"display_name": "Otto Other"}, subject="person:other", id="n2", actor="mentee:other"),
        ]
    )  # fmt: skip
    for id_ in ("ben", "lina", "cora"):
        got = used.browser(id_).get(f"/relationships/{subject}")
        assert "Ada Named" in got.words, id_
        assert "canary@example.org" not in got.text
    assert "Ada Named" in used.browser("ben").get("/relationships").words
    assert "Otto Other" not in used.browser("ben").get("/relationships").words
    kept = reads_of(used.rapport.store.database, "person:nameda")
    assert {"mentor:ben", "line_manager:lina", "coordinator:cora"} == {each.reader for each in kept}
    assert {each.data_class for each in kept} == {"identity"}


def test_a_form_suggests_what_the_relationship_says(used: Served) -> None:
    subject = proposed(used, 31)
    told_of = {"subject": subject}
    used.tell(
        [
            line("ActivateRelationship", {}, id="a31", time="2026-03-02T10:00:00Z", **told_of),
            line("ScheduleSession", {"session_id": "s1", "starts_at": "2026-03-04T10:00:00Z", "minutes": 45, "channel": "platform"}, id="s31", time="2026-03-02T11:00:00Z", **told_of),
        ]
    )  # fmt: skip
    browser = used.browser("ana").get(f"/relationships/{subject}/do/CompleteSession")
    form = filled(browser)
    assert (form["session_id"], form["started_at"], form["ended_at"]) == (
        ["s1"],
        ["2026-03-04T10:00"],
        ["2026-03-04T10:45"],
    )
    browser.post(f"/relationships/{subject}/do/CompleteSession", form)
    assert "Recorded." in browser.words


def test_who_may_not_know_which_homework_was_given_has_no_list_of_it() -> None:
    sealed = {"sealed": "session_content", "clause": None}
    given = {"type": "rapport.HomeworkAssigned", "data": {"homework_id": sealed}, "occurred_at": "2026-03-01T09:00:00Z"}
    assert homework([given, {"type": None, "data": None, "occurred_at": "2026-03-01T09:00:00Z"}]) == []
