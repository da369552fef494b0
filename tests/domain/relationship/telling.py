"""A relationship that is told message by message, for what contests and corrections do to it."""

from collections.abc import Sequence
from typing import Any

import pytest

from domain.model import Actor, AnyRecorded, Context, Event, Known, Recorded
from domain.problem import Problem, Refused
from domain.registry import decide, replay
from domain.relationship import commands as c
from domain.relationship.corrections import effective
from domain.relationship.state import Relationship
from tests.domain.relationship.samples import in_state
from tests.given_when_then import IDS, SUBJECT, At, day, history


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
        (found,) = [each for each in effective(self.records) if each.version == version]
        assert isinstance(found.data, Event)
        return found.data

    def contested(self) -> tuple[int, ...]:
        """The versions of the contested facts."""
        return self.state.contested

    def session(self, session_id: str) -> str:
        """The status of a session."""
        return self.state.sessions[session_id].status


def correct(version: int, data: dict[str, Any] | None = None) -> c.CorrectFact:
    return c.CorrectFact(version=version, reason="wrong", data=data, void=True if data is None else None)


def codes(problems: Sequence[Problem]) -> set[tuple[str, str | None]]:
    return {(problem.code, problem.field) for problem in problems}


class Missed(Told):
    """Session s1 missed by the mentee, as the mentor says."""

    no_show: int


def missed() -> Missed:
    told = Missed()
    (told.no_show,) = told.tell(c.RecordNoShow(session_id="s1", absent=("mentee",)), by="mentor", at=10.1)
    return told
