"""The kit in which the rules are told: given these events, when this command comes, then these events, nothing, or a refusal.

    given(proposed(), active()).when(PauseRelationship(...)).then_refused("cmn.pause-or-stop")

Times are days since `START`; whoever acts is named by role, the ids are those of `proposed()`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from domain.model import Actor, AnyRecorded, Command, Context, Event, Finding, Known, Recorded
from domain.problem import Problem, Refused
from domain.registry import State, decide, replay
from domain.relationship import events as e

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SUBJECT = "6f1e5a52-3a0b-4a39-9d6c-0f2f6c2a9b10"
IDS = {
    "mentee": "ana",
    "mentor": "ben",
    "customer": "acme",
    "line_manager": "lou",
    "supplier": "guild",
    "coordinator": "cora",
    "hr": "hanna",
    "service": "booking",
    "worker": "trust",
    "analyst": "anton",
    "auditor": "otto",
}
ALL_CODES = ("pentalog", "mentor247", "cmn", "leapfrog", "nottingham")


def day(days: float) -> datetime:
    """That many days after START."""
    return START + timedelta(days=days)


@dataclass(frozen=True)
class At:
    """An event with its own time, in days since START, its own actor and its findings."""

    days: float
    event: Event
    by: str = "coordinator"
    findings: tuple[Finding, ...] = ()


def actor(role: str) -> Actor:
    """The person whom `proposed()` names for a role."""
    return Actor(role, IDS[role])  # type: ignore[arg-type]


def proposed(*codes: str) -> e.RelationshipProposed:
    """A proposal under these codes (all five when none is given) that names everybody."""
    return e.RelationshipProposed(
        programme_id="p1",
        mentee_id=IDS["mentee"],
        mentor_id=IDS["mentor"],
        customer_id=IDS["customer"],
        line_manager_id=IDS["line_manager"],
        supplier_id=IDS["supplier"],
        codes=dict.fromkeys(codes or ALL_CODES, "1"),
    )


def history(*events: Event | At, subject: str = SUBJECT) -> list[AnyRecorded]:
    """Events as the record holds them, one a minute unless they say when."""
    recorded: list[AnyRecorded] = []
    for version, item in enumerate(events, 1):
        at = item if isinstance(item, At) else At(version / 1440, item)
        when = day(at.days)
        recorded.append(
            Recorded(
                subject=subject,
                version=version,
                occurred_at=when,
                recorded_at=when,
                actor=str(actor(at.by)),
                source="/tests",
                message_id=f"m{version}",
                findings=at.findings or None,
                data=at.event,
            )
        )
    return recorded


def fold(records: Iterable[AnyRecorded]) -> State | None:
    """The state after a history, with its corrections applied."""
    recorded = list(records)
    return replay(recorded[0].subject, recorded) if recorded else None


@dataclass(frozen=True)
class Given:
    """A history, and what is asked of it."""

    records: Sequence[AnyRecorded]
    subject: str = SUBJECT
    known: Known = Known()  # noqa: RUF009 - a frozen value
    codes: tuple[str, ...] = ()
    followed_mentee: str | None = None
    outcome: list[Event] | Refused | None = None
    findings: tuple[Finding, ...] = ()

    def knowing(self, known: Known) -> Self:
        """Other aggregates say this at the time of the decision."""
        return replace(self, known=known)

    def following(self, mentee_id: str | None) -> Self:
        """The relationship that a proposal follows is one of this mentee; None: there is no such relationship."""
        return replace(self, followed_mentee=mentee_id)

    def when(self, command: Command, *, by: str = "mentee", at: float = 1.0, as_id: str | None = None) -> Self:
        """The command is sent by that role, that many days after START."""
        who = actor(by) if as_id is None else Actor(by, as_id)  # type: ignore[arg-type]
        context = Context(
            who,
            day(at),
            day(at),
            self.known,
            self.codes,
            history=lambda: self.records,
            followed_mentee=self.followed_mentee,
        )
        try:
            accepted = decide(self.subject, fold(self.records), command, context)
        except Refused as refused:
            return replace(self, outcome=refused, findings=())
        return replace(self, outcome=list(accepted.events), findings=accepted.findings)

    def then(self, *events: Event | type[Event]) -> list[Event]:
        """Exactly these events, each given whole or by its type."""
        assert isinstance(self.outcome, list), f"refused: {self.outcome}"
        assert len(self.outcome) == len(events), f"recorded {self.outcome}"
        for got, wanted in zip(self.outcome, events, strict=True):
            assert (type(got) is wanted) if isinstance(wanted, type) else (got == wanted), f"{got} is not {wanted}"
        return self.outcome

    def then_found(self, *wanted: tuple[str, str | None]) -> None:
        """Accepted with exactly these findings, each a code and a clause."""
        assert isinstance(self.outcome, list), f"refused: {self.outcome}"
        assert [(finding.code, finding.clause) for finding in self.findings] == list(wanted)

    def then_nothing(self) -> None:
        """Accepted, and nothing new to record."""
        assert self.outcome == [], f"got {self.outcome}"

    def then_refused(self, *wanted: str) -> tuple[Problem, ...]:
        """Refused, and each of the wanted words is the clause or the code of a problem."""
        assert isinstance(self.outcome, Refused), f"not refused: {self.outcome}"
        spoken: set[Any] = {p.clause for p in self.outcome.problems} | {p.code for p in self.outcome.problems}
        assert set(wanted) <= spoken, f"{wanted} not among {self.outcome.problems}"
        return self.outcome.problems


def given(*events: Event | At, subject: str = SUBJECT) -> Given:
    """Begin with a history."""
    return Given(history(*events, subject=subject), subject)
