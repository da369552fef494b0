"""A PostgreSQL that is restarted, cut off, slow or silent while messages come in: each is recorded once, and the record is whole."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from infra.clock import Clock
from infra.evidence.verify import verify
from infra.intake.handler import Handler
from infra.local.ports import free_port
from infra.local.postgres import Postgres
from infra.store.errors import StoreError, UnreachableStore
from infra.store.hash_chain import Offset
from infra.store.log import EventStore
from infra.store.opening import open_database
from infra.store.postgres.connection import Link
from infra.store.session import Database
from tests.infra.kafka.running import eventually
from tests.infra.store.test_store import event
from tests.messages import contact, proposal, relationship_id
from tests.proxy import Proxy

SENDERS = 3
EACH = 150
BATCH = 5
MANY = 3000


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask after half a second of silence."""
    monkeypatch.setattr(Link, "silence_seconds", 0.5)


@pytest.fixture
def direct(own_postgres: Postgres) -> Iterator[str]:
    """The URL of an empty database, past the proxy."""
    yield own_postgres.create_database("faulty")
    own_postgres.drop_database("faulty")


@pytest.fixture
def proxy(own_postgres: Postgres) -> Iterator[Proxy]:
    with Proxy(own_postgres.port) as made:
        yield made


@pytest.fixture
def through(own_postgres: Postgres, proxy: Proxy, direct: str) -> str:
    """The URL of the same database by way of the proxy."""
    return f"{own_postgres.url('faulty', port=proxy.port)}?connect_timeout=2"


