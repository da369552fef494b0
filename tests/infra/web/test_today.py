"""The start pages: today for the office, with a form that settles each task; what is theirs for parties."""

import re
from collections import Counter
from collections.abc import Iterator
from threading import Event

import pytest

from domain.codes.clauses import CLAUSES
from infra.web.task_words import PRESSING, TASKS
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.loop import work_off
from infra.worker_runtime.runner import Runner
from tests.infra.http import telling
from tests.infra.http.telling import CANARY, OTHERS, QUIET, REPORTED
from tests.infra.web.browsing import Served, serving_pages
from tests.infra.web.test_relationship import filled
from tests.messages import line, relationship_id

STALLED = relationship_id(201)
LATE = relationship_id(202)
PERSON = "person:ana"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The story of telling, a match that does not begin, a session without an outcome; the workers have done their work."""
    import orjson

    with serving_pages(tmp_path_factory.mktemp("today"), clock="2026-03-16T09:00:00Z") as found:
        found.tell([orjson.dumps(each) for each in telling.story()])
        parties = {"programme_id": "telling", "mentee_id": "ana", "mentor_id": "ben"}
        found.tell(
            [
                line("ProposeRelationship", parties | {"codes": ["cmn"]}, subject=STALLED, id="p201", time="2026-01-02T09:00:00Z"),
                line("ProposeRelationship", parties | {"codes": []}, subject=LATE, id="p202", time="2026-03-01T09:00:00Z"),
                line("ActivateRelationship", {}, subject=LATE, id="a202", time="2026-03-01T10:00:00Z"),
                line(
                    "ScheduleSession",
                    {"session_id": "s9", "starts_at": "2026-03-12T10:00:00Z", "channel": "platform"},
                    subject=LATE,
                    id="s202",
                    time="2026-03-01T11:00:00Z",
                ),
                line("RegisterPerson", {"display_name": f"{CANARY} Ana Lind"}, subject=PERSON, id="r1", actor="mentee:ana"),
            ]
        )  # fmt: skip
        rapport = found.rapport
        assert work_off(Runner(rapport.store, rapport.handler, Horizon(rapport.clock, None)), Event())
        yield found


def test_a_coordinator_sees_whom_to_help_today(served: Served) -> None:
    got = served.browser("cora").get("/")
    assert got.status == 200
    assert "Decide on a recommendation to end the mentoring" in got.words
    assert f"{CANARY} Ana Lind with ben" in got.words
    assert f'href="/relationships/{REPORTED}/do/DismissRecommendation' in got.text
    assert len(got.text) < 100_000


def test_what_got_worse_since_last_week_is_there_with_both_bands(served: Served) -> None:
    words = served.browser("cora").get("/").words
    assert re.search(r"Worse than a week ago .*healthy · \d+ → critical · \d+", words)


def test_a_match_that_does_not_begin_says_what_is_missing_and_who_can_do_it(served: Served) -> None:
    words = served.browser("cora").get("/").words
    assert "no plan of sessions is agreed" in words
    assert re.search(r"the mentor has not accepted the code of conduct \(can be done by mentor\)", words)
    # 30 days from the proposal.
    assert "proposed 2026-01-02 , should begin by 2026-02-01" in words
    for id_ in ("cora", "ana", "ben"):
        assert "Should begin by 2026-02-01" in served.browser(id_).get(f"/relationships/{STALLED}").words
    assert "Should begin by 2026-02-01" in served.browser("ana").get("/").words


def test_a_session_without_an_outcome_is_there_with_a_form(served: Served) -> None:
    got = served.browser("cora").get("/")
    assert f"/relationships/{LATE}/do/RecordNoShow?session_id=s9" in got.text


def test_a_task_is_settled_from_the_page(served: Served) -> None:
    browser = served.browser("cora").get("/")
    address = re.search(rf'href="(/relationships/{REPORTED}/do/DismissRecommendation[^"]*)"', browser.text)
    assert address
    form = browser.get(address[1].replace("&amp;", "&"))
    assert form.status == 200
    assert "pentalog" in form.text
    browser.post(address[1].partition("?")[0], filled(form) | {"reason": "they talked it over"})
    assert "Recorded." in browser.words


@pytest.mark.parametrize("id_", ["dora", "ben", "carl", "lina", "ada", "alf", "sam"])
def test_nobody_else_learns_of_the_coordinators_day(served: Served, id_: str) -> None:
    browser = served.browser(id_)
    for path in ("/", "/relationships"):
        got = browser.get(path)
        assert got.status in {200, 403}
        assert CANARY not in got.text or id_ in {"sam", "ben", "carl", "lina"}
        assert "recommendation" not in got.text.lower()
        assert "critical" not in got.text or path == "/relationships"
        assert OTHERS not in got.text or id_ in {"ben", "carl", "lina", "sam", "ada"}


def test_another_programmes_coordinator_sees_an_empty_day(served: Served) -> None:
    got = served.browser("dora").get("/")
    assert "Nothing waits for you." in got.words
    assert QUIET not in got.text


def test_who_may_not_know_of_a_report_finds_equal_bands_in_the_list(served: Served) -> None:
    rows = re.findall(r"<tr role=\"row\"><td.*?</tr>", served.browser("ben").get("/relationships").text, re.DOTALL)
    bands = {REPORTED: "", QUIET: ""}
    for row in rows:
        for subject in bands:
            if subject in row:
                bands[subject] = " ".join(re.findall(r'badge (\w+)">[^<]*?(\d+)', row)[0])
    assert bands[REPORTED] == bands[QUIET] != ""


def test_the_list_is_filtered_and_says_when_there_is_none(served: Served) -> None:
    browser = served.browser("cora")
    assert STALLED in browser.get("/relationships?state=contracting").text
    assert QUIET not in browser.get("/relationships?state=contracting").text
    assert "There is none like this." in browser.get("/relationships?state=paused").words
    assert browser.get("/relationships?state=nothing").status == 400
    assert browser.get("/relationships?page=0").status == 400


def test_the_list_begins_with_the_worst_and_finds_people_by_part_of_their_name(served: Served) -> None:
    browser = served.browser("cora").get("/relationships")
    scores = [
        int(score)
        for score in re.findall(r'class="badge (?:healthy|watch|at_risk|critical)">[^<]*?(\d+)</span>', browser.text)
    ]
    assert len(scores) >= 2
    assert scores == sorted(scores)
    assert browser.text.index(STALLED) > browser.text.index(QUIET)
    assert QUIET in browser.get("/relationships?who=a+lInd").text
    assert QUIET in browser.get("/relationships?who=BEN").text
    assert "There is none like this." in browser.get("/relationships?who=nobody+of+that+name").words
    # Whose name one may not read, one finds by it neither.
    assert "There is none like this." in served.browser("ada").get("/relationships?who=lind").words


@pytest.mark.parametrize("id_", ["ana", "ben", "carl", "lina"])
def test_a_party_begins_with_their_own_relationships(served: Served, id_: str) -> None:
    got = served.browser(id_).get("/")
    assert "Your relationships" in got.words
    assert f"/relationships/{QUIET}" in got.text


def test_hr_reviews_a_case_and_nobody_else_learns_of_it(served: Served) -> None:
    path = "/subjects/case:c1/do/DecideCase"
    browser = served.browser("hugo").get(path)
    assert browser.status == 200
    browser.post(path, filled(browser) | {"decision": "nothing of the kind", "reason": "r"})
    assert browser.status == 400
    for id_ in ("ben", "ana", "ada", "dora"):
        assert served.browser(id_).get(path).status == 404
    browser = served.browser("hugo").get(path)
    browser.post(path, filled(browser) | {"decision": "no_action", "reason": "nothing to it"})
    assert "Recorded." in browser.words


def test_a_mentor_records_their_own_development_and_nobody_elses(served: Served) -> None:
    path = "/subjects/mentor:{}/do/RecordDevelopment"
    browser = served.browser("ben").get(path.format("ben"))
    browser.post(path.format("ben"), filled(browser) | {"what": "a course", "completed_on": "2026-03-01"})
    assert "Recorded." in browser.words
    assert browser.get(path.format("max")).status == 404


def test_the_bands_of_a_programme_are_those_of_the_list(served: Served) -> None:
    browser = served.browser("cora").get("/programme")
    now = browser.text[browser.text.index('id="now"') : browser.text.index('id="figures"')]
    shown = {band: int(count) for band, count in re.findall(r'<strong class="(\w+)">(\d+) ', now)}
    listed = browser.get("/relationships").text
    assert shown == Counter(re.findall(r'<span class="badge (healthy|watch|at_risk|critical)"', listed))
    assert sum(shown.values()) >= 2
    # Figures for who sees no single relationship hide such small numbers.
    assert not re.search(
        r'<strong class="(healthy|watch|at_risk|critical)">', served.browser("alf").get("/programme").text
    )


def test_what_is_pressing_comes_first_and_names_the_event_and_how_it_stands(served: Served) -> None:
    got = served.browser("cora").get("/")
    for group in re.findall(r'<section aria-labelledby="due-\d+">.*?</section>', got.text, re.DOTALL):
        ranks = [
            PRESSING.index(kind)
            for title in re.findall(r"<h3>(.*?)</h3>", group)
            for kind in PRESSING
            if TASKS[kind] == title
        ]
        assert ranks == sorted(ranks)
    assert "Problem reported (" in got.words
    assert re.search(r"now: critical · \d+", got.words)
    assert not re.search(r"now: critical", served.browser("sam").get("/").words)


def test_hr_has_a_page_of_each_case_with_what_can_be_done_and_nobody_whom_it_is_about(served: Served) -> None:
    hugo = served.browser("hugo").get("/cases")
    assert '<a href="/cases/c1">' in hugo.text
    hugo.get("/cases/c1")
    assert f'href="/relationships/{REPORTED}"' in hugo.text
    assert CANARY not in hugo.text
    assert "closed until you say why you read it" in hugo.words
    hugo.post("/cases/c1/words", {"why": "I review it"})
    assert f"{CANARY} case" in hugo.words
    assert hugo.get("/cases/c1/words").path == "/cases/c1"
    for id_ in ("ben", "ana", "sam", "ada", "alf"):
        assert served.browser(id_).get("/cases").status == 403, id_
        assert served.browser(id_).get("/cases/c1").status == 403, id_
    dora = served.browser("dora")
    assert "There is no case" in dora.get("/cases").words
    assert dora.get("/cases/c1").status == 404


def test_a_case_says_what_is_not_possible_any_more(served: Served) -> None:
    hugo = served.browser("hugo").get("/cases/c1")
    if "/do/DecideCase" in hugo.text:
        hugo.get("/subjects/case:c1/do/DecideCase")
        hugo.post(hugo.path, filled(hugo) | {"decision": "no_action", "reason": "nothing to it"})
        assert hugo.path == "/cases/c1"
    assert "/do/DecideCase" not in hugo.text
    assert "Not possible any more, since it is decided: Escalate the case, Decide the case" in hugo.words
    assert "/do/CloseCase" in hugo.text


def test_all_commands_are_behind_one_heading_each_possible_or_with_the_reason_why_not(served: Served) -> None:
    words = served.browser("cora").get(f"/relationships/{LATE}").words
    everything = words.partition("All that can be done, and why some of it cannot now")[2].partition(
        "The plan and where"
    )[0]
    assert "Answer a contest: nothing is contested" in everything
    assert "Say that trust is restored: there is nothing of the kind that is open" in everything
    assert "Carry an erasure out: nobody asked for an erasure" in everything
    assert "Go on after the pause: possible while it is paused" in everything
    text = served.browser("cora").get(f"/relationships/{REPORTED}").text
    assert f'href="/relationships/{REPORTED}/do/RestoreTrust"' in text
    assert (
        f'href="/relationships/{LATE}/do/RestoreTrust"' not in served.browser("cora").get(f"/relationships/{LATE}").text
    )


@pytest.mark.parametrize("id_", ["ben", "sam", "lina", "carl"])
def test_what_is_not_possible_tells_nobody_that_something_was_reported(served: Served, id_: str) -> None:
    pages = []
    for subject in (REPORTED, QUIET):
        text = served.browser(id_).get(f"/relationships/{subject}").text
        can = text.partition('<section aria-labelledby="can">')[2].partition("</section>")[0]
        pages.append(can.replace(subject, ""))
    assert pages[0] == pages[1]


def test_tasks_are_a_line_each_until_one_is_opened(served: Served) -> None:
    page = served.browser("cora").get("/").text
    tasks = re.findall(r'<li class="task">(.*?)</li>\s*(?=<li class="task">|</ul>)', page, re.DOTALL)
    assert len(tasks) > 1
    for task in tasks:
        line, _, inside = task.partition("</summary>")
        assert re.match(r"\s*<details>\s*<summary>", line)
        assert "<a " not in line
        assert "<a " in inside


def test_a_match_that_does_not_begin_is_looked_at_again_another_day(served: Served) -> None:
    browser = served.browser("cora").get("/")
    section = browser.text.partition('<h2 id="stalled">')[2].partition("</section>")[0]
    assert f"/relationships/{STALLED}/do/ReviewRelationship" in section
    assert "Look again on" in browser.get(f"/relationships/{STALLED}/do/ReviewRelationship").words


def test_headings_of_today_are_in_the_readers_language(served: Served) -> None:
    page = served.browser("cora").get("/", **{"accept-language": "de"}).text
    headings = {re.sub("<.*", "", each).strip() for each in re.findall(r'<h2 id="due-\d">(.*?)</h2>', page)}
    assert headings
    assert headings <= {"Überfällig", "Heute", "Diese Woche", "Später", "Ohne Datum"}


def test_clauses_are_in_the_readers_language(served: Served) -> None:
    page = f"/relationships/{STALLED}"
    rules = [clause.rule for clause in CLAUSES.values() if clause.rule in served.browser("cora").get(page).words]
    assert rules
    german = served.browser("cora").get(page, **{"accept-language": "de"}).words
    assert not [rule for rule in rules if rule in german]
