"""Python values to PostgreSQL and back: whole columns as binary arrays, and readings that agree with SQLite's.

A column of a batch travels as one array parameter and is unnested by the server. psycopg encodes arrays element by element in
Python; these encoders know the eight types that Rapport has and are several times faster.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from struct import Struct
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Dumper, Loader
from psycopg.pq import Format
from psycopg.types.numeric import NumericBinaryLoader

# Column types in DDL by our words. Texts sort by code point, as SQLite sorts them; json keeps the text as written.
TYPES: Final = MappingProxyType(
    {
        "text": 'text COLLATE "C"',
        "integer": "bigint",
        "real": "double precision",
        "boolean": "boolean",
        "time": "timestamptz",
        "day": "date",
        "json": "json",
        # What people query.
        "list": "jsonb",
        "blob": "bytea",
    }
)

EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
EPOCH_DAY: Final = date(2000, 1, 1).toordinal()
MICROSECOND: Final = timedelta(microseconds=1)

_length: Final = Struct(">i").pack
_head: Final = Struct(">iiiii").pack
_one: Final = Struct(">iiiiii").pack
_int8: Final = Struct(">q").pack
_int4: Final = Struct(">i").pack
_float8: Final = Struct(">d").pack
_NULL: Final = _length(-1)


class Array(bytes):
    """A one-dimensional array in PostgreSQL's binary form; there is a subclass for each type of its elements."""


class ArrayType(NamedTuple):
    """How the elements of an array are encoded, and the class that says so to psycopg."""

    element_oid: int
    encode: Callable[[Any], bytes]
    cls: type[Array]

    def of(self, values: Sequence[Any]) -> Array:
        """The array of these values, None among them allowed."""
        encode = self.encode
        if len(values) == 1 and values[0] is not None:
            data = encode(values[0])
            return self.cls(_one(1, 0, self.element_oid, 1, 1, len(data)) + data)
        has_null = None in values
        if has_null:
            parts = [_NULL if value is None else _sized(encode(value)) for value in values]
        else:
            parts = [_sized(encode(value)) for value in values]
        if not parts:
            return self.cls(_head(0, 0, self.element_oid, 0, 0)[:12])
        return self.cls(_head(1, has_null, self.element_oid, len(parts), 1) + b"".join(parts))


def _sized(data: bytes) -> bytes:
    return _length(len(data)) + data


@lru_cache(maxsize=4096)
def _time(value: datetime | str) -> bytes:
    """The rows of a batch share most of their times."""
    when = datetime.fromisoformat(value) if isinstance(value, str) else value
    return _int8((when - EPOCH) // MICROSECOND)


def _day(value: date | str) -> bytes:
    day = date.fromisoformat(value) if isinstance(value, str) else value
    return _int4(day.toordinal() - EPOCH_DAY)


def _boolean(value: Any) -> bytes:
    return b"\x01" if value else b"\x00"


def _real(value: float) -> bytes:
    return _float8(value)


class _Int8Dumper(Dumper):
    """All whole numbers alike: psycopg's own choice by size would prepare a statement once for each size."""

    format = Format.BINARY
    oid = 20

    def dump(self, obj: int) -> Buffer:
        return _int8(obj)


class _JsonText(Loader):
    """json as its text, as from SQLite."""

    format = Format.TEXT

    def load(self, data: Buffer) -> str:
        return bytes(data).decode()


class _JsonBinary(_JsonText):
    format = Format.BINARY


class _JsonbBinary(Loader):
    """jsonb as its text, too; in binary a number stands before it that says in which form it is, of which there is one."""

    format = Format.BINARY

    def load(self, data: Buffer) -> str:
        return bytes(data)[1:].decode()


def _jsonb(value: str) -> bytes:
    return b"\x01" + value.encode()


class _Number(NumericBinaryLoader):
    """Sums and averages come as numeric; SQLite gives int and float."""

    def load(self, data: Buffer) -> Any:
        number: Decimal = super().load(data)
        return int(number) if number.is_finite() and number == number.to_integral_value() else float(number)


ADAPTERS: Final = AdaptersMap(psycopg.adapters)
ADAPTERS.register_dumper(int, _Int8Dumper)
ADAPTERS.register_loader("json", _JsonText)
ADAPTERS.register_loader("json", _JsonBinary)
ADAPTERS.register_loader("jsonb", _JsonText)
ADAPTERS.register_loader("jsonb", _JsonbBinary)
ADAPTERS.register_loader("numeric", _Number)


def _array_type(name: str, array_oid: int, element_oid: int, encode: Callable[[Any], bytes]) -> ArrayType:
    cls = type(f"{name.title()}Array", (Array,), {})
    dumper = type(
        f"{name.title()}ArrayDumper",
        (Dumper,),
        {"format": Format.BINARY, "oid": array_oid, "dump": lambda _self, obj: obj},
    )
    ADAPTERS.register_dumper(cls, dumper)
    return ArrayType(element_oid, encode, cls)


TEXT: Final = _array_type("text", 1009, 25, str.encode)
INTEGER: Final = _array_type("integer", 1016, 20, _int8)
BLOB: Final = _array_type("blob", 1001, 17, bytes)
# By the name that PostgreSQL gives the type of a column.
ARRAYS: Final = MappingProxyType(
    {
        "text": TEXT,
        "bigint": INTEGER,
        "double precision": _array_type("real", 1022, 701, _real),
        "boolean": _array_type("boolean", 1000, 16, _boolean),
        "timestamp with time zone": _array_type("time", 1185, 1184, _time),
        "date": _array_type("day", 1182, 1082, _day),
        "json": _array_type("json", 199, 114, str.encode),
        "jsonb": _array_type("jsonb", 3807, 3802, _jsonb),
        "bytea": BLOB,
    }
)
