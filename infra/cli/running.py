"""What the commands have in common that run until they are stopped: an open store, logs, metrics, traces, signals."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.opening import named_store, opened
from infra.cli.output import USAGE, fail

if TYPE_CHECKING:
    from infra.bootstrap import Rapport
    from infra.operations.process import Process
    from infra.settings import Settings

MetricsPortOption = Annotated[
    int | None,
    typer.Option(
        "--metrics-port", min=0, max=65535, help="Serve /metrics, /live and /ready on this port; 0: a free one."
    ),
]
MetricsHostOption = Annotated[str, typer.Option("--metrics-host", help="The address to serve them on.")]


@contextmanager
def running(
    app: str, metrics_port: int | None, metrics_host: str, *, needs_kafka: bool = False
) -> Iterator["tuple[Rapport, Process]"]:
    """Everything around a loop; what the process can't even begin with ends it with exit 2 and a sentence."""
    from infra.kafka.clients import AnotherStore, NoKafka, connection
    from infra.operations.endpoints import PortTaken
    from infra.operations.process import observed
    from infra.operations.tracing import UnknownExporter

    def check(settings: "Settings") -> None:
        if needs_kafka:
            connection(settings)
        named_store(settings)

    try:
        with (
            opened(check) as rapport,
            observed(app, rapport.settings, metrics_port=metrics_port, metrics_host=metrics_host) as process,
        ):
            process.watch_store(rapport.store)
            yield rapport, process
    except (AnotherStore, NoKafka, PortTaken, UnknownExporter) as error:
        fail(str(error), USAGE)
