"""What of a poll is new, what needs only its answer, and what nobody asked for."""

from kafka.structs import TopicPartition

from infra.bootstrap import open_rapport
from infra.intake.message import Message
from infra.kafka.arrival import Arrived, read
from infra.kafka.consume import sort_out
from infra.kafka.earlier import answered_earlier
from infra.kafka.owned_partitions import OwnedPartition
from infra.kafka.record_batches import Record, Skipped
from infra.settings import Settings
from tests.infra.kafka.test_consume import programme, raw


def polled(*offsets: int, partition: int = 0) -> dict[TopicPartition, list[Record]]:
    records = [Record("t", partition, offset, 0, None, raw(programme(offset)), []) for offset in offsets]
    return {TopicPartition("t", partition): records}


def reached(offset: int, partition: int = 0) -> dict[TopicPartition, int]:
    return {TopicPartition("t", partition): offset}


def owned(next_: int, answered: int) -> OwnedPartition:
    return OwnedPartition(0, "kafka:t:0", next_, answered, answered, generation=1)


def test_what_lies_before_the_record_needs_only_its_answer() -> None:
    work = sort_out(polled(3, 4, 5, 6), reached(7), {0: owned(next_=5, answered=4)})
    assert [each.offset for each in work.earlier] == [4]
    assert [each.offset for each in work.new] == [5, 6]


def test_answers_reach_no_further_than_what_was_polled() -> None:
    ours = owned(next_=500, answered=0)
    work = sort_out(polled(*range(100)), reached(100), {0: ours})
    assert len(work.earlier) == 100
    assert work.reached == [(ours, 100)]
    assert ours.offsets(max(ours.next, 100)) == []


def test_what_nobody_sees_is_reached_too() -> None:
    ours, past = owned(next_=7, answered=7), owned(next_=9, answered=9)
    assert sort_out({}, reached(9), {0: ours}).reached == [(ours, 9)]
    assert sort_out(polled(7), reached(12), {0: ours}).reached == [(ours, 12)]
    assert past.offsets(9) == []


def test_what_stands_for_several_records_is_new_while_one_of_them_is() -> None:
    many = Record("t", 0, 3, -1, None, None, [], Skipped("unreadable_record", "broken", 100, last_offset=8))
    place = TopicPartition("t", 0)
    assert [each.offset for each in sort_out({place: [many]}, reached(9), {0: owned(8, 8)}).new] == [3]
    again = sort_out({place: [many]}, reached(9), {0: owned(9, 8)})
    assert ([each.offset for each in again.earlier], again.new) == ([3], [])
    done = sort_out({place: [many]}, reached(9), {0: owned(9, 9)})
    assert (done.earlier, done.new) == ([], [])


def test_a_partition_that_is_not_ours_is_left_alone() -> None:
    work = sort_out(polled(1, 2, partition=7), reached(3, partition=7), {0: owned(0, 0)})
    assert not work.earlier
    assert not work.new
    assert not work.reached


def arrived(offset: int, value: bytes) -> Arrived:
    return Arrived("t", 0, offset, 0, None, value, [], read(value, []))


def test_an_earlier_answer_is_found_in_the_record_and_nothing_is_decided_anew(settings: Settings) -> None:
    accepted, refused = raw(programme(1)), raw(programme(2, type="rapport.AdoptCode", data={"code": "cmn"}))
    other, never = raw(programme(1, data={"name": "Another"})), raw(programme(3))
    with open_rapport(settings) as rapport:
        first = rapport.handler.handle([accepted, refused])
        head = rapport.store.head()
        found = answered_earlier(
            rapport.handler, [arrived(n, value) for n, value in enumerate([accepted, refused, other, never, b"{"])]
        )
        assert rapport.store.head() == head
    assert [each.receipt for each in found[:2]] == first
    assert [each.receipt.status for each in found] == ["accepted", first[1].status, "invalid", "invalid", "invalid"]
    assert [each.receipt.problems[0].code for each in found[2:]] == ["id_reused", "not_recorded", "bad_json"]
    assert isinstance(found[0].arrived.read, Message)
