"""No road over Kafka shows words: not the topics, not the headers of dead letters, not what the commands print, not their log lines.

A dead letter is what its sender sent. Without a key that is in the clear, and `show` gives it back; nobody else's words are beside it. With
a key it is encrypted, and shown where the key is.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.intake import encrypted
from infra.settings import Settings
from tests.e2e.contract.outside import days
from tests.infra.kafka.stage import Read, Stage
from tests.infra.sealing.test_canaries import BIRD, CLOCK, told
from tests.infra.sealing.test_erasure_drill import birds_in

WHOLE = re.compile(rb"canary-[0-9]{4}x")
# The last of the story is too long for any road.
TOO_LONG = 1
# Of a feedback: what may be wrong with a question that somebody made up.
QUESTION = f"{BIRD}9001x"
WRONG_ANSWERS = ({QUESTION: {"x": 1}}, {QUESTION: " "}, {QUESTION: 1 << 70}, {f"{QUESTION}\0": 1}, {QUESTION * 30: 1})


def malformed(lines: list[bytes]) -> Iterator[bytes]:
    """Messages that can't be taken, in as many ways as words might be quoted in the answer."""
    messages = [json.loads(line) for line in lines]
    feedback = next(each for each in messages if each["type"] == "rapport.GiveFeedback")
    for number, answers in enumerate(WRONG_ANSWERS):
        yield json.dumps({**feedback, "id": f"q{number}", "data": {**feedback["data"], "answers": answers}}).encode()
    twice = json.dumps({**feedback, "id": "q-twice", "data": {**feedback["data"], "answers": {"first": 1}}})
    yield twice.replace('"first": 1', f'"{QUESTION}": 1, "{QUESTION}": 2').encode()
    # Of every command: a text that is none, and what breaks off in the middle of it.
    for command in dict.fromkeys(each["type"] for each in messages):
        message = next(each for each in messages if each["type"] == command)
        if texts := [name for name, value in message["data"].items() if isinstance(value, str) and BIRD in value]:
            wrong = {name: [message["data"][name]] for name in texts}
            yield json.dumps({**message, "id": f"list-{command}", "data": {**message["data"], **wrong}}).encode()
            raw = json.dumps({**message, "id": f"half-{command}"}).encode()
            yield raw[: raw.rindex(BIRD.encode()) + 14]


def words_of(record: Read) -> set[str]:
    return birds_in(f"{record.value!r} {record.headers} {record.key}")


@pytest.mark.parametrize("key", [False, True], ids=["without a key", "with a key"])
def test_no_topic_command_or_log_has_words_but_a_dead_letter_those_of_its_sender(
    sqlite_stage: Stage, key: bool, tmp_path: Path
) -> None:
    more = {"clock": CLOCK + days(61), "log_level": "debug"}
    stage = sqlite_stage
    stage.settings = stage.settings.model_copy(update=more)
    if key:
        encrypted.add_key(stage.settings)
    lines, _ = told(tmp_path)
    wrong = list(malformed(lines))
    said = [*lines[:-TOO_LONG], *wrong]
    sent = stage.send(said, partition=0, key="rapport")
    try:
        consuming = stage.start("consume").wait_ready()
        receipts = stage.read(stage.topics.receipts, sent)
        publishing = stage.start("publish").wait_ready()
        facts = stage.read(stage.topics.events, 100)
        assert (consuming.stop(), publishing.stop()) == (0, 0)
        assert {str(words_of(each)) for each in [*receipts, *facts]} == {"set()"}

        letters = stage.read(stage.topics.dead_letters, len(wrong))
        for letter in letters:
            assert birds_in(f"{letter.headers} {letter.key}") == set()
            assert not (key and words_of(letter))
        assert len([letter for letter in letters if words_of(letter)]) == (0 if key else len(letters))

        for arguments in (("list",), ("list", "--all"), ("list", "--json")):
            listed = stage.call("dead-letters", *arguments)
            assert listed.returncode == 0, listed.stderr
            assert birds_in((listed.stdout + listed.stderr).decode()) == set()
        found = json.loads(listed.stdout)
        assert len(found) == len(letters)
        _show(stage, found, said, key=key, tmp_path=tmp_path)
        again = stage.call("dead-letters", "resubmit", found[0]["id"], "--json")
        assert again.returncode == 0, again.stderr
        assert birds_in((again.stdout + again.stderr).decode()) == set()
        logs = {each.log.name: each.log.read_text() for each in stage.running}
        assert all('"event"' in log for log in logs.values()), logs
        assert {name for name, log in logs.items() if BIRD in log} == set()
    finally:
        stage.close()


def _show(stage: Stage, found: list[dict[str, Any]], sent: list[bytes], *, key: bool, tmp_path: Path) -> None:
    """Where its key is a dead letter is shown as its sender wrote it; elsewhere none of an encrypted one."""
    elsewhere = Stage(stage.bootstrap, stage.topics, _elsewhere(stage.settings, tmp_path), tmp_path)
    for letter in (found[0], found[len(found) // 2], found[-1]):
        for options in ((), ("--json",)):
            shown = stage.call("dead-letters", "show", letter["id"], *options)
            assert shown.returncode == 0, shown.stderr
            words = set(WHOLE.findall(shown.stdout))
            assert words
            assert any(words == set(WHOLE.findall(each)) for each in sent)
            hidden = elsewhere.call("dead-letters", "show", letter["id"], *options)
            assert hidden.returncode == 0, hidden.stderr
            assert set(WHOLE.findall(hidden.stdout + hidden.stderr)) == (set() if key else words)


def _elsewhere(settings: Settings, folder: Path) -> Settings:
    """The settings of a machine that has the broker, and not the keys."""
    return settings.model_copy(update={"store": f"sqlite:///{folder / 'elsewhere.sqlite'}"})
