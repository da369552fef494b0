"""The eventsourcing library's own test cases for recorders, run against ours."""

from collections.abc import Iterator
from typing import Any
from unittest import TestCase
from uuid import uuid4

import pytest
from eventsourcing.persistence import ProcessRecorder, StoredEvent
from eventsourcing.tests.persistence import (
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
    ProcessRecorderTestCase,
    TrackingRecorderTestCase,
)

from infra.store.opening import open_database
from infra.store.session import Database
from tests.stores import KINDS


class Ours(TestCase):
    """Gives the library's cases our recorder on a new store; a subclass says on which kind."""

    __test__ = False
    kind: str
    database: Database

    @pytest.fixture(autouse=True)
    def opened(self, request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[None]:
        url = f"sqlite:///{tmp_path / 'store.sqlite'}"
        if self.kind == "postgresql":
            url = request.getfixturevalue("postgres_url")
        with open_database(url) as self.database:
            yield

    def create_recorder(self) -> ProcessRecorder:
        return self.database.recorder

    def new_originator_id(self) -> str:
        return str(uuid4())


class WithoutPositions:
    """The library's aggregate case expects no positions back; in all else it fits ours."""

    def __init__(self, recorder: ProcessRecorder) -> None:
        self.recorder = recorder

    def __getattr__(self, name: str) -> Any:
        return getattr(self.recorder, name)

    def insert_events(self, stored_events: Any, **kwargs: Any) -> None:
        self.recorder.insert_events(stored_events, **kwargs)


class AggregateRecorder(Ours, AggregateRecorderTestCase):
    def create_recorder(self) -> Any:
        return WithoutPositions(self.database.recorder)


class ApplicationRecorder(Ours, ApplicationRecorderTestCase[ProcessRecorder]):
    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TrackingRecorder(Ours, TrackingRecorderTestCase):
    pass


class Recorder(Ours, ProcessRecorderTestCase):
    def test_chain_needs_no_heads(self) -> None:
        subject = self.new_originator_id()
        recorder = self.create_recorder()
        recorder.insert_events([StoredEvent(subject, 1, "topic", b"a")])
        recorder.insert_events([StoredEvent(subject, 2, "topic", b"b")])
        with self.database.reading() as session:
            hashes = [row[0] for row in session.query("SELECT hash FROM stored_events ORDER BY position")]
        assert len(set(hashes)) == 2


for _kind in KINDS:
    for _case in (AggregateRecorder, ApplicationRecorder, TrackingRecorder, Recorder):
        _name = f"Test{_case.__name__}On_{_kind}"
        globals()[_name] = type(_name, (_case,), {"kind": _kind, "__test__": True})
