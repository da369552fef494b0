"""The views of the datasets on PostgreSQL: one name, and each login reads what the matrix allows it.

The service and the owner of the store read the rows as they are. Analysts, auditors and anybody else who was let in read the second
half of the view, in which `projections.readers` says of each column what they see. A login that is neither sees what
both may.

Of the two halves the server plans one: which it is follows from the login alone, and `rapport_reads_rows` says it while a query is planned.
Were the other planned as well, EXPLAIN would tell how many of its rows have a value, from the statistics of the tables: how many
relationships a mentor has, by their id, or how many tasks of a kind there are. For the same reason rows that are left out are left out by a
function, of whose inside EXPLAIN says nothing: a filter in the view would be named there, with the number of rows that it removed.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

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

_SERVICE: Final = "rapport_reads_rows()"
# It is declared immutable, which it is not, so that it is answered when a query is planned. A plan is kept for a session at most, whose
# login stays the same. What it names is looked up when it is made, so no search path leads it elsewhere.
_READS_ROWS: Final = f"""
CREATE OR REPLACE FUNCTION rapport_reads_rows() RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE BEGIN ATOMIC
SELECT COALESCE(bool_or(pg_has_role(current_user, r.oid, 'USAGE')), false) FROM pg_roles r WHERE r.rolname = 'rapport_service'
OR r.oid = (SELECT c.relowner FROM pg_class c WHERE c.oid = '{pseudonyms.TABLE}'::regclass);
END"""
_IS: Final = "(SELECT COALESCE(bool_or(pg_has_role(current_user, r.oid, 'USAGE')), false) FROM pg_roles r WHERE r.rolname = 'rapport_{reader}')"
_CODES: Final = (
    "(SELECT convert_from(f.state, 'UTF8')::jsonb -> 'data' -> 'codes' FROM stored_events f "
    "WHERE f.originator_id = p.relationship_id AND f.originator_version = 1)"
)


class Definition(NamedTuple):
    """What a view is made of: its query, and the function that the query reads from, where it does."""

    query: str
    function: str = ""

    @property
    def text(self) -> str:
        """All of it."""
        return self.query + self.function


def prepare(session: StoreSession) -> None:
    """Make the function that says whether a login reads rows as they are. The table of pseudonyms is there by now."""
    session.execute(_READS_ROWS)
    session.execute("GRANT EXECUTE ON FUNCTION rapport_reads_rows() TO PUBLIC")


def open_to_readers(session: StoreSession, dataset: Dataset) -> None:
    """Let analysts and auditors read a dataset's view, and what it reads in their name."""
    session.open_to(dataset.name, *READERS)
    if dataset.name in LEFT_OUT:
        session.let_call(seen_of(dataset), *READERS)


def seen_of(dataset: Dataset) -> str:
    """The function that gives analysts and auditors the rows of a dataset of which some are left out for them."""
    return f"{dataset.name}_seen"


def view_definition(kind: Kind, dataset: Dataset, plain: str, *, whole: str | None = None) -> Definition:
    """What a dataset's view is made of, from the query that gives its rows as they are.

    `whole` gives them to analysts and auditors, where they see rows, with less in them, that others don't see at all.
    """
    if kind == "sqlite":
        # Nobody logs in to a file.
        return Definition(plain)
    names = ", ".join(_as(f"p.{column.name}", column) for column in dataset.columns)
    masked, function = f"{_masked(dataset, whole or plain)} WHERE NOT {_SERVICE}", ""
    if left_out := LEFT_OUT.get(dataset.name):
        function = _function(dataset, f"{_masked(dataset, whole or plain)} WHERE NOT ({_any_of(left_out)})")
        masked = f"SELECT {names} FROM {seen_of(dataset)}() p WHERE NOT {_SERVICE}"
    if is_ordered_by_person(dataset):
        # Who asks for no order would get that of the tables, in which a rebuild puts people by their ids.
        masked = f"({masked} ORDER BY {', '.join(dataset.order)})"
    return Definition(f"SELECT {names} FROM ({plain}) p WHERE {_SERVICE} UNION ALL {masked}", function)


def _masked(dataset: Dataset, plain: str) -> str:
    """The rows as analysts and auditors see them."""
    seen = ", ".join(_as(_seen(dataset, column), column) for column in dataset.columns)
    return f"SELECT {seen} FROM ({plain}) p, {pseudonyms.TABLE} k"


def _function(dataset: Dataset, masked: str) -> str:
    # It runs in the name of its owner, so it can't tell an analyst from an auditor.
    assert _IS.partition("{")[0] not in masked, (
        f"{dataset.name} has rows that are left out, and columns for one reader alone"
    )
    columns = ", ".join(f'"{column.name}" {_TYPES[column.type]}' for column in dataset.columns)
    return f"CREATE FUNCTION {seen_of(dataset)}() RETURNS TABLE ({columns}) LANGUAGE sql STABLE SECURITY DEFINER BEGIN ATOMIC {masked}; END"


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
