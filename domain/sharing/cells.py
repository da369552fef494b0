"""The matrix of sharing: for each data class what a reader in each role may see, and what adopted codes make of a cell.

It reads like the table of the rules. A cell lists *ways*, any of which opens it; an empty cell opens never. `UNDER` has
the cells that a code reads otherwise than the table. With several codes adopted every one of them must open a cell, each
as it reads it, so the strictest holds; only the cells of `EVERYWHERE` open whatever the others say.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, get_args

from domain.codes.implements import implements_data
from domain.words import MENTOR_FREE, CodeId, DataClass, Role

ReaderRole = Role | Literal["public"]
Way = Literal[
    "yes",
    # Of state and dates alone; of ids under pseudonyms; of figures over enough respondents. Never of one event.
    "state and dates",
    "pseudonym",
    "few",
    # hr, where a conduct case has to do with this relationship; and a breach's words there.
    "in a case",
    "a breach in a case",
    "a problem",
    # One's own words or answers; of a cell that others may fill too, those of an event alone.
    "own",
    "own event",
    # Whom it is about, or who said it.
    "party",
    "present",
    "told",
    "agreed",
    # The mentee's; the mentor's; that of the person who said it; the other party's or, of an event, its author's; the mentee's and the
    # customer's together; the customer's.
    "consent",
    "mentor's consent",
    "giver's consent",
    "other's consent",
    "consent of both",
    "customer's consent",
    "grant",
]
# The rows: data classes, and notes on sessions that somebody marked as sensitive.
RowName = DataClass | Literal["sensitive"]
WAYS: Final[tuple[Way, ...]] = get_args(Way)


class Row(NamedTuple):
    """One row: the clauses behind it, and for each role the ways that open its cell, parted by commas."""

    clauses: tuple[str, ...] = ()
    mentee: str = ""
    mentor: str = ""
    customer: str = ""
    line_manager: str = ""
    supplier: str = ""
    coordinator: str = ""
    hr: str = ""
    service: str = ""
    analyst: str = ""
    auditor: str = ""
    public: str = ""


COURSE: Final = Row(
    ("pentalog.mentor-free", "cmn.outputs", "leapfrog.confidentiality"),
    mentee="yes",
    mentor="yes",
    customer="agreed, consent",
    line_manager="agreed",
    supplier="yes",
    coordinator="yes",
    service="yes",
    analyst="yes",
    auditor="grant",
)
ASPIRATIONS: Final = Row(
    ("pentalog.mentor-with-consent", "leapfrog.confidentiality"),
    mentee="yes",
    mentor="yes",
    customer="consent, agreed",
    line_manager="agreed",
    supplier="consent, agreed",
    coordinator="consent, agreed, told",
    hr="told",
    auditor="grant",
)
ROWS: Final[Mapping[RowName, Row]] = MappingProxyType(
    {
        "operational": Row(
            mentee="yes",
            mentor="yes",
            customer="yes",
            line_manager="state and dates",
            supplier="yes",
            coordinator="yes",
            hr="in a case",
            service="yes",
            analyst="yes",
            auditor="yes",
        ),
        "identity": Row(
            mentee="yes",
            mentor="yes",
            customer="yes",
            line_manager="yes",
            supplier="yes",
            coordinator="yes",
            hr="in a case",
            service="yes",
            analyst="pseudonym",
            auditor="pseudonym",
        ),
        **{data_class: COURSE for data_class in MENTOR_FREE if data_class != "nps_score"},
        "nps_score": Row(
            ("pentalog.mentor-free", "pentalog.mentor-with-consent"),
            mentee="own",
            mentor="own event, other's consent",
            customer="few",
            supplier="few",
            coordinator="few",
            analyst="few",
            auditor="grant",
        ),
        "goals": ASPIRATIONS,
        "challenges": ASPIRATIONS,
        "feedback": Row(
            ("nottingham.coordinator-feedback", "cmn.end-feedback", "pentalog.mentor-with-consent"),
            mentee="party",
            mentor="party",
            customer="giver's consent",
            supplier="giver's consent",
            coordinator="giver's consent",
            analyst="few",
            auditor="grant",
        ),
        "nps_comment": Row(
            ("pentalog.mentor-with-consent",),
            mentee="own",
            mentor="own",
            customer="giver's consent",
            supplier="giver's consent",
            coordinator="giver's consent",
            auditor="grant",
        ),
        "testimonial": Row(
            ("pentalog.mentor-with-consent", "pentalog.supplier-with-consent"),
            mentee="own",
            mentor="own",
            customer="consent",
            line_manager="consent",
            supplier="consent",
            coordinator="consent",
            auditor="grant",
            public="consent of both",
        ),
        "success_story": Row(
            ("pentalog.supplier-with-consent",),
            mentee="yes",
            mentor="yes",
            customer="yes",
            supplier="yes",
            coordinator="yes",
            auditor="grant",
            public="customer's consent",
        ),
        "session_content": Row(
            (
                "pentalog.session-content",
                "mentor247.confidentiality",
                "nottingham.confidentiality",
                "leapfrog.confidentiality",
            ),
            mentee="present",
            mentor="present",
            customer="told",
            line_manager="told",
            supplier="told",
            coordinator="told",
            hr="told",
            auditor="grant",
        ),
        "sensitive": Row(
            ("pentalog.sensitive",),
            mentee="present",
            mentor="present",
            coordinator="told",
            hr="told",
        ),
        "contact_details": Row(
            ("nottingham.contact-details",),
            mentee="own event, other's consent",
            mentor="own event, other's consent",
            supplier="yes",
            coordinator="yes",
        ),
        "assessment": Row(
            ("pentalog.assessment-visible",),
            mentee="yes",
            mentor="consent",
            customer="consent",
            line_manager="consent",
            supplier="yes",
            coordinator="yes",
            auditor="grant",
        ),
        "profile": Row(
            ("nottingham.profile",),
            mentee="mentor's consent",
            mentor="own",
            supplier="yes",
            coordinator="yes",
            public="mentor's consent",
        ),
        "safeguarding": Row(
            ("nottingham.confidentiality", "cmn.disclosure", "cmn.breaches"),
            mentee="own",
            mentor="own",
            supplier="told",
            coordinator="told, a problem",
            hr="told, a breach in a case",
        ),
        "process": Row(mentee="yes", mentor="yes", coordinator="yes", supplier="yes"),
    }
)

_AS_SETTLED: Final = "agreed, consent"
_STRICT_COURSE: Final = Row(
    customer=_AS_SETTLED,
    line_manager=_AS_SETTLED,
    supplier=_AS_SETTLED,
    coordinator=_AS_SETTLED,
    hr=_AS_SETTLED,
    service=_AS_SETTLED,
    analyst=_AS_SETTLED,
    auditor=_AS_SETTLED,
)
_TOLD_OR_SETTLED: Final = "told, consent, agreed"
_SPOKEN: Final = Row(
    customer=_TOLD_OR_SETTLED,
    line_manager=_TOLD_OR_SETTLED,
    supplier=_TOLD_OR_SETTLED,
    coordinator=_TOLD_OR_SETTLED,
    hr=_TOLD_OR_SETTLED,
)
# What a code reads otherwise; a cell that it leaves empty is as in the table.
UNDER: Final[Mapping[CodeId, Mapping[RowName, Row]]] = MappingProxyType(
    {
        "pentalog": {name: Row(customer="yes") for name, row in ROWS.items() if row is COURSE},
        "leapfrog": {
            **{name: _STRICT_COURSE for name, row in ROWS.items() if row is COURSE},
            "session_content": _SPOKEN,
        },
        "cmn": {"session_content": _SPOKEN},
    }
)
# What a code opens whatever other codes say.
EVERYWHERE: Final[Mapping[CodeId, Mapping[RowName, Row]]] = MappingProxyType(
    {"nottingham": {"feedback": Row(coordinator="yes")}}
)
# The clauses behind a way, where its row has several.
_BEHIND: Final[Mapping[Way, tuple[str, ...]]] = MappingProxyType(
    {
        "agreed": ("cmn.outputs",),
        "other's consent": ("pentalog.mentor-with-consent",),
        "consent of both": ("pentalog.supplier-with-consent",),
        "customer's consent": ("pentalog.supplier-with-consent",),
        "a breach in a case": ("cmn.breaches",),
    }
)
# What a code says of everything that people wrote or said, where the row has no clause of it.
_CONFIDENTIAL: Final = ("leapfrog.confidentiality", "nottingham.confidentiality", "cmn.confidentiality-level")


def ways(cell: str) -> tuple[Way, ...]:
    """The ways of a cell as it is written in the table.

    Raises:
        KeyError: a word that is no way.
    """
    return tuple(_NAMED[word] for word in cell.split(", ") if word)


_NAMED: Final[Mapping[str, Way]] = {way: way for way in WAYS}


def cell(row: RowName, role: ReaderRole, code: str | None = None) -> str:
    """The cell of a row and a role as a code reads it."""
    under = UNDER.get(code, {}).get(row) if code else None  # type: ignore[call-overload]
    own: str = getattr(under, role, "") if under else ""
    return own or getattr(ROWS[row], role, "")


def always(row: RowName, role: ReaderRole, codes: Collection[str]) -> tuple[Way, ...]:
    """The ways that an adopted code opens whatever the others say."""
    found = (EVERYWHERE[code].get(row) for code in EVERYWHERE if code in codes)
    return tuple(way for each in found if each for way in ways(getattr(each, role, "")))


def clause_of(row: RowName, role: ReaderRole, way: Way | None, codes: Collection[str]) -> str | None:
    """The clause of these codes that speaks about a cell: that behind the way, then that of the row, then a general one.

    The table names none for what is everybody's, and neither does this.
    """
    return clause_of_row(row, way, codes) or general_clause(row, role, codes)


def clause_of_row(row: RowName, way: Way | None, codes: Collection[str]) -> str | None:
    """The clause of these codes among those of the row, that behind the way first."""
    of_row = ROWS[row].clauses
    found = [clause for clause in _BEHIND.get(way, ()) if clause in of_row] if way else []
    found += of_row
    if row == "sensitive":
        found += ROWS["session_content"].clauses
    return _first_of(found, codes)


def general_clause(row: RowName, role: ReaderRole, codes: Collection[str]) -> str | None:
    """What these codes say of everything that people wrote or said."""
    if row in {"operational", "identity"}:
        return None
    return _first_of(["cmn.outputs", *_CONFIDENTIAL] if role == "line_manager" else _CONFIDENTIAL, codes)


def _first_of(clauses: Collection[str], codes: Collection[str]) -> str | None:
    return next((clause for clause in clauses if clause.partition(".")[0] in codes), None)


def _mark() -> None:
    """Say which rows carry out which clauses."""
    for name, row in ROWS.items():
        for clause in row.clauses:
            implements_data(clause, f"{__name__}:ROWS[{name}]")
    for name in ("identity", "operational"):
        # What is kept about somebody is theirs to see; the report of it all asks these cells.
        implements_data("pentalog.data-visible", f"{__name__}:ROWS[{name}]")


_mark()
