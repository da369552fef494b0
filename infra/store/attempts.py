"""The receipts of messages that recorded nothing: refused, or in conflict with the version that they expected.

They are found by an index of these receipts alone, so an accepted one costs next to nothing. What is kept begins with subject
and status, which are cut out of the bytes: neither has a quote in it.
"""

from collections.abc import Mapping
from typing import Final

from infra.store.session import Database, Kind

_TEXT: Final = "CAST(answer AS TEXT)"
_REST: Final = f"""substr({_TEXT}, instr({_TEXT}, '","') + 3)"""
# The subject that a kept receipt names.
SUBJECT: Final[Mapping[Kind, str]] = {
    "sqlite": f"""substr({_TEXT}, 3, instr({_TEXT}, '","') - 3)""",
    "postgresql": """substring(encode(answer, 'escape') FROM '^\\["([^"]*)"')""",
}
# The status that a kept receipt has.
STATUS: Final[Mapping[Kind, str]] = {
    "sqlite": f"""substr({_REST}, 1, instr({_REST}, '"') - 1)""",
    "postgresql": """substring(encode(answer, 'escape') FROM '^\\["[^"]*","([^"]*)"')""",
}
_RECORDED_NOTHING: Final[Mapping[Kind, str]] = {
    "sqlite": f"""substr({_REST}, 1, 8) IN ('refused"', 'conflict')""",
    "postgresql": """encode(answer, 'escape') ~ '^\\["[^"]*","(refused|conflict)"'""",
}


def index(kind: Kind) -> str:
    """The statement that makes the index."""
    return f"CREATE INDEX attempts ON receipts (({SUBJECT[kind]})) WHERE {_RECORDED_NOTHING[kind]}"


def statement(kind: Kind, *, one_subject: bool) -> str:
    """The query for them: of one subject (`?`), or of all."""
    of = f" AND {SUBJECT[kind]} = ?" if one_subject else ""
    return f"SELECT source, message_id, answer FROM receipts WHERE {_RECORDED_NOTHING[kind]}{of}"  # noqa: S608 - only constants


def attempts(database: Database, subject: str | None) -> list[tuple[str, str, bytes]]:
    """Source, message id and what is kept of the receipts of one subject, or of all."""
    asked = statement(database.kind, one_subject=subject is not None)
    rows = database.query(asked, () if subject is None else (subject,))
    return [(source, id_, bytes(answer)) for source, id_, answer in rows]
