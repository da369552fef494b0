"""What all pages have in common: who signed in, what a form must carry, what a browser is told, what a stranger learns."""

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from infra.web.catalogue import preferred
from infra.web.page import environment
from infra.web.sign_in import ours
from tests.infra.web.browsing import Browser, Served, serving_pages

UTC_ = ZoneInfo("UTC")
POSTS = ("/sign-in/demo", "/sign-out", "/role", "/preferences")


def test_a_stranger_is_asked_to_sign_in_and_goes_on_from_there(told: Served) -> None:
    stranger = told.browser().get("/role")
    assert stranger.path == "/sign-in?next=%2Frole"
    assert stranger.status == 200
    assert 'name="next" value="/role"' in stranger.text


def test_a_demo_person_signs_in_and_out(told: Served) -> None:
    browser = told.browser("cora")
    assert browser.path == "/"
    assert "Cora Lind" in browser.words
    assert "Demo: anybody may sign in" in browser.words
    browser.post("/sign-out", {})
    assert "You are signed out." in browser.words
    assert browser.get("/").path.startswith("/sign-in")


def test_nobody_signs_in_as_somebody_who_is_no_demo_person(told: Served) -> None:
    browser = told.browser().get("/sign-in")
    assert browser.post("/sign-in/demo", {"person": "nobody"}).status == 404
    assert browser.get("/").path.startswith("/sign-in")


def test_who_tries_too_often_is_told_how_long_to_wait(tmp_path: Path) -> None:
    with serving_pages(tmp_path, sign_in_rate="1/minute") as served:
        browser = served.browser("cora")
        browser.get("/sign-in").post("/sign-in/demo", {"person": "cora"})
        assert browser.status == 429
        assert int(browser.headers["retry-after"]) > 0


def test_a_name_turns_nothing_around_it(tmp_path: Path) -> None:
    demo = '[[person]]\nid = "rev"\nname = "\\u202Ede\\u2067x"\nroles = ["coordinator"]\n'
    with serving_pages(tmp_path, demo=demo) as served:
        text = served.browser("rev").get("/").text
        assert "<bdi>\u202ede\u2067x</bdi>" in text
    shown = (
        environment("en")
        .from_string("{% extends 'layout.html.j2' %}{% block title %}{{ who }}{% endblock %}")
        .render(
            who="a\u202e<b>",
            language="en",
            caller=None,
            places=[],
            notices=[],
            scripts=[],
            is_demo=False,
            url=str,
            asset=str,
            zone=UTC_,
        )
    )
    assert "<title>a&lt;b&gt; · Rapport</title>" in shown


def test_without_the_setting_there_is_no_demo(tmp_path: Path) -> None:
    with serving_pages(tmp_path, demo_persons=None) as served:
        browser = served.browser().get("/sign-in")
        assert "Demo" not in browser.words
        assert "Nobody has set up signing in" in browser.words
        assert browser.get("/preferences").post("/sign-in/demo", {"person": "cora"}).status == 404


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("csrf", [None, "", "somebody else's"])
def test_a_form_without_the_token_of_its_session_is_refused(told: Served, path: str, csrf: str | None) -> None:
    browser = told.browser("cora")
    got = browser.post(path, {"person": "ana", "role": "coordinator", "zone": "UTC"}, csrf=csrf)
    assert got.status == 403
    assert "not from a page of your session" in got.words
    assert "Cora Lind" in browser.get("/").words


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_that_another_site_sends_is_refused_whatever_it_carries(told: Served, site: str) -> None:
    browser = told.browser("cora")
    assert browser.post("/sign-out", {}, **{"sec-fetch-site": site}).status == 403


def test_signing_in_begins_a_session_in_which_nothing_of_an_earlier_one_counts(told: Served) -> None:
    browser = told.browser().get("/sign-in")
    before = re.findall(r'name="csrf" value="([^"]+)"', browser.text)[0]
    browser.sign_in("ana")
    assert browser.post("/sign-out", {}, csrf=before).status == 403


def test_a_cookie_that_was_changed_signs_nobody_in(told: Served) -> None:
    browser = told.browser("cora")
    name, value = next(iter(browser.cookies.items()))
    browser.cookies[name] = ("A" if value[0] != "A" else "B") + value[1:]
    assert browser.get("/").path.startswith("/sign-in")


