"""What Kafka starts from: made once however many ask, made anew for new jars, done without where it can't be made."""

import os
import threading
from pathlib import Path

import pytest

from infra.local.kafka_archive import Archive, archived
from infra.local.leashed import LocalServerError


@pytest.fixture
def jars(tmp_path: Path) -> list[Path]:
    found = [tmp_path / name for name in ("a.jar", "b.jar")]
    for jar in found:
        jar.touch()
    return found


class Maker:
    """Makes archives that say how many were made before."""

    def __init__(self) -> None:
        self.made: list[Path] = []

    def __call__(self, wanted: Archive, folder: Path) -> None:
        assert folder.is_dir()
        wanted.classes.write_text(f"classes {len(self.made)}")
        wanted.storage.write_text(f"storage {len(self.made)}")
        self.made.append(folder)


def test_it_is_made_once_however_many_ask(jars: list[Path]) -> None:
    make = Maker()
    found: list[Archive | None] = []
    threads = [threading.Thread(target=lambda: found.append(archived(jars, "25.0.2", make))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(make.made) == 1
    assert not make.made[0].exists()
    assert found == [Archive(jars[0].parent / "classes-25.0.2.aot", jars[0].parent / "bootstrap.checkpoint")] * 4
    assert found[0] is not None
    assert (found[0].classes.read_text(), found[0].storage.read_text()) == ("classes 0", "storage 0")


def test_it_is_made_anew_for_another_java_and_for_jars_that_came_later(jars: list[Path]) -> None:
    make = Maker()
    first = archived(jars, "25.0.2", make)
    other = archived(jars, "26.0.0", make)
    assert len(make.made) == 2
    assert first is not None
    assert other is not None
    assert first.classes != other.classes
    later = other.classes.stat().st_mtime + 10
    os.utime(jars[1], (later, later))
    archived(jars, "26.0.0", make)
    assert len(make.made) == 3
    assert other.classes.read_text() == "classes 2"


def test_without_it_a_broker_starts_as_well(jars: list[Path]) -> None:
    def fail(wanted: Archive, _folder: Path) -> None:
        wanted.classes.touch()
        raise LocalServerError("the broker ended")

    assert archived(jars, "25.0.2", fail) is None
    assert sorted(file.name for file in jars[0].parent.iterdir()) == ["a.jar", "b.jar", "lock"]
    nowhere = [jar.parent / "file" / jar.name for jar in jars]
    assert archived(nowhere, "25.0.2", Maker()) is None
