"""`rapport publish` against a real broker: every fact reaches the reader, in order, whoever dies on the way."""

import json
import signal
import time
from collections import Counter
from datetime import UTC, datetime

from infra.bootstrap import open_rapport
from infra.kafka.facts import WITHHELD
from infra.simulate.stream import Simulation
from tests.infra.kafka.model import is_secret
from tests.infra.kafka.running import eventually
from tests.infra.kafka.stage import Stage, in_order
from tests.infra.kafka.test_consume import programme, raw

NAMES = {cls.__name__ for cls in WITHHELD}
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def record(stage: Stage, relationships: int, seed: int = 3) -> dict[str, list[int]]:
    """Fill the store; the versions that readers should see of each subject."""
    messages = list(Simulation(relationships, seed).messages())
    with open_rapport(stage.settings) as rapport:
        for start in range(0, len(messages), 500):
            rapport.handler.handle(messages[start : start + 500])
        expected: dict[str, list[int]] = {}
        for note in rapport.store.logged(0, 1_000_000):
            if not is_secret(rapport.store.decode_facts(note).data):
                expected.setdefault(note.subject, []).append(note.version)
    return expected


def total(expected: dict[str, list[int]]) -> int:
    return sum(map(len, expected.values()))


class TestFacts:
    def test_reach_a_foreign_reader_in_order_keyed_by_subject(self, stage: Stage) -> None:
        expected = record(stage, 6)
        running = stage.start("publish").wait_ready()
        facts = stage.read(stage.topics.events, total(expected))
        assert dict(in_order(facts)) == expected
        assert len(facts) == total(expected)
        assert all(fact.key == fact.json["subject"] for fact in facts)
        assert all(fact.headers["content-type"].startswith("application/cloudevents+json") for fact in facts)
        assert not NAMES & {fact.json["type"].removeprefix("rapport.") for fact in facts}
        assert running.metric("rapport_published_total") == total(expected)
        eventually(lambda: running.metric("rapport_lag_events", follower=f"publish:{stage.topics.events}") == 0)
        assert running.stop() == 0

    def test_go_on_after_a_clean_stop_without_repeating(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        first = record(stage, 2, seed=1)
        running = stage.start("publish").wait_ready()
        stage.read(stage.topics.events, total(first))
        assert running.stop() == 0
        both = record(stage, 2, seed=2)
        stage.start("publish").wait_ready()
        facts = stage.read(stage.topics.events, total(both))
        time.sleep(1)
        assert len(stage.read(stage.topics.events)) == total(both)
        assert dict(in_order(facts)) == both

    def test_arrive_soon(self, stage: Stage) -> None:
        stage.start("publish").wait_ready()
        with open_rapport(stage.settings) as rapport:
            at = datetime.now(UTC)
            message = {
                "specversion": "1.0",
                "id": "m1",
                "source": "/tests",
                "type": "rapport.CreateProgramme",
                "subject": "programme:p1",
                "time": at.isoformat(),
                "actor": "supplier:s",
                "traceparent": TRACE,
                "data": {"name": "P"},
            }
            rapport.handler.handle([json.dumps(message).encode()])
        [fact] = stage.read(stage.topics.events, 1)
        assert fact.json["traceparent"] == fact.headers["traceparent"] == TRACE
        slowest = stage.running[0].metric("rapport_publish_seconds_sum")
        assert slowest < 1


class TestSpans:
    def test_with_an_exporter_each_step_has_one_in_the_sender_s_trace(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        running = [
            stage.start(command, OTEL_TRACES_EXPORTER="console").wait_ready() for command in ("consume", "publish")
        ]
        stage.send([raw(programme(traceparent=TRACE))])
        [fact] = stage.read(stage.topics.events, 1)
        for each in running:
            assert each.stop() == 0
        trace, sent = TRACE.split("-")[1], TRACE.split("-")[2]
        assert fact.json["traceparent"].split("-")[1] == trace
        assert fact.json["traceparent"].split("-")[2] != sent
        consumed, published = (each.log.read_text() for each in running)
        assert '"name": "process CreateProgramme"' in consumed
        assert f'"parent_id": "0x{sent}"' in consumed
        assert '"name": "publish ProgrammeCreated"' in published
        assert f'"trace_id": "0x{trace}"' in published


class TestTwoPublishers:
    def test_only_one_publishes_and_the_other_follows_a_clean_stop_at_once(self, stage: Stage) -> None:
        first = record(stage, 2, seed=1)
        one, two = (stage.start("publish").wait_ready() for _ in range(2))
        stage.read(stage.topics.events, total(first))
        assert [each.metric("rapport_leading") for each in (one, two)].count(1) == 1
        leader, other = (one, two) if one.metric("rapport_leading") else (two, one)
        leader.stop()
        eventually(lambda: other.metric("rapport_leading") == 1, 5)
        both = record(stage, 2, seed=2)
        facts = stage.read(stage.topics.events, total(both))
        assert len(facts) == total(both)
        assert dict(in_order(facts)) == both

    def test_a_killed_one_is_followed_when_its_lease_has_run_out(self, stage: Stage) -> None:
        one = stage.start("publish").wait_ready()
        first = record(stage, 4, seed=1)
        one.kill()
        two = stage.start("publish").wait_ready()
        facts = stage.read(stage.topics.events, total(first))
        eventually(lambda: two.metric("rapport_lag_events", follower=f"publish:{stage.topics.events}") == 0)
        assert dict(in_order(facts)) == first

    def test_one_that_was_stopped_past_its_lease_finds_itself_replaced(self, stage: Stage) -> None:
        one = stage.start("publish").wait_ready()
        first = record(stage, 2, seed=1)
        stage.read(stage.topics.events, total(first))
        one.signal(signal.SIGSTOP)
        both = record(stage, 6, seed=2)
        two = stage.start("publish").wait_ready()
        stage.read(stage.topics.events, total(both), within=40)
        one.signal(signal.SIGCONT)
        eventually(lambda: one.said("another process has taken over"))
        eventually(one.ready)
        all_three = record(stage, 2, seed=3)
        eventually(lambda: two.metric("rapport_lag_events", follower=f"publish:{stage.topics.events}") == 0)
        facts = stage.read(stage.topics.events, total(all_three))
        assert dict(in_order(facts)) == all_three
        assert (one.metric("rapport_leading"), two.metric("rapport_leading")) == (0, 1)


class TestReplay:
    def test_sends_facts_from_a_position_on_once_more_under_their_ids(self, sqlite_stage: Stage) -> None:
        stage = sqlite_stage
        expected = record(stage, 2)
        running = stage.start("publish").wait_ready()
        published = stage.read(stage.topics.events, total(expected))
        assert running.stop() == 0
        first = published[len(published) // 2].json["position"]
        done = stage.call("publish", "--from", str(first))
        assert done.returncode == 0, done.stderr
        facts = stage.read(
            stage.topics.events, total(expected) + sum(fact.json["position"] >= first for fact in published)
        )
        told = Counter(json.dumps(fact.json, sort_keys=True) for fact in facts)
        assert told == {
            json.dumps(fact.json, sort_keys=True): 2 if fact.json["position"] >= first else 1 for fact in published
        }
        assert f"{len(facts) - len(published)} facts sent, from position {first}" in done.stderr.decode()

    def test_a_topic_belongs_to_a_position_and_has_to_be_there(self, sqlite_stage: Stage) -> None:
        record(sqlite_stage, 1)
        assert sqlite_stage.call("publish", "--topic", "other").returncode == 2
        done = sqlite_stage.call("publish", "--from", "1", "--topic", "no-such-topic")
        assert (done.returncode, b"no-such-topic" in done.stderr) == (1, True)

    def test_a_position_that_the_record_has_not_come_to_is_told(self, sqlite_stage: Stage) -> None:
        record(sqlite_stage, 1)
        done = sqlite_stage.call("publish", "--from", "1000000000")
        assert (done.returncode, b"the record has grown to position" in done.stderr) == (2, True), done.stderr
