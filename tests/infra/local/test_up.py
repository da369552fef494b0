"""`rapport up` as a person or a script runs it: it starts both servers, says how to use them, and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

import psycopg
from kafka import KafkaAdminClient

from infra.local.kafka_access import TOPICS
from infra.local.ports import free_port, is_free
from tests.command import RAPPORT, Fork, rapport_text, start

STOP_SECONDS = 120


def heed() -> None:
    """A job in the background is started deaf to Ctrl-C, and its children would be too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Up:
    """A process of the command that runs, with its standard streams."""

    def __init__(self, process: "Fork | subprocess.Popen[bytes]", stdout: TextIO, stderr: Path) -> None:
        self.process, self.stdout, self._stderr = process, stdout, stderr

    @property
    def complaints(self) -> str:
        return self._stderr.read_text()

    def end(self) -> str:
        """Wait until it has ended; what it complained about."""
        self.process.wait(STOP_SECONDS)
        return self.complaints


@contextmanager
def running(*options: str | Path, cwd: Path | None = None, anew: bool = False) -> Iterator[Up]:
    """The command while the block lasts: a fork, or started anew."""
    with TemporaryDirectory() as folder, Path(os.devnull).open("rb") as nothing:
        complaints, (reads, writes) = Path(folder, "stderr"), os.pipe()
        with complaints.open("wb") as stderr, os.fdopen(writes, "wb") as stdout:
            process: Fork | subprocess.Popen[bytes]
            if anew:
                process = subprocess.Popen(
                    [RAPPORT, "up", *options],
                    stdin=nothing,
                    stdout=stdout,
                    stderr=stderr,
                    cwd=cwd,
                    preexec_fn=heed,  # noqa: PLW1509
                )
            else:
                files = (nothing.fileno(), stdout.fileno(), stderr.fileno())
                process = start("up", *options, env=os.environ, cwd=cwd, files=files)
        with os.fdopen(reads) as out:
            try:
                yield Up(process, out, complaints)
            finally:
                process.kill()
                process.wait()


def facts(up: Up) -> dict[str, Any]:
    line = up.stdout.readline()
    assert line, up.complaints
    found: dict[str, Any] = json.loads(line)
    return found


def stop(up: Up, how: signal.Signals = signal.SIGTERM) -> str:
    up.process.send_signal(how)
    return up.end()


def refused(*options: str | Path, cwd: Path, **environment: str) -> str:
    done = rapport_text("up", *options, cwd=cwd, env={**os.environ, **environment}, timeout=60)
    assert done.stdout == ""
    assert done.returncode == 1, done.stderr
    return done.stderr


def test_it_starts_both_and_leaves_nothing_when_ephemeral(tmp_path: Path) -> None:
    with running("--ephemeral", "--json", "--partitions", "3", cwd=tmp_path, anew=True) as up:
        found = facts(up)
        with psycopg.connect(found["RAPPORT_STORE"]) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == ("rapport",)
        with KafkaAdminClient(bootstrap_servers=found["RAPPORT_KAFKA"]) as admin:
            topics = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics(list(TOPICS))}
        assert topics == dict.fromkeys(TOPICS, 3)
        complaints = stop(up, signal.SIGINT)
    assert is_free(found["kafka"]["port"])
    assert_nothing_is_left(up, found, complaints, tmp_path)


def test_it_leaves_nothing_after_sigterm_either(tmp_path: Path) -> None:
    with running("--ephemeral", "--json", "--no-kafka", cwd=tmp_path) as up:
        found = facts(up)
        assert Path(found["folder"]).is_dir()
        complaints = stop(up, signal.SIGTERM)
    assert_nothing_is_left(up, found, complaints, tmp_path)


def assert_nothing_is_left(up: Up, found: dict[str, Any], complaints: str, folder: Path) -> None:
    assert up.process.returncode == 0
    assert "Traceback" not in complaints
    assert not Path(found["folder"]).exists()
    assert is_free(found["postgres"]["port"])
    assert not list(folder.iterdir())


