"""`rapport show` and `rapport history`: one relationship, mentor, case or programme, now, at another moment, or event by event."""

from typing import Annotated, Any

import typer

from infra.cli.opening import opened
from infra.cli.output import (
    USAGE,
    AllOption,
    JsonOption,
    capped,
    fail,
    print_json,
    print_rest,
    print_table,
    print_text,
)
from infra.cli.times import AsOf, KnownAt

IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A relationship's UUID, or mentor:ID, case:ID, programme:ID.")
]


LISTS = {
    "sessions": ("session_id", "status", "starts_at", "minutes", "reschedules", "late_moves"),
    "goals": ("goal_id", "status", "type"),
    "concerns": ("clause", "status", "evidence"),
    "recommendations": ("clause", "status", "evidence"),
}


def register(app: typer.Typer) -> None:
    """Add `show` and `history`."""
    app.command("show")(show)
    app.command("history")(show_history)


def show(
    subject: IdArgument,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    version: Annotated[int | None, typer.Option(min=1, help="As it was after this event.")] = None,
    every: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show a subject's state, terms, sessions, goals, open concerns and unmet gates."""
    from infra.queries.as_at import Moment
    from infra.queries.subject import found_subject, show_subject

    with opened() as rapport:
        subject = found_subject(rapport.store, subject)
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
        _print_relationship(shown, every=every)
    else:
        _print_other(shown)


def _print_relationship(shown: dict[str, Any], *, every: bool) -> None:
    _print_heading(shown)
    parties = ("mentee", "mentor", "customer", "line_manager", "supplier", "programme")
    named = [(party.replace("_", " "), shown[f"{party}_id"]) for party in parties if shown[f"{party}_id"]]
    print_text(", ".join(f"{party} {id_}" for party, id_ in named))
    print_text(f"codes {', '.join(shown['codes']) or 'none'}")
    gates = [(gate["clause"], gate["message"]) for gate in shown["unmet_gates"]]
    if gates:
        print_table(("clause", "what is missing"), gates, title="unmet gates", every=every)
    for title, columns in LISTS.items():
        _print_rows(title, shown[title], columns, every=every)
    _print_terms(shown["terms"])
    print_text("")
    print_text(f"allowed now: {', '.join(shown['allowed'])}")


def _print_other(shown: dict[str, Any]) -> None:
    _print_heading(shown)
    for name, value in shown.items():
        if name not in {"id", "kind", "state", "version", "terms", "allowed"} and value not in (None, [], ()):
            print_text(f"{name.replace('_', ' ')}: {value}")
    if "terms" in shown:
        _print_terms(shown["terms"])
    print_text("")
    print_text(f"commands: {', '.join(shown['allowed'])}")


def _print_heading(shown: dict[str, Any]) -> None:
    print_text(f"{shown['kind']} {shown['id']}  {shown['state']}, version {shown['version']}")


def _print_rows(title: str, rows: list[dict[str, Any]], columns: tuple[str, ...], *, every: bool) -> None:
    if rows:
        cells = [[_cell(row[column]) for column in columns] for row in rows]
        print_table((column.replace("_", " ") for column in columns), cells, title=title, every=every)


def _print_terms(terms: dict[str, Any]) -> None:
    changed = [
        (name, _cell(term["value"]), term["document"], ", ".join(term["overruled"]) or "none")
        for name, term in terms.items()
        if term["document"]
    ]
    if changed:
        print_table(("term", "value", "set by", "overruled"), changed, title="terms other than the defaults")


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:%Y-%m-%d %H:%M}Z" if hasattr(value, "hour") else str(value)


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
