"""Commitment health: the signals of the relationship itself."""

from datetime import datetime
from typing import Any

import pytest

from tests.e2e.contract.health import AFTER, BEFORE, NOW, SINCE
from tests.e2e.contract.outside import at, days, hours, minutes, seconds
from tests.e2e.contract.story import CONTRACTING, Story, World
from tests.e2e.contract.telling import Telling, told

BEGINS = at("2026-01-05 09:00")
CLOCK = at("2026-07-01 12:00")
HOUR = minutes(60)


def plan(story: Story, sessions: int) -> int:
    return story.say("AgreePlan", **{**CONTRACTING["plan"][2], "sessions": sessions})


def begins_now(stories: dict[str, Story], signal: str, points: int) -> None:
    """The signal does not hold the second before NOW, and does at NOW: "for n days"."""
    assert {name: story.health(BEFORE).cost(signal) for name, story in stories.items()} == dict.fromkeys(stories, 0)
    assert {name: story.health(NOW).cost(signal) for name, story in stories.items()} == dict.fromkeys(stories, points)


def begins_after(stories: dict[str, Story], signal: str, points: int) -> None:
    """The signal does not hold at NOW, and does the second after: "more than n days"."""
    assert {name: story.health(NOW).cost(signal) for name, story in stories.items()} == dict.fromkeys(stories, 0)
    assert {name: story.health(AFTER).cost(signal) for name, story in stories.items()} == dict.fromkeys(stories, points)


def never(stories: dict[str, Story], signal: str) -> None:
    assert {name: story.health(AFTER).cost(signal) for name, story in stories.items()} == dict.fromkeys(stories, 0)


# -- no_next_session


@told
@pytest.mark.clause("pentalog.next-session")
def test_nothing_scheduled_for_10_days_after_activation_or_14_after_the_last_session_costs_10(world: World) -> Telling:
    stories = {"activation": world.active("pentalog", since=NOW - days(10))}
    for name in ("completed", "missed", "cancelled", "moved and cancelled", "passed without outcome", "paused"):
        stories[name] = world.active("pentalog", since=SINCE)
    last = NOW - days(14)
    stories["completed"].held("s1", last - HOUR)
    stories["missed"].missed("s1", last, "mentee")
    stories["cancelled"].schedule("s1", last)
    stories["cancelled"].cancel("s1", last - days(2))
    stories["moved and cancelled"].schedule("s1", last - days(9))
    stories["moved and cancelled"].move("s1", last, last - days(11))
    stories["moved and cancelled"].cancel("s1", last - days(1))
    stories["passed without outcome"].held("s1", last - HOUR)
    stories["passed without outcome"].schedule("s2", NOW - days(3))
    stories["paused"].held("s1", last - days(10) - HOUR)
    stories["paused"].pause(NOW - days(20))
    stories["paused"].resume(NOW - days(10))
    yield
    passed = stories.pop("passed without outcome")
    begins_now(stories, "no_next_session", 10)
    assert (passed.health(BEFORE).cost("no_next_session"), passed.health(NOW).cost("no_next_session")) == (0, 10)
    assert stories["completed"].health(NOW).of("no_next_session")["clauses"] == ["pentalog.next-session"]


@told
def test_a_session_is_a_next_session_until_a_day_after_its_planned_end(world: World) -> Telling:
    stories = {name: world.active("pentalog", since=SINCE) for name in ("to come", "first", "passed")}
    stories["to come"].held("s1", NOW - days(40))
    stories["to come"].schedule("s2", NOW + days(1), when=NOW - days(39))
    stories["first"].schedule("s1", NOW + days(1), when=NOW - days(39))
    stories["passed"].held("s1", NOW - days(40))
    stories["passed"].schedule("s2", NOW - days(1) - HOUR)
    yield
    passed = stories.pop("passed")
    never(stories, "no_next_session")
    assert passed.health(NOW - seconds(1)).cost("no_next_session") == 0
    assert passed.health(NOW + seconds(1)).cost("no_next_session") == 10


@told
def test_a_cancelled_session_counts_from_the_start_it_last_had_even_if_that_is_to_come(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE)
    story.held("s1", NOW - days(40))
    story.schedule("s2", NOW + days(5), when=NOW - days(35))
    story.cancel("s2", NOW - days(2))
    yield
    assert story.health(NOW).cost("no_next_session") == 0
    assert story.health(NOW + days(19) - seconds(1)).cost("no_next_session") == 0
    assert story.health(NOW + days(19)).cost("no_next_session") == 10


