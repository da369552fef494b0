"""Folding from disk leaves out what leaves no trace, and ends in the very state of folding everything."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.model import AnyRecorded, Event, Known
from domain.registry import effective, evolve
from domain.relationship import events as e
from domain.relationship.evolve import REPEATABLE, TRACELESS
from domain.relationship.state import Relationship
from infra.bootstrap import open_rapport
from infra.intake.folding import fold_streams
from infra.settings import Settings
from infra.simulate import messages
from infra.store.mapper import RapportMapper
from tests.infra.store.golden import SUBJECTS, filled
from tests.messages import contact, line, proposal, relationship_id

MAPPER = RapportMapper()
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def recorded(event: Event, version: int, known: Known | None = None) -> AnyRecorded:
    return MAPPER.envelopes[type(event)](
        subject=SUBJECTS["relationship"],
        version=version,
        occurred_at=AT,
        recorded_at=AT,
        actor="mentee:ana",
        known=known,
        data=event,
    )


@pytest.mark.parametrize("event", sorted(REPEATABLE, key=str), ids=lambda event: event.__name__)
def test_events_without_a_trace_change_nothing_but_their_own_mark(event: type[Event]) -> None:
    before = evolve(
        evolve(None, recorded(filled(e.RelationshipProposed), 1)),
        recorded(filled(e.GoalAgreed).model_copy(update={"title": "Another"}), 2),
    )
    after = evolve(before, recorded(filled(event), 3))
    assert isinstance(before, Relationship)
    assert isinstance(after, Relationship)
    untouched = before.but(version=3, latest={event: after.latest[event]})
    assert (after == untouched) == (event in TRACELESS)


def test_a_state_from_disk_is_the_state_of_all_events(settings: Settings) -> None:
    with open_rapport(settings.model_copy(update={"clock": datetime(2028, 1, 1, tzinfo=UTC)})) as rapport:
        rapport.handler.handle(list(messages(12, 4)))
        subjects = {row[0] for row in rapport.database.query("SELECT DISTINCT originator_id FROM stored_events")}
        entries = fold_streams(rapport.store, subjects)
        assert len(entries) > 12
        for subject, entry in entries.items():
            state = None
            for event in effective(subject, rapport.store.read(subject)):
                state = evolve(state, event)
            assert entry.state == state
            assert entry.head == rapport.store.heads([subject])[subject]
            cached = rapport.handler.cache.get(subject)
            assert cached is not None
            assert (cached.state, cached.head) == (state, entry.head)


def test_news_in_an_event_without_a_trace_are_not_left_out(tmp_path: Path) -> None:
    with open_rapport(Settings(store=f"sqlite:///{tmp_path / 'store.sqlite'}")) as rapport:
        rapport.handler.handle(
            [
                proposal(1),
                line("SuspendMentor", {"reason": "Under review"}, subject="mentor:ben"),
                contact(1, "with news"),
                contact(1, "without"),
            ]
        )
        subject = relationship_id(1)
        state = fold_streams(rapport.store, [subject])[subject].state
        assert isinstance(state, Relationship)
        assert state.known.mentor_standing == "suspended"


def test_streams_are_folded_some_hundreds_at_a_time(settings: Settings) -> None:
    with open_rapport(settings) as rapport:
        rapport.handler.handle([proposal(number) for number in range(1, 251)])
        subjects = [relationship_id(number) for number in range(1, 261)]
        entries = fold_streams(rapport.store, subjects)
        assert [entries[subject].head.version for subject in subjects] == [1] * 250 + [0] * 10
        assert entries[subjects[-1]].state is None
