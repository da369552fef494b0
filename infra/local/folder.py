"""The folder in which `rapport up` keeps the data of its servers, for one `rapport up` at a time."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.leashed import LocalServerError

DEFAULT = Path(".rapport")


@contextmanager
def data_folder(folder: Path | None, ephemeral: bool) -> Iterator[Path]:
    """The folder for the data, locked while in use. An ephemeral one is new or empty, and removed afterwards.

    Raises:
        LocalServerError: it can't be written, another process uses it, or it holds data and would be removed.
    """
    if folder is None:
        folder = _temporary() if ephemeral else DEFAULT
    try:
        if ephemeral and folder.exists() and any(folder.iterdir()):
            raise LocalServerError(f"{folder} is not empty and --ephemeral would remove what is in it; name another")
        make_folder(folder)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise LocalServerError(f"the folder {folder} can't be used: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LocalServerError(
                f"another `rapport up` runs in {folder}; stop it or name another --folder"
            ) from error
        (folder / ".gitignore").write_text("*\n")
        try:
            yield folder
        finally:
            if ephemeral:
                shutil.rmtree(folder, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Make a folder and the ones above it where they are missing, for their owner alone. Raises `OSError`.

    Under root others get through, and see nothing of what is inside: PostgreSQL's account has to reach its data.
    """
    for each in reversed((folder, *folder.parents)):
        if not each.exists():
            each.mkdir(exist_ok=True)
            each.chmod(0o711 if os.geteuid() == 0 else 0o700)


def _temporary() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="rapport-"))
    # Under root, PostgreSQL's account has to get through; what is inside is closed to others piece by piece.
    folder.chmod(0o711)
    return folder
