"""A year of many relationships ends the same however its workers ran: in one go, in batches of one, killed again and again,
or two of them at once with one stopped past its lease.

The year is a file of SQLite, made once and copied; the clock is turned through it, so that recorded times are compared too.
"""

import multiprocessing
import os
import random
import signal
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copy
from threading import Event
from typing import Any

import orjson
import pytest

from infra.bootstrap import Rapport, open_rapport
from infra.settings import Settings
from infra.simulate import messages
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.loop import next_due, work_off
from infra.worker_runtime.runner import Runner
from infra.worker_runtime.verify import verify
from tests.command import Fork, start
from tests.infra.worker_runtime.harness import everything, run
from tests.sizes import size

pytestmark = pytest.mark.xdist_group("year")
RELATIONSHIPS, SEED, KILLS = size(30, 200), 11, size(8, 50)
START = datetime(2026, 1, 5, tzinfo=UTC)
END = datetime(2027, 1, 5, tzinfo=UTC)
# Processes that are there at once: forked from one that has imported everything.
forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(["infra.bootstrap", "infra.worker_runtime.runner"])


def settings(path: Path, clock: datetime = START) -> Settings:
    return Settings(store=f"sqlite:///{path}", clock=clock, synchronous="off")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The year on record, before any worker."""
    path = tmp_path_factory.mktemp("year") / "recorded.sqlite"
    with open_rapport(settings(path, END)) as rapport:
        lines = list(messages(RELATIONSHIPS, SEED, start=START, until=END))
        receipts = [
            receipt
            for place in range(0, len(lines), 500)
            for receipt in rapport.handler.handle(lines[place : place + 500])
        ]
        assert {receipt.status for receipt in receipts} == {"accepted"}
        assert len(lines) > 25 * RELATIONSHIPS
    return path


@pytest.fixture(scope="module")
def in_one_go(recorded: Path) -> dict[str, list[Any]]:
    """What the workers make of it in one go, in large batches."""
    path = copied(recorded, "one-go")
    walk(path)
    with open_rapport(settings(path)) as rapport:
        assert verify(rapport.store) == []
        found = everything(rapport)
    assert len(found["notifications"]) > 5 * RELATIONSHIPS
    assert len(found["outbox"]) > RELATIONSHIPS
    return found


def copied(recorded: Path, name: str) -> Path:
    """The record and the keys of its content, under another name."""
    path = recorded.with_name(f"{name}.sqlite")
    for part in ("", ".keys", ".master-key"):
        copy(f"{recorded}{part}", f"{path}{part}")
    return path


def walk(path: Path, until: datetime = END, batch: int = 500, lease: float = 10.0) -> None:
    """Turn the clock from the beginning to a time."""
    with open_rapport(settings(path)) as rapport:
        horizon = Horizon(rapport.clock, until)
        runner = Runner(rapport.store, rapport.handler, horizon, batch=batch, lease_seconds=lease)
        assert work_off(runner, Event())


def same(path: Path, expected: dict[str, list[Any]]) -> None:
    with open_rapport(settings(path)) as rapport:
        found = everything(rapport)
    for name, rows in expected.items():
        assert found[name] == rows, name


def test_in_batches_of_one(recorded: Path, in_one_go: dict[str, list[Any]]) -> None:
    path = copied(recorded, "ones")
    walk(path, batch=1)
    same(path, in_one_go)


def test_with_next_to_nothing_kept_in_memory(
    recorded: Path, in_one_go: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.worker_runtime.runner.KEPT_KEYS", 2)
    path = copied(recorded, "forgetful")
    walk(path, batch=50)
    same(path, in_one_go)


def test_in_steps_of_a_month(recorded: Path, in_one_go: dict[str, list[Any]]) -> None:
    path = copied(recorded, "steps")
    for month in range(1, 14):
        walk(path, until=min(START + timedelta(days=30 * month), END))
    same(path, in_one_go)


def test_killed_again_and_again(recorded: Path, in_one_go: dict[str, list[Any]]) -> None:
    path = copied(recorded, "killed")
    lots, kills = random.Random(SEED), 0
    while kills < KILLS:
        before = progress(path)
        process = forks.Process(target=walk, args=(path, END, 30, 0.2))
        process.start()
        while process.is_alive() and progress(path) == before:
            time.sleep(0.002)
        time.sleep(lots.random() * 0.03)
        assert process.is_alive(), f"it ended after {kills} kills"
        process.kill()
        process.join()
        kills += 1
    assert begin(path).wait(300) == 0
    same(path, in_one_go)


def test_two_at_once_one_of_them_stopped_past_its_lease(recorded: Path, in_one_go: dict[str, list[Any]]) -> None:
    path = copied(recorded, "two")
    first = begin(path, "--batch", "20", "--lease", "1")
    until_progress(path, first)
    second = begin(path, "--batch", "20", "--lease", "1")
    stop_outside_a_transaction(path, first)
    try:
        # The other takes over when the lease is over, and works on while the first wakes up and finds it gone.
        until_progress(path, second)
        assert first.poll() is None
    finally:
        first.send_signal(signal.SIGCONT)
    assert second.wait(300) == 0
    # On a slow machine the other is not done when the first has waited its time; then it says so and leaves the rest to it.
    assert first.wait(300) in {0, 1}
    same(path, in_one_go)


def begin(path: Path, *options: str) -> Fork:
    environment = os.environ | {
        "RAPPORT_STORE": f"sqlite:///{path}", "RAPPORT_CLOCK": START.isoformat(), "RAPPORT_SYNCHRONOUS": "off",
    }  # fmt: skip
    with Path(os.devnull).open("r+b") as nothing:
        return start("work", "--until", END.isoformat(), *options, env=environment, files=[nothing.fileno()] * 3)


def progress(path: Path) -> tuple[Any, ...]:
    """Something that moves with every turn."""
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        try:
            found = connection.execute(
                "SELECT (SELECT MIN(position) FROM worker_partitions), (SELECT MAX(seq) FROM outbox), "
                "(SELECT MAX(seq) FROM deadline_history)"
            ).fetchone()
        except sqlite3.OperationalError:
            return ()
    return tuple(found)


def until_progress(path: Path, process: Fork) -> None:
    before = progress(path)
    for _ in range(6000):
        if progress(path) != before:
            return
        assert process.poll() is None, "it ended before it was stopped"
        time.sleep(0.005)
    raise AssertionError("nothing happened")


def stop_outside_a_transaction(path: Path, process: Fork) -> None:
    """SIGSTOP where the process doesn't hold the file's lock, for then nobody could go on."""
    for _ in range(1000):
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.002)
        connection = sqlite3.connect(path, timeout=0.05, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            process.send_signal(signal.SIGCONT)
            time.sleep(0.005)
        else:
            return
        finally:
            connection.close()
    raise AssertionError("it was never outside a transaction")


def test_lived_day_by_day_and_walked_at_once_people_are_told_the_same(tmp_path: Path) -> None:
    count = size(12, 25)
    lines = list(messages(count, SEED, start=START, until=END))
    with open_rapport(settings(tmp_path / "walked.sqlite", END)) as rapport:
        rapport.handler.handle(lines)
        run(Runner(rapport.store, rapport.handler, Horizon(rapport.clock)))
        walked = told(rapport)
    with open_rapport(settings(tmp_path / "lived.sqlite", START)) as rapport:
        runner = Runner(rapport.store, rapport.handler, Horizon(rapport.clock))
        for line in lines:
            live(rapport, runner, datetime.fromisoformat(orjson.loads(line)["time"]))
            rapport.handler.handle([line])
            run(runner)
        live(rapport, runner, END)
        run(runner)
        lived = told(rapport)
    assert walked == lived
    assert len(lived) > 8 * count


def live(rapport: Rapport, runner: Runner, until: datetime) -> None:
    """Time passes: each deadline fires at its own time."""
    while (due := next_due(rapport.store)) is not None and due < until:
        rapport.clock.fixed = max(rapport.clock.now(), due)
        run(runner)
    rapport.clock.fixed = max(rapport.clock.now(), until)


def told(rapport: Rapport) -> list[tuple[Any, ...]]:
    """Who was told what and when; versions differ, since the workers' own events came later in one case."""
    rows = rapport.database.query("SELECT recipient, template, subject, created_at, parameters FROM notifications")
    return sorted((*row[:4], str({k: v for k, v in orjson.loads(row[4]).items() if k != "version"})) for row in rows)
