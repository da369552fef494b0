"""The view `timeline` over the log and the history of deadlines, in the SQL of each kind of database.

Only the envelope of an event is read, and the ids and the clause that it may name; none of these is content.
"""

from collections.abc import Mapping
from typing import Final

from infra.store.session import Kind
from projections.timeline import LEFT_OUT, TIMELINE

_ABOUT: Final = ("session_id", "goal_id", "clause")


def query(kind: Kind) -> str:
    """The rows of the timeline."""
    return f"{_events(kind)} UNION ALL {_deadlines()}"


def _events(kind: Kind) -> str:
    left_out = " AND ".join(f"topic NOT LIKE '{event.__name__}%'" for event in LEFT_OUT)
    if kind == "sqlite":
        # One damaged event must not take all others out of sight.
        text = "CAST(state AS TEXT)"
        source = f"(SELECT *, CASE WHEN json_valid({text}) THEN {text} ELSE '{{}}' END AS envelope FROM stored_events)"
        values = {
            "type": "substr(topic, 1, instr(topic || '#', '#') - 1)",
            **{name: _sqlite_time(f"envelope ->> '$.{name}'") for name in ("occurred_at", "recorded_at")},
            "actor_role": "substr(envelope ->> '$.actor', 1, instr(envelope ->> '$.actor', ':') - 1)",
            "actor_id": "substr(envelope ->> '$.actor', instr(envelope ->> '$.actor', ':') + 1)",
            **{name: f"envelope ->> '$.data.{name}'" for name in _ABOUT},
        }
    else:
        source = "stored_events, LATERAL (SELECT convert_from(state, 'UTF8')::json AS envelope) e"
        values = {
            "type": "split_part(topic, '#', 1)",
            **{name: f"(envelope ->> '{name}')::timestamptz" for name in ("occurred_at", "recorded_at")},
            "actor_role": "split_part(envelope ->> 'actor', ':', 1)",
            "actor_id": "substr(envelope ->> 'actor', position(':' IN envelope ->> 'actor') + 1)",
            **{name: f"envelope -> 'data' ->> '{name}'" for name in _ABOUT},
        }
    values |= {"subject": "originator_id", "source": "'event'", "version": "originator_version", "position": "position"}
    return f"SELECT {_named(values)} FROM {source} WHERE {left_out}"


def _sqlite_time(text: str) -> str:
    """Whole seconds are written without a fraction in events, and with one in datasets, so that texts sort as times."""
    return f"CASE length({text}) WHEN 20 THEN substr({text}, 1, 19) || '.000000Z' ELSE {text} END"


def _deadlines() -> str:
    values = {
        "subject": "key",
        "source": "'deadline'",
        "sequence": "seq",
        "type": "change",
        "occurred_at": "at",
        "recorded_at": "at",
        "actor_role": "'worker'",
        "actor_id": "worker",
        "clause": "clauses ->> 0",
        "deadline": "name",
        "due_at": "due_at",
        "position": "position",
    }
    return f"SELECT {_named(values)} FROM deadline_history"


def _named(values: Mapping[str, str]) -> str:
    return ", ".join(f"{values.get(column.name, 'NULL')} AS {column.name}" for column in TIMELINE.columns)
