"""The one answer to who may know what: the matrix applied to a reader, a data class and, for content, an event.

Every adopted code must open a cell as it reads it, so the strictest holds. What nothing opens stays closed. Someone who stands
outside a relationship learns nothing, not even that it exists, so they get the answer that an unknown id gets. How codes
combine is decision 0024.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from domain.codes.implements import implements
from domain.model import Event, whose_of
from domain.relationship import events as e
from domain.sharing.cells import (
    ROWS,
    ReaderRole,
    RowName,
    Way,
    always,
    cell,
    clause_of,
    clause_of_row,
    general_clause,
    ways,
)
from domain.sharing.question import OF_STATE, Fact, Reader, Situation, stands
from domain.words import OTHER_PARTY, DataClass

Opens = Callable[[Situation, Reader, DataClass, Fact | None], bool]


class Answer(NamedTuple):
    """Whether the reader may, the clause that says so, and why in words; `ways` are those that open the cell, or of which any would."""

    allowed: bool
    clause: str | None
    why: str
    ways: tuple[Way, ...] = ()

    def in_words(self) -> dict[str, object]:
        """What a question is answered with: all but the ways, which `why` says in words."""
        return {"allowed": self.allowed, "clause": self.clause, "why": self.why}


# To those who stand outside, and about what does not exist.
UNKNOWN: Final = Answer(False, None, "there is no such relationship, or this reader has no part in it")
NO_EVENT: Final = Answer(False, None, "the relationship has no event of this version")


def may_read(situation: Situation, reader: Reader, data_class: DataClass, fact: Fact | None = None) -> Answer:
    """Whether a reader may see a class of data now: of one event, or as it is shown to that reader at all.

    Without an event it is about the form in which the reader has the class: figures, pseudonyms, their own words.
    """
    if reader.role != "public" and not stands(situation, reader):
        return UNKNOWN
    sensitive = False
    if fact is not None:
        if fact.knowers is not None:
            if not may_know(situation, reader, fact):
                return UNKNOWN if reader.role == "public" else secret(situation.codes)
            if data_class in _EXISTENCE:
                return _KNOWS
        sensitive = fact.sensitive
    rule = _rule(situation.codes, reader.role, data_class, sensitive)
    for opens, found in rule.always:
        if opens(situation, reader, data_class, fact):
            return found
    answer: Answer | None = None
    for reading in rule.readings:
        for opens, found in reading.ways:
            if opens(situation, reader, data_class, fact):
                answer = answer or found
                break
        else:
            return reading.closed
    assert answer is not None, "every cell has a reading"
    return answer


# --- that something happened ---------------------------------------------------------------------------------------
_EXISTENCE: Final[frozenset[DataClass]] = frozenset({"operational", "identity"})
_KNOWS: Final = Answer(
    True, None, "that it happened is known to its author, to whom it was told, to coordinator and hr"
)


def may_know(situation: Situation, reader: Reader, fact: Fact) -> bool:
    """Whether a reader who stands in the relationship may know that something happened, which may be confidential by itself."""
    return fact.knowers is None or may_know_all(situation, reader) or str(reader) in fact.knowers


def may_know_all(situation: Situation, reader: Reader) -> bool:
    """Whether a reader who stands in the relationship may know of everything in it that it happened."""
    return reader.role == "coordinator" or (reader.role == "hr" and situation.in_case)


@lru_cache(maxsize=64)
def secret(codes: frozenset[str]) -> Answer:
    """The same for whatever happened: the clause of one kind of report would give away which it was."""
    clause = clause_of("safeguarding", "mentee", None, codes) or "care.disclosure"
    return Answer(False, clause, "that it happened is confidential by itself")


# --- the ways ------------------------------------------------------------------------------------------------------
def _yes(*_: object) -> bool:
    return True


def _state_and_dates(_situation: Situation, _reader: Reader, _class: DataClass, fact: Fact | None) -> bool:
    return fact is None or fact.kind in OF_STATE


def _shown_otherwise(_situation: Situation, _reader: Reader, _class: DataClass, fact: Fact | None) -> bool:
    """Figures and pseudonyms are shown of all together, and nothing of one event."""
    return fact is None


def _in_case(situation: Situation, *_: object) -> bool:
    return situation.in_case


@implements("cmn.breaches")
def _breach_in_case(situation: Situation, _reader: Reader, _class: DataClass, fact: Fact | None) -> bool:
    return situation.in_case and fact is not None and fact.kind is e.BreachReported


def _problem(_situation: Situation, _reader: Reader, _class: DataClass, fact: Fact | None) -> bool:
    return fact is not None and fact.kind is e.ProblemReported


def _own(_situation: Situation, reader: Reader, _class: DataClass, fact: Fact | None) -> bool:
    return fact is None or fact.author == reader


def _own_event(_situation: Situation, reader: Reader, _class: DataClass, fact: Fact | None) -> bool:
    return fact is not None and fact.author == reader


def _party(_situation: Situation, reader: Reader, _class: DataClass, fact: Fact | None) -> bool:
    return fact is None or fact.author == reader or fact.about == reader.role


@implements("pentalog.session-content", "mentor247.confidentiality", "pentalog.sensitive")
def _present(situation: Situation, reader: Reader, _class: DataClass, fact: Fact | None) -> bool:
    if fact is not None:
        return reader.role in fact.present
    return any(reader.role in session.present for session in situation.state.sessions.values())


@implements("cmn.disclosure", "nottingham.confidentiality")
def _told(situation: Situation, reader: Reader, _class: DataClass, fact: Fact | None) -> bool:
    """Only what was disclosed, and only to whom it was."""
    if fact is not None:
        return fact.recipient is not None and fact.recipient == str(reader)
    return bool(situation.state.told) and str(reader) in situation.state.told


@implements("cmn.outputs", "leapfrog.confidentiality")
def _agreed(situation: Situation, reader: Reader, data_class: DataClass, _fact: Fact | None) -> bool:
    """In the agreed confidentiality, or among the agreed outputs of reporting, each with the mentee's own word."""
    state, role = situation.state, reader.role
    agreed = state.confidentiality
    if agreed is not None and agreed.mentee_agreed and (data_class, role) in agreed.shared:
        return True
    reporting = state.reporting.get(role)
    return reporting is not None and data_class in reporting.outputs and f"mentee:{state.mentee_id}" in reporting.words


