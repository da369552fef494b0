"""Streams that are kept in memory for readers: what they say is what the store says, and what was erased is not in them."""

import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from domain.model import AnyRecorded
from infra.bootstrap import Rapport, open_rapport
from infra.sealing import keys as keys_module
from infra.settings import Settings
from infra.store.log import EventStore
from infra.store.streams import Streams
from tests.infra.queries.test_sharing import tell
from tests.infra.sealing.test_erasure import ERASED, ID, OTHER, REQUESTED, STORY, send
from tests.stores import by_hand


@pytest.fixture
def told(settings: Settings) -> Settings:
    tell(settings.store, STORY)
    return settings


def same(streams: Streams, store: EventStore, subject: str) -> list[AnyRecorded]:
    """The events of a stream as they are kept, which are those of the store."""
    found = list(streams.read(subject).events)
    assert found == store.read(subject)
    assert list(streams.read(subject).stored) == store.stored(subject)
    return found


def handed_in(rapport: Rapport, at: str, kind: str = "RecordContact", **data: Any) -> None:
    message = {
        "specversion": "1.0", "id": at, "source": "/tests", "type": f"rapport.{kind}", "subject": ID,
        "time": at, "actor": "mentee:ana", "data": data or {"channel": "email"},
    }  # fmt: skip
    assert [each.status for each in rapport.handler.handle([orjson.dumps(message)])] == ["accepted"]


def test_a_stream_grows_with_the_store_and_what_was_worked_out_is_worked_out_anew(told: Settings) -> None:
    with open_rapport(told) as rapport:
        streams, worked = rapport.store.kept_streams, []

        def count() -> int:
            worked.append(len(streams.read(ID).events))
            return worked[-1]

        before = same(streams, rapport.store, ID)
        assert [streams.read(ID).once("count", count) for _ in range(2)] == [len(before)] * 2
        assert len(worked) == 1
        handed_in(rapport, "2026-03-11T09:00:00Z")
        assert len(same(streams, rapport.store, ID)) == len(before) + 1
        assert streams.read(ID).once("count", count) == len(before) + 1
        assert same(streams, rapport.store, "programme:nobody") == []


def test_what_another_process_wrote_is_read(told: Settings) -> None:
    with open_rapport(told) as rapport:
        before = same(rapport.store.kept_streams, rapport.store, ID)
        with open_rapport(told) as other:
            handed_in(other, "2026-03-11T09:00:00Z")
        assert len(same(rapport.store.kept_streams, rapport.store, ID)) == len(before) + 1


@pytest.mark.parametrize("by", ["this process", "another"])
def test_the_words_of_who_was_erased_are_kept_no_longer(
    told: Settings, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys_module, "LOOK_AGAIN_SECONDS", 0.0)
    with open_rapport(told) as rapport:
        streams = rapport.store.kept_streams
        words = [str(each) for subject in (ID, OTHER) for each in same(streams, rapport.store, subject)]
        assert sum("HERS goal" in each for each in words) == 1
        if by == "another":
            assert send(told, REQUESTED, ERASED) == [[], []]
        else:
            lines = [
                orjson.dumps(
                    {"specversion": "1.0", "id": f"{kind}-{time}", "source": "/tests", "type": f"rapport.{kind}", "subject": subject,
                     "time": f"2026-03-{time}:00:00Z", "actor": actor, "data": data}
                )
                for subject, kind, time, actor, data in (REQUESTED, ERASED)
            ]  # fmt: skip
            assert [each.status for each in rapport.handler.handle(lines)] == ["accepted"] * 2
        words = [str(each) for subject in (ID, OTHER) for each in same(streams, rapport.store, subject)]
        assert not any("HERS goal" in each for each in words)


def test_an_old_backup_that_comes_back_is_read_anew(told: Settings) -> None:
    with open_rapport(told) as rapport:
        streams = rapport.store.kept_streams
        before = same(streams, rapport.store, OTHER)
        with by_hand(rapport.database) as session:
            session.execute("DELETE FROM stored_events WHERE originator_id = ? AND originator_version = 2", (OTHER,))
        assert same(streams, rapport.store, OTHER) == before[:1]


def test_streams_beyond_the_size_are_read_again(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 'store.sqlite'}")
    tell(settings.store, STORY)
    with open_rapport(settings) as rapport:
        store = rapport.store
        small = Streams(store.database, store.mapper, size=store.kept_streams.read(OTHER).size)
        assert small.read(OTHER) is small.read(OTHER)
        assert small.read(ID) is not small.read(ID)
        same(small, store, ID)


def test_long_words_leave_room_for_fewer_events(told: Settings) -> None:
    with open_rapport(told) as rapport:
        streams = rapport.store.kept_streams
        before = streams.read(ID).size
        text = "\N{GRINNING FACE}" * 20_000
        handed_in(rapport, "2026-03-11T09:00:00Z", "GiveFeedback", about="process", answers={}, text=text)
        found = streams.read(ID)
        assert found.size - before > sys.getsizeof(text) + sys.getsizeof(found.stored[-1].state)
        small = Streams(rapport.database, rapport.store.mapper, size=before + 10_000)
        assert small.read(ID) is not small.read(ID)
