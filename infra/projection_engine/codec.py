"""Rows to the values that a database keeps, and back."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

import orjson

from infra.store.session import Kind, as_time
from projections.dataset import Column, Row, Type

Convert = Callable[[Any], Any]


def time_value(value: datetime) -> str:
    """A time as SQLite keeps it, faster than `infra.store.session.time_text` where it is in UTC, as all events are."""
    text = value.isoformat("T", "microseconds")
    if text.endswith("+00:00"):
        return text[:-6] + "Z"
    return value.astimezone(UTC).isoformat("T", "microseconds")[:-6] + "Z"


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _day(value: date) -> str:
    return value.isoformat()


def _as_day(value: str | date) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


_LISTS: Final = ("integers", "texts", "json")
_WRITE: Final[Mapping[tuple[Kind, Type], Convert]] = {
    ("sqlite", "time"): time_value,
    ("sqlite", "day"): _day,
    **{(kind, type_): _json for kind in ("sqlite", "postgresql") for type_ in _LISTS},
}
_READ: Final[Mapping[Type, Convert]] = {
    "time": as_time,
    "day": _as_day,
    "boolean": bool,
    **dict.fromkeys(_LISTS, orjson.loads),
}


class Codec:
    """Turns rows with these columns into tuples of database values, and back."""

    def __init__(self, columns: Sequence[Column], kind: Kind) -> None:
        self.names = tuple(column.name for column in columns)
        # Of one name alone, itemgetter makes no tuple.
        self._get = itemgetter(*self.names) if len(self.names) > 1 else lambda row: (row[self.names[0]],)
        self._write = _conversions(columns, lambda column: _WRITE.get((kind, column.type)))
        self._read = _conversions(columns, lambda column: _READ.get(column.type))

    def encode(self, row: Mapping[str, Any]) -> list[Any]:
        """The values of a row, in the order of the columns."""
        values = list(self._get(row))
        for place, convert in self._write:
            value = values[place]
            if value is not None:
                values[place] = convert(value)
        return values

    def decode(self, values: Sequence[Any]) -> Row:
        """The row of these values."""
        row = dict(zip(self.names, values, strict=True))
        for place, convert in self._read:
            value = values[place]
            if value is not None:
                row[self.names[place]] = convert(value)
        return row


def _conversions(
    columns: Sequence[Column], find: Callable[[Column], Convert | None]
) -> tuple[tuple[int, Convert], ...]:
    return tuple((place, convert) for place, column in enumerate(columns) if (convert := find(column)))


@lru_cache(maxsize=256)
def codec(columns: tuple[Column, ...], kind: Kind) -> Codec:
    """The codec for these columns; the same one for the same columns."""
    return Codec(columns, kind)
