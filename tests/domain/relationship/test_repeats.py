"""A command told twice records nothing twice, and random lives never leave the law."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st

from domain.model import Command, Context, Event, Recorded
from domain.problem import Refused
from domain.registry import COMMAND_OF, replay
from domain.relationship.decide import decide
from domain.relationship.evolve import evolve
from domain.relationship.lifecycle import illegal
from domain.relationship.permissions import may_send
from domain.relationship.state import Relationship
from domain.words import STATUSES, Status
from tests.domain.relationship.samples import COMMANDS, in_state
from tests.given_when_then import START, SUBJECT, actor, day, fold, history
from tests.sizes import size


def record(state: Relationship | None, events: Sequence[Event], context: Context) -> Relationship | None:
    """Fold new events and hold each step against the statechart."""
    for event in events:
        recorded = Recorded[Event](
            subject=SUBJECT,
            version=(state.version if state else 0) + 1,
            occurred_at=context.occurred_at,
            recorded_at=context.recorded_at,
            actor=str(context.actor),
            data=event,
        )
        after = evolve(state, recorded)
        assert illegal(state, recorded, COMMAND_OF[type(event).__name__], after) is None
        state = after
    return state


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: type(command).__name__)
def test_the_same_command_at_the_same_time_tells_nothing_new(status: Status, command: Command) -> None:
    state = fold(history(*in_state(status)))
    assert isinstance(state, Relationship)
    for role in sorted(may_send(type(command))):
        context = Context(actor(role), day(1), day(1))
        try:
            events = decide(state, command, context).events  # type: ignore[arg-type]
        except Refused:
            continue
        after = record(state, events, context)
        with suppress(Refused):
            assert decide(after, command, context).events == []  # type: ignore[arg-type]


@hypothesis_given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(COMMANDS, key=lambda command: command.__name__)),
            st.sampled_from(["mentee", "mentor", "coordinator", "service", "worker", "hr"]),
            st.integers(0, 40),
        ),
        max_size=60,
    ),
    st.sampled_from(STATUSES),
)
@settings(max_examples=size(60, 300), deadline=None)
def test_no_sequence_of_commands_makes_an_illegal_history(
    steps: list[tuple[type[Command], str, int]], status: Status
) -> None:
    records = history(*in_state(status))
    state = fold(records)
    assert isinstance(state, Relationship)
    live: Relationship | None = state
    when = START + timedelta(days=1)
    for command, role, hours in steps:
        when += timedelta(hours=hours)
        context = Context(actor(role), when, when)
        try:
            events = decide(live, COMMANDS[command], context).events  # type: ignore[arg-type]
        except Refused:
            continue
        live = record(live, events, context)
        for event in events:
            version = records[-1].version + 1
            envelope = {"subject": SUBJECT, "version": version, "actor": str(context.actor)}
            records.append(Recorded(occurred_at=when, recorded_at=when, data=event, **envelope))  # type: ignore[arg-type]
    replayed = replay(SUBJECT, records)
    assert fold(records) == live == replayed
    assert type(replayed) is Relationship
