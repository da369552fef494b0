"""Files as they are found: whose they are, who may read them, and what becomes of a store that can only be read."""

import ctypes
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from infra.store.errors import DamagedStore, ForeignStore, OlderStore
from infra.store.opening import open_database
from infra.store.sqlite_file import APPLICATION_ID, prepare_file
from tests.command import Loaded, own_environment, rapport_text
from tests.infra.store.test_store import event
from tests.messages import contact, proposal, relationship_id

# prctl(2) and capabilities(7): what lets root write where no bit says so.
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
LIBC = ctypes.CDLL(None, use_errno=True)


def foreign(path: Path, *statements: str) -> bytes:
    with closing(sqlite3.connect(path)) as other:
        for statement in statements:
            other.execute(statement)
        other.commit()
    return path.read_bytes()


FOREIGN = {
    "tables": ("CREATE TABLE people (name TEXT)", "INSERT INTO people VALUES ('ana')"),
    "another application": ("PRAGMA application_id = 1196444487", "CREATE TABLE gpkg_contents (x)"),
    "an application without tables": ("PRAGMA application_id = 7", "VACUUM"),
    "a write-ahead log": ("PRAGMA journal_mode = WAL", "CREATE TABLE people (name TEXT)"),
    "one of our names": ("CREATE TABLE stored_events (x)", "CREATE TABLE other (y)"),
    "a version": ("PRAGMA user_version = 2", "CREATE TABLE people (name TEXT)"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_somebody_elses_database_is_refused_and_left_as_it_is(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "theirs.sqlite"
    before = foreign(path, *FOREIGN[kind])
    names = sorted(tmp_path.iterdir())
    with pytest.raises(ForeignStore, match="another application"):
        open_database(f"sqlite:///{path}")
    assert path.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == names


@pytest.mark.parametrize("option", ["--from", "--to"])
def test_copy_leaves_somebody_elses_database_as_it_is(option: str, tmp_path: Path) -> None:
    before = foreign(tmp_path / "theirs.sqlite", *FOREIGN["tables"])
    open_database(f"sqlite:///{tmp_path}/ours.sqlite").close()
    other = "--to" if option == "--from" else "--from"
    found = rapport(tmp_path, "copy", option, "sqlite:///theirs.sqlite", other, "sqlite:///ours.sqlite")
    assert (found.returncode, "another application" in found.stderr) == (1, True)
    assert (tmp_path / "theirs.sqlite").read_bytes() == before


def test_a_store_of_an_older_format_is_told_as_that(tmp_path: Path) -> None:
    tables = [f"CREATE TABLE {name} (x)" for name in ("stored_events", "receipts", "source_offsets")]
    before = foreign(tmp_path / "old.sqlite", "PRAGMA user_version = 1", *tables)
    with pytest.raises(OlderStore, match="the Rapport that wrote it"):
        open_database(f"sqlite:///{tmp_path}/old.sqlite")
    assert (tmp_path / "old.sqlite").read_bytes() == before


@pytest.mark.parametrize("content", [b"Dear Ana", b"SQLite format 3\0", b"\0" * 5000, b"x" * 100])
def test_what_is_no_database_is_left_as_it_is(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "letter").write_bytes(content)
    with pytest.raises(DamagedStore, match="not a Rapport store"):
        open_database(f"sqlite:///{tmp_path}/letter")
    assert (tmp_path / "letter").read_bytes() == content


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "new.sqlite").touch()
    with open_database(f"sqlite:///{tmp_path}/new.sqlite") as database:
        assert database.query("PRAGMA application_id") == [(APPLICATION_ID,)]


def test_a_store_whose_maker_was_killed_is_known_again(tmp_path: Path) -> None:
    script = (
        "import os, sys\nfrom infra.store.opening import open_database\n"
        "database = open_database(sys.argv[1])\nos.kill(os.getpid(), 9)"
    )
    url = f"sqlite:///{tmp_path}/store.sqlite"
    subprocess.run([sys.executable, "-c", script, url], check=False, cwd=Path(__file__).parents[3])
    assert (tmp_path / "store.sqlite-wal").stat().st_size
    with open_database(url) as database:
        assert list(database.insert_events([event("a", 1)])) == [1]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_files_are_for_their_owner_alone(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        with open_database(f"sqlite:///{tmp_path}/store.sqlite") as database:
            database.insert_events([event("a", 1)])
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("store.sqlite", "store.sqlite-wal", "store.sqlite-shm"), 0o600)


def test_an_empty_file_that_all_may_read_becomes_a_store_and_keys_for_their_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_bytes(proposal(1) + b"\n")
    for name in ("rapport.sqlite", "rapport.sqlite.keys"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o666)
    rapport(tmp_path, "submit", "m.jsonl")
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("rapport.sqlite*")} == {0o600}


def test_what_is_no_file_is_no_store() -> None:
    with pytest.raises(DamagedStore, match="expected a file on a disk"):
        open_database("sqlite:////dev/null")


def test_what_commands_write_is_for_their_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_bytes(proposal(1) + b"\n")
    before = os.umask(0)
    try:
        rapport(tmp_path, "submit", "m.jsonl")
        for name in ("t.csv", "t.jsonl", "t.parquet"):
            assert rapport(tmp_path, "export", "relationships", "-o", name).returncode == 0
        assert rapport(tmp_path, "simulate", "--relationships", "1", "--seed", "1", "-o", "s.jsonl").returncode == 0
    finally:
        os.umask(before)
    (tmp_path / "m.jsonl").unlink()
    made = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert made == dict.fromkeys(made, 0o600)
    assert {"rapport.sqlite", "t.csv", "t.csv.manifest.json", "t.parquet", "s.jsonl"} <= made.keys()


# --- stores that can only be read -----------------------------------------------------------------------------------
def give_up_override() -> None:
    """Let the bits of files hold for root too, from the next exec on."""
    if os.geteuid() == 0:
        LIBC.prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)


