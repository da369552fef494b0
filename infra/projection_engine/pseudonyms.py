"""Pseudonyms of persons: the same for the same person in a store, and to nobody outside a way back to the id.

A pseudonym is an HMAC-SHA256 of the id under a key that is derived from the store's secret. The same is said here in Python and in the
SQL of PostgreSQL, where a table that only the service reads holds what the key makes of HMAC's two pads. No function gives pseudonyms
to who reads the views: with one, ids could be guessed.
"""

import hmac
from typing import Final

from domain.words import ROLES
from infra.store.session import Database, StoreSession

PREFIX: Final = "p_"
DIGITS: Final = 20
TABLE: Final = "pseudonym_key"
_BLOCK: Final = 64
_PERSONS: Final = (*ROLES, "person")


def key_of(secret: bytes) -> bytes:
    """The key of a store's pseudonyms."""
    return hmac.digest(secret, b"rapport pseudonyms", "sha256")


class Pseudonyms:
    """Gives the pseudonyms of one store."""

    def __init__(self, secret: bytes) -> None:
        self._key = key_of(secret)

    def __call__(self, value: str, reference: bool = False) -> str:
        """The pseudonym of an id; of a reference the role stays, and what names no person stays altogether."""
        if not reference:
            return PREFIX + hmac.digest(self._key, value.encode(), "sha256").hex()[:DIGITS]
        role, colon, id_ = value.partition(":")
        return f"{role}:{self(id_)}" if colon and role in _PERSONS else value


def keep_key(session: StoreSession, database: Database, secret: bytes) -> None:
    """Keep the key where the views of PostgreSQL find it, and nobody else."""
    session.execute(
        f"CREATE TABLE IF NOT EXISTS {TABLE} (only_row {{boolean}} PRIMARY KEY CHECK (only_row), inner_pad {{blob}} NOT NULL, "
        "outer_pad {blob} NOT NULL)".format_map(database.types)
    )
    session.execute(f"REVOKE ALL ON {TABLE} FROM PUBLIC")
    padded = key_of(secret).ljust(_BLOCK, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in padded) for pad in (0x36, 0x5C))
    session.upsert(TABLE, ("only_row", "inner_pad", "outer_pad"), ("only_row",), [(True, inner, outer)])


def sql(value: str, *, reference: bool = False) -> str:
    """The pseudonym of a value in the SQL of PostgreSQL, beside the table of the key under the name `k`."""
    if not reference:
        hashed = f"sha256(k.outer_pad || sha256(k.inner_pad || convert_to({value}, 'UTF8')))"
        return f"'{PREFIX}' || left(encode({hashed}, 'hex'), {DIGITS})"
    roles = ", ".join(f"'{role}'" for role in _PERSONS)
    role = f"split_part({value}, ':', 1)"
    id_ = f"substr({value}, position(':' IN {value}) + 1)"
    return f"CASE WHEN {value} LIKE '%:%' AND {role} IN ({roles}) THEN {role} || ':' || {sql(id_)} ELSE {value} END"
