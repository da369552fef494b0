"""`rapport submit` against files, pipes, full disks and damaged stores, each as a process of its own."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from infra.bootstrap import open_rapport
from infra.evidence.verify import verify
from infra.settings import Settings
from tests import command
from tests.command import RAPPORT, own_environment
from tests.messages import NOBODY_CHECKED, after_keys_made, contact, proposal


def rapport(folder: Path, *arguments: str, stdin: bytes = b"", **more: Any) -> subprocess.CompletedProcess[bytes]:
    environment = own_environment(RAPPORT_STORE=f"sqlite:///{folder / 'store.sqlite'}")
    return command.rapport(*arguments, stdin=stdin, env=environment | more.pop("env", {}), **more)


def contacts(count: int) -> list[bytes]:
    return [contact(1, f"c{number}") for number in range(count)]


def statuses(out: bytes) -> list[str]:
    return [json.loads(line)["status"] for line in out.splitlines()]


def recorded(folder: Path) -> int:
    with open_rapport(Settings(store=f"sqlite:///{folder / 'store.sqlite'}")) as opened:
        verdict = verify(opened.store)
        assert verdict.ok, verdict.problems
        return verdict.events


def test_a_last_line_that_is_cut_off_is_invalid_and_the_rest_is_taken(tmp_path: Path) -> None:
    done = rapport(tmp_path, "submit", stdin=b"\n".join([proposal(), *contacts(2)])[:-20])
    assert statuses(done.stdout) == ["accepted", "accepted", "invalid"]
    assert (done.returncode, after_keys_made(done.stderr.decode())) == (1, NOBODY_CHECKED)


def test_several_files_and_standard_input_are_taken_in_turn(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(proposal())
    (tmp_path / "b").write_bytes(contact(1, "last"))
    done = rapport(tmp_path, "submit", str(tmp_path / "a"), "-", str(tmp_path / "b"), stdin=contact(1, "middle"))
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["propose-1", "middle", "last"]
    assert done.returncode == 0


@pytest.mark.parametrize("name", ["nowhere.jsonl", "."])
def test_a_file_that_cannot_be_read_is_told_before_anything_is_taken(tmp_path: Path, name: str) -> None:
    (tmp_path / "a").write_bytes(proposal())
    done = rapport(tmp_path, "submit", str(tmp_path / "a"), str(tmp_path / name))
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"can't read" in done.stderr
    assert not (tmp_path / "store.sqlite").exists()


@pytest.mark.parametrize(
    "settings",
    [
        {"RAPPORT_STORE": "mysql://localhost/rapport"},
        {"RAPPORT_CLOCK": "2026-03-02T09:00:00"},
        {"RAPPORT_CLOCK": "1772442000"},
        {"RAPPORT_SYNCHRONOUS": "sometimes"},
        {"RAPPORT_CACHE": "0"},
    ],
    ids=str,
)
def test_a_wrong_setting_is_a_wrong_call(tmp_path: Path, settings: dict[str, str]) -> None:
    done = rapport(tmp_path, "submit", stdin=proposal(), env=settings)
    assert (done.returncode, done.stdout) == (2, b"")
    assert next(iter(settings)).encode() in done.stderr or b"mysql" in done.stderr


def test_a_full_disk_is_told_and_what_was_acknowledged_is_there(tmp_path: Path) -> None:
    raws = [proposal(), *contacts(6_000)]

    def fill_up() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))

    (tmp_path / "in").write_bytes(b"\n".join(raws))
    full = rapport(tmp_path, "submit", "--no-datasets", str(tmp_path / "in"), preexec_fn=fill_up)
    acknowledged = statuses(full.stdout)
    assert full.returncode == 1
    assert b"the disk may be full" in full.stderr
    assert b"Traceback" not in full.stderr
    assert 0 < len(acknowledged) < len(raws)
    assert set(acknowledged) == {"accepted"}
    assert recorded(tmp_path) == len(acknowledged)
    again = rapport(tmp_path, "submit", "--no-datasets", str(tmp_path / "in"))
    assert statuses(again.stdout) == ["duplicate"] * len(acknowledged) + ["accepted"] * (len(raws) - len(acknowledged))
    assert recorded(tmp_path) == len(raws)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store that is as it should be, to be copied."""
    folder = tmp_path_factory.mktemp("whole")
    rapport(folder, "submit", stdin=b"\n".join([proposal(), *contacts(500)]))
    return folder


