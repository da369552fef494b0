"""`rapport publish`: operational facts from the record to Kafka, until it is asked to stop."""

from typing import Annotated

import typer

from infra.cli.running import MetricsHostOption, MetricsPortOption, running

TakeOverOption = Annotated[
    bool, typer.Option("--take-over", help="Publish to the topic even though another store did so before.")
]


def register(app: typer.Typer) -> None:
    """Add `publish`."""
    app.command("publish")(publish)


def publish(
    take_over: TakeOverOption = False,
    metrics_port: MetricsPortOption = None,
    metrics_host: MetricsHostOption = "127.0.0.1",
) -> None:
    """Publish operational facts to the topic rapport.events: no content, no personal data beyond ids.

    One process publishes at a time; start a second as a stand-by. Ends cleanly on Ctrl-C and SIGTERM.
    """
    with running("publish", metrics_port, metrics_host, needs_kafka=True) as (rapport, process):
        from kafka.errors import KafkaError

        from infra.kafka.clients import AnotherStore, KafkaTrouble, NoKafka
        from infra.kafka.probe import BrokerProbe
        from infra.kafka.publish import Publishing
        from infra.operations.keep import keep_going

        process.vitals.check("broker", BrokerProbe(rapport.settings))
        keep_going(
            process,
            "publisher",
            lambda: Publishing(rapport, process, take_over=take_over),
            troubles={KafkaError: "broker", KafkaTrouble: "broker"},
            hopeless=(NoKafka, AnotherStore),
        )
