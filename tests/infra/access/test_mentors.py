"""A mentor as a supplier sees them: who stands in no relationship with them learns nothing, not even that they exist."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.sharing.question import Reader
from infra.access import others
from infra.access.choosing import choosing
from infra.access.datasets import open_dataset
from infra.access.standing import Asker
from infra.bootstrap import Rapport, open_rapport
from infra.projection_engine.pseudonyms import Pseudonyms
from infra.queries.as_at import NOW
from infra.settings import Settings
from tests.messages import line, relationship_id

CLOCK = datetime(2026, 4, 2, tzinfo=UTC)
PSEUDONYMS = Pseudonyms(b"k" * 32)


@pytest.fixture(scope="module")
def rapport(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rapport]:
    """ben mentors in p, where sam supplies, and in q, where ben is suspended; bo in q alone."""
    file: Path = tmp_path_factory.mktemp("mentors") / "store.sqlite"
    at = {"time": "2026-03-01T09:00:00Z"}
    messages = [
        line("RegisterMentor", {"programme_id": home}, subject=f"mentor:{id_}", id=f"r{id_}", **at)
        for id_, home in (("ben", "q"), ("bo", "q"))
    ]
    for number, (programme, mentor, supplier) in enumerate(
        (("p", "ben", "sam"), ("q", "ben", "sue"), ("q", "bo", "sue"))
    ):
        parties: dict[str, Any] = {"programme_id": programme, "mentee_id": "ana", "mentor_id": mentor, "codes": []}
        parties["supplier_id"] = supplier
        messages.append(line("ProposeRelationship", parties, subject=relationship_id(number), id=f"p{number}", **at))
    suspended = {"reason": "a complaint", "programme_id": "q"}
    messages.append(line("SuspendMentor", suspended, subject="mentor:ben", id="s", **at))
    with open_rapport(Settings(store=f"sqlite:///{file}", synchronous="off", clock=CLOCK)) as found:
        assert {receipt.status for receipt in found.handler.handle(messages)} == {"accepted"}
        yield found


def mentor(rapport: Rapport, supplier: str, id_: str) -> dict[str, Any] | None:
    """As somebody reads them whose token names no programmes, as that of a party need not."""
    asker = Asker(Reader("supplier", supplier), None)
    return others.mentor(rapport.engine(), asker, id_, PSEUDONYMS, NOW, CLOCK)


@pytest.mark.parametrize("supplier, id_", [("sam", "bo"), ("zed", "bo"), ("zed", "ben"), ("zed", "nobody")])
def test_a_supplier_who_stands_in_no_relationship_with_a_mentor_learns_nothing_of_them(
    rapport: Rapport, supplier: str, id_: str
) -> None:
    assert mentor(rapport, supplier, id_) is None


def test_a_supplier_sees_how_a_mentor_stands_in_their_programmes_alone(rapport: Rapport) -> None:
    found = mentor(rapport, "sam", "BEN")
    assert found is not None
    assert (found["standings"], found["programme_id"], found["load"]) == ({}, None, 1)
    assert "ReinstateMentor" not in {*found["allowed"], *found["possible"]["supplier"]}
    of_other = mentor(rapport, "sue", "ben")
    assert of_other is not None
    assert (of_other["standings"], of_other["programme_id"], of_other["load"]) == ({"q": "suspended"}, "q", 1)
    assert "ReinstateMentor" in {*of_other["allowed"]} & {*of_other["possible"]["supplier"]}


@pytest.mark.parametrize("supplier, suspended_in", [("sam", []), ("sue", ["q"])])
def test_so_does_the_dataset(rapport: Rapport, supplier: str, suspended_in: list[str]) -> None:
    asker = Asker(Reader("supplier", supplier), None)
    columns, rows = open_dataset(rapport.engine(), asker, "mentors", PSEUDONYMS, NOW, CLOCK)
    found = [dict(zip([column.name for column in columns], row, strict=True)) for row in rows]
    assert [row["suspended_in"] for row in found if row["mentor_id"] == "ben"] == [suspended_in]


@pytest.mark.parametrize(
    "supplier, expected",
    [("sam", (["p"], ["ana"], ["ben"])), ("sue", (["q"], ["ana"], ["ben", "bo"])), ("zed", ([], [], []))],
)
def test_a_proposal_offers_what_is_known_in_the_suppliers_programmes(
    rapport: Rapport, supplier: str, expected: tuple[list[str], list[str], list[str]]
) -> None:
    found = choosing(rapport.engine(), Asker(Reader("supplier", supplier), None))
    assert ([id_ for id_, _ in found.programmes], found.mentees, found.mentors) == expected