@pytest.mark.parametrize("command", [["submit"], ["show", "x"], ["history", "x"], ["audit", "verify"]], ids=" ".join)
@pytest.mark.parametrize("harm", ["truncated", "newer", "another file"])
def test_a_store_that_cannot_be_used_is_told_in_one_line(
    whole: Path, tmp_path: Path, command: list[str], harm: str
) -> None:
    copytree(whole, tmp_path, dirs_exist_ok=True)
    store = tmp_path / "store.sqlite"
    match harm:
        case "truncated":
            store.write_bytes(store.read_bytes()[:10_000])
        case "newer":
            store.write_bytes(store.read_bytes()[:60] + (1000).to_bytes(4, "big") + store.read_bytes()[64:])
        case _:
            store.write_bytes(b"Dear Ana, " * 1000)
    before = store.read_bytes()
    done = rapport(tmp_path, *command, stdin=proposal(2))
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"error: ")
    assert (b"newer Rapport" if harm == "newer" else b"damaged") in done.stderr
    assert store.read_bytes() == before


def test_receipts_that_nobody_reads_any_more_end_the_command_quietly(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"\n".join([proposal(), *contacts(5_000)]))
    environment = os.environ | {"RAPPORT_STORE": f"sqlite:///{tmp_path / 'store.sqlite'}"}
    with subprocess.Popen(
        [RAPPORT, "submit", tmp_path / "in"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        [made] = process.stderr.read().splitlines()
        assert made.startswith(b"made a master key")
        assert process.wait(60) == 1
    assert recorded(tmp_path) > 0


def fed(folder: Path, *names: str, **pipes: bytes) -> subprocess.CompletedProcess[bytes]:
    """`submit` with these files, of which the pipes are named pipes: one writer fills each, in turn."""
    for name in pipes:
        os.mkfifo(folder / name)

    def write() -> None:
        # Each is opened once: whoever opened one a second time would wait for another writer for ever.
        for name, sent in pipes.items():
            (folder / name).write_bytes(sent)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    done = rapport(folder, "submit", *names, cwd=folder)
    writer.join(10)
    assert not writer.is_alive()
    return done


@pytest.mark.parametrize("ended", [True, False], ids=["whole", "cut off"])
def test_a_named_pipe_is_opened_once_and_loses_nothing(tmp_path: Path, ended: bool) -> None:
    sent = b"\n".join([proposal(), *contacts(700)])
    done = fed(tmp_path, "pipe", pipe=sent + b"\n" if ended else sent[:-9])
    assert statuses(done.stdout) == ["accepted"] * (701 if ended else 700) + ["invalid"] * (not ended)
    assert done.returncode == (0 if ended else 1)
    assert b"error" not in done.stderr


def test_two_named_pipes_and_a_file_are_read_in_turn(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(contact(1, "between"))
    # The writer comes to the second once all of the first is read, which is more than a pipe holds.
    first = b"\n".join([proposal(), *contacts(700)])
    done = fed(tmp_path, "one", "file", "two", one=first, two=contact(1, "last"))
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()][-2:] == ["between", "last"]
    assert set(statuses(done.stdout)) == {"accepted"}


def test_a_pipe_that_nobody_writes_into_holds_no_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(proposal())
    done = fed(tmp_path, "pipe", "file", pipe=b"")
    assert statuses(done.stdout) == ["accepted"]


def test_a_file_that_fails_in_the_middle_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "first").write_bytes(proposal())
    (tmp_path / "last").write_bytes(contact(1, "last"))
    # It can be opened, but its first page can't be read by anybody.
    done = rapport(tmp_path, "submit", str(tmp_path / "first"), "/proc/self/mem", str(tmp_path / "last"))
    assert statuses(done.stdout) == ["accepted", "accepted"]
    assert done.returncode == 1
    assert b"can't read /proc/self/mem" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("size", [1, 2, 4, 1000])
def test_files_with_byte_order_marks_joined_on_their_way_are_as_whole_ones(tmp_path: Path, size: int) -> None:
    mark = b"\xef\xbb\xbf"
    joined = mark + proposal() + b"\r\n" + mark + contact(1, "a") + b"\r\n" + contact(1, "b")
    reads, writes = os.pipe()
    with open(writes, "wb", buffering=0) as sending, tempfile.TemporaryFile() as receipts:  # noqa: PTH123 - a number
        environment = os.environ | {"RAPPORT_STORE": f"sqlite:///{tmp_path / 'store.sqlite'}"}
        files = [reads, receipts.fileno(), sys.__stderr__.fileno()]  # type: ignore[union-attr]
        process = command.start("submit", "-", env=environment, files=files)
        os.close(reads)
        sending.write(joined[:size])
        time.sleep(0.3)
        sending.write(joined[size:])
        sending.close()
        process.wait(60)
        receipts.seek(0)
        out = receipts.read()
    assert statuses(out) == ["accepted"] * 3
