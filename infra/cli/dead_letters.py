"""`rapport dead-letters`: look at the messages that could not be taken, put them right, send them again."""

from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.opening import configured
from infra.cli.output import (
    REFUSED,
    USAGE,
    JsonOption,
    fail,
    print_json,
    print_note,
    print_table,
    print_text,
    standard_input,
)
from infra.cli.times import shown_minute

if TYPE_CHECKING:
    from infra.settings import Settings

IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="As `list` shows it: topic/partition/offset, or just partition/offset.")
]


def register(app: typer.Typer) -> None:
    """Add `dead-letters list`, `dead-letters show` and `dead-letters resubmit`."""
    letters = typer.Typer(help="Messages that came over Kafka and could not be taken.", no_args_is_help=True)
    letters.command("list")(list_letters)
    letters.command("show")(show_letter)
    letters.command("resubmit")(resubmit_letter)
    app.add_typer(letters, name="dead-letters")


def list_letters(
    every: Annotated[bool, typer.Option("--all", help="Those too that were sent again, every row.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List dead letters, oldest first, with the reason of each."""
    with asking() as settings:
        from infra.kafka.dead_letters import dead_letters

        found = [letter for letter in dead_letters(settings).values() if every or letter.resubmitted is None]
    if as_json:
        print_json([letter.to_dict() for letter in found])
    else:
        rows = (
            (each.id, shown_minute(each.time), each.key_text or "", each.reason, shown_minute(each.resubmitted or ""))
            for each in found
        )
        rest = "--json has them all, as does --all with those sent again"
        print_table(("id", "time", "key", "reason", "sent again"), rows, every=every, rest=rest)


def show_letter(letter_id: IdArgument, as_json: JsonOption = False) -> None:
    """Show one dead letter: why, from where, and the message itself."""
    with asking() as settings:
        from infra.kafka.dead_letters import find, readable

        shown = readable(find(settings, letter_id), settings)
    if as_json:
        print_json(shown)
        return
    for name in ("id", "time", "reason", "key", "traceparent", "resubmitted"):
        if shown[name] is not None:
            print_text(f"{name}: {shown[name]}")
    for name, text in shown["headers"].items():
        for each in text if isinstance(text, list) else [text]:
            print_text(f"header {name}: {each}")
    if shown["left_out"] is not None:
        print_text(f"not kept here: {shown['left_out']} bytes that were too large or could not be read")
    if shown["encrypted"]:
        print_text("encrypted: its key is not here (RAPPORT_ENCRYPTION_KEY_FILE)")
    print_text("")
    print_text(str(shown["value"]))


def resubmit_letter(
    letter_id: IdArgument,
    body: Annotated[
        str | None, typer.Option("--body", help="A file with the corrected message, - for standard input.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Send a dead letter to its topic again, as it was or corrected; its receipt comes as for any message."""
    value = None if body is None else _body(body)
    with asking() as settings:
        from infra.kafka.dead_letters import find, resubmit

        letter = find(settings, letter_id)
        place = resubmit(settings, letter, value)
    if as_json:
        print_json({"id": letter.id, "sent_as": place})
    else:
        print_note(f"{letter.id} was sent again as {place}")


def _body(name: str) -> bytes:
    """The corrected message. What can't be one is not sent: the letter would count as sent again, and be lost from the list."""
    from infra.intake.message import MAX_BYTES

    try:
        found = standard_input().read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        fail(f"cannot read {name}: {error.strerror}", USAGE)
    body = found.removeprefix(BOM_UTF8)
    if not body.strip():
        fail(f"--body: expected a message, found nothing in {name}", USAGE)
    if len(body) > MAX_BYTES:
        fail(f"--body: expected at most {MAX_BYTES} bytes, found {len(body)} in {name}", USAGE)
    return body


@contextmanager
def asking() -> Iterator["Settings"]:
    """The settings, with Kafka's troubles told in a sentence."""
    import logging

    from kafka.errors import KafkaError

    from infra.kafka.clients import KafkaTrouble, NoKafka
    from infra.kafka.dead_letters import LeftOut, UnknownDeadLetter
    from infra.settings import WrongSettings

    try:
        settings = configured()
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        yield settings
    except (NoKafka, WrongSettings) as error:
        fail(str(error), USAGE)
    except (KafkaTrouble, UnknownDeadLetter, LeftOut) as error:
        fail(str(error), REFUSED)
    except KafkaError as error:
        fail(f"the broker can't be asked: {error}", REFUSED)
