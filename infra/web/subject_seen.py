"""The relationship that a page is about, as its visitor sees it; what they have no part in is answered like what does not exist."""

from typing import Annotated, Final

from fastapi import Depends, Path

from domain.words import NAMED_ROLES
from infra.access.seen import Seen, Shown
from infra.access.standing import READERS, stands_in
from infra.http.asking import Desk, DeskOf
from infra.http.problems import forbidden, not_found
from infra.queries.as_at import NOW
from infra.sealing.errors import KeysRefused
from infra.web.visitor import VisitorOf

# A party reads what is theirs without having to say why each time; that they read it is on record all the same.
READ_BY_A_PARTY: Final = "looking at the page of the relationship"

# What some roles are not shown at all, as a page has it.
EMPTY: Final[Shown] = {
    name: [] for name in ("contested", "claims", "unmet_gates", "concerns", "recommendations", "tasks")
} | {"possible": {}}

IdPath = Annotated[str, Path(alias="id", max_length=100)]


def seen(at: DeskOf, visitor: VisitorOf, id_: IdPath) -> Seen:
    """The relationship.

    Raises:
        HttpProblem: There is none that the visitor may know of, or their role reads none.
    """
    if visitor.role not in READERS:
        raise forbidden("analysts read figures and datasets, no single relationship", code="role")
    subject = id_.lower()
    found = None
    if stands_in(at.store, lambda: at.engine, visitor.asker, subject):
        found = Seen.of(at.store, lambda: at.engine, visitor.asker, subject, at.now)
    if found is None:
        raise not_found()
    return found


def with_pseudonyms(at: Desk, found: Seen, shown: Shown) -> Shown:
    """The relationship with its people under pseudonyms where an auditor looks, as the list of relationships has them."""
    if found.asker.role != "auditor":
        return shown
    parties = found.situation.parties
    return shown | {f"{role}_id": at.pseudonyms(id_) for role, id_ in parties.items() if role in NAMED_ROLES and id_}


SeenOf = Annotated[Seen, Depends(seen)]


def shown_with_words(at: Desk, found: Seen, why: str | None = None) -> Shown:
    """The relationship now, with the words that a party reads, or that somebody else reads for a reason."""
    if why is None and found.asker.role in NAMED_ROLES:
        why = READ_BY_A_PARTY
    try:
        shown = found.show_with_words(NOW, why)
    except KeysRefused:
        shown = found.show_with_words(NOW, None)
    if shown is None:
        raise not_found()
    return EMPTY | with_pseudonyms(at, found, shown)
