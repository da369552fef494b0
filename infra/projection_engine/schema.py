"""The tables of projections and the view `timeline`: each generation has tables of its own, plain names are views.

A rebuild fills the tables of another generation beside the live ones; the switch replaces the views in one transaction.
A view adds two columns to its table: the position, and since when the row is stale.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from typing import Final

import orjson

from infra.projection_engine.reader_views import Definition, describe, open_to_readers, seen_of, view_definition
from infra.store.session import Database, Kind, StoreSession
from projections.catalogue import tables_of
from projections.dataset import POSITION, STALE_SINCE, Column, Dataset, Table
from projections.projection import STATE_SUFFIX, Projection, StateFold
from projections.tasks import TASKS, WORKER_TASKS
from projections.timeline import LEFT_OUT, TIMELINE

GENERATIONS: Final = "projection_generations"
QUARANTINE: Final = "projection_quarantine"
# Raise this when the layout of tables changes; every projection is then rebuilt.
LAYOUT: Final = 2
# Ids and the clause that the data of an event may name; the timeline shows them.
_ABOUT: Final = ("session_id", "goal_id", "clause")

_OWN_TABLES: Final = {
    GENERATIONS: (
        "name {text} NOT NULL, mark {text} NOT NULL, version {integer} NOT NULL, fingerprint {text} NOT NULL, "
        "state {text} NOT NULL, position {integer} NOT NULL, writes {integer} NOT NULL, reached {text}, target {integer}, "
        "datasets {text} NOT NULL, "
        "PRIMARY KEY (name, mark)"
    ),
    QUARANTINE: (
        "name {text} NOT NULL, mark {text} NOT NULL, subject {text} NOT NULL, position {integer} NOT NULL, "
        "version {integer} NOT NULL, topic {text} NOT NULL, error {text} NOT NULL, PRIMARY KEY (name, mark, subject)"
    ),
}

STATE_COLUMNS: Final = (
    Column("subject", "text", "The stream."),
    Column("programme_id", "text", "The programme whose terms count."),
    Column("since", "time", "From when the rows hold, where time brought them."),
    Column("due", "time", "When they change by themselves."),
    Column("state", "json", "The state of the fold."),
    POSITION,
)


def state_table(projection: StateFold[object]) -> Table:
    """The private table in which the states of a projection are kept."""
    columns = tuple(column for column in STATE_COLUMNS if column is not POSITION)
    indexes = (("due", "subject"), ("since", "subject"), ("programme_id",))
    return Table(projection.name + STATE_SUFFIX, "States.", columns, ("subject",), indexes)


def has_position(projection: Projection, table: Table) -> bool:
    """Whether the table itself holds positions; rows that follow from a state have that of the state, figures that of all."""
    return not isinstance(projection, StateFold) or table.name == projection.name + STATE_SUFFIX


def stored_tables(projection: Projection) -> tuple[Table, ...]:
    """All tables of a generation of a projection."""
    if not isinstance(projection, StateFold):
        return projection.tables
    summary = (projection.summary.table,) if projection.summary else ()
    return (*projection.tables, state_table(projection), *summary)


def stored_columns(projection: Projection, table: Table) -> tuple[Column, ...]:
    """The columns of a table as it is stored."""
    return (*table.columns, POSITION) if has_position(projection, table) else table.columns


def physical(name: str, mark: str) -> str:
    """The name of a generation's table."""
    return f"{name}__v{mark}"


@cache
def fingerprint(projection: Projection) -> str:
    """Tells two shapes of a projection apart: its version, its tables, the engine's layout."""
    shape = [
        LAYOUT,
        projection.name,
        projection.version,
        [
            [table.name, [[c.name, c.type, c.private] for c in table.columns], table.key, table.indexes]
            for table in stored_tables(projection)
        ],
        [view_definition("postgresql", table.dataset, "").text for table in tables_of(projection)],
    ]
    return sha256(orjson.dumps(shape)).hexdigest()


