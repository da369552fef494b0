"""Forms that people fill in: what may be left out, what they choose from, and that each task can be settled by whoever has it."""

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import pytest

from domain.relationship.gates import GATES, Gate
from domain.relationship.permissions import may_send
from infra.web.relationship import contests, homework
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.loop import work_off
from infra.worker_runtime.runner import Runner
from tests.infra.web.browsing import DEMO, Browser, Served, serving_pages
from tests.infra.web.test_relationship import filled, proposed
from tests.messages import line

PEOPLE = '[[person]]\nid = "otto"\nname = "Otto"\nroles = ["coordinator"]\n[[person]]\nid = "moe"\nname = "Moe"\nroles = ["mentor"]\n'


@pytest.fixture(scope="module")
def used() -> Iterator[Served]:
    """The app with relationships that tests change: each takes one of its own."""
    with (
        TemporaryDirectory() as folder,
        serving_pages(Path(folder), demo=DEMO + PEOPLE, clock="2026-03-16T09:00:00Z") as served,
    ):
        yield served


def active(served: Served, number: int, *codes: str) -> str:
    """A relationship under way with a session that was to take place on 4 March."""
    subject = proposed(served, number, *codes)
    if "pentalog" in codes:
        for role, id_ in (("mentee", "ana"), ("mentor", "ben")):
            tell(served, subject, "StateTrustReadiness", {"ready": True}, "02T09:30", f"{role}:{id_}")
        goal = {"goal_id": "g1", "title": "t", "type": "career", "source": "mentee", "agreed_by": ["mentee", "mentor"]}
        tell(served, subject, "AgreeGoal", goal, "02T09:30")
    tell(served, subject, "ActivateRelationship", {}, "02T10:00")
    tell(served, subject, "ScheduleSession", {"session_id": "s1", "starts_at": "2026-03-04T10:00:00Z", "channel": "platform"}, "02T11:00")  # fmt: skip
    return subject


def tell(
    served: Served, subject: str, type_: str, data: dict[str, Any], at: str, actor: str = "coordinator:cora"
) -> None:
    id_ = f"{type_}-{subject}-{at}-{actor}"
    served.tell([line(type_, data, subject=subject, id=id_, time=f"2026-03-{at}:00Z", actor=actor)])


def work(served: Served) -> None:
    rapport = served.rapport
    assert work_off(Runner(rapport.store, rapport.handler, Horizon(rapport.clock, None)), Event())


def data_of_last(served: Served, subject: str) -> dict[str, Any]:
    data: dict[str, Any] = served.rapport.store.read(subject)[-1].data.model_dump(exclude_none=True)
    return data


def options(text: str, name: str) -> list[str]:
    """What a form offers in a field."""
    field = re.search(rf'<select [^>]*name="{name}"[^>]*>(.*?)</select>', text, re.DOTALL)
    assert field, f"there is no field {name}"
    return [value for value in re.findall(r'value="([^"]*)"', field[1]) if value]


def test_what_is_left_blank_is_left_out(used: Served) -> None:
    subject = active(used, 301)
    browser = used.browser("cora").get(f"/relationships/{subject}/do/ReviewRelationship")
    form = filled(browser) | {"note": "all well", "next_steps": " "}
    browser.post(f"/relationships/{subject}/do/ReviewRelationship", form)
    assert "Recorded." in browser.words, browser.words
    assert "next_steps" not in data_of_last(used, subject)


def test_a_topic_is_set_by_whoever_fills_in_the_form(used: Served) -> None:
    subject = active(used, 302)
    path = f"/relationships/{subject}/do/CompleteSession"
    browser = used.browser("ben").get(path)
    browser.post(path, filled(browser) | {"agenda.0.topic": "a plan", "agenda.0.minutes": "30"})
    assert "Recorded." in browser.words, browser.words
    agenda = data_of_last(used, subject)["agenda"]
    assert [(item["topic"], item["set_by"]) for item in agenda] == [("a plan", "mentor")]


