"""Files that their owner alone can read, such as those of keys, and the folder of a user's own."""

import os
from pathlib import Path
from stat import S_IMODE
from typing import Final

from infra.whole_file import beside, save

OTHERS: Final = 0o077


class Exposed(Exception):
    """Others than its owner can read a file; the message goes on where the file was named."""


def read(file: Path) -> bytes:
    """What a file holds.

    Raises:
        OSError: It can't be read.
        Exposed: Others can read it.
    """
    mode = S_IMODE(file.stat().st_mode)
    raw = file.read_bytes()
    if mode & OTHERS:
        raise Exposed(f"can be read by others than its owner: run chmod 600 {file}")
    return raw


def make(file: Path, raw: bytes) -> bool:
    """Make a file, readable by its owner alone; False where another process made it first, which stays.

    Raises:
        OSError: It can't be made.
    """
    with beside(file) as out:
        out.write(raw)
        save(out)
        try:
            # The process that links first has made the file.
            os.link(out.name, file)
        except FileExistsError:
            return False
    return True


def data_folder() -> Path:
    """The user's data folder of Rapport, which is made.

    Raises:
        OSError: It can't be made.
    """
    home = os.environ.get("XDG_DATA_HOME")
    try:
        folder = (Path(home) if home else Path.home() / ".local" / "share") / "rapport"
    except RuntimeError as error:
        raise OSError(str(error)) from None
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
