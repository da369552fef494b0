"""Where a caller stands: the reader as whom they ask, the programmes that their token covers, the relationships that this opens.

A party reads the relationships that name them; the office, hr, services and auditors those of the token's programmes. Analysts
read figures and datasets alone. What somebody has no standing in is answered like what does not exist, after the same work.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, cast

from domain.model import Actor
from domain.relationship.events import ConfidenceDisclosed, PartyChanged, RelationshipProposed
from domain.sharing.question import PROGRAMME_ROLES, Reader
from domain.words import NAMED_ROLES, Role
from infra.access.caller import Caller
from infra.projection_engine.engine import Engine
from infra.queries.sharing import first_spelling
from infra.store.log import EventStore

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


def stands_in(
    store: EventStore, engine: Callable[[], Engine], asker: Asker, subject: str, *, or_was_told: bool = False
) -> bool:
    """Whether somebody stands in a relationship: asked of the log, by one query, whether there is such a relationship or not.

    hr does with a case of theirs. Without one they may have been told something, and read that alone (`or_was_told`).
    """
    if "\0" in subject:
        # PostgreSQL takes no text with it, and no relationship has it.
        return False
    rows = store.database.query(
        "SELECT topic, state FROM stored_events WHERE originator_id = ? AND topic IN (?, ?, ?) ORDER BY originator_version",
        (subject, RelationshipProposed.__name__, PartyChanged.__name__, ConfidenceDisclosed.__name__),
    )
    programme_id: str | None = None
    party: str | None = None
    told = False
    for topic, state in rows:
        event = store.mapper.decode(topic, state).data
        if isinstance(event, RelationshipProposed):
            programme_id = event.programme_id
            party = getattr(event, f"{asker.role}_id", None)
        elif isinstance(event, PartyChanged) and event.role == asker.role:
            party = event.id
        elif isinstance(event, ConfidenceDisclosed):
            told = told or event.recipient.lower() == str(asker.reader).lower()
    if programme_id is None or not asker.covers(programme_id):
        return False
    if asker.role in NAMED_ROLES:
        return party is not None and party.lower() == asker.reader.id.lower()
    return asker.role in PROGRAMME_ROLES and (
        asker.role != "hr" or (or_was_told and told) or _has_case(engine(), subject)
    )


def _has_case(engine: Engine, subject: str) -> bool:
    engine.catch_up()
    return bool(engine.database.query("SELECT 1 FROM cases WHERE relationship_id = ?", (subject,)))
