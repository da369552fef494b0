"""`rapport show`: one relationship, mentor, case or programme, now or at another moment."""

from typing import Annotated, Any

import typer
from rich.text import Text

from infra.cli.opening import opened
from infra.cli.output import USAGE, JsonOption, fail, print_json, print_table, stdout
from infra.cli.times import AsOf, KnownAt

IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A relationship's UUID, or mentor:ID, case:ID, programme:ID.")
]


def register(app: typer.Typer) -> None:
    """Add `show`."""
    app.command("show")(show)


def show(
    subject: IdArgument,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    version: Annotated[int | None, typer.Option(min=1, help="As it was after this event.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a subject's state, terms, sessions, goals, open concerns and unmet gates."""
    from infra.showing.moment import Moment
    from infra.showing.subject import normal_id, show_subject

    subject = normal_id(subject)
    with opened() as rapport:
        last = rapport.store.heads([subject])[subject].version
        if not last:
            fail(f"nothing is recorded of {subject!r}", USAGE)
        if version is not None and version > last:
            fail(f"{subject} has no version {version}; its last one is {last}", USAGE)
        shown = show_subject(rapport.store, subject, Moment(as_of, known_at, version), rapport.clock.now())
    if shown is None:
        fail(f"{subject} did not exist, or was not known, by then", USAGE)
    if as_json:
        print_json(shown)
    elif shown["kind"] == "relationship":
        _print_relationship(shown)
    else:
        _print_other(shown)


def _print_relationship(shown: dict[str, Any]) -> None:
    _print_heading(shown)
    parties = ("mentee", "mentor", "customer", "line_manager", "supplier", "programme")
    named = [(party.replace("_", " "), shown[f"{party}_id"]) for party in parties if shown[f"{party}_id"]]
    stdout.print(Text(", ".join(f"{party} {id_}" for party, id_ in named)))
    stdout.print(Text(f"codes {', '.join(shown['codes']) or 'none'}"))
    _print_list("unmet gates", [(gate["clause"], gate["message"]) for gate in shown["unmet_gates"]])
    _print_rows(
        "sessions", shown["sessions"], ("session_id", "status", "starts_at", "minutes", "reschedules", "late_moves")
    )
    _print_rows("goals", shown["goals"], ("goal_id", "status", "type"))
    _print_rows("concerns", shown["concerns"], ("clause", "status", "evidence"))
    _print_rows("recommendations", shown["recommendations"], ("clause", "status", "evidence"))
    _print_terms(shown["terms"])
    stdout.print(Text(f"\nallowed now: {', '.join(shown['allowed'])}", style="dim"))


def _print_other(shown: dict[str, Any]) -> None:
    _print_heading(shown)
    for name, value in shown.items():
        if name not in {"id", "kind", "state", "version", "terms", "allowed"} and value not in (None, [], ()):
            stdout.print(Text(f"{name.replace('_', ' ')}: {value}"))
    if "terms" in shown:
        _print_terms(shown["terms"])
    stdout.print(Text(f"\ncommands: {', '.join(shown['allowed'])}", style="dim"))


def _print_heading(shown: dict[str, Any]) -> None:
    stdout.print(
        Text.assemble((f"{shown['kind']} {shown['id']}", "bold"), f"  {shown['state']}, version {shown['version']}")
    )


def _print_list(title: str, lines: list[tuple[str, str]]) -> None:
    if lines:
        print_table(("clause", "what is missing"), lines, title=f"\n{title}")


def _print_rows(title: str, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    if rows:
        cells = ([_cell(row[column]) for column in columns] for row in rows)
        print_table((column.replace("_", " ") for column in columns), cells, title=f"\n{title}")


def _print_terms(terms: dict[str, Any]) -> None:
    changed = [
        (name, _cell(term["value"]), term["document"], ", ".join(term["overruled"]) or "none")
        for name, term in terms.items()
        if term["document"]
    ]
    if changed:
        print_table(("term", "value", "set by", "overruled"), changed, title="\nterms other than the defaults")


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:%Y-%m-%d %H:%M}Z" if hasattr(value, "hour") else str(value)