def test_a_session_that_was_told_wrong_is_put_right_or_never_took_place(used: Served) -> None:
    subject = active(used, 303)
    tell(used, subject, "RecordNoShow", {"session_id": "s1", "absent": ["mentee"]}, "04T11:00", "mentor:ben")
    version = len(used.rapport.store.read(subject))
    path = f"/relationships/{subject}/do/CorrectFact"
    browser = used.browser("cora").get(f"{path}?version={version}")
    assert options(browser.text, "session_id") == ["s1"]
    assert filled(browser)["session_id"] == ["s1"]
    assert re.search(r'<button [^>]*name="void" value="yes" formnovalidate', browser.text)
    browser.post(path, filled(browser) | {"correction_reason": "wrong relationship", "void": "yes", "session_id": ""})
    assert "Recorded." in browser.words, browser.words
    assert data_of_last(used, subject)["void"] is True


def test_without_an_entry_the_form_that_puts_right_asks_for_one(used: Served) -> None:
    subject = active(used, 304)
    tell(used, subject, "RecordContact", {"channel": "email"}, "05T11:00", "mentee:ana")
    browser = used.browser("cora").get(f"/relationships/{subject}/do/CorrectFact")
    assert options(browser.text, "version") == ["4"]
    assert "is the whole data of its command" not in browser.words
    assert '<form method="get"' in browser.text


def test_a_contest_leads_to_the_fact_and_to_its_answer(used: Served) -> None:
    subject = active(used, 305)
    tell(used, subject, "RecordContact", {"channel": "email"}, "05T11:00", "mentee:ana")
    tell(used, subject, "ContestFact", {"version": 4, "reason": "no"}, "06T11:00", "mentor:ben")
    work(used)
    text = used.browser("cora").get(f"/relationships/{subject}").text
    assert f"/relationships/{subject}/do/CorrectFact?version=4" in text
    assert f"/relationships/{subject}/do/AnswerContest?version=5" in text


def test_tasks_offer_what_the_reader_may_send_and_name_whom_to_ask_for_the_rest(used: Served) -> None:
    subject = active(used, 306)
    work(used)
    browser = used.browser("cora").get("/")
    for address in re.findall(r'<a class="button[^"]*" href="(/[^"]+/do/[^"]+)"', browser.text):
        assert used.browser("cora").get(address).status == 200, address
    card = browser.get(f"/relationships/{subject}").words
    assert "Tell how a session went: ask mentee, mentor" in card, card


def test_an_erasure_that_somebody_asked_for_is_carried_out_on_the_pages(used: Served) -> None:
    proposed(used, 307, mentee_id="erin")
    used.tell(
        [line("RegisterPerson", {"display_name": "Erin"}, subject="person:erin", id="erin-1", actor="mentee:erin")]
    )
    used.tell([line("RequestErasure", {"person": "erin", "basis": "objection"}, subject="person:erin", id="erin-2", actor="mentee:erin")])  # fmt: skip
    work(used)
    assert "Decide on a request for erasure" not in used.browser("dora").get("/").words
    path = "/subjects/person:erin/do/ErasePersonalData"
    one_programme = used.browser("cora").get("/")
    assert "Carry an erasure out: ask a coordinator of all programmes" in one_programme.words
    assert path not in one_programme.text
    browser = used.browser("otto").get("/")
    assert path in browser.text
    browser.get(path)
    form = filled(browser)
    assert (form["person"], form["request"]) == (["erin"], ["2"])
    browser.post(path, form)
    assert "Recorded." in browser.words, browser.words
    assert type(used.rapport.store.read("person:erin")[-1].data).__name__ == "PersonalDataErased"


def test_a_match_that_follows_another_is_proposed_with_what_that_one_says(used: Served) -> None:
    followed = proposed(used, 308, "cmn", mentee_id="fay", mentor_id="gil", customer_id="carl")
    browser = used.browser("cora").get(f"/relationships/new?follows={followed}")
    form = filled(browser)
    assert (form["programme_id"], form["mentee_id"], form["customer_id"]) == (["telling"], ["fay"], ["carl"])
    assert form["follows"] == [followed]
    assert re.search(r'value="cmn" checked', browser.text)
    people = re.search(r'<datalist id="f-mentor_id-list">(.*?)</datalist>', browser.text)
    assert people
    assert '<option value="gil">' in people[1]
    browser.post("/relationships/new", form | {"mentor_id": "ben", "codes": ["cmn"]})
    assert "Recorded." in browser.words, browser.words


