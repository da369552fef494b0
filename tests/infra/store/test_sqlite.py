"""What can happen to a file: another version, damage, a full disk, somebody else's lock."""

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from infra.store.errors import BusyStore, DamagedStore, MissingStore, StoreError, UnknownStore
from infra.store.log import EventStore
from infra.store.opening import open_database
from infra.store.sqlite import recorder
from infra.store.sqlite.database import SQLiteDatabase
from tests.infra.store.test_store import event


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A store of 2,000 events, closed."""
    path = tmp_path / "store.sqlite"
    with open_database(url(path), synchronous="off") as database:
        database.insert_events([event(f"s{n}", 1, b"x" * 200) for n in range(2000)])
    return path


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def pragma(database: SQLiteDatabase, name: str) -> object:
    with database.reading() as session:
        return session.query(f"PRAGMA {name}")[0][0]


def test_a_commit_is_on_the_disk_before_it_is_told(tmp_path: Path) -> None:
    with SQLiteDatabase(url(tmp_path / "store.sqlite")) as database:
        assert pragma(database, "synchronous") == 2
        assert pragma(database, "journal_mode") == "wal"


def test_a_store_that_could_not_be_made_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.sqlite"
    with monkeypatch.context() as patched:
        patched.setattr(recorder, "SCHEMA", (*recorder.SCHEMA, "CREATE TABLE stored_events (text TEXT)"))
        with pytest.raises(StoreError, match="already exists"):
            SQLiteDatabase(url(path))
    with closing(sqlite3.connect(path)) as found:
        assert found.execute("PRAGMA user_version").fetchone() == (0,)
        assert found.execute("SELECT name FROM sqlite_master").fetchall() == []


@pytest.mark.parametrize("size", [50, 100, 5000, 100_000])
def test_a_truncated_file_is_called_damaged(file: Path, size: int) -> None:
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(DamagedStore, match=r"store\.sqlite.*damaged"):
        EventStore(SQLiteDatabase(url(file))).logged(0, 5000)


def test_a_file_that_is_no_database_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Ana, " * 100)
    with pytest.raises(DamagedStore, match="not a Rapport store"):
        open_database(url(path))
    assert path.read_text().startswith("Dear Ana")


def test_an_overwritten_page_is_called_damaged_and_not_read_around(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.seek(4096 * 20)
        stream.write(b"\xff" * 4096 * 20)
    with SQLiteDatabase(url(file)) as database, pytest.raises(DamagedStore):
        EventStore(database).logged(0, 5000)


def test_somebody_elses_lock_is_waited_for_and_then_told(file: Path) -> None:
    with (
        closing(sqlite3.connect(file, isolation_level=None)) as other,
        SQLiteDatabase(url(file), timeout=0.2) as database,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(BusyStore, match="another process"):
            database.insert_events([event("s1", 2)])
        other.execute("ROLLBACK")
        assert database.insert_events([event("s1", 2)]) == [2001]


def test_readers_are_not_held_up_by_a_writer(file: Path) -> None:
    with SQLiteDatabase(url(file), timeout=5) as database, database.transaction() as session:
        session.execute("DELETE FROM source_offsets")
        writer = threading.Thread(target=lambda: database.insert_events([event("s1", 2)]))
        writer.start()
        assert database.query("SELECT COUNT(*) FROM stored_events") == [(2000,)]
        session.execute("INSERT INTO source_offsets VALUES ('x', 1, 1)")
    writer.join()


def test_threads_that_append_at_once_all_come_through(tmp_path: Path) -> None:
    with SQLiteDatabase(url(tmp_path / "store.sqlite"), synchronous="off") as database:
        work = [
            threading.Thread(target=lambda n=n: [database.insert_events([event(f"s{n}", v)]) for v in range(1, 26)])
            for n in range(8)
        ]
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()
        assert database.query("SELECT COUNT(*), MAX(position) FROM stored_events") == [(200, 200)]


def test_positions_are_never_used_twice(file: Path) -> None:
    with SQLiteDatabase(url(file), synchronous="off") as database:
        with database.transaction() as session:
            session.execute("DELETE FROM stored_events WHERE position > 1990")
        assert database.insert_events([event("new", 1)]) == [2001]


@pytest.mark.parametrize("wrong", ["sqlite://", "sqlite:///", "sqlite://host/file", "file.sqlite"])
def test_a_url_that_names_no_file_is_told(wrong: str) -> None:
    with pytest.raises(UnknownStore, match="expected sqlite:///FILE"):
        open_database(wrong)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist"):
        open_database(url(tmp_path / "no" / "store.sqlite"))


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(UnknownStore, match="names no file"):
        open_database(url(tmp_path))


def removed(file: Path) -> None:
    for each in file.parent.glob(f"{file.name}*"):
        each.unlink()


def moved_away(file: Path) -> None:
    file.rename(file.with_name("elsewhere.sqlite"))


def replaced(file: Path) -> None:
    moved_away(file)
    shutil.copy(file.with_name("elsewhere.sqlite"), file)


@pytest.mark.parametrize("happens", [removed, moved_away, replaced])
def test_a_store_whose_file_is_gone_takes_nothing(happens: Callable[[Path], None], file: Path) -> None:
    with SQLiteDatabase(url(file)) as database:
        database.ping()
        happens(file)
        before = sorted((each.name, each.stat().st_size) for each in file.parent.iterdir())
        with pytest.raises(MissingStore, match=r"store\.sqlite: .* while it was open: nothing more is recorded"):
            database.insert_events([event("s1", 2)])
        with pytest.raises(MissingStore), database.transaction() as session:
            session.execute("DELETE FROM source_offsets")
        with pytest.raises(MissingStore):
            database.ping()
        # A second connection, while the first is in use, makes no empty file and reads no other store.
        with database.reading(), pytest.raises(MissingStore):
            database.query("SELECT 1")
        assert sorted((each.name, each.stat().st_size) for each in file.parent.iterdir()) == before


def test_a_file_that_is_moved_back_is_the_store_again(file: Path) -> None:
    with SQLiteDatabase(url(file)) as database:
        moved_away(file)
        with pytest.raises(MissingStore):
            database.insert_events([event("s1", 2)])
        file.with_name("elsewhere.sqlite").rename(file)
        database.ping()
        assert database.insert_events([event("s1", 2)]) == [2001]


@pytest.mark.parametrize("name", ["a b%20?#&=.sqlite", "größe.sqlite", os.fsdecode(b"latin-\xe9.sqlite")], ids=range(3))
def test_a_file_of_any_name_is_opened_again(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with SQLiteDatabase(url(path)) as database, database.reading():
        assert database.query("SELECT COUNT(*) FROM stored_events") == [(0,)]
    assert [os.fsencode(each.name) for each in tmp_path.iterdir()] == [os.fsencode(name)]


def test_the_file_of_a_relative_url_is_known_in_any_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with SQLiteDatabase("sqlite:///store.sqlite") as database:
        database.insert_events([event("s1", 1)])
        monkeypatch.chdir("/")
        database.ping()
        assert database.insert_events([event("s1", 2)]) == [2]


def test_a_closed_store_says_so(file: Path) -> None:
    database = SQLiteDatabase(url(file))
    database.close()
    with pytest.raises(StoreError, match="closed"):
        database.query("SELECT 1")
