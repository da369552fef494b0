import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.infra.http.server import Server, serving
from tests.infra.web.browser.chromium import browsing
from tests.infra.web.browser.people import DEMO, NOW, tell_everything

# A machine that is busy with other tests draws its first chart slowly.
PATIENCE_MS = 40_000
DOCS = Path(__file__).parents[4] / "docs" / "images"


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for all tests of pages; they are of one group, so that one process has it."""
    with browsing() as found:
        yield found


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of pages: the examples, what the workers made of them, and a simulated programme, in March 2025."""
    folder = tmp_path_factory.mktemp("site")
    store = f"sqlite:///{folder / 'store.sqlite'}"
    tell_everything(store)
    (folder / "demo.toml").write_text(DEMO)
    settings = {
        "RAPPORT_DEMO_PERSONS": str(folder / "demo.toml"),
        "RAPPORT_CLOCK": NOW,
        "RAPPORT_SIGN_IN_RATE": "1000/second",
        "RAPPORT_LOG_LEVEL": "warning",
    }
    with serving(store, folder, "--api-only", **settings) as found:
        yield found


@pytest.fixture
def context(browser: Browser, site: Server) -> Iterator[BrowserContext]:
    """A visitor without cookies, in a time zone and language that do not depend on the machine."""
    context = browser.new_context(
        base_url=site.url,
        viewport={"width": 1100, "height": 800},
        locale="en-GB",
        timezone_id="Europe/Berlin",
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """The folder for pictures: that of the documents if they are asked for (`make screenshots`), else one that is thrown away."""
    if "SCREENSHOTS" not in os.environ:
        return tmp_path
    DOCS.mkdir(exist_ok=True)
    return DOCS
