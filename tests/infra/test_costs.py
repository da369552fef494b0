"""Four times as many messages of one relationship cost some four times as much, in whatever order they are told.

Counted are the calls of functions, which are the same on every machine. Where every message looked at all before it, they would be
sixteen times as many.
"""

import json
import random
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest

from infra.bootstrap import Rapport, open_rapport
from infra.evidence.verify import verify
from infra.settings import Settings

BEGINS: Final = datetime(2019, 1, 1, 9, tzinfo=UTC)
RELATIONSHIP: Final = "11111111-1111-4111-8111-111111111101"
FEW: Final = 100
FACTOR: Final = 4
# n log n of 400 and of 100 sessions are 5.2 to one; 16 to one is quadratic.
MOST: Final = 6.0
ORDERS: Final[dict[str, Callable[[list[int]], Sequence[int]]]] = {
    "as they happened": lambda days: days,
    "backwards": lambda days: days[::-1],
    "shuffled": lambda days: random.Random(1).sample(days, len(days)),
}


def message(name: str, actor: str, time: datetime, **data: Any) -> bytes:
    told = {"specversion": "1.0", "id": f"{name}-{time.isoformat()}", "source": "/costs", "type": f"rapport.{name}"}
    return json.dumps(told | {"subject": RELATIONSHIP, "time": time.isoformat(), "actor": actor, "data": data}).encode()


def sessions(days: Sequence[int]) -> list[bytes]:
    """A relationship with a session on each of these days, told in this order."""
    parties = {"programme_id": "p1", "mentee_id": "ana", "mentor_id": "ben"}
    told = [
        message("ProposeRelationship", "coordinator:cora", BEGINS, **parties),
        message("ActivateRelationship", "coordinator:cora", BEGINS),
    ]
    for day in days:
        begins, name = BEGINS + timedelta(days=day, hours=4), f"s{day}"
        ends = begins + timedelta(hours=1)
        told.append(
            message(
                "ScheduleSession",
                "mentee:ana",
                begins - timedelta(hours=3),
                session_id=name,
                starts_at=begins.isoformat(),
                channel="platform",
            )
        )
        held = {"started_at": begins.isoformat(), "ended_at": ends.isoformat(), "present": ["mentee", "mentor"]}
        told.append(message("CompleteSession", "mentor:ben", ends, session_id=name, joined={}, agenda=[], **held))
    return told


def calls(what: Callable[[], object]) -> int:
    """How many functions of Python are called."""
    counted = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        what()
    finally:
        sys.setprofile(before)
    return counted


def costs(folder: Path, days: Sequence[int]) -> dict[str, int]:
    """What it costs to take the messages, to bring the datasets up to date and to verify the record."""
    with open_rapport(Settings(store=f"sqlite:///{folder}/{len(days)}.sqlite", synchronous="off")) as rapport:
        told, answers = sessions(days), []
        found = {"intake": calls(lambda: answers.extend(rapport.handler.handle(told)))}
        assert {answer.status for answer in answers} == {"accepted"}
        found["datasets"] = calls(rapport.engine().catch_up)
        found["verify"] = calls(lambda: _sound(rapport))
        return found


def _sound(rapport: Rapport) -> None:
    assert not verify(rapport.store).problems


@pytest.mark.parametrize("order", ORDERS)
def test_a_long_relationship_costs_as_much_for_each_message_as_a_short_one(tmp_path: Path, order: str) -> None:
    # What is loaded or remembered once is no cost of a message.
    costs(tmp_path, [0])
    few, many = (costs(tmp_path, ORDERS[order](list(range(count)))) for count in (FEW, FACTOR * FEW))
    assert {what: many[what] / few[what] for what in few if many[what] > MOST * few[what]} == {}