def test_data_and_settings_stay_over_runs(tmp_path: Path) -> None:
    with running("--json", "--no-kafka", cwd=tmp_path) as up:
        first = facts(up)
        with psycopg.connect(first["RAPPORT_STORE"]) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        stop(up)
    assert "RAPPORT_KAFKA" not in first
    folder = tmp_path / ".rapport"
    assert (folder / "postgres-password").stat().st_mode & 0o777 == 0o600
    assert (folder / ".gitignore").read_text() == "*\n"
    with running("--json", "--no-kafka", cwd=tmp_path) as up:
        second = facts(up)
        with psycopg.connect(second["RAPPORT_STORE"]) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
        stop(up)
    assert second["RAPPORT_STORE"] == first["RAPPORT_STORE"]


def test_it_tells_a_person_what_to_type(tmp_path: Path) -> None:
    port = free_port()
    with running("--folder", tmp_path / "data", "--no-kafka", "--postgres-port", str(port)) as up:
        told = ""
        while "Ctrl-C" not in told:
            told += up.stdout.readline()
        stop(up)
    assert "export RAPPORT_STORE='postgresql://postgres:" in told
    assert f"@127.0.0.1:{port}/rapport'" in told
    assert f"{tmp_path / 'data'} and kept" in told


def test_when_it_is_killed_the_servers_stop_as_well(tmp_path: Path) -> None:
    with running("--json", "--no-kafka", "--folder", tmp_path / "data") as up:
        port = facts(up)["postgres"]["port"]
        up.process.kill()
        up.process.wait()
    for _ in range(500):
        if is_free(port):
            break
        signal.sigtimedwait([], 0.02)
    with running("--json", "--no-kafka", "--folder", tmp_path / "data") as up:
        assert facts(up)["postgres"]["port"] == port
        stop(up)


def test_a_server_that_dies_ends_it_with_an_error(tmp_path: Path) -> None:
    with running("--json", "--no-kafka", "--folder", tmp_path / "data") as up:
        os.kill(facts(up)["postgres"]["pid"], signal.SIGKILL)
        complaints = up.end()
    assert up.process.returncode == 1
    assert "Postgres ended by itself" in complaints
    assert str(tmp_path / "data" / "postgres" / "log") in complaints


def test_two_in_one_folder_are_refused(tmp_path: Path) -> None:
    with running("--json", "--no-kafka", "--folder", tmp_path / "data") as up:
        facts(up)
        assert "another `rapport up` runs in" in refused("--folder", tmp_path / "data", cwd=tmp_path)
        stop(up)


def test_a_port_that_is_taken_since_is_replaced_with_a_word(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "ports.json").write_text(json.dumps({"postgres": port}))
    with socket.create_server(("127.0.0.1", port)), running("--json", "--no-kafka", "--folder", tmp_path) as up:
        assert facts(up)["postgres"]["port"] != port
        assert f"Port {port}, the last time's, is taken" in stop(up)


def test_ports_that_are_taken_are_refused_when_asked_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = str(taken.getsockname()[1])
        said = refused("--ephemeral", "--no-kafka", "--postgres-port", port, cwd=tmp_path)
        assert f"port {port} is taken" in said
        assert "--postgres-port" in said
        said = refused("--ephemeral", "--no-postgres", "--kafka-port", port, cwd=tmp_path)
        assert f"port {port} is taken" in said
        assert "--kafka-port" in said


def test_ephemeral_never_removes_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "letters").touch()
    assert "is not empty" in refused("--ephemeral", "--folder", tmp_path, cwd=tmp_path)
    assert (tmp_path / "letters").exists()


def test_a_folder_that_can_not_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "can't be used: Not a directory" in refused("--folder", tmp_path / "file" / "data", cwd=tmp_path)


def test_without_a_way_to_a_registry_it_says_so(tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    said = refused(
        "--ephemeral",
        "--no-postgres",
        cwd=tmp_path,
        XDG_CACHE_HOME=str(tmp_path / "cache"),
        HOME=str(tmp_path),
        HTTPS_PROXY=nowhere,
        HTTP_PROXY=nowhere,
        https_proxy=nowhere,
    )
    assert "needs to reach a Maven repository once" in said
    assert "Traceback" not in said


def test_nothing_to_start_is_a_wrong_call() -> None:
    with running("--no-kafka", "--no-postgres") as up:
        complaints = up.end()
    assert up.process.returncode == 2
    assert "nothing to start" in complaints