def test_the_cookie_is_hidden_from_scripts_and_from_other_sites_and_under_tls_from_the_wire(told: Served) -> None:
    told.client.cookies.clear()
    got = told.client.get("/sign-in")
    assert re.fullmatch(
        r"rapport_session=[^;]+; path=/; Max-Age=43200; httponly; samesite=lax", got.headers["set-cookie"]
    )
    told.client.cookies.clear()
    got = told.client.get("https://testserver/sign-in")
    assert got.headers["set-cookie"].startswith("__Host-rapport_session=")
    assert got.headers["set-cookie"].endswith("; httponly; samesite=lax; secure")


def test_every_page_lets_nothing_of_others_in(told: Served) -> None:
    for path in ("/", "/sign-in", "/preferences", "/no-such-page"):
        got = told.browser("cora").get(path)
        policy = got.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert {"form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy.split("; "))
        assert "style=" not in got.text
        assert not re.search(r"<script(?! src=)|\son[a-z]+=|javascript:", got.text)
        assert got.headers["cache-control"] == "private, no-store"


def test_too_many_tries_to_sign_in_are_turned_away(tmp_path: Path) -> None:
    with serving_pages(tmp_path, sign_in_rate="2/minute") as served:
        browser = served.browser().get("/sign-in")
        statuses = [browser.get("/sign-in").post("/sign-in/demo", {"person": "nobody"}).status for _ in range(3)]
        assert statuses == [404, 404, 429]
        assert "Too many tries" in browser.words


def test_who_has_several_roles_chooses_one(told: Served) -> None:
    browser = told.browser().sign_in("duo")
    assert browser.path == "/role"
    assert browser.post("/role", {"role": "coordinator"}).status == 400
    browser.get("/role").post("/role", {"role": "auditor"})
    assert browser.path == "/"
    assert "(auditor)" in browser.words


def test_a_path_that_no_page_has_is_a_page_for_browsers_and_problem_details_for_programs(told: Served) -> None:
    browser = told.browser("cora").get("/no-such-page")
    assert (browser.status, "nothing here that you may know of" in browser.words) == (404, True)
    assert told.client.get("/no-such-page").headers["content-type"] == "application/problem+json"


def test_a_parameter_that_a_page_does_not_have_is_named(told: Served) -> None:
    got = told.browser("cora").get("/?as_of=%3Cscript%3E&<b>=1")
    assert got.status == 400
    assert "there is no such parameter; expected one of page" in got.words
    assert "<script>" not in got.text
    assert "<b>" not in got.text


def test_a_reader_chooses_the_time_zone_and_the_page_says_so(told: Served) -> None:
    browser = told.browser("cora").get("/preferences")
    browser.post("/preferences", {"zone": "Asia/Tokyo", "language": "en"})
    assert "Times are shown in Asia/Tokyo." in browser.words
    assert browser.post("/preferences", {"zone": "Nowhere/Land"}).status == 400


def test_styles_are_kept_by_browsers_until_they_change(told: Served) -> None:
    address = re.findall(r'href="(/static/rapport.css\?v=\w+)"', told.browser("cora").text)[0]
    got = told.client.get(address)
    assert got.headers["content-type"].startswith("text/css")
    assert "immutable" in got.headers["cache-control"]
    assert told.client.get("/static/rapport.css").headers["cache-control"] == "no-cache"
    assert told.client.get("/static/..%2fpage.py").status_code in {400, 404, 422}


@pytest.mark.parametrize(
    "target, expected",
    [
        ("/role", "/role"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        (None, "/"),
        ("/a\nb", "/"),
    ],
)
def test_one_goes_on_to_addresses_of_ours_alone(target: str | None, expected: str) -> None:
    assert ours(target) == expected


@pytest.mark.parametrize("header, expected", [("", "en"), ("fr", "en"), ("en-GB,en;q=0.5", "en"), ("de;q=x,;;,", "en")])
def test_a_browser_says_which_language_it_likes(header: str, expected: str) -> None:
    assert preferred(header) == expected


def test_the_api_takes_no_cookie(told: Served) -> None:
    browser: Browser = told.browser("cora")
    assert browser.get("/v1/me").status == 401
