"""Which stored values are none that their columns are made for? Looked for once one of them was met, value by value, over all tables.

A file of SQLite takes anything: bytes that are no UTF-8 for a text, a text for a number. PostgreSQL takes no such value.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from infra.evidence.wrong import Wrong
from infra.store.session import StoreSession

_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' ORDER BY name"
_COLUMNS: Final = "SELECT name, type, pk FROM pragma_table_info(?)"
# What a row is about, where it says so.
_ABOUT: Final = ("originator_id", "subject", "key", "relationship_id")


def misfit_values(session: StoreSession) -> Iterator[Wrong]:
    """Yields each value that is none for its column, with its table, row and column."""
    if session.kind != "sqlite":
        return
    session.read_any_text()
    for (table,) in session.query(_TABLES):
        yield from _in_table(session, table)


def _in_table(session: StoreSession, table: str) -> Iterator[Wrong]:
    columns = session.query(_COLUMNS, (table,))
    checked = [(name, type_) for name, type_, _ in columns if type_ in _FITS]
    names = [name for name, _, _ in columns]
    key = [name for name, _, place in sorted(columns, key=lambda column: column[2]) if place] or ["rowid"]
    about = next((name for name in _ABOUT if name in names), key[0])
    # Texts as bytes, which can be of any kind.
    values = [
        f"CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) ELSE {name} END, typeof({name})"
        for name in (_quoted(name) for name, _ in checked)
    ]
    listed, order = ", ".join([*map(_quoted, (*key, about)), *values]), ", ".join(map(_quoted, key))
    for row in session.stream(f"SELECT {listed} FROM {_quoted(table)} ORDER BY {order}"):  # noqa: S608 - the store's own names
        found = row[len(key) + 1 :]
        for (name, type_), value, kind in zip(checked, found[::2], found[1::2], strict=True):
            if kind != "null" and not _FITS[type_](kind, value):
                which = "/".join(map(str, row[: len(key)]))
                what = _WHAT[type_]
                yield Wrong(
                    str(row[len(key)]),
                    0,
                    f"the column {name} of the table {table} can't be read as {what} in row {which}",
                )


def _is_text(kind: str, value: Any) -> bool:
    if kind != "text":
        return False
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


# By declared type: whether a value fits, given the kind that SQLite keeps it as.
_FITS: Final[Mapping[str, Callable[[str, Any], bool]]] = {
    "TEXT": _is_text,
    "INTEGER": lambda kind, _: kind == "integer",
    "REAL": lambda kind, _: kind in {"real", "integer"},
    "BLOB": lambda kind, _: kind == "blob",
}
_WHAT: Final[Mapping[str, str]] = {"TEXT": "text", "INTEGER": "a whole number", "REAL": "a number", "BLOB": "bytes"}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
