"""Senders on Kafka: checked as in files, in structured and in binary mode, and again when answers are repeated."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.bootstrap import open_rapport
from infra.kafka.earlier import answered_earlier
from infra.settings import Settings
from tests.infra.intake.proofs import key_of, proven, public
from tests.infra.intake.test_senders import entry
from tests.infra.kafka.stage import Stage
from tests.infra.kafka.test_batches import arrived
from tests.infra.kafka.test_consume import answered, programme, raw

OURS, THEIRS = key_of(1), key_of(2)


@pytest.fixture
def senders(tmp_path: Path) -> Path:
    path = tmp_path / "senders.toml"
    path.write_text(
        entry(source="/tests", roles=["supplier"], key=public(OURS))
        + entry(source="/open", roles=["supplier"], programmes=["p5", "p6"])
    )
    return path


def binary(message: dict[str, Any]) -> tuple[bytes, dict[str, str | bytes | None]]:
    attributes = {name: value for name, value in message.items() if name != "data"}
    headers: dict[str, str | bytes | None] = {f"ce_{name}": value for name, value in attributes.items()}
    return json.dumps(message["data"]).encode(), headers | {"content-type": "application/json; charset=utf-8"}


def test_senders_are_checked_in_both_modes_and_a_refusal_is_no_dead_letter(sqlite_stage: Stage, senders: Path) -> None:
    stage = sqlite_stage
    stage.start("consume", RAPPORT_SENDERS=str(senders)).wait_ready()
    true = proven(programme(1), OURS)
    structured = {
        "forged": programme(1),
        "by another key": proven(programme(1), THEIRS),
        "under another id": true | {"id": "m9"},
        "true": true,
        "again": true,
        "forged again": programme(1),
        "not listed": programme(2, source="/other"),
        "another role": programme(2, source="/open", actor="coordinator:c"),
        "another programme": programme(2, source="/open"),
        "its programme": programme(5, source="/open"),
        "a worker": programme(6, source="/open", actor="worker:trust"),
        "as a worker": programme(6, source="/%77orkers/trust"),
    }
    for message in structured.values():
        stage.send([raw(message)], partition=0)
    for message in (proven(programme(3), OURS), programme(4)):
        value, headers = binary(message)
        stage.send([value], headers=headers, key="k", partition=0)
    count = len(structured) + 2
    told = sorted(answered(stage, count), key=lambda each: int(each.json["id"].rpartition("/")[2]))
    found = [
        (each.json["data"]["status"], *(problem["code"] for problem in each.json["data"]["problems"])) for each in told
    ]
    assert dict(zip(structured, found, strict=False)) == {
        "forged": ("refused", "proof"),
        "by another key": ("refused", "proof"),
        "under another id": ("refused", "proof"),
        "true": ("accepted",),
        "again": ("duplicate",),
        "forged again": ("refused", "proof"),
        "not listed": ("refused", "sender"),
        "another role": ("refused", "sender"),
        "another programme": ("refused", "sender"),
        "its programme": ("accepted",),
        "a worker": ("refused", "reserved"),
        "as a worker": ("refused", "reserved"),
    }
    assert found[len(structured) :] == [("accepted",), ("refused", "proof")]
    assert stage.read(stage.topics.dead_letters) == []


def test_without_a_file_it_is_said_once_in_the_log(sqlite_stage: Stage) -> None:
    running = sqlite_stage.start("consume").wait_ready()
    for number in (1, 2, 3):
        sqlite_stage.send([raw(programme(number))])
        answered(sqlite_stage, number)
    said = [line for line in running.lines if line["event"].startswith("RAPPORT_SENDERS is not set")]
    assert [line["level"] for line in said] == ["warning"]


def test_a_file_that_is_wrong_ends_the_command_with_exit_2(sqlite_stage: Stage, senders: Path) -> None:
    senders.write_text("[[sender]]\nsource = '/tests'\nroles = ['king']\n")
    running = sqlite_stage.start("consume", RAPPORT_SENDERS=str(senders))
    assert running.process.wait(60) == 2
    assert "sender 1 (/tests), roles: expected one of" in " ".join(running.log.read_text().split())


def test_an_answer_that_is_repeated_after_a_restart_is_the_same(settings: Settings, senders: Path) -> None:
    true = proven(programme(1), OURS)
    values = [raw(each) for each in (programme(1), true, programme(2, source="/open"), programme(5, source="/open"))]
    with open_rapport(settings.model_copy(update={"senders": senders})) as rapport:
        first = rapport.handler.handle(values)
    assert [receipt.status for receipt in first] == ["refused", "accepted", "refused", "accepted"]
    with open_rapport(settings.model_copy(update={"senders": senders})) as rapport:
        head = rapport.store.head()
        again = answered_earlier(rapport.handler, [arrived(number, value) for number, value in enumerate(values)])
        assert [each.receipt for each in again] == first
        assert rapport.store.head() == head