@pytest.fixture(scope="module")
def reader() -> Iterator[Loaded]:
    """The command loaded by somebody whom the bits of files and folders keep from writing: a thread gives that up for what it starts."""
    with ThreadPoolExecutor(1, initializer=give_up_override) as thread:
        loaded = thread.submit(Loaded).result()
    with closing(loaded):
        yield loaded


def rapport(
    folder: Path, *arguments: str, of: Loaded | None = None, **settings: str
) -> "subprocess.CompletedProcess[str]":
    return rapport_text(*arguments, cwd=folder, env=own_environment(**settings), of=of)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder of its own, for files that are closed to writers."""
    folder = tmp_path / "store"
    folder.mkdir()
    return folder


def close_to_writers(folder: Path) -> None:
    for path in folder.iterdir():
        # The master key stays its owner's alone.
        path.chmod(0o400 if path.name.endswith(".master-key") else 0o444)
    folder.chmod(0o555)


QUESTIONS = [
    ["show", relationship_id(1), "--json"],
    ["history", relationship_id(1), "--json"],
    ["health", "--json"],
    ["tasks", "--json"],
    ["nps", "--json"],
]


@pytest.mark.parametrize("datasets", [True, False], ids=["datasets at the head", "datasets behind"])
def test_a_store_that_can_only_be_read_answers(datasets: bool, elsewhere: Path, reader: Loaded) -> None:
    (elsewhere / "one.jsonl").write_bytes(proposal(1) + b"\n" + contact(1, "a") + b"\n")
    (elsewhere / "two.jsonl").write_bytes(proposal(2) + b"\n")
    assert rapport(elsewhere, "submit", "one.jsonl").returncode == 0
    assert rapport(elsewhere, "health").returncode == 0
    assert rapport(elsewhere, "submit", *([] if datasets else ["--no-datasets"]), "two.jsonl").returncode == 0
    close_to_writers(elsewhere)
    before = {path.name: path.read_bytes() for path in elsewhere.iterdir()}
    try:
        for question in QUESTIONS:
            found = rapport(elsewhere, *question, of=reader)
            assert found.returncode == 0, (question, found.stderr)
            assert "Traceback" not in found.stderr
        assert ("can't be written" in rapport(elsewhere, "health", of=reader).stderr) == (not datasets)
        refused = rapport(elsewhere, "submit", "two.jsonl", of=reader)
        assert refused.returncode == 1
        assert "can be read and not written" in refused.stderr
        assert rapport(elsewhere, "audit", "verify", of=reader).returncode in {0, 1}
    finally:
        elsewhere.chmod(0o755)
    assert {path.name: path.read_bytes() for path in elsewhere.iterdir()} == before


def test_a_store_without_datasets_that_can_only_be_read_says_so(elsewhere: Path, reader: Loaded) -> None:
    (elsewhere / "one.jsonl").write_bytes(proposal(1) + b"\n")
    assert rapport(elsewhere, "submit", "--no-datasets", "one.jsonl").returncode == 0
    close_to_writers(elsewhere)
    try:
        assert rapport(elsewhere, "show", relationship_id(1), of=reader).returncode == 0
        found = rapport(elsewhere, "health", of=reader)
        assert (found.returncode, "Traceback" in found.stderr) == (1, False)
        assert "datasets are to be made first" in found.stderr
    finally:
        elsewhere.chmod(0o755)


def test_a_reader_sees_what_a_living_writer_commits(elsewhere: Path, reader: Loaded) -> None:
    with open_database(f"sqlite:///{elsewhere}/rapport.sqlite") as database:
        for number in (1, 2):
            database.insert_events([event(f"s{number}", 1, b'{"recorded_at":"2026-03-02T09:00:00Z"}')])
            for path in elsewhere.iterdir():
                path.chmod(0o444)
            elsewhere.chmod(0o555)
            found = rapport(elsewhere, "history", f"s{number}", "--json", of=reader)
            assert "can't be opened" not in found.stderr, found.stderr
            assert "nothing is recorded" not in found.stderr
            elsewhere.chmod(0o755)


def test_a_folder_in_which_nothing_can_be_made_is_told(elsewhere: Path, reader: Loaded) -> None:
    elsewhere.chmod(0o555)
    try:
        found = rapport(elsewhere, "tasks", of=reader)
    finally:
        elsewhere.chmod(0o755)
    assert (found.returncode, "Traceback" in found.stderr) == (1, False)
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("there", [True, False])
def test_a_log_that_comes_or_goes_meanwhile_makes_no_store_read_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    path = tmp_path / "store.sqlite"
    log = tmp_path / "store.sqlite-wal"
    assert not prepare_file(str(path), 1.0)
    if there:
        log.touch()
    access = os.access
    asked: list[object] = []

    def other_process_first(file: os.PathLike[str] | str, mode: int) -> bool:
        if str(file) == str(log) and not asked:
            asked.append(file)
            if there:
                log.unlink()
                return access(file, mode)
            found = access(file, mode)
            log.touch()
            return found
        return access(file, mode)

    monkeypatch.setattr(os, "access", other_process_first)
    assert not prepare_file(str(path), 1.0)
    assert asked
