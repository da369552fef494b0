"""Guards: the commands that a clause refuses, and those that it never lets be refused."""

from typing import Any

import pytest

from tests.e2e.contract.outside import at, days, hours, minutes, seconds
from tests.e2e.contract.story import CODES, PARTIES, Story, World, item
from tests.e2e.contract.telling import Telling, told

SINCE = at("2026-02-01 09:00")
NOW = at("2026-03-01 09:00")


@told
@pytest.mark.clause("pentalog.reschedule-with-ease")
def test_a_reschedule_asked_for_before_the_start_is_never_refused(world: World) -> Telling:
    sent = []
    for role in PARTIES:
        story = world.active(*CODES, since=SINCE)
        story.schedule("s1", NOW)
        for how_long in (hours(24), hours(1), minutes(1), seconds(1)):
            sent.append(story.move("s1", NOW + days(7), NOW - how_long, role))
            sent.append(story.move("s1", NOW, NOW - how_long, role))
    yield
    assert world.accepted(*sent)


def how_to_stop(story: Story, command: str, **changes: Any) -> int:
    data: dict[str, Any] = {"informed": list(PARTIES), "next_steps": "Meet in May"}
    if command == "PauseRelationship":
        data |= {"reason": "Leave", "review_on": "2026-05-01"}
    else:
        data |= {"reason": "mentee_choice"}
    return story.say(command, "mentor", NOW, **{**data, **changes})


@told
@pytest.mark.clause("cmn.pause-or-stop")
def test_under_cmn_pausing_or_stopping_takes_both_informed_and_next_steps(world: World) -> Telling:
    refused, accepted = [], []
    for command in ("PauseRelationship", "TerminateRelationship"):
        story = world.active("cmn", since=SINCE)
        refused += [
            how_to_stop(story, command, informed=["mentor", "coordinator"]),
            how_to_stop(story, command, informed=[]),
            how_to_stop(story, command, next_steps=""),
            how_to_stop(story, command, next_steps="  \n"),
        ]
        accepted.append(how_to_stop(story, command))
    contracting, paused = world.relationship("cmn"), world.active("cmn", since=SINCE)
    paused.pause(NOW)
    refused += [how_to_stop(story, "TerminateRelationship", informed=[]) for story in (contracting, paused)]
    yield
    assert {world.status(one) for one in refused} == {"refused"}
    assert [world.clauses(one) for one in refused] == [{"cmn.pause-or-stop"}] * len(refused)
    assert world.accepted(*accepted)


@told
@pytest.mark.clause("cmn.pause-or-stop")
def test_who_ends_counts_as_informed_and_four_reasons_leave_the_other_to_the_office(world: World) -> Telling:
    ender = how_to_stop(world.active("cmn", since=SINCE), "TerminateRelationship", informed=["mentee"])
    reasons = ("disrespect", "breach", "trust_breakdown", "compromising_relationship")
    stories = [world.active("cmn", since=SINCE) for _ in reasons]
    left = [
        how_to_stop(story, "TerminateRelationship", informed=[], next_steps="", reason=reason)
        for story, reason in zip(stories, reasons, strict=True)
    ]
    yield
    assert world.accepted(ender, *left)
    for story in stories:
        ended = next(event for event in story.history() if event["type"] == "rapport.RelationshipTerminated")
        assert [finding["code"] for finding in ended["findings"]] == ["not_informed"]


@told
@pytest.mark.clause("care.informed")
def test_under_the_other_codes_an_ending_is_accepted_and_a_pause_asks_for_both(world: World) -> Telling:
    ended, paused, resumed = [], [], []
    for code in CODES:
        if code == "cmn":
            continue
        story = world.active(code, since=SINCE)
        paused += [
            how_to_stop(story, "PauseRelationship", informed=["mentee"]),
            how_to_stop(story, "PauseRelationship", next_steps=" "),
        ]
        story.pause(NOW)
        resumed.append(story.say("ResumeRelationship", "mentor", NOW + days(1), informed=[]))
        ended.append(how_to_stop(story, "TerminateRelationship", informed=[], next_steps=""))
    yield
    assert {world.status(one) for one in paused} == {"refused"}
    assert world.accepted(*ended, *resumed)


@told
def test_resuming_asks_for_neither(world: World) -> Telling:
    story = world.active("cmn", since=SINCE)
    story.pause(NOW)
    sent = story.say("ResumeRelationship", "mentor", NOW + days(1), informed=[])
    yield
    assert world.accepted(sent)


@told
@pytest.mark.clause("leapfrog.finish", "nottingham.end", "nottingham.withdrawal")
def test_ending_is_never_refused_for_its_reason(world: World) -> Telling:
    reasons = (
        "goals_met",
        "plan_completed",
        "help_received",
        "no_longer_helping",
        "referred",
        "mentee_choice",
        "mentor_withdrawal",
        "trust_breakdown",
        "disrespect",
        "breach",
        "compromising_relationship",
        "never_started",
        "supplier_decision",
    )
    sent = []
    for number, reason in enumerate(reasons):
        story = world.active(CODES[number % len(CODES)], since=SINCE)
        sent.append(story.terminate(NOW, PARTIES[number % 2], reason=reason))
    yield
    assert world.accepted(*sent)