def create_own_tables(session: StoreSession, database: Database) -> None:
    """Create the engine's own tables where they are missing."""
    for name, columns in _OWN_TABLES.items():
        session.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns.format_map(database.types)})")
        session.open_to(name, "auditor")


def create_tables(session: StoreSession, database: Database, projection: Projection, mark: str) -> None:
    """Create the tables of a generation, without indexes."""
    for table in stored_tables(projection):
        columns = [
            f"{column.name} {_type(database, column)}{' NOT NULL' if column.name in table.key else ''}"
            for column in stored_columns(projection, table)
        ]
        # One tree instead of a heap and an index, where rows are small.
        compact = database.kind == "sqlite" and not table.name.endswith(STATE_SUFFIX)
        session.execute(
            f"CREATE TABLE {physical(table.name, mark)} ({', '.join(columns)}, PRIMARY KEY ({', '.join(table.key)}))"
            f"{' WITHOUT ROWID' if compact else ''}"
        )


def index_statements(projection: Projection, mark: str) -> Iterator[str]:
    """The statements that create the indexes of a generation, where they don't exist."""
    for table in stored_tables(projection):
        name = physical(table.name, mark)
        for columns in table.indexes:
            index = f"{name}_{'_'.join(columns)}"
            yield f"CREATE INDEX IF NOT EXISTS {index} ON {name} ({', '.join(columns)})"


