"""What a coordinator, a mentee and a mentor come for, done in a browser as a new user would."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.infra.http.server import Server
from tests.infra.web.browser.chromium import complaints
from tests.infra.web.browser.people import CMN
from tests.infra.web.browser.test_walks import sign_in, signed_in

pytestmark = pytest.mark.xdist_group("browser")
ONE = f"/relationships/{CMN}"


def test_a_coordinator_tells_from_today_how_a_session_went(page: Page) -> None:
    sign_in(page, "learning-team")
    expect(page.get_by_role("heading", level=1)).to_have_text("Today")
    unknown = page.get_by_role("region", name="Sessions of which nobody told how they went").get_by_role("listitem")
    before = unknown.count()
    unknown.first.get_by_role("link", name=re.compile("stayed away")).click()
    page.get_by_role("group", name="Who stayed away").get_by_label("mentor").check()
    page.get_by_role("button", name="Record that somebody stayed away").click()
    expect(page.get_by_role("status")).to_have_text("Recorded.")
    page.get_by_role("link", name="Today").click()
    expect(unknown).to_have_count(before - 1)


def test_a_refusal_is_read_out_and_what_was_filled_in_stays(page: Page) -> None:
    signed_in(page, "learning-team")
    page.goto(f"{ONE}/do/SecureRecords")
    page.get_by_label("Kept until").fill("2020-01-01")
    page.get_by_role("button").last.click()
    expect(page.get_by_role("alert")).to_contain_text("This was not recorded")
    expect(page.get_by_label("Kept until")).to_have_value("2020-01-01")
    assert complaints(page) == []


def test_a_mentee_contests_what_is_wrong_by_keyboard_alone(page: Page) -> None:
    signed_in(page, "sophie-grant")
    page.goto(f"{ONE}/events")
    page.locator("#v21").get_by_role("link", name=re.compile("This is wrong")).focus()
    page.keyboard.press("Enter")
    # What it is about is shown, not asked again.
    expect(page.get_by_role("region", name=re.compile(r"\(21\)"))).to_be_visible()
    expect(page.locator("input[name=version]")).to_have_value("21")
    page.get_by_label("Reason").fill("it was more than that")
    page.get_by_label("Reason").press("Tab")
    # What is seldom needed is folded away between.
    expect(page.locator("summary:focus")).to_have_text(re.compile("another time"))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Recorded.")
    expect(page.locator("main")).to_contain_text("contested")


def test_a_mentee_finds_who_may_know_what(page: Page) -> None:
    sign_in(page, "sophie-grant")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Mine").click()
    page.get_by_role("link", name="Who may see what of this").first.click()
    row = page.get_by_role("row", name=re.compile("^session content"))
    expect(row).to_contain_text("yes")
    expect(row).to_contain_text("no")
    page.get_by_role("link", name="Mine").last.click()
    page.get_by_role("link", name="All that is held about me").click()
    expect(page.get_by_role("heading", name="Who has read my words")).to_be_visible()


def test_it_works_without_scripts(browser: Browser, site: Server) -> None:
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, "david-mensah")
    page.goto(f"{ONE}/do/ReportProblem")
    page.get_by_label("What happened").fill("the room is never free")
    page.get_by_role("button", name="Report a problem").click()
    expect(page.get_by_role("status")).to_have_text("Recorded.")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("main")).to_contain_text("You are signed out.")
    context.close()


def test_an_auditor_takes_evidence_along_and_sees_who_looked_and_what_was_refused(page: Page) -> None:
    signed_in(page, "ada")
    page.goto("/audit")
    page.get_by_label(re.compile("enter its id")).fill(CMN)
    with page.expect_download() as bundle:
        page.get_by_role("button", name="Take the bundle").click()
    assert bundle.value.suggested_filename == f"{CMN}.zip"
    with page.expect_download() as checkpoint:
        page.get_by_role("link", name="Take a checkpoint").click()
    assert checkpoint.value.path().read_text().startswith("rapport/")
    page.get_by_role("link", name="Messages that were refused, and why").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Messages that were refused")
    page.get_by_label("By", exact=True).select_option("all")
    page.get_by_role("button", name="Show").click()
    # People are under pseudonyms.
    expect(page.locator("tbody")).to_contain_text(re.compile(r"p_[0-9a-f]{20} \(mentee\)"))
    page.get_by_role("link", name="older").click()
    assert complaints(page) == []


def test_an_auditor_finds_out_what_happened_and_why(page: Page) -> None:
    signed_in(page, "ada")
    page.goto(ONE)
    page.get_by_role("link", name="Time machine").click()
    page.get_by_role("link", name="Session rescheduled").first.click()
    expect(page.get_by_role("heading", name=re.compile("Event [0-9]+: Session rescheduled"))).to_be_visible()
    expect(page.locator("#event")).to_contain_text(re.compile("leaf [0-9]+ of [0-9]+, proved by [0-9]+ hashes"))
    page.get_by_role("button", name="Verify").click()
    expect(page.locator("#verify")).to_contain_text("It is whole.")
