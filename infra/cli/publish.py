"""`rapport publish`: operational facts from the record to Kafka, until it is asked to stop."""

from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.output import REFUSED, USAGE, fail, print_note
from infra.cli.running import MetricsHostOption, MetricsPortOption, running

TakeOverOption = Annotated[
    bool, typer.Option("--take-over", help="Publish to the topic even though another store did so before.")
]
FromOption = Annotated[
    int | None,
    typer.Option(
        "--from",
        min=1,
        metavar="POSITION",
        help="Send the facts from this position on once more, for a reader who came late, then end.",
    ),
]
TopicOption = Annotated[
    str | None, typer.Option("--topic", metavar="TOPIC", help="With --from: another topic than rapport.events.")
]

if TYPE_CHECKING:
    from infra.bootstrap import Rapport
    from infra.operations.process import Process


def register(app: typer.Typer) -> None:
    """Add `publish`."""
    app.command("publish")(publish)


def publish(
    take_over: TakeOverOption = False,
    first: FromOption = None,
    topic: TopicOption = None,
    metrics_port: MetricsPortOption = None,
    metrics_host: MetricsHostOption = "127.0.0.1",
) -> None:
    """Publish operational facts to the topic rapport.events: no content, no personal data beyond ids.

    One process publishes at a time; start a second as a stand-by. Ends cleanly on Ctrl-C and SIGTERM. With --from it sends facts again
    under their ids and leaves the publisher's position as it is.
    """
    if topic is not None and first is None:
        fail("--topic belongs to --from: the publisher itself sends to rapport.events", USAGE)
    with running("publish", metrics_port, metrics_host, needs_kafka=True) as (rapport, process):
        from kafka.errors import KafkaError

        from infra.kafka.clients import AnotherStore, KafkaTrouble, NoKafka
        from infra.kafka.probe import BrokerProbe
        from infra.kafka.publish import Publishing
        from infra.operations.keep import keep_going

        if first is not None:
            _send_again(rapport, process, first, topic)
            return
        process.vitals.check("broker", BrokerProbe(rapport.settings))
        keep_going(
            process,
            "publisher",
            lambda: Publishing(rapport, process, take_over=take_over),
            troubles={KafkaError: "broker", KafkaTrouble: "broker"},
            hopeless=(NoKafka, AnotherStore),
        )


def _send_again(rapport: "Rapport", process: "Process", first: int, topic: str | None) -> None:
    from kafka.errors import KafkaError

    from infra.kafka.clients import KafkaTrouble
    from infra.kafka.replay import replay

    head = rapport.store.head()
    if first > head + 1:
        fail(
            f"--from {first}: the record has grown to position {head} only; a position of another store, or from before a backup "
            "was restored, says nothing here",
            USAGE,
        )
    try:
        done = replay(rapport, first, topic, process.stop)
    except (KafkaError, KafkaTrouble) as error:
        fail(f"{error}; start again from the same position", REFUSED)
    print_note(f"{done.facts} facts sent, from position {first} to {done.position}")
    if not done.whole:
        fail(f"stopped; --from {done.position + 1} goes on", REFUSED)
