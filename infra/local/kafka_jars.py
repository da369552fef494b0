"""The 46 jars of Apache Kafka, fetched once by `jgo` into the user's cache folder and checked against `kafka-jars.txt`.

The list in the file names each jar with its size and SHA-256, so every machine runs the same broker, an interrupted or
altered download is found (jgo keeps the first and only warns of the second), and nothing has to be resolved at run time.
A mirror is set where jgo looks for it, in the section [repositories] of its settings file; a proxy by the usual
HTTPS_PROXY. `python -m infra.local.kafka_jars 4.1.2` prints the list for another version.
"""

import fcntl
import hashlib
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.leashed import LocalServerError

LIST = Path(__file__).with_name("kafka-jars.txt")
DOWNLOADS_AT_ONCE = 6
TIMEOUT_SECONDS = 30

# Called with the bytes that have arrived and the bytes that are wanted in all.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Jar:
    """One jar: its Maven coordinates, its size in bytes and its SHA-256 in hex."""

    group: str
    artifact: str
    version: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    def is_in(self, folder: Path) -> bool:
        """Whether the folder holds the jar in full; what is there was checked when it came."""
        try:
            return (folder / self.name).stat().st_size == self.size
        except OSError:
            return False


def listed() -> list[Jar]:
    """The jars of `kafka-jars.txt`."""
    jars = []
    for line in LIST.read_text().splitlines():
        if not line.startswith("#"):
            coordinates, size, sha256 = line.split()
            group, artifact, number = coordinates.split(":")
            jars.append(Jar(group, artifact, number, int(size), sha256))
    return jars


def version() -> str:
    """The version of Kafka whose jars are listed."""
    return next(jar.version for jar in listed() if jar.artifact == "kafka-server")


def cache_folder() -> Path:
    """Where the jars are kept for all projects of this user."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("rapport")) / f"kafka-{version()}"


def fetched(progress: Progress | None = None, folder: Path | None = None) -> list[Path]:
    """The jars of Kafka, downloaded when they are not there yet; several processes may ask at once.

    Raises:
        LocalServerError: no repository could be reached, the folder can't be written, or a jar is not the listed one.
    """
    folder = folder or cache_folder()
    jars = listed()
    if not all(jar.is_in(folder) for jar in jars):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # let go with the file
                _fetch([jar for jar in jars if not jar.is_in(folder)], folder, progress)
        except OSError as error:
            raise LocalServerError(f"the jars of Kafka can't be kept in {folder}: {error}") from error
    return [folder / jar.name for jar in jars]


def _fetch(missing: list[Jar], folder: Path, progress: Progress | None) -> None:
    wanted = sum(jar.size for jar in missing)
    arrived = 0
    counting = threading.Lock()

    def fetch(jar: Jar) -> None:
        nonlocal arrived
        _fetch_one(jar, folder)
        with counting:
            arrived += jar.size
            if progress is not None:
                progress(arrived, wanted)

    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        try:
            list(pool.map(fetch, missing))
        finally:
            pool.shutdown(cancel_futures=True)


def _fetch_one(jar: Jar, folder: Path) -> None:
    import requests

    with tempfile.TemporaryDirectory(dir=folder) as own:
        try:
            artifact = _maven(Path(own)).project(jar.group, jar.artifact).at_version(jar.version).artifact()
            path = Path(artifact.resolve())
        except (requests.RequestException, RuntimeError) as error:
            raise LocalServerError(
                f"{jar.name} of Kafka can't be fetched. This machine needs to reach a Maven repository once; "
                f"behind a proxy set HTTPS_PROXY, or name a mirror in jgo's settings ({error})",
            ) from error
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != jar.sha256:
            raise LocalServerError(
                f"{jar.name} is not what it should be: its SHA-256 is {found}, listed is {jar.sha256}"
            )
        path.replace(folder / jar.name)


def _maven(cache: Path) -> Any:
    """Access to Maven's repositories as jgo is set up on this machine, keeping what it fetches in `cache`."""
    try:
        from jgo.config import GlobalSettings
        from jgo.maven import MavenContext
    except ImportError as error:
        raise LocalServerError("the local Kafka comes with the extra `local`: pip install 'rapport[local]'") from error
    context = MavenContext(repo_cache=cache, timeout=TIMEOUT_SECONDS)
    context.remote_repos.update(GlobalSettings.load().repositories)
    return context


def _print_list(wanted: str) -> None:
    import jgo

    # Resolved alone: in one list with others, their parents' versions of kafka-clients would overrule Kafka's own.
    artifacts = [(a.groupId, a.artifactId, a.version) for a in jgo.resolve(f"org.apache.kafka:kafka_2.13:{wanted}")]
    # Kafka logs through slf4j and log4j; what ties the two comes with its distribution, not with its jar.
    log4j = next(version for _, name, version in artifacts if name == "log4j-core")
    artifacts.append(("org.apache.logging.log4j", "log4j-slf4j-impl", log4j))
    print("# Made by `python -m infra.local.kafka_jars`: coordinates, bytes, SHA-256.")  # noqa: T201 - its one purpose
    own = Path(tempfile.mkdtemp())
    for group, name, number in sorted(artifacts):
        path = Path(_maven(own).project(group, name).at_version(number).artifact().resolve())
        print(f"{group}:{name}:{number} {path.stat().st_size} {hashlib.sha256(path.read_bytes()).hexdigest()}")  # noqa: T201 - the same
    shutil.rmtree(own)


if __name__ == "__main__":
    _print_list(sys.argv[1])
