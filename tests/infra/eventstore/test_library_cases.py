"""The eventsourcing library's own test cases for recorders, run against ours."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import TestCase
from uuid import uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.tests.persistence import (
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
    ProcessRecorderTestCase,
    TrackingRecorderTestCase,
)

from infra.eventstore.sqlite import SQLiteDatabase
from infra.eventstore.sqlite_recorder import SQLiteRecorder


class OnSQLite(TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.database = SQLiteDatabase(f"sqlite:///{Path(folder.name) / 'store.sqlite'}")
        self.addCleanup(self.database.close)

    def create_recorder(self) -> SQLiteRecorder:
        return self.database.recorder

    def new_originator_id(self) -> str:
        return str(uuid4())


class WithoutPositions(SQLiteRecorder):
    """The library's aggregate case expects no positions back; in all else it fits ours."""

    def insert_events(self, stored_events: Any, **kwargs: Any) -> None:
        super().insert_events(stored_events, **kwargs)


class TestAggregateRecorder(OnSQLite, AggregateRecorderTestCase):
    def create_recorder(self) -> SQLiteRecorder:
        return WithoutPositions(self.database.datastore)


class TestApplicationRecorder(OnSQLite, ApplicationRecorderTestCase[SQLiteRecorder]):
    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestTrackingRecorder(OnSQLite, TrackingRecorderTestCase):
    pass


class TestProcessRecorder(OnSQLite, ProcessRecorderTestCase):
    def test_chain_needs_no_heads(self) -> None:
        subject = self.new_originator_id()
        recorder = self.create_recorder()
        recorder.insert_events([StoredEvent(subject, 1, "topic", b"a")])
        recorder.insert_events([StoredEvent(subject, 2, "topic", b"b")])
        with self.database.reading() as session:
            hashes = [row[0] for row in session.query("SELECT hash FROM stored_events ORDER BY position")]
        assert len(set(hashes)) == 2
