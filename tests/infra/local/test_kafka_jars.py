"""Kafka's jars: all pinned by their SHA-256, whole when they are used, fetched once however many ask."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from infra.local import kafka_jars
from infra.local.kafka_jars import fetched, listed
from infra.local.leashed import LocalServerError

CONTENT = b"as good as a jar"


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A Maven repository of this test, set as jgo's mirror, which has the one jar `a:b:1`."""
    folder = tmp_path / "mirror"
    (folder / "a" / "b" / "1").mkdir(parents=True)
    (folder / "a" / "b" / "1" / "b-1.jar").write_bytes(CONTENT)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            with (tmp_path / "asked").open("a") as asked:
                asked.write(f"{self.path}\n")

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        settings = tmp_path / "jgo.conf"
        settings.write_text(f"[repositories]\ncentral = http://127.0.0.1:{server.server_address[1]}\n")
        monkeypatch.setenv("JGO_CONFIG_FILE", str(settings))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        pin(monkeypatch, tmp_path, CONTENT)
        yield tmp_path
        server.shutdown()
        thread.join()


def pin(monkeypatch: pytest.MonkeyPatch, folder: Path, content: bytes) -> None:
    (folder / "list").write_text(f"# made up\na:b:1 {len(content)} {hashlib.sha256(content).hexdigest()}\n")
    monkeypatch.setattr(kafka_jars, "LIST", folder / "list")


def asked(folder: Path) -> list[str]:
    file = folder / "asked"
    return [line for line in file.read_text().splitlines() if line.endswith(".jar")] if file.exists() else []


def test_every_jar_is_pinned_and_kafkas_are_of_one_version() -> None:
    jars = listed()
    assert len(jars) == len({(jar.group, jar.artifact) for jar in jars}) == 46
    assert all(len(jar.sha256) == 64 and jar.size > 0 for jar in jars)
    # A resolver that mixes in another project's wishes gives the broker an older client library.
    assert {jar.version for jar in jars if jar.group == "org.apache.kafka"} == {kafka_jars.version()}
    assert {"log4j-core", "log4j-slf4j-impl"} <= {jar.artifact for jar in jars}


def test_a_jar_is_fetched_from_the_mirror_once_and_kept(mirror: Path) -> None:
    told: list[tuple[int, int]] = []
    cache = mirror / "cache"
    paths = fetched(lambda arrived, wanted: told.append((arrived, wanted)), cache)
    assert [path.read_bytes() for path in paths] == [CONTENT]
    assert told == [(len(CONTENT), len(CONTENT))]
    assert fetched(None, cache) == paths
    assert len(asked(mirror)) == 1
    assert sorted(path.name for path in cache.iterdir()) == ["b-1.jar", "lock"]


def test_a_jar_that_was_cut_short_is_fetched_again(mirror: Path) -> None:
    (mirror / "cache").mkdir()
    (mirror / "cache" / "b-1.jar").write_bytes(CONTENT[:5])
    assert fetched(None, mirror / "cache")[0].read_bytes() == CONTENT


def test_a_jar_that_was_altered_is_refused_and_not_kept(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pin(monkeypatch, mirror, b"something else!!")
    with pytest.raises(LocalServerError, match=r"b-1\.jar is not what it should be"):
        fetched(None, mirror / "cache")
    assert not (mirror / "cache" / "b-1.jar").exists()


def test_a_jar_that_no_repository_has_is_named(mirror: Path) -> None:
    (mirror / "mirror" / "a" / "b" / "1" / "b-1.jar").unlink()
    with pytest.raises(LocalServerError, match=r"b-1\.jar of Kafka can't be fetched"):
        fetched(None, mirror / "cache")


def test_many_that_ask_at_once_fetch_once(mirror: Path) -> None:
    threads = [threading.Thread(target=fetched, args=(None, mirror / "cache")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked(mirror)) == 1


def test_a_cache_that_can_not_be_written_is_named(mirror: Path) -> None:
    (mirror / "file").touch()
    with pytest.raises(LocalServerError, match="can't be kept in"):
        fetched(None, mirror / "file" / "cache")
