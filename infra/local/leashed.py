"""The owner's side of a server on a leash: start it, signal it, stop it, kill it, read the end of its log."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep

LEASH = Path(__file__).with_name("leash.py")
LOG_LINES_SHOWN = 12


class LocalServerError(Exception):
    """A local server can't be started or stopped; the message says what to do, for a person."""


class Leashed:
    """One running server process, which ends with its owner.

    Args:
        command: the program and its arguments, the program as an absolute path.
        log: the file that receives what the server prints; kept, and added to.
        stop_signal: the signal that asks for a clean stop.
        grace_seconds: how long a clean stop may take before the server is killed.
        account: the account to run as, for root alone; empty for the owner's.
        environment: what differs from our own environment.

    Raises:
        LocalServerError: the log can't be written.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        stop_signal: signal.Signals = signal.SIGTERM,
        grace_seconds: float = 20,
        account: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command = command
        self._log = log
        self._grace_seconds = grace_seconds
        try:
            output = log.open("ab")
        except OSError as error:
            raise LocalServerError(f"{log} can't be written: {error.strerror}") from error
        with output:
            self._log_start = output.tell()
            self._leash = subprocess.Popen(
                # Sealed (-I), or the modules beside the script would shadow the standard library's; -S starts faster.
                [sys.executable, "-IS", str(LEASH), stop_signal.name, str(grace_seconds), account, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env={**os.environ, **(environment or {})},
                # Ctrl-C in a terminal goes to its whole process group; the owner alone decides when a server stops.
                start_new_session=True,
            )
        assert self._leash.stdout is not None
        line = self._leash.stdout.readline()
        self._leash.stdout.close()
        if not line:
            self._let_go()
            self._leash.wait()
            raise LocalServerError(f"{command[0]} could not be started:\n{self.log_end()}")
        self.pid = int(line)

    @property
    def running(self) -> bool:
        """Whether the server's process is there (a paused one is)."""
        return self._leash.poll() is None

    def log_end(self) -> str:
        """The last lines that the server printed since it was started, without the frames of Java's stack traces."""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").splitlines()
        shown = [f"  {line}" for line in lines if not line.startswith("\tat ")]
        return "\n".join(shown[-LOG_LINES_SHOWN:])

    def wait(self, timeout_seconds: float) -> int:
        """Wait until the process has ended by itself; its exit code. Raises LocalServerError when it takes longer."""
        try:
            code = self._leash.wait(timeout_seconds)
        except subprocess.TimeoutExpired as error:
            self.stop()
            raise LocalServerError(f"{self._command[0]} took longer than {timeout_seconds} s") from error
        self._let_go()
        return code

    def wait_until(self, ready: Callable[[], bool], timeout_seconds: float) -> None:
        """Wait until `ready` says so.

        Raises:
            LocalServerError: the server ended instead, or was not ready in time; with the end of its log.
        """
        deadline = monotonic() + timeout_seconds
        while not ready():
            ended = not self.running
            if ended or monotonic() > deadline:
                self.stop()
                what = "stopped at once" if ended else f"was not ready after {timeout_seconds:g} s"
                raise LocalServerError(f"{Path(self._command[0]).name} {what}; {self._log} ends:\n{self.log_end()}")
            sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        """Send the server a signal, if it is still there."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def stop(self) -> None:
        """Ask for a clean stop and wait for it; after the grace period the server is killed. Again: nothing happens."""
        self._let_go()
        if self.running:
            self._leash.terminate()
        try:
            self._leash.wait(self._grace_seconds + 10)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill the server at once, as a power cut would, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self._leash.wait()
        self._let_go()

    def _let_go(self) -> None:
        assert self._leash.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._leash.stdin.close()
