"""What is a person's own: sessions, agreements, who may know what, who has read it, and an erasure."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import orjson
import pytest

from domain.sharing.question import Reader
from infra.access.seen import Seen
from infra.access.standing import Asker
from infra.web.own_matrix import WHAT
from tests.infra.http import telling
from tests.infra.http.telling import CANARY, QUIET, REPORTED, UNKNOWN
from tests.infra.web.browsing import Served, serving_pages
from tests.infra.web.test_relationship import filled
from tests.messages import line, relationship_id


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving_pages(tmp_path_factory.mktemp("mine"), clock="2026-03-20T09:00:00Z") as found:
        found.tell([orjson.dumps(each) for each in telling.story()])
        yield found


@pytest.mark.parametrize("id_", ["ana", "ben", "carl", "lina"])
def test_a_party_sees_what_is_theirs(served: Served, id_: str) -> None:
    got = served.browser(id_).get("/mine")
    assert got.status == 200
    assert f"/relationships/{QUIET}" in got.text
    assert "Who may see what of this" in got.words
    assert len(got.text) < 100_000


@pytest.mark.parametrize("id_", ["cora", "hugo", "sam", "ada", "alf"])
def test_others_have_nothing_of_their_own(served: Served, id_: str) -> None:
    browser = served.browser(id_)
    for path in ("/mine", "/mine/data", "/mine/data.json", "/mine/data.html"):
        assert browser.get(path).status == 403


def test_the_table_says_what_the_matrix_says(served: Served) -> None:
    got = served.browser("ana").get(f"/mine/{QUIET}/who-may-see")
    table = got.text.partition('<table class="matrix" role="table">')[2].partition("</table>")[0]
    heads = [
        each.replace(" ", "_") for each in re.findall(r'<th scope="col" role="columnheader">([a-z ]+)</th>', table)
    ]
    engine = served.rapport.engine()
    rows = 0
    for row, cells in re.findall(r'<th scope="row" role="rowheader">([a-z ]+)<.*?</th>(.*?)</tr>', table):
        said = re.findall(r">(yes|no)\b", cells)
        for role, word in zip(heads, said, strict=True):
            reader = Reader(role, telling.PARTIES.get(role, telling.HOUSE.get(role, "")))
            seen = Seen.of(served.rapport.store, lambda: engine, Asker(reader, None), QUIET, served.rapport.clock.now())
            assert seen is not None
            assert seen.ask(row.replace(" ", "_")).allowed == (word == "yes"), (role, row)
        rows += 1
    assert rows == len(WHAT)


def test_every_answer_of_the_table_leads_to_its_reason_in_words(served: Served) -> None:
    got = served.browser("ana").get(f"/mine/{QUIET}/who-may-see")
    assert "title=" not in got.text.partition("<main")[2]
    notes = re.findall(r'href="#(why-\d+)"', got.text)
    assert len(notes) == len(WHAT) * got.text.count('role="columnheader"') - len(WHAT)
    reasons = dict(re.findall(r'<li id="(why-\d+)">(.*?)</li>', got.text, re.DOTALL))
    assert set(notes) == set(reasons)
    assert any("with the mentee's consent in force" in unescape(reason) for reason in reasons.values())
    assert "topics, notes, homework" in got.words


def test_who_may_see_what_has_a_page_for_each_relationship_of_ones_own(served: Served) -> None:
    assert "Who may see what of this" in served.browser("ana").get(f"/mine/{QUIET}/who-may-see").words
    assert served.browser("cora").get(f"/mine/{QUIET}/who-may-see").status == 403
    assert served.browser("ana").get(f"/mine/{UNKNOWN}/who-may-see").status == 404


def test_who_read_my_words_is_there_with_the_reason(served: Served) -> None:
    cleo = served.browser("cleo").get(f"/relationships/{QUIET}")
    cleo.post(f"/relationships/{QUIET}/words", {"why": "ana asked me to"})
    words = served.browser("ana").get("/mine/data").words
    assert "cleo (coordinator)" in words
    assert "ana asked me to" in words


@pytest.mark.parametrize("id_", ["ana", "ben", "carl", "lina"])
@pytest.mark.parametrize("path", ["/mine", "/mine/data", "/mine/data.html", "/mine/data.json"])
def test_what_others_reported_in_confidence_is_not_in_it(served: Served, id_: str, path: str) -> None:
    got = served.browser(id_).get(path)
    assert got.status == 200
    if id_ in {"ben", "lina"}:
        for telltale in ("isrespect", "ProblemReported", "hutdown", "BreachReported", f"{CANARY} case"):
            assert telltale not in got.text.replace("points_disrespect", "").replace('"disrespect"', "").replace(
                "disrespect", ""
            ), telltale
        assert f"{CANARY} description" not in got.text


def test_my_data_comes_as_files(served: Served) -> None:
    browser = served.browser("ana")
    got = browser.get("/mine/data.json")
    assert orjson.loads(got.text)["person"] == "ana"
    assert got.headers["content-disposition"] == 'attachment; filename="what-is-held-about-me.json"'
    assert browser.get("/mine/data.html").headers["content-type"].startswith("text/html")


def test_an_erasure_is_asked_for(served: Served) -> None:
    browser = served.browser("ben").get("/mine")
    assert browser.post("/mine/erasure", {"basis": "because"}).status == 400
    browser.get("/mine").post("/mine/erasure", {"basis": "objection"})
    assert "You asked for the erasure." in browser.words
    event = served.rapport.store.read("person:ben")[-1]
    assert (type(event.data).__name__, event.actor) == ("ErasureRequested", "mentor:ben")
    assert browser.get("/mine").post("/mine/erasure", {"basis": "objection"}, csrf="forged").status == 403
    # Who comes back is not left to ask again.
    assert (
        "You asked for it on 2026-03-20 (I object to it). The office answers by 2026-04-20"
        in browser.get("/mine").words
    )
    assert "You asked for it on" not in served.browser("ana").get("/mine").words


def test_reported_and_quiet_are_alike_for_the_mentor(served: Served) -> None:
    browser = served.browser("ben")
    text = browser.get("/mine").text
    parts = {subject: section for section in re.findall(r"<section.*?</section>", text, re.DOTALL) for subject in (REPORTED, QUIET) if subject in section}  # fmt: skip
    assert set(parts) == {REPORTED, QUIET}
    plain = [re.sub(r"[0-9a-f-]{36}|own-\d|\d<", "", part) for part in parts.values()]
    assert plain[0] == plain[1]
    tables = [browser.get(f"/mine/{subject}/who-may-see").text.replace(subject, "") for subject in parts]
    assert re.sub("csrf.*", "", tables[0]) == re.sub("csrf.*", "", tables[1])


def test_a_consent_is_withdrawn_and_counts_at_once(served: Served) -> None:
    browser = served.browser("ana").get("/mine")
    address = re.search(rf'href="(/relationships/{QUIET}/do/WithdrawConsent[^"]*)"', browser.text)
    assert address
    browser.get(address[1].replace("&amp;", "&"))
    form = filled(browser)
    assert (form["data_class"], form["audience"]) == (["goals"], ["coordinator"])
    browser.post(f"/relationships/{QUIET}/do/WithdrawConsent", form)
    assert "Recorded." in browser.words
    assert not re.search(rf"/relationships/{QUIET}/do/WithdrawConsent", browser.get("/mine").text)


@pytest.mark.parametrize("path, first", [("/mine", 3), ("/", 4)])
def test_who_has_many_relationships_sees_a_few_at_a_time_and_none_is_left_out(
    tmp_path: Path, path: str, first: int
) -> None:
    parties = {"programme_id": "telling", "mentee_id": "ana", "mentor_id": "ben", "codes": []}
    subjects = [relationship_id(number) for number in range(601, 600 + 2 * first)]
    with serving_pages(tmp_path, clock="2026-03-16T09:00:00Z") as served:
        served.tell(
            [
                line("ProposeRelationship", parties, subject=each, id=each, time="2026-03-01T09:00:00Z")
                for each in subjects
            ]
        )
        browser = served.browser("ana").get(path)
        shown = [each for each in subjects if f"/relationships/{each}" in browser.text]
        assert len(shown) == first
        assert f'href="{path}?page=2"' in browser.text
        more = browser.get(f"{path}?page=2")
        assert f'href="{path}?page=1"' in more.text
        assert f'href="{path}?page=3"' not in more.text
        assert sorted([*shown, *(each for each in subjects if f"/relationships/{each}" in more.text)]) == subjects
