"""Facts can be wrong: contested and corrected in the open, and every figure follows the corrected one from then on."""

from typing import Any

import pytest

from tests.e2e.contract.outside import at, days, hours, iso, minutes
from tests.e2e.contract.story import PARTIES, Story, World
from tests.e2e.contract.telling import Telling, told

SINCE = at("2026-02-01 09:00")
START = at("2026-03-05 17:00")
NOW = at("2026-03-20 09:00")


def missed(world: World) -> tuple[Story, int]:
    """A session that the mentor reports as missed by the mentee."""
    story = world.active("leapfrog", since=SINCE)
    story.schedule("s1", START, when=SINCE)
    return story, story.say("RecordNoShow", "mentor", START + minutes(20), session_id="s1", absent=["mentee"])


def completed(**more: Any) -> dict[str, Any]:
    return {
        "session_id": "s1",
        "started_at": iso(START),
        "ended_at": iso(START + minutes(60)),
        "present": list(PARTIES),
        "joined": {},
        "agenda": [],
        **more,
    }


def session(story: Story, *options: str) -> Any:
    (found,) = [one for one in story.show(*options)["sessions"] if one["session_id"] == "s1"]
    return found


def submitted(world: World, sent: int) -> int:
    world.submit()
    return sent


@told
@pytest.mark.clause("care.contested")
def test_a_contested_fact_is_shown_as_contested_until_it_is_answered(world: World) -> Telling:
    story, sent = missed(world)
    yield
    version = world.versions(sent)[0]
    contest = submitted(world, story.say("ContestFact", "mentee", NOW, version=version, reason="I was there"))
    assert world.events(contest) == ["FactContested"]
    assert story.show()["contested"] == [version]
    (entry,) = [one for one in story.history() if one["version"] == version]
    assert entry["contested"]
    own = story.say("AnswerContest", "mentee", NOW, version=world.versions(contest)[0], answer="So it is")
    answered = story.say(
        "AnswerContest", "coordinator", NOW + hours(1), version=world.versions(contest)[0], answer="It stands"
    )
    world.submit()
    assert world.codes(own) == {"role"}
    assert world.events(answered) == ["ContestAnswered"]
    assert story.show()["contested"] == []


@told
@pytest.mark.clause("care.contested")
def test_the_office_alone_settles_a_contest_and_its_correction_is_not_overturned_by_the_author(world: World) -> Telling:
    story, sent = missed(world)
    yield
    version = world.versions(sent)[0]
    story.say("ContestFact", "mentee", NOW, version=version, reason="I was there")
    own = story.say("CorrectFact", "mentor", NOW + hours(1), version=version, reason="So he was", void=True)
    world.submit()
    assert world.events(own) == ["FactCorrected"]
    assert session(story)["status"] == "scheduled"
    assert story.show()["contested"] == [version]
    settled = story.say("CorrectFact", "coordinator", NOW + hours(2), version=version, reason="Agreed", void=True)
    again = story.say(
        "CorrectFact", "mentor", NOW + hours(3), version=version, reason="No",
        data={"session_id": "s1", "absent": ["mentee"]},
    )  # fmt: skip
    world.submit()
    assert world.events(settled) == ["FactCorrected"]
    assert story.show()["contested"] == []
    assert world.codes(again) == {"own_matter"}
    assert {problem["clause"] for problem in world.problems(again)} == {"care.contested"}


@told
def test_one_person_in_two_roles_does_not_settle_what_is_about_them_in_any_spelling(world: World) -> Telling:
    story, sent = missed(world)
    yield
    version = world.versions(sent)[0]
    contest = submitted(world, story.say("ContestFact", "customer", NOW, version=version, reason="She was there"))
    refused = []
    for party in PARTIES:
        actor = f"coordinator:{story.party(party).upper()}"
        refused += [
            world.say("CorrectFact", story.subject, actor, NOW + hours(1), version=version, reason="x", void=True),
            world.say(
                "AnswerContest", story.subject, actor, NOW + hours(1), version=world.versions(contest)[0], answer="x"
            ),
        ]
    world.submit()
    assert [world.codes(one) for one in refused] == [{"own_matter"}] * 4


