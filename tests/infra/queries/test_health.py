"""Health of one or all, at other times and under other terms: the slow way and the fast way say the same."""

from dataclasses import dataclass

import pytest

from domain.commitment import evaluate
from domain.commitment.reading import fold
from domain.model import AnyRecorded
from domain.relationship import events as e
from infra.queries.as_at import Asked
from infra.queries.health import Assessed, assess_all, assess_one, compare_all, concerns, shown
from infra.store.session import Database
from tests.given_when_then import SUBJECT, At, history, proposed
from tests.infra.projection_engine.harness import ProjectionHarness, day, everything, programme, recorded, troubled


@pytest.fixture
def harness(database: Database) -> ProjectionHarness:
    return ProjectionHarness(database)


def one(harness: ProjectionHarness, at: float, known: float | None = None, **terms: float) -> Assessed | None:
    return assess_one(harness.store, SUBJECT, Asked(day(at), None if known is None else day(known)), terms)


def all_of(harness: ProjectionHarness, at: float, known: float | None = None, **terms: float) -> dict[str, Assessed]:
    asked = Asked(day(at), None if known is None else day(known))
    found = (
        (other for _, other in compare_all(harness.engine(), asked, terms))
        if terms
        else assess_all(harness.engine(), asked)
    )
    return {each.relationship_id: each for each in found}


def said(assessed: Assessed | None) -> object:
    """All that is told of it."""
    return assessed and (shown(assessed), assessed.changes)


@pytest.mark.parametrize("at", [-400, 0.5, 20, 29, 45, 70, 400])
def test_one_and_all_and_what_was_known_long_after_agree(harness: ProjectionHarness, at: float) -> None:
    harness.append(everything())
    now, later = all_of(harness, at), all_of(harness, at, known=100_000)
    assert {id_: said(found) for id_, found in now.items()} == {id_: said(found) for id_, found in later.items()}
    assert said(now.get(SUBJECT)) == said(one(harness, at))


