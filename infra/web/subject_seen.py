"""The relationship that a page is about, as its visitor sees it; what they have no part in is answered like what does not exist."""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, Final, NamedTuple

from fastapi import Depends, Path

from domain.model import is_blank
from domain.problem import Problem
from domain.words import NAMED_ROLES
from infra.access.seen import Seen, Shown
from infra.access.standing import READERS, stands_in
from infra.http.asking import Desk, DeskOf
from infra.http.problems import HttpProblem, forbidden, not_found
from infra.queries.as_at import NOW
from infra.sealing.errors import KeysRefused
from infra.web.form import Form
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


def with_words(found: Seen, entries: Sequence[Shown], versions: Collection[int], why: str | None = None) -> list[Shown]:
    """The entries, those of some versions with the words that a party reads, or that somebody else reads for a reason."""
    if why is None and found.asker.role in NAMED_ROLES:
        why = READ_BY_A_PARTY
    try:
        words = found.words_of(versions, why) if versions and why is not None else {}
    except KeysRefused:
        words = {}
    return [entry | {"data": words[entry["version"]]} if entry["version"] in words else entry for entry in entries]


def readable(entries: Sequence[Shown]) -> list[int]:
    """The versions of the entries with words that are closed, and that a reason opens to the reader."""
    return [entry["version"] for entry in entries if _opens(entry["data"])]


def _opens(value: Any) -> bool:
    if isinstance(value, Mapping):
        return value["allowed"] if "allowed" in value and "sealed" in value else any(map(_opens, value.values()))
    return isinstance(value, list | tuple) and any(map(_opens, value))


class Written(NamedTuple):
    """What somebody wrote: the event that holds it, and its words by the name of their field."""

    entry: Shown
    words: Mapping[str, Any]


def written(closed: Sequence[Shown], opened: Sequence[Shown]) -> list[Written]:
    """What people wrote, the last first: the fields that are closed without a reason and open now."""
    found: list[Written] = []
    before = {entry["version"]: entry["data"] for entry in closed}
    for entry in reversed(opened):
        data = before.get(entry["version"]) or {}
        words = {
            name: value
            for name, value in (entry["data"] or {}).items()
            if _is_closed(data.get(name)) and not _is_closed(value)
        }
        if words:
            found.append(Written(entry, words))
    return found


def _is_closed(value: Any) -> bool:
    """Whether a value, or one inside it, stands closed."""
    if isinstance(value, Mapping):
        return "sealed" in value or any(map(_is_closed, value.values()))
    return isinstance(value, list | tuple) and any(map(_is_closed, value))


def reason_of(form: Form) -> str:
    """The reason for which somebody reads what people wrote.

    Raises:
        HttpProblem: There is none, or it is too long to be kept.
    """
    why = form.text("why")
    if not why or is_blank(why) or len(why) > 500:
        said = "expected the reason for which content is read, in at most 500 letters"
        raise HttpProblem(400, Problem("bad_value", said, field="why"))
    return why
