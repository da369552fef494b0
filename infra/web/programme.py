"""Programme: what the figures say, each with its chart, its definition, and the rows behind it as far as the reader may see them."""

from collections import Counter
from itertools import islice
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from domain.commitment.policy import BANDS
from infra.access import datasets
from infra.access.figures import programmes_of
from infra.access.lists import Lists
from infra.access.standing import READERS
from infra.export import csv_text
from infra.export.writing import Format
from infra.http.asking import Desk, DeskOf
from infra.http.problems import forbidden, not_found
from infra.http.reads_of_datasets import pieces, written
from infra.queries.as_at import NOW
from infra.web.catalogue import language_of
from infra.web.errors import PageRoute
from infra.web.event_words import BANDS as BAND_WORDS
from infra.web.figures import Answers, Choice, Figure, choices_of, figures_of
from infra.web.page import page
from infra.web.visitor import Visitor, VisitorOf, of_roles
from projections.catalogue import datasets as known_datasets

router = APIRouter(prefix="/programme", route_class=PageRoute)

ROLES: Final = ("analyst", "coordinator", "supplier")
# Rows of a figure or a dataset on a page; files have all.
ROWS: Final = 50
# Columns from 0 to 1, which people read as percentages.
SHARES: Final = frozenset({"share", "of_all", "of_step_before", "survival", "response_rate", "rate", "day_30", "day_90", "day_180", "early_if_answered", "early_if_silent"})  # fmt: skip
NAME: Final = r"^[a-z_]{1,60}$"
_TYPES: Final[dict[Format, str]] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
FigureName = Annotated[str, Path(alias="name", pattern=NAME, description="The figure, such as survival.")]


def answers_of(request: Request, at: Desk) -> Answers:
    """The answers that this process keeps."""
    found: Answers | None = getattr(request.app.state, "answers", None)
    if found is None:
        found = request.app.state.answers = Answers(at)
    return found


def choice(
    at: DeskOf,
    visitor: VisitorOf,
    programme: Annotated[str, Query(max_length=64, description="This programme alone.")] = "",
    codes: Annotated[str, Query(max_length=200, description="Relationships under these codes alone.")] = "",
) -> Choice:
    """What the reader looks at alone.

    Raises:
        HttpProblem: There is no such programme or code for them.
    """
    of_roles(visitor, *ROLES)
    programmes, known = choices_of(at, visitor.asker) if programme or codes else ([], [])
    if (programme and programme not in programmes) or (codes and codes not in known):
        raise not_found()
    return Choice(programme, "" if programme else codes)


ChoiceOf = Annotated[Choice, Depends(choice)]


def _query(chosen: Choice) -> str:
    """The choice as addresses have it; empty for none."""
    return urlencode({name: value for name, value in chosen._asdict().items() if value})


def _figure(at: Desk, visitor: Visitor, name: str, chosen: Choice) -> Figure:
    known = figures_of(at, visitor.asker, chosen)
    if name not in known:
        raise not_found()
    return known[name]


@router.get("")
def programme(request: Request, at: DeskOf, visitor: VisitorOf, chosen: ChoiceOf) -> Response:
    """All figures with their meaning, and the bands as they are now."""
    known = figures_of(at, visitor.asker, chosen)
    has_bands = "bands" in known
    answer = _answered(request, at, visitor, "bands" if has_bands else "survival", chosen)
    answers_of(request, at).warm()
    sees_rows = visitor.role in READERS
    programmes, codes = choices_of(at, visitor.asker)
    if sees_rows and not any(chosen):
        now = _of_list(at, visitor)
    else:
        now = [row for row in answer.rows if row["month"] == f"{at.now:%Y-%m}"] if answer and has_bands else []
    return page(
        request,
        "programme",
        figures=known,
        has_bands=has_bands,
        programmes=programmes,
        codes=codes,
        chosen=chosen,
        query=_query(chosen),
        answer=answer,
        now=now,
        sees_rows=sees_rows,
        bands=BAND_WORDS,
        datasets=_datasets(visitor),
    )


def _of_list(at: Desk, visitor: Visitor) -> list[dict[str, Any]]:
    """The bands as the list of relationships has them, for who reads that list; by programme for who has some of them."""
    every = programmes_of(at.engine, visitor.asker) is None
    counts: Counter[tuple[str, str]] = Counter()
    for (programme_id, band), count in Lists(at.engine, visitor.asker, at.pseudonyms, at.now).bands().items():
        counts["all" if every else programme_id, band] += count
    scored: Counter[str] = Counter()
    for (group, _), count in counts.items():
        scored[group] += count
    return [
        {"group": group, "band": band, "relationships": counts[group, band], "share": counts[group, band] / of_all}
        for group, of_all in sorted(scored.items())
        for band in BANDS
        if counts[group, band]
    ]


