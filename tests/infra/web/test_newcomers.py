"""What people who use a page for the first time stumbled over, each so that it does not come back."""

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from domain.registry import COMMANDS
from infra.web.command_words import about
from tests.infra.web.browsing import DEMO, Browser, Served, serving_pages
from tests.infra.web.test_forms import active, options, tell
from tests.infra.web.test_relationship import filled, proposed


@pytest.fixture(scope="module")
def used() -> Iterator[Served]:
    with TemporaryDirectory() as folder, serving_pages(Path(folder), demo=DEMO, clock="2026-03-16T09:00:00Z") as served:
        yield served


def label_of(browser: Browser, name: str) -> str:
    found = re.search(rf'<label for="f-{name}">(.*?)</label>', browser.text, re.DOTALL)
    assert found, browser.words
    return found[1]


def test_who_confirms_or_contests_an_entry_sees_what_it_says(used: Served) -> None:
    subject = proposed(used, 501, "cmn")
    tell(used, subject, "AgreePlan", {"sessions": 4, "minutes": 45, "every_days": 20, "starts_on": "2026-03-05", "ends_on": "2026-09-01", "channel": "platform"}, "02T09:40", "mentor:ben")  # fmt: skip
    version = used.rapport.store.read(subject)[-1].version
    for command in ("ConfirmAgreement", "ContestFact"):
        browser = used.browser("ana").get(f"/relationships/{subject}/do/{command}?version={version}")
        assert f"Plan agreed ({version})" in browser.words
        assert "45" in browser.words
        assert f'<input type="hidden" name="version" value="{version}">' in browser.text
        assert "ben (mentor)" in browser.words
        leads_on = f"/do/ContestFact?version={version}" in browser.text
        assert leads_on == (command == "ConfirmAgreement")
    browser.post(f"/relationships/{subject}/do/ContestFact", filled(browser) | {"reason": "we said 60"})
    assert "Recorded." in browser.words
    contest = used.rapport.store.read(subject)[-1].version
    office = used.browser("cora").get(f"/relationships/{subject}/do/AnswerContest?version={contest}")
    assert f"Fact contested ({contest})" in office.words
    assert f"Plan agreed ({version})" in office.words


def test_an_entry_that_is_not_there_is_chosen_from_a_list(used: Served) -> None:
    subject = proposed(used, 502, "cmn")
    browser = used.browser("ana").get(f"/relationships/{subject}/do/ContestFact?version=999")
    assert options(browser.text, "version")


def test_a_document_with_a_version_of_its_own_is_no_contest(used: Served) -> None:
    subject = proposed(used, 503, "cmn")
    tell(used, subject, "AcceptTerms", {"document": "privacy_policy", "version": "1"}, "02T09:40", "mentee:ana")
    version = used.rapport.store.read(subject)[-1].version
    browser = used.browser("ana").get(f"/relationships/{subject}/do/ContestFact?version={version}")
    assert browser.status == 200
    assert browser.words.count(f"({version})") == 1


def test_a_consent_is_withdrawn_of_those_that_were_given(used: Served) -> None:
    subject = active(used, 504)
    tell(used, subject, "GrantConsent", {"data_class": "goals", "audience": "supplier"}, "03T09:00", "mentee:ana")
    browser = used.browser("ana").get(f"/relationships/{subject}/do/WithdrawConsent")
    assert options(browser.text, "data_class") == ["goals"]
    assert options(browser.text, "audience") == ["supplier"]
    assert 'name="until"' not in browser.text
    browser.post(f"/relationships/{subject}/do/WithdrawConsent", filled(browser) | {"data_class": "goals", "audience": "supplier"})  # fmt: skip
    assert "Recorded." in browser.words
    # Nobody needs their own consent.
    granting = used.browser("ana").get(f"/relationships/{subject}/do/GrantConsent")
    assert "mentee" not in options(granting.text, "audience")


@pytest.mark.parametrize("command, codes, required", [("PauseRelationship", (), True), ("PostponeRelationship", ("cmn",), True), ("PostponeRelationship", (), False)])  # fmt: skip
def test_next_steps_are_asked_for_where_the_rules_want_them(
    used: Served, command: str, codes: tuple[str, ...], required: bool
) -> None:
    number = 510 + len(command) + 2 * len(codes)
    subject = active(used, number, *codes) if command == "PauseRelationship" else proposed(used, number, *codes)
    browser = used.browser("cora").get(f"/relationships/{subject}/do/{command}")
    assert ("if you like" not in label_of(browser, "next_steps")) == required
    assert bool(re.search(r'<textarea id="f-next_steps" name="next_steps" required', browser.text)) == required


