"""`rapport projections follow`: keep the datasets at the log's head, until it is asked to stop."""

from infra.cli.running import MetricsHostOption, MetricsPortOption, running


def follow(metrics_port: MetricsPortOption = None, metrics_host: MetricsHostOption = "127.0.0.1") -> None:
    """Follow the log, so that the datasets in the database are always up to date.

    Several at once are safe: each piece of work is done once. Ends cleanly on Ctrl-C and SIGTERM.
    """
    with running("projections", metrics_port, metrics_host) as (rapport, process):
        from infra.operations.keep import keep_going
        from infra.projection_engine.build import AlreadyBuilding
        from infra.projection_engine.following import Following

        engine = rapport.engine()
        keep_going(
            process, "projections", lambda: Following(engine, process.stop), troubles={AlreadyBuilding: "projections"}
        )
