"""Whether a process lives and whether it is ready, judged by what happens and not by good intentions.

It lives while each of its loops turns: a loop that has not come round for longer than its patience is stuck, and only a
restart helps. It is ready while it lives, is not stopping, has no trouble, and its checks (database, broker) succeed now.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from infra.operations.metrics import READY

CHECK_SECONDS: Final = 3.0
FRESH_SECONDS: Final = 2.0
PROCESS: Final = "process"

# Raises, with a message for people, when what it looks at is not well.
Check = Callable[[], object]


@dataclass
class Report:
    """`ok`, and the state of each part: "ok" or what is wrong."""

    parts: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return all(state == "ok" for state in self.parts.values())

    def to_dict(self) -> dict[str, Any]:
        return {"ok": self.ok, **self.parts}


class Loop:
    """A loop that has to come round at least every `patience` seconds."""

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self._last = time.monotonic()

    def beat(self) -> None:
        """The loop has come round."""
        self._last = time.monotonic()

    def state(self) -> str:
        silent = time.monotonic() - self._last
        return "ok" if silent <= self.patience else f"has not come round for {silent:.0f} s"


class Vitals:
    """What is known of this process. Any thread may ask and tell."""

    def __init__(self) -> None:
        self._loops: dict[str, Loop] = {}
        self._checks: dict[str, _Checked] = {}
        self._trouble: dict[str, str] = {}
        self.stopping = False

    def loop(self, name: str, patience: float = 60.0) -> Loop:
        """A loop to be watched from now on; with the first one the process has started."""
        self._loops[name] = found = Loop(patience)
        self.well(PROCESS)
        return found

    def check(self, name: str, check: Check) -> None:
        """Add a check that runs whenever the process is asked whether it is ready."""
        self._checks[name] = _Checked(name, check)

    def away(self) -> dict[str, str]:
        """What is wrong with each thing that is checked and not well, as far as is known; the checks go on in the background."""
        checks = list(self._checks.items())
        for _, checked in checks:
            checked.start()
        return {name: checked.last_state for name, checked in checks if checked.last_state != "ok"}

    @property
    def checked(self) -> list[str]:
        """The names of what is checked."""
        return list(self._checks)

    def troubled(self, name: str, what: str) -> None:
        """Something is wrong until `well` is called with the same name."""
        self._trouble[name] = what

    def well(self, name: str) -> None:
        """The trouble is over."""
        self._trouble.pop(name, None)

    def live(self) -> Report:
        """Whether every loop turns."""
        return Report({name: loop.state() for name, loop in list(self._loops.items())})

    def ready(self) -> Report:
        """Whether work gets done now."""
        report = self.live()
        checks = list(self._checks.items())
        until = time.monotonic() + CHECK_SECONDS
        for _, checked in checks:
            checked.start()
        report.parts |= {name: checked.state(until) for name, checked in checks}
        report.parts |= self._trouble
        if self.stopping:
            report.parts[PROCESS] = "is stopping"
        READY.set(report.ok)
        return report


class _Checked:
    """A check that may hang: it runs in a thread of its own, and one that has not come back is an answer too."""

    def __init__(self, name: str, check: Check) -> None:
        self.name = name
        self.check = check
        self.last_state = "ok"
        self._at = float("-inf")
        self._turn = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the check, unless it runs or has just run."""
        with self._turn:
            busy = self._thread is not None and self._thread.is_alive()
            if not busy and time.monotonic() - self._at >= FRESH_SECONDS:
                self._thread = threading.Thread(target=self._run, name=f"check-{self.name}", daemon=True)
                self._thread.start()

    def state(self, until: float) -> str:
        """Returns the result of the check, waiting for it until then."""
        thread = self._thread
        if thread is not None:
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                return f"has not answered for {CHECK_SECONDS:.0f} s"
        return self.last_state

    def _run(self) -> None:
        try:
            self.check()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is wrong
            self.last_state = str(error) or type(error).__name__
        else:
            self.last_state = "ok"
        self._at = time.monotonic()
