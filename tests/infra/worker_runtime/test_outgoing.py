"""The ids of what workers send: the same in every run of one store, and not to be worked out by anybody else."""

from pathlib import Path
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from infra.bootstrap import open_rapport
from infra.settings import Settings
from infra.worker_runtime.outbox import derived
from infra.worker_runtime.replay import Replay, scratch_database
from infra.worker_runtime.verify import verify
from tests.infra.worker_runtime.harness import WorkerHarness, everything
from tests.infra.worker_runtime.test_runner import begun
from workers.catalogue import WORKERS

IDS = {"outbox": "id", "decisions": "id", "notifications": "id", "worker_tasks": "task_id"}
parts = st.lists(st.text(st.sampled_from('ab|,"[]\\/:'), max_size=3) | st.integers(0, 12), min_size=1, max_size=4)


def ids(harness: WorkerHarness) -> dict[str, set[str]]:
    return {table: {row[0] for row in harness.query(f"SELECT {column} FROM {table}")} for table, column in IDS.items()}


def settings(folder: Path, name: str) -> Settings:
    return Settings(store=f"sqlite:///{folder / name}.sqlite", synchronous="off")


def test_two_stores_with_the_same_history_have_no_id_in_common_and_each_verifies(tmp_path: Path) -> None:
    found = []
    for name in ("one", "other"):
        with open_rapport(settings(tmp_path, name)) as rapport:
            harness = begun(WorkerHarness(rapport))
            harness.work(until=30)
            assert verify(rapport.store) == []
            found.append((ids(harness), everything(rapport)))
    (ours, all_ours), (theirs, all_theirs) = found
    for table in IDS:
        assert len(ours[table]) == len(theirs[table]) > 0
        assert ours[table].isdisjoint(theirs[table])
    # All else is the same.
    for table in ("events", "worker_state", "deadlines", "deadline_history"):
        assert len(all_ours[table]) == len(all_theirs[table])


def test_replay_in_another_process_makes_the_ids_that_are_on_record(harness: WorkerHarness) -> None:
    begun(harness).work(until=30)
    with open_rapport(harness.rapport.settings) as again, scratch_database() as scratch:
        Replay(again.store, scratch, WORKERS, again.store.head()).run()
        for table, column in IDS.items():
            made = {row[0] for row in scratch.query(f"SELECT {column} FROM {table}")}
            assert made <= ids(harness)[table]
            assert made or table != "decisions"


@given(st.binary(min_size=32, max_size=32), parts, parts)
def test_an_id_is_a_uuid_that_its_parts_and_the_secret_decide(
    secret: bytes, one: list[str | int], other: list[str | int]
) -> None:
    found = UUID(derived(secret, *one))
    assert (found.version, found.variant) == (8, RFC_4122)
    assert derived(secret, *one) == str(found)
    assert (derived(secret, *other) == str(found)) is (one == other)
    assert derived(bytes(32) if secret != bytes(32) else b"x" * 32, *one) != str(found)


def test_an_id_does_not_change_between_versions_of_rapport() -> None:
    assert derived(b"s" * 32, "trust", "0b9a3f0e/2", "recommend", 1) == "2163cbf6-73ab-8171-989e-af46f28f3da2"
