"""`rapport consume` against a real broker: what a foreign client sends is recorded once, answered, or put aside with a reason."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from typing import Any

from kafka import KafkaProducer

from infra.bootstrap import open_rapport
from infra.intake import encrypted
from infra.kafka.dead_letters import dead_letters
from infra.operations.outages import BEGINS
from infra.simulate.stream import Simulation
from tests.infra.kafka.running import eventually
from tests.infra.kafka.stage import Read, Stage

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def simulated(relationships: int = 3, seed: int = 5) -> list[bytes]:
    return list(Simulation(relationships, seed).messages())


def programme(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"m{number}",
        "source": "/tests",
        "type": "rapport.CreateProgramme",
        "subject": f"programme:p{number}",
        "time": "2026-03-02T09:00:00Z",
        "actor": "supplier:s",
        "data": {"name": "Programme"},
        **more,
    }


def raw(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode()


def statuses(receipts: Iterable[Read]) -> Counter[str]:
    return Counter(receipt.json["data"]["status"] for receipt in receipts)


def receipts_in_order(receipts: Iterable[Read]) -> list[Read]:
    """Those of one partition in the order of their messages."""
    return sorted(receipts, key=lambda receipt: int(receipt.json["id"].rsplit("/", 1)[1]))


def answered(stage: Stage, count: int) -> list[Read]:
    """The receipts, once there are so many."""
    return stage.read(stage.topics.receipts, count)


class TestWhatIsWellFormed:
    def test_is_recorded_in_order_and_answered_once_each(self, stage: Stage) -> None:
        messages = simulated()
        stage.start("consume").wait_ready()
        stage.send(messages)
        receipts = answered(stage, len(messages))
        assert statuses(receipts) == {"accepted": len(messages)}
        assert {r.json["data"]["id"] for r in receipts} == {json.loads(m)["id"] for m in messages}
        assert all(r.key == r.json["subject"] == r.json["data"]["subject"] for r in receipts)
        assert stage.running[0].stop() == 0
        with open_rapport(stage.settings) as rapport:
            recorded = [rapport.store.decode_facts(n).message_id for n in rapport.store.logged(0, 10_000)]
        once = list(dict.fromkeys(recorded))
        by_subject = {m["id"]: m["subject"] for m in map(json.loads, messages)}
        for subject in set(by_subject.values()):
            sent = [m["id"] for m in map(json.loads, messages) if m["subject"] == subject]
            assert [i for i in once if by_subject[i] == subject] == sent
        assert json.loads(stage.call("audit", "verify", "--json").stdout)["ok"]

    def test_receipts_are_cloudevents_with_an_id_of_their_own(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        stage.start("consume").wait_ready()
        stage.send([raw(programme(traceparent=TRACE))])
        [receipt] = answered(stage, 1)
        event = receipt.json
        place = event["id"].rsplit("/", 2)
        assert place[0] == stage.topics.commands
        assert (event["specversion"], event["type"], event["status"]) == ("1.0", "rapport.Receipt", "accepted")
        assert event["data"]["events"] == [{"type": "rapport.ProgrammeCreated", "version": 1}]
        assert event["traceparent"] == receipt.headers["traceparent"] == TRACE

    def test_sent_twice_is_a_duplicate_wherever_it_arrives(self, stage: Stage) -> None:
        messages = list(islice(simulated(1), 12))
        stage.start("consume").wait_ready()
        stage.send(messages)
        answered(stage, len(messages))
        for partition in range(3):
            stage.send(messages, partition=partition)
        receipts = answered(stage, 4 * len(messages))
        assert statuses(receipts) == {"accepted": len(messages), "duplicate": 3 * len(messages)}

    def test_the_same_on_three_partitions_at_once_is_recorded_once(self, stage: Stage) -> None:
        messages = [raw(programme(number)) for number in range(60)]
        for partition in range(3):
            stage.send(messages, partition=partition)
        for _ in range(2):
            stage.start("consume")

        def first_copies() -> dict[str, Any] | None:
            answers = {receipt.json["id"]: receipt.json["data"] for receipt in answered(stage, 180)}
            return answers if len(answers) == 180 else None

        answers = eventually(first_copies)
        assert {answer["status"] for answer in answers.values()} == {"accepted", "duplicate"}
        assert {answer["id"] for answer in answers.values() if answer["status"] == "accepted"} == {
            f"m{number}" for number in range(60)
        }
        with open_rapport(stage.settings) as rapport:
            assert len(rapport.store.logged(0, 1000)) == 60

    def test_out_of_order_is_refused_by_the_rules_and_answered(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        relationship = list(islice((m for m in simulated(1) if ":" not in json.loads(m)["subject"]), 20))
        stage.start("consume").wait_ready()
        stage.send(reversed(relationship))
        receipts = answered(stage, len(relationship))
        assert statuses(receipts)["refused"] == len(relationship) - 1
        assert all(r.json["data"]["problems"] for r in receipts if r.json["status"] == "refused")

    def test_binary_mode_and_trace_headers_are_understood(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        message = programme()
        data = message.pop("data")
        headers = {f"ce_{name}": value for name, value in message.items()}
        headers |= {"content-type": "application/json; charset=utf-8", "traceparent": TRACE, "ce_expectedversion": "0"}
        stage.start("consume").wait_ready()
        stage.send([json.dumps(data).encode()], headers=headers, key="programme:p1")
        [receipt] = answered(stage, 1)
        assert receipt.json["status"] == "accepted"
        with open_rapport(stage.settings) as rapport:
            [event] = rapport.store.read("programme:p1")
        assert event.traceparent == TRACE


class TestWhatIsNot:
    def test_nothing_is_too_much_to_be_answered(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        parties = {"programme_id": "p", "mentee_id": "a", "mentor_id": "b", "codes": ["x"] * 5_000}
        relationship = "dddd0000-0000-4000-8000-000000000005"
        poison = [
            raw(programme(type="rapport.ProposeRelationship", subject=relationship, data=parties)),
            raw(programme(data={"name": "Programme"} | {f"field{number}": 1 for number in range(15_000)})),
            raw(programme(subject="x" * 250_000)),
            raw(programme(data={"y" * 250_000: 1})),
            b"{" + b" " * 1_048_300,
            b"{" + b" " * 3_000_000,
        ]
        stage.start("consume").wait_ready()
        stage.send(poison[:-2], partition=0)
        stage.send(poison[-2:-1], partition=0, key="k", message_max_bytes=1_048_500)
        stage.send(poison[-1:], partition=0, key="k", message_max_bytes=10_000_000, compression_type="gzip")
        stage.send([raw(programme(2))], partition=0)
        receipts = answered(stage, len(poison) + 1)
        assert [receipt.json["status"] for receipt in receipts_in_order(receipts)] == ["dead_lettered"] * 6 + [
            "accepted"
        ]
        letters = json.loads(stage.call("dead-letters", "list", "--json").stdout)
        assert [letter["left_out"] for letter in letters] == [None] * 4 + [len(value) for value in poison[-2:]]
        assert [len(letter["problems"]) for letter in letters] == [51, 51, 1, 2, 1, 1]
        assert letters[0]["problems"][-1]["code"] == "more"
        assert not stage.running[0].said(BEGINS)
        refused = stage.call("dead-letters", "resubmit", letters[-1]["id"])
        assert refused.returncode == 1
        assert b"--body" in refused.stderr

    def test_a_topic_that_was_made_anew_is_not_read_on_even_if_it_is_longer(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        stage.start("consume").wait_ready()
        stage.send([raw(programme(number)) for number in range(2)], partition=0)
        answered(stage, 2)
        assert stage.running[0].stop() == 0
        stage.topics.server.delete_topics([stage.topics.commands])
        stage.topics.server.create_topics(3, [stage.topics.commands])
        stage.send([raw(programme(number)) for number in range(10, 15)], partition=0)
        running = stage.start("consume")
        eventually(lambda: running.said(BEGINS))
        status, page = running.page("/ready")
        assert status == 503
        assert "made anew" in json.loads(page)["consumer"]
        assert running.stop() == 0
        with open_rapport(stage.settings) as rapport:
            assert rapport.store.head() == 2

    def test_becomes_a_dead_letter_that_says_why_and_from_where(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        stage.start("consume").wait_ready()
        poison = [
            b"\xff\xfe",
            b"not json",
            b"[]",
            b"",
            raw(programme(type="rapport.Nonsense")),
            raw(programme(time="2026-03-02T09:00:00")),
        ]
        stage.send(poison, partition=1)
        stage.send([raw(programme(2))], partition=1)
        receipts = answered(stage, len(poison) + 1)
        assert statuses(receipts) == {"dead_lettered": len(poison), "accepted": 1}
        letters = stage.read(stage.topics.dead_letters, len(poison))
        assert sorted(letter.value for letter in letters) == sorted(poison)
        for letter in letters:
            offset = poison.index(letter.value)
            assert letter.headers["rapport-topic"] == stage.topics.commands
            assert (letter.headers["rapport-partition"], letter.headers["rapport-offset"]) == ("1", str(offset))
            assert letter.headers["rapport-time"].endswith("Z")
            receipt = next(r for r in receipts if r.json["id"].endswith(f"/1/{offset}"))
            assert json.loads(letter.headers["rapport-problems"]) == receipt.json["data"]["problems"]
            assert letter.headers["rapport-reason"].startswith(receipt.json["data"]["problems"][0]["code"])
        assert stage.running[0].metric("rapport_dead_letters_total") == len(poison)

    def test_can_be_listed_shown_put_right_and_sent_again(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        stage.start("consume").wait_ready()
        wrong = programme(data={"name": "Programme", "colour": "blue"}, traceparent=TRACE)
        stage.send([raw(wrong)])
        [receipt] = answered(stage, 1)
        letter_id = receipt.json["id"]
        [listed] = json.loads(stage.call("dead-letters", "list", "--json").stdout)
        assert (listed["id"], listed["key"], listed["traceparent"]) == (letter_id, "programme:p1", TRACE)
        shown = json.loads(stage.call("dead-letters", "show", letter_id.split("/", 1)[1], "--json").stdout)
        assert json.loads(shown["value"]) == wrong
        assert not shown["well_formed"]

        assert stage.call("dead-letters", "resubmit", letter_id).returncode == 0
        assert statuses(answered(stage, 2)) == {"dead_lettered": 2}
        first, second = json.loads(stage.call("dead-letters", "list", "--all", "--json").stdout)
        assert first["resubmitted"] is not None
        assert second["resubmitted"] is None

        fixed = stage.call("dead-letters", "resubmit", second["id"], "--body", "-", given=raw(programme()))
        assert fixed.returncode == 0, fixed.stderr
        assert statuses(answered(stage, 3)) == {"dead_lettered": 2, "accepted": 1}
        assert json.loads(stage.call("dead-letters", "list", "--json").stdout) == []
        assert stage.call("dead-letters", "show", "9/9").returncode == 1

    def test_what_was_put_right_goes_out_encrypted_where_there_is_a_key(self, sqlite_stage: Stage) -> None:
        settings = sqlite_stage.settings.model_copy(update={"kafka_encrypted": True})
        encrypted.add_key(settings)
        stage = replace(sqlite_stage, settings=settings)
        stage.start("consume").wait_ready()
        whole, binary = programme(), programme(2)
        data = json.dumps(binary.pop("data")).encode()
        with KafkaProducer(bootstrap_servers=stage.bootstrap) as producer:
            producer.send(stage.topics.commands, raw(whole), b"programme:p1")
            headers = [(f"ce_{name}", value.encode()) for name, value in binary.items()]
            producer.send(stage.topics.commands, data, b"programme:p2", headers=headers)
        answered(stage, 2)
        bodies = {"programme:p1": raw(whole), "programme:p2": data}
        for letter in json.loads(stage.call("dead-letters", "list", "--json").stdout):
            body = bodies[letter["key"]]
            done = stage.call("dead-letters", "resubmit", letter["id"], "--body", "-", given=body)
            assert done.returncode == 0, done.stderr
        assert statuses(answered(stage, 4)) == {"dead_lettered": 2, "accepted": 2}
        in_the_clear = [b'"Programme"' in each.value for each in stage.read(stage.topics.commands, 4)]
        assert Counter(in_the_clear) == {True: 2, False: 2}

    def test_what_can_be_no_message_is_not_sent_in_its_place(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        stage.start("consume").wait_ready()
        stage.send([b"no message"])
        [receipt] = answered(stage, 1)
        for body, why in ((b" \n", b"expected a message"), (b"x" * 262_145, b"expected at most 262144 bytes")):
            done = stage.call("dead-letters", "resubmit", receipt.json["id"], "--body", "-", given=body)
            assert done.returncode == 2
            assert b"--body: " + why in b" ".join(done.stderr.split())
        [listed] = json.loads(stage.call("dead-letters", "list", "--json").stdout)
        assert listed["resubmitted"] is None

    def test_is_shown_with_every_header_and_its_key_as_text(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        stage.start("consume").wait_ready()
        with KafkaProducer(bootstrap_servers=stage.bootstrap) as producer:
            headers = [("ce_id", b"first"), ("ce_id", b"second"), ("ce_type", b"rapport.CreateProgramme")]
            producer.send(stage.topics.commands, b"{}", b"programme:p1", headers=headers)
        [receipt] = answered(stage, 1)
        assert receipt.json["data"]["problems"][0]["code"] == "duplicate_key"
        letter_id = receipt.json["id"]
        shown = json.loads(stage.call("dead-letters", "show", letter_id, "--json").stdout)
        assert shown["headers"] == {"ce_id": ["first", "second"], "ce_type": "rapport.CreateProgramme"}
        text = stage.call("dead-letters", "show", letter_id).stdout
        assert b"header ce_id: first" in text
        assert b"header ce_id: second" in text
        listed = stage.call("dead-letters", "list").stdout
        assert b"b'" not in listed

    def test_with_a_key_it_is_encrypted_on_the_topic_whole_for_who_has_the_key_and_for_nobody_else(
        self, sqlite_stage: Stage
    ) -> None:
        stage = sqlite_stage
        encrypted.add_key(stage.settings)
        stage.start("consume").wait_ready()
        words = "kingfisher"
        poison = [
            f"{words}, not json".encode(),
            raw(programme(data={"name": words, "colour": words})),
            raw(programme(data=words, datacontenttype="application/jose")),
            raw(programme(data={"name": words * 40_000})),
        ]
        stage.send(poison, partition=0)
        answered(stage, len(poison))
        letters = stage.read(stage.topics.dead_letters, len(poison))
        assert not [each for each in letters if words in f"{each.value!r} {each.headers}"]
        assert [each.headers["rapport-encrypted"] for each in letters] == ["1"] * len(poison)
        found = dead_letters(stage.settings)
        assert [each.value for each in found.values()] == poison

        # A letter is opened under its own id alone: nobody else's can be put in its place.
        other = next(each for each in letters if each.headers["rapport-offset"] == "1")
        stage.send([other.value], topic=stage.topics.dead_letters, headers={**other.headers, "rapport-offset": "77"})
        assert [each.encrypted for each in dead_letters(stage.settings).values()] == [False] * len(poison) + [True]

        # Nor by who has no key, or another one: it is listed, and can neither be read nor sent again as it was.
        letter_id = next(iter(found))
        for key in ("no-key", "another-key"):
            settings = stage.settings.model_copy(update={"encryption_key_file": stage.folder / key})
            if key == "another-key":
                encrypted.add_key(settings)
            away = replace(stage, settings=settings)
            shown = away.call("dead-letters", "show", letter_id)
            assert shown.returncode == 0
            assert b"encrypted: its key is not here" in shown.stdout
            assert words.encode() not in shown.stdout
            sent = away.call("dead-letters", "resubmit", letter_id)
            assert (sent.returncode, b"RAPPORT_ENCRYPTION_KEY_FILE" in sent.stderr) == (1, True)
        assert stage.call("dead-letters", "resubmit", letter_id).returncode == 0
        assert statuses(answered(stage, len(poison) + 1)) == {"dead_lettered": len(poison) + 1}

    def test_an_id_used_for_other_content_is_a_dead_letter_too(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        stage.start("consume").wait_ready()
        stage.send([raw(programme()), raw(programme(data={"name": "Another"}))], partition=0)
        receipts = answered(stage, 2)
        assert statuses(receipts) == {"accepted": 1, "dead_lettered": 1}
        assert receipts[1].json["data"]["problems"][0]["code"] == "id_reused"


class TestWhatIsMissing:
    def test_without_a_topic_it_is_not_ready_says_so_and_begins_when_it_is_there(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        stage.topics.server.delete_topics([stage.topics.receipts])
        running = stage.start("consume")
        eventually(lambda: running.said(BEGINS))
        status, page = running.page("/ready")
        assert status == 503
        assert stage.topics.receipts in json.loads(page)["consumer"]
        assert running.page("/live")[0] == 200
        stage.topics.create(3)
        running.wait_ready()
        stage.send([raw(programme())])
        assert statuses(answered(stage, 1)) == {"accepted": 1}

    def test_without_a_broker_in_the_settings_it_exits_2(self, sqlite_stage: Stage) -> None:
        sqlite_stage.settings = sqlite_stage.settings.model_copy(update={"kafka": None})
        done = sqlite_stage.call("consume")
        assert done.returncode == 2
        assert b"RAPPORT_KAFKA" in done.stderr

    def test_with_half_of_the_sasl_settings_it_exits_2(self, sqlite_stage: Stage) -> None:
        sqlite_stage.settings = sqlite_stage.settings.model_copy(update={"kafka_security": "SASL_PLAINTEXT"})
        done = sqlite_stage.call("consume")
        assert done.returncode == 2
        assert b"RAPPORT_KAFKA_SASL and RAPPORT_KAFKA_USERNAME and RAPPORT_KAFKA_PASSWORD_FILE" in done.stderr

    def test_a_broker_that_expects_something_else_is_told_from_the_settings(self, sqlite_stage: Stage) -> None:
        sqlite_stage.settings = sqlite_stage.settings.model_copy(update={"kafka_security": "SSL"})
        done = sqlite_stage.call("dead-letters", "list")
        assert done.returncode == 1
        assert b"answers to SSL (RAPPORT_KAFKA, RAPPORT_KAFKA_SECURITY)" in done.stderr.replace(b"\n", b" ")
