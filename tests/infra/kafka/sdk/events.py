"""The events that the SDKs are asked to make, and what became of them."""

import json
from collections.abc import Iterable
from typing import Any

from confluent_kafka import Producer

from tests.infra.kafka.stage import Stage

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SOURCE = "/services/booking"


def attributes(number: int, **more: Any) -> dict[str, Any]:
    """Those of a message that makes a programme, with the partition key that the SDKs take for the key."""
    subject = f"programme:p{number}"
    return {
        "id": f"m{number}",
        "source": SOURCE,
        "type": "rapport.CreateProgramme",
        "subject": subject,
        "time": "2026-03-02T09:00:00Z",
        "datacontenttype": "application/json",
        "actor": "supplier:s",
        "partitionkey": subject,
        **more,
    }


DATA = {"name": "Mentoring für alle", "timezone": "Europe/Berlin"}


def produce(stage: Stage, records: Iterable[tuple[dict[str, bytes], str, bytes]]) -> None:
    """Send records (headers, key, value) as an SDK made them, to the partition that Java's partitioner would choose."""
    producer = Producer({"bootstrap.servers": stage.bootstrap, "partitioner": "murmur2_random"})
    for headers, key, value in records:
        producer.produce(stage.topics.commands, value, key, headers=list(headers.items()))
    assert producer.flush(60) == 0


def answers(stage: Stage, count: int) -> dict[str, tuple[str, list[Any]]]:
    """Status and problems of each message, by its id, once there are so many."""
    found = [receipt.json["data"] for receipt in stage.read(stage.topics.receipts, count)]
    return {each["id"]: (each["status"], each["problems"]) for each in found}


def accepted(count: int) -> dict[str, tuple[str, list[Any]]]:
    """What `answers` should be for messages 0, 1, …"""
    return {f"m{number}": ("accepted", []) for number in range(count)}


def line(body: bytes | str) -> bytes:
    """The body of a request as a line of a file."""
    text = body.encode() if isinstance(body, str) else body
    return json.dumps(json.loads(text)).encode() if b"\n" in text else text
