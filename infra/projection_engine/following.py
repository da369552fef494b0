"""Keeping the datasets at the log's head for as long as a process runs; `infra.operations.keep` runs its sessions."""

from threading import Event

from infra.operations.keep import rest_seconds
from infra.projection_engine.engine import Engine
from infra.projection_engine.feed import PAGE


class Following:
    """A session of the engine; it holds nothing that must be let go of. A rest in a rush ends when `stop` is set."""

    at_work = True

    def __init__(self, engine: Engine, stop: Event) -> None:
        self.engine, self._stop = engine, stop
        self._position = 0

    def turn(self) -> None:
        """Once to the head of the log and the present, then wait for either to move on."""
        before, self._position = self._position, self.engine.catch_up()
        if seconds := rest_seconds(self._position - before, PAGE):
            self._stop.wait(seconds)
        else:
            self.engine.wait(self._position)

    def finish(self) -> None:
        """Nothing is under way between two turns."""

    def close(self) -> None:
        """Nothing to let go of."""
