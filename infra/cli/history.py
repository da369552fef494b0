"""`rapport history`: the events of a subject in order."""

import typer
from rich.text import Text

from infra.cli.opening import opened
from infra.cli.output import USAGE, JsonOption, fail, print_json, stdout
from infra.cli.show import IdArgument


def register(app: typer.Typer) -> None:
    """Add `history`."""
    app.command("history")(show_history)


def show_history(subject: IdArgument, as_json: JsonOption = False) -> None:
    """List the events of a subject in order, each with its place in the hash chain."""
    from infra.showing.history import history
    from infra.showing.subject import normal_id

    subject = normal_id(subject)
    with opened() as rapport:
        entries = history(rapport.store, subject)
    if not entries:
        fail(f"nothing is recorded of {subject!r}", USAGE)
    if as_json:
        print_json(entries)
        return
    for entry in entries:
        head = f"{entry['version']:>4}  {entry['occurred_at']:%Y-%m-%d %H:%M}Z  "
        name = entry["type"].removeprefix("rapport.")
        stdout.print(Text.assemble(head, (name, "bold"), f"  {entry['actor']}"), soft_wrap=True)
        facts = ", ".join(f"{field}={value}" for field, value in entry["data"].items())
        if facts:
            stdout.print(Text(f"      {facts}", style="dim"), soft_wrap=True)
