"""The three forms of an exported dataset, written row by row into an open file."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import IO, Any, Final, Literal, Protocol, get_args

import orjson

from infra.export import csv_text
from projections.dataset import Column

Format = Literal["csv", "parquet", "jsonl"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
ROW_GROUP: Final = 50_000
BATCH: Final = 5_000


class Writer(Protocol):
    """Writes rows, tuples in the order of the columns, and says how many they were."""

    def __call__(self, out: IO[bytes], columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> int: ...


def write_csv(out: IO[bytes], columns: Sequence[Column], rows: Iterable[Sequence[Any]], *, raw: bool = False) -> int:
    """Comma-separated with a heading; times as RFC 3339 with Z, lists as JSON, nothing for what is empty.

    Cells that a spreadsheet would run are guarded by an apostrophe unless they are wanted `raw`.
    """
    count = 0
    rows = iter(rows)
    cells = [csv_text.Cells(column.type, guard=not raw) for column in columns]
    out.write(csv_text.row((column.name for column in columns), guard=False).encode())
    while batch := list(islice(rows, BATCH)):
        texts = (known.of(values) for known, values in zip(cells, zip(*batch, strict=True), strict=True))
        out.write("\n".join([*map(",".join, zip(*texts, strict=True)), ""]).encode())
        count += len(batch)
    return count


def write_jsonl(out: IO[bytes], columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> int:
    """A JSON object a line, keys in the order of the columns, null for what is empty."""
    names = [column.name for column in columns]
    count = 0
    for row in rows:
        line = orjson.dumps(dict(zip(names, row, strict=True)), option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)
        out.write(line)
        count += 1
    return count


def write_parquet(out: IO[bytes], columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> int:
    """Typed columns, strings by dictionary, in row groups; no more than one of them in memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        "text": pa.string(),
        "integer": pa.int64(),
        "real": pa.float64(),
        "boolean": pa.bool_(),
        "time": pa.timestamp("us", tz="UTC"),
        "day": pa.date32(),
        "integers": pa.list_(pa.int64()),
        "texts": pa.list_(pa.string()),
    }
    schema = pa.schema([pa.field(c.name, types[c.type], metadata={"doc": c.doc}) for c in columns])
    words = [c.name for c in columns if c.type == "text"]
    count = 0
    with pq.ParquetWriter(out, schema, use_dictionary=words, compression="zstd", version="2.6") as writer:
        for batch in _groups(rows):
            arrays = [
                pa.array(values, type=field.type)
                for values, field in zip(zip(*batch, strict=True), schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema), row_group_size=ROW_GROUP)
            count += len(batch)
    return count


def _groups(rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    rows = iter(rows)
    while batch := list(islice(rows, ROW_GROUP)):
        yield batch


WRITERS: Final[dict[Format, Writer]] = {"csv": write_csv, "parquet": write_parquet, "jsonl": write_jsonl}
