"""Random stories in which a fact is told wrongly and corrected later, beside the same stories told rightly at once.

What the workers keep must come to the same: open tasks and running deadlines, but for what rests on something that workers had
sent. After the correction the stories go on, so that what is kept in the states counts too.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from hypothesis import HealthCheck, assume, event, given, reject, settings
from hypothesis import strategies as st

from domain.model import Command
from domain.relationship import commands as c
from tests.given_when_then import ALL_CODES, SUBJECT, day
from tests.sizes import size
from tests.workers.happenings import planned
from tests.workers.stage import Stage

CAUSES = (None, "personal", "work", "illness", "supplier")
SESSIONS = tuple(f"s{number}" for number in range(1, 7))


class Said(NamedTuple):
    """A command, who sends it, and how many days after the one before."""

    command: Command
    by: str
    after: float


def complete(session_id: str) -> c.CompleteSession:
    """The session as it was planned."""
    start = day(7 * int(session_id[1:]))
    return c.CompleteSession(
        session_id=session_id,
        started_at=start,
        ended_at=start + timedelta(hours=1),
        present=("mentee", "mentor"),
        joined={"mentee": start, "mentor": start},
        agenda=(),
    )


def no_shows(session_id: str) -> st.SearchStrategy[Command]:
    absent = st.sampled_from((("mentee",), ("mentor",), ("mentee", "mentor")))
    return st.builds(c.RecordNoShow, session_id=st.just(session_id), absent=absent, cause=st.sampled_from(CAUSES))


def cancellations(session_id: str) -> st.SearchStrategy[Command]:
    return st.builds(
        c.CancelSession, session_id=st.just(session_id), reason=st.just("x"), cause=st.sampled_from(CAUSES)
    )


def moves(session_id: str) -> st.SearchStrategy[Command]:
    moved_to = st.sampled_from((day(30), day(37), day(44)))
    cause = st.sampled_from(CAUSES)
    return st.builds(
        c.RescheduleSession, session_id=st.just(session_id), starts_at=moved_to, reason=st.just("x"), cause=cause
    )


plans = st.builds(
    c.AgreePlan,
    sessions=st.sampled_from((2, 3, 6)),
    every_days=st.just(7),
    starts_on=st.just(day(0).date()),
    ends_on=st.sampled_from((day(40).date(), day(90).date())),
    channel=st.just("platform"),
)
progress = st.builds(
    c.RecordGoalProgress, goal_id=st.just("g1"), progress=st.sampled_from(("none", "some", "achieved"))
)
contacts = st.just(c.RecordContact(channel="email"))
completions = st.sampled_from(SESSIONS).map(complete)
facts: st.SearchStrategy[Command] = st.one_of(
    st.sampled_from(SESSIONS[:3]).flatmap(no_shows),
    st.sampled_from(SESSIONS).flatmap(cancellations),
    st.sampled_from(SESSIONS).flatmap(moves),
    completions,
    contacts,
    progress,
    plans,
)
others = st.one_of(
    facts,
    facts,
    facts,
    st.just(c.PauseRelationship(reason="x", informed=("mentee", "mentor"), next_steps="x", review_on=day(60).date())),
    st.just(c.ResumeRelationship(informed=("mentee", "mentor"))),
    st.just(c.TerminateRelationship(reason="mentee_choice", informed=("mentee", "mentor"), next_steps="x")),
)
people = st.sampled_from(("mentee", "mentor", "coordinator"))
pauses = st.sampled_from((0.02, 0.5, 1, 3, 6.98, 7, 10))
said = st.builds(Said, others, people, pauses)
# A fact as it was told, and as it was; None where it was not so at all.
mistakes: st.SearchStrategy[tuple[Command, Command | None]] = st.one_of(
    st.tuples(facts, st.none()),
    st.sampled_from(SESSIONS[:2]).map(no_shows).flatmap(lambda each: st.tuples(each, each)),
    st.tuples(progress, progress),
    st.tuples(plans, plans),
)


def opening(codes: Sequence[str]) -> Stage:
    stage = Stage(*codes).active()
    goal = c.AgreeGoal(goal_id="g1", title="x", type="career", source="mentee", agreed_by=("mentee", "mentor"))
    stage.happens(planned(6), on=0).says(goal, by="coordinator", on=0)
    for number, session_id in enumerate(SESSIONS, start=1):
        starts_at = day(7 * number)
        stage.says(c.ScheduleSession(session_id=session_id, starts_at=starts_at, channel="platform"), by="mentee", on=0)
    return stage


def tell(stage: Stage, told: Sequence[Said]) -> list[str]:
    answers = []
    for command, by, after in told:
        passes(stage, after)
        before = len(stage.log)
        version = stage.tries(command, by=by)
        # What the event is counts too: the plan that the other agreed on already is confirmed, another one is agreed on.
        recorded = type(stage.log[before].data).__name__ if version else "nothing new"
        answers.append("refused" if version is None else recorded)
    return answers


def passes(stage: Stage, days: float) -> None:
    stage.passes((stage.now - day(0)) / timedelta(days=1) + days)


def books(stage: Stage) -> dict[str, list[Any]]:
    """Open tasks and running deadlines, without versions, which differ between the stories, and without what rests on what was sent."""
    sent = {recorded.version for recorded in stage.log if recorded.role == "worker" and recorded.subject == SUBJECT}
    tasks, deadlines = [], []
    for key, entry in stage.desk.entries.items():
        for name, memory in entry.memories.items():
            for task in memory.tasks.values():
                # A concern stands on the list from when it was raised on record.
                when = (None, None) if task.kind == "commitment_concern" else (task.since, task.due)
                tasks.append(repr((key, name, task.kind, task.subject, task.clauses, *when, task.settled_by)))
            for deadline in memory.deadlines.values():
                if key == SUBJECT and sent.intersection(deadline.evidence):
                    continue
                kept = deadline.name, deadline.due_at, deadline.frozen_at, deadline.clauses
                deadlines.append(repr((key, name, *kept)))
    return {"tasks": sorted(tasks), "deadlines": sorted(deadlines)}


def same(one: Stage, other: Stage) -> None:
    """The books of both must agree; what only one of them has is shown."""
    for name, entries in books(one).items():
        theirs = books(other)[name]
        assert sorted(set(entries) ^ set(theirs)) == []
        assert entries == theirs


@settings(
    max_examples=size(40, 100), deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)
@given(
    codes=st.lists(st.sampled_from(ALL_CODES), min_size=1, max_size=3, unique=True),
    before=st.lists(said, max_size=6),
    mistake=mistakes,
    by=people,
    between=st.lists(said, max_size=4),
    after=st.lists(said, max_size=4),
)
def test_the_books_equal_those_of_a_story_told_rightly_at_once(
    codes: list[str],
    before: list[Said],
    mistake: tuple[Command, Command | None],
    by: str,
    between: list[Said],
    after: list[Said],
) -> None:
    wrong, right = mistake
    assume(wrong != right)
    corrected, rightly = opening(codes), opening(codes)
    assert tell(corrected, before) == tell(rightly, before)
    same(corrected, rightly)
    passes(corrected, 1)
    version = corrected.tries(wrong, by=by)
    if not version:
        reject()
    passes(rightly, 1)
    if right is not None:
        assume(rightly.tries(right, by=by))
    assume(tell(corrected, between) == tell(rightly, between))
    data = None if right is None else right.model_dump(mode="json", exclude_none=True)
    how: dict[str, Any] = {"void": True} if data is None else {"data": data}
    correction = c.CorrectFact(version=version, reason="It was not so.", **how)
    # It may be that something relies on the fact.
    event(type(wrong).__name__)
    assume(corrected.tries(correction, by="coordinator") is not None)
    # Whatever was told late may have put a deadline into the past: it fires before time goes on.
    passes(corrected, 0)
    passes(rightly, 0)
    same(corrected, rightly)
    assume(tell(corrected, after) == tell(rightly, after))
    passes(corrected, 40)
    passes(rightly, 40)
    same(corrected, rightly)
