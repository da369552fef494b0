"""`rapport work` and `rapport tasks` from outside, and the loop that follows a record as it grows."""

import os
import signal
import subprocess
import sys
import threading
import time

import orjson
import pytest

from domain.relationship import commands as c
from infra.bootstrap import open_rapport
from infra.operations.process import Process
from infra.operations.tracing import Tracing
from infra.settings import Settings
from infra.store.log import EventStore
from infra.store.opening import open_database
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.loop import follow, work_off
from infra.worker_runtime.runner import Runner
from infra.worker_runtime.schema import readings
from tests import command
from tests.given_when_then import START, day
from tests.infra.worker_runtime.harness import WorkerHarness, subject
from tests.infra.worker_runtime.test_runner import begun

RAPPORT = [sys.executable, "-c", "from infra.cli.app import main; main()"]


def rapport(store: str, *arguments: str, clock: str = START.isoformat()) -> "subprocess.CompletedProcess[bytes]":
    environment = os.environ | {"RAPPORT_STORE": store, "RAPPORT_CLOCK": clock, "RAPPORT_SYNCHRONOUS": "off"}
    return command.rapport(*arguments, env=environment)


@pytest.fixture
def told(store_url: str) -> str:
    """A store in which trust was reported broken on day 1, and nobody has worked yet."""
    with open_rapport(Settings(store=store_url, synchronous="off")) as opened:
        begun(WorkerHarness(opened))
    return store_url


def test_once_does_all_that_is_due_and_says_how_much(told: str) -> None:
    answer = rapport(told, "work", "--once", "--json", clock=day(3).isoformat())
    assert answer.returncode == 0
    said = orjson.loads(answer.stdout)
    assert (said["done"], said["events"], said["commands"]) == (True, 3, 1)
    again = orjson.loads(rapport(told, "work", "--once", "--json", clock=day(3).isoformat()).stdout)
    assert (again["events"], again["deadlines"], again["commands"]) == (0, 0, 0)


def test_after_it_the_datasets_hold_what_the_workers_did(told: str) -> None:
    rapport(told, "work", "--once", clock=day(3).isoformat())
    with open_database(told) as database:
        [row] = database.query("SELECT clause, position FROM concerns")
        assert row == ("pentalog.trust", EventStore(database).head())


def test_a_walk_to_a_time_fires_what_is_due_by_then(told: str) -> None:
    said = orjson.loads(rapport(told, "work", "--until", day(8).isoformat(), "--json").stdout)
    assert (said["deadlines"], said["commands"]) == (1, 2)
    history = orjson.loads(rapport(told, "history", subject(), "--json").stdout)
    assert [event["type"] for event in history][-1] == "rapport.RecommendationEscalated"
    assert history[-1]["occurred_at"].startswith("2026-03-10T09:00:00")


def test_tasks_have_the_promised_shape(told: str) -> None:
    assert orjson.loads(rapport(told, "tasks", "--json").stdout) == []
    rapport(told, "work", "--once", clock=day(3).isoformat())
    [task] = orjson.loads(rapport(told, "tasks", "--json").stdout)
    assert {name: task[name] for name in ("subject", "kind", "clause", "since", "due", "evidence", "settled_by")} == {
        "subject": subject(),
        "kind": "shutdown_recommendation",
        "clause": "pentalog.trust",
        "since": "2026-03-03T09:00:00Z",
        "due": "2026-03-10T09:00:00Z",
        "evidence": [2],
        "settled_by": "DismissRecommendation",
    }
    text = rapport(told, "tasks").stdout.decode()
    assert "shutdown_recommendation" in text
    assert "DismissRecommendation or TerminateRelationship or RestoreTrust" in " ".join(text.split())


def test_keys_that_were_put_aside_are_listed_and_released(told: str) -> None:
    rapport(told, "work", "--once")
    with open_database(told) as database, database.transaction() as session:
        row = ("trust", subject(), day(1), f"{subject()}/2", 2, "ZeroDivisionError: a mistake")
        session.insert("parked", ("worker", "key", "since", "trigger_id", "position", "error"), [row])
    listed = orjson.loads(rapport(told, "tasks", "--json").stdout)
    [parked] = [task for task in listed if task["kind"] == "parked_key"]
    assert (parked["subject"], parked["worker"], parked["error"]) == (
        subject(),
        "trust",
        "ZeroDivisionError: a mistake",
    )
    assert b"a mistake" in rapport(told, "tasks").stdout
    answer = rapport(told, "work", "--once", "--release")
    assert answer.returncode == 0
    assert b"1 keys taken up" in answer.stderr
    assert [task["kind"] for task in orjson.loads(rapport(told, "tasks", "--json").stdout)] == [
        "shutdown_recommendation"
    ]


def test_an_unknown_worker_or_a_time_without_offset_is_misuse(told: str) -> None:
    assert rapport(told, "work", "--once", "--rebuild", "nobody").returncode == 2
    assert rapport(told, "work", "--until", "2026-03-02T09:00:00").returncode == 2
    assert rapport(told, "work", "--once", "--rebuild", "trust").returncode == 0


def test_a_running_process_ends_politely_and_gives_the_lease_back(told: str) -> None:
    environment = os.environ | {"RAPPORT_STORE": told, "RAPPORT_CLOCK": day(3).isoformat()}
    process = subprocess.Popen([*RAPPORT, "work"], env=environment, stderr=subprocess.PIPE)
    try:
        with open_database(told) as database:
            deadline = time.monotonic() + 60
            while not database.query("SELECT 1 FROM stored_events WHERE topic = 'ShutdownRecommended'"):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
            assert database.query("SELECT DISTINCT until FROM worker_partitions") == [(0,)]
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def test_following_reacts_to_what_is_recorded_and_to_passing_time(settings: Settings) -> None:
    with open_rapport(settings) as opened:
        harness = WorkerHarness(opened)
        process = Process("work", Tracing(enabled=False))
        runner = Runner(opened.store, opened.handler, Horizon(opened.clock), lease_seconds=0.6)
        thread = threading.Thread(target=follow, args=(runner, process))
        thread.start()
        try:
            time.sleep(0.3)
            begun(harness)
            until(lambda: harness.commands() == ["RecommendShutdown"])
            harness.now(8)
            until(lambda: harness.commands() == ["RecommendShutdown", "EscalateRecommendation"])
            harness.send(c.RestoreTrust(), "mentee", 9)
            until(lambda: harness.open_tasks() == [])
            assert process.vitals.live().ok
        finally:
            process.stop.set()
            thread.join(20)
        assert not thread.is_alive()


def test_a_walk_does_not_wait_for_ever_for_a_process_that_does_not_end(harness: WorkerHarness) -> None:
    begun(harness)
    assert harness.runner(lease_seconds=60).take_lease()
    walking = harness.runner(until=day(30), lease_seconds=0.1)
    assert not work_off(walking, threading.Event())
    assert harness.commands() == []


def until(true: object) -> None:
    deadline = time.monotonic() + 20
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_metrics_say_how_far_the_workers_are(harness: WorkerHarness) -> None:
    begun(harness).work()
    with harness.rapport.database.reading() as session:
        [reading] = readings(session)
    assert (reading.follower, reading.position, reading.parked) == ("workers", harness.rapport.store.head(), 0)
    # By the machine's clock the escalation was due long ago, and the two that watch over contracting.
    assert reading.overdue == 3
