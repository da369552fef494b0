"""What was known of all at an earlier time, cut out of what is known, is what a fold of the events recorded by then gives.

Stories are told with corrections and late reports, and recorded both ways: as it happened, and loaded at once, in order of time.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from eventsourcing.persistence import StoredEvent

from domain.model import AnyRecorded
from domain.registry import effective, kind_of
from domain.relationship import events as e
from domain.relationship.contests import CORRECTABLE
from infra.queries.as_at import Asked, folded
from infra.queries.health import Assessed, assess_all, assess_one, shown
from infra.queries.known_then import since
from infra.queries.nps import Moment, Programmes, Records, _add, _records, last_end_of_month
from infra.store import log_reader
from infra.store.opening import open_database
from infra.store.session import Database
from projections import commitment, nps_responses
from tests.given_when_then import SUBJECT, At, history, proposed
from tests.infra.projection_engine.harness import ProjectionHarness, day, programme, recorded, simulated, troubled
from tests.sizes import size

# What can be corrected and makes a difference.
FOLDED = CORRECTABLE.keys() & (commitment.PROJECTION.listens | nps_responses.PROJECTION.listens)


@pytest.fixture
def harness(database: Database) -> ProjectionHarness:
    return ProjectionHarness(database)


# --- stories -------------------------------------------------------------------------------------------------------
class Told(NamedTuple):
    """An event, and the time at which it is told: when it occurred, or later."""

    at: datetime
    event: AnyRecorded


def corrected(stream: Sequence[AnyRecorded], random: Random) -> list[AnyRecorded]:
    """A stream with corrections here and there that leave one of the facts before them out. Versions after them move on."""
    messages = [list(group) for _, group in groupby(stream, key=lambda each: each.message_id)]
    places = random.choices(range(len(messages)), k=random.choice([0, 1, 2, 3]))
    found: list[AnyRecorded] = []
    for place, message in enumerate(messages):
        facts = [each for each in found[1:] if type(each.data) in FOLDED][-5:]
        if place in places and facts:
            fact, at = random.choice(facts), found[-1].occurred_at
            void = e.FactCorrected(version=fact.version, reason="wrong", fact=type(fact.data).__name__, void=True)
            by = fact.role if isinstance(fact.data, e.NpsResponded) else "coordinator"
            found.append(recorded(fact.subject, len(found) + 1, void, at, by=by))
        found += [each.model_copy(update={"version": len(found) + 1 + n}) for n, each in enumerate(message)]
    return found


def told(stream: Sequence[AnyRecorded], random: Random) -> Iterator[Told]:
    """When each event of a stream is told: some some days late, and so all after them."""
    at = stream[0].occurred_at
    late = timedelta(0)
    for each in stream:
        if random.random() < 0.05:
            late = timedelta(days=random.choice([0, 1, 20]))
        at = max(at, each.occurred_at + late)
        yield Told(at, each)


def story(random: Random, *, at_once: bool) -> list[AnyRecorded]:
    """A log of some relationships; recorded at once, it was loaded around the end of a month."""
    events = [*simulated(8), *troubled(), *programme("p1", (20, "late_notice_hours", 48))]
    streams: dict[str, list[AnyRecorded]] = {}
    for each in events:
        streams.setdefault(each.subject, []).append(each)
    order: list[Told] = []
    for subject, stream in streams.items():
        order += told(corrected(stream, random) if kind_of(subject) == "relationship" else stream, random)
    order.sort(key=lambda each: each.at)
    step = timedelta(days=20) / len(order)
    return [
        each.event.model_copy(update={"recorded_at": day(80) + number * step if at_once else each.at})
        for number, each in enumerate(order)
    ]


def times(events: Sequence[AnyRecorded], random: Random) -> list[datetime]:
    """Some times at which something was recorded, most of them right before a correction."""
    before = [one.recorded_at for one, other in pairwise(events) if isinstance(other.data, e.FactCorrected)]
    return [*random.sample(before, 4), random.choice(events).recorded_at]


# --- the slow way --------------------------------------------------------------------------------------------------
def said(found: Iterable[Assessed | None]) -> dict[str, Any]:
    """All that a list tells, without since when: of those that have ended it is not looked for."""
    return {each.relationship_id: shown(each) | {"since": None} for each in found if each is not None}


Cells = dict[tuple[Any, Any], tuple[list[int], int, set[str]]]


def cells(records: Records) -> Cells:
    return {
        (question, group): (tally.counts, tally.asked, tally.people)
        for question, record in records.items()
        for group, tally in record.cells.items()
    }


def counted(events: Sequence[AnyRecorded], programmes: Programmes, moment: Moment) -> Cells:
    """What counted of the answers at a moment, folded from the events that had been recorded."""
    records: Records = {}
    by_subject = sorted(events, key=lambda each: (each.subject, each.version))
    for subject, stream in groupby(by_subject, key=lambda each: each.subject):
        whole = list(stream)
        rules = (
            programmes.of(getattr(whole[0].data, "programme_id", "")) if kind_of(subject) == "relationship" else None
        )
        if rules is None:
            continue
        as_of, known_at = (time and last_end_of_month(time, rules.timezone) for time in moment)
        known = [each for each in whole if known_at is None or each.recorded_at <= known_at]
        places = {each.version: each.version for each in known}
        state = (
            folded(nps_responses.PROJECTION, log_reader.placed(effective(subject, known), places)) if known else None
        )
        if state is not None:
            _add(records, state, rules, as_of, known_at)
    return cells(records)


@pytest.mark.parametrize("at_once", [False, True], ids=["as it happened", "loaded at once"])
@pytest.mark.parametrize("seed", range(size(2, 60)))
def test_what_was_known_is_what_the_events_recorded_by_then_make(tmp_path: Path, seed: int, at_once: bool) -> None:
    random = Random(seed)
    with open_database(f"sqlite:///{tmp_path / 's'}", synchronous="off") as database:
        harness = ProjectionHarness(database)
        events = story(random, at_once=at_once)
        harness.append(events)
        engine = harness.engine()
        position = engine.catch_up()
        subjects = sorted({each.subject for each in events if kind_of(each.subject) == "relationship"})
        cut = again = 0
        for known_at in [day(-1_000), *times(events, random), day(5_000)]:
            for at in (known_at, harness.clock.now()):
                asked = Asked(at, known_at)
                alone = said(assess_one(harness.store, subject, asked) for subject in subjects)
                assert said(assess_all(engine, asked)) == alone
            moment = Moment(random.choice([None, day(60)]), known_at)
            with database.reading() as session:
                programmes = Programmes(engine, session)
                _, then = _records(engine, session, programmes, moment, position)
                assert cells(then) == counted(events, programmes, moment)
                later = since(engine, session, commitment.PROJECTION, known_at, position)
                again += len(later.refolded)
                cut += len({*subjects} & later.first_versions.keys() - later.refolded)
        assert cut > 5, "some states were cut off"
        assert again > 5, "some streams were corrected since"


# --- what is not cut off -------------------------------------------------------------------------------------------
def test_a_stream_that_is_held_up_is_told_as_far_as_it_could_be_read(harness: ProjectionHarness) -> None:
    harness.append(history(proposed(), At(1, e.RelationshipActivated())))
    event = harness.store.mapper.to_stored_event(troubled()[0])
    damaged = event.state.replace(b'"2026-', b'"2027-')
    (position,) = harness.store.append_stored([StoredEvent(SUBJECT, 3, "SessionDreamt", damaged)])
    for known_at, stale in ((day(2), None), (day(400), position)):
        (found,) = assess_all(harness.engine(), Asked(day(3), known_at))
        assert found.health.score == 100
        assert found.found.stale_since == stale
        alone = assess_one(harness.store, SUBJECT, Asked(day(3), known_at))
        assert alone is not None
        assert found.health == alone.health


def test_damaged_events_hide_no_time_of_others(database: Database) -> None:
    """An event that names no time counts as known unless one before it was not."""
    harness = ProjectionHarness(database)
    for number in range(1, 12):
        if number in (3, 6, 7, 8, 9):
            harness.store.append_stored([StoredEvent(f"programme:p{number}", 1, "ProgrammeCreated", b"{}")])
        else:
            (created,) = programme(f"p{number}")
            harness.append([created.model_copy(update={"recorded_at": day(number)})])
    with database.reading() as session:
        positions = [log_reader.known_up_to(session, day(at)) for at in (0, 1, 2, 4.5, 5, 9, 10, 11, 99)]
    assert positions == [0, 1, 3, 4, 9, 9, 10, 11, 11]
