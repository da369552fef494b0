"""Contracting that takes too long: a task with the gates that are not met; half-way, a reminder to everybody who can meet one.

What the gates ask about is folded by the domain's own fold, and kept without its words.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator

from domain.calendar import end_of_local_day, local_day
from domain.codes.implements import implements
from domain.model import AnyRecorded, Known, events_of
from domain.relationship import events as e
from domain.relationship.evolve import evolve
from domain.relationship.gates import able_to_meet, unmet
from domain.relationship.state import Confidentiality, Conflict, Goal, Plan, Relationship, Reporting
from domain.words import Document, GoalType, Party, Role
from workers.ground import Relation
from workers.model import NOTHING, Arm, CloseTask, Deadline, Given, Notify, OpenTask, Over, Reaction, State, Worker
from workers.reactions import COORDINATOR, because, decide_by, notify, tidy

TASK: Final = "stalled_match"
HALFWAY: Final = "halfway"
SETTLED_BY: Final = "ActivateRelationship", "PostponeRelationship", "TerminateRelationship"
# More than so many days begins right after they are full.
RIGHT_AFTER: Final = timedelta(microseconds=1)
NO_WORDS: Final = b""

Heard = (
    e.AgreementEvent
    | e.GoalAgreed
    | e.GoalDropped
    | e.GoalAchieved
    | e.RelationshipActivated
    | e.RelationshipPostponed
    | e.RelationshipTerminated
)


class _Kept(BaseModel):
    """What the gates ask about, as JSON: no titles, no descriptions."""

    model_config = ConfigDict(frozen=True)

    version: int = 0
    goals: tuple[tuple[str, str, GoalType, tuple[Party, ...]], ...] = ()
    answers: tuple[tuple[str, Document, bool], ...] = ()
    ready: tuple[tuple[str, bool], ...] = ()
    conflicts: tuple[tuple[str, str, bool], ...] = ()
    conversations: int = 0
    covered: tuple[str, ...] = ()
    planned: bool = False
    confidential: bool = False
    reporting: tuple[tuple[str, tuple[str, ...], int | None, tuple[int, ...], tuple[str, ...]], ...] = ()
    agreements: tuple[tuple[int, str], ...] = ()
    trained: tuple[date, ...] = ()
    mentor_trained_on: date | None = None

    @classmethod
    def of(cls, state: Relationship) -> Self:
        """What to keep of a relationship."""
        return cls(
            version=state.version,
            goals=tuple((g.goal_id, g.status, g.type, g.agreed_by) for g in state.goals.values()),
            answers=tuple((role, document, yes) for (role, document), (yes, _) in state.answers.items()),
            ready=tuple(state.ready.items()),
            conflicts=tuple((c.nature, c.declared_by, c.mitigated) for c in state.conflicts),
            conversations=state.conversations,
            covered=tuple(sorted(state.covered)),
            planned=state.plan is not None,
            confidential=state.confidentiality is not None,
            reporting=tuple(
                (audience, tuple(sorted(r.outputs)), r.every_days, r.versions, r.words)
                for audience, r in state.reporting.items()
            ),
            agreements=tuple(state.agreements.items()),
            trained=tuple(state.trainings.values()),
            mentor_trained_on=state.known.mentor_trained_on,
        )

    def relationship(self, relation: Relation) -> Relationship:
        """The relationship as far as the gates ask."""
        return _BLANK.but(
            subject=relation.subject,
            version=self.version,
            programme_id=relation.programme_id,
            mentee_id=relation.mentee_id,
            mentor_id=relation.mentor_id,
            customer_id=relation.customer_id,
            line_manager_id=relation.line_manager_id,
            supplier_id=relation.supplier_id,
            codes=dict.fromkeys(relation.codes, ""),
            known=Known(mentor_trained_on=self.mentor_trained_on),
            goals={id_: Goal(id_, status, type_, "", by, NO_WORDS) for id_, status, type_, by in self.goals},  # type: ignore[arg-type]
            answers={(role, document): (yes, "") for role, document, yes in self.answers},
            ready=dict(self.ready),
            conflicts=tuple(Conflict(*conflict) for conflict in self.conflicts),  # type: ignore[arg-type]
            conversations=self.conversations,
            covered=frozenset(self.covered),
            plan=Plan(1, NO_WORDS) if self.planned else None,
            confidentiality=Confidentiality(1, NO_WORDS, frozenset(), mentee_agreed=False)
            if self.confidential
            else None,
            reporting={
                audience: Reporting(frozenset(outputs), every_days, versions, words)  # type: ignore[arg-type]
                for audience, outputs, every_days, versions, words in self.reporting
            },
            agreements=dict(self.agreements),
            trainings=_by_place(self.trained),
        )


_BLANK: Final = Relationship(
    subject="",
    version=0,
    status="contracting",
    programme_id="",
    mentee_id="",
    mentor_id="",
    customer_id=None,
    line_manager_id=None,
    supplier_id=None,
    codes={},
)


class Asked:
    """What the gates ask about: as it is kept, and as the relationship that it comes to; each is made of the other when asked for."""

    __slots__ = ("_kept", "_relation", "_relationship")

    def __init__(
        self, kept: _Kept | None, relation: Relation | None = None, relationship: Relationship | None = None
    ) -> None:
        self._kept, self._relation, self._relationship = kept, relation, relationship

    @property
    def kept(self) -> _Kept:
        """What is kept."""
        if self._kept is None:
            assert self._relationship is not None, "it is kept or folded"
            self._kept = _Kept.of(self._relationship)
        return self._kept

    def relationship(self, relation: Relation) -> Relationship:
        """The relationship as far as the gates ask."""
        if self._relationship is None or self._relation is not relation:
            self._relation, self._relationship = relation, self.kept.relationship(relation)
        return self._relationship

    def after(self, recorded: AnyRecorded, relation: Relation) -> "Asked":
        """The same after one more event."""
        before = self.relationship(relation)
        after = evolve(before, recorded)
        if after.trainings is not before.trainings:
            # They are kept without the hashes by which the domain tells them apart.
            after = after.but(trainings=_by_place(after.trainings.values()))
        return Asked(None, relation, after)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Asked) and self.kept == other.kept

    __hash__ = None  # type: ignore[assignment]


def _by_place(days: Iterable[date]) -> dict[bytes, date]:
    return {bytes(place): day for place, day in enumerate(days)}


def _asked(value: Any) -> Asked:
    return value if isinstance(value, Asked) else Asked(_Kept.model_validate(value))


def _as_kept(asked: Asked) -> _Kept:
    return asked.kept


KeptAsked = Annotated[Asked, PlainValidator(_asked), PlainSerializer(_as_kept, return_type=_Kept)]


class Stalled(State):
    """What the gates ask about while contracting, and the version of the proposal or of the postponement."""

    kept: KeptAsked = Asked(_Kept())
    since: int = 0


# Copied where a relationship is past contracting: to make one anew copies all that is in it.
NOTHING_ASKED: Final = Stalled()


def _react(state: Stalled, recorded: AnyRecorded, given: Given) -> tuple[Stalled, Reaction]:
    event: Heard = recorded.data
    if isinstance(event, (e.RelationshipActivated, e.RelationshipTerminated)):
        return NOTHING_ASKED.but(), tidy(Over())
    if given.relation is None or given.relation.status != "contracting":
        return state, NOTHING
    if isinstance(event, e.RelationshipProposed):
        state = Stalled(kept=Asked(_Kept.of(evolve(None, recorded))), since=recorded.version)
        return state, _await(state, given.at, given)
    if isinstance(event, e.RelationshipPostponed):
        state = state.but(since=recorded.version)
        starts_at = end_of_local_day(event.start_on - timedelta(days=1), given.programme.timezone)
        return state, tidy(CloseTask(TASK)) + _await(state, max(starts_at, given.at), given)
    return state.but(kept=state.kept.after(recorded, given.relation)), NOTHING


def _await(state: Stalled, begins: datetime, given: Given) -> Reaction:
    days = timedelta(days=given.term("contracting_days"))
    clauses = given.cite("care.stalled")
    arms = Arm(TASK, begins + days + RIGHT_AFTER), Arm(HALFWAY, begins + days / 2)
    return (because(clauses, (state.since,), *arms, terms=("contracting_days",)),)


@implements("care.stalled")
def _due(state: Stalled, deadline: Deadline, given: Given) -> tuple[Stalled, Reaction]:
    """Half-way those are reminded who can do something; at the end it is the coordinator's."""
    relation = given.relation
    if relation is None or relation.status != "contracting":
        return state, NOTHING
    day = local_day(given.at, given.programme.timezone)
    gates = dict.fromkeys(p.clause for p in unmet(state.kept.relationship(relation), day) if p.clause is not None)
    if deadline.name == HALFWAY:
        return state, _remind(tuple(gates), deadline, given, relation)
    task = OpenTask(TASK, TASK, SETTLED_BY, due=decide_by(given))
    notices = notify((COORDINATOR,), TASK, of=TASK)
    clauses = *(clause for clause in gates if not clause.startswith("care.")), *given.cite("care.stalled")
    return state, (because(clauses, deadline.evidence, task, *notices, terms=("decision_days",)),)


@lru_cache(maxsize=1024)
def _asked_of(gates: tuple[str, ...]) -> tuple[tuple[Role, str], ...]:
    """The roles that can meet some of these gates, with the clauses; few different ones come again and again."""
    return tuple((role, " ".join(clauses)) for role, clauses in able_to_meet(gates).items())


def _remind(gates: tuple[str, ...], deadline: Deadline, given: Given, relation: Relation) -> Reaction:
    notices: list[Notify] = []
    for role, asked in _asked_of(gates):
        person = relation.person(role) or (COORDINATOR if role == COORDINATOR else None)
        if person is not None and not (role == "mentor" and given.mentor_rests()):
            notices += notify((person,), "gate_reminder", of=HALFWAY, clauses=asked)
    clauses = (*gates, *given.cite("care.stalled"))
    return (because(clauses, deadline.evidence, *notices),) if notices else NOTHING


STALLED: Final = Worker(name="stalled", state=Stalled, listens=events_of(Heard), react=_react, due=_due)
