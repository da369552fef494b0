"""Every cell for mentors, people, conduct cases and programmes, written by hand from the rules: who sees it, who is told no, and to whom it does not exist."""

from itertools import product

import pytest

from domain.sharing.others import NOT_KNOWN, may_read_other
from domain.sharing.question import PUBLIC, Reader
from domain.words import DATA_CLASSES, DataClass

# Another mentor and other parties, then who works for the programme; y sees it, - does not, ? must not learn that there is such a subject.
COLUMNS = (
    "mentee", "mentor", "customer", "line_manager", "supplier", "coordinator", "hr", "service", "analyst", "auditor", "worker",
    "public",
)  # fmt: skip
# What mentors do in a programme is operational for all who work for it, their names and words for the office.
MENTOR = """
operational  ????yyyyyy??
identity     ????yy-y--??
process      ????yy----??
profile      ????yy----??
safeguarding ????--y---??
*            ????------??
"""
# People are looked after by the office; hr knows that there is an entry, and why processing is restricted.
PERSON = """
operational     ????yyy?????
identity        ????yy-?????
contact_details ????yy-?????
safeguarding    ????--y?????
*               ????---?????
"""
# That there is a case is for coordinator and hr, its words are hr's.
CASE = """
operational  ?????yy?????
identity     ?????yy?????
safeguarding ?????-y?????
*            ?????--?????
"""
PROGRAMME = """
operational yyyyyyyyyy??
identity    yyyyyyyyyy??
*           ----------??
"""
TABLES = {"mentor": MENTOR, "person": PERSON, "case": CASE, "programme": PROGRAMME}
CLAUSES = {
    "profile": "nottingham.profile",
    "contact_details": "nottingham.contact-details",
    "safeguarding": "cmn.breaches",
}


def cells(kind: str) -> dict[tuple[str, str], str]:
    rows = dict(line.split() for line in TABLES[kind].strip().splitlines())
    return {
        (data_class, role): cell
        for data_class in DATA_CLASSES
        for role, cell in zip(COLUMNS, rows.get(data_class, rows["*"]), strict=True)
    }


def reader(role: str, id_: str = "somebody") -> Reader:
    return PUBLIC if role == "public" else Reader(role, id_)  # type: ignore[arg-type]


@pytest.mark.clause("nottingham.profile", "nottingham.contact-details", "cmn.breaches")
@pytest.mark.parametrize("kind", TABLES)
def test_every_cell_is_as_the_table_says_with_its_clause(kind: str) -> None:
    wrong = []
    for (data_class, role), cell in cells(kind).items():
        answer = may_read_other(f"{kind}:x1", reader(role), data_class, "coordinator:cora")  # type: ignore[arg-type]
        found = "?" if answer is NOT_KNOWN else "y" if answer.allowed else "-"
        if found != cell or (found != "?" and answer.clause != CLAUSES.get(data_class)):
            wrong.append((data_class, role, cell, answer))
    assert wrong == []


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("data_class", DATA_CLASSES)
def test_who_said_it_sees_it_and_a_namesake_in_another_role_does_not(kind: str, data_class: DataClass) -> None:
    table = cells(kind)
    for role, other in product(COLUMNS[:-1], COLUMNS[:-1]):
        author = f"{other}:x2"
        answer = may_read_other(f"{kind}:x1", reader(role, "x2"), data_class, author)
        assert answer.allowed is (role == other or table[data_class, role] == "y"), (role, other)


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("id_", ["x1", "X1"])
def test_people_and_mentors_see_what_is_held_about_them_but_no_report(kind: str, id_: str) -> None:
    """In whatever role and spelling; a machine of the same id is nobody."""
    table = cells(kind)
    for (data_class, role), cell in table.items():
        if role == "public":
            continue
        answer = may_read_other(f"{kind}:x1", reader(role, id_), data_class, "hr:hugo")  # type: ignore[arg-type]
        is_person = kind in {"mentor", "person"} and role not in {"service", "worker"}
        assert answer.allowed is (cell == "y" or (is_person and data_class != "safeguarding")), (data_class, role)
