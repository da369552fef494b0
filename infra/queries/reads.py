"""Reads: who read which content, as `rapport reads` gives it."""

from typing import Any

from infra.store.reads import reads_of
from infra.store.session import Database


def reads(database: Database, subject: str | None) -> list[dict[str, Any]]:
    """The readings of content of a subject, or of all, the earliest first."""
    return [each._asdict() for each in reads_of(database, subject)]
