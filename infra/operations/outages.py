"""What keeps a process from its work, logged once when it begins and once when it is over, with how long it took.

Everything that waits for something reports it here, under a name: `database`, `broker`, `e-mail`. Any thread may report.
"""

import threading
from time import monotonic
from typing import Final

from infra.operations.logs import logger

BEGINS: Final = "an outage begins"
OVER: Final = "the outage is over"

log = logger("rapport.process")


class Outages:
    """Those that go on now."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        # Mistakes of our own are logged with their traceback, each kind once in an outage.
        self._mistakes: dict[str, set[tuple[str, str]]] = {}
        self._turn = threading.Lock()

    def begins(self, what: str, error: Exception | str, *, mistake: bool = False) -> None:
        """Report that something is away or wrong; a known outage is not logged again. `mistake`: the error was not expected."""
        why, text = type(error).__name__ if isinstance(error, Exception) else None, str(error)
        with self._turn:
            first = what not in self._since
            self._since.setdefault(what, monotonic())
            mistakes = self._mistakes.setdefault(what, set())
            new = mistake and (str(why), text) not in mistakes
            if mistake:
                mistakes.add((str(why), text))
        if new:
            log.error("a mistake of our own; begins anew", what=what, exc_info=error)
        elif first:
            # The end is logged at the same level: who sees one sees the other.
            log.warning(BEGINS, what=what, why=why, error=text)
        else:
            log.debug("the outage goes on", what=what, why=why, error=text)

    def over(self, what: str) -> None:
        """Report that it is well, again or still."""
        with self._turn:
            since = self._since.pop(what, None)
            self._mistakes.pop(what, None)
        if since is not None:
            log.warning(OVER, what=what, seconds=round(monotonic() - since, 1))
