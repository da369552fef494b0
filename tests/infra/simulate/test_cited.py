"""Whatever cites clauses in made-up programmes cites those of adopted codes, and Rapport's own after them.

Clauses care.* are in force for every relationship and cited after the adopted ones.
"""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from domain.codes.clauses import cite
from domain.model import AnyRecorded
from domain.relationship.events import RelationshipProposed
from infra.bootstrap import Rapport, open_rapport
from infra.settings import Settings
from infra.simulate import messages
from infra.simulate.stream import CODES
from infra.worker_runtime.pace import keeping_pace
from tests.sizes import size

CITING = (
    ("worker_tasks", "clauses", "evidence_of"),
    ("decisions", "clauses", "evidence_of"),
    ("deadlines", "clauses", "evidence_of"),
    ("notifications", "clauses", "subject"),
)


@pytest.fixture(
    scope="module", params=[(size(20, 40), 41, CODES), *((size(4, 8), 42, (code,)) for code in CODES)], ids=str
)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rapport]:
    """Programmes told from beginning to end, with workers keeping pace."""
    count, seed, codes = request.param
    settings = Settings(store=f"sqlite:///{tmp_path_factory.mktemp('cited') / 'store.sqlite'}", synchronous="off")
    with open_rapport(settings) as opened:
        with keeping_pace(opened.store, opened.handler, opened.clock) as pace:
            receipts = [each for part in pace.handle_all([messages(count, seed, codes=codes)]) for each in part]
        assert {receipt.status for receipt in receipts} == {"accepted"}
        yield opened


def everything(rapport: Rapport) -> Iterator[AnyRecorded]:
    """All events, those of relationships first."""
    subjects = [subject for (subject,) in rapport.database.query("SELECT DISTINCT originator_id FROM stored_events")]
    for subject in sorted(subjects, key=lambda subject: (":" in subject, subject)):
        yield from rapport.store.read(subject)


def adopted(rapport: Rapport) -> dict[str, tuple[str, ...]]:
    """The codes of each relationship; of a mentor and of a case those of the relationships that they take part in."""
    found: dict[str, tuple[str, ...]] = {}
    for recorded in everything(rapport):
        if isinstance(event := recorded.data, RelationshipProposed):
            found[recorded.subject] = tuple(event.codes)
            mentor = f"mentor:{event.mentor_id}"
            found[mentor] = (*found.get(mentor, ()), *event.codes)
        if recorded.subject.startswith("case:") and (of := getattr(recorded.data, "relationship_id", None)):
            found[recorded.subject] = found[of]
    return found


def clauses_in(value: Any) -> Iterator[str]:
    """What an event's data cites."""
    match value:
        case {"clause": str(clause)}:
            yield clause
        case {"clauses": list(clauses)}:
            yield from clauses
        case _:
            pass


def test_tasks_decisions_deadlines_and_notifications_cite_adopted_clauses_and_then_rapports_own(told: Rapport) -> None:
    codes = adopted(told)
    wrong, count = [], 0
    for table, column, of in CITING:
        for clauses, subject in told.database.query(f"SELECT {column}, {of} FROM {table}"):
            cited = tuple(orjson.loads(clauses))
            count += len(cited)
            in_order = sorted(cited, key=lambda clause: clause.startswith("care."))
            if cite(codes.get(subject, ()), *cited) != cited or list(cited) != in_order:
                wrong.append((table, subject, cited))
    assert wrong == []
    assert count > 100


def test_concerns_recommendations_findings_and_requests_cite_adopted_clauses_and_rapports_own(told: Rapport) -> None:
    codes = adopted(told)
    wrong = []
    for recorded in everything(told):
        data = recorded.data.model_dump(mode="json")
        found = {finding.clause for finding in recorded.findings or () if finding.clause is not None}
        cited = {*clauses_in(data), *found}
        if type(recorded.data).__name__ == "FeedbackRequested":
            cited |= set(data["questions"])
        if {*cite(codes.get(recorded.subject, ()), *sorted(cited))} != cited:
            wrong.append((recorded.subject, recorded.version, type(recorded.data).__name__, sorted(cited)))
    assert wrong == []
