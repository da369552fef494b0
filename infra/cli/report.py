"""`rapport report`: what was agreed to be reported to a sponsor, and nothing else."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from domain.words import ReportingAudience
from infra.cli.opening import login, opened
from infra.cli.output import REFUSED, USAGE, JsonOption, fail, fail_unknown, print_json, print_note, print_text
from infra.cli.page_file import page_path, write_page


def register(app: typer.Typer) -> None:
    """Add `report`."""
    app.command("report")(show_report)


def _audience(text: str) -> str:
    if text not in get_args(ReportingAudience):
        raise typer.BadParameter(f"{text!r} gets no reports: expected {', '.join(get_args(ReportingAudience))}")
    return text


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day: expected one such as 2026-03-02") from None


def show_report(
    relationship: Annotated[str, typer.Argument(metavar="ID", help="The UUID of the relationship.")],
    to: Annotated[
        str,
        typer.Option("--to", metavar="ROLE", parser=_audience, help="For whom: line_manager, customer or coordinator."),
    ],
    first: Annotated[
        date | None, typer.Option("--from", metavar="DAY", parser=_day, help="From this day of the programme on.")
    ] = None,
    last: Annotated[
        date | None, typer.Option("--to-day", metavar="DAY", parser=_day, help="Up to and with this day.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="F.html", parser=page_path, help="Write a page, or JSON into F.json."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Report to a line manager, customer or coordinator exactly the outputs that were agreed with them.

    The matrix of sharing is asked about each output and, for words, about each event. What may not be shown is named with the
    clause that says so.
    """
    from infra.pages.page import spaced
    from infra.queries.outputs import Days
    from infra.queries.reading import Reading
    from infra.queries.report import Asked, NoReport, report

    if first and last and last < first:
        fail(f"--to-day is {last}, before --from {first}", USAGE)
    with opened() as rapport:
        store, now = rapport.store, rapport.clock.now()
        asked = Asked(cast("ReportingAudience", to), Days(first, last))
        try:
            shown = report(store, rapport.engine, relationship.lower(), asked, now, Reading.by_operator(login()).name)
        except NoReport as error:
            fail(f"{error} ({error.clause})" if error.clause else str(error), REFUSED)
    if shown is None:
        fail_unknown(relationship)
    if output is not None:
        write_page("report", shown, output)
        print_note(f"the report to the {spaced(to)} is in {output}")
    if as_json:
        print_json(shown)
    elif output is None:
        _print(shown)


def _print(shown: dict[str, Any]) -> None:
    from infra.pages.page import lines, spaced

    print_text(f"report to {spaced(shown['recipient'])} on {shown['relationship_id']}", 2)
    print_text(f"mentee {shown['mentee_id']}, mentor {shown['mentor_id']}, programme {shown['programme_id']}", 2)
    for name, output in shown["outputs"].items():
        print_text("")
        print_text(spaced(name))
        for line in lines(output):
            print_text(f"  {line}", 4)
    if shown["not_shown"]:
        print_text("")
        print_text("not shown")
        for each in shown["not_shown"]:
            clause = f" ({each['clause']})" if each["clause"] else ""
            print_text(f"  {spaced(each['data_class'])}{clause}: {each['why']}", 4)
