"""Every page in a real browser, as each role and as a stranger: it shows without complaint, by keyboard, on a phone, in the dark."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.infra.http.server import Server
from tests.infra.web.browser.chromium import complaints
from tests.infra.web.browser.people import CMN, NAMES

pytestmark = pytest.mark.xdist_group("browser")

ONE = f"/relationships/{CMN}"
TIME = f"{ONE}/time"
EVENTS = f"{ONE}/events"
SIMULATED = ("/programme/figures/bands", "/programme/figures/survival", "/programme/figures/signals")
# Beside what the navigation names.
PLACES: dict[str, tuple[str, ...]] = {
    "coordinator": (ONE, EVENTS, f"{ONE}/do/RecordEndReview", f"{ONE}/do/AnswerContest", "/relationships?state=active", "/relationships/new", TIME, f"{TIME}?event=7", f"/codes?relationship={CMN}", "/what-if?term=next_session_days&value=3", *SIMULATED),
    "mentee": (ONE, EVENTS, f"{ONE}/do/GiveFeedback", f"{ONE}/do/CompleteSession", f"{ONE}/do/CorrectFact?version=21", "/mine/data", TIME, f"{TIME}?event=66&clock=recorded", "/codes/cmn.outputs"),
    "mentor": (ONE, EVENTS, f"{ONE}/do/ReportProblem", "/mine/data", "/subjects/mentor:david-mensah/do/RecordDevelopment", TIME),
    "auditor": (ONE, EVENTS, TIME, f"{TIME}?event=3", "/audit/reads", "/audit/attempts"),
    "analyst": (*SIMULATED, "/programme/figures/nps", "/programme/figures/practices", "/programme/data/relationships"),
    "supplier": ("/programme/figures/funnel",),
    "line_manager": (ONE, EVENTS, "/mine/data"),
    "customer": ("/mine/data",),
    "hr": ("/relationships",),
}  # fmt: skip

# Of those who have signed in; there is one server for all tests.
cookies: dict[str, Any] = {}


def sign_in(page: Page, id_: str) -> None:
    page.goto("/sign-in")
    page.locator("form, li").filter(has_text=NAMES[id_][0]).get_by_role("button").first.click()
    expect(page.locator("header")).to_contain_text(NAMES[id_][0])


def signed_in(page: Page, id_: str) -> None:
    """The page as of somebody who has signed in before."""
    if id_ not in cookies:
        sign_in(page, id_)
        cookies[id_] = page.context.cookies()
    page.context.add_cookies(cookies[id_])


@pytest.mark.parametrize("id_", NAMES)
def test_every_page_of_a_role_is_whole_and_keeps_nobody_out(page: Page, id_: str) -> None:
    wrong: list[str] = []
    page.on(
        "console", lambda each: wrong.append(f"{each.type}: {each.text}") if each.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: wrong.append(str(error)))
    sign_in(page, id_)
    links = page.locator("header nav a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    for path in dict.fromkeys([*links, "/preferences", *PLACES[NAMES[id_][1]]]):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        assert len(answer.body()) < 100_000, path
        assert complaints(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is wider than the window"
    assert wrong == []


def test_a_stranger_sees_the_page_to_sign_in_and_nothing_else(page: Page) -> None:
    for path in (
        "/",
        ONE,
        EVENTS,
        "/mine",
        "/mine/data",
        "/relationships",
        f"{ONE}/do/ReportProblem",
        TIME,
        "/audit",
        "/programme",
        "/what-if",
        "/codes",
    ):
        page.goto(path)
        assert "/sign-in" in page.url, path
    assert complaints(page) == []
    assert CMN not in page.content().replace(f"next={CMN}", "")


def test_nothing_is_fetched_from_elsewhere(page: Page, site: Server) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    signed_in(page, "alf")
    page.goto("/programme/figures/survival")
    page.wait_for_load_state("networkidle")
    assert any("/programme/charts/survival" in url for url in asked)
    assert {url for url in asked if not url.startswith(site.url)} == set()


def test_pages_fit_a_phone_in_light_and_dark(page: Page) -> None:
    signed_in(page, "learning-team")
    page.set_viewport_size({"width": 360, "height": 740})
    for path in (
        "/",
        ONE,
        EVENTS,
        f"{ONE}/do/RecordEndReview",
        "/relationships",
        f"{TIME}?event=7",
        f"/codes?relationship={CMN}",
        "/programme",
        "/programme/figures/bands",
        "/what-if",
    ):
        page.emulate_media(color_scheme="light")
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert complaints(page) == [], path
        # The dark has the same elements in other colours.
        page.emulate_media(color_scheme="dark")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert complaints(page, "color-contrast") == [], path
    # One that is under way: each session to come can be moved or cancelled, which widens its line.
    page.goto("/relationships?state=active")
    page.locator("main table a, main li a").filter(has_text="with").first.click()
    expect(page.get_by_role("heading", name="Sessions", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


def test_the_slide_moves_through_time_by_keyboard_without_a_new_page(page: Page) -> None:
    signed_in(page, "sophie-grant")
    page.goto(f"{TIME}?clock=occurred&step=1")
    page.evaluate("window.still = true")
    page.get_by_role("slider").focus()
    page.keyboard.press("End")
    expect(page.locator(".state")).to_have_text("terminated")
    page.wait_for_url(re.compile(r"step=(?!1$)\d+$"))
    assert page.evaluate("window.still === true"), "the page was loaded anew"
    # A key that is pressed while htmx still puts the answer in its place would go to the slider that leaves.
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
    expect(page.get_by_role("slider")).to_be_focused()
    page.keyboard.press("Home")
    expect(page.locator(".state")).to_have_text("contracting")
    page.wait_for_url(re.compile(r"step=1$"))
    page.go_back()
    expect(page.locator(".state")).to_have_text("terminated")


def test_the_time_machine_works_without_scripts(browser: Browser, site: Server) -> None:
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, "sophie-grant")
    page.goto(f"{TIME}?step=1")
    page.get_by_role("link", name="now", exact=True).click()
    expect(page.locator(".state")).to_have_text("terminated")
    page.get_by_label("as it was recorded").check()
    page.get_by_role("button", name="Show").click()
    assert "clock=recorded" in page.url
    page.get_by_role("button", name="Verify").click()
    expect(page.locator("#verify")).to_contain_text("It is whole.")
    context.close()


def test_the_verify_button_says_that_the_record_is_whole(page: Page) -> None:
    sign_in(page, "ada")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Audit").click()
    page.get_by_role("button", name="Verify the whole record").click()
    expect(page.locator("#check")).to_contain_text("It is whole.", timeout=60_000)


def test_a_reader_by_keyboard_comes_to_the_content_first(page: Page) -> None:
    signed_in(page, "ada")
    page.goto("/audit")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_policy_keeps_scripts_of_others_out(page: Page) -> None:
    signed_in(page, "learning-team")
    page.goto("/what-if")
    blocked = page.evaluate(
        """() => new Promise(done => {
            document.addEventListener("securitypolicyviolation", event => done(event.violatedDirective), {once: true});
            const script = document.createElement("script"); script.textContent = "window.inside = true"; document.head.append(script);
        })"""
    )
    assert re.match("script-src", blocked)
    assert page.evaluate("window.inside") is None


def test_what_if_answers_in_place(page: Page) -> None:
    signed_in(page, "learning-team")
    page.goto("/what-if")
    page.get_by_label("Term").select_option("points_no_next_session")
    page.get_by_label("Value").fill("much")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("alert")).to_contain_text("expected a number")
    page.get_by_label("Value").fill("90")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", level=2)).to_contain_text("90")


def test_a_figure_opens_its_definition_its_rows_and_a_file(page: Page) -> None:
    signed_in(page, "alf")
    page.goto("/programme")
    page.get_by_role("link", name="How long relationships last").click()
    page.get_by_text("What this figure is").click()
    expect(page.get_by_text("Kaplan-Meier")).to_be_visible()
    chart = page.get_by_role("img", name=re.compile("Chart"))
    expect(chart).to_be_visible()
    assert chart.evaluate("image => image.naturalWidth") > 300
    with page.expect_download() as got:
        page.get_by_role("link", name="Download as CSV").click()
    assert got.value.path().read_text().startswith("group,day,at_risk,")
    page.get_by_role("link", name="relationships", exact=True).click()
    # Analysts see people under pseudonyms.
    expect(page.locator("tbody tr").first).to_contain_text(re.compile("p_[0-9a-f]{20}"))
