import pytest
from playwright.sync_api import Page

from tests.infra.web.browser.chromium import complaints

pytestmark = pytest.mark.xdist_group("browser")


def test_axe_finds_what_keeps_people_out(page: Page) -> None:
    page.set_content("<html lang=en><title>A</title><main><h1>A</h1><img src='data:,'></main></html>")
    assert [line for line in complaints(page) if line.startswith("image-alt")]


def test_axe_finds_nothing_wrong_with_a_page_that_is_well_made(page: Page) -> None:
    page.set_content("<html lang=en><title>A</title><main><h1>A</h1><img alt='a picture' src='data:,'></main></html>")
    assert complaints(page) == []
