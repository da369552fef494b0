"""Summaries: small tables over all rows of another, kept up to date by adding new rows and taking off old ones."""

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from infra.projection_engine.generation import Generation
from infra.projection_engine.rows import table_codec
from infra.projection_engine.schema import physical
from infra.projection_engine.stream_fold import Unit
from infra.store.session import StoreSession
from projections.dataset import Key, Row, Table
from projections.projection import Signed, Summary

# Rows in memory at once.
AT_ONCE: Final = 20_000
TermValues = Callable[[str], Mapping[str, float]]


class Change(NamedTuple):
    """A row of the table that is summed up, before and after; None where there was none or is none."""

    old: Row | None
    new: Row | None


def changes(summary: Summary, units: Iterable[Unit]) -> list[Change]:
    """Returns the rows that were touched in these units, before and after."""
    return [
        Change(old, unit.rows[summary.of].get(key))
        for unit in units
        for key, old in unit.touched.get(summary.of, {}).items()
    ]


def load(session: StoreSession, generation: Generation, summary: Summary) -> dict[Key, Row]:
    """Returns all rows of a summary."""
    return _decoded(session, generation, summary, session.query(_select(session, generation, summary.table)))


def load_concerned(
    session: StoreSession,
    generation: Generation,
    summary: Summary,
    of: Iterable[Change],
    programmes: Collection[str],
) -> dict[Key, Row]:
    """Returns the rows that these changes or new terms of these programmes may change: the groups, and those that are settled together with them."""
    places = [summary.table.key.index(column) for column in summary.together]
    keys = {summary.key(row) for change in of for row in change if row is not None}
    wanted = {tuple(key[place] for place in places) for key in keys}
    together = ", ".join(summary.together)
    name = physical(summary.table.name, generation.mark)
    theirs = f"SELECT DISTINCT {together} FROM {name} WHERE programme_id IN ({{keys}})"
    wanted.update(session.keyed(theirs, [(programme,) for programme in sorted(programmes)]))
    select = f"{_select(session, generation, summary.table)} WHERE ({together}) IN ({{keys}})"
    return _decoded(session, generation, summary, session.keyed(select, sorted(wanted)))


def _select(session: StoreSession, generation: Generation, table: Table) -> str:
    columns = table_codec(session.kind, generation.projection, table).names
    return f"SELECT {', '.join(columns)} FROM {physical(table.name, generation.mark)}"


def _decoded(
    session: StoreSession, generation: Generation, summary: Summary, rows: Iterable[tuple[Any, ...]]
) -> dict[Key, Row]:
    decoded = map(table_codec(session.kind, generation.projection, summary.table).decode, rows)
    return {summary.table.key_of(row): row for row in decoded}


def add_up(summary: Summary, groups: Mapping[Key, Row], of: Iterable[Change], terms: TermValues) -> dict[Key, Row]:
    """Returns these groups after these changes. They have to be all that are settled together, or none."""
    after = dict(groups)
    left = iter(of)
    # A group's row names all who answered: it is made once for many rows, not for each.
    while some := list(islice(left, AT_ONCE)):
        by_group: dict[Key, list[Signed]] = {}
        for change in some:
            for row, sign in ((change.old, -1), (change.new, 1)):
                if row is not None:
                    by_group.setdefault(summary.key(row), []).append(Signed(row, sign))
        for key, signed in by_group.items():
            group = summary.add(after.get(key), signed)
            if group is None:
                after.pop(key, None)
            else:
                after[key] = group
    settled = summary.settle([after[key] for key in sorted(after)], terms)
    return {summary.table.key_of(row): row for row in settled}


def add_up_from_rows(
    session: StoreSession, generation: Generation, summary: Summary, terms: TermValues
) -> dict[Key, Row]:
    """Returns the summary of all stored rows."""
    table = next(each for each in generation.projection.tables if each.name == summary.of)
    reader = table_codec(session.kind, generation.projection, table)
    rows = map(reader.decode, session.stream(_select(session, generation, table)))
    return add_up(summary, {}, (Change(None, row) for row in rows), terms)


class Resummed(NamedTuple):
    """Groups of a summary before and after."""

    generation: Generation
    summary: Summary
    before: Mapping[Key, Row]
    after: Mapping[Key, Row]


def write(session: StoreSession, resummed: Iterable[Resummed]) -> None:
    """Write the rows of summaries that differ."""
    for generation, summary, before, after in resummed:
        writer = table_codec(session.kind, generation.projection, summary.table)
        name = physical(summary.table.name, generation.mark)
        upserts = [writer.encode(row) for key, row in after.items() if before.get(key) != row]
        if gone := before.keys() - after.keys():
            session.delete(name, summary.table.key, sorted(gone))
        if upserts:
            session.upsert(name, writer.names, summary.table.key, upserts)
