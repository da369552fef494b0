"""Which relationships a mentor has, and which have not ended: read from the events themselves, by indexes of proposals and endings alone.

The indexes cost something only when a relationship is proposed or ends, and there is no second truth to keep in step. The
mentor's id is cut out of the stored bytes and not read as JSON, which a damaged event would not be; within texts of an
event the quotes are escaped.
"""

from collections.abc import Mapping
from typing import Final

from infra.store.session import Kind

_MARK: Final = '"mentor_id":"'
_TEXT: Final = "CAST(state AS TEXT)"
_FROM_ID: Final = f"substr({_TEXT}, instr({_TEXT}, '{_MARK}') + {len(_MARK)})"
_PROPOSED_TO: Final[Mapping[Kind, str]] = {
    "sqlite": f"""substr({_FROM_ID}, 1, instr({_FROM_ID}, '"') - 1)""",
    "postgresql": f"""substring(encode(state, 'escape') FROM '{_MARK}([^"]+)"')""",
}
_PROPOSAL: Final = "topic = 'RelationshipProposed'"
_ENDING: Final = "topic = 'RelationshipTerminated'"


def indexes(kind: Kind) -> tuple[str, ...]:
    """The statements that make the indexes."""
    return (
        f"CREATE INDEX proposals_by_mentor ON stored_events (({_PROPOSED_TO[kind]})) WHERE {_PROPOSAL}",
        f"CREATE INDEX endings ON stored_events (originator_id) WHERE {_ENDING}",
    )


def relationships(kind: Kind) -> str:
    """The query for the relationships that were proposed to a mentor (`?`)."""
    return f"SELECT originator_id FROM stored_events AS proposed WHERE {_PROPOSAL} AND {_PROPOSED_TO[kind]} = ?"  # noqa: S608 - only constants


def open_relationships(kind: Kind) -> str:
    """The query for those of them that have not ended."""
    ended = (
        f"SELECT 1 FROM stored_events AS ended WHERE ended.{_ENDING} AND ended.originator_id = proposed.originator_id"  # noqa: S608 - only constants
    )
    return f"{relationships(kind)} AND NOT EXISTS ({ended})"


def comings_and_goings(kind: Kind) -> str:
    """The query for position, topic, bytes and +1 or -1 of each beginning and end of a relationship of a mentor (`?`)."""
    proposed = f"SELECT originator_id, position, topic, state FROM stored_events AS proposed WHERE {_PROPOSAL} AND {_PROPOSED_TO[kind]} = ?"  # noqa: S608 - only constants
    return (
        f"WITH began AS ({proposed}) SELECT position, topic, state, 1 FROM began UNION ALL "  # noqa: S608 - only constants
        "SELECT ended.position, ended.topic, ended.state, -1 FROM began JOIN stored_events AS ended "
        f"ON ended.originator_id = began.originator_id WHERE ended.{_ENDING}"
    )
