"""Who may know what of mentors, people, conduct cases and programmes, which are no relationship: the same table, read for them.

A reader stands towards a mentor or a person as that very person, or works for the programme. What the table opens to coordinator and
supplier of a relationship it opens to them here. Words in a case are hr's, and those of the person who wrote them.
"""

from collections.abc import Mapping
from typing import Final

from domain.codes.implements import implements_data
from domain.ids import MACHINES
from domain.sharing.answer import Answer
from domain.sharing.cells import ReaderRole
from domain.sharing.question import PROGRAMME_ROLES, Reader
from domain.words import NAMED_ROLES, DataClass

_OFFICE: Final[frozenset[ReaderRole]] = frozenset({"coordinator", "supplier"})
_HOUSE: Final[frozenset[ReaderRole]] = frozenset({*_OFFICE, "hr"})
_ALL: Final[frozenset[ReaderRole]] = frozenset({*PROGRAMME_ROLES, "supplier"})
Row = Mapping[DataClass, frozenset[ReaderRole]]
# By kind of subject: the roles to which a class is open besides the person whom the subject names and the author.
ROWS: Final[Mapping[str, Row]] = {
    "mentor": {
        "operational": _ALL,
        "identity": frozenset({*_OFFICE, "service"}),
        "process": _OFFICE,
        "profile": _OFFICE,
        "safeguarding": frozenset({"hr"}),
    },
    "person": {
        "operational": _HOUSE,
        "identity": _OFFICE,
        "contact_details": _OFFICE,
        "safeguarding": frozenset({"hr"}),
    },
    "case": {
        # That there is a case is for its author, coordinator and hr alone.
        "operational": frozenset({"coordinator", "hr"}),
        "identity": frozenset({"coordinator", "hr"}),
        "safeguarding": frozenset({"hr"}),
    },
    "programme": {"operational": frozenset({*_ALL, *NAMED_ROLES}), "identity": frozenset({*_ALL, *NAMED_ROLES})},
}
_CLAUSES: Final[Mapping[DataClass, str]] = {
    "profile": "nottingham.profile",
    "contact_details": "nottingham.contact-details",
    "safeguarding": "cmn.breaches",
}
NOT_KNOWN: Final = Answer(False, None, "there is no such subject, or this reader has no part in it")


def may_read_other(subject: str, reader: Reader, data_class: DataClass, author: str) -> Answer:
    """Whether a reader may see a class of data of an event of a subject that is no relationship; `author` is who said it."""
    kind, _, id_ = subject.partition(":")
    plain, clause = data_class.replace("_", " "), _CLAUSES.get(data_class)
    if kind in {"mentor", "person"} and _is(reader, id_) and data_class != "safeguarding":
        return Answer(True, None, f"{plain} is shown to the person whom it is about")
    if str(reader) == author:
        return Answer(True, None, f"{plain} is shown to who said it")
    rows = ROWS.get(kind, {})
    if reader.role not in rows.get("operational", frozenset()):
        return NOT_KNOWN
    if reader.role in rows.get(data_class, frozenset()):
        return Answer(True, clause, f"{plain} of a {kind} is shown to {reader.role}")
    return Answer(False, clause, f"{plain} of a {kind} is not shown to {reader.role}")


def _is(reader: Reader, person_id: str) -> bool:
    """Whether the reader is a person, in whatever role of theirs."""
    return reader.role not in MACHINES and reader.id.lower() == person_id.lower()


implements_data("nottingham.profile", f"{__name__}:ROWS[mentor]")
