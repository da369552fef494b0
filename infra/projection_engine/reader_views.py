"""The views of the datasets on PostgreSQL: one name, and each login reads what the matrix allows it.

The service and the owner of the store read the rows as they are. Analysts, auditors and anybody else who was let in read the second
half of the view, in which `projections.readers` says of each column what they see. A login that is neither sees what
both may. Of the two halves the server runs one: which it is follows from the login alone.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from infra.projection_engine import pseudonyms
from infra.store.session import Kind, StoreSession
from projections.dataset import Column, Dataset
from projections.readers import (
    LEFT_OUT,
    READERS,
    WITHHELD,
    WITHHELD_ROWS,
    DatasetReader,
    View,
    Withheld,
    is_ordered_by_person,
    strict_codes,
    view,
)

_SERVICE: Final = (
    "(SELECT bool_or(pg_has_role(current_user, r.oid, 'USAGE')) FROM pg_roles r WHERE r.rolname = 'rapport_service' "
    "OR r.oid = (SELECT c.relowner FROM pg_class c WHERE c.oid = '{table}'::regclass))"
)
_IS: Final = "(SELECT COALESCE(bool_or(pg_has_role(current_user, r.oid, 'USAGE')), false) FROM pg_roles r WHERE r.rolname = 'rapport_{reader}')"
_CODES: Final = (
    "(SELECT convert_from(f.state, 'UTF8')::jsonb -> 'data' -> 'codes' FROM stored_events f "
    "WHERE f.originator_id = p.relationship_id AND f.originator_version = 1)"
)


def view_query(kind: Kind, dataset: Dataset, plain: str, *, whole: str | None = None) -> str:
    """The query behind a dataset's view, of the one that gives its rows as they are.

    `whole` gives them to analysts and auditors, where they see rows, with less in them, that others don't see at all.
    """
    if kind == "sqlite":
        # Nobody logs in to a file.
        return plain
    names = ", ".join(_as(f"p.{column.name}", column) for column in dataset.columns)
    seen = ", ".join(_as(_seen(dataset, column), column) for column in dataset.columns)
    service = _SERVICE.format(table=pseudonyms.TABLE)
    left_out = LEFT_OUT.get(dataset.name)
    for_them = f"NOT {service}" + (f" AND NOT ({_any_of(left_out)})" if left_out else "")
    masked = f"SELECT {seen} FROM ({whole or plain}) p, {pseudonyms.TABLE} k WHERE {for_them}"
    if is_ordered_by_person(dataset):
        # Who asks for no order would get that of the tables, in which a rebuild puts people by their ids.
        masked = f"({masked} ORDER BY {', '.join(dataset.order)})"
    return f"SELECT {names} FROM ({plain}) p WHERE {service} UNION ALL {masked}"


def comments(dataset: Dataset) -> Iterator[str]:
    """The statements that describe a view and its columns on PostgreSQL."""
    yield f"COMMENT ON VIEW {dataset.name} IS {_quoted(dataset.doc)}"
    for column in dataset.columns:
        yield f"COMMENT ON COLUMN {dataset.name}.{column.name} IS {_quoted(column.doc)}"


def describe(session: StoreSession, dataset: Dataset) -> None:
    """Write the documentation of a dataset beside it, where the database has a place for it."""
    if session.kind == "postgresql":
        # A dataset has some twenty of them: sent together, the server is waited for once.
        session.execute("; ".join(comments(dataset)))


def _as(value: str, column: Column) -> str:
    # Both halves must sort texts alike.
    return f'({value}) COLLATE "C" AS {column.name}' if column.type == "text" else f"{value} AS {column.name}"


def _seen(dataset: Dataset, column: Column) -> str:
    """A column as analysts and auditors see it."""
    shown = {reader: _for(dataset, column, reader) for reader in READERS}
    if len(set(shown.values())) == 1:
        value = shown[READERS[0]]
    else:
        # What only one of them sees is seen by a login that has the role.
        ways = " ".join(
            f"WHEN {_IS.format(reader=reader)} THEN {value}" for reader, value in shown.items() if value != "NULL"
        )
        value = f"CASE {ways} END"
    if value == "NULL":
        value = f"NULL::{_TYPES[column.type]}"
    return _withheld(dataset, column, value)


def _for(dataset: Dataset, column: Column, reader: DatasetReader) -> str:
    seen: View = view(dataset, column, reader)
    if seen == "empty":
        return "NULL"
    place = f"p.{column.name}"
    value = place if seen == "plain" else pseudonyms.sql(place, reference=column.reference)
    codes = strict_codes(dataset, column, reader)
    if codes:
        names = ", ".join(f"'{code}'" for code in sorted(codes))
        value = f"CASE WHEN NOT {_CODES} ?| ARRAY[{names}] THEN {value} END"
    return value


def _withheld(dataset: Dataset, column: Column, value: str) -> str:
    """The same, with what gives a confidential matter away left out."""
    withheld = WITHHELD_ROWS.get(dataset.name)
    if withheld is None or column.name not in (withheld.says, *withheld.hides):
        return value
    instead = f"'{WITHHELD}'" if column.name == withheld.says else "NULL"
    return f"CASE WHEN {_holds(withheld)} THEN {instead} ELSE {value} END"


def _holds(withheld: Withheld) -> str:
    return "true" if withheld.where is None else _any_of(withheld.where)


def _any_of(where: Mapping[str, frozenset[str]]) -> str:
    """Whether a row has one of these values in one of these columns."""
    conditions = []
    for column, values in where.items():
        same = ", ".join(_quoted(value) for value in sorted(values) if not value.endswith("*"))
        conditions += [f"COALESCE(p.{column} IN ({same}), false)"] if same else []
        conditions += [
            f"COALESCE(p.{column} LIKE {_quoted(value[:-1] + '%')}, false)"
            for value in sorted(values)
            if value.endswith("*")
        ]
    return " OR ".join(conditions)


_TYPES: Final = {
    "text": "text",
    "integer": "bigint",
    "real": "double precision",
    "boolean": "boolean",
    "time": "timestamptz",
    "day": "date",
    "integers": "jsonb",
    "texts": "jsonb",
    "json": "json",
}


def _quoted(text: str) -> str:
    return f"'{text.replace(chr(39), chr(39) * 2)}'"
