"""Forms that people fill in: what may be left out, what they choose from, and that each task can be settled by whoever has it."""

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import pytest

from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.loop import work_off
from infra.worker_runtime.runner import Runner
from tests.infra.web.browsing import DEMO, Served, serving_pages
from tests.infra.web.test_relationship import filled, proposed
from tests.messages import line

OTTO = '[[person]]\nid = "otto"\nname = "Otto"\nroles = ["coordinator"]\n'


@pytest.fixture(scope="module")
def used() -> Iterator[Served]:
    """The app with relationships that tests change: each takes one of its own."""
    with (
        TemporaryDirectory() as folder,
        serving_pages(Path(folder), demo=DEMO + OTTO, clock="2026-03-16T09:00:00Z") as served,
    ):
        yield served


def active(served: Served, number: int, *codes: str) -> str:
    """A relationship under way with a session that was to take place on 4 March."""
    subject = proposed(served, number, *codes)
    tell(served, subject, "ActivateRelationship", {}, "02T10:00")
    tell(served, subject, "ScheduleSession", {"session_id": "s1", "starts_at": "2026-03-04T10:00:00Z", "channel": "platform"}, "02T11:00")  # fmt: skip
    return subject


def tell(
    served: Served, subject: str, type_: str, data: dict[str, Any], at: str, actor: str = "coordinator:cora"
) -> None:
    id_ = f"{type_}-{subject}-{at}"
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
