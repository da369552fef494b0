"""`rapport up` as a person or a script runs it: it starts both servers, says how to use them, and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from kafka import KafkaAdminClient

from infra.local.kafka_access import TOPICS
from infra.local.ports import free_port, is_free

COMMAND = [sys.executable, "-c", "from infra.cli.app import main; main()", "up"]
ROOT = Path(__file__).parents[3]
STOP_SECONDS = 120


def heed() -> None:
    """A job in the background is started deaf to Ctrl-C, and its children would be too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def running(*options: str | Path, cwd: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    command = [*COMMAND, *map(str, options)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command,
        stdout=pipe,
        stderr=pipe,
        text=True,
        cwd=cwd,
        env=environment,
        preexec_fn=heed,  # noqa: PLW1509
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def facts(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.stderr and process.stderr.read()
    found: dict[str, Any] = json.loads(line)
    return found


def stop(process: subprocess.Popen[str], how: signal.Signals = signal.SIGTERM) -> str:
    process.send_signal(how)
    _, complaints = process.communicate(timeout=STOP_SECONDS)
    return complaints


def refused(*options: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [*COMMAND, *map(str, options)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        timeout=60,
    )
    assert done.stdout == ""
    assert done.returncode == 1, done.stderr
    return done.stderr


def test_it_starts_both_and_leaves_nothing_when_ephemeral(tmp_path: Path) -> None:
    with running("--ephemeral", "--json", "--partitions", "3", cwd=tmp_path) as process:
        found = facts(process)
        with psycopg.connect(found["RAPPORT_STORE"]) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == ("rapport",)
        with KafkaAdminClient(bootstrap_servers=found["RAPPORT_KAFKA"]) as admin:
            topics = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics(list(TOPICS))}
        assert topics == dict.fromkeys(TOPICS, 3)
        complaints = stop(process, signal.SIGINT)
    assert is_free(found["kafka"]["port"])
    assert_nothing_is_left(process, found, complaints, tmp_path)


def test_it_leaves_nothing_after_sigterm_either(tmp_path: Path) -> None:
    with running("--ephemeral", "--json", "--no-kafka", cwd=tmp_path) as process:
        found = facts(process)
        assert Path(found["folder"]).is_dir()
        complaints = stop(process, signal.SIGTERM)
    assert_nothing_is_left(process, found, complaints, tmp_path)


def assert_nothing_is_left(
    process: "subprocess.Popen[str]", found: dict[str, Any], complaints: str, folder: Path
) -> None:
    assert process.returncode == 0
    assert "Traceback" not in complaints
    assert not Path(found["folder"]).exists()
    assert is_free(found["postgres"]["port"])
    assert not list(folder.iterdir())


def test_data_and_settings_stay_over_runs(tmp_path: Path) -> None:
    with running("--json", "--no-kafka", cwd=tmp_path) as process:
        first = facts(process)
        with psycopg.connect(first["RAPPORT_STORE"]) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        stop(process)
    assert "RAPPORT_KAFKA" not in first
    folder = tmp_path / ".rapport"
    assert (folder / "postgres-password").stat().st_mode & 0o777 == 0o600
    assert (folder / ".gitignore").read_text() == "*\n"
    with running("--json", "--no-kafka", cwd=tmp_path) as process:
        second = facts(process)
        with psycopg.connect(second["RAPPORT_STORE"]) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
        stop(process)
    assert second["RAPPORT_STORE"] == first["RAPPORT_STORE"]


def test_it_tells_a_person_what_to_type(tmp_path: Path) -> None:
    port = free_port()
    with running("--folder", tmp_path / "data", "--no-kafka", "--postgres-port", str(port)) as process:
        assert process.stdout is not None
        told = ""
        while "Ctrl-C" not in told:
            told += process.stdout.readline()
        stop(process)
    assert "export RAPPORT_STORE='postgresql://postgres:" in told
    assert f"@127.0.0.1:{port}/rapport'" in told
    assert f"{tmp_path / 'data'} and kept" in told


def test_when_it_is_killed_the_servers_stop_as_well(tmp_path: Path) -> None:
    with running("--json", "--no-kafka", "--folder", tmp_path / "data") as process:
        port = facts(process)["postgres"]["port"]
        process.kill()
        process.wait()
    for _ in range(500):
        if is_free(port):
            break
        signal.sigtimedwait([], 0.02)
    with running("--json", "--no-kafka", "--folder", tmp_path / "data") as process:
        assert facts(process)["postgres"]["port"] == port
        stop(process)


def test_a_server_that_dies_ends_it_with_an_error(tmp_path: Path) -> None:
    with running("--json", "--no-kafka", "--folder", tmp_path / "data") as process:
        os.kill(facts(process)["postgres"]["pid"], signal.SIGKILL)
        _, complaints = process.communicate(timeout=STOP_SECONDS)
    assert process.returncode == 1
    assert "Postgres ended by itself" in complaints
    assert str(tmp_path / "data" / "postgres" / "log") in complaints


def test_two_in_one_folder_are_refused(tmp_path: Path) -> None:
    with running("--json", "--no-kafka", "--folder", tmp_path / "data") as process:
        facts(process)
        assert "another `rapport up` runs in" in refused("--folder", tmp_path / "data", cwd=tmp_path)
        stop(process)


def test_a_port_that_is_taken_since_is_replaced_with_a_word(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "ports.json").write_text(json.dumps({"postgres": port}))
    with socket.create_server(("127.0.0.1", port)), running("--json", "--no-kafka", "--folder", tmp_path) as process:
        assert facts(process)["postgres"]["port"] != port
        assert f"Port {port}, the last time's, is taken" in stop(process)


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
    with running("--no-kafka", "--no-postgres") as process:
        _, complaints = process.communicate(timeout=STOP_SECONDS)
    assert process.returncode == 2
    assert "nothing to start" in complaints
