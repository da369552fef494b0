"""The schemas say what the code does: messages that it takes and makes fit them, others don't."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from domain.registry import COMMANDS
from infra.bootstrap import open_rapport
from infra.intake.message import Message, parse
from infra.intake.receipt import Receipt
from infra.kafka.adopted import Adopted
from infra.kafka.answers import ENCRYPTED, dead_letter_headers, receipt_event
from infra.kafka.arrival import Arrived, read
from infra.kafka.facts import PUBLISHED, WITHHELD, fact
from infra.reference.asyncapi import document
from infra.schemas import Schema, makers
from infra.schemas import schemas as made
from infra.settings import Settings
from infra.simulate.stream import Simulation

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@cache
def schemas() -> Mapping[str, Schema]:
    """Made once, and not while tests are collected, which every process does."""
    return made()


def problems(file: str, value: Any) -> list[str]:
    validator = Draft202012Validator(schemas()[file], format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [error.message for error in validator.iter_errors(value)]


def command_file(message: dict[str, Any]) -> str:
    return f"commands/{message['type'].removeprefix('rapport.')}.json"


@pytest.fixture(scope="module")
def messages() -> list[dict[str, Any]]:
    return [json.loads(message) for message in Simulation(12, 4).messages()]


@pytest.mark.parametrize("file", makers())
def test_each_is_a_schema(file: str) -> None:
    Draft202012Validator.check_schema(schemas()[file])


def test_each_has_an_id_of_its_own_that_names_its_version() -> None:
    assert len({schema["$id"] for schema in schemas().values()}) == len(schemas())
    for file, schema in schemas().items():
        assert re.fullmatch(r"urn:rapport:schema:[A-Za-z:]+:[1-9]\d*", schema["$id"])
        name = schema["title"].removesuffix("Message" if file.startswith("commands/") else "Fact")
        assert schema["$id"].endswith(f":{name}:{schema['version']}"), file
    for event in PUBLISHED:
        assert schemas()[f"events/{event.__name__}.json"]["version"] == event.VERSION


def test_there_is_one_for_every_command_and_every_published_event() -> None:
    assert {file for file in schemas() if file.startswith("commands/")} == {
        f"commands/{name}.json" for name in COMMANDS
    }
    events = {file.removeprefix("events/").removesuffix(".json") for file in schemas() if file.startswith("events/")}
    assert events == {event.__name__ for event in PUBLISHED}
    assert not events & {event.__name__ for event in WITHHELD}


def test_messages_that_are_taken_fit(messages: list[dict[str, Any]]) -> None:
    kinds = set()
    for message in messages:
        assert problems(command_file(message), message) == []
        kinds.add(message["type"])
    assert len(kinds) > 30


@pytest.mark.parametrize(
    "change",
    [
        {"specversion": "0.3"},
        {"actor": "king:arthur"},
        {"subject": "somebody"},
        {"type": "rapport.Other"},
        {"Colour": "blue"},
        {"colour": {"shade": "blue"}},
        {"expectedversion": -1},
        {"data": {"colour": "blue"}},
    ],
)
def test_messages_that_are_not_taken_do_not_fit(messages: list[dict[str, Any]], change: dict[str, Any]) -> None:
    for message in messages[:40]:
        wrong = {**message, **change}
        assert isinstance(parse(json.dumps(wrong).encode()), Receipt)
        assert problems(command_file(message), wrong)


def test_facts_fit_and_hold_nothing_that_their_schema_does_not_name(
    messages: list[dict[str, Any]], tmp_path: Path
) -> None:
    with open_rapport(Settings(store=f"sqlite:///{tmp_path / 's.sqlite'}", synchronous="off")) as rapport:
        rapport.handler.handle([json.dumps(message).encode() for message in messages])
        seen = set()
        adopted = Adopted(rapport.store)
        for note in rapport.store.logged(0, 100_000):
            recorded = rapport.store.decode_facts(note)
            body = fact(recorded, "/rapport", note.position, adopted.of(recorded).codes)
            if body is None:
                continue
            event = json.loads(body)
            file = f"events/{event['type'].removeprefix('rapport.')}.json"
            assert problems(file, event) == []
            properties = schemas()[file]["properties"]
            assert event.keys() <= properties.keys()
            assert event["data"].keys() <= properties["data"]["properties"].keys()
            seen.add(file)
    assert len(seen) > 25


def test_receipts_and_dead_letters_fit() -> None:
    arrived = Arrived("rapport.commands", 2, 7, 0, None, b"{", [("traceparent", TRACE.encode())], read(b"{", []))
    assert isinstance(arrived.read, Receipt)
    assert problems("receipt.json", json.loads(receipt_event(arrived, arrived.read, AT, "/rapport"))) == []
    headers = {name: text.decode() for name, text in dead_letter_headers(arrived, arrived.read, AT)}
    assert problems("dead-letter.json", headers) == []
    assert headers.keys() | {ENCRYPTED[0]} <= schemas()["dead-letter.json"]["properties"].keys()
    assert headers["rapport-traceparent"] == TRACE


def test_a_message_may_leave_out_data_where_the_schema_says_so(messages: list[dict[str, Any]]) -> None:
    message = {**messages[0], "type": "rapport.ReinstateMentor", "subject": "mentor:m", "actor": "hr:h"}
    del message["data"]
    assert isinstance(parse(json.dumps(message).encode()), Message)
    assert problems("commands/ReinstateMentor.json", message) == []


class TestAsyncApi:
    def test_every_reference_leads_somewhere(self) -> None:
        whole = document()

        def walk(value: Any) -> None:
            if isinstance(value, dict):
                if reference := value.get("$ref"):
                    if reference.startswith("#/"):
                        found: Any = whole
                        for part in reference[2:].split("/"):
                            found = found[part]
                    else:
                        assert reference.removeprefix("./schemas/") in schemas()
                for inner in value.values():
                    walk(inner)
            elif isinstance(value, list):
                for inner in value:
                    walk(inner)

        walk(whole)

    def test_it_names_the_topics_and_every_message(self) -> None:
        whole = document()
        channels = {channel["address"]: set(channel["messages"]) for channel in whole["channels"].values()}
        assert channels["rapport.commands"] == set(COMMANDS)
        assert channels["rapport.events"] == {event.__name__ for event in PUBLISHED}
        assert channels["rapport.receipts"] == {"Receipt"}
        assert "DeadLetter" in channels["rapport.dead-letters"]
        assert set().union(*channels.values()) == whole["components"]["messages"].keys()


def test_no_two_schemas_share_a_title_so_that_generated_classes_have_the_names_of_what_they_hold() -> None:
    for name, schema in schemas().items():
        if name.startswith(("commands/", "events/")):
            inner = schema["$defs"] if "$defs" in schema else {"data": schema["properties"]["data"]}
            titles = [schema["title"], *(each["title"] for each in inner.values())]
            assert len(set(titles)) == len(titles), name
            assert name.partition("/")[2].removesuffix(".json") in titles
