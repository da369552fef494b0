"""Pictures of pages for the documents: `make screenshots` writes them into docs/images; else they are taken and thrown away."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.infra.web.browser.people import CMN
from tests.infra.web.browser.test_walks import TIME, signed_in

pytestmark = pytest.mark.xdist_group("browser")

# Each picture: who looks at what.
PICTURES = {
    "relationship": ("sophie-grant", f"/relationships/{CMN}"),
    "time-machine": ("learning-team", f"{TIME}?clock=occurred&step=40"),
    "programme": ("alf", "/programme/figures/survival"),
    "codes": ("learning-team", f"/codes?relationship={CMN}"),
    "what-if": ("learning-team", "/what-if?term=points_no_next_session&value=40"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_of_a_page(page: Page, pictures: Path, name: str) -> None:
    id_, path = PICTURES[name]
    signed_in(page, id_)
    page.set_viewport_size({"width": 1000, "height": 700})
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    file = pictures / f"{name}.png"
    page.screenshot(path=file, animations="disabled")
    assert 10_000 < file.stat().st_size < 200_000
