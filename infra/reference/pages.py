"""The pages of the documentation that are made from the code: `python -m infra.reference.pages`; with `--check`, whether they are up to date."""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import orjson

from infra import schemas
from infra.http.app import bare_app
from infra.http.document import document
from infra.reference import asyncapi, commands, limits, messages, receipts, rooms, settings
from infra.reference.markdown import MADE
from projections.catalogue import all_projections, datasets, tables_of
from projections.dataset import Dataset, Type

# What a column type is in each place where a dataset may be read.
TYPES: Final[dict[Type, tuple[str, str, str]]] = {
    "text": ("TEXT", "text", "string, by dictionary"),
    "integer": ("INTEGER", "bigint", "int64"),
    "real": ("REAL", "double precision", "double"),
    "boolean": ("INTEGER, 0 or 1", "boolean", "bool"),
    "time": ("TEXT, 2026-03-02T09:00:00.000000Z", "timestamptz", "timestamp, microseconds, UTC"),
    "day": ("TEXT, 2026-03-02", "date", "date32"),
    "integers": ("TEXT, a JSON array", "jsonb", "list of int64"),
    "texts": ("TEXT, a JSON array", "jsonb", "list of string"),
}
# Datasets that no projection keeps.
KEPT: Final = {"tasks": "Kept by the workers", "timeline": "A view of the log and of the workers' deadlines"}


def openapi_page() -> str:
    """The OpenAPI document of the HTTP API as JSON."""
    return orjson.dumps(document(bare_app()), option=orjson.OPT_INDENT_2).decode() + "\n"


def datasets_page() -> str:
    """Every dataset with its columns."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from (
        "# Datasets",
        "",
        MADE,
        "",
        "Tables and views of these names are in the store, the same in SQLite and PostgreSQL; `rapport export` writes them to files.",
        "They hold no content: ids, types, times, numbers, words of closed vocabularies. Every row has a `position`.",
        "",
        "| type | SQLite | PostgreSQL | Parquet |",
        "| --- | --- | --- | --- |",
    )
    for name, places in TYPES.items():
        yield f"| {name} | {' | '.join(places)} |"
    kept_by = {table.name: each for each in all_projections() for table in tables_of(each)}
    for dataset in datasets().values():
        projection = kept_by.get(dataset.name)
        by = f"projection `{projection.name}`, version {projection.version}" if projection else "the workers"
        yield from (
            "",
            f"## {dataset.name}",
            "",
            dataset.doc,
            "",
            f"Kept by {by}. In the order of {_order(dataset)}.",
            "",
        )
        yield from ("| column | type | data class | meaning |", "| --- | --- | --- | --- |")
        for column in dataset.columns:
            yield f"| {column.name} | {column.type} | {column.data_class} | {column.doc} |"


def _order(dataset: Dataset) -> str:
    return ", ".join(f"`{name}`" for name in dataset.order)


def _schema(make: Callable[[], schemas.Schema]) -> str:
    return schemas.as_text(make())


# Each page below docs/ and what makes it.
PAGES: Final[dict[str, Callable[[], str]]] = {
    "reference/datasets.md": datasets_page,
    "reference/messages.md": messages.page,
    "reference/commands.md": commands.page,
    "reference/settings.md": settings.page,
    "reference/limits.md": limits.page,
    "reference/receipts.md": receipts.page,
    "explanation/architecture.md": rooms.page,
    "reference/asyncapi.yaml": asyncapi.page,
    "reference/openapi.json": openapi_page,
    **{f"reference/schemas/{name}": partial(_schema, make) for name, make in schemas.makers().items()},
}
# Folders in which everything is made.
MADE_FOLDERS: Final = ("reference/schemas",)


def stale(folder: Path) -> list[str]:
    """The pages that are missing, not what the code makes of them, or made by nothing any more."""
    found = [
        name
        for made in MADE_FOLDERS
        for file in sorted((folder / made).rglob("*"))
        if file.is_file() and (name := file.relative_to(folder).as_posix()) not in PAGES
    ]
    for name, make in PAGES.items():
        page = folder / name
        if not page.is_file() or page.read_text(encoding="utf-8") != make():
            found.append(name)
    return found


def write(folder: Path) -> None:
    """Make every page anew."""
    for name, make in PAGES.items():
        page = folder / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(make(), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` exit 1 and name those that are out of date."""
    folder = Path(__file__).parents[2] / "docs"
    if arguments == ["--check"]:
        if found := stale(folder):
            sys.stderr.write(f"out of date: {', '.join(found)}; run `python -m infra.reference.pages`\n")
            return 1
        return 0
    if arguments:
        sys.stderr.write("usage: python -m infra.reference.pages [--check]\n")
        return 2
    write(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
