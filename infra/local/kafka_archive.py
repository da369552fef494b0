"""What a local Kafka starts from, made once and kept beside its jars: an archive of its classes, and a formatted storage.

To read, check and link seven thousand classes is half the work of a broker's start, and a Java of its own that formats the
storage a quarter. Java keeps what a first broker has loaded in an archive (its "AOT cache") that later ones map into memory,
and the format tool leaves one file that says nothing of its cluster. Without the two a broker starts as well, only later.

An archive is for one version of Java and for jars that are as old as it or older; Java itself leaves aside one that is for others.
"""

import fcntl
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.local.leashed import LocalServerError

# What the format tool writes: which features of the protocol the storage is for.
STORAGE = "bootstrap.checkpoint"


@dataclass(frozen=True)
class Archive:
    """The archive of classes, and the first file of a formatted storage."""

    classes: Path
    storage: Path

    def is_made_from(self, jars: Sequence[Path]) -> bool:
        """Whether both are there and no jar has come since."""
        newest = max(jar.stat().st_mtime for jar in jars)
        return all(file.exists() and file.stat().st_mtime >= newest for file in (self.classes, self.storage))

    @property
    def options(self) -> list[str]:
        """The options of Java by which it uses the classes."""
        return [f"-XX:AOTCache={self.classes}"]

    def format(self, data: Path, *, node: int, cluster: str, directory: str) -> None:
        """Make a formatted storage, as the format tool does. Raises OSError."""
        data.mkdir(mode=0o700)
        (data / STORAGE).write_bytes(self.storage.read_bytes())
        # Last: a folder that has it counts as formatted.
        (data / "meta.properties").write_text(
            f"version=1\nnode.id={node}\ncluster.id={cluster}\ndirectory.id={directory}\n"
        )


def archived(jars: Sequence[Path], java_version: str, make: Callable[[Archive, Path], None]) -> Archive | None:
    """The archive beside the jars, which `make` makes if it is missing, in a folder that is removed afterwards.

    Several processes may ask at once. None where it can't be made, for instance because the folder can't be written.
    """
    folder = jars[0].parent
    found = Archive(folder / f"classes-{java_version}.aot", folder / STORAGE)
    try:
        if not found.is_made_from(jars):
            with (folder / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # let go with the file
                if not found.is_made_from(jars):
                    _make(found, make)
    except (OSError, LocalServerError):
        return None
    return found


def _make(wanted: Archive, make: Callable[[Archive, Path], None]) -> None:
    with tempfile.TemporaryDirectory(dir=wanted.classes.parent) as own:
        new = Archive(Path(own) / "classes", Path(own) / STORAGE)
        make(new, Path(own))
        new.storage.replace(wanted.storage)
        new.classes.replace(wanted.classes)
