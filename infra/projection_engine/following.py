"""Keeping the datasets at the log's head for as long as a process runs; `infra.operations.keep` runs its sessions."""

from infra.projection_engine.engine import Engine


class Following:
    """A session of the engine; it holds nothing that must be let go of."""

    at_work = True

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def turn(self) -> None:
        """Once to the head of the log and the present, then wait for either to move on."""
        rounds = iter((False, True))
        self.engine.follow(lambda: next(rounds))

    def finish(self) -> None:
        """Nothing is under way between two turns."""

    def close(self) -> None:
        """Nothing to let go of."""
