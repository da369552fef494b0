"""A relationship at risk or critical: a task until somebody reviewed it, or it recovered.

The band is that of commitment health. Time alone changes it too, so the next such moment is a deadline.
"""

from datetime import timedelta
from typing import Final

from domain.calendar import end_of_local_day
from domain.codes.implements import implements
from domain.commitment import Band, Facts, Health, HealthEvent, evaluate, fold, score_at, standing_at
from domain.model import AnyRecorded, Time, events_of
from domain.relationship import events as e
from domain.relationship.reviews import is_about
from domain.term_setting import TermSet, TermWithdrawn
from workers.commitment import KeptFacts
from workers.ground import Ground
from workers.model import (
    NOTHING,
    Arm,
    Cancel,
    CloseTask,
    Deadline,
    Given,
    OpenTask,
    Over,
    Reaction,
    State,
    Worker,
    of_relationship,
)
from workers.reactions import COORDINATOR, because, decide_by, notify, tidy

TASK: Final = "attention"
CHANGES: Final = "band"
LOOK_AGAIN: Final = "look_again"
TROUBLED: Final[frozenset[Band]] = frozenset({"at_risk", "critical"})
SETTLED_BY: Final = "ReviewRelationship", "TerminateRelationship"


Heard = HealthEvent | e.RelationshipReviewed


class Attention(State):
    """The facts so far, the band at the last assessment (which was at `looked_at`), and what becomes of the task.

    `evidence` is that of the task. `reviewed`: somebody looked at it, and it opens again only when that is due or things
    get worse.
    """

    facts: KeptFacts = Facts()
    looked_at: Time | None = None
    band: Band | None = None
    score: int | None = None
    evidence: tuple[int, ...] = ()
    asked: bool = False
    reviewed: bool = False


NOT_LOOKED_AT: Final = Attention()


def _keys(recorded: AnyRecorded, ground: Ground) -> tuple[str, ...]:
    """A programme's term concerns every relationship of it."""
    if isinstance(recorded.data, (TermSet, TermWithdrawn)) and recorded.subject.startswith("programme:"):
        return ground.members(recorded.subject)
    return of_relationship(recorded, ground)


def _react(state: Attention, recorded: AnyRecorded, given: Given) -> tuple[Attention, Reaction]:
    event: Heard = recorded.data
    if isinstance(event, e.RelationshipReviewed):
        return _reviewed(state, event, recorded, given)
    if recorded.subject == given.key:
        state = state.but(facts=fold(state.facts, recorded))
    if isinstance(event, e.RelationshipTerminated):
        return NOT_LOOKED_AT.but(), tidy(Over())
    if not given.runs:
        return state, NOTHING
    if state.looked_at is not None and given.at < state.looked_at:
        # Told late: a walk through all that came after is only worth it where the score is another.
        now = score_at(state.facts, state.looked_at, given.programme.in_time)
        if now is not None and now.score == state.score:
            return state, tidy(Arm(CHANGES, now.next_change_at) if now.next_change_at else Cancel(CHANGES))
    return _assess(state, given)


@implements("care.attention")
def _assess(state: Attention, given: Given) -> tuple[Attention, Reaction]:
    """Assess the health again: a task opens when the band gets bad, or gets worse after a review; it closes when it is better."""
    at = max(given.at, state.looked_at or given.at)
    score, band, changes_at = standing_at(state.facts, at, given.programme.in_time)
    before = state.band
    state = state.but(band=band, score=score, looked_at=at)
    timer = tidy(Arm(CHANGES, changes_at) if changes_at else Cancel(CHANGES))
    if band not in TROUBLED:
        better = tidy(CloseTask(TASK), Cancel(LOOK_AGAIN)) if state.asked or state.reviewed else NOTHING
        state = state.but(asked=False, reviewed=False) if better else state
        return state, better + timer
    worse = band == "critical" and before == "at_risk"
    if state.asked or (state.reviewed and not worse):
        return state, timer
    state, asked = _ask(state, evaluate(state.facts, at, given.programme.in_time), given)
    return state, asked + timer


def _ask(state: Attention, health: Health, given: Given) -> tuple[Attention, Reaction]:
    found = dict.fromkeys(clause for signal in health.signals for clause in signal.clauses)
    evidence = tuple(sorted({version for signal in health.signals for version in signal.evidence}))
    due = decide_by(given)
    task = OpenTask(TASK, TASK, SETTLED_BY, due=due, about=health.band)
    notices = notify((COORDINATOR,), TASK, of=TASK, band=health.band)
    clauses = (*found, *given.cite("care.attention"))
    asked = because(clauses, evidence, task, Cancel(LOOK_AGAIN), *notices, terms=("decision_days",))
    return state.but(evidence=evidence, asked=True, reviewed=False), (asked,)


@implements("care.attention")
def _reviewed(
    state: Attention, event: e.RelationshipReviewed, recorded: AnyRecorded, given: Given
) -> tuple[Attention, Reaction]:
    """Somebody has looked: the task closes, and opens again on the day they named when things are still so."""
    if state.band not in TROUBLED or not is_about(event, state.evidence):
        return state, NOTHING
    if event.look_again_on is not None:
        again = end_of_local_day(event.look_again_on - timedelta(days=1), given.programme.timezone)
    else:
        again = given.at + timedelta(days=given.term("look_again_days"))
    looked = because(
        given.cite("care.attention"), (recorded.version,), CloseTask(TASK), Arm(LOOK_AGAIN, max(again, given.at))
    )
    return state.but(asked=False, reviewed=True), (looked,)


def _due(state: Attention, deadline: Deadline, given: Given) -> tuple[Attention, Reaction]:
    if given.relation is None:
        return state, NOTHING
    if deadline.name == LOOK_AGAIN:
        state = state.but(reviewed=False)
    return _assess(state, given)


ATTENTION: Final = Worker(
    name="attention",
    state=Attention,
    listens=events_of(Heard),
    react=_react,
    due=_due,
    keys=_keys,
)
