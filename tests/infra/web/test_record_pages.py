"""The pages about the record: every one as every role, in this process. What the matrix hides is in none of them."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import sleep
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from infra.access.tokens import issue
from infra.evidence.audit import audit
from infra.intake.message import Message, parse
from infra.web import verification
from infra.web.drawing import in_language
from infra.web.figures import FIGURES, Answers
from infra.web.page import environment
from infra.web.statechart import drawing
from infra.web.what_if import OF_HEALTH
from infra.web.wording import closed_fields
from tests.infra.http import telling
from tests.infra.web.browsing import Browser, Served, serving_pages
from tests.messages import relationship_id

IDS = {**telling.PARTIES, **telling.HOUSE}
PEOPLE = tuple(sorted(set(IDS) - {"service"}))
TIME = f"/relationships/{telling.REPORTED}/time"
# Each page and the roles that it is for.
READERS = {"mentee", "mentor", "customer", "supplier", "coordinator", "hr", "auditor"}
FIGURES_FOR = {"analyst", "coordinator", "supplier"}
PAGES: dict[str, set[str]] = {
    "/codes": set(PEOPLE),
    "/codes/pentalog.trust": set(PEOPLE),
    f"/codes?relationship={telling.REPORTED}": READERS | {"line_manager"},
    TIME: READERS,
    f"{TIME}?clock=recorded&step=3": READERS,
    f"{TIME}?clock=occurred&step=2&event=5": READERS,
    "/what-if": {"coordinator", "supplier"},
    "/what-if?term=points_no_next_session&value=90": {"coordinator", "supplier"},
    "/audit": {"auditor"},
    "/audit/reads": {"auditor"},
    "/audit/attempts": {"auditor"},
    "/audit/checkpoint": {"auditor", "coordinator"},
    "/programme": FIGURES_FOR,
    **{f"/programme/figures/{name}": FIGURES_FOR for name, figure in FIGURES.items() if not figure.of_all},
    "/programme/figures/survival/rows": FIGURES_FOR,
    "/programme/data/relationships": FIGURES_FOR,
    "/programme/data/timeline?form=csv": FIGURES_FOR,
}
# What parties read in the event that is opened: how what is agreed is shared, by the matrix.
OPENED = {role: {f"{telling.CANARY} how", f"{telling.CANARY} when"} for role in ("mentee", "mentor", "supplier")}


@pytest.mark.parametrize("role", PEOPLE)
def test_every_page_is_for_its_roles_is_small_and_holds_nobodys_words(told: Served, role: str) -> None:
    browser = told.browser(IDS[role])
    for path, roles in PAGES.items():
        got = browser.get(path)
        assert (got.status == 200) == (role in roles), (role, path, got.status, got.words)
        assert got.status in {200, 403, 404}, (role, path)
        found = set(re.findall(rf"{telling.CANARY} \w+", got.text))
        assert found == (OPENED.get(role, set()) if "event=" in path else set()), (role, path)
        assert len(got.text.encode()) < 100_000, (role, path, len(got.text))


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_asked_to_sign_in(told: Served, path: str) -> None:
    assert told.browser().get(path).path.startswith("/sign-in?next=")


@pytest.mark.parametrize("id_", [telling.UNKNOWN, telling.REPORTED, "programme:telling", "0"])
@pytest.mark.parametrize("page", ["/relationships/{}/time", "/codes?relationship={}", "/audit/bundle?relationship={}"])
def test_what_somebody_does_not_stand_in_is_answered_like_what_does_not_exist(
    told: Served, page: str, id_: str
) -> None:
    got = told.browser("dora").get(page.format(id_))
    nothing = told.browser("dora").get(page.format(telling.UNKNOWN))
    assert (got.status, got.words) == (404, nothing.words)


# --- time machine --------------------------------------------------------------------------------------------------
def test_each_step_shows_the_state_that_there_was(told: Served) -> None:
    browser = told.browser("cora")
    assert "State contracting" in browser.get(f"{TIME}?clock=occurred&step=1").words
    assert "State active" in browser.get(TIME).words
    last = re.search(r'max="(\d+)"', browser.text)
    assert last is not None
    assert f"step {last[1]} of {last[1]}" in browser.get(f"{TIME}?step=99999").words


def test_a_day_is_jumped_to_and_the_last_step_is_now(told: Served) -> None:
    browser = told.browser("cora")
    assert "now, step" in browser.get(TIME).words
    assert "2026-03-20 09:00 UTC" in browser.words
    assert "State contracting" in browser.get(f"{TIME}?on=2026-03-02").words
    assert "2026-03-02 23:59 UTC" in browser.words
    assert "State active" in browser.get(f"{TIME}?on=2026-03-03").words
    assert "There was no relationship yet." in browser.get(f"{TIME}?on=2026-02-01").words
    assert browser.get(f"{TIME}?on=2026-13-41").status == 400


def test_an_event_that_a_link_names_is_open_and_says_what_else_is_about_it(told: Served) -> None:
    browser = told.browser("cora").get(f"/relationships/{telling.REPORTED}/events?open=4")
    assert len(re.findall(r"<details open>", browser.text)) == 1
    assert re.search(r'id="v4"(?:(?!</li>).)*<details open>', browser.text, re.DOTALL)
    assert not re.search(r">[^<]*\d{4}-\d\d-\d\dT\d\d:\d\d[^<]*<", browser.text)


def test_an_event_says_who_when_what_and_its_place_in_the_tree(told: Served) -> None:
    browser = told.browser("cora").get(f"{TIME}?event=4")
    event = browser.words[browser.words.index("Event 4: Goal agreed") :]
    assert "By cora (coordinator)" in event
    assert re.search(r"leaf \d+ of \d+, proved by \d+ hashes", event)
    # The words are not shown, and what hides them is named.
    assert "not shown: goals" in event


def test_what_was_reported_in_confidence_is_withheld_from_who_may_not_know_and_is_no_link(told: Served) -> None:
    reported = _versions(told.browser("cora").get(TIME), "Disrespect reported")
    assert reported
    browser = told.browser("carl").get(TIME)
    assert "isrespect reported" not in browser.text
    assert set(reported) <= set(_versions(browser, "withheld"))
    opened = browser.get(f"{TIME}?event={reported[0]}")
    assert "What happened here is confidential by itself." in opened.words
    assert "isrespect reported" not in opened.text


def _versions(browser: Browser, word: str) -> list[int]:
    return [int(version) for version in re.findall(rf'<li value="(\d+)"[^>]*>\s*<a [^>]*>{word}</a>', browser.text)]


@pytest.mark.parametrize("id_", ["cora", "ana", "ada"])
def test_the_button_verifies_the_relationship(told: Served, id_: str) -> None:
    browser = told.browser(id_).get(TIME)
    assert "It is whole." not in browser.words
    browser.post(f"{TIME}/verify?clock=occurred&step=1", {})
    assert browser.status == 200
    assert "It is whole." in browser.words


def test_a_relationship_is_verified_once_for_several_askers_and_anew_once_something_happened(
    told: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[str] = []

    def counted(*given: Any, **more: Any) -> Any:
        runs.append(given[3])
        return audit(*given, **more)

    monkeypatch.setattr(verification, "audit", counted)
    told.client.app.state.checks = verification.OneByOne()  # type: ignore[attr-defined]
    for id_ in ("cora", "ana", "cora"):
        assert "It is whole." in told.browser(id_).get(TIME).post(f"{TIME}/verify", {}).words
    assert runs == [telling.REPORTED]


def test_what_people_wrote_is_said_as_they_wrote_it() -> None:
    assert {"kind", "status", "type", "data_class", "agreed_by"} <= closed_fields()
    assert closed_fields().isdisjoint({"title", "text", "how", "when", "description", "programme_id", "reason_given"})
    found = environment("de").from_string(
        "{% from 'values.html.j2' import value with context %}{{ value({'title': words, 'type': words}) }}"
    )
    shown = found.render(words="goal_agreed", zone=None, url=str)
    assert ">goal_agreed</bdi>" in shown
    assert "<dd>goal agreed" in " ".join(shown.split())


def test_figures_and_charts_are_kept_by_no_browser_and_made_once_for_those_who_ask_together(told: Served) -> None:
    browser = told.browser("cora")
    for path in ("figures/bands/rows", "charts/bands", "data/relationships?form=csv", "figures/bands"):
        got = browser.get(f"/programme/{path}")
        assert (got.status, got.headers["cache-control"]) == (200, "private, no-store"), path
    made: list[int] = []

    def make() -> int:
        made.append(1)
        sleep(0.05)
        return len(made)

    answers = Answers(SimpleNamespace(now=told.rapport.clock.now(), store=told.rapport.store))  # type: ignore[arg-type]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: answers._of(("key",), make), range(4)))
    assert found == [1, 1, 1, 1]


def test_verifying_without_the_token_of_the_session_is_refused(told: Served) -> None:
    assert told.browser("cora").get(TIME).post(f"{TIME}/verify", {}, csrf="x").status == 403


# --- audit ---------------------------------------------------------------------------------------------------------
def test_an_auditor_verifies_the_whole_record(told: Served) -> None:
    browser = told.browser("ada").get("/audit")
    browser.post("/audit/verify", {})
    assert browser.status == 200
    assert re.search(r"It is whole\. \d+ events", browser.words)


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The story, and messages after it that were refused, and words that were read."""
    with serving_pages(tmp_path_factory.mktemp("tried"), clock="2026-03-20T09:00:00Z") as served:
        served.tell([orjson.dumps(each) for each in telling.story()])
        refused = [
            telling.told("ActivateRelationship", "coordinator:cora", "03-19T09:00", {}, telling.REPORTED),
            telling.told(
                "ReportDisrespect",
                "mentee:eve",
                "03-19T09:00",
                {"against": "mentor", "description": "canary"},
                telling.REPORTED,
            ),
        ]
        by_worker = {"reason": "goals_met", "informed": ["mentee", "mentor"], "next_steps": "none"}
        ended = telling.told("TerminateRelationship", "worker:watch", "03-19T09:00", by_worker, telling.QUIET)
        receipts = served.rapport.handler.handle([orjson.dumps(each) for each in refused])
        message = parse(orjson.dumps(ended))
        assert isinstance(message, Message)
        receipts += served.rapport.handler.handle_own([message])
        assert [receipt.status for receipt in receipts] == ["refused"] * 3, receipts
        token = {"Authorization": f"Bearer {issue(served.rapport.settings, 'coordinator', 'cora')}"}
        why = {"reveal": "canary why"}
        got = served.client.get(f"/v1/relationships/{telling.REPORTED}/history", params=why, headers=token)
        assert got.status_code == 200
        yield served


