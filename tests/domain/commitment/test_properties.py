"""Health equals what the plain reference finds, however it was come by: at once, event by event, from storage."""

from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.commitment import Change, Facts, Health, assess, bands, evaluate, fold, terms_in_time, watch
from domain.terms import DatedSetting
from tests.domain.commitment import stories as any_story
from tests.domain.commitment.reference import TICK
from tests.domain.commitment.reference_walk import Reference, step
from tests.domain.commitment.story import Story, day
from tests.sizes import size

STORIES = st.one_of(any_story.stories(late=False), any_story.stories(late=True))
slow = settings(
    max_examples=size(40, 400), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
quick = settings(max_examples=size(80, 600), deadline=None)


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
        before = [band for moment, _, band in walked if moment < at]
        assert health.band == step(before[-1] if before else None, look), at
    for at in times[-3:]:
        assert evaluate(story.facts, at, dated, what_if).next_change_at == reference.ahead(at), at


@slow
@given(STORIES, any_story.settings(), any_story.overrides())
def test_the_changes_are_those_that_the_reference_passes(
    story: Story, dated: list[DatedSetting], what_if: dict[str, float]
) -> None:
    walked = Reference(story.log, dated, what_if).walk()
    expected: list[Change] = []
    known: tuple[int | None, str | None] = (None, None)
    for moment, look, band in walked:
        if (look.score, band) != known:
            expected.append(Change(moment, look.score, band))  # type: ignore[arg-type]
            known = (look.score, band)
    assert list(bands(story.facts, walked[-1][0], dated, what_if)) == expected


@quick
@given(STORIES, any_story.overrides())
def test_just_before_the_next_change_all_is_as_now_and_at_it_the_score_is_another(
    story: Story, what_if: dict[str, float]
) -> None:
    at = max(one.occurred_at for one in story.log)
    now = evaluate(story.facts, at, (), what_if)
    if now.refresh_at is not None:
        assert comparable(evaluate(story.facts, now.refresh_at - TICK, (), what_if)) == comparable(now)
    if now.next_change_at is not None:
        assert now.refresh_at is not None
        assert at < now.refresh_at <= now.next_change_at
        assert evaluate(story.facts, now.next_change_at - TICK, (), what_if).score == now.score
        assert evaluate(story.facts, now.next_change_at, (), what_if).score != now.score


@quick
@given(STORIES, any_story.settings(), any_story.overrides(), st.lists(st.booleans(), min_size=40, max_size=40))
def test_keeping_pace_event_by_event_equals_walking_anew(
    story: Story, dated: list[DatedSetting], what_if: dict[str, float], stored: list[bool]
) -> None:
    terms, facts, latest = terms_in_time(dated, what_if), Facts(), day(-100)
    for recorded, store in zip(story.log, stored * 3, strict=False):
        facts, latest = fold(facts, recorded), max(latest, recorded.occurred_at)
        if store:
            facts = Facts.from_json(facts.to_json())
        anew = Facts.from_json(facts.to_json())
        assert assess(facts, latest, terms) == assess(anew, latest, terms)


@quick
@given(STORIES, any_story.settings())
def test_one_signal_followed_event_by_event_is_what_health_says_of_it(story: Story, dated: list[DatedSetting]) -> None:
    terms, facts, latest = terms_in_time(dated), Facts(), day(-100)
    for recorded in story.log:
        facts, latest = fold(facts, recorded), max(latest, recorded.occurred_at)
        health = evaluate(Facts.from_json(facts.to_json()), latest, terms)
        watched = watch(facts, "late_reschedules", latest, terms)
        if health.status == "active":
            assert watched.signals == tuple(one for one in health.signals if one.signal == "late_reschedules")
        if watched.changes_at is not None:
            then = evaluate(facts, watched.changes_at, terms)
            assert watched.signals != tuple(one for one in then.signals if one.signal == "late_reschedules")


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
