"""One small aggregate living through commands, for the tests of mentors, conduct cases and programmes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from domain.model import Actor, Command, Context, Event, Recorded
from domain.problem import Problem, Refused

S = TypeVar("S")
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def day(n: float) -> datetime:
    """A time n days after the start of the tests' calendar."""
    return START + timedelta(days=n)


class Stream(Generic[S]):
    """A stream of events with the functions that decide and fold it; the actor is a coordinator unless told."""

    def __init__(
        self,
        subject: str,
        decide: Callable[..., list[Any]],
        evolve: Callable[..., S],
        actor: str = "coordinator:cleo",
        codes: tuple[str, ...] = (),
    ) -> None:
        self.subject, self.decide, self.evolve, self.actor, self.codes = subject, decide, evolve, actor, codes
        self.state: S | None = None
        self.log: list[Recorded[Any]] = []

    def when(self, command: Command, actor: str | None = None, at: datetime | None = None) -> list[Event]:
        """Decide, record and return the events."""
        at = at or day(len(self.log))
        context = Context(Actor.parse(actor or self.actor), at, at, codes=self.codes)
        events = self.decide(self.state, command, context)
        for event in events:
            self.given(event, at)
        return events

    def attempt(self, command: Command, actor: str | None = None, at: datetime | None = None) -> list[Event]:
        """The events of a command; none when it is refused."""
        try:
            return self.when(command, actor, at)
        except Refused:
            return []

    def given(self, event: Event, at: datetime) -> None:
        """Record an event without asking the rules."""
        recorded = Recorded[Any](
            subject=self.subject,
            version=len(self.log) + 1,
            occurred_at=at,
            recorded_at=at,
            actor=self.actor,
            data=event,
        )
        self.log.append(recorded)
        self.state = self.evolve(self.state, recorded)

    def refused(self, command: Command, actor: str | None = None, at: datetime | None = None) -> list[Problem]:
        """The problems with which a command is refused; it must be."""
        before = self.state
        try:
            events = self.when(command, actor, at)
        except Refused as refusal:
            assert self.state is before
            return list(refusal.problems)
        raise AssertionError(f"not refused: {events}")

    def replayed(self) -> S | None:
        """The state as its log alone makes it."""
        state: S | None = None
        for recorded in self.log:
            state = self.evolve(state, recorded)
        return state


def codes(problems: list[Problem]) -> list[str]:
    return [problem.code for problem in problems]
