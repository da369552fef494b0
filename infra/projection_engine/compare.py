"""How the rows of two generations of a projection differ, dataset by dataset, for a person to read."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from infra.projection_engine import generation as generation_table
from infra.projection_engine import schema
from infra.projection_engine.feed import Feeds
from infra.projection_engine.generation import Generation
from infra.projection_engine.schema import physical
from infra.store.session import StoreSession
from projections.catalogue import tables_of
from projections.dataset import Column, Table

EXAMPLES: Final = 5


class Difference(NamedTuple):
    """How a dataset differs from what it was: rows that are new, gone or changed; some of their keys.

    `live_position` is set where the old rows were not brought to where the new ones are.
    """

    dataset: str
    rows: int
    new: int
    gone: int
    changed: int
    examples: list[list[str]]
    live_position: int | None = None


def differences(feeds: Feeds, building: Sequence[Generation], head: int) -> list[Difference]:
    """Returns how new generations differ from the live ones, which are brought to the same position unless that is as much work as a build."""
    names = [each.name for each in building]
    old = [each for each in feeds.live() if each.name in names]
    # This program can't keep rows of another shape up to date: they are compared as they are.
    feeds.feed_to([each for each in old if each.current and not each.is_far_behind(head)], head)
    found: list[Difference] = []
    with feeds.database.reading() as session:
        live = {each.name: each for each in generation_table.load(session, feeds.projections) if each.state == "live"}
        for each in building:
            before = live[each.name]
            lag = before.position if before.position < each.position else None
            found += (
                _differs(session, table, before.mark, each.mark)._replace(live_position=lag)
                for table in tables_of(each.projection)
                if schema.exists(session, physical(table.name, before.mark))
            )
    return found


def _differs(session: StoreSession, table: Table, old: str, new: str) -> Difference:
    was, is_ = physical(table.name, old), physical(table.name, new)
    shared = _columns(session, was)
    columns = [c for c in table.columns if c.name in shared and c.name not in table.key]
    same_key = " AND ".join(f"o.{name} = n.{name}" for name in table.key)
    changed = " OR ".join(_unlike(column) for column in columns) or "1 = 0"
    first = table.key[0]
    sources = {
        "new": f"{is_} n LEFT JOIN {was} o ON {same_key} WHERE o.{first} IS NULL",
        "gone": f"{was} n LEFT JOIN {is_} o ON {same_key} WHERE o.{first} IS NULL",
        "changed": f"{is_} n JOIN {was} o ON {same_key} WHERE {changed}",
    }
    counts = {name: int(session.query(f"SELECT COUNT(*) FROM {source}")[0][0]) for name, source in sources.items()}
    keys = ", ".join(f"n.{name}" for name in table.key)
    examples = [
        [name, *(str(part) for part in key)]
        for name, source in sources.items()
        if counts[name]
        for key in session.query(f"SELECT {keys} FROM {source} ORDER BY {keys} LIMIT {EXAMPLES}")
    ]
    rows = int(session.query(f"SELECT COUNT(*) FROM {is_}")[0][0])
    return Difference(table.name, rows, counts["new"], counts["gone"], counts["changed"], examples)


def _columns(session: StoreSession, name: str) -> set[str]:
    if session.kind == "sqlite":
        return {row[1] for row in session.query(f"PRAGMA table_info({name})")}
    found = session.query(
        "SELECT column_name::text FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ?",
        (name,),
    )
    return {column for (column,) in found}


def _unlike(column: Column) -> str:
    if column.type in ("integers", "texts", "json"):
        return f"CAST(n.{column.name} AS text) IS DISTINCT FROM CAST(o.{column.name} AS text)"
    return f"n.{column.name} IS DISTINCT FROM o.{column.name}"
