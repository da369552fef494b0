"""A command of Rapport as a process of its own, with its log and its pages for supervisors."""

import contextlib
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests import command

PATIENCE_SECONDS = 60.0


def quiet() -> bool:
    """That no fault is going on."""
    return False


class Patience:
    """How long something may take: so many seconds, from the end of faults that are going on meanwhile."""

    def __init__(self, seconds: float, disturbed: Callable[[], bool] = quiet) -> None:
        self.seconds = seconds
        self.disturbed = disturbed
        self._until = time.monotonic() + seconds

    def is_over(self) -> bool:
        if self.disturbed():
            self._until = time.monotonic() + self.seconds
        return time.monotonic() > self._until


def eventually(what: Callable[[], Any], within: float = PATIENCE_SECONDS, said: str = "") -> Any:
    """What `what` returns once it is truthy."""
    until = time.monotonic() + within
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < until, f"not within {within:g} s: {said or what}"
        time.sleep(0.05)


class Running:
    """A command of Rapport as a process of its own; its log is in a file."""

    def __init__(self, arguments: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self.name = arguments[0]
        self.log = log
        with log.open("wb") as stderr, Path(os.devnull).open("rb") as nothing:
            self.process = command.start(
                *arguments,
                "--metrics-port",
                "0",
                env=environment,
                files=(nothing.fileno(), stderr.fileno(), stderr.fileno()),
                own_session=True,
            )
        self._port = 0

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith('{"')]

    def said(self, event: str) -> bool:
        return any(line.get("event") == event for line in self.lines)

    @property
    def port(self) -> int:
        if not self._port:
            self._port = next((line["metrics_port"] for line in self.lines if line["event"] == "started"), 0)
        return self._port

    def page(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def ready(self) -> bool:
        return bool(self.port) and self.page("/ready")[0] == 200

    def wait_ready(self, within: float = PATIENCE_SECONDS) -> "Running":
        def ready() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            return self.ready()

        eventually(ready, within, f"{self.process.args!r} is ready\n{self.log.read_text()}")
        return self

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        total = 0.0
        for line in self.page("/metrics")[1].splitlines():
            if line.partition("{")[0].partition(" ")[0] == name and all(
                f'{k}="{v}"' in line for k, v in labels.items()
            ):
                total += float(line.rpartition(" ")[2])
        return total

    def numbers(self) -> str:
        if self.process.poll() is not None:
            return f"exit code {self.process.poll()}"
        told = (
            "rapport_unread",
            "rapport_unack",
            "rapport_messages_total",
            "rapport_lag",
            "rapport_restarts",
            "rapport_p",
        )
        lines = [line for line in self.page("/metrics")[1].splitlines() if line.startswith(told)]
        return "\n".join([*(line for line in lines if "bucket" not in line), self.page("/ready")[1]])

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self, within: float = 30) -> int:
        """Ask it to stop, as a supervisor does; its exit code."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.signal(signal.SIGCONT)
            self.process.terminate()
        return self.process.wait(within)
