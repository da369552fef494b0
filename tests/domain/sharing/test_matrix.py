"""The whole matrix: every class, reader, set of codes, consent, agreement, presence and disclosure, against the spoken rules."""

from itertools import combinations, product

import pytest

from domain.codes.clauses import CLAUSES
from domain.sharing.answer import MEANING, may_read
from domain.sharing.cells import ROWS, WAYS, ways
from domain.words import DATA_CLASSES
from tests.domain.sharing.scene import fact, reader, scene
from tests.domain.sharing.spoken import ALL_CODES, READERS, Case, allowed

CODE_SETS = [frozenset(some) for count in (0, 1, 2, 5) for some in combinations(ALL_CODES, count)]
GIVERS = ("mentee", "mentor", "customer")
# Nobody, each alone, and mentee and customer together.
CONSENTING: list[tuple[str, ...]] = [(), ("mentee",), ("mentor",), ("customer",), ("mentee", "customer")]
SETTLED = ("nothing", "agreed", "reported")
AUTHORS = (None, "mentee", "mentor", "customer")
ATTENDED = ((False, False), (True, False), (False, True))  # present, told
EVERYBODY = frozenset(READERS)
REPORTED_TO = frozenset({"line_manager", "customer", "coordinator"})


@pytest.mark.parametrize(
    "data_class, sensitive", [*((each, False) for each in DATA_CLASSES), ("session_content", True)]
)
def test_every_cell_is_as_the_rules_say_it(data_class: str, sensitive: bool) -> None:
    readers = {role: reader(role) for role in READERS}
    wrong = []
    for codes, givers, settled, (present, told) in product(CODE_SETS, CONSENTING, SETTLED, ATTENDED):
        consents = [(giver, data_class, role) for giver in givers for role in READERS]
        situation = scene(
            codes,
            consents=consents,
            shared=[(data_class, role) for role in READERS] if settled == "agreed" else (),
            outputs={role: [data_class] for role in REPORTED_TO} if settled == "reported" else None,
            present=("mentee", "mentor") if present else (),
            told=READERS if told else (),
        )
        for author in AUTHORS:
            if sensitive and author is None:
                continue
            for role in READERS:
                about = (
                    None
                    if author is None
                    else fact(
                        data_class,
                        author,
                        recipient=role if told else None,
                        present=("mentee", "mentor") if present else (),
                        sensitive=sensitive,
                    )
                )
                case = Case(
                    role,
                    data_class,
                    codes,
                    author,
                    frozenset((giver, role) for giver in givers),
                    agreed=EVERYBODY if settled == "agreed" else frozenset(),
                    reported=REPORTED_TO if settled == "reported" else frozenset(),
                    present=present,
                    told=told and role != "public",
                    sensitive=sensitive,
                )
                answer = may_read(situation, readers[role], data_class, about)  # type: ignore[arg-type]
                if answer.allowed != allowed(case):
                    wrong.append((case, answer))
                assert answer.clause is None or answer.clause.partition(".")[0] in codes, (case, answer)
    assert wrong == []


def test_every_way_of_the_table_has_a_meaning_and_is_used() -> None:
    used = {way for row in ROWS.values() for cell in row[1:] for way in ways(cell)}
    assert used == set(WAYS) == set(MEANING)


def test_every_class_has_a_row_and_every_clause_of_it_exists() -> None:
    assert set(ROWS) == {*DATA_CLASSES, "sensitive"}
    assert {clause for row in ROWS.values() for clause in row.clauses} <= set(CLAUSES)
