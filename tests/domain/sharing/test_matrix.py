"""The whole matrix: every class, reader, standing, set of codes, consent, agreement, presence and disclosure, against the spoken rules.

The cells of one class are one test, for a cell takes microseconds: some 1.5 million answers, each with the clause behind it.
"""

from collections.abc import Iterator
from functools import cache
from itertools import combinations, product
from typing import Any, NamedTuple

import pytest

from domain.codes.clauses import CLAUSES
from domain.relationship import events as e
from domain.sharing.answer import MEANING, UNKNOWN, may_read
from domain.sharing.cells import ROWS, WAYS, ways
from domain.sharing.question import Fact, Reader, Situation
from domain.words import DATA_CLASSES, NAMED_ROLES
from tests.domain.sharing.scene import HOLDING, fact, reader, scene
from tests.domain.sharing.spoken import ALL_CODES, READERS, Case, allowed, cited

CODE_SETS = [frozenset(some) for count in (0, 1, 2, 5) for some in combinations(ALL_CODES, count)]
# Nobody, each alone, and mentee and customer together.
CONSENTING: list[tuple[str, ...]] = [(), ("mentee",), ("mentor",), ("customer",), ("mentee", "customer")]
# What was agreed without the mentee's own word is as good as nothing.
SETTLED = ("nothing", "by others", "agreed", "reported")
AUTHORS = (None, "mentee", "mentor", "customer")
EVERYBODY = frozenset(READERS)
NOBODY: frozenset[str] = frozenset()
REPORTED_TO = frozenset({"line_manager", "customer", "coordinator"})
STANDING = {role: reader(role) for role in READERS}
# A party of another relationship, a party in another's role, and those who have no part in any.
OUTSIDE = (
    *(Reader(role, "somebody-else") for role in NAMED_ROLES),
    Reader("mentor", "ana"),
    Reader("mentee", "ben"),
    Reader("worker", "w"),
)


class Circumstances(NamedTuple):
    """Whether both parties were present, whether all were told by a disclosure, whether hr has a case."""

    present: bool = False
    told: bool = False
    in_case: bool = False


CIRCUMSTANCES = (
    Circumstances(),
    Circumstances(present=True),
    Circumstances(told=True),
    Circumstances(present=True, told=True, in_case=True),
)


class Row(NamedTuple):
    """The cells of one class: all of it, or that of events of one kind."""

    data_class: str
    sensitive: bool = False
    about: str | None = None
    report: str = ""


MATRIX = (
    *(Row(each) for each in DATA_CLASSES),
    Row("session_content", sensitive=True),
    Row("feedback", about="mentor"),
    Row("feedback", about="mentee"),
    Row("safeguarding", report="problem"),
    Row("safeguarding", report="breach"),
)
_REPORTS: dict[str, type[e.RelationshipEvent]] = {"problem": e.ProblemReported, "breach": e.BreachReported}


def cells(row: Row) -> Iterator[tuple[Situation, Reader, Fact | None, Case]]:
    """Every cell of a row: what is asked in the domain's terms, and in those of the spoken rules."""
    data_class, whole = row.data_class, row == Row(row.data_class)
    for codes, givers, settled, circumstances in product(CODE_SETS, CONSENTING, SETTLED, CIRCUMSTANCES):
        present = ("mentee", "mentor") if circumstances.present else ()
        own_word, by_others = settled != "by others", settled == "by others"
        situation = scene(
            codes,
            consents=[(giver, data_class, role) for giver in givers for role in READERS],
            shared=[(data_class, role) for role in READERS] if by_others or settled == "agreed" else (),
            mentee_agreed=own_word,
            outputs={role: [data_class] for role in REPORTED_TO} if by_others or settled == "reported" else None,
            words=("mentee:ana",) if own_word else ("coordinator:cora", "line_manager:lin"),
            present=present,  # type: ignore[arg-type]
            told=READERS if circumstances.told else (),
            in_case=circumstances.in_case,
        )
        agreed = EVERYBODY if settled == "agreed" else NOBODY
        reported = REPORTED_TO if settled == "reported" else NOBODY
        for role, standing in STANDING.items():
            consents = frozenset((giver, role) for giver in givers)
            told = circumstances.told and role != "public"
            for author in AUTHORS if whole else AUTHORS[1:]:
                asked = None if author is None else _fact(row, author, role if circumstances.told else None, present)
                case = Case(
                    role,
                    data_class,
                    codes,
                    author,
                    consents,
                    agreed,
                    reported,
                    circumstances.present,
                    told,
                    row.sensitive,
                    circumstances.in_case,
                    row.about,
                    row.report,
                )
                yield situation, standing, asked, case


@cache
def _fact(row: Row, author: str, recipient: str | None, present: tuple[str, ...]) -> Fact:
    kind = _REPORTS.get(row.report) or HOLDING.get(row.data_class, e.SessionScheduled)
    told: dict[str, Any] = {"present": present, "sensitive": row.sensitive, "about": row.about}
    return fact(row.data_class, author, recipient=recipient, **told)._replace(kind=kind)


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: "-".join(str(each) for each in row if each))
def test_every_cell_is_as_the_rules_say_it_with_its_clause(row: Row) -> None:
    wrong, count = [], 0
    for situation, standing, asked, case in cells(row):
        answer = may_read(situation, standing, row.data_class, asked)  # type: ignore[arg-type]
        count += 1
        # To the public what it may never see does not exist.
        clauses = {None} if answer is UNKNOWN and case.reader == "public" else cited(case)
        if answer.allowed != allowed(case) or answer.clause not in clauses:
            wrong.append((case, answer, clauses))
    assert wrong[:5] == []
    assert count >= 44_880


@pytest.mark.parametrize("data_class", DATA_CLASSES)
def test_whoever_stands_outside_learns_nothing_whatever_was_agreed(data_class: Any) -> None:
    for codes, givers, circumstances in product(CODE_SETS, CONSENTING, CIRCUMSTANCES):
        situation = scene(
            codes,
            consents=[(giver, data_class, role) for giver in givers for role in READERS],
            shared=[(data_class, role) for role in READERS],
            outputs={role: [data_class] for role in REPORTED_TO},
            present=("mentee", "mentor") if circumstances.present else (),
            in_case=circumstances.in_case,
        )
        for stranger in OUTSIDE:
            for asked in (None, fact(data_class, "mentee"), fact(data_class, "mentor", knowers=frozenset())):
                assert may_read(situation, stranger, data_class, asked) is UNKNOWN, (stranger, codes, givers)


def test_every_way_of_the_table_has_a_meaning_and_is_used() -> None:
    used = {way for row in ROWS.values() for cell in row[1:] for way in ways(cell)}
    assert used == set(WAYS) == set(MEANING)


def test_every_class_has_a_row_and_every_clause_of_it_exists() -> None:
    assert set(ROWS) == {*DATA_CLASSES, "sensitive"}
    assert {clause for row in ROWS.values() for clause in row.clauses} <= set(CLAUSES)
