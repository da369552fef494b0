"""Which values are kept as texts and are none? Looked for once one of them was met, value by value, over all tables of the store.

Only a file of SQLite can keep such a value: it takes any bytes for a text.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from infra.evidence.wrong import Wrong
from infra.store.session import StoreSession

_TABLES: Final = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
)
_COLUMNS: Final = "SELECT name, pk FROM pragma_table_info(?)"
# What a row is about, where it says so.
_ABOUT: Final = ("originator_id", "subject", "key", "relationship_id")


def unreadable_texts(session: StoreSession) -> Iterator[Wrong]:
    """Yields each value that is kept as a text and is none: its table, row and column."""
    if session.kind != "sqlite":
        return
    session.read_any_text()
    for (table,) in session.query(_TABLES):
        yield from _in_table(session, table)


def _in_table(session: StoreSession, table: str) -> Iterator[Wrong]:
    columns = session.query(_COLUMNS, (table,))
    names = [name for name, _ in columns]
    key = [name for name, place in sorted(columns, key=lambda column: column[1]) if place] or ["rowid"]
    about = next((name for name in _ABOUT if name in names), None)
    named = [*key, about or key[0]]
    # As bytes, which can be of any kind.
    values = [f"CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) END" for name in map(_quoted, names)]
    sql = f"SELECT {', '.join([*map(_quoted, named), *values])} FROM {_quoted(table)} ORDER BY {', '.join(map(_quoted, key))}"  # noqa: S608
    for row in session.stream(sql):
        for place in _unreadable(row[len(named) :]):
            which = "/".join(map(str, row[: len(key)]))
            problem = f"the column {names[place]} of the table {table} can't be read as text in row {which}"
            yield Wrong(str(row[len(key)]), 0, problem)


def _unreadable(values: Sequence[bytes | None]) -> Iterator[int]:
    """The places of those that are no UTF-8."""
    for place, value in enumerate(values):
        if value is not None:
            try:
                value.decode()
            except UnicodeDecodeError:
                yield place


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