class Senders:
    """Services that send batches until they are answered: what could not be recorded, or may have been, they send again."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.statuses: Counter[str] = Counter()
        self.failures: list[StoreError] = []
        self.answered = [threading.Semaphore(0) for _ in range(SENDERS)]
        self.threads = [threading.Thread(target=self.send, args=(number,)) for number in range(SENDERS)]

    def send(self, number: int) -> None:
        messages = [proposal(number), *(contact(number, f"c{number}-{n}") for n in range(1, EACH))]
        with self.opened() as database:
            handler = Handler(EventStore(database), Clock())
            for start in range(0, EACH, BATCH):
                self.statuses.update(
                    self.until_answered(handler, messages[start : start + BATCH], number, start + BATCH)
                )
                self.answered[number].release()

    @contextmanager
    def opened(self) -> Iterator[Database]:
        with open_database(self.url, timeout=5) as database:
            yield database

    def until_answered(self, handler: Handler, batch: list[bytes], number: int, offset: int) -> list[str]:
        while True:
            try:
                known = handler.store.offset(f"sender-{number}")
                # As a consumer does that was given its partition anew: what is committed already is not committed again.
                offsets = () if known and known.next >= offset else (Offset(f"sender-{number}", offset),)
                return [receipt.status for receipt in handler.handle(batch, offsets=offsets)]
            except StoreError as error:
                self.failures.append(error)
                time.sleep(0.02)

    def run(self, fault: Callable[[], None]) -> None:
        """Start, let two batches of each through, do the fault amid the rest, and wait for the end."""
        for thread in self.threads:
            thread.start()
        for answered in self.answered * 2:
            assert answered.acquire(timeout=60)
        fault()
        for thread in self.threads:
            thread.join(120)
            assert not thread.is_alive()


def assert_recorded_once(url: str, senders: Senders) -> None:
    assert set(senders.statuses) <= {"accepted", "duplicate"}
    assert senders.statuses.total() == SENDERS * EACH
    with open_database(url) as database:
        store = EventStore(database)
        counted = database.query(
            "SELECT (SELECT COUNT(*) FROM stored_events), (SELECT COUNT(*) FROM receipts), (SELECT SUM(next) FROM source_offsets)"
        )
        assert counted == [(SENDERS * EACH, SENDERS * EACH, SENDERS * EACH)]
        ids = [store.decode_facts(found).message_id for found in store.logged(0, 10_000)]
        assert len(set(ids)) == len(ids)
        verdict = verify(store)
        assert verdict.ok, verdict.problems


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_restarted_mid_batch(own_postgres: Postgres, direct: str, how: str) -> None:
    senders = Senders(direct)
    senders.run(lambda: own_postgres.restart(how))  # type: ignore[arg-type]
    assert_recorded_once(direct, senders)


def test_connections_cut(direct: str, through: str, proxy: Proxy) -> None:
    def cut_often() -> None:
        for _ in range(10):
            proxy.cut()
            time.sleep(0.05)

    senders = Senders(through)
    senders.run(cut_often)
    assert_recorded_once(direct, senders)


def test_down_for_a_while(direct: str, through: str, proxy: Proxy) -> None:
    def refuse_for_a_while() -> None:
        proxy.refuse()
        time.sleep(1)
        proxy.restore()

    senders = Senders(through)
    senders.run(refuse_for_a_while)
    assert_recorded_once(direct, senders)


def test_slowed(direct: str, through: str, proxy: Proxy) -> None:
    def slow_for_a_while() -> None:
        proxy.slow(delay_seconds=0.2, bytes_per_second=50_000)
        time.sleep(1.5)
        proxy.restore()

    senders = Senders(through)
    senders.run(slow_for_a_while)
    assert_recorded_once(direct, senders)
    assert senders.failures == []


def test_half_open(direct: str, through: str, proxy: Proxy) -> None:
    def vanish_for_a_while() -> None:
        proxy.half_open()
        time.sleep(1)
        proxy.restore()

    senders = Senders(through)
    senders.run(vanish_for_a_while)
    assert_recorded_once(direct, senders)


def test_answers_lost(direct: str, through: str, proxy: Proxy) -> None:
    def swallow_answers() -> None:
        for _ in range(3):
            proxy.lose_replies()
            time.sleep(0.3)
            proxy.restore()
            time.sleep(0.2)

    senders = Senders(through)
    senders.run(swallow_answers)
    assert_recorded_once(direct, senders)


@pytest.mark.parametrize("fault", ["cut", "lose_replies"])
def test_a_file_is_handed_in_while_the_next_batch_is_decided_ahead(
    direct: str, through: str, proxy: Proxy, fault: str
) -> None:
    messages = [proposal(1), *(contact(1, f"c{n}") for n in range(1, MANY))]
    batches = [messages[start : start + BATCH] for start in range(0, len(messages), BATCH)]
    answered = 0
    begun = threading.Event()

    def hand_in() -> None:
        nonlocal answered
        with open_database(through, timeout=5) as database:
            handler = Handler(EventStore(database), Clock())
            while answered < len(batches):
                try:
                    for receipts in handler.handle_all(batches[answered:]):
                        assert {receipt.status for receipt in receipts} <= {"accepted", "duplicate"}
                        answered += 1
                        begun.set()
                except StoreError:
                    time.sleep(0.02)

    thread = threading.Thread(target=hand_in)
    thread.start()
    assert begun.wait(60)
    deadline = time.monotonic() + 120
    while thread.is_alive() and time.monotonic() < deadline:
        getattr(proxy, fault)()
        time.sleep(0.05)
        proxy.restore()
        # Long enough to connect again on a machine with other work, and to be in the middle of a batch.
        time.sleep(0.3)
    assert answered == len(batches)
    with open_database(direct) as database:
        store = EventStore(database)
        assert [event.message_id for event in store.read(relationship_id(1))] == ["propose-1"] + [
            f"c{n}" for n in range(1, MANY)
        ]
        assert verify(store).ok


def test_a_commit_whose_answer_was_lost_is_found_by_its_receipt(direct: str, through: str, proxy: Proxy) -> None:
    with open_database(through) as database:
        handler = Handler(EventStore(database), Clock())
        assert handler.handle([proposal(1)])[0].status == "accepted"
        proxy.lose_replies()
        threading.Timer(0.3, proxy.restore).start()
        # Not "duplicate": it was recorded by this very call, and the call found that out.
        receipt = handler.handle([contact(1, "once")])[0]
        assert (receipt.status, receipt.events) == ("accepted", (("ContactRecorded", 2),))
        assert handler.handle([contact(1, "once")])[0].status == "duplicate"
        assert handler.handle([contact(1, "then")])[0].events == (("ContactRecorded", 3),)
        verdict = verify(handler.store)
        assert verdict.ok, verdict.problems


def test_a_process_that_was_asked_to_stop_does_not_wait_for_a_server_that_is_away(
    direct: str, through: str, proxy: Proxy
) -> None:
    with open_database(through, timeout=300) as database:
        stop = threading.Event()
        database.hurry_when(stop.is_set)
        proxy.refuse()
        threading.Timer(0.5, stop.set).start()
        with pytest.raises(UnreachableStore):
            EventStore(database).head()
        with pytest.raises(UnreachableStore):
            database.insert_events([event("a", 1)])


def answers(database: Database) -> bool:
    try:
        database.ping()
    except UnreachableStore:
        return False
    return True


def test_whether_the_server_is_there_is_told_soon_and_with_the_reason(direct: str, through: str, proxy: Proxy) -> None:
    with open_database(through, timeout=300) as database:
        # A busy machine may take longer to connect than a ping waits; sooner or later it answers.
        eventually(lambda: answers(database))
        proxy.refuse()
        with pytest.raises(UnreachableStore, match="refused"):
            database.ping()
        proxy.restore()
        eventually(lambda: answers(database))


def test_an_idle_connection_that_broke_is_replaced_unnoticed(direct: str, through: str, proxy: Proxy) -> None:
    with open_database(through) as database:
        for _ in range(3):
            assert database.query("SELECT 1") == [(1,)]
            proxy.cut()
            with database.transaction() as session:
                assert session.query("SELECT 1") == [(1,)]
            proxy.cut()
            with database.reading() as session:
                assert session.query("SELECT 1") == [(1,)]
            proxy.cut()


def test_a_transaction_cut_in_the_middle_is_told_and_writes_nothing(direct: str, through: str, proxy: Proxy) -> None:
    with open_database(through) as database:
        with database.changing_schema() as session:
            session.execute("CREATE TABLE things (name text PRIMARY KEY)")

        def insert() -> None:
            with database.transaction() as session:
                session.insert("things", ("name",), [("a",)])
                proxy.cut()
                session.insert("things", ("name",), [("b",)])

        with pytest.raises(UnreachableStore):
            insert()
        assert database.query("SELECT name FROM things") == []


def test_a_client_that_vanished_holds_no_locks(direct: str, through: str, proxy: Proxy) -> None:
    with open_database(through) as database, open_database(direct) as other:

        def vanish() -> None:
            with database.transaction() as session:
                session.lock("appends")
                proxy.lose_replies()
                threading.Timer(0.7, proxy.restore).start()
                session.query("SELECT 1")

        with pytest.raises(UnreachableStore):
            vanish()
        before = time.monotonic()
        with other.transaction() as session:
            session.lock("appends")
        assert time.monotonic() - before < 5


def test_a_slow_statement_is_waited_for(direct: str) -> None:
    with open_database(direct) as database:
        assert database.query("SELECT 'done' FROM pg_sleep(1.2)") == [("done",)]


def test_a_lock_that_is_never_let_go_of_is_told(direct: str) -> None:
    with open_database(direct, timeout=0.3) as database, psycopg.connect(direct) as holder:
        holder.execute("LOCK TABLE lock_appends IN EXCLUSIVE MODE")
        with pytest.raises(StoreError, match="lock"), database.transaction() as session:
            session.lock("appends")


def test_readers_that_wait_hear_again_after_a_restart(own_postgres: Postgres, direct: str) -> None:
    with open_database(direct) as database, open_database(direct) as writer:
        store = EventStore(database)
        assert not store.wait(0, 0.05)
        own_postgres.restart("fast")
        woken: list[bool] = []
        reader = threading.Thread(target=lambda: woken.append(store.wait(0, 30)))
        reader.start()
        writer.insert_events([event("a", 1)])
        reader.join()
        assert woken == [True]


def test_a_server_that_never_comes_back_is_told_in_time(
    own_postgres: Postgres, direct: str, through: str, proxy: Proxy
) -> None:
    with open_database(through, timeout=1.5) as database:
        proxy.refuse()
        before = time.monotonic()
        with pytest.raises(UnreachableStore, match="can't be reached"):
            database.insert_events([event("a", 1)])
        with pytest.raises(UnreachableStore, match="can't be reached"):
            database.query("SELECT 1")
        assert time.monotonic() - before < 20
        proxy.restore()
        assert list(database.insert_events([event("a", 1)])) == [1]


def test_a_port_where_nobody_listens_is_told_at_once() -> None:
    with pytest.raises(UnreachableStore):
        open_database(f"postgresql://postgres@127.0.0.1:{free_port()}/rapport")
