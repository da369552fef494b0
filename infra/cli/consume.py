"""`rapport consume`: messages from Kafka into the record, until it is asked to stop."""

from typing import Annotated

import typer

from infra.cli.running import MetricsHostOption, MetricsPortOption, running


def register(app: typer.Typer) -> None:
    """Add `consume`."""
    app.command("consume")(consume)


def consume(
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="The most messages in one transaction.")] = 500,
    metrics_port: MetricsPortOption = None,
    metrics_host: MetricsHostOption = "127.0.0.1",
) -> None:
    """Consume messages from the topic rapport.commands; receipts go to rapport.receipts, unreadable ones to rapport.dead-letters.

    Start as many as you like, up to one for each partition, all on one store: the consumer group belongs to it. Ends
    cleanly on Ctrl-C and SIGTERM.
    """
    with running("consume", metrics_port, metrics_host, needs_kafka=True) as (rapport, process):
        from kafka.errors import KafkaError

        from infra.intake.senders import UNCHECKED
        from infra.kafka.clients import AnotherStore, KafkaTrouble, NoKafka
        from infra.kafka.consume import Consuming
        from infra.kafka.placement import Placement
        from infra.kafka.probe import BrokerProbe
        from infra.operations.keep import keep_going
        from infra.operations.logs import logger

        # A file of senders that is wrong ends the command before it joins the group.
        if not rapport.senders.checked:
            logger("rapport.kafka").warning(UNCHECKED)
        # So does one of keys.
        _ = rapport.encryption
        process.vitals.check("broker", BrokerProbe(rapport.settings))
        # Kept from session to session: each source is told of once.
        placement = Placement()
        keep_going(
            process,
            "consumer",
            lambda: Consuming(rapport, process, batch, placement),
            troubles={KafkaError: "broker", KafkaTrouble: "broker"},
            hopeless=(NoKafka, AnotherStore),
        )
