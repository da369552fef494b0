"""`rapport reads`: who read which content, when, under which clause, and why."""

from typing import Annotated, Any

import typer

from infra.cli.opening import opened
from infra.cli.output import AllOption, JsonOption, capped, print_json, print_note, print_rest, print_text, unknown


def register(app: typer.Typer) -> None:
    """Add `reads`."""
    app.command("reads")(show_reads)


def show_reads(
    subject: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="A relationship, mentor:ID, case:ID, programme:ID or person:ID; else all."),
    ] = None,
    every: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """List who read content: when, of which event, what class of data, under which clause, and why."""
    from infra.queries.subject import found_subject, is_named
    from infra.store.reads import reads_of

    with opened() as rapport:
        asked = found_subject(rapport.store, subject) if subject is not None else None
        found = [each._asdict() for each in reads_of(rapport.database, asked)]
        if asked is not None and not found and not is_named(rapport.store, asked):
            print_note(unknown(asked))
    if as_json:
        print_json(found)
        return
    shown, left = capped(found, every=every)
    for each in shown:
        _print_read(each)
    print_rest(left)
    if not found:
        print_note("nobody has read content")


def _print_read(each: dict[str, Any]) -> None:
    clause = f" ({each['clause']})" if each["clause"] else ""
    why = f": {each['why']}" if each["why"] else ""
    print_text(
        f"{each['at']:%Y-%m-%d %H:%M}  {each['reader']}  {each['subject']} event {each['version']}  {each['data_class']}{clause}{why}",
        4,
    )