def test_attempts_have_no_names_and_what_would_be_a_report_is_withheld(tried: Served) -> None:
    browser = tried.browser("ada").get("/audit/attempts")
    assert "Activate relationship" in browser.words
    assert "withheld" in browser.words
    assert re.search(r"p_[0-9a-f]{20} \(coordinator\)", browser.words)
    assert "state: The command is not possible in the present state of its subject." in browser.words
    for word in ("coordinator:cora", "isrespect", telling.CANARY):
        assert word not in browser.text


def test_reads_have_no_names_no_reasons_and_withhold_what_was_reported(tried: Served) -> None:
    browser = tried.browser("ada").get("/audit/reads")
    assert re.search(r"p_[0-9a-f]{20} \(coordinator\)", browser.words)
    assert "which auditors do not read" in browser.words
    assert "not shown: process" not in browser.words
    for word in ("coordinator:cora", "safeguarding", telling.CANARY):
        assert word not in browser.text


def test_what_was_found_in_the_whole_record_is_for_who_audits_all_of_it(told: Served) -> None:
    told.browser("ada").get("/audit").post("/audit/verify", {})
    assert re.search(r"It is whole\. \d+ events", told.browser("ada").get("/audit").words)
    one = told.browser("axel").get("/audit")
    assert "You audit some programmes" in one.words
    assert not re.search(r"It is whole|\d+ events|\d+ relationships", one.words)
    assert one.post("/audit/verify", {}).status == 403