@told
def test_a_finished_plan_needs_no_next_session(world: World) -> Telling:
    cases = {
        "two of two": (2, 2, 0),
        "one of two": (2, 1, 10),
        "three of two": (2, 3, 0),
        "six without a plan": (None, 6, 0),
        "five without a plan": (None, 5, 10),
    }
    stories = {}
    for name, (planned, held, _) in cases.items():
        stories[name] = story = world.contracted("pentalog", when=SINCE, without=["plan"])
        if planned:
            plan(story, planned)
        story.say("ActivateRelationship")
        for number in range(held):
            story.held(f"s{number}", NOW - days(60 - 5 * number))
    in_contracting = world.contracted("pentalog", when=SINCE, without=["plan"])
    plan(in_contracting, 2)
    in_contracting.held("s0", SINCE + days(10))
    in_contracting.say("ActivateRelationship")
    in_contracting.held("s1", SINCE + days(20))
    yield
    got = {name: story.health(NOW).cost("no_next_session") for name, story in stories.items()}
    assert got == {name: points for name, (_, _, points) in cases.items()}
    assert in_contracting.health(NOW).cost("no_next_session") == 10


@told
def test_after_a_session_in_contracting_the_first_one_counts_from_activation(world: World) -> Telling:
    story = world.contracted("pentalog", when=SINCE)
    story.held("s0", NOW - days(30))
    story.say("ActivateRelationship", when=NOW - days(10))
    yield
    begins_now({"contracting session": story}, "no_next_session", 10)


# -- out_of_contact


@told
@pytest.mark.clause("nottingham.regular-contact")
def test_more_than_30_days_without_session_or_contact_cost_15(world: World) -> Telling:
    stories = {"activation": world.active("nottingham", since=NOW - days(30))}
    for name in ("session", "contact", "resumption", "missed", "cancelled"):
        stories[name] = world.active("nottingham", since=SINCE if name[0] in "sr" else NOW - days(30))
    stories["contact"] = world.active("nottingham", since=SINCE)
    last = NOW - days(30)
    stories["session"].held("s1", last - HOUR)
    stories["contact"].say("RecordContact", when=last, channel="telephone")
    stories["resumption"].pause(NOW - days(50))
    stories["resumption"].resume(last)
    # Neither a missed nor a cancelled session is a contact.
    stories["missed"].missed("s1", NOW - days(5), "mentor")
    stories["cancelled"].schedule("s1", NOW - days(5))
    stories["cancelled"].cancel("s1", NOW - days(7))
    yield
    begins_after(stories, "out_of_contact", 15)
    assert stories["session"].health(AFTER).of("out_of_contact")["clauses"] == ["nottingham.regular-contact"]


@told
def test_a_contact_ends_the_silence(world: World) -> Telling:
    story = world.active("pentalog", since=NOW - days(50))
    story.say("RecordContact", when=NOW - days(1), channel="email")
    yield
    assert story.health(NOW - days(1) - seconds(1)).cost("out_of_contact") == 15
    assert story.health(NOW - days(1) - seconds(1)).of("out_of_contact")["clauses"] == []
    assert story.health(NOW).cost("out_of_contact") == 0


@told
def test_before_activation_and_after_the_end_nothing_is_out_of_contact(world: World) -> Telling:
    contracting, ended = world.contracted("pentalog", when=SINCE), world.active("pentalog", since=SINCE)
    ended.terminate(SINCE + days(1))
    yield
    assert contracting.health(NOW).row["signals"] == ended.health(NOW).row["signals"] == []


# -- breakdowns of trust and of respect


def settled(world: World, report: dict[str, Any], settle: list[tuple[str, str, dict[str, Any]]]) -> tuple[Story, int]:
    """A relationship with a report a week ago, and what was done about it yesterday."""
    story = world.active("pentalog", "leapfrog", since=NOW - days(9))
    command = "ReportDisrespect" if "against" in report else "ReportTrustBreakdown"
    sent = story.say(command, "mentee", NOW - days(7), **report)
    for name, role, data in settle:
        story.say(name, role, NOW - days(1), **data)
    return story, sent