@router.get("/figures/{name}")
def figure(request: Request, at: DeskOf, visitor: VisitorOf, name: FigureName, chosen: ChoiceOf) -> Response:
    """One figure: its chart, its rows, its definition, and what is behind it."""
    found = _figure(at, visitor, name, chosen)
    answer = _answered(request, at, visitor, name, chosen)
    columns, rows = (answer.brief or (answer.columns, answer.rows)) if answer else ((), [])
    used = [column for column in columns if any(row.get(column) is not None for row in rows)]
    return page(
        request,
        "figure",
        figure_name=name,
        figure=found,
        chosen=chosen,
        query=_query(chosen),
        answer=answer,
        columns=used,
        rows=rows[:ROWS],
        total=len(rows),
        has_drawing=answer is not None and answers_of(request, at).has_drawing(answer),
        shares=SHARES,
        bands=BAND_WORDS,
    )


def _answered(request: Request, at: Desk, visitor: Visitor, name: str, chosen: Choice) -> Any:
    """The answer of a figure; None where what reckons it is not installed."""
    try:
        return answers_of(request, at).answer(name, visitor.asker, chosen)
    except ModuleNotFoundError:
        return None


@router.get("/charts/{name}")
def chart(
    request: Request,
    at: DeskOf,
    visitor: VisitorOf,
    name: FigureName,
    chosen: ChoiceOf,
    theme: Annotated[Literal["light", "dark"], Query(description="The ground that it is drawn for.")] = "light",
) -> Response:
    """The chart of a figure as SVG."""
    _figure(at, visitor, name, chosen)
    try:
        drawn = answers_of(request, at).drawing(
            name, visitor.asker, chosen, dark=theme == "dark", language=language_of(request)
        )
    except ModuleNotFoundError:
        drawn = None
    if drawn is None:
        raise not_found()
    return Response(drawn, media_type="image/svg+xml", headers={"Cache-Control": "private, no-store"})


@router.get("/figures/{name}/rows")
def figure_rows(request: Request, at: DeskOf, visitor: VisitorOf, name: FigureName, chosen: ChoiceOf) -> Response:
    """All rows of a figure as CSV."""
    _figure(at, visitor, name, chosen)
    answer = _answered(request, at, visitor, name, chosen)
    if answer is None:
        raise not_found()
    lines = [csv_text.row(answer.columns, guard=False)]
    lines += [csv_text.row((row.get(column) for column in answer.columns), guard=True) for row in answer.rows]
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "private, no-store"}
    return Response("".join(lines), media_type=_TYPES["csv"], headers=headers)


@router.get("/data/{name}", response_model=None)
def data(
    request: Request,
    at: DeskOf,
    visitor: VisitorOf,
    name: Annotated[str, Path(pattern=NAME, description="The dataset.")],
    form: Annotated[Format | None, Query(description="As a file of this form.")] = None,
) -> Response:
    """The first rows of a dataset as the visitor may see them, or with a form all of it as a file."""
    of_roles(visitor, *ROLES)
    size = 4 * ROWS if form is None else datasets.SIZE
    try:
        found = datasets.open_dataset(at.engine, visitor.asker, name, at.pseudonyms, NOW, at.now, size)
    except datasets.MayNot:
        raise forbidden("this dataset is for other roles", code="role") from None
    except datasets.UnknownDataset:
        raise not_found() from None
    if form is not None:
        return _file(name, form, found)
    shown = list(islice(found.rows, ROWS + 1))
    return page(
        request,
        "dataset",
        dataset_name=name,
        dataset=known_datasets()[name],
        columns=found.columns,
        rows=shown[:ROWS],
        more=len(shown) > ROWS,
    )


def _file(name: str, form: Format, found: datasets.Rows) -> Response:
    file = written(found, form)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"', "Cache-Control": "private, no-store"}
    return StreamingResponse(pieces(file), media_type=_TYPES[form], headers=headers)


def _datasets(visitor: Visitor) -> list[str]:
    return [name for name in known_datasets() if name != datasets.CASES or visitor.role in datasets.OF_CASES]
