"""The address book: a file of the deployment's own."""

from pathlib import Path

import pytest

from infra.notifications.addresses import address, read_addresses
from infra.settings import WrongSettings


@pytest.mark.parametrize(
    "name, text",
    [
        ("book.toml", '"mentee:ana" = "ana@example.org"\ncoordinator = "Office <office@example.org>"'),
        ("book.json", '{"mentee:ana": "ana@example.org", "coordinator": "Office <office@example.org>"}'),
    ],
)
def test_toml_and_json_say_the_same(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_addresses(tmp_path / name) == {"mentee:ana": "ana@example.org", "coordinator": "office@example.org"}


@pytest.mark.parametrize(
    "name, text",
    [
        ("book.toml", '"mentee:ana" = '),
        ("book.toml", "[mentee]\nana = 'ana@example.org'"),
        ("book.toml", '"mentee:ana" = 5'),
        ("book.toml", '"mentee:ana" = ""'),
        ("book.json", "[]"),
        ("book.json", '{"mentee:ana": "ana@example.org\\nBcc: eve@example.org"}'),
        ("book.json", '{"mentee:ana": "ana@example.org, eve@example.org"}'),
        ("book.json", '{"mentee:ana": "ana"}'),
        ("book.json", '{"mentee:ana": "@example.org"}'),
        ("book.json", "\x00"),
    ],
)
def test_what_is_wrong_is_a_wrong_setting_that_shows_no_address(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(WrongSettings, match="RAPPORT_ADDRESSES") as caught:
        read_addresses(tmp_path / name)
    assert "example.org" not in str(caught.value)


def test_a_file_that_is_gone_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(WrongSettings, match="can't be read"):
        read_addresses(tmp_path / "book.toml")


@pytest.mark.parametrize("text", ["", " ", "a b@c", "a@b@c", "group: a@b, c@d;", "<>", "a@", "a@b\r\nX: y"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is "):
        address(text)
