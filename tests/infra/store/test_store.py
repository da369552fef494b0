"""What every store promises, on each kind of database."""

import threading
import time
from hashlib import sha256

import pytest
from eventsourcing.persistence import StoredEvent

from infra.store.errors import Conflict, FencedSource
from infra.store.hash_chain import NO_HASH, Guard, Head, Offset, ReceiptRow
from infra.store.log import EventStore
from infra.store.opening import open_database
from infra.store.session import Database


@pytest.fixture
def store(database: Database) -> EventStore:
    return EventStore(database)


def event(subject: str, version: int, state: bytes = b"{}") -> StoredEvent:
    return StoredEvent(subject, version, "Happened", state)


def receipt(id_: str, answer: bytes = b"accepted") -> ReceiptRow:
    return ReceiptRow("/tests", id_, b"fingerprint", answer)


def stored_by(store: EventStore) -> tuple[int, int]:
    """How many events and receipts there are."""
    counts = store.database.query("SELECT (SELECT COUNT(*) FROM stored_events), (SELECT COUNT(*) FROM receipts)")
    return counts[0][0], counts[0][1]


def test_positions_follow_one_another_in_the_order_of_commits(store: EventStore) -> None:
    assert list(store.append_stored([event("a", 1), event("b", 1)])) == [1, 2]
    assert list(store.append_stored([event("a", 2)])) == [3]
    assert [(n.position, n.subject, n.version) for n in store.logged(0, 10)] == [
        (1, "a", 1),
        (2, "b", 1),
        (3, "a", 2),
    ]
    assert [n.position for n in store.logged(1, 1)] == [2]
    assert store.head() == 3


def test_each_event_is_chained_to_the_one_before_it_in_its_stream(store: EventStore) -> None:
    store.append_stored([event("a", 1, b"one"), event("b", 1, b"x"), event("a", 2, b"two")])
    store.append_stored([event("a", 3, b"three")])
    before = NO_HASH
    for found in store.stored("a"):
        before = sha256(before + b"Happened\n" + found.state).digest()
        assert found.hash == before
    assert store.heads(["a", "nobody"]) == {"a": Head(3, before), "nobody": Head()}


def test_a_version_is_taken_once_and_the_whole_batch_stays_out(store: EventStore) -> None:
    store.append_stored([event("a", 1)])
    with pytest.raises(Conflict):
        store.append_stored([event("b", 1), event("a", 1)], receipts=[receipt("m1")], offsets=[Offset("in", 5)])
    assert stored_by(store) == (1, 0)
    assert store.offset("in") is None


def test_a_receipt_is_kept_once_and_the_whole_batch_stays_out(store: EventStore) -> None:
    store.append_stored([event("a", 1)], receipts=[receipt("m1")])
    with pytest.raises(Conflict):
        store.append_stored([event("a", 2)], receipts=[receipt("m1", b"another")])
    assert stored_by(store) == (1, 1)
    assert store.receipts([("/tests", "m1"), ("/tests", "m2")]) == {("/tests", "m1"): receipt("m1")}


def test_a_refusal_leaves_a_receipt_and_no_event(store: EventStore) -> None:
    assert list(store.append_stored([], receipts=[receipt("m1", b"refused")], guard=Guard(0, {"a"}))) == []
    assert stored_by(store) == (0, 1)


def test_an_offset_only_goes_forward(store: EventStore) -> None:
    store.append_stored([event("a", 1)], offsets=[Offset("in", 5, 1), Offset("other", 1)])
    with pytest.raises(FencedSource):
        store.append_stored([event("a", 2)], offsets=[Offset("in", 5, 1)])
    with pytest.raises(FencedSource):
        store.append_stored([event("a", 2)], offsets=[Offset("in", 4, 1), Offset("other", 2)])
    assert store.offset("in") == Offset("in", 5, 1)
    assert store.offset("other") == Offset("other", 1)
    assert stored_by(store) == (1, 0)


def test_an_older_generation_is_fenced(store: EventStore) -> None:
    store.append_stored([], offsets=[Offset("in", 5, 2)])
    with pytest.raises(FencedSource):
        store.append_stored([event("a", 1)], offsets=[Offset("in", 6, 1)])
    store.append_stored([event("a", 1)], offsets=[Offset("in", 6, 3)])
    assert store.offset("in") == Offset("in", 6, 3)


def test_a_decision_on_a_stream_that_others_wrote_to_is_not_recorded(store: EventStore) -> None:
    store.append_stored([event("mentor", 1), event("a", 1)])
    guard = Guard(1, {"a", "b"})
    with pytest.raises(Conflict):
        store.append_stored([event("b", 1)], receipts=[receipt("m1")], guard=guard)
    assert guard.changed == {"a"}
    assert stored_by(store) == (2, 0)


def test_what_others_wrote_elsewhere_is_told(store: EventStore) -> None:
    store.append_stored([event("a", 1)])
    store.append_stored([event("b", 1), event("c", 1), event("c", 2)])
    guard = Guard(1, {"a"})
    assert list(store.append_stored([event("a", 2)], guard=guard)) == [5]
    assert guard.changed == {"b", "c"}


def test_news_are_who_wrote_and_what_was_answered(store: EventStore) -> None:
    store.append_stored([event("a", 1)], receipts=[receipt("m1")])
    store.append_stored([event("b", 1), event("b", 2)], receipts=[receipt("m2")])
    assert store.news(1, [("/tests", "m2"), ("/tests", "m3")]) == (3, None, {"b"}, {("/tests", "m2"): receipt("m2")})
    assert store.news(3, []) == (3, None, set(), {})


def test_many_keys_are_looked_up_at_once(store: EventStore) -> None:
    rows = [receipt(f"m{n}", f"{n}".encode()) for n in range(1001)]
    store.append_stored([event(f"s{n}", 1) for n in range(1001)], receipts=rows)
    assert len(store.receipts([(row.source, row.message_id) for row in rows])) == 1001
    assert len(store.heads([f"s{n}" for n in range(1001)])) == 1001
    assert [row[0] for row in store.streams([f"s{n}" for n in (5, 3, 2000)])] == ["s3", "s5"]


def test_a_reader_is_woken_by_an_append_of_another_process(store: EventStore) -> None:
    store.append_stored([event("a", 1)])
    assert store.wait(0, 0)
    assert not store.wait(1, 0.05)
    woken = []
    with open_database(store.database.url) as elsewhere:
        store.wait(1, 0.01)
        reader = threading.Thread(target=lambda: woken.append((store.wait(1, 30), time.monotonic())))
        reader.start()
        time.sleep(0.05)
        elsewhere.insert_events([event("a", 2)])
        written = time.monotonic()
        reader.join()
    assert woken[0][0]
    assert woken[0][1] - written < 10


def test_threads_may_share_a_store(store: EventStore) -> None:
    def write(name: str) -> None:
        for version in range(1, 21):
            store.append_stored([event(name, version)])
            assert len(store.stored(name)) == version

    threads = [threading.Thread(target=write, args=(f"s{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [n.position for n in store.logged(0, 1000)] == list(range(1, 161))