def _consents(situation: Situation, by: str, data_class: DataClass, audience: ReaderRole) -> bool:
    """A consent of somebody to an audience is in force: to the end of its last day in the programme's time zone."""
    consent = situation.state.consents.get((by, data_class, audience))  # type: ignore[arg-type]
    return consent is not None and (consent.until is None or situation.today <= consent.until)


@implements("pentalog.mentor-with-consent", "pentalog.mentee-own-progress", "leapfrog.confidentiality")
def _consent(situation: Situation, reader: Reader, data_class: DataClass, _fact: Fact | None) -> bool:
    """What is the mentee's to share, they share with whom they like."""
    return _consents(situation, "mentee", data_class, reader.role)


@implements("nottingham.profile")
def _mentors_consent(situation: Situation, reader: Reader, data_class: DataClass, _fact: Fact | None) -> bool:
    return _consents(situation, "mentor", data_class, reader.role)


_GIVERS: Final = ("mentee", "mentor", "customer")


def _givers_consent(situation: Situation, reader: Reader, data_class: DataClass, fact: Fact | None) -> bool:
    """Of the person who said it; nobody needs their own."""
    if fact is None:
        return any(_consents(situation, giver, data_class, reader.role) for giver in _GIVERS)
    return fact.author == reader or _consents(situation, fact.author.role, data_class, reader.role)


@implements("nottingham.contact-details")
def _others_consent(situation: Situation, reader: Reader, data_class: DataClass, fact: Fact | None) -> bool:
    owner = OTHER_PARTY[reader.role] if fact is None else fact.author.role
    return _consents(situation, owner, data_class, reader.role)


@implements("pentalog.supplier-with-consent")
def _customers_consent(situation: Situation, reader: Reader, data_class: DataClass, _fact: Fact | None) -> bool:
    return _consents(situation, "customer", data_class, reader.role)


def _consent_of_both(situation: Situation, reader: Reader, data_class: DataClass, fact: Fact | None) -> bool:
    return _consent(situation, reader, data_class, fact) and _customers_consent(situation, reader, data_class, fact)


def _grant(situation: Situation, _reader: Reader, data_class: DataClass, fact: Fact | None) -> bool:
    """The mentee's consent to auditors, or for the mentor's own content the mentor's."""
    mentors = fact is not None and fact.author.role == "mentor" and _is_authors(fact.kind, data_class)
    return _consents(situation, "mentor" if mentors else "mentee", data_class, "auditor")


@lru_cache(maxsize=1024)
def _is_authors(kind: type[Event], data_class: DataClass) -> bool:
    """Whether what an event holds of a class is its author's."""
    return whose_of(kind, data_class) == "author"


class Meaning(NamedTuple):
    """What a way asks, in a function and in words."""

    opens: Opens
    words: str


