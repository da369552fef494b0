"""The address of a store: what it names, told without the passwords that may stand in it.

A mistyped address may have its password anywhere: in the place of the port, the host or the scheme's rest. So what can't be
understood is told by its scheme alone, and nothing that libpq says about it is passed on.
"""

import os
import re
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_plus

from infra import private_file
from infra.settings import WrongSettings
from infra.store.errors import StoreError, UnknownStore

EXPECTED: Final = "expected sqlite:///FILE or postgresql://USER@HOST/NAME"
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30}):")
_PAIR: Final = re.compile(r"(?i)((?:password|passwd|pwd|secret|token)\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&;]*)")
_SECRET_KEYS: Final = ("password", "sslpassword")
# user:password@ before the first slash after the scheme; only one @, and it stands there.
_AUTHORITY: Final = re.compile(r"(?:[^\s@/?]*@)?(?:\[[0-9A-Fa-f:.%a-z]*\]|[^\s@/?#:\[\]]*)(?::\d*)?(?:,[^\s@/?#]*)?")


# Hosts of this machine, beside the folders of sockets.
_THIS_MACHINE: Final = frozenset({"", "localhost", "127.0.0.1", "::1"})


def is_this_machine(host: str) -> bool:
    """Whether a server's host, or each of several with commas between, is the machine that this runs on."""
    return all(each in _THIS_MACHINE or each.startswith(("/", "@")) for each in host.split(","))


def scheme_of(url: str) -> str:
    """The scheme of an address, or an empty text where it has none."""
    found = _SCHEME.match(url)
    return found[1] if found else ""


def scrubbed(text: str) -> str:
    """A text without what may be a password in it: all from a colon to the last @, and what stands after `password=`."""
    return _PAIR.sub(r"\1***", re.sub(r"(?s):[^:\s]*:.*@|:(?!//).*@", ":***@", text))


def shown_url(url: str) -> str:
    """An address for a message: of one that is no file, the scheme alone."""
    scheme = scheme_of(url)
    if scheme == "sqlite":
        return repr(scrubbed(url))
    return f"the address that begins with {scheme + ':'!r}" if scheme else "the address, which has no scheme,"


def has_password(url: str) -> bool:
    """Whether an address has, or may be meant to have, a password in it."""
    _, scheme, rest = url.partition("://")
    return bool(re.search(r"(?s):.*@", rest if scheme else url) or _PAIR.search(url))


def file_of(url: str) -> str:
    """The file that a `sqlite:///` address names, as an absolute path; every character stands for itself.

    Raises:
        UnknownStore: It names none, or a place in memory.
        StoreError: Its folder does not exist.
    """
    host, slash, path = url.removeprefix("sqlite://").partition("/")
    wrong = host or not slash or not path or path.endswith("/") or "\0" in path or Path(path).is_dir()
    # The address of a server under the wrong scheme would make a file that has the password for a name.
    if wrong or path.startswith((":", "file:")) or re.search(r":.*@", path):
        raise UnknownStore(
            f"{shown_url(url)} names no file: expected sqlite:///FILE (sqlite:////FILE from the root); a store is a file on a disk"
        )
    folder = Path(path).parent
    if not folder.is_dir():
        raise StoreError(f"the folder {scrubbed(str(folder))} of the store does not exist")
    return os.path.abspath(path)  # noqa: PTH100 - links stay as they are


def file_beside(url: str, ending: str) -> Path:
    """The file of this ending beside a store on SQLite, or of a server in the user's data folder, which is made.

    Raises:
        UnknownStore: The address can't be understood.
        StoreError: The folder of the store does not exist.
        OSError: The user's data folder can't be made.
    """
    if url.startswith("sqlite:"):
        return Path(f"{file_of(url)}.{ending}")
    server = server_of(url)
    which = sha256(repr([server.get(name) for name in ("host", "port", "dbname")]).encode()).hexdigest()[:16]
    return private_file.data_folder() / f"{which}.{ending}"


def key_file(named: Path | None, url: str, ending: str, *, setting: str, key: str) -> Path:
    """The file of a key: the one that a setting names, else that of this ending beside a store. `key` says which, such as `that signs tokens`.

    Raises:
        WrongSettings: The user's data folder can't be made.
        StoreError: The address of the store can't be understood.
    """
    if named is not None:
        return named
    try:
        return file_beside(url, ending)
    except OSError as error:
        raise WrongSettings(f"{setting}: name a file for the key {key}: {error}") from None


def server_of(url: str) -> dict[str, Any]:
    """What a `postgresql://` address says, by libpq's names.

    Raises:
        UnknownStore: It can't be understood; the message has nothing of it but the scheme.
    """
    authority, _, _ = url.partition("://")[2].replace("?", "/?", 1).partition("/")
    if not _AUTHORITY.fullmatch(authority) or "@" in url.partition("://")[2][len(authority) :].partition("?")[0]:
        raise UnknownStore(
            f"{shown_url(url)} can't be understood: expected postgresql://USER:PASSWORD@HOST:PORT/NAME, with %40 for @, %2F for / "
            "and so on in the name and the password"
        )
    if re.search(r"%(?![0-9A-Fa-f]{2})", url):
        raise UnknownStore(
            f"{shown_url(url)} can't be understood: % needs two hexadecimal digits after it (%25 is % itself)"
        )
    # A file needs no driver, which takes a moment to import.
    from psycopg.conninfo import conninfo_to_dict

    try:
        return conninfo_to_dict(url)
    except Exception:  # noqa: BLE001 - whatever it is, what it says may have a password in it
        raise UnknownStore(f"{shown_url(url)} can't be understood{_unknown_parameter(url)}; {EXPECTED}") from None


def _unknown_parameter(url: str) -> str:
    """The names in the query that look like parameters, where the rest is in order: one of them may be mistyped."""
    query = url.partition("?")[2]
    names = [unquote_plus(pair.partition("=")[0]) for pair in query.split("&")]
    if "@" in query or not all(re.fullmatch(r"[a-z_]{3,40}", name) for name in names):
        return ""
    return f": see its parameters ({', '.join(names)})"


def without_secrets(text: str, known: dict[str, Any]) -> str:
    """What a library says, without the passwords of the address."""
    for key in _SECRET_KEYS:
        secret = str(known.get(key) or "")
        if len(secret) > 2:  # shorter ones would take letters out of words
            text = text.replace(secret, "***")
    return text
