"""Repeating any file of messages, whole or in part, changes nothing; batches of any size end in the same record."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from infra.bootstrap import Rapport, open_rapport
from infra.evidence.verify import verify
from infra.local.postgres_access import PostgresAccess
from infra.settings import Settings
from infra.simulate import messages
from tests.messages import contact, line, proposal, relationship_id

NOW = datetime(2028, 1, 1, tzinfo=UTC)
numbers = st.integers(1, 3)
commands = st.one_of(
    st.builds(proposal, numbers),
    st.builds(contact, numbers, st.sampled_from("abcdef")),
    st.builds(
        lambda number, name, id_: line(name, subject=relationship_id(number), id=id_),
        numbers,
        st.sampled_from(["ActivateRelationship", "ResumeRelationship", "RecordContact", "Dance"]),
        st.sampled_from("gh"),
    ),
    st.builds(
        lambda id_: line("SuspendMentor", {"reason": "Under review"}, subject="mentor:ben", id=id_),
        st.sampled_from("ij"),
    ),
    st.binary(max_size=5),
)


def submit(rapport: Rapport, raws: Sequence[bytes], size: int = 1000) -> list[str]:
    return [r.status for n in range(0, len(raws), size) for r in rapport.handler.handle(raws[n : n + size])]


def record(rapport: Rapport) -> list[tuple[Any, ...]]:
    return rapport.database.query(
        "SELECT originator_id, originator_version, topic, state, hash FROM stored_events ORDER BY 1, 2"
    )


def events(rapport: Rapport) -> list[Any]:
    """What is recorded, which two stores have alike; their bytes and hashes differ, for each salts and seals by itself."""
    subjects = sorted({row[0] for row in record(rapport)})
    return [event for subject in subjects for event in rapport.store.read(subject)]


def opened(url: str) -> Any:
    return open_rapport(Settings(store=url, synchronous="off", clock=NOW))


def assert_repeating_changes_nothing(one: str, other: str, raws: list[bytes], again: list[bytes], size: int) -> None:
    """Both URLs are of empty stores."""
    with opened(one) as first_store, opened(other) as second_store:
        first = submit(first_store, raws)
        before = record(first_store)
        second = submit(first_store, raws + again, size)
        assert record(first_store) == before
        assert all(status in {"duplicate", "invalid"} for status in second)
        assert [status == "invalid" for status in first] == [status == "invalid" for status in second[: len(raws)]]
        assert submit(second_store, raws, size) == first
        assert events(second_store) == events(first_store)
        assert verify(first_store.store).ok


def some_again(raws: list[bytes], data: st.DataObject) -> list[bytes]:
    return data.draw(st.lists(st.sampled_from(raws), max_size=10)) if raws else []


@given(st.lists(commands, max_size=20), st.integers(1, 5), st.data())
@settings(max_examples=40, deadline=None)
def test_repeating_any_messages_changes_nothing(raws: list[bytes], size: int, data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        one, other = (f"sqlite:///{Path(folder) / name}" for name in ("one", "other"))
        assert_repeating_changes_nothing(one, other, raws, some_again(raws, data), size)


@given(raws=st.lists(commands, max_size=20), size=st.integers(1, 5), data=st.data())
@settings(max_examples=6, deadline=None, phases=[Phase.reuse, Phase.generate])
def test_the_same_on_postgresql(
    postgres_server: PostgresAccess, raws: list[bytes], size: int, data: st.DataObject
) -> None:
    names = [f"repeating_{uuid4().hex[:12]}" for _ in range(2)]
    one, other = (postgres_server.create_database(name, short_lived=True) for name in names)
    try:
        assert_repeating_changes_nothing(one, other, raws, some_again(raws, data), size)
    finally:
        for name in names:
            postgres_server.drop_database(name)


@pytest.mark.parametrize("size", [1, 7, 500])
def test_a_simulated_file_ends_in_the_same_record_in_any_batches(store_url: str, tmp_path: Path, size: int) -> None:
    raws = list(messages(3, 11))
    with opened(f"sqlite:///{tmp_path / 'whole'}") as whole, opened(store_url) as parts:
        assert set(submit(whole, raws)) == {"accepted"}
        assert set(submit(parts, raws, size)) == {"accepted"}
        assert events(parts) == events(whole)
        assert set(submit(parts, raws, 13)) == {"duplicate"}
        assert events(parts) == events(whole)
        verdict = verify(parts.store)
        assert (verdict.ok, verdict.relationships, verdict.events) == (True, 3, len(record(whole)))
