"""A correction is decided on the whole history of its relationship, wherever that is: on disk, under way, in the same batch."""

from itertools import pairwise

import pytest

from domain.relationship.state import Relationship
from infra.bootstrap import Rapport
from infra.evidence.verify import verify
from infra.intake.folding import fold_streams
from tests.infra.intake.conftest import another
from tests.messages import contact, line, proposal, relationship_id

SUBJECT = relationship_id(1)
SESSION = {"session_id": "s1", "starts_at": "2026-03-04T09:00:00Z", "channel": "platform"}
NO_SHOW = {"session_id": "s1", "absent": ["mentee"]}
AFTER = "2026-03-04T10:00:00Z"
STORY = [
    proposal(1),
    line("ActivateRelationship"),
    line("ScheduleSession", SESSION),
    line("RecordNoShow", NO_SHOW, time=AFTER),
    contact(1, "x"),
    line("ContestFact", {"version": 4, "reason": "I was there"}, actor="mentee:ana", time=AFTER),
    line("CorrectFact", {"version": 4, "reason": "so he was", "void": True}, time=AFTER),
    line("CancelSession", {"session_id": "s1", "reason": "no time"}, time="2026-03-03T10:00:00Z"),
    line("CorrectFact", {"version": 8, "reason": "it took place", "void": True}, id="correct-2", time=AFTER),
]


def state_of(rapport: Rapport) -> Relationship:
    """The state from the cache, which is the one from disk."""
    cached, stored = rapport.handler.cache.get(SUBJECT), fold_streams(rapport.store, [SUBJECT])[SUBJECT]
    assert cached == stored
    assert isinstance(stored.state, Relationship)
    return stored.state


@pytest.mark.parametrize("cuts", [(), (6,), (3, 4, 5, 6, 7), tuple(range(1, len(STORY)))], ids=len)
def test_a_story_may_be_cut_into_batches_anywhere(rapport: Rapport, cuts: tuple[int, ...]) -> None:
    batches = [STORY[start:end] for start, end in pairwise((0, *cuts, len(STORY)))]
    receipts = [receipt for answers in rapport.handler.handle_all(batches) for receipt in answers]
    assert [receipt.status for receipt in receipts] == ["accepted"] * len(STORY), receipts
    state = state_of(rapport)
    assert state.sessions["s1"].status == "scheduled"
    assert (state.version, state.contested, dict(state.corrected)) == (9, (), {4: 7, 8: 9})
    verdict = verify(rapport.store)
    assert verdict.ok, verdict.problems


def test_a_correction_of_another_process_is_heard_of(rapport: Rapport) -> None:
    rapport.handler.handle(STORY[:6])
    another(rapport).handle([STORY[6]])
    (receipt,) = rapport.handler.handle([STORY[7]])
    assert receipt.status == "accepted"
    (receipt,) = rapport.handler.handle([line("CorrectFact", {"version": 8, "reason": "no", "void": True}, id="c2")])
    assert receipt.status == "accepted"
    assert state_of(rapport).sessions["s1"].status == "scheduled"


def test_a_correction_that_could_not_have_been_recorded_is_found(rapport: Rapport) -> None:
    rapport.handler.handle(STORY[:7])
    event = rapport.store.read(SUBJECT)[-1]
    data = event.data.model_copy(update={"version": 1})
    forged = event.model_copy(update={"version": 8, "message_id": "forged", "data": data})
    rapport.store.append([forged])
    (problem,) = verify(rapport.store).problems
    assert (problem.subject, problem.version) == (SUBJECT, 8)
    assert "a fact of this kind can't be corrected" in problem.problem