@told
@pytest.mark.clause("leapfrog.privacy")
def test_a_correction_brings_the_finding_that_the_fact_would_have_had_at_once(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    story.say("MarkTopicPrivate", "mentee", SINCE, topic="Divorce")
    story.schedule("s1", START, when=SINCE)
    sent = story.complete("s1", START)
    achieved = story.say("RecordGoalProgress", "mentor", START + hours(2), goal_id="g1", progress="achieved")
    yield
    version, (progress, came_with) = world.versions(sent)[0], world.versions(achieved)
    raised = {"topic": "His divorce", "set_by": "mentor", "minutes": 5, "urgent_concern": False}
    story.say("CorrectFact", "coordinator", NOW, version=version, reason="Left out", data=completed(agenda=[raised]))
    corrected = story.say(
        "CorrectFact",
        "coordinator",
        NOW,
        version=progress,
        reason="Too early",
        data={"goal_id": "g1", "progress": "some"},
    )
    world.submit()
    entries = {entry["version"]: entry for entry in story.history()}
    assert entries[version]["findings"] == [{"code": "private_topic", "clause": "leapfrog.privacy"}]
    assert {"version": version, "code": "private_topic", "clause": "leapfrog.privacy"} in story.show()["findings"]
    by = world.versions(corrected)[0]
    assert (entries[progress]["corrected_by"], entries[came_with]["corrected_by"]) == (by, by)


@told
def test_a_no_show_is_corrected_by_its_author_or_the_office_and_by_nobody_else(world: World) -> Telling:
    stories = [missed(world) for _ in range(4)]
    yield
    sent = {}
    for role, (story, one) in zip(("mentor", "coordinator", "mentee", "service"), stories, strict=True):
        version = world.versions(one)[0]
        sent[role] = story.say("CorrectFact", role, NOW, version=version, reason="Wrong", void=True)
    world.submit()
    assert world.events(sent["mentor"]) == world.events(sent["coordinator"]) == ["FactCorrected"]
    assert world.status(sent["mentee"]) == world.status(sent["service"]) == "refused"


@told
def test_a_void_no_show_leaves_the_session_open_and_both_versions_stay(world: World) -> Telling:
    story, sent = missed(world)
    yield
    version = world.versions(sent)[0]
    assert story.health(NOW).points("no_show") == {"mentee": 10}
    correction = submitted(
        world, story.say("CorrectFact", "coordinator", NOW, version=version, reason="He was there", void=True)
    )
    assert session(story)["status"] == "scheduled"
    (entry,) = [one for one in story.history() if one["version"] == version]
    assert entry["type"] == "rapport.SessionMissed"
    assert entry["corrected_by"] == world.versions(correction)[0]
    assert story.world.rapport.ask("audit", "verify")["ok"] is True
    held = submitted(world, story.complete("s1", START))
    assert world.accepted(held)
    assert session(story)["status"] == "completed"


@told
def test_a_completion_takes_the_whole_data_of_its_command(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE)
    story.schedule("s1", START, when=SINCE)
    sent = story.complete("s1", START, joined={"mentee": START + minutes(20), "mentor": START})
    yield
    version = world.versions(sent)[0]
    wrong = story.say("CorrectFact", "mentor", NOW, version=version, reason="Typed wrong", data={"session_id": "s1"})
    right = story.say(
        "CorrectFact",
        "mentor",
        NOW,
        version=version,
        reason="Typed wrong",
        data=completed(joined={"mentee": iso(START), "mentor": iso(START)}),
    )
    neither = story.say("CorrectFact", "mentor", NOW, version=version, reason="Typed wrong")
    world.submit()
    assert world.status(wrong) in {"refused", "invalid"}
    assert any(field.startswith("data.data") for field in world.fields(wrong))
    assert world.status(neither) == "invalid"
    assert world.events(right) == ["FactCorrected"]
    rows = world.rapport.sql("SELECT mentee_late_minutes FROM sessions WHERE relationship_id = ?", story.subject)
    del rows
    world.rapport.ask("projections", "status")
    world.rapport.ask("health")
    rows = world.rapport.sql("SELECT mentee_late_minutes FROM sessions WHERE relationship_id = ?", story.subject)
    assert [row["mentee_late_minutes"] for row in rows] == [0]


@told
@pytest.mark.clause("mentor247.environment")
def test_history_shows_what_was_found_in_a_fact_as_it_was_told_and_as_it_counts(world: World) -> Telling:
    story = world.active("mentor247", since=SINCE)
    story.schedule("s1", START, when=SINCE)
    check = {
        "session_id": "s1",
        "checked_at": START - hours(1),
        "device": "phone",
        **dict.fromkeys(("connection", "microphone", "speakers", "camera", "quiet", "background"), True),
    }
    checked = story.say("RecordPresessionCheck", "mentor", START - hours(1), **check)
    held = story.complete("s1", START)
    yield
    version, completed_by = world.versions(checked)[0], world.versions(held)[0]
    right = check | {"device": "tablet", "checked_at": iso(START - hours(1))}
    sent = story.say("CorrectFact", "coordinator", NOW, version=version, reason="A tablet", data=right)
    world.submit()
    assert world.accepted(sent)
    entries = {entry["version"]: entry for entry in story.history()}
    assert (entries[version]["data"]["findings"], entries[version]["counts_as"]) == (["device"], {"findings": []})
    assert "counts_as" not in entries[completed_by]
    (row,) = world.rapport.sql("SELECT check_findings FROM sessions WHERE relationship_id = ?", story.subject)
    assert row["check_findings"] == "[]"


@told
@pytest.mark.clause("care.claims")
def test_an_agreement_that_was_confirmed_can_be_void_and_its_confirmation_falls_with_it(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    yield
    (agreed,) = [one["version"] for one in story.history() if one["type"] == "rapport.PlanAgreed"]
    confirmed = story.say("ConfirmAgreement", "mentor", NOW - hours(1), version=agreed)
    void = story.say("CorrectFact", "coordinator", NOW, version=agreed, reason="Of another pair", void=True)
    world.submit()
    assert world.accepted(confirmed, void)
    assert story.show()["plan"] is None
    entries = {entry["version"]: entry for entry in story.history()}
    assert [entries[one]["counts_as"] for one in (agreed, *world.versions(confirmed))] == [None, None]
    assert agreed not in [claim["version"] for claim in story.show()["claims"]]


@told
def test_what_others_rely_on_is_not_corrected_away(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    story.schedule("s1", START, when=SINCE)
    goal = story.say(
        "AgreeGoal",
        "mentee",
        SINCE + days(1),
        goal_id="g2",
        title="Speak well",
        type="business",
        source="mentee",
        agreed_by=list(PARTIES),
    )
    progress = story.say("RecordGoalProgress", "mentee", SINCE + days(2), goal_id="g2", progress="some")
    yield
    refused = story.say("CorrectFact", "coordinator", NOW, version=world.versions(goal)[0], reason="Wrong", void=True)
    world.submit()
    assert world.codes(refused) == {"still_relied_on"}
    assert any(str(world.versions(progress)[0]) in problem["message"] for problem in world.problems(refused))
    story.say("CorrectFact", "mentee", NOW, version=world.versions(progress)[0], reason="Wrong", void=True)
    again = story.say("CorrectFact", "coordinator", NOW, version=world.versions(goal)[0], reason="Wrong", void=True)
    world.submit()
    assert world.accepted(again)
    assert {one["goal_id"] for one in story.show()["goals"]} == {"g1"}


@told
def test_proposals_states_consents_terms_and_reports_are_not_corrected(world: World) -> Telling:
    story = world.active("leapfrog", since=SINCE)
    sent = [
        story.proposed,
        story.activated,
        story.say("GrantConsent", "mentee", SINCE + days(1), data_class="goals", audience="coordinator"),
        story.say("AcceptTerms", "mentee", document="master_agreement", version="1"),
        story.say("ReportTrustBreakdown", "mentee", description="Told others"),
        story.say("ReportDisrespect", "mentee", against="mentor", description="Laughed"),
        story.say("ReportBreach", "mentee", against="mentor", kind="code", description="Shared it"),
        story.say("ReportProblem", "mentee", description="No room"),
    ]
    yield
    tried = [
        story.say("CorrectFact", "coordinator", NOW, version=world.versions(one)[0], reason="Wrong", void=True)
        for one in sent
    ]
    world.submit()
    assert {world.status(one) for one in tried} == {"refused"}


@told
def test_of_a_move_only_cause_and_whose_it_was_are_corrected(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE)
    story.schedule("s1", START, when=SINCE)
    move = story.move("s1", START + days(7), START - hours(2), "service", on_behalf_of="mentee")
    yield
    version = world.versions(move)[0]
    data = {"session_id": "s1", "starts_at": iso(START + days(7)), "reason": "travel"}
    start = story.say(
        "CorrectFact", "coordinator", NOW, version=version, reason="x",
        data={**data, "starts_at": iso(START + days(8)), "on_behalf_of": "mentee"},
    )  # fmt: skip
    cause = story.say("CorrectFact", "coordinator", NOW, version=version, reason="x", data={**data, "cause": "illness"})
    world.submit()
    assert world.status(start) == "refused"
    assert world.accepted(cause)
    (entry,) = [one for one in story.history() if one["version"] == version]
    assert entry["data"].get("on_behalf_of") == "mentee" or entry["corrected_by"]


@told
def test_both_clocks_hold(world: World) -> Telling:
    story, sent = missed(world)
    yield
    version = world.versions(sent)[0]
    asked = NOW + days(30)
    before = world.rapport.clock
    story.say("CorrectFact", "coordinator", asked, version=version, reason="Wrong", void=True)
    world.submit(before + days(1))
    as_of = session(story, "--as-of", iso(START + days(1)))
    known_then = session(story, "--known-at", iso(before + hours(1)))
    assert as_of["status"] == "scheduled"
    assert known_then["status"] == "missed"


@told
def test_an_nps_answer_is_voided_by_its_respondent(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE)
    answer = story.say("RespondToNps", "mentee", SINCE + days(20), occasion="mid", score=2)
    other = world.active("pentalog", since=SINCE)
    kept = other.say("RespondToNps", "mentee", SINCE + days(20), occasion="mid", score=2)
    yield
    void = story.say("CorrectFact", "mentee", NOW, version=world.versions(answer)[0], reason="Mistyped", void=True)
    data = other.say(
        "CorrectFact", "mentee", NOW, version=world.versions(kept)[0], reason="x", data={"occasion": "mid", "score": 9}
    )
    world.submit()
    assert world.accepted(void)
    assert world.status(data) == "refused"


@told
def test_a_fact_that_is_not_there_is_neither_contested_nor_corrected(world: World) -> Telling:
    story = world.active("pentalog", since=SINCE)
    sent = [
        story.say("ContestFact", "mentee", NOW, version=99, reason="x"),
        story.say("AnswerContest", "coordinator", NOW, version=1, answer="x"),
        story.say("CorrectFact", "coordinator", NOW, version=99, reason="x", void=True),
    ]
    zero = story.say("ContestFact", "mentee", NOW, version=0, reason="x")
    yield
    assert {world.status(one) for one in sent} == {"refused"}
    assert world.status(zero) == "invalid"


@told
def test_every_figure_follows_the_corrected_fact(world: World) -> Telling:
    story, sent = missed(world)
    answer = story.say("RespondToNps", "mentee", SINCE + days(33), occasion="mid", score=2)
    contest = story.say("ContestFact", "mentee", SINCE + days(34), version=1, reason="x")
    yield
    no_show, score = world.versions(sent)[0], world.versions(answer)[0]
    before = world.rapport.clock
    story.say("ContestFact", "mentee", NOW, version=no_show, reason="I was there")
    story.say("CorrectFact", "mentee", NOW, version=score, reason="Mistyped", void=True)
    corrected = story.say(
        "CorrectFact", "mentor", NOW + hours(1), version=no_show, reason="It was me",
        data={"session_id": "s1", "absent": ["mentor"]},
    )  # fmt: skip
    world.submit(before + days(1))
    assert story.health(NOW).points("no_show") == {"mentor": 10}
    (then,) = [
        one
        for one in world.rapport.ask("health", "--as-of", iso(NOW), "--known-at", iso(before + hours(1)))
        if one["relationship_id"] == story.subject
    ]
    assert [signal["party"] for signal in then["signals"] if signal["signal"] == "no_show"] == ["mentee"]
    assert {one["version"]: one["corrected_by"] for one in story.history() if one["corrected_by"]} == {
        no_show: world.versions(corrected)[0],
        score: world.versions(corrected)[0] - 1,
    }
    rows = world.rapport.sql("SELECT * FROM requests WHERE kind = 'nps' AND relationship_id = ?", story.subject)
    assert rows == []
    found = world.rapport.sql(
        "SELECT fact_version, fact_type, void, corrected_by, contested_since FROM corrections "
        "WHERE relationship_id = ? ORDER BY version",
        story.subject,
    )
    assert [tuple(row.values())[:4] for row in found] == [
        (score, "NpsResponded", 1, "mentee"),
        (no_show, "SessionMissed", 0, "mentor"),
    ]
    assert [row["contested_since"] is None for row in found] == [True, False]
    # The author put it right, and the office has still to settle the contest.
    assert story.show()["contested"] == [1, no_show]
    assert story.show("--version", str(no_show))["version"] == no_show
    assert world.accepted(contest)
    assert world.rapport.ask("projections", "check", "--all")["wrong"] == []
    assert world.rapport.ask("audit", "verify", story.subject)["ok"] is True
