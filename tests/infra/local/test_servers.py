"""The servers of a test run: one of a kind for all its processes, gone when the run is over, however it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from kafka import KafkaAdminClient

from infra.local.kafka_access import KafkaAccess
from infra.local.ports import answers, free_port
from infra.local.postgres_access import PostgresAccess
from tests.servers import Topics

ROOT = Path(__file__).parents[3]
# Each test writes down which server it got.
SUITE = """
import json, os, time
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", range(4))
def test_it(number, postgres_server, postgres_url, server_folder):
    word = {"worker": os.environ.get("PYTEST_XDIST_WORKER"), "port": postgres_server.port, "folder": str(server_folder)}
    written = Path(os.environ["WORDS"]) / f"{number}.new"
    written.write_text(json.dumps(word))
    written.rename(written.with_suffix(".json"))  # so that nobody reads half of it
    time.sleep(float(os.environ["SECONDS"]))
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "words").mkdir()
    return tmp_path


def run(suite: Path, *options: str, seconds: float = 0, **more: str) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    environment |= {"PYTHONPATH": str(ROOT), "WORDS": str(suite / "words"), "SECONDS": str(seconds), **more}
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "tests.servers", "-q", *options, str(suite)],
        cwd=suite,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def words(suite: Path) -> list[dict[str, str | int]]:
    return [json.loads(path.read_text()) for path in sorted((suite / "words").glob("*.json"))]


@pytest.mark.parametrize("processes, workers", [("-n0", 1), ("-n2", 2)])
def test_all_processes_of_a_run_share_one_server_which_is_gone_afterwards(
    suite: Path,
    processes: str,
    workers: int,
) -> None:
    with run(suite, processes) as process:
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    told = words(suite)
    assert len(told) == 4
    assert len({word["worker"] for word in told}) == workers
    assert len({word["port"] for word in told}) == 1
    assert not answers(int(told[0]["port"]))
    assert not Path(str(told[0]["folder"])).exists()


@pytest.mark.parametrize(
    "processes, how",
    [("-n0", signal.SIGTERM), ("-n0", signal.SIGKILL), ("-n2", signal.SIGTERM), ("-n2", signal.SIGINT)],
)
def test_a_run_that_is_broken_off_leaves_no_server(suite: Path, processes: str, how: signal.Signals) -> None:
    with run(suite, processes, seconds=3) as process:
        deadline = time.monotonic() + 60
        while not words(suite):
            assert process.poll() is None, process.stdout and process.stdout.read()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        port, folder = int(words(suite)[0]["port"]), Path(str(words(suite)[0]["folder"]))
        assert answers(port)
        process.send_signal(how)
        process.communicate(timeout=60)
    deadline = time.monotonic() + 40
    while answers(port) or folder.exists():
        assert time.monotonic() < deadline, "something is still there"
        time.sleep(0.1)


def test_a_server_that_is_missing_fails_the_test_and_skips_nothing(suite: Path) -> None:
    (suite / "test_suite.py").write_text("def test_it(kafka_server): pass\n")
    nowhere = f"http://127.0.0.1:{free_port()}"
    with run(
        suite, "-n0", HOME=str(suite), XDG_CACHE_HOME=str(suite), HTTPS_PROXY=nowhere, https_proxy=nowhere
    ) as process:
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "the kafka of the tests could not be started" in out
    assert "needs to reach a Maven repository" in out
    assert "skipped" not in out


def test_a_test_gets_an_empty_database_of_its_own(postgres_server: PostgresAccess, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
    assert postgres_url != postgres_server.url()


def test_a_test_gets_topics_of_its_own(kafka_server: KafkaAccess, kafka_topics: Topics) -> None:
    kafka_topics.create(partitions=2)
    with KafkaAdminClient(bootstrap_servers=kafka_server.bootstrap) as admin:
        assert set(kafka_topics.all) <= set(admin.list_topics())
    assert kafka_topics.commands.endswith("rapport.commands")
