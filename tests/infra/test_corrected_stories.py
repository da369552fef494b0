"""Random stories with corrections end as if the corrected facts had been told rightly at once.

State and rows from the effective history equal those of a store that never heard the wrong facts, versions and positions
aside; rows that were lived through equal rows that are built anew; and both clocks hold.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from domain.model import AnyRecorded, Event
from domain.registry import effective, replay
from domain.relationship.events import AgreementConfirmed
from domain.relationship.state import Relationship
from infra.clock import Clock
from infra.evidence.verify import verify
from infra.intake.folding import fold_streams
from infra.intake.handler import Handler
from infra.projection_engine.build import rebuild
from infra.projection_engine.check import check
from infra.projection_engine.engine import Engine
from infra.queries.as_at import Asked, Moment, state_at
from infra.queries.health import assess_one, shown
from infra.store.log import EventStore
from infra.store.opening import open_database
from infra.worker_runtime.schema import prepare
from projections.catalogue import all_projections, datasets
from projections.dataset import Dataset
from tests.given_when_then import START
from tests.sizes import size
from workers.ground import known_after

SUBJECT: Final = "6f1e5a52-3a0b-4a39-9d6c-0f2f6c2a9b10"
IDS: Final = {"mentee": "ana", "mentor": "ben", "coordinator": "cora", "service": "booking", "customer": "acme"}
TOPICS: Final = ("mentor_role", "complaints_procedure", "process", "confidentiality")
# These show the log, or tell of corrections themselves.
NOT_COMPARED: Final = {"timeline", "tasks", "corrections"}
# Columns with versions of events, alone or in a list.
VERSIONS: Final = {"evidence", "version", "raised_version"}
Numbers = tuple[int, int, int]
Data = dict[str, Any]


def at(moment: datetime) -> str:
    return moment.isoformat()


def a_day(moment: datetime) -> str:
    return moment.date().isoformat()


def pick(number: int, *values: Any) -> Any:
    return values[number % len(values)]


def completed(now: datetime, n: Numbers) -> Data:
    started = now - timedelta(hours=1 + n[1] % 30)
    both = ["mentee", "mentor"]
    return {
        "session_id": f"s{n[0] % 3}",
        "started_at": at(started),
        "ended_at": at(started + timedelta(minutes=30 + n[2] % 30)),
        "present": both,
        "joined": {"mentee": at(started + timedelta(minutes=n[2] % 12)), "mentor": at(started)},
        "agenda": [
            {"topic": "work", "set_by": pick(n[1], *both), "minutes": 30, "goal_id": pick(n[2], "g1", None)},
            {"topic": "life", "set_by": "mentor", "minutes": 10 * (n[0] % 5), "urgent_concern": n[1] % 2 == 0},
        ],
    }


def checked(now: datetime, n: Numbers) -> Data:
    items = ("connection", "microphone", "speakers", "camera", "quiet", "background")
    return {
        "session_id": f"s{n[0] % 3}",
        "checked_at": at(now),
        "device": pick(n[1], "computer", "phone"),
        **{item: n[2] % (place + 2) > 0 for place, item in enumerate(items)},
    }


def plan(now: datetime, n: Numbers) -> Data:
    minutes = {} if n[1] % 3 == 0 else {"minutes": 30 + n[1] % 60}
    return {
        "sessions": 2 + n[0] % 5,
        **minutes,
        "every_days": 7 + n[2] % 20,
        "starts_on": a_day(now),
        "ends_on": a_day(now + timedelta(days=60 + n[1] % 60)),
        "channel": "platform",
    }


def scheduled(now: datetime, n: Numbers) -> Data:
    minutes = {} if n[2] % 2 else {"minutes": 20 + n[2] % 60}
    return {
        "session_id": f"s{n[0] % 3}",
        "starts_at": at(now + timedelta(hours=n[1] % 300)),
        "channel": "platform",
        **minutes,
    }


def moved(now: datetime, n: Numbers) -> Data:
    return {"session_id": f"s{n[0] % 3}", "starts_at": at(now + timedelta(hours=5 + n[1] % 200)), "reason": "travel"}


def goal(_: datetime, n: Numbers) -> Data:
    both = ["mentee", "mentor"]
    return {
        "goal_id": pick(n[0], "g1", "g2", "g3"),
        "title": f"Goal {n[1] % 3}",
        "type": "career",
        "source": "mentee",
        "agreed_by": both,
    }


# What each kind of message says, from the time and three numbers; and who may send it.
SAYS: Final[dict[str, tuple[tuple[str, ...], Callable[[datetime, Numbers], Data]]]] = {
    "ScheduleSession": (("mentee", "mentor", "service"), scheduled),
    "RescheduleSession": (("mentee", "mentor", "coordinator"), moved),
    "CancelSession": (("mentee", "mentor"), lambda _, n: {"session_id": f"s{n[0] % 3}", "reason": "no time", "cause": pick(n[1], "work", "illness")}),
    "CompleteSession": (("mentor", "service"), completed),
    "RecordNoShow": (("mentor", "coordinator"), lambda _, n: {"session_id": f"s{n[0] % 3}", "absent": [pick(n[1], "mentee", "mentor")]}),
    "RecordPresessionCheck": (("service", "mentor"), checked),
    "AssignHomework": (("mentor",), lambda _, n: {"homework_id": f"h{n[0] % 3}", "session_id": f"s{n[1] % 3}", "description": "read"}),
    "ReportHomework": (("mentee",), lambda _, n: {pick(n[2], "homework_id", "session_id"): pick(n[2], f"h{n[0] % 3}", f"s{n[0] % 3}"), "hours": n[1] % 9}),
    "RecordContact": (("mentee", "mentor", "coordinator"), lambda _, n: {"channel": pick(n[0], "email", "telephone")}),
    "RecordGoalProgress": (("mentee", "mentor"), lambda _, n: {"goal_id": pick(n[0], "g1", "g2", "g3"), "progress": pick(n[1], "none", "some", "achieved")}),
    "AgreeGoal": (("mentee",), goal),
    "ReviseGoal": (("mentee",), lambda _, n: {"goal_id": pick(n[0], "g1", "g2"), "title": f"Goal {n[1] % 5}", "agreed_by": ["mentee", "mentor"]}),
    "DropGoal": (("mentee",), lambda _, n: {"goal_id": pick(n[0], "g1", "g2"), "reason": "done", "agreed_by": ["mentee", "mentor"]}),
    "AgreePlan": (("mentee",), plan),
    "RecordContractingConversation": (("mentor",), lambda now, n: {"held_at": at(now), "covered": list(TOPICS[: 1 + n[0] % 4])}),
    "RecordSessionNote": (("mentor",), lambda _, n: {"session_id": f"s{n[0] % 3}", "text": "well"}),
    "DeclareConflictOfInterest": (("mentee", "mentor"), lambda _, n: {"nature": pick(n[0], "none", "financial")}),
    "RespondToNps": (("mentee", "mentor"), lambda _, n: {"occasion": pick(n[0], "mid", "end"), "score": n[1] % 11}),
    "GiveFeedback": (("mentee",), lambda _, n: {"about": "mentor", "answers": {"pentalog.attention": n[0] % 2 == 0}}),
    "PauseRelationship": (("mentor",), lambda now, _: {"reason": "leave", "informed": ["mentee", "mentor"], "next_steps": "meet", "review_on": a_day(now + timedelta(days=30))}),
    "ResumeRelationship": (("mentee",), lambda *_: {}),
    "StateTrustReadiness": (("mentee", "mentor"), lambda _, n: {"ready": n[0] % 4 > 0}),
    "MarkTopicPrivate": (("mentee",), lambda _, n: {"topic": pick(n[0], "health", "goal 2")}),
    "RecordAssessment": (("coordinator",), lambda _, n: {"assessment_id": f"a{n[0] % 3}", "area": "speaking", "score": n[1] % 9}),
    "DiscloseConfidence": (("mentor",), lambda *_: {"exception": "risk_of_harm", "recipient": "manager:max", "disclosed": "fear", "urgency": "routine"}),
    "ReportProblem": (("mentor",), lambda *_: {"description": "stuck"}),
    "TerminateRelationship": (("mentee",), lambda *_: {"reason": "goals_met", "informed": ["mentee", "mentor"], "next_steps": "none"}),
    "ConfirmAgreement": (("mentor",), lambda *_: {}),
    "ReportTrustBreakdown": (("mentee",), lambda *_: {"description": "told others"}),
    "RestoreTrust": (("mentee",), lambda *_: {}),
    "ChangeParty": (("coordinator",), lambda _, n: {"role": "customer", "id": pick(n[0], "acme", "bolt")}),
    "SetTerm": (("coordinator",), lambda _, n: {"document": "code_of_conduct", "term": "claim_days", "value": 5 + n[0] % 3}),
}  # fmt: skip
CORRECTABLE: Final = {
    *(
        "CompleteSession",
        "RecordNoShow",
        "CancelSession",
        "RescheduleSession",
        "RecordPresessionCheck",
        "ReportHomework",
    ),
    *("RecordContact", "RecordGoalProgress", "AgreeGoal", "ReviseGoal", "RecordContractingConversation", "AgreePlan"),
    *("RecordSessionNote", "DeclareConflictOfInterest", "RespondToNps", "RecordAssessment"),
}


@dataclass
class Message:
    """One message, and what it says when all corrections are applied (None: nothing)."""

    id: str
    type: str
    actor: str
    when: datetime
    data: Data
    versions: list[int] = field(default_factory=list)
    rightly: Data | None = None


class Store:
    """A store of its own, with a clock that is set by hand."""

    def __init__(self, file: Path) -> None:
        self.database = open_database(f"sqlite:///{file}", synchronous="off")
        self.store = EventStore(self.database)
        self.clock = Clock(START)
        self.handler = Handler(self.store, self.clock)
        self.engine = self.another_engine()
        self.versions: dict[str, int] = {}

    def another_engine(self, page: int = 2000) -> Engine:
        return Engine(self.store, self.clock, page=page, prepare_shown=prepare)

    def send(self, message: Message, data: Data) -> tuple[str, list[int]]:
        """Hand a message in; its status, and the versions that it recorded.

        A version that it names is that of the event which a message of this id recorded here.
        """
        if isinstance(named := data.get("version"), str):
            data = {**data, "version": self.versions[named]}
        envelope = {
            "specversion": "1.0",
            "id": message.id,
            "source": "/stories",
            "type": f"rapport.{message.type}",
            "subject": SUBJECT,
            "time": at(message.when),
            "actor": f"{message.actor}:{IDS[message.actor]}",
            "data": data,
        }
        (receipt,) = self.handler.handle([json.dumps(envelope).encode()])
        assert receipt.status in {"accepted", "refused"}, receipt
        versions = [version for _, version in receipt.events]
        if versions:
            self.versions[message.id] = versions[0]
        return receipt.status, versions

    def events(self) -> list[AnyRecorded]:
        return self.store.read(SUBJECT)


@dataclass
class Belief:
    """What was known at a time."""

    at: datetime
    state: Any
    health: Any


PRELUDE: Final[tuple[tuple[str, str, Data], ...]] = (
    ("ProposeRelationship", "coordinator", {"programme_id": "p1", "mentee_id": "ana", "mentor_id": "ben", "customer_id": "acme", "codes": ["pentalog", "leapfrog"]}),
    ("AgreeGoal", "mentee", goal(START, (0, 0, 0))),
    ("RecordContractingConversation", "mentor", {"held_at": at(START), "covered": list(TOPICS)}),
    ("StateTrustReadiness", "mentee", {"ready": True}),
    ("StateTrustReadiness", "mentor", {"ready": True}),
    ("AgreePlan", "mentee", plan(START, (1, 1, 1))),
    ("ActivateRelationship", "coordinator", {}),
    ("ScheduleSession", "mentee", {"session_id": "s0", "starts_at": at(START + timedelta(hours=30)), "channel": "platform"}),
    ("ScheduleSession", "mentee", {"session_id": "s1", "starts_at": at(START + timedelta(hours=90)), "minutes": 45, "channel": "platform"}),
    ("AssignHomework", "mentor", {"homework_id": "h0", "session_id": "s0", "description": "read"}),
)  # fmt: skip


OF_THE_PRELUDE: Final = sum(type_ in CORRECTABLE for type_, _, _ in PRELUDE)


class Story:
    """A relationship as it was told, wrong facts and corrections and all."""

    def __init__(self, folder: Path, page: int) -> None:
        self.wrong = Store(folder / "wrong.sqlite")
        self.wrong.engine = self.wrong.another_engine(page)
        self.folder = folder
        self.told: list[Message] = []
        self.beliefs: list[Belief] = []
        self.sent = 0
        for type_, actor, data in PRELUDE:
            self.tell(type_, actor, data, timedelta(minutes=5))

    @property
    def now(self) -> datetime:
        return self.wrong.clock.now()

    def tell(self, type_: str, actor: str, data: Data, passes: timedelta, late: timedelta = timedelta(0)) -> None:
        """A fact, told after a while; some time after it happened."""
        self.wrong.clock.fixed = self.now + passes
        self.sent += 1
        message = Message(f"m{self.sent}", type_, actor, self.now - late, data, rightly=data)
        status, message.versions = self.wrong.send(message, data)
        if status == "accepted" and message.versions:
            self.told.append(message)

    def confirm(self, which: int) -> None:
        """The mentor confirms what the mentee says both agreed."""
        claims = [message for message in self.told if message.type in {"AgreeGoal", "AgreePlan"}]
        claim = claims[which % len(claims)]
        self.tell("ConfirmAgreement", "mentor", {"version": claim.id}, timedelta(minutes=7))

    def correct(self, which: int, numbers: Numbers, *, void: bool) -> None:
        """The office corrects one of the facts."""
        facts = [message for message in self.told if message.type in CORRECTABLE]
        # Most often one of the story's own; all rests on those of the beginning, so few of them can change.
        if which % 5 and len(facts) > OF_THE_PRELUDE:
            facts = facts[OF_THE_PRELUDE:]
        fact = facts[which % len(facts)]
        right = self._right(fact, numbers, void=void)
        self.believe()
        self.wrong.clock.fixed = self.now + timedelta(minutes=1)
        said = {"version": fact.versions[0], "reason": "wrong"} | ({"void": True} if right is None else {"data": right})
        by = fact.actor if fact.type == "RespondToNps" else "coordinator"
        message = Message(f"c{len(self.beliefs)}", "CorrectFact", by, self.now, said)
        status, versions = self.wrong.send(message, said)
        if status == "accepted" and versions:
            fact.rightly = right

    def _right(self, fact: Message, numbers: Numbers, *, void: bool) -> Data | None:
        if fact.type == "RescheduleSession":
            return {**fact.data, "cause": pick(numbers[0], "work", "illness", "supplier")}
        if void or fact.type == "RespondToNps":
            return None
        data = SAYS[fact.type][1](fact.when, numbers)
        if numbers[0] % 4:
            data |= {name: id_ for name, id_ in fact.data.items() if name.endswith("_id") and name in data}
        return data

    def believe(self) -> None:
        """Note what is known at this moment."""
        events = self.wrong.events()
        self.beliefs.append(Belief(self.now, replay(SUBJECT, events), self._health(Asked(self.now))))

    def _health(self, asked: Asked) -> Any:
        assessed = assess_one(self.wrong.store, SUBJECT, asked)
        return None if assessed is None else shown(assessed)

    def told_rightly(self) -> Store:
        """A store that never heard the wrong facts: what was recorded is told to it, as it is known in the end."""
        right = Store(self.folder / "right.sqlite")
        counted = {each.version for each in effective(SUBJECT, self.wrong.events())}
        for message in self.told:
            # Who confirmed an agreement in other words did not confirm the right ones.
            of_other_words = message.type == "ConfirmAgreement" and message.versions[0] not in counted
            if message.rightly is not None and not of_other_words:
                # Never before the clock, which stood there when the first store heard of it.
                recorded = self.wrong.events()[message.versions[0] - 1].recorded_at
                right.clock.fixed = recorded
                status, _ = right.send(message, message.rightly)
                assert status == "accepted", (message, status)
        right.clock.fixed = self.now
        return right

    def check(self) -> None:
        """All that must hold of it."""
        wrong = self.wrong
        counted = [each for each in effective(SUBJECT, wrong.events()) if type(each.data).__name__ != "FactCorrected"]
        right = self.told_rightly()
        names = Names(counted), Names(right.events())
        assert [(each.data, each.findings, each.actor, each.occurred_at) for each in renumbered(counted)] == [
            (each.data, each.findings, each.actor, each.occurred_at) for each in right.events()
        ]
        assert replay(SUBJECT, renumbered(counted)) == replay(SUBJECT, right.events())
        # What workers know of other keys is folded from what was recorded.
        assert reduce(known_after, wrong.events(), None) == reduce(known_after, counted, None)
        self.check_cache()
        wrong.engine.catch_up()
        right.engine.catch_up()
        for name, dataset in datasets().items():
            if name not in NOT_COMPARED:
                assert rows(wrong, dataset, names[0]) == rows(right, dataset, names[1]), name
        assert check(wrong.engine, all_streams=True).wrong == []
        lived = {name: rows(wrong, dataset, None) for name, dataset in datasets().items()}
        rebuild(wrong.engine, [each.name for each in all_projections()])
        assert {name: rows(wrong, dataset, None) for name, dataset in datasets().items()} == lived
        verdict = verify(wrong.store)
        assert verdict.ok, verdict.problems
        self.check_clocks(right, counted)

    def check_cache(self) -> None:
        """The state in memory is the one from disk."""
        cached = self.wrong.handler.cache.get(SUBJECT)
        assert cached is not None
        assert cached == fold_streams(self.wrong.store, [SUBJECT])[SUBJECT]

    def check_clocks(self, right: Store, counted: list[AnyRecorded]) -> None:
        """What was believed is still known to have been believed; what was, is seen as it is known now."""
        events = self.wrong.events()
        for belief in self.beliefs:
            assert state_at(events, Moment(known_at=belief.at)) == belief.state
            assert self._health(Asked(belief.at, belief.at)) == belief.health
            then = Moment(as_of=belief.at)
            assert state_at(renumbered(counted), then) == state_at(renumbered(right.events()), then)
            shown_now = state_at(events, then)
            assert isinstance(shown_now, Relationship)
            as_counted = state_at(counted, then)
            assert isinstance(as_counted, Relationship)
            assert shown_now.sessions == as_counted.sessions
            assert shown_now.goals == as_counted.goals


class Names:
    """Which message recorded a version: the same in both stores, where versions are not."""

    def __init__(self, events: list[AnyRecorded]) -> None:
        self.by_version = {each.version: each.message_id for each in events}

    def of(self, versions: Any) -> list[str]:
        return sorted(self.by_version[version] for version in versions)


def renumbered(events: list[AnyRecorded]) -> list[AnyRecorded]:
    """Events with the versions that they have where only they were recorded, also where one names another."""
    first: dict[int, int] = {}
    for place, each in enumerate(events, 1):
        first.setdefault(each.version, place)
    return [
        each.model_copy(update={"version": place, "data": _naming(each.data, first)})
        for place, each in enumerate(events, 1)
    ]


def _naming(event: Event, versions: dict[int, int]) -> Event:
    if isinstance(event, AgreementConfirmed):
        return event.model_copy(update={"version": versions[event.version]})
    return event


def rows(store: Store, dataset: Dataset, names: Names | None) -> list[Any]:
    """The rows of a dataset; with names, without positions and with names of messages for versions."""
    columns = [each.name for each in dataset.columns if names is None or each.name != "position"]
    versions = [place for place, name in enumerate(columns) if name in VERSIONS]
    with store.database.reading() as session:
        found = [list(row) for row in session.query(f"SELECT {', '.join(columns)} FROM {dataset.name}")]
    for row in found:
        for place in versions if names else ():
            if row[place] is not None and names:
                row[place] = names.of(json.loads(row[place]) if isinstance(row[place], str) else [row[place]])
    return sorted(found, key=repr)


# What is told more often, so that there are sessions to be wrong about.
NO_SHRINK: Final = (Phase.reuse, Phase.generate)
OFTEN: Final = (
    *("ScheduleSession", "CompleteSession", "RecordNoShow", "ReportHomework") * 4,
    *(
        "RescheduleSession",
        "CancelSession",
        "RecordGoalProgress",
        "PauseRelationship",
        "ResumeRelationship",
        "ConfirmAgreement",
    )
    * 2,
)
NUMBERS = st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300))
FACT = st.tuples(st.sampled_from([*sorted(SAYS), *OFTEN]), NUMBERS, st.integers(1, 60), st.integers(0, 30))
CORRECTION = st.tuples(st.integers(0, 60), NUMBERS, st.booleans())


@given(
    st.lists(st.one_of(FACT, FACT, FACT, CORRECTION), min_size=5, max_size=45),
    st.lists(CORRECTION, min_size=1, max_size=5),
    st.sampled_from([1, 3, 2000]),
)
@settings(
    max_examples=size(15, 60),
    deadline=None,
    phases=NO_SHRINK,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_corrected_story_is_the_story_told_rightly_at_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any], corrections: list[Any], page: int
) -> None:
    story = Story(tmp_path_factory.mktemp("story"), page)
    for place, step in enumerate([*steps, *corrections]):
        if isinstance(step[0], str):
            type_, numbers, hours, late = step
            roles, say = SAYS[type_]
            delay = timedelta(hours=late if late % 3 == 0 else 0)
            now = story.now + timedelta(hours=hours) - delay
            if type_ == "ConfirmAgreement":
                story.confirm(numbers[0])
                continue
            story.tell(type_, pick(numbers[2], *roles), say(now, numbers), timedelta(hours=hours), delay)
        else:
            which, numbers, void = step
            story.correct(which, numbers, void=void)
        if place % 4 == 0:
            story.wrong.engine.catch_up()
    story.check()


def test_a_pause_that_should_have_cancelled_more_has_a_row_for_each(tmp_path: Path) -> None:
    story = Story(tmp_path, 2000)
    hour = timedelta(hours=1)
    for session in ("s0", "s1"):
        story.tell("CancelSession", "mentee", {"session_id": session, "reason": "no time"}, hour)
    story.tell("ScheduleSession", "mentee", scheduled(story.now, (2, 250, 0)), hour)
    story.tell("PauseRelationship", "mentor", SAYS["PauseRelationship"][1](story.now, (0, 0, 0)), hour)
    story.wrong.engine.catch_up()
    # The two cancellations: the only ones of its own facts that can be corrected.
    for which in (1, 2):
        story.correct(which, (1, 1, 1), void=True)
    story.check()
    cancelled = rows(story.wrong, datasets()["session_moves"], None)
    assert len(cancelled) == 3
