"""Where a caller stands: the reader as whom they ask, the programmes that their token covers, the relationships that this opens.

A party reads the relationships that name them; the office, hr, services and auditors those of the token's programmes. Analysts
read figures and datasets alone. What somebody has no standing in is answered like what does not exist, after the same work.
"""

from collections.abc import Collection
from typing import Any, Final, NamedTuple, cast

from domain.model import Actor
from domain.sharing.question import PROGRAMME_ROLES, Reader
from domain.words import NAMED_ROLES, Role
from infra.access.caller import Caller
from infra.queries.sharing import first_spelling
from infra.store.log import EventStore
from infra.store.session import Database

# Who may ask about single relationships.
READERS: Final[frozenset[Role]] = frozenset({*NAMED_ROLES, *PROGRAMME_ROLES}) - {"analyst"}
# That trouble was reported is for these to know, of every relationship in which they stand.
KNOWERS: Final[frozenset[Role]] = frozenset({"coordinator", "hr"})


class Asker(NamedTuple):
    """Who asks, and in which programmes (ids in lower case); None: in all of them."""

    reader: Reader
    programmes: frozenset[str] | None

    @property
    def role(self) -> Role:
        """The role in which they ask."""
        return cast("Role", self.reader.role)

    def covers(self, programme_id: str | None) -> bool:
        """Whether the token covers a programme; what belongs to none is for those whose token covers all of them."""
        return self.programmes is None or (programme_id is not None and programme_id.lower() in self.programmes)


class Scope(NamedTuple):
    """A condition on the dataset `relationships`, in SQL."""

    where: str
    params: tuple[str, ...]

    def and_(self, condition: str, *params: str) -> "Scope":
        """Both conditions."""
        return Scope(f"{self.where} AND {condition}", (*self.params, *params))


def asker(store: EventStore, caller: Caller, actor: Actor) -> Asker:
    """The caller in one of their roles. A party need not list the programmes of the relationships that name it."""
    programmes = caller.programmes
    if not programmes and actor.role in NAMED_ROLES:
        programmes = None
    return Asker(first_spelling(store, Reader(actor.role, actor.id)), programmes)


def scope(asker: Asker) -> Scope:
    """The relationships in which somebody stands."""
    found = Scope("1 = 1", ())
    role = asker.role
    if role in NAMED_ROLES:
        found = found.and_(f"LOWER({role}_id) = ?", asker.reader.id.lower())
    elif role not in PROGRAMME_ROLES:
        return Scope("1 = 0", ())
    if role == "hr":
        found = found.and_("relationship_id IN (SELECT relationship_id FROM cases)")
    if asker.programmes is not None:
        marks = ", ".join("?" * len(asker.programmes)) or "NULL"
        found = found.and_(f"LOWER(programme_id) IN ({marks})", *sorted(asker.programmes))
    return found


def stands_in(database: Database, asker: Asker, subject: str) -> bool:
    """Whether somebody stands in a relationship; one query, whether there is such a relationship or not."""
    where, params = scope(asker).and_("relationship_id = ?", subject)
    return bool(database.query(f"SELECT 1 FROM relationships WHERE {where}", params))  # noqa: S608 - our own words


def rows_in_scope(
    database: Database, columns: Collection[str], within: Scope, *, after: str = "", limit: int
) -> list[dict[str, Any]]:
    """Rows of `relationships` in order of their ids, from the first after an id on."""
    where, params = within.and_("relationship_id > ?", after)
    listed = ", ".join(columns)
    found = database.query(
        f"SELECT {listed} FROM relationships WHERE {where} ORDER BY relationship_id LIMIT {limit:d}",  # noqa: S608 - our own words
        params,
    )
    return [dict(zip(columns, row, strict=True)) for row in found]
