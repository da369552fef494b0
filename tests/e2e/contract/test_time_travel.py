"""Two clocks: a relationship as it was, and as it was known to be."""

from typing import Any

import pytest

from tests.e2e.contract.outside import Rapport, at, days, hours, iso
from tests.e2e.contract.story import Story, World

SINCE = at("2026-02-01 09:00")
FIRST = at("2026-03-01 17:00")


@pytest.fixture(scope="module")
def story(world: World) -> Story:
    """One whose pause of April is told late, in May."""
    story = world.active("leapfrog", since=SINCE)
    world.submit(SINCE)
    story.held("s1", FIRST)
    story.schedule("s2", at("2026-04-20 17:00"), when=at("2026-03-10 09:00"))
    world.submit(at("2026-03-15 09:00"))
    story.pause(at("2026-04-05 09:00"))
    world.submit(at("2026-05-02 09:00"))
    story.resume(at("2026-05-10 09:00"))
    story.terminate(at("2026-06-01 09:00"))
    world.submit(at("2026-06-01 09:00"))
    assert world.accepted(*range(len(world.receipts)))
    return story


def session(shown: Any, name: str) -> Any:
    return next((one for one in shown["sessions"] if one["session_id"] == name), None)


def test_as_of_tells_what_had_occurred_by_then(story: Story) -> None:
    assert story.show("--as-of", iso(SINCE - hours(1)))["state"] == "contracting"
    assert story.show("--as-of", iso(SINCE))["state"] == "active"
    assert session(story.show("--as-of", iso(FIRST - days(4))), "s1") is None
    assert session(story.show("--as-of", iso(FIRST)), "s1")["status"] == "scheduled"
    assert session(story.show("--as-of", iso(FIRST + days(1))), "s1")["status"] == "completed"
    assert story.show("--as-of", iso(at("2026-05-20 09:00")))["state"] == "active"
    assert story.show("--as-of", iso(at("2026-06-02 09:00")))["state"] == "terminated"


def test_what_is_told_late_had_occurred_all_the_same(story: Story) -> None:
    mid_april = story.show("--as-of", "2026-04-15T00:00:00Z")
    assert (mid_april["state"], session(mid_april, "s2")["status"]) == ("paused", "cancelled")


def test_known_at_tells_what_was_recorded_by_then(story: Story) -> None:
    mid_april = story.show("--known-at", "2026-04-15T00:00:00Z")
    assert (mid_april["state"], session(mid_april, "s2")["status"]) == ("active", "scheduled")
    assert story.show("--known-at", "2026-05-03T00:00:00Z")["state"] == "paused"
    assert story.show("--known-at", "2026-02-20T00:00:00Z")["sessions"] == []


def test_both_clocks_together(story: Story) -> None:
    both = ("--as-of", "2026-04-15T00:00:00Z", "--known-at")
    assert story.show(*both, "2026-04-20T00:00:00Z")["state"] == "active"
    assert story.show(*both, "2026-05-03T00:00:00Z")["state"] == "paused"


def test_a_version_is_the_state_after_that_event(story: Story) -> None:
    history = story.history()
    version = {event["type"].removeprefix("rapport."): event["version"] for event in history}
    assert story.show("--version", "1")["state"] == "contracting"
    assert story.show("--version", str(version["RelationshipActivated"]))["state"] == "active"
    assert story.show("--version", str(version["RelationshipActivated"] - 1))["state"] == "contracting"
    paused = story.show("--version", str(version["RelationshipPaused"]))
    assert (paused["state"], paused["version"]) == ("paused", version["RelationshipPaused"])


def test_the_unmet_gates_are_those_of_the_time(story: Story) -> None:
    at_first = story.show("--version", "1")
    assert {gate["clause"] for gate in at_first["unmet_gates"]} == {"leapfrog.role", "leapfrog.protocols"}


def signals(story: Story, *options: str) -> set[str]:
    health = story.world.rapport.ask("health", story.subject, "--as-of", "2026-04-30T00:00:00Z", *options)
    assert health["relationship_id"] == story.subject
    return {signal["signal"] for signal in health["signals"]}


def test_health_as_of_a_time_knows_the_pause_that_was_told_late(story: Story) -> None:
    # Paused on 5 April, 35 days after the only session, when the next one was still to come.
    assert signals(story) == {"out_of_contact"}


def test_health_as_known_then_does_not_know_the_pause(story: Story) -> None:
    # The session of 20 April has passed without an outcome.
    assert signals(story, "--known-at", "2026-04-15T00:00:00Z") == {"out_of_contact", "no_next_session"}


def test_health_of_a_time_before_the_pause_does_not_know_it(story: Story) -> None:
    before = story.world.rapport.ask("health", story.subject, "--as-of", "2026-03-20T00:00:00Z")
    assert (before["score"], before["band"], before["signals"]) == (100, "healthy", [])


def test_times_of_questions_carry_an_offset(story: Story) -> None:
    rapport: Rapport = story.world.rapport
    for option in ("--as-of", "--known-at"):
        run = rapport.run("show", story.subject, option, "yesterday", "--json")
        assert run.code == 2, option


def test_before_there_was_anything_there_is_nothing_to_ask_about(story: Story) -> None:
    for question in ("show", "health"):
        run = story.world.rapport.run(question, story.subject, "--as-of", "2020-01-01T00:00:00Z", "--json")
        assert (run.code, run.out) == (2, ""), question
        assert run.err
