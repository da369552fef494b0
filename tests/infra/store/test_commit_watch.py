"""Commits of other processes are noticed when the file system tells of them, and also where it tells nothing."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from infra.store.sqlite.commit_watch import SELDOM_SECONDS, CommitWatch

LONG = 30.0
COMMIT = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for number in range(int(sys.argv[2])):
    sys.stdin.readline()
    connection.execute("INSERT INTO noted VALUES (?)", (number,))
    print(number, flush=True)
"""


class Counter:
    """The commit counter of a file, and how often it was read."""

    def __init__(self, path: Path) -> None:
        self.reads = 0
        self._turn = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def __call__(self) -> int:
        with self._turn:
            self.reads += 1
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "store.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE noted (number INTEGER)")
        yield path


def test_a_commit_of_another_process_wakes_who_waits(store: Path) -> None:
    counter = Counter(store)
    with (
        closing(CommitWatch(str(store), counter)) as watch,
        subprocess.Popen(
            [sys.executable, "-c", COMMIT, str(store), "20"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as writer,
    ):
        assert writer.stdin is not None
        for _ in range(20):
            mark = counter()
            writer.stdin.write("\n")
            writer.stdin.flush()
            began = time.monotonic()
            assert watch.wait_since(mark, LONG)
            # Not by looking seldom: the file system told.
            assert time.monotonic() - began < SELDOM_SECONDS
            assert counter() != mark


def test_waiting_for_nothing_reads_the_counter_seldom(store: Path) -> None:
    counter = Counter(store)
    with closing(CommitWatch(str(store), counter)) as watch:
        assert not watch.wait_since(counter(), 0.5)
    assert counter.reads < 5


def test_a_commit_before_the_wait_is_not_waited_for(store: Path) -> None:
    counter = Counter(store)
    mark = counter()
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("INSERT INTO noted VALUES (1)")
    with closing(CommitWatch(str(store), counter)) as watch:
        assert watch.wait_since(mark, 0)


def test_where_the_file_system_tells_nothing_the_counter_is_read_often(tmp_path: Path) -> None:
    at = iter(range(1000))
    # Nobody can watch a folder that is not there.
    with closing(CommitWatch(str(tmp_path / "gone" / "store.sqlite"), lambda: next(at) // 3)) as watch:
        assert watch.wait_since(0, LONG)
    assert next(at) == 4


def test_other_files_of_the_folder_wake_nobody(store: Path) -> None:
    counter = Counter(store)
    with closing(CommitWatch(str(store), counter)) as watch:
        watch.wait_since(counter(), 0)
        for number in range(20):
            (store.parent / f"other-{number}").write_text("x")
        before = counter.reads
        assert not watch.wait_since(counter(), 0.3)
        assert counter.reads - before < 5
