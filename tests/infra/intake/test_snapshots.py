"""Snapshots of states: what is folded from one is what is folded from all events, and without its key there is none."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from domain.registry import State, evolve
from domain.relationship.state import Relationship
from infra.bootstrap import Rapport, open_rapport
from infra.clock import Clock
from infra.intake import state_form
from infra.intake.folding import fold_streams
from infra.intake.handler import Handler
from infra.intake.snapshots import WORTH
from infra.intake.state_cache import CachedState, bytes_of
from infra.settings import Settings
from infra.simulate import messages
from infra.store.state_snapshots import drop, read_since
from tests.infra.intake.test_corrected_facts import STORY, SUBJECT

LATER = datetime(2028, 1, 1, tzinfo=UTC)
# Too little for two relationships, so that most states leave memory between two batches.
LITTLE = 30_000


@pytest.fixture
def rapport(settings: Settings) -> Iterator[Rapport]:
    with open_rapport(settings.model_copy(update={"clock": LATER})) as opened:
        yield opened


def from_all_events(rapport: Rapport, subjects: set[str]) -> dict[str, CachedState]:
    with rapport.database.transaction() as session:
        drop(session, subjects)
    return fold_streams(rapport.store, subjects)


def snapshots(rapport: Rapport) -> dict[str, int]:
    return dict(rapport.database.query("SELECT subject, version FROM state_snapshots"))


def kept(rapport: Rapport, subject: str) -> None:
    """Write a snapshot of a subject as it is."""
    entry = fold_streams(rapport.store, [subject])[subject]
    rapport.handler.snapshots.take([(subject, entry._replace(kept=-WORTH))])
    rapport.handler.snapshots.write()
    assert snapshots(rapport)[subject] == entry.head.version


def test_a_state_comes_back_as_it_was_and_goes_on_as_it_would_have(rapport: Rapport) -> None:
    rapport.handler.handle(list(messages(20, 6)))
    compared = 0
    for (subject,) in rapport.database.query("SELECT DISTINCT originator_id FROM stored_events"):
        state: State | None = None
        for number, event in enumerate(rapport.store.read(subject)):
            again: Relationship | None = None
            if isinstance(state, Relationship) and number % 7 == 0:
                again = state_form.decode(state_form.encode(state))
                assert again == state
                compared += 1
            state = evolve(state, event)
            assert again is None or evolve(again, event) == state
    assert compared > 100


def test_whoever_has_little_memory_decides_the_same_and_reads_little(rapport: Rapport) -> None:
    lines = list(messages(12, 5))
    little = Handler(rapport.store, Clock(LATER), LITTLE)
    for start in range(0, len(lines), 40):
        assert {each.status for each in little.handle(lines[start : start + 40])} == {"accepted"}
    little.snapshots.write()
    versions = snapshots(rapport)
    assert len(versions) >= 10
    subjects = {row[0] for row in rapport.database.query("SELECT DISTINCT originator_id FROM stored_events")}
    rows = read_since(rapport.database, subjects, state_form.code())
    later = [row for row in rows if row[5] and row[0] in versions]
    assert all(row[1] > versions[row[0]] for row in later)
    assert len(later) < sum(versions.values()) / 4
    from_snapshots = fold_streams(rapport.store, subjects)
    assert {entry.kept for entry in from_snapshots.values()} > {0}
    assert from_all_events(rapport, subjects) == {
        subject: entry._replace(kept=0) for subject, entry in from_snapshots.items()
    }


def test_a_long_stream_gets_a_snapshot_though_it_stays_in_memory(rapport: Rapport) -> None:
    lines = list(messages(3, 5))
    for start in range(0, len(lines), 40):
        rapport.handler.handle(lines[start : start + 40])
    rapport.handler.snapshots.write()
    assert any(version >= 64 for version in snapshots(rapport).values())


@pytest.mark.parametrize(
    "change",
    ["box = ?", "key = 'another'", "version = version - 1", "code = 'another'"],
    ids=["box", "key", "version", "code"],
)
def test_a_snapshot_that_was_changed_is_none(rapport: Rapport, change: str) -> None:
    rapport.handler.handle(STORY[:6])
    kept(rapport, SUBJECT)
    right = fold_streams(rapport.store, [SUBJECT])[SUBJECT]
    assert right.kept == 6
    [(box,)] = rapport.database.query("SELECT box FROM state_snapshots")
    params: tuple[Any, ...] = (bytes(box)[:-1] + bytes([bytes(box)[-1] ^ 1]),) if "?" in change else ()
    with rapport.database.transaction() as session:
        assert session.execute(f"UPDATE state_snapshots SET {change}", params) == 1
    assert fold_streams(rapport.store, [SUBJECT])[SUBJECT] == right._replace(kept=0)


def test_a_snapshot_of_another_subject_opens_nowhere_else(rapport: Rapport) -> None:
    rapport.handler.handle(list(messages(2, 3)))
    one, other = [
        row[0]
        for row in rapport.database.query(
            "SELECT originator_id FROM stored_events WHERE topic = 'RelationshipProposed'"
        )
    ][:2]
    kept(rapport, one)
    kept(rapport, other)
    right = from_all_events(rapport, {other})[other]
    with rapport.database.transaction() as session:
        session.execute("UPDATE state_snapshots SET subject = ? WHERE subject = ?", (other, one))
    assert fold_streams(rapport.store, [other])[other] == right


def test_a_correction_after_a_snapshot_changes_what_came_before_it(rapport: Rapport) -> None:
    rapport.handler.handle(STORY[:6])
    kept(rapport, SUBJECT)
    rapport.handler.handle(STORY[6:])
    entry = fold_streams(rapport.store, [SUBJECT])[SUBJECT]
    assert isinstance(entry.state, Relationship)
    assert entry.state.corrected == {4: 7, 8: 9}
    assert entry == from_all_events(rapport, {SUBJECT})[SUBJECT]


def test_what_python_compiled_is_not_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It may be another account's alone, and then nothing could be recorded."""
    (tmp_path / "state.py").write_text("ONE = 1")
    monkeypatch.setattr(resources, "files", lambda _package: tmp_path)
    digest = state_form.code.__wrapped__()
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "another.py").write_text("TWO = 2")
    assert state_form.code.__wrapped__() == digest


