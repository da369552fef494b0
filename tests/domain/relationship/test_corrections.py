"""Corrections: who may contest, answer and correct what, and what follows from a corrected fact."""

from collections.abc import Sequence
from typing import Any, get_args

import pytest

from domain.model import Actor, AnyRecorded, Context, Event, Known, Recorded
from domain.problem import Problem, Refused
from domain.registry import decide, replay
from domain.relationship import commands as c
from domain.relationship import events as e
from domain.relationship.contests import CORRECTABLE
from domain.relationship.corrections import COMMAND_OF, command_of, effective
from domain.relationship.state import Relationship
from tests.domain.relationship.samples import COMMANDS, in_state
from tests.given_when_then import IDS, SUBJECT, At, day, history
from tests.infra.store.golden import filled

EVENTS: tuple[type[Event], ...] = get_args(e.RelationshipEvent)


class Told:
    """A relationship whose messages are decided one after the other, as the intake does."""

    def __init__(self, *events: Event | At) -> None:
        self.records: list[AnyRecorded] = history(*(events or in_state("active")))

    @property
    def state(self) -> Relationship:
        state = replay(SUBJECT, self.records)
        assert isinstance(state, Relationship)
        return state

    @property
    def version(self) -> int:
        return self.records[-1].version

    def tell(
        self,
        command: c.RelationshipCommand,
        *,
        by: str = "mentee",
        at: float = 1.0,
        as_id: str | None = None,
        known: Known | None = None,
    ) -> list[int]:
        """Send a command; the versions that it recorded."""
        state = self.state
        knows = known or state.known
        actor = Actor(by, as_id or IDS[by])  # type: ignore[arg-type]
        context = Context(actor, day(at), day(at), knows, history=lambda: self.records)
        accepted = decide(SUBJECT, state, command, context)
        message = f"told{self.version}"
        news = None if knows == state.known else knows
        versions = []
        for place, event in enumerate(accepted.events):
            self.records.append(
                Recorded[Any](
                    subject=SUBJECT,
                    version=self.version + 1,
                    occurred_at=day(at),
                    recorded_at=day(at),
                    actor=str(actor),
                    source="/tests",
                    message_id=message,
                    known=None if place else news,
                    findings=None if place else accepted.findings or None,
                    data=event,
                )
            )
            versions.append(self.version)
        return versions

    def refused(self, command: c.RelationshipCommand, **how: Any) -> tuple[Problem, ...]:
        """The problems of a command that is refused."""
        with pytest.raises(Refused) as refusal:
            self.tell(command, **how)
        return refusal.value.problems

    def effective(self, version: int) -> Event:
        """The event of a version as it counts now."""
        (found,) = [each.data for each in effective(self.records) if each.version == version]
        return found


def correct(version: int, data: dict[str, Any] | None = None) -> c.CorrectFact:
    return c.CorrectFact(version=version, reason="wrong", data=data, void=True if data is None else None)


def codes(problems: Sequence[Problem]) -> set[tuple[str, str | None]]:
    return {(problem.code, problem.field) for problem in problems}


# --- from events back to commands ------------------------------------------------------------------------------------
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_every_event_gives_its_command_with_the_fields_of_the_same_name(event: type[Event]) -> None:
    fact = filled(event)
    command = command_of(fact)
    assert type(command) is COMMAND_OF[event]
    dumped = command.model_dump()
    assert set(dumped) == set(type(command).model_fields)
    otherwise = {"codes", "minutes", "session_id"}
    for name in set(dumped) & set(event.model_fields) - otherwise:
        assert getattr(command, name) == getattr(fact, name)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: type(command).__name__)
@pytest.mark.parametrize("status", ["contracting", "active", "terminated"])
@pytest.mark.parametrize("role", ["mentee", "coordinator", "worker"])
def test_the_command_of_what_a_command_recorded_records_the_same(command: Any, status: Any, role: str) -> None:
    told = Told(*in_state(status))
    state = told.state
    context = Context(Actor(role, IDS[role]), day(1), day(1))  # type: ignore[arg-type]
    try:
        events = decide(SUBJECT, state, command, context).events
    except Refused:
        return
    if events:
        assert decide(SUBJECT, state, command_of(events[0]), context).events == events


def test_every_correctable_fact_is_stated_by_the_command_that_records_it() -> None:
    assert {event: COMMAND_OF[event] for event in CORRECTABLE} == CORRECTABLE
