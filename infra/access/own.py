"""What is a caller's own: who they are to Rapport, and the relationships that name them."""

from collections.abc import Collection
from typing import Any

from domain.words import NAMED_ROLES
from infra.access.caller import Caller
from infra.projection_engine.engine import Engine

Shown = dict[str, Any]


def me(engine: Engine, caller: Caller, role: str | None = None) -> Shown:
    """The caller as the token names them, and the relationships that name them in a role, or in any of theirs."""
    return {
        "id": caller.id,
        "roles": sorted(caller.roles),
        "programmes": "*" if caller.programmes is None else sorted(caller.programmes),
        "acts_for": sorted(caller.acts_for),
        "relationships": _relationships(engine, caller, caller.roles if role is None else {role}),
    }


def _relationships(engine: Engine, caller: Caller, asked: Collection[str]) -> list[Shown]:
    """Those that have not ended first."""
    roles = [role for role in NAMED_ROLES if role in asked]
    if not roles:
        return []
    engine.catch_up()
    rows = engine.database.query(
        f"SELECT relationship_id, programme_id, status, {', '.join(f'{role}_id' for role in roles)} FROM relationships "  # noqa: S608 - our own names
        f"WHERE {' OR '.join(f'LOWER({role}_id) = ?' for role in roles)} "
        "ORDER BY CASE WHEN status = 'terminated' THEN 1 ELSE 0 END, relationship_id",
        [caller.id.lower()] * len(roles),
    )
    return [
        {
            "relationship_id": relationship_id,
            "programme_id": programme_id,
            "state": status,
            "roles": [
                role
                for role, id_ in zip(roles, ids, strict=True)
                if id_ is not None and id_.lower() == caller.id.lower()
            ],
        }
        for relationship_id, programme_id, status, *ids in rows
        if not caller.programmes or programme_id.lower() in caller.programmes
    ]
