import pytest
from playwright.sync_api import Page

from tests.infra.web.browser.chromium import Looked, complaints

pytestmark = pytest.mark.xdist_group("browser")


def test_axe_finds_what_keeps_people_out(page: Page) -> None:
    page.set_content("<html lang=en><title>A</title><main><h1>A</h1><img src='data:,'></main></html>")
    assert [line for line in complaints(page) if line.startswith("image-alt")]


def test_axe_finds_nothing_wrong_with_a_page_that_is_well_made(page: Page) -> None:
    page.set_content("<html lang=en><title>A</title><main><h1>A</h1><img alt='a picture' src='data:,'></main></html>")
    assert complaints(page) == []


@pytest.mark.parametrize(
    "more", ["<img src='data:,'>", "<h2></h2>", "<h4>A</h4>", "<a href='/'></a>", "<input type=text>"]
)
def test_a_page_that_has_something_new_is_looked_at_again(page: Page, more: str) -> None:
    looked = Looked()
    good = "<html lang=en><title>A</title><main><h1>A</h1><p id=a>A <a href='/'>A</a><input type=text aria-label=A></p>{}</main></html>"
    page.set_content(good.format(""))
    assert looked.complaints(page) == []
    page.set_content(good.format(more))
    assert looked.complaints(page) == complaints(page) != []