def test_an_auditor_finds_people_under_the_pseudonyms_of_the_list(told: Served) -> None:
    browser = told.browser("ada")
    listed = re.search(r"(p_[0-9a-f]{20}) with (p_[0-9a-f]{20})", browser.get("/relationships").words)
    assert listed is not None
    pages_ = [f"/relationships/{telling.REPORTED}", f"/relationships/{telling.REPORTED}/events", TIME]
    for path in pages_:
        assert listed[0] in browser.get(path).words, path
    assert f'<option value="{telling.REPORTED}">{listed[1]}, {listed[2]}' in browser.get("/audit").text


def test_a_bundle_is_a_zip_and_a_checkpoint_a_note(told: Served) -> None:
    browser = told.browser("ada").get(f"/audit/bundle?relationship={telling.REPORTED.upper()}")
    assert browser.headers["content-type"] == "application/zip"
    assert told.browser("ada").get("/audit/checkpoint").text.startswith("rapport/")


# --- what-if -------------------------------------------------------------------------------------------------------
def test_a_term_shows_what_would_be_and_records_nothing(told: Served) -> None:
    before = told.rapport.store.head()
    browser = told.browser("cora").get("/what-if?term=next_session_days&value=0")
    assert browser.status == 200
    assert "Relationships by band" in browser.words
    assert told.rapport.store.head() == before


