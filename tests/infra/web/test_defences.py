"""What pages are held against: words that are markup, numbers that are none, sessions that are over, rows and names of others."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from domain.sharing.question import Reader
from infra.access.datasets import open_dataset
from infra.access.seen import Seen
from infra.access.standing import Asker
from infra.access.today import without_outcome
from infra.projection_engine.pseudonyms import Pseudonyms
from infra.queries.as_at import NOW
from infra.web.page import environment
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.loop import work_off
from infra.worker_runtime.runner import Runner
from tests.infra.web.browsing import Browser, Served, serving_pages
from tests.infra.web.test_relationship import filled
from tests.messages import line, relationship_id

BAIT = "</option></select><i hx-post='/x' hx-trigger='load'></i> 100% %(name)s %d"
PARTIES = {"mentee_id": "ana", "mentor_id": "ben", "supplier_id": "sam"}
STRICT, OPEN, OTHERS = (relationship_id(number) for number in (301, 302, 303))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving_pages(tmp_path_factory.mktemp("defences"), clock="2026-03-16T09:00:00Z") as found:
        for number, (subject, codes, parties) in enumerate(
            (
                (STRICT, ["leapfrog"], PARTIES),
                (OPEN, ["cmn"], PARTIES),
                (OTHERS, [], {"mentee_id": "mia", "mentor_id": "max"}),
            )
        ):
            told = [
                line("ProposeRelationship", {"programme_id": "other" if subject == OTHERS else "telling", "codes": codes, **parties}, subject=subject, id=f"p{number}", time="2026-03-01T09:00:00Z"),
                line("ScheduleSession", {"session_id": "s1", "starts_at": "2026-03-12T10:00:00Z", "channel": "platform"}, subject=subject, id=f"s{number}", time="2026-03-01T11:00:00Z"),
                line("AgreeGoal", {"goal_id": "g1", "type": "career", "title": BAIT, "source": "mentee", "agreed_by": ["mentee", "mentor"]}, subject=subject, id=f"g{number}", time="2026-03-01T11:00:00Z"),
            ]  # fmt: skip
            found.tell(told)
        found.tell(
            [line("RegisterPerson", {"display_name": "Mia Secret"}, subject="person:mia", id="mia", actor="mentee:mia")]
        )
        rapport = found.rapport
        assert work_off(Runner(rapport.store, rapport.handler, Horizon(rapport.clock, None)), Event())
        yield found


def asker(role: str, id_: str, programmes: frozenset[str] | None = None) -> Asker:
    return Asker(Reader(role, id_), programmes)  # type: ignore[arg-type]


# --- words -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_sentence_is_escaped_whatever_it_holds(language: str) -> None:
    template = environment(language).from_string("{{ _(words) }}{{ _('Entry %(n)s', n=words) }}")
    assert "<i" not in template.render(words=BAIT)
    assert template.render(words=BAIT).count("100% %(name)s %d") == 2


@pytest.mark.parametrize("command", ["RecordGoalProgress", "ReviseGoal", "CompleteSession", "DropGoal"])
def test_a_goal_whose_title_is_markup_is_text_in_every_form(served: Served, command: str) -> None:
    got = served.browser("ana").get(f"/relationships/{OPEN}/do/{command}")
    assert got.status == 200
    assert "<i hx-post" not in got.text
    assert "&lt;i hx-post" in got.text


# --- numbers ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("digits", ["9" * 25, "9" * 5000, "²", "1e999", "nan"])
def test_a_number_that_is_none_is_refused_at_its_field(served: Served, digits: str) -> None:
    browser = served.browser("ana").get(f"/relationships/{OPEN}/do/AgreePlan")
    browser.post(f"/relationships/{OPEN}/do/AgreePlan", filled(browser) | {"sessions": digits, "minutes": digits})
    assert browser.status == 400
    assert 'id="f-sessions-wrong"' in browser.text
    assert served.browser("cora").get(f"/relationships/{OPEN}/do/CorrectFact?version={digits}").status in {200, 404}


# --- sessions --------------------------------------------------------------------------------------------------------
def copied(browser: Browser) -> Browser:
    """Another browser with the same cookies."""
    found = Browser(browser._client)
    found.cookies = dict(browser.cookies)
    return found


def test_a_session_of_a_demo_ends_with_the_demo(tmp_path: Path) -> None:
    with serving_pages(tmp_path) as demo:
        cookies = demo.browser("cora").cookies
    for demo_persons, path in ((tmp_path / "demo.toml", "/"), (None, "/sign-in")):
        with serving_pages(tmp_path, demo_persons=demo_persons) as real:
            browser = Browser(real.client)
            browser.cookies = dict(cookies)
            assert browser.get("/").path.partition("?")[0] == path


def test_signing_out_ends_the_session_of_whoever_copied_its_cookie(served: Served) -> None:
    browser = served.browser("cora").get("/preferences")
    thief, elsewhere = copied(browser), served.browser("cora")
    assert thief.get("/").status == 200
    browser.post("/sign-out", {})
    assert thief.get("/").path.startswith("/sign-in")
    assert elsewhere.get("/").path == "/"


def test_signing_in_again_ends_the_session_before(served: Served) -> None:
    browser = served.browser("cora")
    before = copied(browser)
    browser.sign_in("cleo")
    assert before.get("/").path.startswith("/sign-in")
    assert browser.get("/").path == "/"


def test_a_session_that_is_over_is_forgotten(served: Served) -> None:
    browser = served.browser("cora")
    database = served.rapport.database
    with database.transaction() as session:
        session.execute("UPDATE page_sessions SET ends_at = ?", (datetime(2026, 1, 1, tzinfo=UTC),))
    assert browser.get("/").path.startswith("/sign-in")
    served.browser("cleo")
    assert len(database.query("SELECT * FROM page_sessions")) == 1


def test_somebody_of_very_many_programmes_has_a_cookie_that_browsers_keep(tmp_path: Path) -> None:
    many = [f"programme-with-a-long-name-{number}" for number in range(500)]
    demo = f'[[person]]\nid = "cora"\nname = "Cora"\nroles = ["coordinator"]\nprogrammes = {many}\n'
    with serving_pages(tmp_path, demo=demo) as served:
        lines = [
            line(
                "ProposeRelationship",
                {"programme_id": programme, "codes": [], **PARTIES},
                subject=subject,
                id=programme,
            )
            for programme, subject in ((many[-1], OPEN), ("of-others", OTHERS))
        ]
        served.tell(lines)
        browser = served.browser("cora").get("/relationships")
        assert all(len(f"{name}={value}") < 4096 for name, value in browser.cookies.items())
        assert (OPEN in browser.text, OTHERS in browser.text) == (True, False)


def test_a_page_says_so_where_the_database_cannot_tell_who_signed_in(tmp_path: Path) -> None:
    with serving_pages(tmp_path) as served:
        browser = served.browser("cora")
        with served.rapport.database.transaction() as session:
            session.execute("ALTER TABLE page_sessions RENAME TO page_sessions_away")
        assert browser.get("/").status == 503
        assert "Rapport can't answer just now" in browser.words


# --- what others may not know ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("role, shown", [("coordinator", {OPEN}), ("supplier", {OPEN}), ("hr", set())])
def test_sessions_without_outcome_are_of_those_whose_schedule_the_reader_may_know(
    served: Served, role: str, shown: set[str]
) -> None:
    programmes = frozenset({"telling"}) if role != "supplier" else None
    found = without_outcome(served.rapport.engine(), asker(role, "sam", programmes), served.rapport.clock.now())
    assert {each.who.relationship_id for each in found} == shown


def test_an_auditor_finds_roles_where_workers_wrote_to_people(served: Served) -> None:
    rapport = served.rapport
    seen = Seen.of(rapport.store, rapport.engine, asker("auditor", "ada"), OPEN, rapport.clock.now())
    assert seen is not None
    decisions = str(seen.decisions())
    assert "'recipient': 'mentee'" in decisions
    assert "ana" not in decisions
    assert "starts_at" not in decisions


@pytest.mark.parametrize("name", ["timeline", "tasks", "mentors", "programmes", "practices", "relationships"])
def test_a_supplier_has_rows_of_its_own_relationships_alone(served: Served, name: str) -> None:
    rapport = served.rapport
    pseudonyms = Pseudonyms(b"k" * 32)
    rows = {
        supplier: list(
            open_dataset(rapport.engine(), asker("supplier", supplier), name, pseudonyms, NOW, rapport.clock.now()).rows
        )
        for supplier in ("sam", "nobody")
    }
    assert not rows["nobody"]
    assert "other" not in str(rows["sam"])
    assert "max" not in str(rows["sam"])


def test_a_persons_entry_is_for_those_of_their_programmes(served: Served) -> None:
    path = "/subjects/person:mia/do/RegisterPerson"
    refused = served.browser("cora").get(path)
    assert refused.status == 404
    assert refused.words == served.browser("cora").get("/subjects/person:nobody/do/RegisterPerson").words
