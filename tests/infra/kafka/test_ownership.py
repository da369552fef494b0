"""Who owns a partition and who publishes is decided in the store: a former owner's writes fail as a whole."""

import time

import pytest

from infra.bootstrap import open_rapport
from infra.kafka.owned_partitions import take_over
from infra.operations.followers import StoreCollector
from infra.settings import Settings
from infra.store import lease
from infra.store.errors import FencedSource
from infra.store.log import EventStore
from infra.store.session import Database

MESSAGE = (
    b'{"specversion":"1.0","id":"m1","source":"/tests","type":"rapport.CreateProgramme","subject":"programme:p1",'
    b'"time":"2026-03-02T09:00:00Z","actor":"supplier:s","data":{"name":"P"}}'
)


class TestClaims:
    def test_begin_at_the_first_message_and_go_on_where_the_record_stands(self, settings: Settings) -> None:
        with open_rapport(settings) as rapport:
            first = take_over(rapport.database, "t", [0, 1])[0]
            assert (first.next, first.answered) == (0, 0)
            rapport.handler.handle([MESSAGE], offsets=first.offsets(7))
            again = take_over(rapport.database, "t", [0])[0]
            assert (again.next, again.answered) == (7, 0)
            assert again.generation > first.generation

    def test_of_a_former_owner_can_not_commit_anything(self, settings: Settings) -> None:
        with open_rapport(settings) as rapport:
            stale = take_over(rapport.database, "t", [0])[0]
            take_over(rapport.database, "t", [0])
            with pytest.raises(FencedSource):
                rapport.handler.handle([MESSAGE], offsets=stale.offsets(1))
            assert rapport.store.head() == 0
            assert rapport.handler.handle([MESSAGE])[0].status == "accepted"

    def test_can_not_go_back(self, settings: Settings) -> None:
        with open_rapport(settings) as rapport:
            ours = take_over(rapport.database, "t", [0])[0]
            rapport.store.append_stored([], offsets=ours.offsets(7))
            with pytest.raises(FencedSource):
                rapport.store.append_stored([], offsets=ours.offsets(7))

    def test_remember_how_far_answers_have_arrived(self, database: Database) -> None:
        store = EventStore(database)
        ours = take_over(database, "t", [3])[3]
        ours.answered = 5
        offsets = ours.offsets(9)
        store.append_stored([], offsets=offsets)
        ours.wrote(offsets)
        assert ours.offsets(9) == []
        again = take_over(database, "t", [3])[3]
        assert (again.next, again.answered) == (9, 5)

    def test_of_two_topics_do_not_meet(self, database: Database) -> None:
        here, there = take_over(database, "a", [0])[0], take_over(database, "b", [0])[0]
        EventStore(database).append_stored([], offsets=[*here.offsets(3), *there.offsets(4)])
        assert (take_over(database, "a", [0])[0].next, take_over(database, "b", [0])[0].next) == (3, 4)


class TestLeases:
    def test_are_held_by_one(self, database: Database) -> None:
        lease.prepare(database)
        ours = lease.take(database, "publish:e", 10)
        assert ours is not None
        assert lease.take(database, "publish:e", 10) is None
        assert lease.take(database, "publish:f", 10) is not None

    def test_can_be_let_go_of(self, database: Database) -> None:
        lease.prepare(database)
        ours = lease.take(database, "publish:e", 10)
        assert ours is not None
        ours.keep(42)
        ours.release()
        theirs = lease.take(database, "publish:e", 10)
        assert theirs is not None
        assert theirs.position == 42

    def test_run_out_by_the_clock_of_the_database_and_fence_who_held_them(self, database: Database) -> None:
        lease.prepare(database)
        ours = lease.take(database, "publish:e", seconds=0.2)
        assert ours is not None
        ours.keep(1)
        time.sleep(0.3)
        ours.keep(2)  # nobody else has come, so it is still ours
        time.sleep(0.3)
        theirs = lease.take(database, "publish:e", 10)
        assert theirs is not None
        with pytest.raises(FencedSource):
            ours.keep(3)
        ours.release()  # takes nothing from the one who holds it now
        assert lease.take(database, "publish:e", 10) is None
        assert theirs.position == 2

    def test_may_be_prepared_by_all_at_once(self, database: Database) -> None:
        for _ in range(3):
            lease.prepare(database)

    def test_show_in_the_metrics_of_every_process(self, store_url: str) -> None:
        with open_rapport(Settings(store=store_url, synchronous="off")) as rapport:
            rapport.handler.handle([MESSAGE])
            collector = StoreCollector(rapport.store)
            assert next(metric.samples for metric in collector.collect()) == []
            lease.prepare(rapport.database)
            assert lease.take(rapport.database, "publish:e", 10) is not None
            [lag, *_] = collector.collect()
            [sample] = lag.samples
            assert (sample.labels, sample.value) == ({"follower": "publish:e"}, 1.0)
