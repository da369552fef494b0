"""What Node's SDK of CloudEvents makes and kafkajs sends is understood; where a sender's partitioner differs, Rapport says so."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.cli.app import build
from infra.kafka.placement import SAID
from tests.infra.kafka.running import eventually
from tests.infra.kafka.sdk.conftest import Node
from tests.infra.kafka.sdk.events import DATA, SOURCE, TRACE, accepted, answers, attributes, line
from tests.infra.kafka.stage import Stage
from tests.infra.kafka.test_consume import programme, raw


def event(number: int, **more: Any) -> dict[str, Any]:
    # The SDK writes whole seconds in two ways (09:00:00Z in binary mode, 09:00:00.000Z in the other), which are two texts.
    return {**attributes(number, time="2026-03-02T09:00:00.250Z", **more), "specversion": "1.0", "data": DATA}


def test_kafka_s_bindings_sent_with_kafkajs_are_accepted_in_place(sqlite_stage: Stage, node: Node) -> None:
    stage = sqlite_stage
    stage.start("consume").wait_ready()
    plain, traced = node({"events": [event(0), event(2, traceparent=TRACE, sequence="0042", authid="booking")]})
    again = node({"events": [event(1), event(3, datacontenttype="application/json; charset=utf-8")]})
    messages: list[Any] = [
        plain["kafka binary"],
        again[0]["kafka structured"],
        traced["kafka binary"],
        again[1]["kafka binary"],
        # The same once more in the other form.
        plain["kafka structured"],
    ]
    node({"send": {**where(stage), "partitioner": "DefaultPartitioner", "messages": messages}})
    receipts = [receipt.json["data"] for receipt in stage.read(stage.topics.receipts, len(messages))]
    statuses = [(each["id"], each["status"], each["problems"]) for each in receipts]
    assert sorted(statuses) == [("m0", "accepted", []), ("m0", "duplicate", [])] + [
        (f"m{number}", "accepted", []) for number in range(1, 4)
    ]
    assert stage.running[0].metric("rapport_misplaced_messages_total") == 0


def test_the_bodies_of_http_are_taken_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, node: Node) -> None:
    monkeypatch.setenv("RAPPORT_STORE", f"sqlite:///{tmp_path / 'store.sqlite'}")
    found = node({"events": [event(number, myflag=True, mycount=7) for number in range(3)]})
    bodies = [each[form] for each, form in zip(found, ("http structured", "to string", "to JSON"), strict=True)]
    file = tmp_path / "messages.jsonl"
    file.write_bytes(b"\n".join(map(line, bodies)))
    done = CliRunner().invoke(build(), ["submit", str(file)])
    receipts = [json.loads(each) for each in done.stdout.splitlines()]
    assert {each["id"]: (each["status"], each["problems"]) for each in receipts} == accepted(3)


def test_a_sender_with_another_partitioner_is_told_of_once(sqlite_stage: Stage, node: Node) -> None:
    """Librdkafka's own partitioner is CRC32; kafkajs beside it uses murmur2, so one subject would be on two partitions."""
    stage = sqlite_stage
    running = stage.start("consume").wait_ready()
    subjects = range(30)
    stage.send([raw(programme(number)) for number in subjects])
    messages: list[Any] = [
        {"key": f"programme:p{number}", "value": json.dumps(event(number)), "headers": {}} for number in subjects
    ]
    node({"send": {**where(stage), "partitioner": "JavaCompatiblePartitioner", "messages": messages}})
    answers(stage, 60)
    wrong = eventually(lambda: running.metric("rapport_misplaced_messages_total", why="partition"))
    assert 0 < wrong <= 30
    told = [line for line in running.lines if line["event"] == SAID["partition"]]
    assert [line["source"] for line in told] == ["/tests"]
    assert SOURCE not in {line["source"] for line in told}


def test_keys_that_are_not_the_subject_are_told_of_once_a_source(sqlite_stage: Stage, node: Node) -> None:
    stage = sqlite_stage
    running = stage.start("consume").wait_ready()
    messages: list[Any] = [
        {"key": key, "value": json.dumps(event(number, source=f"/{kind}")), "headers": {}}
        for number, (kind, key) in enumerate([("null", None), ("null", None), ("other", "booking"), ("other", "x")])
    ]
    node({"send": {**where(stage), "partitioner": "DefaultPartitioner", "messages": messages}})
    assert answers(stage, 4) == accepted(4)
    assert running.metric("rapport_misplaced_messages_total", why="key") == 4
    told = sorted(line["source"] for line in running.lines if line["event"] == SAID["key"])
    assert told == ["/null", "/other"]


def where(stage: Stage) -> dict[str, str]:
    return {"bootstrap": stage.bootstrap, "topic": stage.topics.commands}
