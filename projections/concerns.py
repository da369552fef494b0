"""`concerns`: one row a concern or a recommendation to end: the clause behind it, its evidence, what became of it."""

from typing import Any, Final, assert_never

from domain.codes.clauses import RESPECT_CLAUSES, TRUST_CLAUSES, same_matter
from domain.model import AnyRecorded, events_of
from domain.relationship import events as e
from projections.dataset import Column, Key, Row, Table, relationship_id
from projections.projection import RowFold, Rows

Raising = e.CommitmentConcernRaised | e.ShutdownRecommended
Settling = (
    e.CommitmentConcernResolved
    | e.ConcernEscalated
    | e.RecommendationDismissed
    | e.RecommendationEscalated
    | e.TrustRestored
    | e.TrustReadinessStated
    | e.DisrespectResolved
)
Heard = Raising | Settling

TABLE: Final = Table(
    "concerns",
    "One row a concern about commitment or a recommendation to end: the clause, the evidence, what became of it.",
    (
        relationship_id(),
        Column("raised_version", "integer", "The version of the event that raised it."),
        Column("kind", "text", "concern or recommendation."),
        Column("clause", "text", "The clause of the code behind it."),
        Column("status", "text", "open, resolved or dismissed."),
        Column("evidence", "integers", "The versions of the events that it rests on."),
        Column("about", "texts", "The roles that it is about; none where it is about the relationship as such."),
        Column("raised_by", "text", "The role that raised it."),
        Column("raised_at", "time", "When that was."),
        Column("escalated_at", "time", "When it was handed on because nobody answered."),
        Column("settled_by", "text", "The role that settled it."),
        Column("settled_at", "time", "When that was."),
    ),
    key=("relationship_id", "raised_version"),
    indexes=(("status",), ("clause",)),
)


def keys(recorded: AnyRecorded, rows: Rows) -> list[Key]:
    """A new row for what is raised; the open ones that an answer is about."""
    event: Heard = recorded.data
    match event:
        case e.CommitmentConcernRaised() | e.ShutdownRecommended():
            return [(recorded.subject, recorded.version)]
        case e.CommitmentConcernResolved() | e.ConcernEscalated():
            return _open(rows, "concern", (event.clause,))
        case e.RecommendationDismissed():
            return _open(rows, "recommendation", None if event.clause is None else same_matter(event.clause))
        case e.RecommendationEscalated():
            return _open(rows, "recommendation", same_matter(event.clause))
        case e.TrustRestored() | e.TrustReadinessStated():
            # Where both parties reported broken trust, one of them restores only the half.
            return _open(rows, "recommendation", TRUST_CLAUSES) if event.settled else []
        case e.DisrespectResolved():
            return _open(rows, "recommendation", RESPECT_CLAUSES)
        case _:
            assert_never(event)


def _open(rows: Rows, kind: str, clauses: tuple[str, ...] | None) -> list[Key]:
    return [
        key
        for key, row in rows.items()
        if row["status"] == "open" and row["kind"] == kind and (clauses is None or row["clause"] in clauses)
    ]


def evolve(row: Row | None, recorded: AnyRecorded) -> Row | None:
    """The row after an event."""
    event: Heard = recorded.data
    match event:
        case e.CommitmentConcernRaised():
            return _raised("concern", event, recorded)
        case e.ShutdownRecommended():
            return _raised("recommendation", event, recorded)
        case _:
            return None if row is None else {**row, **_changes(event, recorded)}


def _changes(event: Settling, recorded: AnyRecorded) -> dict[str, Any]:
    match event:
        case e.ConcernEscalated() | e.RecommendationEscalated():
            return {"escalated_at": recorded.occurred_at}
        case e.RecommendationDismissed():
            return _settled("dismissed", recorded)
        case e.CommitmentConcernResolved() | e.TrustRestored() | e.TrustReadinessStated() | e.DisrespectResolved():
            return _settled("resolved", recorded)
        case _:
            assert_never(event)


def _settled(status: str, recorded: AnyRecorded) -> dict[str, Any]:
    return {"status": status, "settled_by": recorded.role, "settled_at": recorded.occurred_at}


def _raised(kind: str, event: Raising, recorded: AnyRecorded) -> Row:
    return {
        "relationship_id": recorded.subject,
        "raised_version": recorded.version,
        "kind": kind,
        "clause": event.clause,
        "status": "open",
        "evidence": list(event.evidence),
        "about": list(event.about),
        "raised_by": recorded.role,
        "raised_at": recorded.occurred_at,
        "escalated_at": None,
        "settled_by": None,
        "settled_at": None,
    }


PROJECTION: Final = RowFold("concerns", 2, TABLE, events_of(Heard), evolve, keys)
