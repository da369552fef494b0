"""The pages about the record: every one as every role, in this process. What the matrix hides is in none of them."""

import re

import pytest

from tests.infra.http import telling
from tests.infra.web.browsing import Served

IDS = {**telling.PARTIES, **telling.HOUSE}
TIME = f"/relationships/{telling.REPORTED}/time"
PAGES = (
    "/codes",
    f"/codes?relationship={telling.REPORTED}",
    "/codes/pentalog.trust",
    TIME,
    f"{TIME}?clock=recorded&step=3",
    f"{TIME}?clock=occurred&step=2&event=5",
    "/what-if",
    "/what-if?term=points_no_next_session&value=90",
    "/audit",
    "/audit/reads",
    "/audit/attempts",
    "/programme",
    "/programme/figures/bands",
    "/programme/figures/nps",
    "/programme/data/relationships",
)
PEOPLE = tuple(sorted(set(IDS) - {"service"}))


@pytest.mark.parametrize("role", PEOPLE)
def test_every_page_as_every_role_is_a_small_page_or_a_refusal_and_holds_no_words_of_anybody(told: Served, role: str) -> None:
    browser = told.browser(IDS[role])
    for path in PAGES:
        got = browser.get(path)
        assert got.status in {200, 403, 404}, (role, path, got.status, got.words)
        assert telling.CANARY not in got.text, (role, path)
        assert len(got.text.encode()) < 100_000, (role, path, len(got.text))


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_asked_to_sign_in(told: Served, path: str) -> None:
    assert told.browser().get(path).path.startswith("/sign-in?next=")
