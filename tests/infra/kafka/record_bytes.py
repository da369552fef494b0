"""Batches of records written by hand, for what no client would write, and requests that bring them to a broker as they are."""

import struct
from collections.abc import Sequence
from typing import Any

from kafka.protocol.producer import ProduceRequest
from kafka.record.default_records import DefaultRecordBase
from kafka.record.util import calc_crc32c, encode_varint

HEADER = DefaultRecordBase.HEADER_STRUCT


def varint(value: int) -> bytes:
    out = bytearray()
    encode_varint(value, out.append)
    return bytes(out)


def nullable(data: bytes | None) -> bytes:
    return varint(-1) if data is None else varint(len(data)) + data


def record(
    value: bytes | None,
    *,
    delta: int = 0,
    key: bytes | None = None,
    headers: Sequence[tuple[bytes, bytes | None]] = (),
) -> bytes:
    """One record; `delta` is how far its offset is from the first of its batch."""
    told = b"".join(varint(len(name)) + name + nullable(content) for name, content in headers)
    body = b"\0" + varint(0) + varint(delta) + nullable(key) + nullable(value) + varint(len(headers)) + told
    return varint(len(body)) + body


def batch(
    body: bytes, count: int, *, codec: int = 0, first: int = 0, last_delta: int | None = None, **changed: int
) -> bytes:
    """A batch around records that may be compressed; `changed` puts false values into its header, after the checksum."""
    fields = {
        "first": first,
        "length": HEADER.size - 12 + len(body),
        "epoch": 0,
        "magic": 2,
        "crc": 0,
        "attributes": codec,
        "last_delta": count - 1 if last_delta is None else last_delta,
        "began_ms": 1_772_442_000_000,
        "latest_ms": 1_772_442_000_000,
        "producer_id": -1,
        "producer_epoch": -1,
        "sequence": -1,
        "count": count,
    }
    made = bytearray(HEADER.pack(*fields.values()) + body)
    fields["crc"] = calc_crc32c(bytes(made[DefaultRecordBase.ATTRIBUTES_OFFSET :]))
    HEADER.pack_into(made, 0, *(fields | changed).values())
    return bytes(made)


def produce(bootstrap: str, topic: str, partition: int, batch_bytes: bytes, within_ms: int = 60_000) -> int:
    """Send a batch as it is; its first offset. Raises what the broker says against it."""
    from kafka import KafkaAdminClient, errors

    with KafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=within_ms) as admin:
        of_topic = ProduceRequest.TopicProduceData
        data = of_topic.PartitionProduceData(index=partition, records=batch_bytes)
        request = ProduceRequest(
            transactional_id=None,
            acks=-1,
            timeout_ms=within_ms,
            topic_data=[of_topic(name=topic, partition_data=[data])],
            max_version=8,
        )
        manager: Any = admin._manager
        response = manager.run(manager.send, request)
        [answer] = response.responses[0].partition_responses
        if answer.error_code:
            raise errors.for_code(answer.error_code)(str(answer))
        return int(answer.base_offset)


__all__ = ["batch", "nullable", "produce", "record", "struct", "varint"]