def test_a_new_match_asks_its_mentor_first_and_says_what_was_answered(used: Served) -> None:
    subject = proposed(used, 309, mentor_id="moe")
    browser = used.browser("moe").get("/")
    assert "Answer the proposed match" in browser.words
    assert f"/relationships/{subject}/do/RespondToMatch" in browser.text
    browser.get(f"/relationships/{subject}")
    assert buttons(browser.text)[0] == "RespondToMatch"
    tell(used, subject, "RespondToMatch", {"accept": False}, "03T09:00", "mentor:moe")
    browser.get(f"/relationships/{subject}")
    assert "said no to the match" in browser.words
    assert "ScheduleSession" not in buttons(browser.text)
    assert "Answer the proposed match" not in browser.get("/").words
    assert "said no to the match" in used.browser("cora").get(f"/relationships/{subject}").words


def start_with(browser: Browser, subject: str) -> Browser:
    """The page of the start that has a relationship."""
    return next(
        browser for number in range(1, 20) if f'href="/relationships/{subject}"' in browser.get(f"/?page={number}").text
    )


def test_a_start_page_says_what_comes_next_and_what_was_asked(used: Served) -> None:
    subject = active(used, 310, "pentalog")
    tell(used, subject, "ScheduleSession", {"session_id": "s2", "starts_at": "2026-04-01T10:00:00Z", "channel": "virtual_meeting"}, "05T09:00")  # fmt: skip
    tell(used, subject, "RequestNps", {"respondent": "mentor", "occasion": "mid"}, "05T09:01")
    tell(used, subject, "RequestFeedback", {"respondent": "mentor", "occasion": "mid", "questions": ["pentalog.attention"]}, "05T09:02")  # fmt: skip
    tell(used, subject, "RecordNoShow", {"session_id": "s1", "absent": ["mentee"]}, "05T10:00", "mentor:ben")
    browser = start_with(used.browser("ben"), subject)
    card = browser.text.partition(f'href="/relationships/{subject}"')[2].partition("</li>")[0]
    assert "2026-04-01 10:00 UTC" in card
    assert "Give feedback: midway" in card
    path = f"/relationships/{subject}/do/RespondToNps"
    assert f"{path}?occasion=mid" in card
    browser.get(f"{path}?occasion=mid")
    assert options(browser.text, "score") == [str(score) for score in range(10, -1, -1)]
    browser.post(path, filled(browser) | {"score": "9"})
    assert "Recorded." in browser.words, browser.words
    assert (
        path
        not in start_with(browser, subject).text.partition(f'href="/relationships/{subject}"')[2].partition("</li>")[0]
    )


def test_what_a_match_lacks_leads_to_who_can_do_it(used: Served) -> None:
    subject = proposed(used, 311, "cmn", "nottingham")
    browser = used.browser("ben").get(f"/relationships/{subject}")
    gates = browser.text.partition('id="gates"')[2].partition("</section>")[0]
    assert f'href="/relationships/{subject}/do/AcceptTerms"' in gates
    assert "can be done by" in gates
    assert "ConfirmMentorTraining" not in gates
    office = used.browser("cora").get(f"/relationships/{subject}")
    assert f'href="/relationships/{subject}/do/ConfirmMentorTraining"' in office.text
    assert "ActivateRelationship" not in buttons(office.text)
    assert "something else has to come first" in office.words


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.clauses[0])
def test_whoever_can_meet_a_gate_may_send_its_command(gate: Gate) -> None:
    assert (gate.command is None) == (not gate.by)
    if gate.command is not None:
        assert set(gate.by) & may_send(gate.command)


def test_what_has_ended_offers_no_session_first(used: Served) -> None:
    subject = active(used, 312)
    tell(used, subject, "TerminateRelationship", {"reason": "mentee_choice", "informed": ["mentee", "mentor"], "next_steps": "none"}, "06T10:00")  # fmt: skip
    for id_ in ("ana", "cora"):
        shown = buttons(used.browser(id_).get(f"/relationships/{subject}").text)
        assert not {"ScheduleSession", "RescheduleSession", "CompleteSession"} & set(shown), shown


