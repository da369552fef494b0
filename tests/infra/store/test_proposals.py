"""A mentor's open relationships are found from the events, by an index, on each kind of database."""

import pytest
from eventsourcing.persistence import StoredEvent

from infra.store.log import EventStore
from infra.store.proposals import open_relationships
from infra.store.session import Database


@pytest.fixture
def store(database: Database) -> EventStore:
    return EventStore(database)


def proposal(subject: str, mentor: str, mentee: str = "ana") -> StoredEvent:
    state = f'{{"subject":"{subject}","data":{{"mentee_id":"{mentee}","mentor_id":"{mentor}","codes":{{}}}}}}'
    return StoredEvent(subject, 1, "RelationshipProposed", state.encode())


def other(subject: str, version: int, topic: str, state: bytes = b"{}") -> StoredEvent:
    return StoredEvent(subject, version, topic, state)


def test_proposals_to_a_mentor_count_until_the_relationship_ends(store: EventStore) -> None:
    assert store.relationships_of("ben", open_only=True) == set()
    store.append_stored(
        [proposal("r1", "ben"), proposal("r2", "ben", "bea"), proposal("r3", "be"), proposal("r4", "x", "ben")]
    )
    assert store.relationships_of("ben", open_only=True) == {"r1", "r2"}
    store.append_stored([other("r1", 2, "RelationshipPaused"), other("r2", 2, "RelationshipTerminated")])
    assert store.relationships_of("ben", open_only=True) == {"r1"}
    assert store.relationships_of("ben", open_only=False) == {"r1", "r2"}


def test_a_damaged_event_and_another_events_text_harm_nothing(store: EventStore) -> None:
    quoted = b'{"subject":"r6","data":{"text":"\\"mentor_id\\":\\"ben\\"","mentor_id":"bo"}}'
    store.append_stored(
        [other("r5", 1, "RelationshipProposed", b"\xff\x00 no JSON"), other("r6", 1, "RelationshipProposed", quoted)]
    )
    store.append_stored([other("r7", 1, "SessionNoteRecorded", b'{"mentor_id":"ben"}'), proposal("r8", "ben")])
    assert store.relationships_of("ben", open_only=True) == {"r8"}
    assert store.relationships_of("bo", open_only=True) == {"r6"}


def test_no_other_event_is_read(store: EventStore) -> None:
    if store.database.kind == "sqlite":
        plan = store.database.query(f"EXPLAIN QUERY PLAN {open_relationships('sqlite')}", ("ben",))
        assert all("SCAN" not in row[3] for row in plan), plan
        assert {"proposals_by_mentor" in str(plan), "endings" in str(plan)} == {True}
    else:
        names = store.database.query("SELECT indexname FROM pg_indexes WHERE tablename = 'stored_events'")
        assert {("proposals_by_mentor",), ("endings",)} <= set(names)