@told
@pytest.mark.clause("pentalog.trust", "pentalog.respect", "leapfrog.respect")
def test_a_reported_breakdown_of_trust_or_respect_costs_40_and_means_critical_until_it_is_settled(
    world: World,
) -> Telling:
    trust, disrespect = {"description": "Told others"}, {"against": "mentor", "description": "Laughed"}
    recommend = ("RecommendShutdown", "coordinator", {"clause": "pentalog.trust", "evidence": [1]})
    recommend_respect = ("RecommendShutdown", "coordinator", {"clause": "pentalog.respect", "evidence": [1]})
    dismiss = ("DismissRecommendation", "mentee", {"reason": "We talked"})
    open_ones = {
        "trust_breakdown": settled(world, trust, []),
        "disrespect": settled(world, disrespect, []),
    }
    recommended = settled(world, trust, [recommend])[0]
    closed = {
        "restored": settled(world, trust, [("RestoreTrust", "mentee", {})])[0],
        "trust dismissed": settled(world, trust, [recommend, dismiss])[0],
        "resolved": settled(world, disrespect, [("ResolveDisrespect", "coordinator", {"resolution": "Excused"})])[0],
        "disrespect dismissed": settled(world, disrespect, [recommend_respect, dismiss])[0],
    }
    yield
    clauses = {"trust_breakdown": {"pentalog.trust"}, "disrespect": {"pentalog.respect", "leapfrog.respect"}}
    for signal, (story, sent) in open_ones.items():
        health = story.health(NOW)
        assert (health.cost(signal), health.score, health.band) == (40, 60, "critical")
        assert set(health.of(signal)["clauses"]) == clauses[signal]
        assert world.versions(sent)[0] in health.of(signal)["evidence"]
    assert recommended.health(NOW).band == "critical"
    for name, story in closed.items():
        assert (story.health(NOW - days(2)).score, story.health(NOW - days(2)).band) == (60, "critical"), name
        assert (story.health(NOW).score, story.health(NOW).band) == (100, "healthy"), name


@told
def test_both_at_once_cost_both(world: World) -> Telling:
    story, _ = settled(
        world,
        {"description": "Told others"},
        [("ReportDisrespect", "mentor", {"against": "mentee", "description": "Laughed"})],
    )
    yield
    assert (story.health(NOW).score, story.health(NOW).band) == (20, "critical")


# -- terms


@told
def test_a_document_may_set_the_days_and_the_points_of_a_signal(world: World) -> Telling:
    def story(since: datetime, **terms: float) -> Story:
        return world.active("pentalog", since=since, programme_id=world.programme(**terms))

    first = story(NOW - days(20), first_session_days=20, points_no_next_session=33)
    following = story(SINCE, next_session_days=3)
    following.held("s1", NOW - days(3) - HOUR)
    # The rhythm of the plan is 14 days, and 7 days of slack.
    silent = story(NOW - days(22), contact_gap_days=22, points_out_of_contact=1)
    yield
    begins_now({"first": first}, "no_next_session", 33)
    begins_now({"next": following}, "no_next_session", 10)
    begins_after({"silent": silent}, "out_of_contact", 1)


@told
def test_a_term_counts_from_its_own_time_on(world: World) -> Telling:
    world.say("CreateProgramme", "programme:later", "supplier:s", BEGINS, name="Later")
    story = world.active("pentalog", since=NOW - days(35), programme_id="later")
    world.say(
        "SetTerm",
        "programme:later",
        "supplier:s",
        NOW - days(1),
        document="master_agreement",
        term="points_out_of_contact",
        value=2,
    )
    yield
    assert story.health(NOW - days(1) - seconds(1)).cost("out_of_contact") == 15
    assert story.health(NOW).cost("out_of_contact") == 2


@told
def test_health_is_asked_of_times_to_come_too(world: World) -> Telling:
    story = world.active("pentalog", since=NOW)
    yield
    assert story.health(NOW + days(19)).row["signals"] != []
    assert story.health(NOW + days(19) - hours(24 * 9 + 1)).row["signals"] == []


@told
def test_all_that_these_stories_tell_is_accepted(world: World) -> Telling:
    yield
    assert world.accepted(*range(len(world.receipts)))