@pytest.mark.parametrize(
    "term, value, said",
    [
        ("points_no_goal", "101", "points_no_goal is a whole number of points from 0 to 100"),
        ("points_no_goal", "much", "expected a number"),
        ("points_no_gaol", "1", "points_no_goal"),
        ("band_healthy", "10", "band"),
        ("points_no_goal", "<script>alert(1)</script>", "expected a number"),
        ("points_no_goal", "1e9", "expected a number"),
    ],
)
def test_a_value_that_no_document_could_set_is_refused_in_place(told: Served, term: str, value: str, said: str) -> None:
    browser = told.browser("cora").get(f"/what-if?term={term}&value={value}")
    assert browser.status == 422
    assert said in browser.words
    assert "<script>alert" not in browser.text


def test_the_terms_that_are_offered_are_those_of_which_health_is_made() -> None:
    from domain.commitment.terms import LATE_NOTICE, compiled
    from domain.terms import DEFAULTS

    read = {LATE_NOTICE}

    class Recording(dict[str, float]):
        def __getitem__(self, name: str) -> float:
            read.add(name)
            return DEFAULTS[name]

    compiled(Recording(), homework_asked=False)
    assert set(OF_HEALTH) == read


# --- codes ---------------------------------------------------------------------------------------------------------
def test_the_drawing_has_every_state_and_every_way_of_the_chart() -> None:
    from domain.relationship.lifecycle import TABLE

    drawn = drawing()
    ways = {(state, step.target, command) for (state, command), step in TABLE.items() if step.target != state}
    assert {(each.source, each.target, command) for each in drawn.arrows for command in each.commands} == ways
    inside = {(state, command) for (state, command), step in TABLE.items() if step.target == state}
    assert {(box.name, command) for box in drawn.boxes for command in box.inside} == inside


def test_the_state_of_a_relationship_is_marked(told: Served) -> None:
    browser = told.browser("cora").get(f"/codes?relationship={telling.REPORTED}")
    assert re.search(r'<g class="box now">\s*<rect[^>]*/>\s*<text[^>]*>active</text>', browser.text)
    assert 'class="box now"' not in browser.get("/codes").text


def test_a_clause_names_what_implements_and_tests_it(told: Served) -> None:
    browser = told.browser("ana").get("/codes/pentalog.prevalence")
    assert "domain.terms:RANK" in browser.words
    assert re.search(r"[1-9]\d* tests?", browser.words)
    assert browser.get("/codes/pentalog.none").status == 404


# --- languages -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ["coordinator", "mentee", "auditor", "analyst"])
def test_every_page_speaks_german_to_who_prefers_it(told: Served, role: str) -> None:
    browser = told.browser(IDS[role])
    for path, roles in PAGES.items():
        if role in roles and "form=" not in path and not path.endswith(("/rows", "/checkpoint")):
            got = browser.get(path, **{"accept-language": "de-AT,de;q=0.9,en;q=0.5"})
            assert got.status == 200, (path, got.words)
            assert '<html lang="de">' in got.text, path
            assert "Abmelden" in got.words, path


def test_the_time_machine_in_german(told: Served) -> None:
    words = told.browser("cora").get(f"{TIME}?event=4", **{"accept-language": "de"}).words
    for sentence in (
        "Wie es war",
        "Zustand aktiv",
        "Ereignis 4: Ziel vereinbart",
        "nicht gezeigt: Ziele",
        "Respektlosigkeit gemeldet",
    ):
        assert sentence in words


def test_a_reader_chooses_the_language(told: Served) -> None:
    browser = told.browser("cora").get("/preferences")
    browser.post("/preferences", {"language": "de", "zone": ""})
    assert "Die Kodizes" in browser.get("/codes").words


# --- words ---------------------------------------------------------------------------------------------------------
def test_bands_and_people_are_called_alike_on_every_page(told: Served) -> None:
    browser = told.browser("cora").get("/what-if?term=band_watch&value=79")
    assert "worth watching" in browser.words
    browser.get("/what-if?term=next_session_days&value=0")
    assert "ana with ben" in browser.words
    words = browser.get(f"/relationships/{telling.REPORTED}/events").words
    assert "NPS responded" in words
    assert "line_manager" not in words
    assert not re.search(r"\s[;,] ", browser.text)


def test_an_analyst_begins_with_the_figures(told: Served) -> None:
    browser = told.browser("alf").get("/")
    assert 'href="/programme/figures/survival"' in browser.text


