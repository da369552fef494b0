"""E-mail addresses: a file may say who has which, before what people's own entries say.

    "mentee:ana" = "ana@example.org"
    coordinator = "mentoring-office@example.org"

The names are recipients as notifications have them: `role:id`, or a whole role. The file is TOML, or JSON if it is called so.
"""

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.errors import HeaderParseError, NonASCIILocalPartDefect
from email.headerregistry import AddressHeader
from email.policy import SMTP
from pathlib import Path
from typing import Final

from infra.configured_file import read_text
from infra.settings import WrongSettings

# The address in the entry of a recipient, as somebody wrote it; None where there is none.
Entries = Callable[[str], str | None]


def _nobody(_: str) -> None:
    return None


NO_ENTRIES: Final[Entries] = _nobody


@dataclass(frozen=True)
class AddressBook:
    """Who has which address: what the operator's file says comes first, then a person's own entry."""

    file: Mapping[str, str]
    entries: Entries = NO_ENTRIES

    def of(self, recipient: str) -> str | None:
        """The address of a recipient; None where nobody knows one that can be one."""
        if recipient in self.file:
            return self.file[recipient]
        written = self.entries(recipient)
        try:
            return None if written is None else address(written)
        except ValueError:
            return None


def address(text: str) -> str:
    """The one address in a text such as `Rapport <rapport@example.org>`. Raises ValueError."""
    if not text.isprintable():
        raise ValueError("is not on one line")
    try:
        header = SMTP.header_factory("To", text)
    except (IndexError, HeaderParseError):
        # The standard library's parser runs over the end of what breaks off.
        raise ValueError("is no e-mail address") from None
    assert isinstance(header, AddressHeader)
    # Letters beyond ASCII are allowed; whether the server can send there is for the server to say.
    wrong = [each for each in getattr(header, "defects", ()) if not isinstance(each, NonASCIILocalPartDefect)]
    if wrong or len(header.addresses) != 1:
        raise ValueError("is not one e-mail address")
    [found] = header.addresses
    if not found.username or not found.domain:
        raise ValueError("is no e-mail address")
    return str(found.addr_spec)


def read_addresses(path: Path) -> Mapping[str, str]:
    """The addresses by recipient.

    Raises:
        WrongSettings: An entry is wrong; the message names the file and the recipient, never an address.
    """
    text = read_text(path, "RAPPORT_ADDRESSES")
    try:
        found = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise WrongSettings(f"RAPPORT_ADDRESSES: {path} can't be understood: {error}") from None
    if not isinstance(found, dict):
        raise WrongSettings(f"RAPPORT_ADDRESSES: {path} has to say who has which address")
    return {recipient: _checked(path, recipient, value) for recipient, value in found.items()}


def _checked(path: Path, recipient: str, value: object) -> str:
    try:
        if not isinstance(value, str):
            raise ValueError("is no text")  # noqa: TRY004, TRY301 - one way out for all that is wrong
        return address(value)
    except ValueError as error:
        raise WrongSettings(f"RAPPORT_ADDRESSES: {path}: what stands for {recipient!r} {error}") from None
