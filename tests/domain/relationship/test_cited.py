"""Every clause that a refusal or a finding cites is of a code that the relationship adopted, or Rapport's own.

Clauses care.* are in force for every relationship; those of a code hold only where it was adopted.
"""

from collections.abc import Iterator

import pytest

from domain.codes.clauses import CODES, cite
from domain.model import Actor, Context, Known
from domain.problem import Refused
from domain.registry import decide
from domain.relationship import events as e
from domain.words import ROLES, Status
from tests.domain.relationship.samples import COMMANDS, in_state
from tests.given_when_then import IDS, SUBJECT, At, day, fold, history, proposed

STATES: tuple[Status, ...] = ("contracting", "active", "paused", "terminated")
# What people report about, keep private and declare, so that the guards have something to say.
TROUBLE = (
    At(0.55, e.TopicMarkedPrivate(topic="list"), "mentee"),
    At(0.55, e.ConflictOfInterestDeclared(nature="friendship"), "mentor"),
    At(0.55, e.TrustBreakdownReported(description="x"), "mentee"),
    At(0.55, e.DisrespectReported(against="mentor", description="x"), "mentee"),
    At(0.55, e.MatchAccepted(), "mentor"),
)


def proposal(codes: tuple[str, ...]) -> At:
    return At(0, proposed().model_copy(update={"codes": dict.fromkeys(codes, "1")}))


def told(status: Status, codes: tuple[str, ...], *, troubled: bool) -> list[At]:
    events = [proposal(codes), *in_state(status)[1:]]
    started = [at for at in events if not isinstance(at.event, e.RelationshipPaused | e.RelationshipTerminated)]
    return [*started, *(TROUBLE if troubled else ()), *events[len(started) :]]


def cited(codes: tuple[str, ...]) -> Iterator[tuple[str, str | None]]:
    """The command and the clause of every problem and every finding, whoever sends it in whatever state."""
    for status in STATES:
        for troubled in (False, True):
            events = history(*told(status, codes, troubled=troubled))
            bare = history(proposal(codes))
            for records in (events, bare):
                state = fold(records)
                for command in COMMANDS.values():
                    for role in ROLES:
                        for standing in ("good", "suspended"):
                            who = Actor(role, IDS[role])
                            known = Known(mentor_standing=standing)
                            context = Context(who, day(1), day(1), known, history=lambda kept=records: kept)  # type: ignore[misc]
                            name = type(command).__name__
                            try:
                                accepted = decide(SUBJECT, state, command, context)
                            except Refused as refused:
                                yield from ((name, problem.clause) for problem in refused.problems)
                            else:
                                yield from ((name, finding.clause) for finding in accepted.findings)


@pytest.mark.parametrize("codes", [(), *((code,) for code in CODES)], ids=lambda codes: "+".join(codes) or "none")
def test_refusals_and_findings_cite_adopted_clauses_and_rapports_own_alone(codes: tuple[str, ...]) -> None:
    wrong = {(name, clause) for name, clause in cited(codes) if clause is not None and not cite(codes, clause)}
    assert wrong == set()
