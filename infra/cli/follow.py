"""`rapport projections follow`: keep the datasets at the log's head, until it is asked to stop."""

from typing import TYPE_CHECKING

from infra.cli.running import MetricsHostOption, MetricsPortOption, running

if TYPE_CHECKING:
    from infra.projection_engine.engine import Engine


def follow(metrics_port: MetricsPortOption = None, metrics_host: MetricsHostOption = "127.0.0.1") -> None:
    """Follow the log, so that the datasets in the database are always up to date.

    Several at once are safe: each piece of work is done once. Ends cleanly on Ctrl-C and SIGTERM.
    """
    with running("projections", metrics_port, metrics_host) as (rapport, process):
        from infra.operations.keep import keep_going
        from infra.projection_engine.build import AlreadyBuilding

        engine = rapport.engine()
        keep_going(process, "projections", lambda: Following(engine), troubles={AlreadyBuilding: "projections"})


class Following:
    """A session of the engine; it holds nothing that must be let go of."""

    at_work = True

    def __init__(self, engine: "Engine") -> None:
        self.engine = engine

    def turn(self) -> None:
        """Once to the head of the log and the present, then wait for either to move on."""
        rounds = iter((False, True))
        self.engine.follow(lambda: next(rounds))

    def finish(self) -> None:
        """Nothing is under way between two turns."""

    def close(self) -> None:
        """Nothing to let go of."""
