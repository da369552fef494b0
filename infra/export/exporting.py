"""Exporting a dataset: to a file beside the wanted one, which takes its place when all is written; else nothing stays."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from io import BufferedWriter, RawIOBase
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, cast

import orjson

from domain.codes.clauses import CODES
from domain.commitment import POLICY
from infra.export.masked import codes_of_relationships, masking_of
from infra.export.rows_then import rows_then
from infra.export.writing import FORMATS, WRITERS, Format, Writer, write_csv
from infra.projection_engine import generation as generation_table
from infra.projection_engine import timeline_rows
from infra.projection_engine.engine import Engine
from infra.projection_engine.rows import codec
from infra.queries.as_at import NOW, Moment
from infra.store import log_reader
from infra.store.restrictions import restricted
from infra.store.session import Kind, StoreSession
from infra.unknown_name import unknown_name
from infra.whole_file import beside, put, save
from projections.catalogue import datasets, projection_of
from projections.dataset import POSITION, Column, Dataset, Row
from projections.readers import LEFT_OUT, Masking
from projections.timeline import TIMELINE

MANIFEST_SUFFIX: Final = ".manifest.json"
BUFFER: Final = 1 << 20
# Rows after which progress is told.
SAID_EVERY: Final = 5_000


# Columns that name a person.
PERSONS: Final = ("mentee_id", "mentor_id", "customer_id", "line_manager_id", "supplier_id")


class Unknown(Exception):
    """There is no such dataset, column or format; the message names those that there are."""


class Unwritable(Exception):
    """The file could not be written; nothing of it is left behind."""


def export(
    engine: Engine,
    name: str,
    target: Path,
    columns: Sequence[str] | None = None,
    *,
    raw: bool = False,
    moment: Moment = NOW,
    under_pseudonyms: bool = False,
) -> dict[str, Any]:
    """Write a dataset as it is at the log's head, or as it was at a moment, and its manifest beside it; the manifest.

    Cells of CSV that a spreadsheet would run are guarded by an apostrophe unless they are wanted `raw`. `under_pseudonyms` it is what
    analysts see of it: rows, columns, order and names.

    Raises:
        Unknown: see there.
        Unwritable: see there.
        StoreError: the database can't be read.
    """
    dataset, form = _dataset(name), _format(target)
    chosen = _columns(dataset, columns)
    engine.catch_up()
    masking = masking_of(engine, dataset) if under_pseudonyms else None
    read = chosen
    if masking is not None:
        # Whether a row is for analysts, other columns may say.
        dataset, read = dataset._replace(order=masking.order), list(dataset.columns)
    then = None if moment == NOW else rows_then(engine, dataset, moment)
    unusable = Unusable.of(engine)
    with engine.database.reading() as session:
        manifest: dict[str, Any] = {
            "dataset": name,
            "file": target.name,
            "format": form,
            "guarded": form == "csv" and not raw,
            "columns": [{"name": column.name, "type": column.type} for column in chosen],
            "position": _position(engine, session, name) if then is None else then.position,
            "pseudonyms": under_pseudonyms,
            "as_of": (moment if then is None else then.moment).as_of,
            "known_at": (moment if then is None else then.moment).known_at,
            "policy": POLICY,
            "codes": {code.id: code.version for code in CODES.values()},
            "rapport": version("rapport"),
        }
        try:
            with beside(target) as data, beside(target.with_name(target.name + MANIFEST_SUFFIX)) as description:
                hashed = _Hashed(data)
                with BufferedWriter(cast("RawIOBase", hashed), BUFFER) as buffer:
                    rows = (
                        _rows(engine, session, dataset, read, unusable)
                        if then is None
                        else _values(filter(unusable.allows, then.rows), read)
                    )
                    # CSV is written from the values of SQLite as they are.
                    if form != "csv" or under_pseudonyms or (then is None and session.kind != "sqlite"):
                        rows = _decoded(rows, read, session.kind if then is None else "sqlite")
                    seen = None if masking is None else _Masked(engine, masking, read)
                    if seen is not None:
                        rows = seen.rows(rows, chosen)
                    manifest["rows"] = _writer(form, raw=raw)(buffer, chosen, rows)
                    if seen is not None and name in LEFT_OUT:
                        # How far the others go tells that there is one.
                        manifest["position"] = seen.position
                manifest["bytes"], manifest["sha256"] = hashed.count, hashed.digest.hexdigest()
                description.write(
                    orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)
                )
                # Both are whole before either takes its place.
                save(data, description)
                put(data, target)
                put(description, target.with_name(target.name + MANIFEST_SUFFIX))
        except OSError as error:
            raise Unwritable(f"{target}: {error.strerror or error}; nothing was written") from error
    return manifest


def _dataset(name: str) -> Dataset:
    known = datasets()
    if name not in known:
        raise Unknown(unknown_name("dataset", name, known))
    return known[name]


def _format(target: Path) -> Format:
    suffix = target.suffix.removeprefix(".").lower()
    for known in FORMATS:
        if suffix == known:
            return known
    raise Unknown(f"{target.name!r}: expected a name that ends in {', '.join('.' + known for known in FORMATS)}")


def _writer(form: Format, *, raw: bool) -> Writer:
    return partial(write_csv, raw=raw) if form == "csv" else WRITERS[form]


def _columns(dataset: Dataset, names: Sequence[str] | None) -> list[Column]:
    known = {column.name: column for column in dataset.columns}
    for name in names or ():
        if name not in known:
            raise Unknown(unknown_name(f"column of {dataset.name}", name, known))
    return [known[name] for name in dict.fromkeys(names)] if names else list(dataset.columns)


def _position(engine: Engine, session: StoreSession, name: str) -> int:
    """How far in the log the dataset has come; for what workers write, the last position in it."""
    if name == TIMELINE.name:
        return log_reader.head(session)
    projection = projection_of(name)
    if projection is None:
        return int(session.query(f"SELECT COALESCE(MAX(position), 0) FROM {name}")[0][0])  # noqa: S608 - a known name
    found = generation_table.load(session, engine.projections)
    return next(each.position for each in found if each.name == projection.name and each.state == "live")


class Unusable(NamedTuple):
    """The people whose data may be stored and not used, in small letters, and the relationships that name them as a party."""

    people: frozenset[str]
    relationships: frozenset[str]

    @classmethod
    def of(cls, engine: Engine) -> "Unusable":
        people = restricted(engine.database)
        rows = (
            engine.database.query("SELECT relationship_id, LOWER(mentee_id), LOWER(mentor_id) FROM relationships")
            if people
            else []
        )
        return cls(people, frozenset(id_ for id_, *parties in rows if not people.isdisjoint(parties)))

    def allows(self, row: Mapping[str, Any]) -> bool:
        """Whether a row of a dataset may be used."""
        if row.get("relationship_id") in self.relationships or row.get("subject") in self.relationships:
            return False
        return not any(str(row.get(name)).lower() in self.people for name in PERSONS)

    def where(self, columns: Collection[str]) -> tuple[str, list[str]]:
        """The same as a condition of SQL and its parameters."""
        found, values = [], list[str]()
        for name, unusable in (
            *((name, self.relationships) for name in ("relationship_id", "subject")),
            *((name, self.people) for name in PERSONS),
        ):
            if name in columns and unusable:
                found.append(f"({name} IS NULL OR LOWER({name}) NOT IN ({', '.join('?' * len(unusable))}))")
                values += sorted(unusable)
        return f"WHERE {' AND '.join(found)} " if found else "", values


def _rows(
    engine: Engine, session: StoreSession, dataset: Dataset, columns: Sequence[Column], unusable: Unusable
) -> Iterator[Sequence[Any]]:
    names = ", ".join(column.name for column in columns)
    if dataset == TIMELINE and session.kind == "sqlite":
        count = timeline_rows.count(session)
        rows = _of_timeline(session, columns, unusable)
    else:
        count = int(session.query(f"SELECT COUNT(*) FROM {dataset.name}")[0][0])  # noqa: S608 - a known name
        where, parameters = unusable.where({column.name for column in dataset.columns})
        query = f"SELECT {names} FROM {dataset.name} {where}ORDER BY {', '.join(dataset.order)}"  # noqa: S608 - known names
        rows = session.stream(query, parameters, size=SAID_EVERY)
    engine.watcher.begin(f"exporting {dataset.name}", count)
    while batch := list(islice(rows, SAID_EVERY)):
        yield from batch
        engine.watcher.done(len(batch))


def _of_timeline(session: StoreSession, columns: Sequence[Column], unusable: Unusable) -> Iterator[Sequence[Any]]:
    """As a query of the view gives them."""
    rows: Iterator[Sequence[Any]] = timeline_rows.rows(session)
    if unusable.relationships:
        rows = (row for row in rows if row[0] not in unusable.relationships)
    if list(columns) == list(TIMELINE.columns):
        return rows
    places = [TIMELINE.columns.index(column) for column in columns]
    return (tuple(row[place] for place in places) for row in rows)


def _values(rows: Iterable[Row], columns: Sequence[Column]) -> Iterator[Sequence[Any]]:
    """Rows that no database has held, as SQLite would keep them."""
    as_stored = codec(tuple(columns), "sqlite")
    yield from map(as_stored.encode, rows)


def _decoded(rows: Iterable[Sequence[Any]], columns: Sequence[Column], kind: Kind) -> Iterator[Sequence[Any]]:
    """The rows with the values of Python."""
    reader = codec(tuple(columns), kind)
    for row in rows:
        yield tuple(reader.decode(row).values())


class _Masked:
    """The rows of a dataset as analysts see them. `position` is the last that is in one of those that were given."""

    def __init__(self, engine: Engine, masking: Masking, read: Sequence[Column]) -> None:
        self._engine, self._masking = engine, masking
        self._names = [column.name for column in read]
        self.position = 0

    def rows(self, rows: Iterable[Sequence[Any]], chosen: Sequence[Column]) -> Iterator[Sequence[Any]]:
        """Some columns of each."""
        whole = (dict(zip(self._names, row, strict=True)) for row in rows)
        for row in self._masking.rows(whole, codes_of_relationships(self._engine)):
            self.position = max(self.position, row[POSITION.name])
            yield tuple(row[column.name] for column in chosen)


class _Hashed(RawIOBase):
    """Passes bytes on, counting and hashing them."""

    def __init__(self, out: IO[bytes]) -> None:
        super().__init__()
        self.out = out
        self.digest = sha256()
        self.count = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self.out.write(view)
        self.digest.update(view)
        self.count += len(view)
        return len(view)