MEANING: Final[Mapping[Way, Meaning]] = {
    "yes": Meaning(_yes, "it is open to this role"),
    "state and dates": Meaning(_state_and_dates, "of the state and its dates alone"),
    "pseudonym": Meaning(_shown_otherwise, "under a pseudonym alone"),
    "few": Meaning(_shown_otherwise, "as figures over enough respondents alone"),
    "in a case": Meaning(_in_case, "with a conduct case that has to do with this relationship"),
    "a breach in a case": Meaning(_breach_in_case, "of a reported breach, with a conduct case about this relationship"),
    "a problem": Meaning(_problem, "of a reported problem"),
    "own": Meaning(_own, "as one's own words or answers"),
    "own event": Meaning(_own_event, "as one's own words or answers"),
    "party": Meaning(_party, "to the party whom it is about, and to the person who said it"),
    "present": Meaning(_present, "to mentee and mentor who were present in that session"),
    "told": Meaning(_told, "to whom it was disclosed, and only what was disclosed"),
    "agreed": Meaning(_agreed, "as agreed or reported, with the mentee's own word"),
    "consent": Meaning(_consent, "with the mentee's consent in force"),
    "mentor's consent": Meaning(_mentors_consent, "with the mentor's consent in force"),
    "giver's consent": Meaning(_givers_consent, "with the consent in force of the person who said it"),
    "other's consent": Meaning(_others_consent, "with the consent in force of whose it is"),
    "consent of both": Meaning(_consent_of_both, "with the consents in force of mentee and customer"),
    "customer's consent": Meaning(_customers_consent, "with the customer's consent in force"),
    "grant": Meaning(_grant, "with a consent in force to auditors, of whose it is"),
}


# --- the rule for a role and a class under some codes ----------------------------------------------------------------
class Reading(NamedTuple):
    """A cell as some codes read it: what each way answers, and what is answered when none opens it."""

    ways: tuple[tuple[Opens, Answer], ...]
    closed: Answer


class Rule(NamedTuple):
    """What decides about one role and one class under a set of codes: what opens in any case, then every reading, in the order in which they are cited."""

    always: tuple[tuple[Opens, Answer], ...]
    readings: tuple[Reading, ...]


@lru_cache(maxsize=8192)
def _rule(codes: frozenset[str], role: ReaderRole, data_class: DataClass, sensitive: bool) -> Rule:
    row: RowName = "sensitive" if sensitive and data_class == "session_content" else data_class
    if role == "public" and not ROWS[row].public:
        # The public stands outside of what it may never see.
        return Rule((), (Reading((), UNKNOWN),))
    opened = always(row, role, codes)
    if row == "safeguarding":
        # A recorded disclosure is always shown to its recipient.
        opened = ("told", *opened)
    cells: dict[str, list[str]] = {}
    for code in sorted(codes) or [""]:
        cells.setdefault(cell(row, role, code), []).append(code)
    # The first that is closed is cited: one that the row has a clause of, and the strictest of these: the fewer ways the
    # stricter, and `yes` is the laxest.
    in_order = sorted(
        cells, key=lambda each: (each == "yes", clause_of_row(row, None, cells[each]) is None, len(ways(each)))
    )
    readings = tuple(_reading(row, role, each, cells[each], codes) for each in in_order)
    return Rule(_answers(row, role, opened, (), codes), readings)


def _reading(row: RowName, role: ReaderRole, text: str, its_codes: list[str], codes: frozenset[str]) -> Reading:
    listed = ways(text)
    needed = ", or ".join(MEANING[way].words for way in listed)
    why = (
        f"{_plain(row)} is shown to {_plain(role)} only {needed}"
        if listed
        else f"{_plain(row)} is never shown to {_plain(role)}"
    )
    first = listed[0] if listed else None
    clause = clause_of(row, role, first, its_codes) or clause_of(row, role, first, codes)
    return Reading(_answers(row, role, listed, its_codes, codes), Answer(False, clause, why, listed))


def _answers(
    row: RowName, role: ReaderRole, listed: tuple[Way, ...], its_codes: list[str] | tuple[()], codes: frozenset[str]
) -> tuple[tuple[Opens, Answer], ...]:
    return tuple(
        (
            MEANING[way].opens,
            Answer(
                True,
                _clause(row, role, way, its_codes, codes),
                f"{_plain(row)} is shown to {_plain(role)}: {MEANING[way].words}",
                (way,),
            ),
        )
        for way in listed
    )


def _clause(
    row: RowName, role: ReaderRole, way: Way, its_codes: list[str] | tuple[()], codes: frozenset[str]
) -> str | None:
    """The clause behind what is open: the row's, of the codes that read the cell so or else of any adopted one; or a general one."""
    of_row = clause_of_row(row, way, its_codes) or clause_of_row(row, way, codes)
    return of_row or general_clause(row, role, codes)


def _plain(word: str) -> str:
    return "sensitive session content" if word == "sensitive" else word.replace("_", " ")
