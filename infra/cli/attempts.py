"""`rapport attempts`: the messages that were refused, and why."""

from typing import Annotated, Any

import typer

from infra.cli.opening import opened
from infra.cli.output import JsonOption, print_json, print_note, print_text


def register(app: typer.Typer) -> None:
    """Add `attempts`."""
    app.command("attempts")(show_attempts)


def show_attempts(
    subject: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A relationship, mentor:ID, case:ID or programme:ID; else all.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the messages that were refused: when, who, what command, and why.

    A message that was malformed, or whose sender may not send it, used up no id and is not listed.
    """
    from infra.queries.attempts import attempts
    from infra.queries.subject import found_subject

    with opened() as rapport:
        found = attempts(rapport.database, found_subject(rapport.store, subject) if subject is not None else None)
    if as_json:
        print_json(found)
    elif found:
        for each in found:
            _print_attempt(each)
    else:
        print_note("no message was refused")


def _print_attempt(each: dict[str, Any]) -> None:
    """When, who and what on one line, and each reason on a line below."""
    command = each["type"].partition(".")[2]
    print_text(f"{each['at']}  {each['actor']}  {command}  {each['subject']}  {each['status']}", 4)
    for problem in each["problems"]:
        clause = f"{problem['clause']}: " if problem["clause"] else ""
        print_text(f"    {clause}{problem['message']} ({problem['code']})", 6)
