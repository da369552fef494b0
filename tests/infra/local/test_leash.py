"""A server ends with its owner, cleanly when it can; nobody is left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.leashed import Leashed, LocalServerError

# Says so when it is asked to stop, and stops.
POLITE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("goodbye", flush=True), sys.exit(0)))
print("hello", flush=True)
while True: time.sleep(1)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("hello", flush=True)
while True: time.sleep(1)
"""
OWNER = """
import sys, time
from pathlib import Path
from infra.local.leashed import Leashed
server = Leashed([sys.executable, "-c", sys.argv[1]], log=Path(sys.argv[2]), grace_seconds=1)
print(server.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def polite(log: Path) -> Iterator[Leashed]:
    server = Leashed([sys.executable, "-c", POLITE], log=log)
    server.wait_until(lambda: "hello" in log.read_text(), 10)
    yield server
    server.stop()


def there(pid: int) -> bool:
    """Whether the process exists and is not merely waiting to be counted as dead."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip()[:1] not in ("", "Z")


def gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while there(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_stopping_asks_first(polite: Leashed, log: Path) -> None:
    polite.stop()
    assert not polite.running
    assert not there(polite.pid)
    assert log.read_text() == "hello\ngoodbye\n"
    polite.stop()


def test_a_paused_server_is_stopped_too(polite: Leashed, log: Path) -> None:
    polite.signal(signal.SIGSTOP)
    polite.stop()
    assert not there(polite.pid)
    assert "goodbye" in log.read_text()


def test_killing_does_not_ask(polite: Leashed, log: Path) -> None:
    polite.kill()
    assert not there(polite.pid)
    assert log.read_text() == "hello\n"


def test_a_server_that_does_not_listen_is_killed_after_its_grace(log: Path) -> None:
    server = Leashed([sys.executable, "-c", STUBBORN], log=log, grace_seconds=0.3)
    server.wait_until(lambda: "hello" in log.read_text(), 10)
    began = time.monotonic()
    server.stop()
    assert 0.3 <= time.monotonic() - began < 5
    assert not there(server.pid)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("program, farewell", [(POLITE, "goodbye"), (STUBBORN, "")])
def test_a_server_does_not_outlive_its_owner(log: Path, how: signal.Signals, program: str, farewell: str) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, program, str(log)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        while "hello" not in log.read_text():
            time.sleep(0.02)
        owner.send_signal(how)
    assert gone_within(pid, 10)
    assert farewell in log.read_text()


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(polite: Leashed) -> None:
    assert os.getsid(polite.pid) != os.getsid(0)
    assert os.getpgid(polite.pid) != os.getpgid(0)


def test_a_server_that_ends_at_once_is_reported_with_its_last_words(log: Path) -> None:
    server = Leashed([sys.executable, "-c", "print('the disk is full'); raise SystemExit(3)"], log=log)
    with pytest.raises(LocalServerError, match=r"stopped at once(.|\n)*the disk is full"):
        server.wait_until(lambda: False, 10)


def test_a_server_that_never_gets_ready_is_stopped_and_reported(log: Path) -> None:
    server = Leashed([sys.executable, "-c", POLITE], log=log)
    with pytest.raises(LocalServerError, match=r"not ready after 0\.5 s"):
        server.wait_until(lambda: False, 0.5)
    assert not there(server.pid)


def test_a_program_that_is_not_there_is_reported(log: Path) -> None:
    server = Leashed(["/nowhere/server"], log=log)
    assert server.wait(10) == 127
    assert "/nowhere/server can't be started" in server.log_end()


def test_exit_codes_are_the_servers(log: Path) -> None:
    assert Leashed([sys.executable, "-c", "raise SystemExit(7)"], log=log).wait(10) == 7
    killed = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert Leashed([sys.executable, "-c", killed], log=log).wait(10) == 128 + signal.SIGKILL


def test_a_log_that_can_not_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalServerError, match="can't be written"):
        Leashed([sys.executable, "-c", POLITE], log=tmp_path / "missing" / "log")
