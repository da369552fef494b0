"""A store with a log and engines on it, for the tests of projections: append events, catch up, read the rows."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from domain.case.events import CaseClosed, CaseDecided, CaseEscalated, CaseOpened
from domain.model import AnyRecorded, Event, Recorded
from domain.programme.events import ProgrammeCreated, TermSet
from domain.relationship import events as e
from domain.relationship.fields import AgendaItem
from infra.clock import Clock
from infra.intake.handler import Handler
from infra.projection_engine.engine import Engine
from infra.simulate import messages
from infra.store.log import EventStore
from infra.store.opening import open_database
from infra.store.session import Database
from infra.worker_runtime.schema import prepare
from projections.catalogue import datasets
from projections.projection import Projection
from tests.given_when_then import START, At, actor, history, proposed

# Later than anything that the events of these tests speak of.
LATE = datetime(2027, 6, 1, tzinfo=UTC)
# What the programme of the troubled relationship sets: day, term, value.
TERMS = ((-1, "suppression_min", 2), (20, "late_notice_hours", 48))
Rows = list[tuple[Any, ...]]


class ProjectionHarness:
    """A store, a clock that stands still, and as many engines as a test likes."""

    def __init__(self, database: Database, now: datetime = LATE) -> None:
        self.database = database
        self.store = EventStore(database)
        self.clock = Clock(now)

    def engine(self, projections: Sequence[Projection] | None = None, **options: Any) -> Engine:
        """Another engine, as another process would have."""
        return Engine(self.store, self.clock, projections, prepare_shown=prepare, **options)

    def append(self, events: Iterable[AnyRecorded]) -> int:
        """Append events; the head of the log after that."""
        self.store.append(list(events))
        return self.store.head()

    def rows(self, dataset: str, columns: str = "*") -> Rows:
        """The rows of a dataset, in order."""
        with self.database.reading() as session:
            return sorted(session.query(f"SELECT {columns} FROM {dataset}"), key=repr)

    def all_rows(self) -> dict[str, Rows]:
        """The rows of every dataset."""
        return {name: self.rows(name) for name in datasets()}


def recorded(
    subject: str, version: int, event: Event, at: datetime, by: str = "coordinator", told: datetime | None = None
) -> AnyRecorded:
    """One event as the record holds it; `told` is when it was recorded, if not at once."""
    return Recorded[Any](
        subject=subject,
        version=version,
        occurred_at=at,
        recorded_at=told or at,
        actor=str(actor(by)),
        source="/tests",
        message_id=f"{subject}-{version}",
        data=event,
    )


def day(days: float) -> datetime:
    """That many days after START."""
    return START + timedelta(days=days)


def programme(programme_id: str, *terms: tuple[float, str, float]) -> list[AnyRecorded]:
    """A programme with terms set by its code of conduct, each (day, term, value)."""
    subject = f"programme:{programme_id}"
    found = [recorded(subject, 1, ProgrammeCreated(name=programme_id, timezone="UTC"), day(-300))]
    for version, (days, term, value) in enumerate(terms, 2):
        event = TermSet(document="code_of_conduct", term=term, value=value, resolved=value, winner="code_of_conduct")
        found.append(recorded(subject, version, event, day(days)))
    return found


def case(case_id: str = "c1") -> list[AnyRecorded]:
    """A conduct case from its beginning to its end."""
    events = (
        CaseOpened(mentor_id="ben", about="mentor:ben", kind="code", description="unkind words"),
        CaseEscalated(to="hanna"),
        CaseDecided(decision="further_training", reason="a first time"),
        CaseClosed(),
    )
    return [recorded(f"case:{case_id}", version, event, day(version)) for version, event in enumerate(events, 1)]


def troubled() -> list[AnyRecorded]:
    """A relationship with whatever the simulation has too little of: concerns, recommendations, feedback, late answers."""
    return history(
        proposed(),
        At(1, e.PlanAgreed(sessions=6, minutes=60, every_days=14, starts_on=day(1).date(), ends_on=day(90).date(), channel="platform")),
        At(1.1, e.GoalAgreed(goal_id="g1", title="speak in public", type="career", source="mentee", agreed_by=("mentee", "mentor"))),
        At(2, e.RelationshipActivated()),
        At(3, e.SessionScheduled(session_id="s1", starts_at=day(10), channel="platform", minutes=60), "mentee"),
        At(9.5, e.SessionRescheduled(session_id="s1", starts_at=day(12), reason="ill luck", previous_starts_at=day(10), notice_hours=12, late=True), "mentee"),
        At(12.1, _completed("s1", 12)),
        At(12.2, e.HomeworkAssigned(homework_id="h1", session_id="s1", description="write it down")),
        At(12.3, e.SessionNoteRecorded(session_id="s1", text="it went well")),
        At(13, e.SessionScheduled(session_id="s2", starts_at=day(20), channel="platform", minutes=60), "mentor"),
        At(19.5, e.SessionRescheduled(session_id="s2", starts_at=day(24), reason="work", previous_starts_at=day(20), notice_hours=12, late=True), "mentee"),
        At(19.6, e.CommitmentConcernRaised(clause="pentalog.late-reschedules", evidence=(6, 11)), "worker"),
        At(23, e.HomeworkReported(homework_id="h1", hours=2, done=True, session_id="s1"), "mentee"),
        At(24.1, _completed("s2", 24)),
        At(26, e.ConcernEscalated(clause="pentalog.late-reschedules"), "worker"),
        At(27, e.CommitmentConcernResolved(clause="pentalog.late-reschedules", resolution="talked")),
        At(28, e.TrustBreakdownReported(description="said too much"), "mentee"),
        At(28.1, e.ShutdownRecommended(clause="pentalog.trust", evidence=(17,)), "worker"),
        At(28.2, e.ShutdownRecommended(clause="pentalog.respect", evidence=(17,)), "worker"),
        At(30, e.TrustRestored(), "mentee"),
        At(31, e.RecommendationDismissed(reason="settled")),
        At(32, e.NpsRequested(respondent="mentee", occasion="mid"), "worker"),
        At(33, e.NpsResponded(occasion="mid", score=9, respondent="mentee"), "mentee"),
        At(32.5, e.NpsResponded(occasion="mid", score=2, respondent="mentee"), "mentee"),
        At(34, e.FeedbackGiven(about="process", answers={"cmn.inclusion": True, "free": "good"}), "mentee"),
        At(35, e.ConfidenceDisclosed(exception="risk_of_harm", recipient="hr:hanna", disclosed="...", urgency="urgent"), "mentor"),
        At(36, e.PresessionCheckRecorded(session_id="s2", checked_at=day(23.9), device="phone", connection=True, microphone=True, speakers=True, camera=True, quiet=True, background=True, findings=("device",))),
        At(37, e.RelationshipPaused(reason="holidays", review_on=day(60).date(), informed=("mentee", "mentor"), next_steps="rest")),
        At(60, e.RelationshipResumed(informed=("mentee", "mentor"))),
        At(61, e.GoalAchieved(goal_id="g1")),
        At(62, e.FactContested(version=13, reason="it was more"), "mentor"),
        At(63, e.FactCorrected(version=13, reason="it was more", fact="HomeworkReported", data={"homework_id": "h1", "hours": 3, "done": True}), "mentee"),
    )  # fmt: skip


def _completed(session_id: str, days: float) -> e.SessionCompleted:
    start = day(days)
    return e.SessionCompleted(
        session_id=session_id,
        started_at=start,
        ended_at=start + timedelta(minutes=70),
        present=("mentee", "mentor"),
        joined={"mentee": start + timedelta(minutes=7), "mentor": start - timedelta(minutes=5)},
        agenda=(
            AgendaItem(topic="plans", set_by="mentee", minutes=40, goal_id="g1"),
            AgendaItem(topic="a quarrel", set_by="mentor", minutes=20, urgent_concern=True),
        ),
        status="active",
        call_to_action="write",
    )


@cache
def simulated(relationships: int = 6, seed: int = 3) -> tuple[AnyRecorded, ...]:
    """The events of a simulation, in the order of the log."""
    with (
        TemporaryDirectory() as folder,
        open_database(f"sqlite:///{Path(folder) / 's'}", synchronous="off") as database,
    ):
        store = EventStore(database)
        Handler(store, Clock(LATE)).handle(messages(relationships, seed))
        return tuple(store.decode_facts(each) for each in store.logged(0, 1_000_000))


def everything() -> list[AnyRecorded]:
    """A log of some hundred events with at least one of each kind of stream, terms set on the way among them."""
    told = [*simulated(), *troubled(), *case(), *programme("p1", *TERMS)]
    # Streams mixed as in life: in order of time, versions of a stream in order.
    placed: dict[str, datetime] = {}
    order = []
    for event in told:
        placed[event.subject] = max(placed.get(event.subject, event.occurred_at), event.occurred_at)
        order.append((placed[event.subject], event))
    return [event for _, event in sorted(order, key=lambda pair: pair[0])]
