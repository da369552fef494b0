"""`rapport history`: the events of a subject in order."""

import typer

from infra.cli.opening import opened
from infra.cli.output import USAGE, AllOption, JsonOption, capped, fail, print_json, print_rest, print_text
from infra.cli.show import IdArgument


def register(app: typer.Typer) -> None:
    """Add `history`."""
    app.command("history")(show_history)


def show_history(subject: IdArgument, every: AllOption = False, as_json: JsonOption = False) -> None:
    """List the events of a subject in order, each with its place in the hash chain."""
    from infra.queries.history import history
    from infra.queries.subject import found_subject

    with opened() as rapport:
        subject = found_subject(rapport.store, subject)
        entries = history(rapport.store, subject)
    if not entries:
        fail(f"nothing is recorded of {subject!r}", USAGE)
    if as_json:
        print_json(entries)
        return
    shown, left = capped(entries, every=every)
    for entry in shown:
        name = entry["type"].removeprefix("rapport.")
        print_text(f"{entry['version']:>4}  {entry['occurred_at']:%Y-%m-%d %H:%M}Z  {name}  {entry['actor']}", 6)
        facts = ", ".join(f"{field}={value}" for field, value in entry["data"].items())
        if facts:
            print_text(f"      {facts}", 6)
    print_rest(left)
