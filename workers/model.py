"""What a worker is: a pure function from what happened to what should happen.

A worker keeps a small state per key (a relationship, a mentor, a case), sees events and its own deadlines, and answers
with decisions: each names the clauses that ask for it, the events that are its evidence and the effects that should
follow. Nothing here does anything; infra makes the effects happen, once, and keeps every decision as a receipt.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, Generic, Literal, NamedTuple, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from domain.codes.clauses import cite
from domain.model import AnyRecorded, Command, Event
from domain.words import CodeId, Role
from workers.ground import Case, Ground, Programme, Relation

# Kinds of tasks: those of "Tasks, exactly", and those that stayed from before.
TaskKind = Literal[
    "attention",
    "case_escalation",
    "case_review",
    "commitment_concern",
    "conflict",
    "contested",
    "coordinator_feedback",
    "development",
    "disclosure_review",
    "end_feedback",
    "end_review",
    "erasure",
    "feedback_concern",
    "first_session",
    "further_training",
    "hr_referral",
    "inform_party",
    "mentor_suspended",
    "new_mentor",
    "out_of_contact",
    "pause_review",
    "pause_too_long",
    "plan_end",
    "problem",
    "records",
    "report_due",
    "session_outcome",
    "shutdown_recommendation",
    "stalled_match",
    "terms_declined",
    "two_no_shows",
    "unpaid_at_risk",
    "winding_down",
]
Value = str | int | float | bool | None


class State(BaseModel):
    """A base for what a worker keeps per key: frozen, JSON, and every field has a default, for before the first event.

    It holds ids, times, versions and words of closed vocabularies, never content.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", revalidate_instances="never")

    def but(self, **changes: Any) -> Self:
        """The same state with some fields changed: what `model_copy` gives, at a fraction of its price."""
        copy, fields_set = object.__new__(type(self)), self.__pydantic_fields_set__
        set_ = object.__setattr__
        set_(copy, "__dict__", {**self.__dict__, **changes})
        set_(copy, "__pydantic_fields_set__", fields_set if changes.keys() <= fields_set else fields_set.union(changes))
        set_(copy, "__pydantic_extra__", None)
        set_(copy, "__pydantic_private__", None)
        return copy


# --- effects -------------------------------------------------------------------------------------------------------
class Send(NamedTuple):
    """A command to a subject. `purpose` distinguishes it from the other commands of the same trigger: its id derives from both."""

    subject: str
    command: Command
    purpose: str


class Arm(NamedTuple):
    """A deadline is to run; one of that name which runs already is moved. `freezes`: a pause of the relationship stops it."""

    name: str
    due_at: datetime
    freezes: bool = False


class Cancel(NamedTuple):
    """A deadline has no reason any more; nothing happens when none of that name runs."""

    name: str


class Notify(NamedTuple):
    """Notify a person (`role:id`) or a whole role, by a template; the parameters are operational, never content.

    `alone`: nobody but the recipient may learn to whom it went. A notification may be too late when the workers were away:
    from `until` on it is no longer true; and once the deadline or task `of` which it speaks is armed again,
    cancelled or closed, its matter is settled. What was not sent by then is missed.
    """

    recipient: str
    template: str
    parameters: Mapping[str, Value]
    alone: bool = False
    until: datetime | None = None
    of: str | None = None


class OpenTask(NamedTuple):
    """Something that a person has to do; any of the commands `settled_by` does it, the first is the usual one.

    `owner` is the role that is to do it. `subject` is what it is about when that isn't the key; `about` a person or session
    that distinguishes tasks of a kind.
    """

    id: str
    kind: TaskKind
    settled_by: tuple[str, ...]
    due: datetime | None = None
    subject: str | None = None
    about: str | None = None
    owner: Role = "coordinator"


class CloseTask(NamedTuple):
    """A task is done, or has become pointless; nothing happens when it isn't open."""

    id: str


class Over(NamedTuple):
    """All is over for this key: every deadline is cancelled and every task closed, but for those of these names."""

    keep: tuple[str, ...] = ()


Effect = Send | Arm | Cancel | Notify | OpenTask | CloseTask | Over


