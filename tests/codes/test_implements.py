from collections.abc import Iterator

import pytest

from domain.codes import implements as registry
from domain.codes.implements import IMPLEMENTATIONS, implements, implements_data


@pytest.fixture(autouse=True)
def _an_empty_registry() -> Iterator[None]:
    kept = {clause: list(places) for clause, places in registry._places.items()}
    registry._places.clear()
    yield
    registry._places.clear()
    registry._places.update(kept)


def rule() -> int:
    return 7


def test_a_marked_function_is_listed_under_each_of_its_clauses_and_stays_itself() -> None:
    assert implements("cmn.objectives", "pentalog.goals")(rule) is rule
    place = f"{__name__}:rule"
    assert {"cmn.objectives": [place], "pentalog.goals": [place]} == IMPLEMENTATIONS


def test_a_marked_class_is_listed_by_its_qualified_name() -> None:
    @implements("cmn.records")
    class Worker:
        pass

    assert Worker.__name__ == "Worker"
    (place,) = IMPLEMENTATIONS["cmn.records"]
    assert place.startswith(f"{__name__}:")
    assert place.endswith(".Worker")


def test_a_row_of_a_table_is_listed_where_it_stands_and_once() -> None:
    implements_data("pentalog.mentor-free", "domain.sharing:MATRIX[mentor]")
    implements_data("pentalog.mentor-free", "domain.sharing:MATRIX[mentor]")
    assert IMPLEMENTATIONS == {"pentalog.mentor-free": ["domain.sharing:MATRIX[mentor]"]}


def test_an_unknown_clause_fails_at_once_and_lists_nothing() -> None:
    with pytest.raises(KeyError, match=r"cmn\.nonsense"):
        implements("cmn.objectives", "cmn.nonsense")
    with pytest.raises(KeyError, match=r"cmn\.nonsense"):
        implements_data("cmn.nonsense", "somewhere:else")
    assert IMPLEMENTATIONS == {}
