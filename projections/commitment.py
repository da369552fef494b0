"""`commitment_health`, `commitment_signals`, `commitment_bands` and `signals_history`: how a relationship is doing, why, and how that came about.

The rules are `domain.commitment`. What is kept between events are its facts, from which health follows for any time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, Final

from domain.commitment import POLICY, Change, Facts, Health, HealthEvent, SignalHeld, assess, fold
from domain.commitment.moments import EPOCH, moment, time_of
from domain.commitment.terms import TermsInTime
from domain.immutable import Immutable
from domain.model import AnyRecorded, events_of
from domain.relationship.events import RelationshipProposed
from projections.dataset import Column, Row, Table, relationship_id
from projections.projection import RowContext, StateFold, Worked

Heard = HealthEvent

HEALTH: Final = Table(
    "commitment_health",
    f"One row a relationship: its commitment health under the policy {POLICY}, right until next_change_at.",
    (
        relationship_id(),
        Column("programme_id", "text", "Its programme."),
        Column("mentor_id", "text", "Its mentor.", "identity"),
        Column("status", "text", "contracting, active, paused or terminated."),
        Column("policy", "text", "The policy and its version."),
        Column("score", "integer", "0 to 100; empty while contracting and after the end."),
        Column("band", "text", "healthy, watch, at_risk or critical; empty without a score."),
        Column("mentee_score", "integer", "The mentee's score, 0 to 100."),
        Column("mentor_score", "integer", "The mentor's score, 0 to 100."),
        Column("signals", "integer", "How many signals hold."),
        Column("since", "time", "Since when score and band are what they are."),
        Column("next_change_at", "time", "When the score changes next though nothing happens; empty: never."),
    ),
    key=("relationship_id",),
    indexes=(("band",), ("programme_id",)),
)
SIGNALS: Final = Table(
    "commitment_signals",
    "One row a signal that holds: what it costs whom, the clauses behind it, its evidence.",
    (
        relationship_id(),
        Column("signal", "text", "The signal, such as late_reschedules."),
        Column("party", "text", "To whom its points go: mentee, mentor or relationship."),
        Column("points", "integer", "The points it takes away."),
        Column("clauses", "texts", "The clauses of adopted codes behind it; none where the policy alone speaks."),
        Column("evidence", "integers", "The versions of the events that show it."),
    ),
    key=("relationship_id", "signal", "party"),
    indexes=(("signal",),),
)
BANDS: Final = Table(
    "commitment_bands",
    "The history of score and band: one row for each stretch of time in which both were the same.",
    (
        relationship_id(),
        Column("since", "time", "From when."),
        Column("until", "time", "To when; empty for the present."),
        Column("score", "integer", "The score, 0 to 100."),
        Column("band", "text", "The band."),
    ),
    key=("relationship_id", "since"),
    indexes=(("since",),),
)


HISTORY: Final = Table(
    "signals_history",
    "One row for each stretch of time in which a signal held with the same points: when it began and ended, what showed it.",
    (
        relationship_id(),
        Column("signal", "text", "The signal, such as late_reschedules."),
        Column("party", "text", "To whom its points went: mentee, mentor or relationship."),
        Column("points", "integer", "The points it took away."),
        Column("clauses", "texts", "The clauses of adopted codes behind it; none where the policy alone speaks."),
        Column("since", "time", "From when."),
        Column("until", "time", "To when; empty while it holds."),
        Column("evidence", "integers", "The versions of the events that showed it when it began."),
    ),
    key=("relationship_id", "signal", "party", "since"),
    indexes=(("signal", "since"),),
)


@dataclass(frozen=True)
class State(Immutable):
    """What is kept of a relationship: who, the facts, and the latest time at which one of them occurred."""

    programme_id: str
    mentor_id: str
    facts: Facts
    last_at: datetime


def fold_event(state: State | None, recorded: AnyRecorded) -> State | None:
    """The state after an event; nothing counts before the proposal."""
    at = recorded.occurred_at
    if state is None:
        event = recorded.data
        if not isinstance(event, RelationshipProposed):
            return None
        return State(event.programme_id, event.mentor_id, fold(None, recorded), at)
    return state.but(facts=fold(state.facts, recorded), last_at=max(state.last_at, at))


def before(state: State, version: int) -> State | None:
    """The state before the event of a version, of a stream in which nothing was corrected since; None before the proposal.

    Each fact is that of one event, whatever comes later, so what was known is the beginning of what is.
    """
    facts = state.facts.before(version)
    if not facts:
        return None
    return state.but(facts=facts, last_at=EPOCH + timedelta(microseconds=facts.latest()))


def work(state: State, context: RowContext) -> Worked:
    """The rows as of the given time, or of the last event where that is later."""
    at = max(context.at, state.last_at)
    health, changes, history = assess(state.facts, at, context.programme.terms)
    rows = {
        HEALTH.name: [_health(context.subject, state, health, changes[-1].at if changes else None)],
        SIGNALS.name: [{"relationship_id": context.subject, **_signal(signal)} for signal in health.signals],
        BANDS.name: _bands(context.subject, changes),
        HISTORY.name: [_held(context.subject, held) for held in history],
    }
    # What an event brought holds from before any time that is asked about; what time brought, from then on.
    came = changes[-1].at if changes and changes[-1].at > state.last_at else None
    return Worked(rows, came, _due(health, context.programme.terms.with_own(state.facts.own)))


def _due(health: Health, terms: TermsInTime) -> datetime | None:
    """When the rows change by themselves: time passes a limit, or a setting begins to count."""
    times = [health.refresh_at]
    if health.status in ("active", "paused") and (upcoming := terms.next_after(moment(health.as_of))) is not None:
        times.append(time_of(upcoming))
    return min((time for time in times if time is not None), default=None)


def _health(relationship: str, state: State, health: Health, since: datetime | None) -> Row:
    return {
        "relationship_id": relationship,
        "programme_id": state.programme_id,
        "mentor_id": state.mentor_id,
        "status": health.status,
        "policy": health.policy,
        "score": health.score,
        "band": health.band,
        "mentee_score": health.mentee_score,
        "mentor_score": health.mentor_score,
        "signals": len(health.signals),
        "since": since,
        "next_change_at": health.next_change_at,
    }


def _signal(signal: Any) -> Row:
    return {
        "signal": signal.signal,
        "party": signal.party,
        "points": signal.points,
        "clauses": list(signal.clauses),
        "evidence": list(signal.evidence),
    }


def _held(relationship: str, held: SignalHeld) -> Row:
    return {"relationship_id": relationship, **_signal(held.signal), "since": held.since, "until": held.until}


def _bands(relationship: str, changes: tuple[Change, ...]) -> list[Row]:
    ends = [change.at for change in changes[1:]]
    return [
        {"relationship_id": relationship, "since": at, "until": end, "score": score, "band": band}
        for (at, score, band), end in zip_longest(changes, ends)
        if score is not None
    ]


def dump(state: State) -> Any:
    """The state as JSON values."""
    return [state.programme_id, state.mentor_id, state.last_at.isoformat(), state.facts.to_json()]


def load(values: Any) -> State:
    """Read what `dump` gave."""
    programme_id, mentor_id, last_at, facts = values
    return State(programme_id, mentor_id, Facts.from_json(facts), datetime.fromisoformat(last_at))


PROJECTION: Final = StateFold(
    "commitment",
    2,
    (HEALTH, SIGNALS, BANDS, HISTORY),
    events_of(Heard),
    fold_event,
    work,
    dump,
    load,
    programme=lambda state: state.programme_id,
)