def test_of_those_that_grew_and_of_those_that_did_not_is_told_what_was_known(harness: ProjectionHarness) -> None:
    """All are asked at once, most from the projection's states; and one after the other, from the log alone."""
    events = sorted(everything(), key=lambda event: event.recorded_at)
    harness.append(events)
    subjects = {each.subject for each in events if ":" not in each.subject}
    for known in (events[len(events) * part // 8].recorded_at for part in range(8)):
        asked = Asked(known, known)
        alone = {subject: assess_one(harness.store, subject, asked) for subject in subjects}
        together = list(assess_all(harness.engine(), asked))
        assert [each.relationship_id for each in together] == sorted(id_ for id_, found in alone.items() if found)
        for each in together:
            found = alone[each.relationship_id]
            assert found is not None
            assert shown(each) | {"since": None} == shown(found) | {"since": None}
    grown = {each.subject for each in events[len(events) * 7 // 8 :]}
    assert grown & subjects, "some grew to the end"
    assert subjects - grown, "some did not"


def test_what_has_ended_is_answered_at_once_as_if_it_were_judged(harness: ProjectionHarness) -> None:
    harness.append(everything())
    ended = 0
    for at in (45, 400):
        asked = Asked(day(at), None)
        for subject, found in all_of(harness, at).items():
            judged = assess_one(harness.store, subject, asked)
            assert judged is not None
            assert shown(found) == shown(judged)
            ended += found.health.status == "terminated"
    assert ended > 5


def test_the_table_and_the_answer_agree(harness: ProjectionHarness) -> None:
    harness.append(everything())
    for at in (25.0, 45.0, 70.0):
        harness.clock.fixed = day(at)
        harness.engine().catch_up()
        found = all_of(harness, at)
        columns = "relationship_id, score, band, mentee_score, mentor_score, signals"
        rows = {row[0]: row[1:] for row in harness.rows("commitment_health", columns)}
        # The table also knows what is told of later times; the simulation ends long before.
        for subject, each in found.items():
            if each.found.state and each.found.state.last_at <= day(at):
                health = each.health
                signals = len(health.signals)
                assert rows[subject] == (health.score, health.band, health.mentee_score, health.mentor_score, signals)


def test_what_occurs_later_is_not_in_it(harness: ProjectionHarness) -> None:
    harness.append(troubled())
    before = one(harness, 27.9)
    after = one(harness, 28.05)
    assert before is not None
    assert after is not None
    assert before.health.band != "critical"
    assert after.health.band == "critical"
    assert one(harness, 0.0) is None


def test_a_late_report_changes_what_happened_and_not_what_was_known(harness: ProjectionHarness) -> None:
    harness.append(history(proposed(), At(1, e.RelationshipActivated())))
    harness.append([recorded(SUBJECT, 3, e.TrustBreakdownReported(description="."), day(5), by="mentee", told=day(30))])
    for find in (one, lambda *asked: all_of(*asked).get(SUBJECT)):
        happened, known = find(harness, 6), find(harness, 6, 6)
        assert happened is not None
        assert known is not None
        assert (happened.health.score, happened.health.band) == (60, "critical")
        assert (known.health.score, known.health.band) == (100, "healthy")


def test_terms_are_known_at_a_time_too(harness: ProjectionHarness) -> None:
    harness.append(history(proposed(), At(1, e.RelationshipActivated())))
    events = programme("p1", (11, "points_no_next_session", 30))
    harness.append([events[0], events[1].model_copy(update={"recorded_at": day(40)})])
    scores = [found.health.score for found in (one(harness, 12), one(harness, 12, 12), one(harness, 10.999)) if found]
    assert scores == [70, 90, 100]


def test_an_answer_about_the_future_is_what_will_be_if_nothing_happens(harness: ProjectionHarness) -> None:
    harness.append(history(proposed(), At(1, e.RelationshipActivated())))
    harness.clock.fixed = day(2)
    future = one(harness, 40)
    assert future is not None
    assert future.health.score == 75


def test_under_other_terms_the_same_facts_say_something_else(harness: ProjectionHarness) -> None:
    harness.append(troubled())
    now, then = one(harness, 25), one(harness, 25, late_notice_hours=1)
    assert now is not None
    assert then is not None
    assert concerns(now.health) == [{"clause": "pentalog.late-reschedules", "evidence": [6, 11]}]
    assert concerns(then.health) == []
    assert then.health.score is not None
    assert now.health.score is not None
    assert then.health.score > now.health.score
    assert said(all_of(harness, 25, late_notice_hours=1)[SUBJECT]) == said(then)


def test_json_is_what_the_contract_says(harness: ProjectionHarness) -> None:
    harness.append(troubled())
    found = one(harness, 25)
    assert found is not None
    told = shown(found)
    assert told["relationship_id"] == SUBJECT
    assert told["policy"] == "commitment-health/2"
    assert {"as_of", "score", "band", "mentee_score", "mentor_score", "next_change_at"} <= told.keys()
    assert {frozenset(signal) for signal in told["signals"]} == {
        frozenset(("signal", "party", "points", "clauses", "evidence"))
    }


@dataclass
class _Refolded:
    """The health that a plain fold of the events gives, without any of the machinery."""

    events: list[AnyRecorded]

    def at(self, at: float) -> object:
        facts = None
        for event in self.events:
            facts = fold(facts, event)
        assert facts is not None
        return evaluate(facts, day(at))


def test_the_answer_is_that_of_the_rules(harness: ProjectionHarness) -> None:
    harness.append(troubled())
    for at in (3, 15, 25, 29, 50, 100):
        found = one(harness, at)
        assert found is not None
        assert found.health == _Refolded(troubled()).at(at)


def test_a_stream_that_cannot_be_read_to_its_end_says_so(harness: ProjectionHarness) -> None:
    harness.append(history(proposed(), At(1, e.RelationshipActivated())))
    event = harness.store.mapper.to_stored_event(troubled()[0])
    (position,) = harness.store.append_stored([type(event)(SUBJECT, 3, "SessionDreamt", event.state)])
    for found in (one(harness, 3), one(harness, 3, 100), all_of(harness, 3)[SUBJECT], all_of(harness, 3, 100)[SUBJECT]):
        assert found is not None
        assert shown(found)["stale_since"] == position
        assert found.health.score == 100
