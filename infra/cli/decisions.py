"""`rapport decisions`: what the workers decided about a subject, and why."""

from typing import Annotated, Any

import typer

from infra.cli.opening import opened
from infra.cli.output import JsonOption, evidence_note, fail_unknown, print_json, print_note, print_text


def register(app: typer.Typer) -> None:
    """Add `decisions`."""
    app.command("decisions")(show_decisions)


def show_decisions(
    subject: Annotated[str, typer.Argument(metavar="ID", help="A relationship, mentor:ID, case:ID or mentee:ID.")],
    as_json: JsonOption = False,
) -> None:
    """Show what the workers decided: clauses, evidence, terms, and what followed.

    A notification that would have come too late was not sent: it is missed, and says why.
    """
    from infra.queries.subject import found_subject, is_named
    from infra.queries.tasks import decisions

    with opened() as rapport:
        key = found_subject(rapport.store, subject)
        found = decisions(rapport.database, key)
        if not found and not is_named(rapport.store, key):
            fail_unknown(subject)
    if as_json:
        print_json(found)
    elif found:
        for each in found:
            _print_decision(each)
    else:
        print_note("no worker decided anything")


def _print_decision(each: dict[str, Any]) -> None:
    """When, which worker and why on one line, and each thing that followed on a line below."""
    print_text(f"{each['at']}  {each['worker']}  {', '.join(each['clauses'])}{evidence_note(each['evidence'])}", 4)
    for effect in each["effects"]:
        print_text(f"    {_described(effect)}", 6)


def _described(effect: dict[str, Any]) -> str:
    if "command" in effect:
        return str(effect["command"])
    if "task" in effect:
        return f"task {effect['task']}"
    why = f": {effect['missed']}" if "missed" in effect else ""
    return f"{effect['template']} to {effect['recipient']} ({effect['status']}{why})"