@told
@pytest.mark.clause("nottingham.withdrawal")
def test_a_mentor_may_withdraw_for_a_time_or_for_good(world: World) -> Telling:
    for_a_time, for_good = (world.active("nottingham", since=SINCE) for _ in range(2))
    sent = [
        how_to_stop(for_a_time, "PauseRelationship"),
        for_good.terminate(NOW, "mentor", reason="mentor_withdrawal"),
    ]
    yield
    assert world.accepted(*sent)


PRIVATE = "my health"


def private_goal(story: Story, role: str) -> int:
    return story.say(
        "AgreeGoal",
        role,
        NOW,
        goal_id=f"g{story.world.number()}",
        title=PRIVATE,
        type="wellbeing",
        source="mentee",
        agreed_by=list(PARTIES),
    )


def session_about(story: Story, session: str, set_by: str, starts: Any) -> int:
    story.schedule(session, starts)
    return story.complete(session, starts, agenda=[item(PRIVATE, 60, set_by=set_by)])


@told
@pytest.mark.clause("leapfrog.privacy")
def test_a_private_topic_is_refused_from_anyone_but_the_mentee_until_it_is_opened(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    before = private_goal(story, "mentor")
    story.say("MarkTopicPrivate", topic=PRIVATE)
    goal, own_goal = private_goal(story, "mentor"), private_goal(story, "mentee")
    agenda = session_about(story, "s1", "mentor", NOW + days(4))
    own_agenda = session_about(story, "s2", "mentee", NOW + days(5))
    story.say("OpenTopic", topic=PRIVATE)
    goal_after = private_goal(story, "mentor")
    agenda_after = session_about(story, "s3", "mentor", NOW + days(9))
    yield
    assert world.accepted(before, own_goal, agenda, own_agenda, goal_after, agenda_after)
    assert world.clauses(goal) == {"leapfrog.privacy"}
    # What took place is recorded, with a finding where somebody else raised it.
    found = {event["version"]: event["findings"] for event in story.history()}
    assert found[world.versions(agenda)[0]] == [{"code": "private_topic", "clause": "leapfrog.privacy"}]
    assert not found[world.versions(own_agenda)[0]]
    assert not found[world.versions(agenda_after)[0]]


@told
@pytest.mark.clause("leapfrog.privacy")
def test_only_leapfrog_guards_private_topics(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE)
    story.say("MarkTopicPrivate", topic=PRIVATE)
    sent = private_goal(story, "mentor")
    yield
    assert world.accepted(sent)


@told
@pytest.mark.clause("leapfrog.conflicts")
def test_either_party_may_declare_a_conflict_at_any_time(world: World) -> Telling:
    contracting, active, paused = (
        world.relationship("leapfrog"),
        world.active("leapfrog", since=SINCE),
        world.active("leapfrog", since=SINCE),
    )
    paused.pause(NOW)
    sent = [
        story.say("DeclareConflictOfInterest", role, NOW, nature=nature)
        for story in (contracting, active, paused)
        for role, nature in zip(PARTIES, ("stakeholder", "family"), strict=True)
    ]
    yield
    assert world.accepted(*sent)


@told
@pytest.mark.clause("nottingham.contact-details")
def test_contact_details_go_to_the_other_party_only_with_consent(world: World) -> Telling:
    story = world.active("nottingham", since=SINCE)
    before = story.say("ShareContactDetails", email="ana@example.org")
    story.say("GrantConsent", data_class="contact_details", audience="mentor")
    with_consent = story.say("ShareContactDetails", email="ana@example.org")
    of_the_other = story.say("ShareContactDetails", "mentor", telephone="+44 115 000000")
    story.say("WithdrawConsent", data_class="contact_details", audience="mentor")
    withdrawn = story.say("ShareContactDetails", telephone="+44 115 111111")
    yield
    assert [world.clauses(one) for one in (before, of_the_other, withdrawn)] == [{"nottingham.contact-details"}] * 3
    assert world.accepted(with_consent)


@told
@pytest.mark.clause("nottingham.remote")
def test_nottingham_takes_remote_channels_alone(world: World) -> Telling:
    channels = ("platform", "virtual_meeting", "email", "telephone", "in_person", "off_platform")
    story = world.active("nottingham", since=SINCE)
    sent = {
        channel: story.schedule(f"s-{channel}", NOW + days(number), when=SINCE, channel=channel)
        for number, channel in enumerate(channels)
    }
    yield
    assert world.accepted(*(sent[channel] for channel in channels[:4]))
    assert [world.clauses(sent[channel]) for channel in channels[4:]] == [{"nottingham.remote"}] * 2


@told
def test_other_codes_take_every_channel(world: World) -> Telling:
    channels = ("platform", "virtual_meeting", "email", "telephone", "in_person", "off_platform")
    sent = []
    for code in ("pentalog", "mentor247", "cmn", "leapfrog"):
        story = world.active(code, since=SINCE)
        sent += [
            story.schedule(f"s-{channel}", NOW + days(number), when=SINCE, channel=channel)
            for number, channel in enumerate(channels)
        ]
    yield
    assert world.accepted(*sent)


@told
@pytest.mark.clause("nottingham.compromising")
def test_a_compromising_relationship_may_be_declared_while_active(world: World) -> Telling:
    story = world.active("nottingham", since=SINCE)
    sent = story.say("DeclareConflictOfInterest", "mentor", NOW, nature="friendship")
    yield
    assert world.accepted(sent)
