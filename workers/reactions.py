"""The parts of a reaction: a decision with its reasons, the notifications to several people, the usual recipients."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from workers.ground import Relation
from workers.model import Arm, Cancel, CloseTask, Decision, Effect, Given, Notify, Over, Reaction, Value

COORDINATOR: Final = "coordinator"
HR: Final = "hr"


def because(clauses: tuple[str, ...], evidence: Iterable[int], *effects: Effect, terms: Iterable[str] = ()) -> Decision:
    """A decision: the clauses and events behind it, the terms that counted, and what should follow."""
    return Decision(clauses, tuple(evidence), effects, tuple(terms))


def tidy(*effects: Arm | Cancel | CloseTask | Over) -> Reaction:
    """A decision that only arms or cancels deadlines and closes tasks: it leaves no receipt."""
    return (Decision((), (), effects),) if effects else ()


def notify(
    recipients: Iterable[str],
    template: str,
    *,
    of: str | None = None,
    until: datetime | None = None,
    **parameters: Value,
) -> tuple[Notify, ...]:
    """The same notification to several people; see `Notify` for `of` and `until`."""
    return tuple(Notify(recipient, template, parameters, until=until, of=of) for recipient in recipients)


def decide_by(given: Given) -> datetime:
    """When the days within which somebody decides (decision_days) are over, if they begin now."""
    return given.at + timedelta(days=given.term("decision_days"))


def parties(relation: Relation) -> tuple[str, str]:
    """Mentee and mentor as recipients."""
    return relation.mentee, relation.mentor


def everybody(relation: Relation) -> tuple[str, str, str]:
    """Mentee, mentor and the coordinator."""
    return relation.mentee, relation.mentor, COORDINATOR


def with_one(texts: tuple[str, ...], text: str) -> tuple[str, ...]:
    """The texts with one more, unless it is among them."""
    return texts if text in texts else (*texts, text)
