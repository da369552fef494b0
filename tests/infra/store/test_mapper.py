import json
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

from domain.model import Event, Known, Recorded
from domain.registry import EVENTS
from infra.store.errors import DamagedEvent, UnknownEvent
from infra.store.mapper import IncompleteUpcasters, RapportMapper


class Greeted(Event):
    VERSION: ClassVar[int] = 3
    name: str
    warmly: bool
    times: int = 1


def to_second(data: dict[str, Any]) -> dict[str, Any]:
    return {"name": data["who"]}


def to_third(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "warmly": True}


UPCASTERS = {("Greeted", 1): to_second, ("Greeted", 2): to_third}


def recorded(data: Event, **more: Any) -> Recorded[Any]:
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    return Recorded[Any](subject="s", version=1, occurred_at=at, recorded_at=at, actor="hr:hanna", data=data, **more)


def state(data: dict[str, Any]) -> bytes:
    at = "2026-03-02T09:00:00Z"
    envelope = {"subject": "s", "version": 1, "occurred_at": at, "recorded_at": at, "actor": "hr:hanna", "data": data}
    return json.dumps(envelope).encode()


def test_an_event_is_stored_under_its_name_and_version_without_absent_fields() -> None:
    topic, body = RapportMapper({"Greeted": Greeted}, UPCASTERS).encode(recorded(Greeted(name="Ana", warmly=False)))
    assert topic == "Greeted#3"
    assert json.loads(body)["data"] == {"name": "Ana", "warmly": False, "times": 1}
    assert set(json.loads(body)) == {
        "subject", "version", "occurred_at", "recorded_at", "actor", "source", "message_id", "data"
    }  # fmt: skip


@pytest.mark.parametrize(
    "topic,data",
    [
        ("Greeted", {"who": "Ana"}),
        ("Greeted#2", {"name": "Ana"}),
        ("Greeted#3", {"name": "Ana", "warmly": True}),
    ],
)
def test_every_old_version_is_brought_forward_step_by_step(topic: str, data: dict[str, Any]) -> None:
    found = RapportMapper({"Greeted": Greeted}, UPCASTERS).decode(topic, state(data))
    assert found.data == Greeted(name="Ana", warmly=True)


def test_an_upcaster_that_is_missing_is_noticed_at_the_start() -> None:
    with pytest.raises(IncompleteUpcasters, match="Greeted"):
        RapportMapper({"Greeted": Greeted}, {("Greeted", 1): to_second})


def test_an_upcaster_without_its_event_is_noticed_at_the_start() -> None:
    with pytest.raises(IncompleteUpcasters, match="Waved"):
        RapportMapper({"Greeted": Greeted}, {**UPCASTERS, ("Waved", 1): to_second})


def test_the_upcasters_of_the_registry_are_complete() -> None:
    assert set(RapportMapper().topics) == set(EVENTS.values())


@pytest.mark.parametrize("topic", ["Waved", "Greeted#4", "Greeted#0", "Greeted#1", "Greeted#x", ""])
def test_unknown_names_and_versions_are_said_and_never_skipped(topic: str) -> None:
    with pytest.raises(UnknownEvent) as caught:
        RapportMapper({"Greeted": Greeted}, UPCASTERS).decode(topic, state({}))
    assert caught.value.topic == topic


@pytest.mark.parametrize(
    "body", [b"", b"{", b"{}", b"\xff", state({"name": 5, "warmly": True}), state({"name": "Ana"})]
)
def test_bytes_that_are_no_such_event_are_damaged(body: bytes) -> None:
    with pytest.raises(DamagedEvent, match="Greeted#3"):
        RapportMapper({"Greeted": Greeted}, UPCASTERS).decode("Greeted#3", body)


def test_an_upcaster_that_finds_another_shape_calls_it_damage() -> None:
    with pytest.raises(DamagedEvent):
        RapportMapper({"Greeted": Greeted}, UPCASTERS).decode("Greeted", state({"name": "Ana"}))


def test_what_was_known_comes_back() -> None:
    mapper = RapportMapper({"Greeted": Greeted}, UPCASTERS)
    known = Known(mentor_standing="suspended")
    event = recorded(Greeted(name="Ana", warmly=True), known=known)
    assert mapper.decode(*mapper.encode(event)).known == known
