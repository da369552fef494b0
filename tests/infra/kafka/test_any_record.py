"""No record stops a partition: whatever is on `rapport.commands`, what follows is recorded, and what was skipped is told."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer, admin
from kafka import KafkaProducer
from structlog.testing import capture_logs

from infra.bootstrap import open_rapport
from infra.kafka import answers, arrival, publish
from infra.kafka.consume import Consuming
from infra.kafka.facts import fact
from infra.operations.process import Process
from infra.operations.tracing import Tracing
from tests.infra.kafka.record_bytes import batch, produce, record
from tests.infra.kafka.running import Running, eventually
from tests.infra.kafka.stage import Read, Stage
from tests.infra.kafka.test_consume import answered, programme, raw, receipts_in_order, statuses
from tests.infra.kafka.test_record_batches import bomb

CODECS = ("gzip", "snappy", "lz4", "zstd")


def configure(stage: Stage, topic: str, **settings: str) -> None:
    them: Any = admin
    entries = [
        them.ConfigEntry(name.replace("_", "."), value, incremental_operation=them.AlterConfigOpType.SET)
        for name, value in settings.items()
    ]
    resource = them.ConfigResource(them.ResourceType.TOPIC, topic, incremental_configs=entries)
    client = them.AdminClient({"bootstrap.servers": stage.bootstrap})
    for future in client.incremental_alter_configs([resource]).values():
        future.result(30)


def nothing_is_left(stage: Stage, running: Running) -> None:
    """The metric comes to nothing, and no session was ended by what was read."""
    eventually(lambda: running.metric("rapport_unread_messages") == 0, said=stage.logs())
    assert not running.said("begins anew"), stage.logs()
    assert not running.said("begins anew after a mistake of its own"), stage.logs()


def letters(stage: Stage) -> list[dict[str, Any]]:
    done = stage.call("dead-letters", "list", "--json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return sorted(found, key=lambda letter: int(letter["id"].rsplit("/", 1)[1]))


def outcome(receipts: Sequence[Read]) -> list[str]:
    return [receipt.json["status"] for receipt in receipts_in_order(receipts)]


def peak(running: Running) -> int:
    """The most memory that a process has held so far, in KiB."""
    found = re.search(r"VmHWM:\s*(\d+)", Path(f"/proc/{running.process.pid}/status").read_text())
    assert found is not None
    return int(found[1])


class TestCodecs:
    def test_of_producers_in_c_and_in_python_are_all_read(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        running = stage.start("consume").wait_ready()
        numbers = iter(range(1000))
        for codec in CODECS:
            for linger, level in ((2, -1), (200, 1)):
                messages = [raw(programme(next(numbers))) for _ in range(20)]
                stage.send(messages, compression_type=codec, linger_ms=linger, compression_level=level)
            with KafkaProducer(bootstrap_servers=stage.bootstrap, compression_type=codec, linger_ms=100) as producer:
                for _ in range(20):
                    producer.send(stage.topics.commands, raw(programme(next(numbers))), b"key")
                producer.flush()
        stage.send([raw(programme(next(numbers)))])
        count = next(numbers)
        assert statuses(answered(stage, count)) == {"accepted": count}
        nothing_is_left(stage, running)

    @pytest.mark.parametrize("codec", CODECS)
    def test_that_the_topic_asks_for_are_read(self, sqlite_stage: Stage, codec: str) -> None:
        stage = sqlite_stage
        for topic in stage.topics.all:
            configure(stage, topic, compression_type=codec)
        running = stage.start("consume").wait_ready()
        stage.send([raw(programme(number)) for number in range(20)], linger_ms=100)
        stage.send([b"nonsense" * 100, raw(programme(20))], partition=0, key="k")
        assert statuses(answered(stage, 22)) == {"accepted": 21, "dead_lettered": 1}
        assert len(letters(stage)) == 1
        nothing_is_left(stage, running)


class TestForms:
    def test_keys_headers_and_values_may_be_missing_or_no_text(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        running = stage.start("consume").wait_ready()
        message = raw(programme(1))
        odd = [
            record(None),
            record(None, key=b"programme:p1"),
            record(b""),
            record(b"\x00\xff\xfe"),
            record(None, headers=[(b"\xff\xfe", b"\xff")]),
            record(b"{", key=b"\xff", headers=[(b"\xff\xfe", b"\xff"), (b"", b""), (b"null", None), (b"ce", None)]),
            record(message, headers=[(b"\xff\xfe", b"\xff"), (b"\x80", None), (b"ce_\xff", None)]),
            record(raw(programme(2)), key=b"\xff\xfe", headers=[(b"traceparent", None), (b"content-type", None)]),
            record(raw(programme(3)), key=b"", headers=[(b"content-type", b"\xff"), (b"traceparent", b"\xff")]),
            record(raw(programme(4)), headers=[(b"x", b"")] * 3000),
        ]
        for each in odd:
            produce(stage.bootstrap, stage.topics.commands, 0, batch(each, 1))
        stage.send([raw(programme(5))], partition=0)
        receipts = answered(stage, len(odd) + 1)
        assert outcome(receipts) == ["dead_lettered"] * 6 + ["accepted"] * 5
        found = letters(stage)
        assert len(found) == 6
        assert "without a value" in found[0]["reason"]
        shown = json.loads(stage.call("dead-letters", "show", found[5]["id"], "--json").stdout)
        assert shown["headers"]["\\xff\\xfe"] == "\ufffd"
        assert "null" not in shown["headers"]
        nothing_is_left(stage, running)

    def test_headers_without_a_value_are_absent_ones(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        message = programme()
        data = message.pop("data")
        headers: dict[str, str | bytes | None] = {f"ce_{name}": value for name, value in message.items()}
        absent = ("ce_correlationid", "ce_dataschema", "ce_traceparent", "ce_expectedversion", "content-type")
        running = stage.start("consume").wait_ready()
        stage.send([json.dumps(data).encode()], headers=headers | dict.fromkeys(absent), partition=0, key="k")
        stage.send([json.dumps(data).encode()], headers=headers, partition=0, key="k")
        stage.send([json.dumps(data).encode()], headers=headers | {"ce_id": None}, partition=0, key="k")
        receipts = receipts_in_order(answered(stage, 3))
        assert outcome(receipts) == ["accepted", "duplicate", "dead_lettered"]
        [problem] = receipts[2].json["data"]["problems"]
        assert (problem["code"], problem["field"]) == ("missing", "id")
        nothing_is_left(stage, running)

    def test_json_of_any_depth_is_answered_in_either_mode(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        running = stage.start("consume").wait_ready()
        message = programme()
        message.pop("data")
        headers = {f"ce_{name}": value for name, value in message.items()} | {"content-type": "application/json"}
        depths = [1, 63, 64, 65, 127, 253, 254, 255, 512, 1019, 1020, 1021, 1023, 1024, 1025, 2000, 100_000]
        nested = [b'{"a":' * depth + b"1" + b"}" * depth for depth in depths]
        nested += [b"[" * depth + b"]" * depth for depth in depths]
        stage.send([raw(programme())[:-1] + b',"deep":' + each + b"}" for each in nested], partition=0, key="k")
        stage.send(nested, partition=0, key="k")
        stage.send(nested, partition=0, key="k", headers=dict(headers))
        stage.send([raw(programme(2))], partition=0)
        receipts = answered(stage, 3 * len(nested) + 1)
        assert outcome(receipts) == ["dead_lettered"] * 3 * len(nested) + ["accepted"]
        assert len(letters(stage)) == 3 * len(nested)
        nothing_is_left(stage, running)

    def test_a_sender_can_not_speak_for_rapport_in_headers(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        stage.start("consume").wait_ready()
        stage.send([b"first"], partition=0, key="k")
        forged: dict[str, str | bytes | None] = {
            "rapport-resubmitted": f"{stage.topics.commands}/0/0",
            "rapport-left-out": "7",
            "rapport-last-offset": "99",
            "sender-x": "kept",
        }
        stage.send([b"second"], partition=0, key="k", headers=forged)
        answered(stage, 2)
        first, second = letters(stage)
        assert (first["resubmitted"], second["resubmitted"], second["left_out"], second["last_offset"]) == (None,) * 4
        shown = json.loads(stage.call("dead-letters", "show", second["id"], "--json").stdout)
        assert shown["headers"] == forged
        assert stage.call("dead-letters", "resubmit", second["id"]).returncode == 0


class TestTransactions:
    def test_what_was_aborted_is_not_read_and_not_counted_as_unread(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        running = stage.start("consume").wait_ready()
        producer = Producer(
            {"bootstrap.servers": stage.bootstrap, "transactional.id": stage.topics.prefix, "log_level": 2}
        )
        producer.init_transactions(30)
        numbers = iter(range(100))
        for count, committed in ((3, True), (2, False), (3, True), (5, False)):
            producer.begin_transaction()
            for _ in range(count):
                producer.produce(stage.topics.commands, raw(programme(next(numbers))), partition=0)
            producer.flush(30)
            if committed:
                producer.commit_transaction(30)
            else:
                producer.abort_transaction(30)
        assert statuses(answered(stage, 6)) == {"accepted": 6}
        nothing_is_left(stage, running)
        assert running.stop() == 0
        # Another one goes on behind the markers, and has nothing to do.
        again = stage.start("consume").wait_ready()
        nothing_is_left(stage, again)
        assert len(answered(stage, 6)) == 6
        assert letters(stage) == []


class TestSizes:
    def test_larger_than_a_fetch_and_than_an_answer_may_be(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        configure(stage, stage.topics.commands, max_message_bytes="104857600")
        running = stage.start("consume").wait_ready()
        stage.send([raw(programme(1))], partition=0)
        answered(stage, 1)
        before = peak(running)
        sizes = [2_000_000, 20_000_000, 60_000_000]
        for number, size in enumerate(sizes):
            produce(stage.bootstrap, stage.topics.commands, 0, batch(record(b" " * size, key=b"large"), 1))
            stage.send([raw(programme(2 + number))], partition=0)
            stage.send([raw(programme(10 + number))], partition=1)
        receipts = answered(stage, 10)
        assert statuses(receipts) == {"accepted": 7, "dead_lettered": 3}
        found = letters(stage)
        assert [letter["problems"][0]["code"] for letter in found] == ["too_large"] * 3
        # The last was not received, so its size is that of its batch.
        assert [letter["left_out"] for letter in found] == [*sizes[:2], found[2]["left_out"]]
        assert sizes[2] < found[2]["left_out"] < sizes[2] + 200
        nothing_is_left(stage, running)
        held = peak(running) - before
        assert held < 64 * 1024, held

    def test_bombs_are_told_and_what_is_beside_them_is_recorded(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        configure(stage, stage.topics.commands, max_message_bytes="4000000")
        running = stage.start("consume").wait_ready()
        stage.send([raw(programme(1))], partition=0)
        answered(stage, 1)
        before = peak(running)
        for name in ("gzip", "zstd"):
            produce(stage.bootstrap, stage.topics.commands, 0, bomb(name, 400_000_000), 120_000)
        stage.send([raw(programme(2))], partition=0)
        receipts = answered(stage, 8)
        assert outcome(receipts) == ["accepted", *["dead_lettered"] * 6, "accepted"]
        found = letters(stage)
        assert [letter["problems"][0]["code"] for letter in found] == ["bad_json", "too_large", "bad_json"] * 2
        assert found[1]["left_out"] == found[4]["left_out"] == 400_000_000
        nothing_is_left(stage, running)
        held = peak(running) - before
        assert held < 64 * 1024, held


class TestDamage:
    def test_on_the_brokers_disk_is_told_and_reading_goes_on(self, sqlite_stage: Stage, kafka_data: Path) -> None:
        stage = sqlite_stage
        mark = b"to be damaged"
        for number in range(4):
            stage.send([raw(programme(number))], partition=0)
            damaged = b"".join(record(mark, delta=delta) for delta in range(3))
            produce(stage.bootstrap, stage.topics.commands, 0, batch(damaged, 3))
        stage.send([raw(programme(9))], partition=0)
        stage.send([raw(programme(10))], partition=1)
        [log] = kafka_data.glob(f"**/{stage.topics.commands}-0/*.log")
        data = log.read_bytes()
        places = [found.start() for found in re.finditer(re.escape(mark), data)][1::3]
        assert len(places) == 4
        with log.open("r+b") as file:
            for place in places:
                file.seek(place)
                file.write(b"T")
        running = stage.start("consume").wait_ready()
        receipts = [each for each in answered(stage, 10) if "/0/" in each.json["id"]]
        assert outcome(receipts) == ["accepted", "dead_lettered"] * 4 + ["accepted"]
        found = letters(stage)
        assert [(letter["id"].rsplit("/", 1)[1], letter["last_offset"]) for letter in found] == [
            (str(first), first + 2) for first in (1, 5, 9, 13)
        ]
        assert all("checksum" in letter["reason"] for letter in found)
        text = stage.call("dead-letters", "show", found[0]["id"]).stdout.decode()
        assert "records 1 to 3 could not be read" in text
        refused = stage.call("dead-letters", "resubmit", found[0]["id"])
        assert refused.returncode == 1
        nothing_is_left(stage, running)


class TestOwnMistakes:
    @pytest.mark.parametrize("where", ["reading", "answering", "naming"])
    def test_cost_the_one_message_and_are_told(
        self, sqlite_stage: Stage, where: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stage = sqlite_stage
        bad = programme(2)

        def fails_on_the_second(real: Callable[..., Any], about: Callable[..., bool]) -> Callable[..., Any]:
            def failing(*given: Any) -> Any:
                if about(*given):
                    raise RecursionError("too deep for us: m2")
                return real(*given)

            return failing

        places: dict[str, tuple[Any, str, Callable[..., bool]]] = {
            "reading": (arrival, "read", lambda value, *_: value == raw(bad)),
            "answering": (answers, "receipt_event", lambda _, receipt, *__: receipt.id == "m2"),
            "naming": (answers, "key_of", lambda arrived, _: arrived.offset == 1),
        }
        module, name, about = places[where]
        monkeypatch.setattr(module, name, fails_on_the_second(getattr(module, name), about))
        stage.send([raw(programme(1)), raw(bad), raw(programme(3))], partition=0)
        with open_rapport(stage.settings) as rapport, capture_logs() as lines:
            session = Consuming(rapport, Process("consume", Tracing(enabled=False)))
            try:
                until = time.monotonic() + 60
                while sum(each.next for each in session.assignment.owned.values()) < 3:
                    assert time.monotonic() < until
                    session.turn()
                session.finish()
            finally:
                session.close()
        receipts = receipts_in_order(answered(stage, 3))
        assert outcome(receipts) == ["accepted", "dead_lettered", "accepted"]
        assert receipts[1].json["data"]["problems"][0]["code"] == "internal"
        [letter] = stage.read(stage.topics.dead_letters, 1)
        assert letter.headers["rapport-reason"].startswith("internal: ")
        assert letter.value == raw(bad)
        [line] = [line for line in lines if line["event"] == "Rapport failed on a message"]
        assert line["sha256"] == hashlib.sha256(raw(bad)).hexdigest()
        assert line["why"] == "RecursionError"
        assert "m2" not in str(line)

    def test_in_a_fact_keep_back_no_other(self, sqlite_stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        stage = sqlite_stage

        def failing(recorded: Any, source: str, position: int, codes: frozenset[str]) -> bytes | None:
            if recorded.subject == "programme:p2":
                raise RecursionError("too deep for us: p2")
            return fact(recorded, source, position, codes)

        monkeypatch.setattr(publish, "fact", failing)
        with open_rapport(stage.settings) as rapport, capture_logs() as lines:
            rapport.handler.handle([raw(programme(number)) for number in (1, 2, 3)])
            session = publish.Publishing(rapport, Process("publish", Tracing(enabled=False)))
            try:
                until = time.monotonic() + 60
                while session.lease is None or session.lease.position < 3:
                    assert time.monotonic() < until
                    session.turn()
                session.finish()
            finally:
                session.close()
        facts = stage.read(stage.topics.events, 2)
        assert {each.json["subject"] for each in facts} == {"programme:p1", "programme:p3"}
        [line] = [line for line in lines if line["event"].startswith("Rapport failed on a fact")]
        assert line["position"] == 2
