"""What a history costs: a correction decides again what follows the fact, once, and no more than that."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from domain.model import Actor, AnyRecorded, Context
from domain.registry import decide
from domain.relationship import commands as c
from domain.relationship import decide as decisions
from domain.relationship.corrections import LEAST_SPACING, History, effective, replay
from tests.domain.relationship.telling import Told, correct
from tests.given_when_then import IDS, SUBJECT, day

CONTACTS = 3 * LEAST_SPACING


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> list[c.RelationshipCommand]:
    """The commands that were decided, however often."""
    found: list[c.RelationshipCommand] = []
    plainly = decisions.decide

    def counted(state: Any, command: c.RelationshipCommand, context: Context) -> Any:
        found.append(command)
        return plainly(state, command, context)

    monkeypatch.setattr(decisions, "decide", counted)
    return found


def story() -> Told:
    """Many contacts, of which the rules keep the latest and nothing else."""
    told = Told()
    for place in range(CONTACTS):
        told.tell(c.RecordContact(channel="email"), at=2 + place / 100)
    return told


def tell(history: History, command: c.RelationshipCommand, by: str = "mentee") -> list[AnyRecorded]:
    """What a command records on a history."""
    assert history.state is not None
    context = Context(Actor(by, IDS[by]), day(30), day(30), history.state.known, history=lambda: history)  # type: ignore[arg-type]
    accepted = decide(SUBJECT, history.state, command, context)
    last = history[-1]
    return [
        last.model_copy(
            update={
                "version": history.version + 1 + place,
                "occurred_at": day(30),
                "recorded_at": day(30),
                "actor": str(Actor(by, IDS[by])),  # type: ignore[arg-type]
                "message_id": f"m{history.version}",
                "data": event,
                "findings": accepted.findings or None,
            }
        )
        for place, event in enumerate(accepted.events)
    ]


def contacts(history: Sequence[AnyRecorded]) -> list[int]:
    return [each.version for each in history if type(each.data).__name__ == "ContactRecorded"]


def test_a_correction_decides_again_what_follows_the_fact_and_nothing_before(
    decided: list[c.RelationshipCommand],
) -> None:
    history = History.of(story().records)
    decided.clear()
    late = contacts(history)[-4]
    tell(history, correct(late, {"channel": "telephone"}))
    # The correction itself, and the four facts twice: as they were, and as they are after it.
    assert len(decided) == 1 + 4 * 2


def test_what_was_decided_again_once_is_not_again_for_the_next_correction(decided: list[c.RelationshipCommand]) -> None:
    history = History.of(story().records)
    first, second = contacts(history)[-6], contacts(history)[-2]
    history = history.then(tell(history, correct(first, {"channel": "telephone"})))
    decided.clear()
    history = history.then(tell(history, correct(second, {"channel": "telephone"})))
    assert len(decided) == 1 + 2


def test_it_ends_once_the_state_is_what_it_was(decided: list[c.RelationshipCommand]) -> None:
    history = History.of(story().records)
    early = contacts(history)[0]
    history = history.then(tell(history, correct(early, {"channel": "telephone"})))
    decided.clear()
    # Of a contact nothing is kept but the latest, so all is the same soon after.
    history = history.then(tell(history, correct(early, {"channel": "in_person"})))
    assert len(decided) <= 1 + 2 * LEAST_SPACING
    assert history.counted == effective(history.recorded)
    assert history.state == replay(history.recorded)


def test_many_corrections_cost_as_many_times_one(decided: list[c.RelationshipCommand]) -> None:
    history = History.of(story().records)
    decided.clear()
    versions = contacts(history)[:20]
    for version in versions:
        history = history.then(tell(history, correct(version, {"channel": "telephone"})))
    assert len(decided) <= len(versions) * (1 + 2 * LEAST_SPACING) + 2 * CONTACTS


@pytest.mark.parametrize("seed", range(12))
def test_a_history_made_in_steps_is_the_one_made_at_once(seed: int) -> None:
    random = Random(seed)
    told = story()
    data = ({"channel": "telephone"}, {"channel": "in_person", "minutes": 5}, None)
    for _ in range(8):
        told.tell(correct(random.choice(contacts(told.records)), random.choice(data)), at=20)
        told.tell(c.RecordContact(channel="email", minutes=random.randint(1, 60)), at=21)
    history = History()
    rest = list(told.records)
    while rest:
        step = random.randint(1, 12)
        history, rest = history.then(rest[:step]), rest[step:]
    at_once = History.of(told.records)
    assert history.counted == at_once.counted == effective(told.records)
    assert history.state == at_once.state == replay(told.records)
    assert history.refused == at_once.refused
