"""The sums of the workers' tables: the same for an honest store, however little fits into memory, and others for any other row."""

from datetime import timedelta
from typing import Any

import pytest

from domain.relationship import events as e
from infra.store.partitions import COUNT, Reached
from infra.store.session import as_time
from infra.worker_runtime import schema
from infra.worker_runtime.replay import ALL, Share, scratch_database
from infra.worker_runtime.sums import SUMMED, is_what_replay_makes
from infra.worker_runtime.table_check import compared
from tests.infra.worker_runtime.harness import WorkerHarness
from tests.infra.worker_runtime.test_corrections import late_twice, void
from tests.infra.worker_runtime.test_runner import begun


def is_same(harness: WorkerHarness, share: Share = ALL) -> bool:
    store = harness.rapport.store
    with scratch_database() as scratch:
        return is_what_replay_makes(store, scratch, Reached((store.head(),) * COUNT), lambda _: None, share)


def played(harness: WorkerHarness) -> WorkerHarness:
    """Concerns, a correction, trust broken in another relationship; every table has rows."""
    late_twice(harness)
    void(harness, e.SessionCancelled, on=21)
    harness.work()
    begun(harness, 2).now(40).work()
    return harness


@pytest.mark.parametrize("batch, kept, lately", [(1000, 10_000, 25), (3, 0, 25), (3, 10_000, 1), (3, 10_000, 4)])
def test_an_honest_store_has_the_sums_of_its_replay(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch, batch: int, kept: int, lately: int
) -> None:
    played(harness)
    monkeypatch.setattr("infra.worker_runtime.sums.LATELY", lately)
    monkeypatch.setattr("infra.worker_runtime.replay.BATCH", batch)
    monkeypatch.setattr("infra.worker_runtime.sums.KEPT_KEYS", kept)
    assert is_same(harness)
    assert all(is_same(harness, Share(number, 3)) for number in range(3))


def test_any_row_that_is_gone_or_has_another_value_is_noticed(harness: WorkerHarness) -> None:
    played(harness)
    database = harness.rapport.store.database
    for table in SUMMED:
        key = ", ".join(table.key)
        with database.reading() as session:
            [row, *_] = session.query(f"SELECT {table.listed} FROM {table.name} ORDER BY {key}")
        kept = dict(zip(table.columns, table.typed(row), strict=True))
        place = [kept[name] for name in table.key]
        others = [kept | {name: another(table.types[name], kept[name])} for name in compared(table)]
        for changed in (None, *others):
            with database.transaction() as session:
                session.delete(table.name, table.key, [place])
                if changed is not None:
                    session.insert(table.name, table.columns, [list(changed.values())])
            assert not is_same(harness), (table.name, changed)
            with database.transaction() as session:
                session.delete(table.name, table.key, [place])
                if changed is not None:
                    session.delete(table.name, table.key, [[changed[name] for name in table.key]])
                session.insert(table.name, table.columns, [list(kept.values())])
    assert is_same(harness)


def another(type_: str, value: Any) -> Any:
    """Another value of a type."""
    if type_.startswith("{time}"):
        return as_time(value) + timedelta(seconds=1) if value else as_time("2030-01-01T00:00:00.000000Z")
    if type_.startswith("{integer}"):
        return value + 1
    if type_.startswith(("{json}", "{list}")):
        return '["other"]'
    return not value if type_.startswith("{boolean}") else f"{value}x"


def test_what_is_put_aside_leaves_it_to_the_comparison_row_by_row(harness: WorkerHarness) -> None:
    played(harness)
    row = ["trust", "elsewhere", as_time("2026-01-01T00:00:00.000000Z"), "t", 1, "it failed"]
    with harness.rapport.store.database.transaction() as session:
        session.insert(schema.PARKED.name, schema.PARKED.columns, [row])
    assert not is_same(harness)
