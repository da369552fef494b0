"""hr without a case reads what was disclosed to it, and nothing else: neither state nor that there is more."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from domain.sharing.question import Reader
from infra.access.seen import Seen
from infra.access.standing import Asker, stands_in
from infra.bootstrap import Rapport, open_rapport
from infra.queries.as_at import NOW
from infra.settings import Settings
from tests.infra.queries.test_sharing import DISCLOSURE, RELATIONSHIP, STORY, tell

AT = datetime(2026, 3, 11, 20, tzinfo=UTC)
# Without the report of a breach, of which a worker would make a case.
QUIET = tuple(each for each in STORY if each[1] != "ReportBreach")
TOLD = DISCLOSURE - 1


@pytest.fixture
def rapport(settings: Settings) -> Iterator[Rapport]:
    tell(settings.store, QUIET)
    with open_rapport(settings) as opened:
        yield opened


def asker(id_: str, programmes: frozenset[str] | None = None) -> Asker:
    return Asker(Reader("hr", id_), programmes)


def test_who_was_told_reads_that_alone(rapport: Rapport) -> None:
    hans = asker("hans")
    assert not stands_in(rapport.store, rapport.engine, hans, RELATIONSHIP)
    assert stands_in(rapport.store, rapport.engine, hans, RELATIONSHIP, or_was_told=True)
    seen = Seen.of(rapport.store, rapport.engine, hans, RELATIONSHIP, AT)
    assert seen is not None
    assert not seen.shows_state
    [entry] = seen.history(NOW)
    assert (entry["version"], entry["type"]) == (TOLD, "rapport.ConfidenceDisclosed")
    [read] = seen.history(NOW, "what was disclosed to me")
    assert read["data"]["disclosed"] == "Harm"


def test_nobody_else_of_hr_is_let_in(rapport: Rapport) -> None:
    for other in (asker("hugo"), asker("hans", frozenset({"another"}))):
        assert not stands_in(rapport.store, rapport.engine, other, RELATIONSHIP, or_was_told=True)