def test_a_time_that_is_over_is_asked_about_before_a_session_is_moved_to_it(used: Served) -> None:
    subject = active(used, 313)
    path = f"/relationships/{subject}/do/RescheduleSession"
    browser = used.browser("cora").get(f"{path}?session_id=s1")
    version = len(used.rapport.store.read(subject))
    form = filled(browser) | {"session_id": "s1", "starts_at": "2026-03-05T10:00", "reason": "ill"}
    browser.post(path, form)
    assert "This is in the past." in browser.words
    assert len(used.rapport.store.read(subject)) == version
    browser.post(path, filled(browser) | {"reason": "ill"})
    assert "This is in the past." not in browser.words


def test_how_a_session_went_is_told_of_those_that_began(used: Served) -> None:
    subject = active(used, 314)
    tell(used, subject, "ScheduleSession", {"session_id": "s2", "starts_at": "2026-04-01T10:00:00Z", "channel": "platform"}, "05T09:00")  # fmt: skip
    browser = used.browser("ana").get(f"/relationships/{subject}/do/CompleteSession")
    assert options(browser.text, "session_id") == ["s1"]
    text = browser.get(f"/relationships/{subject}").text
    assert "CompleteSession?session_id=s1" in text
    assert "CompleteSession?session_id=s2" not in text
    assert "RescheduleSession?session_id=s2" in text


def test_homework_is_chosen_by_what_was_given(used: Served) -> None:
    subject = active(used, 315)
    times = {"started_at": "2026-03-04T10:00:00Z", "ended_at": "2026-03-04T11:00:00Z"}
    told = {"session_id": "s1", "present": ["mentee", "mentor"], "joined": {}, "agenda": [], **times}
    tell(used, subject, "CompleteSession", told, "04T11:00", "mentee:ana")
    homework = {
        "session_id": "s1",
        "homework_id": "h1",
        "description": "read the book",
        "due_at": "2026-04-01T10:00:00Z",
    }
    tell(used, subject, "AssignHomework", homework, "05T09:00", "mentor:ben")
    browser = used.browser("ana").get(f"/relationships/{subject}/do/ReportHomework")
    assert "read the book" in browser.words


def test_parties_read_names_in_lists_and_in_the_time_machine(used: Served) -> None:
    subject = proposed(used, 316, mentor_id="nora")
    used.tell([line("RegisterPerson", {"display_name": "Nora Named"}, subject="person:nora", id="nora-1", actor="mentor:nora")])  # fmt: skip
    browser = used.browser("ana")
    assert "Nora Named" in start_with(browser, subject).words
    for path in ("/relationships", f"/relationships/{subject}", f"/relationships/{subject}/time"):
        assert "Nora Named" in browser.get(path).words, path


def test_right_after_something_was_recorded_tasks_say_that_they_follow(used: Served) -> None:
    subject = active(used, 317)
    work(used)
    path = f"/relationships/{subject}/do/RecordContact"
    browser = used.browser("cora").get(path)
    browser.post(path, filled(browser) | {"channel": "email"})
    assert "leaves this list within seconds" in browser.words
    assert "leaves this list within seconds" not in browser.get(f"/relationships/{subject}").words


def test_whoever_may_not_know_which_homework_or_fact_it_is_has_the_page_without_it() -> None:
    sealed = {"sealed": "session_content", "clause": None}
    kinds = {"HomeworkAssigned": "homework_id", "HomeworkReported": "homework_id", "FactContested": "version"}
    entries = [
        {"version": number, "type": f"rapport.{kind}", "occurred_at": None, "actor": None, "data": {name: sealed}}
        for number, (kind, name) in enumerate(kinds.items(), start=1)
    ]
    assert (homework(entries), contests(entries, ())) == ([], [])


def buttons(text: str) -> list[str]:
    """The commands that a relationship's page offers first."""
    section = text.partition('aria-labelledby="can"')[2].partition("<details>")[0]
    return re.findall(r'<a class="button" href="[^"]*/do/(\w+)"', section)
