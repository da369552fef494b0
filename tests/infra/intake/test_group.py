"""What callers that come at the same time are promised by group commit."""

import asyncio
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.bootstrap import Rapport, open_rapport
from infra.clock import Clock
from infra.intake.group_commit import Closed, GroupCommit, Overloaded
from infra.intake.handler import Handler
from infra.intake.message import Message
from infra.intake.pending_commit import PendingCommit
from infra.intake.receipt import Receipt
from infra.settings import Settings
from infra.store.errors import BusyStore
from infra.store.hash_chain import Offset
from infra.store.log import EventStore
from tests.messages import contact, proposal


@pytest.fixture
def rapport(settings: Settings) -> Iterator[Rapport]:
    with open_rapport(settings) as opened:
        yield opened


class Held(Handler):
    """A handler that waits for a word before each batch and remembers the batches."""

    def __init__(self, store: EventStore) -> None:
        super().__init__(store, Clock())
        self.go = threading.Semaphore(0)
        self.batches: list[list[bytes | Message]] = []
        self.begun = threading.Semaphore(0)
        self.trouble: dict[bytes | Message, Exception] = {}

    def begin(self, given: Iterable[bytes | Message], *, offsets: Sequence[Offset] = ()) -> PendingCommit:
        batch = list(given)
        self.batches.append(batch)
        self.begun.release()
        assert self.go.acquire(timeout=20)
        for raw in batch:
            if raw in self.trouble:
                raise self.trouble[raw]
        return super().begin(batch, offsets=offsets)


@pytest.fixture
def held(rapport: Rapport) -> Held:
    return Held(rapport.store)


def test_every_caller_gets_the_receipt_of_its_own_message(rapport: Rapport) -> None:
    with GroupCommit(rapport.handler) as group, ThreadPoolExecutor(16) as pool:
        receipts = list(pool.map(group.submit, [proposal(n) for n in range(200)]))
    assert [receipt.status for receipt in receipts] == ["accepted"] * 200
    assert len({receipt.subject for receipt in receipts}) == 200
    assert rapport.store.head() == 200


def test_a_message_and_its_repetition_at_the_same_time_are_recorded_once(rapport: Rapport) -> None:
    with GroupCommit(rapport.handler) as group, ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(group.submit, [proposal(1)] * 8))
    assert sorted(receipt.status for receipt in receipts) == ["accepted"] + ["duplicate"] * 7
    assert rapport.store.head() == 1


def test_who_comes_during_a_commit_shares_the_next_one(held: Held) -> None:
    with GroupCommit(held) as group, ThreadPoolExecutor(8) as pool:
        first = pool.submit(group.submit, proposal(0))
        assert held.begun.acquire(timeout=20)
        rest = [pool.submit(group.submit, proposal(n)) for n in range(1, 7)]
        while len(group._queue) < 6:
            pass
        assert not first.done()
        held.go.release()
        assert held.begun.acquire(timeout=20)
        assert not any(future.done() for future in rest)
        held.go.release()
        assert first.result().status == "accepted"
        assert [future.result().status for future in rest] == ["accepted"] * 6
    assert [len(batch) for batch in held.batches] == [1, 6]


def test_no_batch_is_larger_than_allowed_and_first_come_is_first_served(held: Held) -> None:
    with GroupCommit(held, max_batch=3) as group, ThreadPoolExecutor(8) as pool:
        sent = [proposal(n) for n in range(7)]
        for number, raw in enumerate(sent):
            pool.submit(group.submit, raw)
            if number == 0:
                assert held.begun.acquire(timeout=20)
            while len(group._queue) < number:
                pass
        held.go.release(3)
    assert held.batches == [sent[:1], sent[1:4], sent[4:7]]


def test_an_error_befalls_only_the_message_that_is_to_blame(held: Held) -> None:
    held.go.release(10)
    held.trouble[proposal(2)] = ZeroDivisionError()
    with GroupCommit(held) as group, ThreadPoolExecutor(8) as pool:
        with group._changed:
            futures = [pool.submit(group.submit, proposal(n)) for n in range(4)]
        receipts = [future.result() for future in futures]
    assert [receipt.status for receipt in receipts] == ["accepted", "accepted", "invalid", "accepted"]
    assert [problem.code for problem in receipts[2].problems] == ["internal"]


def test_what_the_store_can_not_do_is_told_to_all_of_the_batch(held: Held) -> None:
    held.trouble[proposal(1)] = BusyStore("locked")
    with GroupCommit(held) as group, ThreadPoolExecutor(8) as pool:
        held.go.release()
        group.submit(proposal(9))
        assert held.begun.acquire(timeout=20)
        futures = [pool.submit(group.submit, contact(9, "first"))]
        assert held.begun.acquire(timeout=20)
        futures += [pool.submit(group.submit, proposal(n)) for n in range(3)]
        while len(group._queue) < 3:
            pass
        held.go.release(2)
        assert futures[0].exception() is None
        assert all(isinstance(future.exception(), BusyStore) for future in futures[1:])
        held.trouble.clear()
        held.go.release()
        assert group.submit(proposal(1)).status == "accepted"


def test_closing_handles_what_is_waiting_and_takes_no_more(held: Held) -> None:
    group = GroupCommit(held)
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(group.submit, proposal(0))]
        assert held.begun.acquire(timeout=20)
        futures += [pool.submit(group.submit, proposal(n)) for n in range(1, 5)]
        while len(group._queue) < 4:
            pass
        held.go.release(2)
        group.close()
        assert [future.result(timeout=1).status for future in futures] == ["accepted"] * 5
        with pytest.raises(Closed):
            group.submit(proposal(5))


def test_a_full_queue_turns_callers_away_at_once(held: Held) -> None:
    with GroupCommit(held, max_waiting=1) as group, ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(group.submit, proposal(0))]
        assert held.begun.acquire(timeout=20)
        futures.append(pool.submit(group.submit, proposal(1)))
        while not group._queue:
            pass
        with pytest.raises(Overloaded, match="waiting already"):
            group.submit(proposal(2))
        held.go.release(2)
        assert [future.result().status for future in futures] == ["accepted"] * 2


def test_tasks_are_served_as_threads_are(rapport: Rapport) -> None:
    async def all_at_once(group: GroupCommit) -> list[Receipt]:
        return await asyncio.gather(*(group.receipt(proposal(n)) for n in range(100)))

    with GroupCommit(rapport.handler) as group:
        receipts = asyncio.run(all_at_once(group))
    assert [receipt.status for receipt in receipts] == ["accepted"] * 100


def test_a_task_that_is_cancelled_harms_nobody(held: Held) -> None:
    async def go(group: GroupCommit) -> Receipt:
        leaving = asyncio.create_task(group.receipt(proposal(1)))
        await asyncio.to_thread(held.begun.acquire)
        leaving.cancel()
        held.go.release(2)
        return await group.receipt(contact(1, "after"))

    with GroupCommit(held) as group:
        assert asyncio.run(go(group)).status == "accepted"


def test_a_loop_that_closed_meanwhile_harms_nobody(held: Held) -> None:
    async def go(group: GroupCommit) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(group.receipt(proposal(1)), 0.01)

    with GroupCommit(held) as group:
        asyncio.run(go(group))
        held.go.release(2)
        assert group.submit(contact(1, "after")).status == "accepted"
