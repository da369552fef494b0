"""Every kind of task: what opens it, when it is due, whose it is, the clauses, and what closes it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from tests.e2e.contract.outside import Rapport, at, days, hours
from tests.e2e.contract.story import PARTIES, Story, World

BEGINS = at("2026-01-05 09:00")
NOW = at("2026-03-02 12:00")  # a Monday
CLOCK = NOW
SINCE = at("2026-02-20 09:00")
LATER = NOW + hours(2)

Tell = Callable[[Story], object]


@dataclass(frozen=True)
class Kind:
    """One line of the table: how it opens, and each way to close it."""

    kind: str
    codes: tuple[str, ...]
    clauses: tuple[str, ...]
    opens: Tell
    closes: dict[str, Tell]
    owner: str = "coordinator"
    # When it is due; None: not tested here.
    due: datetime | None = NOW + days(7)
    proposal: dict[str, Any] = field(default_factory=dict)
    contracting: bool = False
    # Where the task stands: at the relationship, its mentor or its case.
    at: str = "relationship"


def end(story: Story) -> None:
    story.terminate(LATER)


def pause(story: Story) -> None:
    story.pause(LATER)


def review(role: str = "coordinator") -> Tell:
    return lambda story: story.say("ReviewRelationship", role, LATER, note="Seen")


def say(command: str, role: str = "mentee", when: datetime = NOW, **data: Any) -> Tell:
    return lambda story: story.say(command, role, when, **data)


def case_of(story: Story) -> str:
    rows = story.world.rapport.sql("SELECT DISTINCT originator_id FROM stored_events WHERE originator_id LIKE 'case:%'")
    for row in rows:
        opened = story.world.rapport.history(row["originator_id"])[0]["data"]
        if opened.get("relationship_id") == story.subject:
            return str(row["originator_id"])
    raise AssertionError(f"no case about {story.subject}")


def decide(story: Story) -> None:
    story.world.say("DecideCase", case_of(story), "hr:eva", LATER, decision="no_action", reason="Heard both")


def close(story: Story) -> None:
    story.world.say("CloseCase", case_of(story), "hr:eva", LATER, reason="Settled")


def sessions_held(count: int) -> Tell:
    def tell(story: Story) -> None:
        for number in range(count):
            story.held(f"s{number}", NOW - days(8) + days(number))
        story.say("RecordGoalProgress", "mentee", NOW - hours(1), goal_id="g1", progress="some")

    return tell


def followed(story: Story) -> None:
    story.world.relationship(
        *story.proposal["codes"],
        when=LATER,
        mentee_id=story.party("mentee"),
        follows=story.subject,
        programme_id=story.proposal["programme_id"],
    )


def same_programme(story: Story) -> None:
    story.world.relationship(
        *story.proposal["codes"],
        when=LATER,
        mentee_id=story.party("mentee"),
        programme_id=story.proposal["programme_id"],
    )


def ended(**data: Any) -> Tell:
    return lambda story: story.terminate(NOW, **data)


def suspend(story: Story) -> None:
    story.say("RecordContact", "mentee", NOW - hours(1), channel="email")
    story.world.say("SuspendMentor", f"mentor:{story.party('mentor')}", "hr:eva", NOW, reason="Under review")


def reinstate(story: Story) -> None:
    story.world.say("ReinstateMentor", f"mentor:{story.party('mentor')}", "hr:eva", LATER)


def contest(story: Story) -> None:
    story.say("ContestFact", "mentor", NOW, version=2, reason="Not so")


def version_of(story: Story, event: str) -> int:
    return int(next(one["version"] for one in story.history() if one["type"] == f"rapport.{event}"))


KINDS: dict[str, Kind] = {
    "trust, pentalog": Kind(
        "shutdown_recommendation",
        ("pentalog",),
        ("pentalog.trust", "care.trust"),
        say("ReportTrustBreakdown", description="Told others"),
        {
            "restored": say("RestoreTrust", "mentee", LATER),
            "dismissed": say("DismissRecommendation", "coordinator", LATER, reason="Talked"),
            "ended": end,
        },
    ),
    "trust, another code": Kind(
        "shutdown_recommendation",
        ("nottingham",),
        ("care.trust",),
        say("ReportTrustBreakdown", description="Told others"),
        {"restored": say("RestoreTrust", "supplier", LATER)},
    ),
    "readiness withdrawn": Kind(
        "shutdown_recommendation",
        ("cmn",),
        ("care.trust",),
        say("StateTrustReadiness", "mentor", ready=False),
        {"ready again": say("StateTrustReadiness", "mentor", LATER, ready=True)},
    ),
    "disrespect": Kind(
        "shutdown_recommendation",
        ("pentalog", "leapfrog"),
        ("pentalog.respect", "leapfrog.respect", "care.respect"),
        say("ReportDisrespect", against="mentor", description="Laughed"),
        {"resolved": say("ResolveDisrespect", "hr", LATER, resolution="Apologised"), "ended": end},
    ),
    "disrespect, another code": Kind(
        "shutdown_recommendation",
        ("mentor247",),
        ("care.respect",),
        say("ReportDisrespect", "customer", against="mentee", description="Laughed"),
        {"dismissed": say("DismissRecommendation", "hr", LATER, reason="Heard both")},
    ),
    "breach, cmn": Kind(
        "case_review",
        ("cmn",),
        ("cmn.breaches", "care.breach"),
        say("ReportBreach", against="mentor", kind="code", description="Shared it"),
        {"decided": decide, "closed": close},
        owner="hr",
        due=None,
        at="case",
    ),
    "breach of the law, another code": Kind(
        "case_review",
        ("leapfrog",),
        ("care.breach",),
        say("ReportBreach", "customer", against="mentee", kind="law", description="Stole it"),
        {"decided": decide},
        owner="hr",
        due=None,
        at="case",
    ),
    "problem, nottingham": Kind(
        "problem",
        ("nottingham",),
        ("nottingham.problems", "care.problem"),
        say("ReportProblem", description="No room"),
        {
            "reviewed": review(),
            "reviewed by the supplier": review("supplier"),
            "referred": say("ReferMentee", "coordinator", LATER, to="Another mentor", reason="Fit"),
            "paused": pause,
            "ended": end,
        },
    ),
    "problem, another code": Kind(
        "problem",
        ("pentalog",),
        ("care.problem",),
        say("ReportProblem", "line_manager", description="No room"),
        {"reviewed": review()},
    ),
    "conflict, leapfrog": Kind(
        "conflict",
        ("leapfrog",),
        ("leapfrog.conflicts", "care.conflict"),
        say("DeclareConflictOfInterest", "mentor", nature="financial"),
        {"mitigated": say("AgreeConflictMitigation", "mentee", LATER, mitigation="Tell all"), "ended": end},
    ),
    "conflict, nottingham": Kind(
        "conflict",
        ("nottingham",),
        ("nottingham.compromising", "care.conflict"),
        say("DeclareConflictOfInterest", "mentee", nature="family"),
        {"ended": lambda story: story.terminate(LATER, reason="compromising_relationship")},
    ),
    "conflict, pentalog": Kind(
        "conflict",
        ("pentalog",),
        ("care.conflict",),
        say("DeclareConflictOfInterest", "mentor", nature="friendship"),
        {"mitigated": say("AgreeConflictMitigation", "coordinator", LATER, mitigation="Tell all")},
    ),
    "referral under cmn": Kind(
        "hr_referral",
        ("cmn",),
        ("cmn.competence",),
        say("ReferMentee", "mentor", to="A counsellor", reason="Beyond me"),
        {"reviewed": review("hr")},
        owner="hr",
    ),
    "referral": Kind(
        "new_mentor",
        ("nottingham",),
        ("nottingham.refer", "care.rematch"),
        say("ReferMentee", "mentor", to="Another mentor", reason="Fit"),
        {"followed": followed, "proposed in the programme": same_programme},
    ),
    "mentor left": Kind(
        "new_mentor",
        ("leapfrog",),
        ("care.rematch",),
        ended(reason="mentor_withdrawal"),
        {
            "followed": followed,
            "signposted": say("SignpostMentee", "coordinator", LATER, to="A course", reason="Meanwhile"),
        },
    ),
    "match declined": Kind(
        "new_mentor",
        ("leapfrog",),
        ("care.rematch",),
        say("RespondToMatch", "mentor", accept=False, reason="Too far"),
        {"proposed in the programme": same_programme},
        contracting=True,
    ),
    "feedback": Kind(
        "feedback_concern",
        ("leapfrog",),
        ("leapfrog.openness", "care.feedback"),
        say("GiveFeedback", about="mentor", answers={"leapfrog.openness": 2}),
        {"reviewed": review()},
    ),
    "feedback, attention": Kind(
        "feedback_concern",
        ("pentalog",),
        ("pentalog.attention", "care.feedback"),
        say("GiveFeedback", about="mentor", answers={"pentalog.attention": False}),
        {"reviewed": review("supplier")},
    ),
    "plan finished": Kind(
        "plan_end",
        ("pentalog",),
        ("care.closing",),
        sessions_held(6),
        {
            "extended": say(
                "AgreePlan", "coordinator", LATER, sessions=12, minutes=60, every_days=14,
                starts_on="2026-02-01", ends_on="2027-02-01", channel="platform",
            ),
            "ended": end,
        },
        due=None,
    ),
    "goals achieved, nottingham": Kind(
        "plan_end",
        ("nottingham",),
        ("nottingham.end", "care.closing"),
        say("RecordGoalProgress", goal_id="g1", progress="achieved"),
        {
            "a new goal": say(
                "AgreeGoal", "mentee", LATER, goal_id="g9", title="Next", type="career", source="mentee",
                agreed_by=list(PARTIES),
            ),
            "ended": end,
        },
    ),
    "not informed": Kind(
        "inform_party",
        ("pentalog",),
        ("care.informed",),
        lambda story: story.terminate(NOW, "mentee", informed=[]),
        {"informed": say("RecordContact", "coordinator", LATER, channel="telephone", between=["mentor"])},
        due=NOW + days(1),
    ),
    "not informed, cmn": Kind(
        "inform_party",
        ("cmn",),
        ("cmn.pause-or-stop", "care.informed"),
        lambda story: story.terminate(NOW, "mentee", informed=[], reason="disrespect"),
        {"informed": say("RecordContact", "supplier", LATER, channel="email", between=["mentor", "supplier"])},
        due=NOW + days(1),
    ),
    "suspended": Kind(
        "mentor_suspended",
        ("leapfrog",),
        ("care.standing",),
        suspend,
        {"reinstated": reinstate, "paused": pause, "ended": end},
    ),
    "terms declined, mentor247": Kind(
        "terms_declined",
        ("mentor247",),
        ("mentor247.terms", "care.commitment"),
        say("DeclineTerms", "mentor", document="terms_of_use", version="2"),
        {
            "accepted": say("AcceptTerms", "mentor", LATER, document="terms_of_use", version="2"),
            "paused": pause,
            "ended": end,
        },
    ),
    "code declined, another code": Kind(
        "terms_declined",
        ("leapfrog",),
        ("care.commitment",),
        say("DeclineTerms", "mentor", document="code_of_conduct", version="2"),
        {"accepted": say("AcceptTerms", "mentor", LATER, document="code_of_conduct", version="2")},
    ),
    "contested": Kind(
        "contested",
        ("leapfrog",),
        ("care.contested",),
        contest,
        {
            "answered": lambda story: story.say(
                "AnswerContest", "coordinator", LATER, version=version_of(story, "FactContested"), answer="It stands"
            ),
            "corrected": lambda story: story.say(
                "CorrectFact", "coordinator", LATER, version=2, reason="Wrong",
                data={"goal_id": "g1", "title": "Lead a big team", "type": "career", "source": "mentee",
                      "agreed_by": list(PARTIES)},
            ),
        },
    ),
}  # fmt: skip


@dataclass
class Tasks:
    world: World
    stories: dict[tuple[str, str], Story]
    before: list[Any]
    after: list[Any]

    def of(self, tasks: list[Any], name: str, way: str) -> list[Any]:
        story, kind = self.stories[name, way], KINDS[name]
        subjects = {story.subject}
        if kind.at == "case":
            subjects.add(case_of(story))
        if kind.kind == "mentor_suspended":
            subjects.add(f"mentor:{story.party('mentor')}")
        return [task for task in tasks if task["kind"] == kind.kind and task["subject"] in subjects]


@pytest.fixture(scope="module")
def tasks(world: World) -> Tasks:
    stories: dict[tuple[str, str], Story] = {}
    for name, kind in KINDS.items():
        for way in ("open", *kind.closes):
            if kind.contracting:
                story = world.contracted(*kind.codes, when=SINCE, **kind.proposal)
            else:
                story = world.active(*kind.codes, since=SINCE, **kind.proposal)
                if kind.kind != "plan_end":
                    # In touch, so that nothing else needs attention.
                    story.say("RecordContact", "mentee", NOW - hours(2), channel="email")
            story.when = NOW
            kind.opens(story)
            stories[name, way] = story
    world.submit()
    wrong = [one for one in world.receipts if one["status"] != "accepted"]
    assert wrong == []
    world.rapport.work()
    before = world.rapport.ask("tasks")
    for name, kind in KINDS.items():
        for way, tell in kind.closes.items():
            tell(stories[name, way])
    world.submit(LATER)
    wrong = [one for one in world.receipts if one["status"] != "accepted"]
    assert wrong == []
    world.rapport.clock = LATER
    world.rapport.work()
    after = world.rapport.ask("tasks")
    world.rapport.clock = CLOCK
    return Tasks(world, stories, before, after)


@pytest.mark.parametrize("name", KINDS)
def test_a_task_opens_with_its_owner_its_clauses_and_the_day_it_is_due(tasks: Tasks, name: str) -> None:
    kind = KINDS[name]
    story = tasks.stories[name, "open"]
    (task,) = tasks.of(tasks.before, name, "open")
    assert task["owner"] == kind.owner
    assert tuple(task["clauses"]) == kind.clauses
    assert task["clause"] == kind.clauses[0]
    assert task["programme_id"] == story.proposal["programme_id"]
    assert (task["mentee_id"], task["mentor_id"]) == (story.party("mentee"), story.party("mentor"))
    assert task["evidence"]
    assert task["since"]
    if kind.due is not None:
        assert abs(datetime.fromisoformat(task["due"]) - kind.due) <= days(1)


@pytest.mark.parametrize("name, way", [(name, way) for name, kind in KINDS.items() for way in kind.closes])
def test_a_task_stays_until_what_closes_it(tasks: Tasks, name: str, way: str) -> None:
    assert len(tasks.of(tasks.before, name, way)) == 1
    assert tasks.of(tasks.after, name, way) == []
    assert len(tasks.of(tasks.after, name, "open")) == 1


def test_tasks_are_chosen_by_owner_programme_and_kind(tasks: Tasks) -> None:
    rapport = tasks.world.rapport
    hr = rapport.ask("tasks", "--owner", "hr")
    assert {task["owner"] for task in hr} == {"hr"}
    some = rapport.ask("tasks", "--kind", "problem")
    assert {task["kind"] for task in some} == {"problem"}
    programme = some[0]["programme_id"]
    assert {task["programme_id"] for task in rapport.ask("tasks", "--programme", programme)} == {programme}
    assert rapport.ask("tasks", "--programme", "nobody-has-this") == []


def test_the_record_is_whole(tasks: Tasks) -> None:
    assert tasks.world.rapport.ask("audit", "verify")["ok"] is True


@dataclass
class Time:
    """What opens only as time passes: the tasks by name, after a while."""

    stories: dict[str, Story]
    tasks: dict[str, list[Any]]

    def kinds(self, when: str, name: str) -> list[Any]:
        return [task for task in self.tasks[when] if task["subject"] == self.stories[name].subject]


@pytest.fixture(scope="module")
def time(tmp_path_factory: pytest.TempPathFactory) -> Time:
    world = World(Rapport(tmp_path_factory.mktemp("time"), NOW), "time", BEGINS)
    stories: dict[str, Story] = {}
    stories["stalled"] = world.relationship("cmn", "leapfrog", when=NOW - days(20))
    stories["postponed"] = world.relationship("leapfrog", when=NOW - days(20))
    stories["postponed"].say(
        "PostponeRelationship", "coordinator", NOW - days(1), start_on=(NOW + days(10)).date(), reason="Leave",
        informed=list(PARTIES), next_steps="Meet",
    )  # fmt: skip
    reporting = stories["reporting"] = world.contracted("cmn", when=NOW - days(3), without=["reporting"])
    words: dict[str, Any] = {"with_whom": "line_manager", "outputs": ["attendance"], "every_days": 14}
    reporting.say("AgreeReporting", "mentee", **words)
    reporting.say("AgreeReporting", "line_manager", **words)
    reporting.say("ActivateRelationship", "mentee", NOW - days(2))
    stories["silent"] = world.active("pentalog", since=NOW - days(2))
    stories["ended, leapfrog"] = world.active("leapfrog", since=NOW - days(2))
    stories["ended, leapfrog"].terminate(NOW - hours(1))
    world.submit()
    assert [one for one in world.receipts if one["status"] != "accepted"] == []
    tasks = {}
    for name, until in (("now", NOW), ("in 11 days", NOW + days(11)), ("in 50 days", NOW + days(50))):
        world.rapport.work(until)
        world.rapport.clock = until
        tasks[name] = world.rapport.ask("tasks")
    return Time(stories, tasks)


@pytest.mark.clause("care.stalled")
def test_contracting_for_more_than_30_days_is_a_task_that_lists_the_unmet_gates(time: Time) -> None:
    assert [task for task in time.kinds("now", "stalled") if task["kind"] == "stalled_match"] == []
    (task,) = [task for task in time.kinds("in 11 days", "stalled") if task["kind"] == "stalled_match"]
    assert {"cmn.contracting", "leapfrog.role", "care.stalled"} <= set(task["clauses"])
    assert [task for task in time.kinds("in 11 days", "postponed") if task["kind"] == "stalled_match"] == []
    (late,) = [task for task in time.kinds("in 50 days", "postponed") if task["kind"] == "stalled_match"]
    assert datetime.fromisoformat(late["since"]) >= NOW + days(39)


@pytest.mark.clause("cmn.reporting")
def test_a_report_is_due_from_the_mentee_on_its_rhythm(time: Time) -> None:
    assert [task for task in time.kinds("in 11 days", "reporting") if task["kind"] == "report_due"] == []
    due = [task for task in time.kinds("in 50 days", "reporting") if task["kind"] == "report_due"]
    assert due
    for task in due:
        assert (task["owner"], task["clause"]) == ("mentee", "cmn.reporting")
        assert datetime.fromisoformat(task["due"]) - datetime.fromisoformat(task["since"]) == days(7)


@pytest.mark.clause("leapfrog.finish")
def test_winding_down_is_a_task_of_both(time: Time) -> None:
    tasks = [task for task in time.kinds("now", "ended, leapfrog") if task["kind"] == "winding_down"]
    assert sorted(task["owner"] for task in tasks) == ["mentee", "mentor"]
    assert {task["clause"] for task in tasks} == {"leapfrog.finish"}
