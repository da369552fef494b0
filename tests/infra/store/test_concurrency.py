"""Eight processes append while readers follow the log by position: nothing is skipped, nothing comes twice, the chain is whole."""

import threading
from collections.abc import Iterator

import pytest

from infra.store.hash_chain import NO_HASH, next_hash
from infra.store.log import EventStore, LoggedEvent
from infra.store.opening import open_database
from tests.sizes import size
from tests.writers import Writer, answer, started, tell

WRITERS = 8
ROUNDS = size(20, 100)
BATCHES = 5
# Readers that see every commit by itself and readers that are always behind.
PAGES = (1, 7, 500)


@pytest.fixture
def writers(store_url: str) -> Iterator[list[Writer]]:
    open_database(store_url).close()
    commands = [("tests.infra.store.writer", store_url, str(number)) for number in range(WRITERS)]
    with started(commands) as running:
        yield running


class Reader(threading.Thread):
    """Follows the log from a position until it is told where the log ends."""

    def __init__(self, store: EventStore, after: int, page: int) -> None:
        super().__init__()
        self.store = store
        self.position = after
        self.page = page
        self.end: int | None = None
        self.seen: list[LoggedEvent] = []

    def run(self) -> None:
        while self.end is None or self.position < self.end:
            for found in self.store.logged(self.position, self.page):
                self.seen.append(found)
                self.position = found.position
            self.store.wait(self.position, 0.05)


def test_nothing_is_skipped_and_nothing_comes_twice(store_url: str, writers: list[Writer]) -> None:
    with open_database(store_url) as database:
        store = EventStore(database)
        for round_ in range(ROUNDS):
            before = store.head()
            readers = [Reader(store, before, page) for page in PAGES]
            for reader in readers:
                reader.start()
            for writer in writers:
                tell(writer, f"{round_} {BATCHES}")
            appended = sum(int(answer(writer)) for writer in writers)
            log = store.logged(before, 100_000)
            assert len(log) == appended
            for reader in readers:
                reader.end = log[-1].position
                reader.join(30)
                assert not reader.is_alive()
                assert reader.seen == log, f"round {round_}, pages of {reader.page}"
        assert_whole(store)


EVERYTHING = """
SELECT originator_id, originator_version, topic, state, hash FROM stored_events
ORDER BY originator_id, originator_version"""


def assert_whole(store: EventStore) -> None:
    """Every stream has its versions without a gap, each event linked to the one before."""
    last: dict[str, tuple[int, bytes]] = {}
    for subject, version, topic, state, hash_ in store.database.query(EVERYTHING):
        before, previous = last.get(subject, (0, NO_HASH))
        assert version == before + 1
        assert hash_ == next_hash(previous, topic, bytes(state))
        last[subject] = version, bytes(hash_)
