"""`rapport subject`: all that is held about a person, for a request of access."""

from pathlib import Path
from typing import Annotated, Any

import typer

from domain.ids import is_id
from infra.cli.opening import login, opened
from infra.cli.output import JsonOption, fail_unknown, print_json, print_note, print_text
from infra.cli.page_file import page_path, write_page


def register(app: typer.Typer) -> None:
    """Add `subject`."""
    app.command("subject")(show_person_data)


def as_person(text: str) -> str:
    """The id of a person, written alone, as person:ID or behind a role; a wrong one ends the command with exit code 2."""
    id_ = text.rpartition(":")[2]
    if not is_id(id_):
        raise typer.BadParameter(f"{text!r} is no person: expected an id, such as ana, or person:ana")
    return id_


def show_person_data(
    person: Annotated[
        str, typer.Argument(metavar="PERSON", parser=as_person, help="The person's id; a role before it is ignored.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="F.json", parser=page_path, help="Write JSON, or a page to read into F.html."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show all that is held about a person, as they may ask for it: what, why, from whom, for whom, until when.

    The person's own words are shown, those of others are protected, and what others reported in confidence is withheld. The whole
    answer is in the JSON and on the page; without either, the text is a summary.
    """
    from infra.queries.person_data import person_data
    from infra.queries.reading import Reading

    with opened() as rapport:
        shown = person_data(
            rapport.store, rapport.engine, person, rapport.clock.now(), Reading.by_operator(login()).name
        )
    if shown is None:
        fail_unknown(person, person=True)
    if output is not None:
        write_page("subject", shown, output)
        print_note(f"what is held about {shown['person']} is in {output}")
    if as_json:
        print_json(shown)
    elif output is None:
        _print(shown)


def _print(shown: dict[str, Any]) -> None:
    from infra.pages.page import spaced

    print_text(f"held about {shown['person']}", 2)
    for each in shown["held"]:
        roles = ", ".join(map(spaced, each["roles"])) or "author"
        print_text(f"  {each['subject']}: {len(each['events'])} events, as {roles}", 4)
    for title, rows, line in (
        ("why", shown["purposes"], lambda each: f"{each['purpose']}: {', '.join(map(spaced, each['data_classes']))}"),
        ("from", shown["sources"], lambda each: f"{each['source']} ({spaced(each['role'])}): {each['events']} events"),
        ("for", shown["recipients"], lambda each: f"{spaced(each['to'])}: {each['how']}"),
        ("until", shown["retention"], lambda each: f"{each['subject']}: {each['retained_until'] or each['why']}"),
    ):
        if rows:
            print_text(title)
        for line_ in dict.fromkeys(map(line, rows)):
            print_text(f"  {line_}", 4)
    print_text(f"read {len(shown['readers'])} times, {len(shown['refused'])} refused messages")
    print_text("the whole answer: rapport subject PERSON -o F.html, or F.json")
