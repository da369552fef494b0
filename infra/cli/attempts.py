"""`rapport attempts`: the messages that were refused, and why."""

from typing import Annotated, Any

import typer

from infra.cli.opening import opened
from infra.cli.output import AllOption, JsonOption, capped, print_json, print_note, print_rest, print_text, unknown


def register(app: typer.Typer) -> None:
    """Add `attempts`."""
    app.command("attempts")(show_attempts)


def show_attempts(
    subject: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A relationship, mentor:ID, case:ID or programme:ID; else all.")
    ] = None,
    every: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the messages that were refused: when, who, what command, and why.

    A message that was malformed, or whose sender may not send it, used up no id and is not listed.
    """
    from infra.queries.attempts import attempts
    from infra.queries.subject import found_subject, is_named

    with opened() as rapport:
        asked = found_subject(rapport.store, subject) if subject is not None else None
        found = attempts(rapport.database, asked)
        if asked is not None and not found and not is_named(rapport.store, asked):
            print_note(unknown(asked))
    if as_json:
        print_json(found)
    elif found:
        shown, left = capped(found, every=every)
        for each in shown:
            _print_attempt(each)
        print_rest(left)
    else:
        print_note("no message was refused")


def _print_attempt(each: dict[str, Any]) -> None:
    """When, who and what on one line, and each reason on a line below."""
    command = each["type"].partition(".")[2]
    print_text(f"{each['at']}  {each['actor']}  {command}  {each['subject']}  {each['status']}", 4)
    for problem in each["problems"]:
        clause = f"{problem['clause']}: " if problem["clause"] else ""
        print_text(f"    {clause}{problem['message']} ({problem['code']})", 6)
