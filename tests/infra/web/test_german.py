"""On German pages nothing of ours is left in English: what both languages have alike is a name, an id, a time, or the same word in both."""

import re
from collections.abc import Iterator
from html import unescape

import pytest

from domain.codes.clauses import CLAUSES, CODES
from infra.web.zones import zones
from tests.infra.web.browsing import Browser, Served

# Words that German has too, and words that both show as they are.
ALIKE = {"Mentee", "Mentor", "Person", "Text", "Name", "Rapport", "English", "Deutsch", "UTC", "In UTC.", "Programme", "Dora", "Cora Lind", "Ada", "·"}  # fmt: skip
# Ids and names of the story, keys and hashes, commands to type.
GIVEN = re.compile(
    r"[sgh]1|mentee:ana|ana|ben|carl|lina|sam|cora|cleo|hugo|canary (title|measure)|pentalog:|telling|elsewhere|rapport[ /].*|[0-9a-f]{64}|[A-Za-z0-9+/]{40,}={0,2}|(\w+:)?p_[0-9a-f]{20}.*|[0-9a-f-]{8,36}|\W*telling\W*"
)
TIMES = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d [A-Z]+)?,?")
# Files to take along are for others than this reader, and zones are a list of names.
LEFT = (
    "/static",
    "/sign",
    "/programme/data",
    "/programme/figures/",
    "/audit/bundle",
    "/preferences",
    "/mine/data.",
    "/codes/",
)
VISITORS = ("cora", "ana", "ben", "ada", "lina", "hugo")


@pytest.mark.parametrize("id_", VISITORS)
def test_no_word_of_a_page_is_left_in_english(told: Served, id_: str) -> None:
    browser = told.browser(id_)
    left: set[tuple[str, str]] = set()
    seen: set[str] = set()
    to_come = ["/"]
    while to_come and len(seen) < 120:
        path = to_come.pop(0)
        seen.add(_shape(path))
        english, german = _in(browser, path, "en"), _in(browser, path, "de")
        left |= {(text, path) for text in _texts(english) & _texts(german) if not _is_alike(text)}
        for link in dict.fromkeys(map(unescape, re.findall(r'href="(/[^"#]*)', english))):
            if not link.startswith(LEFT) and _shape(link) not in seen | set(map(_shape, to_come)):
                to_come.append(link)
    assert sorted(left) == []
    assert len(seen) > 10


def _in(browser: Browser, path: str, language: str) -> str:
    browser.cookies["rapport_language"] = language
    return browser.get(path).text


def _shape(path: str) -> str:
    """Pages of one shape say the same of another event or session."""
    return re.sub(r"\d+", "N", path)


def _texts(page: str) -> set[str]:
    return {text for text in _all(page) if re.search(r"[A-Za-z]{2}", text)}


def _all(page: str) -> Iterator[str]:
    found = re.search(r"<main.*</main>", page, re.DOTALL)
    body = re.sub(r'<bdi class="text">.*?</bdi>|<code>.*?</code>', "", found[0] if found else "", flags=re.DOTALL)
    for text in re.findall(r">([^<]+)<", body):
        yield " ".join(unescape(text).split())
    yield from map(unescape, re.findall(r'(?:aria-label|title|alt|placeholder|aria-valuetext)="([^"]+)"', body))


def _is_alike(text: str) -> bool:
    return text in ALIKE or text in CLAUSES or text in CODES or text in zones() or GIVEN.fullmatch(text) is not None or TIMES.fullmatch(text) is not None  # fmt: skip
