"""Which events count for a question about another time, and the state that they fold to."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from domain.model import AnyRecorded
from domain.registry import State, evolve, kind_of
from domain.relationship.events import RelationshipProposed


class Moment(NamedTuple):
    """A point in time, asked two ways: `as_of` occurred time, `known_at` recorded time; or a version of the stream."""

    as_of: datetime | None = None
    known_at: datetime | None = None
    version: int | None = None

    def holds(self, event: AnyRecorded) -> bool:
        """Whether an event counts: it had occurred, it was known, the stream had come that far."""
        return (
            (self.as_of is None or event.occurred_at <= self.as_of)
            and (self.known_at is None or event.recorded_at <= self.known_at)
            and (self.version is None or event.version <= self.version)
        )


NOW = Moment()


def fold(events: Iterable[AnyRecorded], moment: Moment = NOW) -> State | None:
    """The state after the events that count, in the order of their versions; None before there was anything.

    What occurred before the proposal did has no relationship to belong to yet.
    """
    state: State | None = None
    for event in events:
        if not moment.holds(event):
            continue
        if (
            state is None
            and kind_of(event.subject) == "relationship"
            and not isinstance(event.data, RelationshipProposed)
        ):
            continue
        state = evolve(state, event)
    return state
