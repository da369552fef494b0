"""Summaries: small tables over all rows of another, kept up to date by adding new rows and taking off old ones."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
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
    wanted = _together(summary, {summary.key(row) for change in of for row in change if row is not None})
    name = physical(summary.table.name, generation.mark)
    theirs = f"SELECT DISTINCT {', '.join(summary.together)} FROM {name} WHERE programme_id IN ({{keys}})"
    wanted.update(session.keyed(theirs, [(programme,) for programme in sorted(programmes)]))
    return _load_together(session, generation, summary, wanted)


def load_beside(
    session: StoreSession, generation: Generation, summary: Summary, groups: Iterable[Key]
) -> dict[Key, Row]:
    """Returns the stored rows of these groups, and of those that are settled together with them."""
    return _load_together(session, generation, summary, _together(summary, groups))


def load_without_rows(session: StoreSession, generation: Generation, summary: Summary) -> dict[Key, Row]:
    """Returns the stored rows of groups that are settled together and have no rows that they could be the summary of."""
    together = ", ".join(summary.together)
    of_groups, of_rows = (physical(name, generation.mark) for name in (summary.table.name, summary.of))
    without = session.query(f"SELECT {together} FROM {of_groups} EXCEPT SELECT {together} FROM {of_rows}")
    return _load_together(session, generation, summary, without)


def _together(summary: Summary, groups: Iterable[Key]) -> set[Key]:
    places = [summary.table.key.index(column) for column in summary.together]
    return {tuple(key[place] for place in places) for key in groups}


def _load_together(
    session: StoreSession, generation: Generation, summary: Summary, wanted: Collection[Key]
) -> dict[Key, Row]:
    select = f"{_select(session, generation, summary.table)} WHERE ({', '.join(summary.together)}) IN ({{keys}})"
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
) -> Iterator[dict[Key, Row]]:
    """Yields the summary of all stored rows, a part at a time: the groups that are settled together are in one."""
    table = next(each for each in generation.projection.tables if each.name == summary.of)
    select = f"{_select(session, generation, table)} ORDER BY {', '.join(summary.together)}"
    rows = map(table_codec(session.kind, generation.projection, table).decode, session.stream(select))
    for _, part in groupby(rows, key=_part_of(summary.together)):
        yield add_up(summary, {}, (Change(None, row) for row in part), terms)


def _part_of(together: Sequence[str]) -> Callable[[Row], int]:
    """The part to which the next row belongs: one ends after so many rows, where rows with other values in these columns begin."""
    number, count, before = 0, 0, None

    def part(row: Row) -> int:
        nonlocal number, count, before
        values = [row[column] for column in together]
        if count >= AT_ONCE and values != before:
            number, count = number + 1, 0
        count, before = count + 1, values
        return number

    return part


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
