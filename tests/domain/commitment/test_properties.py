"""Health equals what the plain reference finds, however it was come by: at once, event by event, from storage."""

from bisect import bisect_left
from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.commitment import (
    Change,
    Cursor,
    Facts,
    Health,
    bands,
    build_timeline,
    evaluate,
    fold,
    health_at,
    terms_in_time,
)
from domain.terms import DatedSetting
from tests.domain.commitment import stories as any_story
from tests.domain.commitment.reference import TICK
from tests.domain.commitment.reference_walk import Reference, _step
from tests.domain.commitment.story import Story

STORIES = st.one_of(any_story.stories(late=False), any_story.stories(late=True))
slow = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
quick = settings(max_examples=150, deadline=None)


def comparable(health: Health) -> tuple[object, ...]:
    found = {(one.signal, one.party): (one.points, one.evidence) for one in health.signals}
    return health.status, health.score, health.mentee_score, health.mentor_score, found


@slow
@given(STORIES, any_story.settings(), any_story.overrides(), st.data())
def test_health_at_any_time_is_what_the_reference_finds(
    story: Story, dated: list[DatedSetting], what_if: dict[str, float], data: st.DataObject
) -> None:
    reference = Reference(story.log, dated, what_if)
    walked = reference.walk()
    moments = [moment for moment, _, _ in walked]
    times = any_story.some_times(story) + [data.draw(st.sampled_from(moments)) for _ in range(4)]
    for at in sorted(set(times)):
        health, look = evaluate(story.facts, at, dated, what_if), reference.look(at)
        assert comparable(health) == (look.status, look.score, look.mentee, look.mentor, look.found)
        before = bisect_left(moments, at)
        assert health.band == _step(walked[before - 1][2] if before else None, look), at
    for at in times[-3:]:
        health = evaluate(story.facts, at, dated, what_if)
        assert (health.next_change_at, health.refresh_at) == reference.ahead(at, moments), at


@slow
@given(STORIES, any_story.settings(), any_story.overrides())
def test_the_changes_are_those_that_the_reference_passes(
    story: Story, dated: list[DatedSetting], what_if: dict[str, float]
) -> None:
    walked = Reference(story.log, dated, what_if).walk()
    expected: list[Change] = []
    known: tuple[int | None, str | None] = (None, None)
    for moment, score, band in walked:
        if (score, band) != known:
            expected.append(Change(moment, score, band))  # type: ignore[arg-type]
            known = (score, band)
    assert list(bands(story.facts, walked[-1][0], dated, what_if)) == expected


@quick
@given(STORIES, any_story.overrides())
def test_just_before_the_next_change_all_is_as_now_and_at_it_the_score_is_another(
    story: Story, what_if: dict[str, float]
) -> None:
    terms = terms_in_time((), what_if)
    cursor = build_timeline(story.facts, terms).cursor
    at = max(one.occurred_at for one in story.log)
    now = health_at(cursor, at, terms)
    if now.refresh_at is not None:
        assert comparable(health_at(cursor, now.refresh_at - TICK, terms)) == comparable(now)
        assert comparable(health_at(cursor, now.refresh_at, terms)) != comparable(now)
    if now.next_change_at is not None:
        assert now.refresh_at is not None
        assert at < now.refresh_at <= now.next_change_at
        assert health_at(cursor, now.next_change_at - TICK, terms).score == now.score
        assert health_at(cursor, now.next_change_at, terms).score != now.score


@quick
@given(STORIES, any_story.settings(), any_story.overrides(), st.lists(st.booleans(), min_size=40, max_size=40))
def test_keeping_pace_event_by_event_equals_walking_anew(
    story: Story, dated: list[DatedSetting], what_if: dict[str, float], stored: list[bool]
) -> None:
    terms = terms_in_time(dated, what_if)
    cursor, facts, history = Cursor(), Facts(), list[Change]()
    for recorded, store in zip(story.log, stored * 3, strict=False):
        facts = fold(facts, recorded)
        walked = cursor.after_event(recorded, terms) or build_timeline(facts, terms)
        cursor, since = walked.cursor, walked.since
        if since is not None:
            history = [change for change in history if change.at < since]
        history += walked.changes
        if store:
            cursor = Cursor.from_json(cursor.to_json(), terms)
        anew = build_timeline(Facts.from_json(facts.to_json()), terms)
        assert cursor == anew.cursor
        assert history == list(anew.changes)


@quick
@given(STORIES, any_story.settings(), st.data())
def test_an_evaluation_leaves_no_trace_in_the_next(
    story: Story, dated: list[DatedSetting], data: st.DataObject
) -> None:
    terms, facts = terms_in_time(dated), Facts()
    earlier: list[tuple[Facts, datetime, Health]] = []
    for recorded in story.log:
        facts = fold(facts, recorded)
        at = data.draw(st.sampled_from(any_story.some_times(story)))
        health = evaluate(facts, at, terms)
        assert health == evaluate(Facts(facts), at, dated)
        assert bands(facts, at, terms) == bands(Facts(facts), at, dated)
        earlier.append((facts, at, health))
    for then, at, health in earlier:
        assert evaluate(then, at, terms) == health
