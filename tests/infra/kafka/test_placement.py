"""What is the right place of a message: the vectors are those of Kafka's own tests of murmur2."""

from typing import Any

import pytest

from infra.kafka.arrival import Arrived, read
from infra.kafka.placement import SOURCES, Placement, hashed, misplaced, partition_of
from infra.operations.metrics import MISPLACED
from tests.infra.kafka.test_consume import programme, raw

JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize("key, number", JAVA.items())
def test_keys_are_hashed_as_java_hashes_them(key: bytes, number: int) -> None:
    assert hashed(key) % 2**32 == number % 2**32
    assert partition_of(key, 12) == (number & 0x7FFFFFFF) % 12


@pytest.mark.parametrize(
    "key, partition, why",
    [
        (b"foobar", partition_of(b"foobar", 12), None),
        (b"foobar", partition_of(b"foobar", 12) + 1, "partition"),
        (b"FooBar", partition_of(b"FooBar", 12), "key"),
        (b"", 0, "key"),
        (None, 3, "key"),
    ],
)
def test_the_key_is_the_subject_and_the_partition_murmur2_s(key: bytes | None, partition: int, why: str | None) -> None:
    assert misplaced(b"foobar", key, partition, 12) == why


def test_with_one_partition_every_place_is_right() -> None:
    assert misplaced(b"foobar", b"foobar", 0, 1) is None


def arrived(number: int, key: bytes | None, **more: Any) -> Arrived:
    value = raw(programme(number, **more))
    return Arrived("t", 0, number, 0, key, value, [], read(value, []))


def count() -> float:
    return sum(sample.value for metric in MISPLACED.collect() for sample in metric.samples)


def test_sources_without_end_are_counted_and_not_kept() -> None:
    placement, before = Placement(), count()
    placement.partitions = 3
    for number in range(SOURCES + 10):
        placement.check(arrived(number, None, source=f"/made/up/{number}"))
    assert count() - before == SOURCES + 10
    assert len(placement._warned) == SOURCES


def test_what_is_no_message_has_no_place() -> None:
    placement, before = Placement(), count()
    placement.partitions = 3
    placement.check(Arrived("t", 0, 1, 0, None, b"{", [], read(b"{", [])))
    assert count() == before
