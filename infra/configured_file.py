"""Files that settings name: their text, and their secrets, read one way for all.

A byte order mark at the beginning, as some editors leave it, is no part of the text.
"""

from pathlib import Path

from infra.settings import WrongSettings


def read_text(path: Path, setting: str) -> str:
    """The text of a file.

    Raises:
        WrongSettings: it can't be read, or is no UTF-8. Nothing of the text is shown: it may be a secret.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise WrongSettings(f"{setting}: {path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise WrongSettings(f"{setting}: {path} is no UTF-8 text (byte {error.start})") from None


def read_secret(path: Path, setting: str) -> str:
    """The one line of a file, such as a password, without its line end; spaces belong to it.

    Raises:
        WrongSettings: it can't be read, is empty, or has several lines.
    """
    text = read_text(path, setting)
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise WrongSettings(f"{setting}: {path} is empty: write the secret into it, on one line")
    if "\n" in secret or "\r" in secret:
        raise WrongSettings(f"{setting}: {path} has several lines: expected the secret alone, on one line")
    return secret
