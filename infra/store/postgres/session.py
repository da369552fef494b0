"""A transaction on PostgreSQL behind the calls of `StoreSession`: whole batches in one statement, rows in SQLite's shapes."""

import re
from collections.abc import Collection, Iterable, Iterator, MutableMapping, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, ClassVar, Final

from psycopg.raw_cursor import RawServerCursor
from psycopg.rows import tuple_row

from infra.store.postgres.arrays import ARRAYS, ArrayType
from infra.store.postgres.connection import Link
from infra.store.postgres.roles import let_call, let_read
from infra.store.session import Kind, Lock, Reader, Row, StoreSession

# The array type of each column of a table, as far as we have one for all.
Shapes = MutableMapping[str, dict[str, ArrayType]]

COLUMNS: Final = """
SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""
_MARK: Final = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|(\?)")
_names: Final = count()


class PostgresSession(StoreSession):
    """A transaction on one connection of the pool; what psycopg raises is turned into `StoreError` by the database."""

    kind: ClassVar[Kind] = "postgresql"

    def __init__(self, link: Link, shapes: Shapes) -> None:
        self.link = link
        self._shapes = shapes
        self._cursor = link.plain

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        if not params and not sql.lstrip()[:6].upper().startswith(("INSERT", "UPDATE", "DELETE", "SELECT")):
            # Tables come and go: what we know of their columns may not hold any more.
            self._shapes.clear()
            return self._cursor.execute(sql.encode()).rowcount
        return self._cursor.execute(numbered(sql).encode(), params).rowcount

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._cursor.executemany(numbered(sql).encode(), rows)

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        return self._cursor.execute(numbered(sql).encode(), params, binary=True).fetchall()

    def stream(self, sql: str, params: Sequence[Any] = (), size: int = 1000) -> Iterator[Row]:
        name = f"stream_{next(_names)}"
        with RawServerCursor(self.link, name, row_factory=tuple_row) as cursor:
            cursor.execute(numbered(sql).encode(), params, binary=True)
            while rows := cursor.fetchmany(size):
                yield from rows

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        arrays, into = self._unnested(table, columns, list(rows))
        if arrays:
            self._cursor.execute(f"INSERT INTO {table} ({', '.join(columns)}) {into}".encode(), arrays)

    def upsert(
        self, table: str, columns: Sequence[str], key_columns: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> None:
        places = [list(columns).index(name) for name in key_columns]
        # One statement may touch a row only once; the last one given counts, as it does row by row.
        last = {tuple([row[place] for place in places]): row for row in rows}
        arrays, into = self._unnested(table, columns, list(last.values()))
        if arrays:
            rest = [f"{name} = excluded.{name}" for name in columns if name not in key_columns]
            then = f"UPDATE SET {', '.join(rest)}" if rest else "NOTHING"
            sql = f"INSERT INTO {table} ({', '.join(columns)}) {into} ON CONFLICT ({', '.join(key_columns)}) DO {then}"
            self._cursor.execute(sql.encode(), arrays)

    def insert_new(
        self, table: str, columns: Sequence[str], key_columns: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> None:
        arrays, into = self._unnested(table, columns, list(rows))
        if arrays:
            then = f"ON CONFLICT ({', '.join(key_columns)}) DO NOTHING"
            self._cursor.execute(f"INSERT INTO {table} ({', '.join(columns)}) {into} {then}".encode(), arrays)

    def update(
        self, table: str, columns: Sequence[str], key_columns: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> None:
        names = [*columns, *key_columns]
        arrays, unnested = self._unnested(table, names, list(rows))
        if arrays:
            values = ", ".join(f"{name} = new.{name}" for name in columns)
            where = " AND ".join(f"{table}.{name} = new.{name}" for name in key_columns)
            sql = f"UPDATE {table} SET {values} FROM ({unnested}) AS new ({', '.join(names)}) WHERE {where}"  # noqa: S608
            self._cursor.execute(sql.encode(), arrays)

    def delete(self, table: str, key_columns: Sequence[str], keys: Iterable[Sequence[Any]]) -> None:
        arrays, unnested = self._unnested(table, key_columns, list(keys))
        if arrays:
            where = ", ".join(key_columns)
            self._cursor.execute(f"DELETE FROM {table} WHERE ({where}) IN ({unnested})".encode(), arrays)  # noqa: S608

    def keyed(self, sql: str, keys: Collection[Sequence[str]], params: Sequence[Any] = ()) -> Iterator[Row]:
        columns = list(zip(*keys, strict=True))
        if columns:
            arrays = [ARRAYS["text"].of(column) for column in columns]
            numbered_from = numbered(sql, len(arrays) + 1).replace("{keys}", unnest(len(arrays)))
            yield from self._cursor.execute(numbered_from.encode(), [*arrays, *params], binary=True)

    def columns(self, table: str) -> list[str]:
        return [row[0] for row in self.query(COLUMNS, (table,))]

    def lock(self, name: Lock) -> None:
        self._cursor.execute(f"LOCK TABLE lock_{name} IN EXCLUSIVE MODE".encode())

    def open_to(self, relation: str, *readers: Reader, columns: Sequence[str] = ()) -> None:
        with self.link.cursor(row_factory=tuple_row) as cursor:
            let_read(cursor, relation, readers, columns)

    def let_call(self, function: str, *readers: Reader) -> None:
        with self.link.cursor(row_factory=tuple_row) as cursor:
            let_call(cursor, function, readers)

    def _unnested(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> tuple[list[Any], str]:
        """The rows as one array a column, and the SELECT that makes rows of them again."""
        if not rows:
            return [], ""
        shape = self._shape(table)
        arrays = [shape[name].of(values) for name, values in zip(columns, zip(*rows, strict=True), strict=True)]
        return arrays, unnest(len(arrays))

    def _shape(self, table: str) -> dict[str, ArrayType]:
        shape = self._shapes.get(table)
        if shape is None:
            found = self.query(COLUMNS, (table,))
            shape = self._shapes[table] = {name: ARRAYS[type_] for name, type_ in found}
        return shape


@lru_cache(maxsize=1024)
def numbered(sql: str, first: int = 1) -> str:
    """The statement with `$1`, `$2` and so on for its question marks; those in quotes stay."""
    numbers = count(first)
    return _MARK.sub(lambda found: f"${next(numbers)}" if found[1] else found[0], sql)


def unnest(arrays: int) -> str:
    """The query that makes rows of so many array parameters."""
    return f"SELECT * FROM unnest({', '.join(f'${number}' for number in range(1, arrays + 1))})"  # noqa: S608