def test_words_in_a_state_are_sealed(rapport: Rapport) -> None:
    rapport.handler.handle(list(messages(8, 5)))
    for (subject,) in rapport.database.query(
        "SELECT originator_id FROM stored_events WHERE topic = 'RelationshipProposed'"
    ):
        state = fold_streams(rapport.store, [subject])[subject].state
        assert isinstance(state, Relationship)
        kept(rapport, subject)
        [(box,)] = rapport.database.query("SELECT box FROM state_snapshots WHERE subject = ?", (subject,))
        titles = [goal.title.encode() for goal in state.goals.values()]
        assert titles
        assert not any(title in bytes(box) for title in titles)
        assert all(title in state_form.encode(state) for title in titles)


def test_the_size_of_a_state_is_about_what_it_takes(rapport: Rapport) -> None:
    lines = list(messages(20, 5))
    for share in (4, 2, 1):
        rapport.handler.handle(lines[: len(lines) // share])
        subjects = {row[0] for row in rapport.database.query("SELECT DISTINCT originator_id FROM stored_events")}
        entries = list(fold_streams(rapport.store, subjects).values())
        took, said = sum(deep_size(each.state, set()) for each in entries), sum(map(bytes_of, entries))
        assert 0.6 < said / took < 1.6


def deep_size(value: object, seen: set[int]) -> int:
    if id(value) in seen or isinstance(value, type):
        return 0
    seen.add(id(value))
    parts: list[Any] = [value.__dict__] if hasattr(value, "__dict__") else []
    if isinstance(value, dict):
        parts += [*value, *value.values()]
    elif isinstance(value, tuple | frozenset):
        parts += value
    elif hasattr(value, "__slots__"):
        parts += [getattr(value, name) for name in value.__slots__ if hasattr(value, name)]
    return sys.getsizeof(value) + sum(deep_size(part, seen) for part in parts)
