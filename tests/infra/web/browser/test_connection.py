"""A connection that is lost: the page says so, and what somebody typed stays where it is."""

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.infra.http.server import Server
from tests.infra.web.browser.chromium import complaints
from tests.infra.web.browser.people import CMN
from tests.infra.web.browser.test_walks import sign_in, signed_in

pytestmark = pytest.mark.xdist_group("browser")
FORM = f"/relationships/{CMN}/do/ReportProblem"
LOST = "There is no connection to Rapport just now"


def test_a_form_that_is_sent_without_a_connection_keeps_what_was_typed(page: Page, context: BrowserContext) -> None:
    signed_in(page, "sophie-grant")
    page.goto(FORM)
    field = page.locator("main textarea").first
    field.fill("we lost touch")
    expect(page.get_by_role("alert")).to_have_count(0)
    context.set_offline(True)
    expect(page.get_by_role("alert")).to_contain_text(LOST)
    assert complaints(page) == []
    page.locator("main form[method=post] button").last.click()
    page.get_by_role("link", name="Mine").click()
    expect(page).to_have_url(re.compile(FORM))
    expect(field).to_have_value("we lost touch")
    context.set_offline(False)
    expect(page.get_by_role("alert")).to_have_count(0)
    page.locator("main form[method=post] button").last.click()
    expect(page.get_by_role("status")).to_have_text("Recorded.")


def test_a_server_that_is_away_is_said_before_a_form_leaves_its_page(page: Page) -> None:
    def away(route: Route) -> None:
        route.abort("connectionrefused")

    signed_in(page, "sophie-grant")
    page.goto(FORM)
    page.locator("main textarea").first.fill("still here")
    page.route("**/*", away)
    page.locator("main form[method=post] button").last.click()
    expect(page.get_by_role("alert")).to_contain_text(LOST)
    expect(page.locator("main textarea").first).to_have_value("still here")
    page.unroute("**/*", away)


def test_what_a_page_asks_for_by_itself_says_so_too(page: Page) -> None:
    signed_in(page, "learning-team")
    page.goto(f"/relationships/{CMN}/time")
    page.route("**/*", lambda route: route.abort("connectionrefused"))
    page.locator("form.slide input[type=range]").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("alert")).to_contain_text(LOST)


def test_without_a_script_forms_are_sent_as_before(browser: Browser, site: Server) -> None:
    plain = browser.new_context(java_script_enabled=False, base_url=site.url, locale="en-GB")
    page = plain.new_page()
    sign_in(page, "sophie-grant")
    page.goto(FORM)
    page.locator("main textarea").first.fill("by hand")
    page.locator("main form[method=post] button").last.click()
    expect(page.get_by_role("status")).to_have_text("Recorded.")
    plain.close()
