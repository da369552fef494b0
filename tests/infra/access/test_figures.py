"""Who stands in some relationships of a programme learns of no other from its figures."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.sharing.question import Reader
from domain.words import Role
from infra.access.datasets import open_dataset
from infra.access.figures import nps
from infra.access.standing import Asker
from infra.bootstrap import Rapport, open_rapport
from infra.projection_engine.pseudonyms import Pseudonyms
from infra.queries.as_at import NOW
from infra.settings import Settings
from tests.messages import line, relationship_id

CLOCK = datetime(2026, 4, 2, tzinfo=UTC)
PSEUDONYMS = Pseudonyms(b"k" * 32)
# One mentee of ann's answers in February, all others in March.
MENTORS = (*["ann"] * 7, *["dee"] * 5, "bob", "cyd")


def told(*, whole: bool) -> Iterator[bytes]:
    """The relationships of a programme: carl and sam stand in the first and that of bob, or in all of them."""
    for number, mentor in enumerate(MENTORS, 1):
        subject = relationship_id(number)
        theirs = whole or number == 1 or mentor == "bob"
        parties: dict[str, Any] = {
            "programme_id": "p",
            "mentee_id": f"mentee{number}",
            "mentor_id": mentor,
            "codes": [],
        }
        parties |= {"customer_id": "carl" if theirs else "zoe", "supplier_id": "sam" if theirs else "zed"}
        yield line("ProposeRelationship", parties, id=f"p{number}", subject=subject, time="2026-01-01T09:00:00Z")
        said: dict[str, Any] = {"subject": subject, "actor": f"mentee:mentee{number}"}
        said["time"] = f"2026-0{2 if number == 7 else 3}-05T09:00:00Z"
        yield line("RespondToNps", {"occasion": "mid", "score": 9}, id=f"n{number}", **said)
        yield line("GiveFeedback", {"about": "mentor", "answers": {"cmn.inclusion": True}}, id=f"f{number}", **said)


@pytest.fixture(scope="module", params=[False, True], ids=["some", "all"])
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rapport, bool]]:
    file = tmp_path_factory.mktemp("figures") / "store.sqlite"
    with open_rapport(Settings(store=f"sqlite:///{file}", synchronous="off", clock=CLOCK)) as rapport:
        for receipt in rapport.handler.handle(list(told(whole=request.param))):
            assert receipt.status == "accepted", receipt
        yield rapport, request.param


def asker(role: Role) -> Asker:
    return Asker(Reader(role, {"customer": "carl", "supplier": "sam"}.get(role, "cora")), None)


def rows(rapport: Rapport, dataset: str, role: Role) -> list[dict[str, Any]]:
    columns, found = open_dataset(rapport.engine(), asker(role), dataset, PSEUDONYMS, NOW, CLOCK)
    return [dict(zip([column.name for column in columns], row, strict=True)) for row in found]


@pytest.mark.parametrize("role", ["customer", "supplier"])
def test_scores_by_mentor_name_no_mentor_with_whom_the_reader_does_not_stand(
    story: tuple[Rapport, bool], role: Role
) -> None:
    """Whoever stands outside learns nothing, not even that it exists."""
    rapport, whole = story
    engine = rapport.engine()
    everything = nps(engine, asker("coordinator"), PSEUDONYMS, by=["mentor", "month"])
    assert {(row["mentor"], row["month"]) for row in everything if row["suppressed"]} >= {("ann", "2026-02")}
    for by in (["mentor"], ["mentor", "month"]):
        found = nps(engine, asker(role), PSEUDONYMS, by=by)  # type: ignore[arg-type]
        of_office = nps(engine, asker("coordinator"), PSEUDONYMS, by=["programme", *by])  # type: ignore[list-item]
        open_ = [row for row in of_office if row["mentor"] in {"ann", "bob"} and not row["suppressed"]]
        assert bool(open_) == (by == ["mentor"])
        assert found == (of_office if whole else open_)
        assert nps(engine, asker(role), PSEUDONYMS, by=by, mentor="cyd") == [  # type: ignore[arg-type]
            row for row in found if row["mentor"] == "cyd"
        ]


def test_datasets_of_a_supplier_tell_of_no_relationship_of_others(story: tuple[Rapport, bool]) -> None:
    rapport, whole = story
    of_office = rows(rapport, "practices", "coordinator")
    assert {row["mentor_id"] for row in of_office if row["suppressed"]} == {"ann", "bob", "cyd"}
    open_ = [row for row in of_office if row["mentor_id"] == "ann" and not row["suppressed"]]
    assert open_
    assert rows(rapport, "practices", "supplier") == (of_office if whole else open_)
    # A row of a single answer does not say of which relationship it is.
    assert len(rows(rapport, "nps_responses", "coordinator")) == len(MENTORS)
    assert len(rows(rapport, "nps_responses", "supplier")) == (len(MENTORS) if whole else 0)
