"""What the Python SDK of CloudEvents makes, old interface and new, is understood: Kafka's bindings, and HTTP's bodies in files."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings import http as core_http
from cloudevents.core.bindings import kafka as core_kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent as CoreEvent
from cloudevents.v1 import conversion as v1
from cloudevents.v1 import kafka as v1_kafka
from cloudevents.v1.http import CloudEvent as OldEvent
from typer.testing import CliRunner

from infra.bootstrap import open_rapport
from infra.cli.app import build
from tests.infra.kafka.sdk.events import DATA, TRACE, accepted, answers, attributes, line, produce
from tests.infra.kafka.stage import Stage


def old(number: int, **more: Any) -> OldEvent:
    return OldEvent(attributes(number, **more), DATA)


def new(number: int, **more: Any) -> CoreEvent:
    found = attributes(number, **more)
    return CoreEvent({**found, "specversion": "1.0", "time": datetime(2026, 3, 2, 9, tzinfo=UTC)}, DATA)


def test_over_kafka_every_form_is_accepted_and_the_partition_key_stays(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    stage.start("consume").wait_ready()
    made: list[Any] = [
        v1_kafka.to_binary(old(0)),
        v1_kafka.to_structured(old(1)),
        core_kafka.to_binary(new(2), JSONFormat()),
        core_kafka.to_structured(new(3), JSONFormat()),
        v1_kafka.to_binary(old(4, traceparent=TRACE, sequence="0042", dataref="/where/it/is", authid="booking")),
        core_kafka.to_structured(new(5, traceparent=TRACE, sequence="0042", authtype="service_account"), JSONFormat()),
        v1_kafka.to_binary(old(6, datacontenttype="application/json; charset=utf-8", expectedversion="0")),
        core_kafka.to_structured(new(7, expectedversion=0, dataschema="https://example.org/s.json"), JSONFormat()),
        # Data as bytes goes in base64.
        v1_kafka.to_structured(old(8), data_marshaller=lambda data: json.dumps(data).encode()),
    ]
    produce(stage, [(each.headers, str(each.key), bytes(each.value)) for each in made])
    assert answers(stage, len(made)) == accepted(len(made))
    assert stage.running[0].metric("rapport_misplaced_messages_total") == 0
    with open_rapport(stage.settings) as rapport:
        [event] = rapport.store.read("programme:p4")
        assert event.traceparent == TRACE
        [event] = rapport.store.read("programme:p0")
        assert event.data.name == DATA["name"]


def test_sent_again_in_another_form_it_is_a_duplicate(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    stage.start("consume").wait_ready()
    made: list[Any] = [
        v1_kafka.to_binary(old(0)),
        v1_kafka.to_structured(old(0)),
        core_kafka.to_structured(new(0, partitionkey="programme:p0"), JSONFormat()),
        core_kafka.to_binary(new(0, sequence="1"), JSONFormat()),
    ]
    produce(stage, [(each.headers, str(each.key), bytes(each.value)) for each in made])
    receipts = [receipt.json["data"]["status"] for receipt in stage.read(stage.topics.receipts, len(made))]
    assert receipts == ["accepted", "duplicate", "duplicate", "duplicate"]


def test_the_bodies_of_http_are_taken_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_STORE", f"sqlite:///{tmp_path / 'store.sqlite'}")
    bodies: list[bytes | str] = [
        v1.to_structured(old(0))[1],
        v1.to_json(old(1)),
        v1.to_structured(old(2, partitionkey=None))[1],
        core_http.to_structured(new(3), JSONFormat()).body,
        JSONFormat().write(new(4, sequence="7", sampledrate="30")),
        # Data as bytes goes in base64.
        v1.to_structured(old(5), data_marshaller=lambda data: json.dumps(data).encode())[1],
    ]
    file = tmp_path / "messages.jsonl"
    file.write_bytes(b"\n".join(map(line, bodies)))
    done = CliRunner().invoke(build(), ["submit", str(file)])
    receipts = [json.loads(each) for each in done.stdout.splitlines()]
    assert {each["id"]: (each["status"], each["problems"]) for each in receipts} == accepted(len(bodies))
    assert done.exit_code == 0