def exists(session: StoreSession, name: str) -> bool:
    """Whether there is a table or view of this name."""
    if session.kind == "sqlite":
        return bool(session.query("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)))
    return bool(session.query("SELECT 1 FROM pg_class WHERE oid = to_regclass(?)", (name,)))


def drop_tables(session: StoreSession, mark: str) -> None:
    """Drop the tables of a generation, whatever program made them."""
    if session.kind == "sqlite":
        found = "SELECT name FROM sqlite_master WHERE type = 'table'"
    else:
        found = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()"
    for (name,) in session.query(found):
        if name.endswith(f"__v{mark}"):
            session.execute(f"DROP TABLE {name}")


def take_down_views(session: StoreSession, names: Iterable[str]) -> None:
    """Drop views."""
    for name in names:
        session.execute(f"DROP VIEW IF EXISTS {name}")


def views_of(kind: Kind, projection: Projection, mark: str) -> Iterator[tuple[Dataset, Definition]]:
    """The datasets of a generation, and what the view of each is made of."""
    for table in projection.tables:
        yield table.dataset, view_definition(kind, table.dataset, _view(projection, table, mark))
    if isinstance(projection, StateFold) and projection.summary:
        table = projection.summary.table
        yield table.dataset, view_definition(kind, table.dataset, _view_of_all(projection, table, mark))


def put_up_views(session: StoreSession, projection: Projection, mark: str) -> None:
    """Let the plain names show a generation, and let analysts and auditors read them."""
    open_to_audit(session, projection, mark)
    for dataset, made_of in views_of(session.kind, projection, mark):
        put_up(session, dataset, made_of)


def put_up(session: StoreSession, dataset: Dataset, made_of: Definition) -> None:
    """Let a plain name show what a query gives."""
    take_down_views(session, [dataset.name])
    if made_of.function:
        session.execute(f"DROP FUNCTION IF EXISTS {seen_of(dataset)}()")
        session.execute(made_of.function)
        session.execute(f"REVOKE ALL ON FUNCTION {seen_of(dataset)}() FROM PUBLIC")
    # What a reader filters by must not be run on rows that they don't see.
    barrier = " WITH (security_barrier)" if session.kind == "postgresql" else ""
    session.execute(f"{_created(dataset, barrier)} {made_of.query}")
    describe(session, dataset)
    open_to_readers(session, dataset)


def _created(dataset: Dataset, barrier: str = "") -> str:
    return f"CREATE VIEW {dataset.name}{barrier} AS"


def odd_views(session: StoreSession, expected: Iterable[tuple[Dataset, Definition]]) -> Iterator[tuple[str, str]]:
    """Yields name and problem of each view of a file that is not what it is made of here, and of each trigger: Rapport makes none there."""
    if session.kind != "sqlite":
        # PostgreSQL does not keep the text of a view.
        return
    rows = session.query("SELECT type, name, sql FROM sqlite_master WHERE type IN ('view', 'trigger') ORDER BY name")
    views = {name: text for type_, name, text in rows if type_ == "view"}
    for dataset, made_of in expected:
        if views.get(dataset.name) != f"{_created(dataset)} {made_of.query}":
            yield dataset.name, f"the view {dataset.name} does not show what its dataset has"
    for type_, name, _ in rows:
        if type_ == "trigger":
            yield name, f"the file has the trigger {name}, which changes what is written"


def open_to_audit(session: StoreSession, projection: Projection, mark: str) -> None:
    """Let auditors read the tables of a generation: they compare them with what the events make."""
    for table in stored_tables(projection):
        session.open_to(physical(table.name, mark), "auditor")


def _view(projection: Projection, table: Table, mark: str) -> str:
    if table.anonymous:
        return _view_of_all(projection, table, mark)
    columns = ", ".join(f"t.{column.name}" for column in table.columns if not column.private)
    source, position = f"{physical(table.name, mark)} t", f"t.{POSITION.name}"
    if isinstance(projection, StateFold):
        states = physical(state_table(projection).name, mark)
        source += f" JOIN {states} s ON s.subject = t.{table.subject}"
        position = f"s.{POSITION.name}"
    stale = f"SELECT q.position FROM {QUARANTINE} q WHERE {_of(projection, mark)} AND q.subject = t.{table.subject}"
    return f"SELECT {columns}, {position} AS {POSITION.name}, ({stale}) AS {STALE_SINCE.name} FROM {source}"


def _view_of_all(projection: Projection, table: Table, mark: str) -> str:
    """The view of a table whose rows have the position of the whole projection, and are stale if any stream is."""
    columns = ", ".join(f"t.{column.name}" for column in table.columns if not column.private)
    stale = f"SELECT MIN(q.position) FROM {QUARANTINE} q WHERE {_of(projection, mark)}"
    position = f"SELECT g.position FROM {GENERATIONS} g WHERE g.name = '{projection.name}' AND g.mark = '{mark}'"
    return (
        f"SELECT {columns}, ({position}) AS {POSITION.name}, ({stale}) AS {STALE_SINCE.name} "
        f"FROM {physical(table.name, mark)} t"
    )


def _of(projection: Projection, mark: str) -> str:
    return f"q.name = '{projection.name}' AND q.mark = '{mark}'"


def _type(database: Database, column: Column) -> str:
    return database.types["list" if column.type in ("integers", "texts") else column.type]


# --- the timeline --------------------------------------------------------------------------------------------------
def timeline_definition(kind: Kind) -> Definition:
    """What is behind the view `timeline`: the log and the history of deadlines, in the SQL of this kind of database.

    It reads the envelope of an event and the ids and the clause that its data may name; none of these is content. Analysts and auditors
    see that something is withheld where others don't see a row, for the versions around it would tell what it is.
    """
    left_out = " AND ".join(f"topic NOT LIKE '{event.__name__}%'" for event in LEFT_OUT)
    plain, whole = (f"{_events(kind)}{where} UNION ALL {_deadlines(kind)}" for where in (f" WHERE {left_out}", ""))
    return view_definition(kind, TIMELINE, plain, whole=whole)


def tasks_definition(kind: Kind) -> Definition:
    """What is behind the view `tasks`: the tasks of the workers, without what these keep for themselves."""
    columns = ", ".join(column.name for column in TASKS.columns)
    return view_definition(kind, TASKS, f"SELECT {columns} FROM {WORKER_TASKS}")


def views_of_log(kind: Kind) -> dict[Dataset, Definition]:
    """What the views are made of that no projection keeps."""
    return {TIMELINE: timeline_definition(kind), TASKS: tasks_definition(kind)}


def _programme(kind: Kind, subject: str) -> str:
    """The programme that the first event of a relationship names; subjects of other kinds have a prefix and a colon."""
    text = "CAST(f.state AS TEXT)"
    found = (
        f"CASE WHEN json_valid({text}) THEN {text} ->> '$.data.programme_id' END"
        if kind == "sqlite"
        else "convert_from(f.state, 'UTF8')::json -> 'data' ->> 'programme_id'"
    )
    return (
        f"(SELECT {found} FROM stored_events f "
        f"WHERE f.originator_id = {subject} AND f.originator_version = 1 AND f.originator_id NOT LIKE '%:%')"
    )


def _events(kind: Kind) -> str:
    if kind == "sqlite":
        # One damaged event must not take all others out of sight.
        text = "CAST(state AS TEXT)"
        source = (
            f"(SELECT *, CASE WHEN json_valid({text}) THEN {text} ELSE '{{}}' END AS envelope FROM stored_events) o"
        )
        values = {
            "type": "substr(topic, 1, instr(topic || '#', '#') - 1)",
            **{name: _sqlite_time(f"envelope ->> '$.{name}'") for name in ("occurred_at", "recorded_at")},
            "actor_role": "substr(envelope ->> '$.actor', 1, instr(envelope ->> '$.actor', ':') - 1)",
            "actor_id": "substr(envelope ->> '$.actor', instr(envelope ->> '$.actor', ':') + 1)",
            **{name: f"envelope ->> '$.data.{name}'" for name in _ABOUT},
        }
    else:
        source = "stored_events o, LATERAL (SELECT convert_from(o.state, 'UTF8')::json AS envelope) e"
        values = {
            "type": "split_part(topic, '#', 1)",
            **{name: f"(envelope ->> '{name}')::timestamptz" for name in ("occurred_at", "recorded_at")},
            "actor_role": "split_part(envelope ->> 'actor', ':', 1)",
            "actor_id": "substr(envelope ->> 'actor', position(':' IN envelope ->> 'actor') + 1)",
            **{name: f"envelope -> 'data' ->> '{name}'" for name in _ABOUT},
        }
    values |= {"subject": "originator_id", "source": "'event'", "version": "originator_version", "position": "position"}
    values["programme_id"] = _programme(kind, "o.originator_id")
    return f"SELECT {_named(values)} FROM {source}"


def _sqlite_time(text: str) -> str:
    """Whole seconds are written without a fraction in events, and with one in datasets, so that texts sort as times."""
    return f"CASE length({text}) WHEN 20 THEN substr({text}, 1, 19) || '.000000Z' ELSE {text} END"


def _learned(kind: Kind) -> str:
    """When a deadline's change was learned of: not before the event was that brought it about, told late as it may be."""
    at = "deadline_history.at"
    of_event = "FROM stored_events t WHERE t.position = deadline_history.position"
    if kind == "postgresql":
        return (
            f"GREATEST({at}, (SELECT (convert_from(t.state, 'UTF8')::json ->> 'recorded_at')::timestamptz {of_event}))"
        )
    text = "CAST(t.state AS TEXT)"
    recorded = _sqlite_time(f"CASE WHEN json_valid({text}) THEN {text} ->> '$.recorded_at' END")
    return f"MAX({at}, COALESCE((SELECT {recorded} {of_event}), {at}))"


def _deadlines(kind: Kind) -> str:
    values = {
        "subject": "key",
        "programme_id": _programme(kind, "deadline_history.key"),
        "source": "'deadline'",
        "sequence": "seq",
        "type": "change",
        "occurred_at": "at",
        "recorded_at": _learned(kind),
        "actor_role": "'worker'",
        "actor_id": "worker",
        "clause": "clauses ->> 0",
        "deadline": "name",
        "due_at": "due_at",
        "position": "position",
    }
    return f"SELECT {_named(values)} FROM deadline_history"


def _named(values: Mapping[str, str]) -> str:
    return ", ".join(f"{values.get(column.name, 'NULL')} AS {column.name}" for column in TIMELINE.columns)
