"""The browser of the tests: Debian's Chromium, driven by Playwright, and what it finds wrong with a page (axe-core)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

# The one without windows spends nothing on drawing them.
PLACES = ("/usr/bin/chromium-headless-shell", "/usr/bin/chromium")
CHROMIUM = os.environ.get("CHROMIUM") or next((each for each in PLACES if Path(each).is_file()), PLACES[0])
# It runs as root in a container, draws nothing on a screen, and asks nobody for news.
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
)
AXE = Path(__file__).parent / "axe" / "axe.min.js"
# All that axe knows of WCAG 2.2 up to AA, and its best practices.
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser for the block.

    Raises:
        RuntimeError: There is none on this machine; tests of pages then fail, for what was not looked at is not shown to work.
    """
    if not Path(CHROMIUM).is_file():
        raise RuntimeError(f"no Chromium at {CHROMIUM}: `make chromium` installs it, or say where it is by CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        try:
            yield browser
        finally:
            browser.close()


def complaints(page: Page, rule: str | None = None) -> list[str]:
    """What axe finds on the page as it is, a line for each rule and element; of one rule alone if it is given."""
    if not page.evaluate("typeof axe === 'object'"):
        # By the debugger's way in: the page's own policy lets no script in but the server's, and stays as it is.
        page.evaluate(_axe())
    only = {"type": "rule", "values": [rule]} if rule else {"type": "tag", "values": list(TAGS)}
    found: list[dict[str, Any]] = page.evaluate(
        "only => axe.run(document, {runOnly: only, resultTypes: ['violations']}).then(found => found.violations)", only
    )
    return [f"{each['id']}: {each['help']}: {node['html']}" for each in found for node in each["nodes"]]


@cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")
