"""`corrections`: one row a correction of a fact: what was corrected, by whom, since when it had been contested."""

from datetime import datetime
from typing import Any, Final, NamedTuple, assert_never

from domain.model import AnyRecorded, events_of
from domain.relationship.events import ContestAnswered, FactContested, FactCorrected, RelationshipProposed
from domain.words import OFFICE
from projections.dataset import Column, Row, Table, relationship_id
from projections.projection import RowContext, StateFold, Worked

Heard = RelationshipProposed | FactContested | ContestAnswered | FactCorrected

TABLE: Final = Table(
    "corrections",
    "One row a correction of a fact: what was corrected, by whom, and since when it had been contested.",
    (
        relationship_id(),
        Column("version", "integer", "The version of the correction."),
        Column("programme_id", "text", "The programme of the relationship."),
        Column("fact_version", "integer", "The version of the fact that it corrects."),
        Column("fact_type", "text", "The type of that fact, such as SessionMissed."),
        Column("void", "boolean", "Whether the fact is left out; else it is replaced."),
        Column("corrected_at", "time", "When it was corrected."),
        Column("corrected_by", "text", "The role that corrected it."),
        Column("contested_since", "time", "Since when the fact had been contested; empty if nobody contested it."),
        Column("latest", "boolean", "Whether no later correction of the same fact has taken its place."),
    ),
    key=("relationship_id", "version"),
    indexes=(("programme_id",), ("fact_type",)),
)


class State(NamedTuple):
    """The programme, the open contests (version, fact, time) and the rows so far, as JSON values."""

    programme_id: str
    contests: tuple[tuple[int, int, str], ...] = ()
    rows: tuple[dict[str, Any], ...] = ()


def fold(state: State | None, recorded: AnyRecorded) -> State | None:
    """The state after an event; nothing counts before the proposal."""
    event: Heard = recorded.data
    if isinstance(event, RelationshipProposed):
        return State(event.programme_id)
    if state is None:
        return None
    match event:
        case FactContested():
            contest = (recorded.version, event.version, recorded.occurred_at.isoformat())
            return state._replace(contests=(*state.contests, contest))
        case ContestAnswered():
            return state._replace(contests=tuple(each for each in state.contests if each[0] != event.version))
        case FactCorrected():
            return _corrected(state, event, recorded)
        case _:
            assert_never(event)


def _corrected(state: State, event: FactCorrected, recorded: AnyRecorded) -> State:
    since = [at for _, fact, at in state.contests if fact == event.version]
    row = {
        "version": recorded.version,
        "fact_version": event.version,
        "fact_type": event.fact,
        "void": event.void is True,
        "corrected_at": recorded.occurred_at.isoformat(),
        "corrected_by": recorded.role,
        "contested_since": since[0] if since else None,
    }
    # That of an author outside the office leaves the contest open.
    contests = tuple(each for each in state.contests if recorded.role not in OFFICE or each[1] != event.version)
    return state._replace(contests=contests, rows=(*state.rows, row))


def work(state: State, context: RowContext) -> Worked:
    """A row for each correction."""
    latest = {row["fact_version"]: row["version"] for row in state.rows}
    return Worked({TABLE.name: [_row(context.subject, state, row, latest) for row in state.rows]})


def _row(relationship: str, state: State, row: dict[str, Any], latest: dict[int, int]) -> Row:
    since = row["contested_since"]
    return {
        **row,
        "relationship_id": relationship,
        "programme_id": state.programme_id,
        "corrected_at": datetime.fromisoformat(row["corrected_at"]),
        "contested_since": None if since is None else datetime.fromisoformat(since),
        "latest": latest[row["fact_version"]] == row["version"],
    }


def dump(state: State) -> Any:
    """The state as JSON values."""
    return [state.programme_id, state.contests, state.rows]


def load(values: Any) -> State:
    """Read what `dump` gave."""
    programme_id, contests, found = values
    return State(programme_id, tuple((version, fact, at) for version, fact, at in contests), tuple(found))


PROJECTION: Final = StateFold("corrections", 2, (TABLE,), events_of(Heard), fold, work, dump, load)