def test_an_end_under_cmn_says_when_next_steps_are_needed_and_holds_nobody_up(used: Served) -> None:
    subject = proposed(used, 505, "cmn")
    browser = used.browser("cora").get(f"/relationships/{subject}/do/TerminateRelationship")
    assert "Needed, unless it ends because of how somebody was treated." in browser.words
    assert "if you like" not in label_of(browser, "next_steps")
    assert not re.search(r'name="next_steps" required', browser.text)
    browser.post(f"/relationships/{subject}/do/TerminateRelationship", filled(browser) | {"reason": "disrespect", "informed": ["mentee", "mentor"]})  # fmt: skip
    assert "Recorded." in browser.words, browser.words


def test_a_session_that_has_begun_is_neither_moved_nor_cancelled(used: Served) -> None:
    subject = active(used, 506)
    tell(used, subject, "ScheduleSession", {"session_id": "s2", "starts_at": "2026-03-30T10:00:00Z", "channel": "platform"}, "05T11:00")  # fmt: skip
    for id_, offered in (("cora", {"RecordNoShow"}), ("ana", {"CompleteSession", "RecordNoShow"})):
        text = used.browser(id_).get(f"/relationships/{subject}").text
        table = text.partition('aria-label="Table of sessions"')[2].partition("</table>")[0]
        assert set(re.findall(r"/do/(\w+)\?session_id=s1", table)) == offered
        assert set(re.findall(r"/do/(\w+)\?session_id=s2", table)) == {"RescheduleSession", "CancelSession"}


def test_only_what_the_reader_may_tell_of_a_session_is_linked(used: Served) -> None:
    subject = active(used, 507)
    browser = used.browser("cora").get(f"/relationships/{subject}")
    assert "/do/CompleteSession" not in browser.text
    assert "Whether it took place is for mentee and mentor to tell" in browser.words


@pytest.mark.parametrize("language, said", [("en", "with “Tell how a session went” or “Record that somebody stayed away”"), ("de", "„")])  # fmt: skip
def test_a_refusal_calls_commands_what_their_forms_are_called(used: Served, language: str, said: str) -> None:
    subject = active(used, 508 if language == "en" else 509)
    browser = used.browser("cora")
    browser.cookies["rapport_language"] = language
    path = f"/relationships/{subject}/do/CancelSession"
    browser.get(path).post(path, filled(browser) | {"session_id": "s1", "reason": "ill"})
    assert said in browser.words, browser.words
    assert not any(name in browser.words for name in COMMANDS)


def test_what_feedback_is_about_is_no_class_of_data(used: Served) -> None:
    subject = active(used, 520)
    browser = used.browser("ana").get(f"/relationships/{subject}/do/GiveFeedback")
    assert ">process</option>" in browser.text


@pytest.mark.parametrize("name", COMMANDS)
def test_no_form_speaks_of_its_reader_as_an_actor(name: str) -> None:
    assert not re.search(r"\b(actor|message|subject)\b", about(COMMANDS[name]))


def test_an_empty_store_says_what_to_do(tmp_path: Path) -> None:
    with serving_pages(tmp_path, demo=DEMO, clock="2026-03-16T09:00:00Z") as served:
        cora, ana = served.browser("cora"), served.browser("ana")
        assert '/relationships/new">Propose a relationship</a>' in cora.get("/").text
        assert "propose the first one" in cora.get("/relationships").words
        assert "There is none like this." in cora.get("/relationships?state=active").words
        assert "once the office has proposed one" in ana.get("/relationships").words
        data = ana.get("/mine/data")
        assert data.status == 200
        assert "Nothing is recorded of you yet." in data.words


def test_the_time_machine_says_in_its_list_which_clause_withholds_an_entry(used: Served) -> None:
    subject = active(used, 521, "pentalog")
    tell(used, subject, "ReportDisrespect", {"against": "mentor", "description": "rude"}, "05T09:00", "mentee:ana")
    text = used.browser("ben").get(f"/relationships/{subject}/time").text
    entries = text.partition('<ol class="timeline">')[2].partition("</ol>")[0]
    withheld = next(entry for entry in entries.split("</li>") if ">withheld<" in entry)
    assert re.search(r'href="/codes/[a-z0-9]+\.[a-z-]+"', withheld), withheld
