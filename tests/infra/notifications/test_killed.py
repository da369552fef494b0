"""A process that delivers is killed or stopped at the worst moment: after the other side took it, before that is written down."""

import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.notifications.listing import listed
from infra.notifications.outbox import enqueue, prepare
from infra.settings import Settings
from infra.store.session import Database
from tests.command import Fork, start
from tests.infra.notifications.deliverer import LEASE
from tests.infra.notifications.notes import note
from tests.infra.notifications.receiver import Answer, Handler, Receiver, receiving, status

NAMES = [f"n{number:02}" for number in range(40)]


class Victim:
    """The process that delivers at present."""

    def __init__(self) -> None:
        self.process: Fork | None = None
        self.known = threading.Event()

    def hit(self, number: signal.Signals) -> None:
        assert self.known.wait(30)
        assert self.process is not None
        os.kill(self.process.pid, number)


@pytest.fixture
def victim() -> Iterator[Victim]:
    found = Victim()
    yield found
    if found.process is not None and found.process.poll() is None:
        found.process.kill()
        found.process.wait()


@contextmanager
def delivering(settings: Settings, receiver: Receiver, secret_file: Path, victim: Victim) -> Iterator[None]:
    """A process that delivers all that is due."""
    environment = {
        **os.environ,
        "RAPPORT_STORE": settings.store,
        "RAPPORT_SYNCHRONOUS": settings.synchronous,
        "RAPPORT_NOTIFY_WEBHOOK": receiver.url,
        "RAPPORT_NOTIFY_SECRET_FILE": str(secret_file),
    }
    victim.known.clear()
    with Path(os.devnull).open("r+b") as nothing:
        files = [nothing.fileno(), nothing.fileno(), sys.__stderr__.fileno()]  # type: ignore[union-attr]
        victim.process = start(env=environment, files=files, program="tests.infra.notifications.deliverer")
    victim.known.set()
    yield
    victim.process.wait()


def hitting(victim: Victim, number: signal.Signals) -> Answer:
    """Take it, hit the sender, and say too late that it was taken."""

    def answer(handler: Handler) -> None:
        victim.hit(number)
        try:
            status(200)(handler)
        except OSError:
            handler.close_connection = True

    return answer


def fill(database: Database) -> None:
    prepare(database)
    with database.transaction() as session:
        enqueue(session, [note(name) for name in NAMES])


def left(database: Database) -> list[str]:
    return [each["id"] for each in listed(database, ["pending", "kept", "dead"])]


def test_after_a_kill_the_one_in_flight_is_sent_again_under_its_id_and_nothing_is_lost(
    database: Database, settings: Settings, secret_file: Path, victim: Victim
) -> None:
    fill(database)
    kill, well = hitting(victim, signal.SIGKILL), status(200)
    kills = 0
    with receiving(*[well] * 4, kill, kill, *[well] * 10, kill, well) as receiver:
        while left(database):
            before = len(receiver.posts)
            with delivering(settings, receiver, secret_file, victim):
                pass
            assert victim.process is not None
            if victim.process.returncode == -signal.SIGKILL:
                kills += 1
                assert len(receiver.posts) > before
                time.sleep(LEASE)
            else:
                assert victim.process.returncode == 0
    times = Counter(receiver.ids)
    assert kills == 3
    assert sorted(times) == NAMES
    assert sum(times.values()) == len(NAMES) + kills


def test_one_that_is_stopped_past_its_lease_and_goes_on_sends_nothing_that_another_has_sent(
    database: Database, settings: Settings, secret_file: Path, victim: Victim
) -> None:
    fill(database)
    stop, well = hitting(victim, signal.SIGSTOP), status(200)
    with (
        receiving(*[well] * 4, stop, well) as receiver,
        delivering(settings, receiver, secret_file, victim),
    ):
        until = time.monotonic() + 60
        while len(receiver.posts) < 5:
            assert time.monotonic() < until
            time.sleep(0.02)
        time.sleep(LEASE)
        other = Victim()
        with delivering(settings, receiver, secret_file, other):
            pass
        assert left(database) == []
        victim.hit(signal.SIGCONT)
        assert victim.process is not None
        assert victim.process.wait(30) == 0
    times = Counter(receiver.ids)
    assert sorted(times) == NAMES
    assert [name for name, count in times.items() if count > 1] == ["n04"]
    assert times["n04"] == 2