def test_an_analyst_chooses_a_programme_for_figures_that_hide_over_all_groups_alone(told: Served) -> None:
    browser = told.browser("alf").get("/programme")
    assert "<option>telling</option>" in browser.text
    browser.get("/programme?programme=telling")
    assert 'href="/programme/figures/survival?programme=telling"' in browser.text
    assert "/programme/figures/endings" not in browser.text
    assert browser.get("/programme/figures/survival?programme=telling").status == 200
    # What is small in one programme would follow from the figure of all.
    for name in ("endings", "signals", "bands", "pauses", "practices"):
        assert browser.get(f"/programme/figures/{name}?programme=telling").status == 404, name
        assert browser.get(f"/programme/figures/{name}/rows?programme=telling").status == 404, name
    assert browser.get("/programme?programme=none-of-these").status == 404
    assert browser.get("/programme?codes=pentalog").status == 200
    cora = told.browser("cora")
    assert cora.get("/programme/figures/endings?programme=telling").status == 200
    assert cora.get("/programme?programme=elsewhere").status == 404


def test_the_chart_of_a_figure_speaks_the_readers_language() -> None:
    rows = [
        {"month": "2025-01", "band": "at_risk", "relationships": 2, "programme": "end", "question": "end, mentee, end"}
    ]
    chart = {
        "data": {"values": rows},
        "encoding": {
            "x": {"field": "month", "title": "end of month"},
            "color": {"field": "band", "scale": {"domain": ["healthy", "at_risk"]}},
        },
    }
    found = in_language(chart, "de")
    assert found["encoding"]["x"]["title"] == "Monatsende"
    assert found["encoding"]["color"]["title"] == "Stufe"
    assert found["encoding"]["color"]["scale"]["domain"] == ["gesund", "gefährdet"]
    row = found["data"]["values"][0]
    # The programme's name is nobody's word to translate.
    assert (row["band"], row["month"], row["question"].split(", ")[:2]) == ("gefährdet", "2025-01", ["end", "Mentee"])
    assert in_language(chart, "en")["encoding"]["x"]["title"] == "end of month"


def test_datasets_and_forms_are_described_in_german(told: Served) -> None:
    german = {"accept-language": "de"}
    words = told.browser("alf").get("/programme/data/sessions", **german).words
    assert "Wo sie stattfindet." in words
    assert "Where it is held." not in words
    words = told.browser("ana").get(f"/relationships/{telling.QUIET}/do/ReportProblem", **german).words
    assert "Ein Problem, das die Beteiligten nicht selbst lösen können" in words


def test_attempts_of_workers_are_left_out_until_asked_for_and_lists_may_be_of_one_relationship(tried: Served) -> None:
    browser = tried.browser("ada")
    assert "watch (worker)" not in browser.get("/audit/attempts").words
    assert "watch (worker)" in browser.get("/audit/attempts?by=all").words
    for path in ("/audit/attempts?by=all", "/audit/reads"):
        subjects = set(re.findall(r'<a href="/relationships/([0-9a-f-]{36})">', browser.get(path).text))
        assert subjects, path
        one = min(subjects)
        more = "&" if "?" in path else "?"
        found = browser.get(f"{path}{more}relationship={one}").text
        assert set(re.findall(r'<a href="/relationships/([0-9a-f-]{36})">', found)) == {one}


def test_who_verifies_while_others_do_is_told_so_on_the_page(told: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "PATIENCE_SECONDS", 0.01)
    checks = told.client.app.state.checks  # type: ignore[attr-defined]
    browser = told.browser("cora").get(TIME)
    with checks._turn:
        assert browser.post(f"{TIME}/verify", {}).status == 429
    assert "Other relationships are being verified." in browser.text.partition('id="verify"')[2]


def test_an_attempt_says_each_reason_once_with_all_of_its_clauses(tried: Served) -> None:
    subject = relationship_id(777)
    parties = {"programme_id": "telling", "mentee_id": "ana", "mentor_id": "ben", "codes": ["cmn", "pentalog"]}
    tried.tell([orjson.dumps(telling.told("ProposeRelationship", "coordinator:cora", "03-19T10:00", parties, subject))])
    early = telling.told("ActivateRelationship", "coordinator:cora", "03-19T11:00", {}, subject)
    [receipt] = tried.rapport.handler.handle([orjson.dumps(early)])
    asked_for = {problem.clause for problem in receipt.problems if problem.code == "gate"}
    assert len(asked_for) > 2
    page = tried.browser("ada").get(f"/audit/attempts?relationship={subject}")
    assert page.words.count("gate: ") == 1
    assert all(f'href="/codes/{clause}"' in page.text for clause in asked_for)
