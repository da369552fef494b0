"""`rapport explore`: a programme owner's questions, one command each, as a table, JSON, CSV or a drawing."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from infra.cli.output import (
    REFUSED,
    USAGE,
    AllOption,
    JsonOption,
    fail,
    print_json,
    print_note,
    print_table,
    print_text,
)
from infra.cli.projecting import projecting
from infra.cli.tabular import CsvOption, RawOption, print_csv, raw_needs_csv
from infra.unknown_name import unknown_name

if TYPE_CHECKING:
    from infra.analysis.answer import Answer
    from infra.analysis.population import By, Population
    from infra.projection_engine.engine import Engine

BY = ("programme", "month", "codes", "mentor")
NOTHING = "there is nothing that can be shown yet"
FORMS = ("svg", "png", "html")
ByOption = Annotated[
    str | None, typer.Option("--by", metavar="KEY", help="Compare by programme, month (of the start), codes or mentor.")
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="F", help="Draw it into a file: .svg, .png or .html.")
]


def register(app: typer.Typer) -> None:
    """Add `explore` and its questions."""
    explore = typer.Typer(help="Answer a programme owner's questions.", no_args_is_help=True)
    questions = (survival, cohorts, activation, nps, responses, calibration, funnel, load)
    for question in (*questions, bands, signals, endings, pauses, practices):
        explore.command(question.__name__)(question)
    app.add_typer(explore, name="explore")


def survival(
    by: ByOption = None,
    ending: Annotated[
        str, typer.Option(metavar="WHICH", help="early: all endings but good ones; any: all endings.")
    ] = "early",
    output: OutputOption = None,
    every: AllOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    raw: RawOption = False,
) -> None:
    """Show how long relationships last, with intervals, and whether groups differ (Kaplan-Meier, log-rank)."""
    from infra.analysis.lasting import Ending
    from infra.analysis.lasting import survival as answer

    if ending not in ("early", "any"):
        fail(unknown_name("kind of ending", ending, ("early", "any")), USAGE)
    key = _key(by)
    _tell(lambda population: answer(population, key, cast("Ending", ending)), output, every, as_json, as_csv, raw)


def cohorts(
    output: OutputOption = None,
    every: AllOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    raw: RawOption = False,
) -> None:
    """Show how the relationships that started in each month have fared."""
    from infra.analysis.lasting import cohorts as answer

    _tell(answer, output, every, as_json, as_csv, raw)


def activation(
    output: OutputOption = None,
    every: AllOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    raw: RawOption = False,
) -> None:
    """Show how long it takes from proposal to activation, and which gate takes longest."""
    from infra.analysis.beginning import activation as answer

    _tell(answer, output, every, as_json, as_csv, raw)


def nps(
    output: OutputOption = None,
    every: AllOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    raw: RawOption = False,
) -> None:
    """Show a control chart of NPS: which months differ from the others by more than chance."""
    from infra.analysis.asking import nps as answer

    _tell(None, output, every, as_json, as_csv, raw, of_engine=answer)


def responses(
    output: OutputOption = None,
    every: AllOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    raw: RawOption = False,
) -> None:
    """Show who answers what they are asked, how soon, and how the others fare."""
    from infra.analysis.asking import responses as answer

    _tell(answer, output, every, as_json, as_csv, raw)


def calibration(
    day: Annotated[
        int, typer.Option(metavar="N", min=1, help="The day from activation at which health is taken.")
    ] = 30,
    horizon: Annotated[int, typer.Option(metavar="N", min=1, help="How many days after it count.")] = 90,
    output: OutputOption = None,
    every: AllOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    raw: RawOption = False,
) -> None:
    """Show what became of relationships by their band on a day, and how well the score told it (AUC)."""
    from infra.analysis.calibration import calibration as answer

    _tell(lambda population: answer(population, day, horizon), output, every, as_json, as_csv, raw)


def funnel(
    by: ByOption = None,
    output: OutputOption = None,
    every: AllOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    raw: RawOption = False,
) -> None:
    """Show how many relationships come how far, from the proposal to the end review."""
    from infra.analysis.lasting import funnel as answer

    key = _key(by)
    _tell(lambda population: answer(population, key), output, every, as_json, as_csv, raw)


def load(
    output: OutputOption = None,
    every: AllOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    raw: RawOption = False,
) -> None:
    """Show how many relationships each mentor has, and how much of their capacity that is."""
    from infra.analysis.load import load as answer

    _tell(answer, output, every, as_json, as_csv, raw)


def bands(
    output: OutputOption = None,
    every: AllOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    raw: RawOption = False,
) -> None:
    """Show how many relationships were in each band of health, in each of the last twelve months and now."""
    from infra.analysis.standing import bands as answer

    _tell(answer, output, every, as_json, as_csv, raw)


def signals(
    output: OutputOption = None,
    every: AllOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    raw: RawOption = False,
) -> None:
    """Show in how many relationships each signal ever held and holds now, and how long it lasts."""
    from infra.analysis.standing import signals as answer

    _tell(answer, output, every, as_json, as_csv, raw)


def endings(
    output: OutputOption = None,
    every: AllOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    raw: RawOption = False,
) -> None:
    """Show how relationships ended, by reason."""
    from infra.analysis.standing import endings as answer

    _tell(answer, output, every, as_json, as_csv, raw)


def pauses(
    output: OutputOption = None,
    every: AllOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    raw: RawOption = False,
) -> None:
    """Show who asks for pauses, how many and how long."""
    from infra.analysis.standing import pauses as answer

    _tell(answer, output, every, as_json, as_csv, raw)


def practices(
    output: OutputOption = None,
    every: AllOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    raw: RawOption = False,
) -> None:
    """Show what people said about each practice when they were asked."""
    from infra.analysis.standing import practices as answer

    _tell(answer, output, every, as_json, as_csv, raw)


def _key(by: str | None) -> "By | None":
    if by is not None and by not in BY:
        fail(unknown_name("key to go by", by, BY), USAGE)
    return cast("By | None", by)


def _tell(
    question: "Callable[[Population], Answer] | None",
    output: Path | None,
    every: bool,
    as_json: bool,
    as_csv: bool,
    raw: bool,
    of_engine: "Callable[[Engine], Answer] | None" = None,
) -> None:
    """Ask the question and tell the answer in the form that is wanted; with a file it is drawn besides."""
    if as_json and as_csv:
        fail("either --json or --csv", USAGE)
    raw_needs_csv(raw=raw, as_csv=as_csv)
    if output is not None and output.suffix.removeprefix(".").lower() not in FORMS:
        fail(f"{output.name!r}: expected a name that ends in .svg, .png or .html", USAGE)
    try:
        with projecting() as engine:
            answer = _answer(engine, question, of_engine)
        if output is not None:
            _draw(answer, output)
    except ModuleNotFoundError as error:
        fail(f"explore needs {error.name}, which comes with rapport[explore]: pip install 'rapport[explore]'", REFUSED)
    if as_json:
        print_json({"question": answer.title, "rows": answer.rows, **answer.summary})
    elif as_csv:
        print_csv(answer.columns, answer.rows, raw=raw)
    else:
        _print(answer, every=every)


def _answer(
    engine: "Engine",
    question: "Callable[[Population], Answer] | None",
    of_engine: "Callable[[Engine], Answer] | None",
) -> "Answer":
    if of_engine is not None:
        return of_engine(engine)
    from infra.analysis.population import Population

    assert question is not None
    return question(Population(engine))


def _draw(answer: "Answer", output: Path) -> None:
    from infra.analysis.charts import draw, form_of, words

    form = form_of(output)
    assert form is not None, "the name was checked"
    chart = answer.chart(answer.rows) if answer.can_be_drawn else words(NOTHING)
    try:
        output.write_bytes(draw(chart, answer.title, form))
    except OSError as error:
        fail(f"{output}: {error.strerror or error}", REFUSED)
    print_note(f"drawn into {output}")


def _print(answer: "Answer", *, every: bool) -> None:
    print_text(answer.title)
    columns, rows = answer.brief or (answer.columns, answer.rows)
    if rows:
        used = [name for name in columns if any(row[name] is not None for row in rows)]
        print_table(
            [_heading(name) for name in used], ([_cell(name, row[name]) for name in used] for row in rows), every=every
        )
    else:
        print_text(NOTHING)
    for sentence in answer.sentences:
        print_text(sentence)


# Figures from 0 to 1, which a person reads as a percentage.
_SHARES = frozenset(
    {
        "rate",
        "share",
        "of_all",
        "of_step_before",
        "early_if_answered",
        "early_if_silent",
        "used",
        "day_30",
        "day_90",
        "day_180",
    }
)


def _heading(name: str) -> str:
    return "n" if name == "relationships" else name.replace("_", " ")


def _cell(name: str, value: Any) -> object:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else ""
        case float() if name in _SHARES or (name in {"low", "high"} and -1 <= value <= 1):
            return f"{value:.0%}"
        case float():
            return f"{value:.1f}".removesuffix(".0")
        case _:
            return value