class Decision(NamedTuple):
    """Why, and what then: clauses of adopted codes, the versions of the subject's events that are evidence, effects.

    `terms` names the terms that counted; their values at that time go into the receipt. No clause where the policy
    or a term alone asks for it.
    """

    clauses: tuple[str, ...]
    evidence: tuple[int, ...]
    effects: tuple[Effect, ...]
    terms: tuple[str, ...] = ()


Reaction = tuple[Decision, ...]
NOTHING: Reaction = ()


# --- what is kept --------------------------------------------------------------------------------------------------
class Deadline(NamedTuple):
    """A time at which a worker acts again unless it is cancelled, and why. While `frozen_at` is set it does not run.

    `evidence` are versions of the stream `evidence_of`.
    """

    name: str
    due_at: datetime
    clauses: tuple[str, ...] = ()
    evidence: tuple[int, ...] = ()
    evidence_of: str = ""
    freezes: bool = False
    frozen_at: datetime | None = None


class Task(NamedTuple):
    """An open task as `rapport tasks` shows it."""

    id: str
    kind: TaskKind
    subject: str
    clauses: tuple[str, ...]
    since: datetime
    due: datetime | None
    evidence: tuple[int, ...]
    evidence_of: str
    settled_by: tuple[str, ...]
    about: str | None = None
    owner: Role = "coordinator"
    programme_id: str | None = None
    mentee_id: str | None = None
    mentor_id: str | None = None


@lru_cache(maxsize=4_096)
def _cited(codes: tuple[str, ...], clauses: tuple[str, ...]) -> tuple[str, ...]:
    """Programmes adopt few combinations of codes, and workers ask for the same clauses at every event."""
    return cite(codes, *clauses)


class Given(NamedTuple):
    """What a worker may use besides its state and the trigger.

    `key` is the key concerned, `at` the trigger's time: an event's occurred time or a deadline's due time. `relation` is
    the relationship concerned after the trigger, if one is, `case` the conduct case; `programme` decides over terms and
    the time zone.
    """

    key: str
    at: datetime
    relation: Relation | None
    programme: Programme
    case: Case | None = None
    # Whether the mentor is suspended in the relationship's programme, or removed from it (care.standing). It is looked up where
    # it is asked for: the mentor is another key.
    mentor_rests: Callable[[], bool] = lambda: False

    @property
    def runs(self) -> bool:
        """Whether the relationship was activated and has not ended."""
        return self.relation is not None and self.relation.status in {"active", "paused"}

    def term(self, name: str) -> float:
        """The value in force at the trigger's time."""
        return self.programme.terms_at(self.at)[name]

    def cite(self, *clauses: str) -> tuple[str, ...]:
        """Those clauses whose code the relationship adopted, and Rapport's own."""
        return _cited(self.relation.codes if self.relation else (), clauses)

    def cite_or(self, care: str, *clauses: str) -> tuple[str, ...]:
        """Those clauses whose code the relationship adopted; where it adopted none of them, Rapport's own clause."""
        return self.cite(*clauses) or self.cite(care)


S = TypeVar("S", bound=State)


def of_relationship(recorded: AnyRecorded, ground: Ground) -> tuple[str, ...]:
    """The usual key: the relationship whose event it is."""
    return (recorded.subject,) if ground.relation(recorded.subject) else ()


def nothing_due(state: S, deadline: Deadline, given: Given) -> tuple[S, Reaction]:  # noqa: ARG001 - nothing is armed
    """For workers without deadlines."""
    return state, NOTHING


@dataclass(frozen=True)
class Worker(Generic[S]):
    """One worker: its name is part of stored ids and never changes.

    `listens` are the events it receives; `under` limits it to relationships that adopted one of these codes; `keys` says
    whose state an event concerns. `crosses`: an event of a relationship may concern another key than the relationship.
    """

    name: str
    state: type[S]
    listens: frozenset[type[Event]]
    react: Callable[[S, AnyRecorded, Given], tuple[S, Reaction]]
    due: Callable[[S, Deadline, Given], tuple[S, Reaction]] = nothing_due
    under: frozenset[CodeId] = frozenset()
    keys: Callable[[AnyRecorded, Ground], tuple[str, ...]] = of_relationship
    crosses: bool = False

    @cached_property
    def blank(self) -> S:
        """The state before the first event."""
        return self.state()


AnyWorker = Worker[Any]
Change = Literal["armed", "moved", "frozen", "cancelled", "fired"]
