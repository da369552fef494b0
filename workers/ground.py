"""What all workers stand on: who is who in a relationship, its codes and state, and the terms of its programme.

It is folded once, before any worker sees the event, so that no worker has to keep it for itself. Like the workers'
own states it is JSON and is rebuilt by replay. It rests on nothing that can be corrected.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Final, assert_never

from pydantic import BaseModel, ConfigDict

from domain.case.events import CaseOpened
from domain.codes.implements import implements
from domain.commitment.terms import TermsInTime, terms_in_time
from domain.mentor.events import MentorRegistered, MentorReinstated, MentorRemoved, MentorSuspended
from domain.model import Actor, AnyRecorded, events_of
from domain.programme.events import ProgrammeCreated
from domain.relationship import events as e
from domain.relationship.state import speaking_as
from domain.term_setting import TermSet, TermWithdrawn, dated
from domain.terms import DatedSetting, TermTimeline, place
from domain.words import NAMED_ROLES, CaseKind, Role, Status

# All programmes, among their ids.
EVERYWHERE: Final = ""


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", revalidate_instances="never")


class Relation(_Fact):
    """A relationship as all workers need it."""

    subject: str
    programme_id: str
    mentee_id: str
    mentor_id: str
    customer_id: str | None = None
    line_manager_id: str | None = None
    supplier_id: str | None = None
    codes: tuple[str, ...] = ()
    status: Status = "contracting"
    # What the documents set for this relationship alone.
    settings: tuple[DatedSetting, ...] = ()

    @property
    def mentee(self) -> str:
        """The mentee as a recipient."""
        return f"mentee:{self.mentee_id}"

    @property
    def mentor(self) -> str:
        """The mentor as a recipient."""
        return f"mentor:{self.mentor_id}"

    def speaks_as(self, recorded: AnyRecorded) -> Role:
        """The role in which the word of the author of an event counts (`speaking_as`)."""
        return speaking_as(Actor.parse(recorded.actor), self.mentee_id, self.mentor_id)

    @property
    def overseers(self) -> tuple[str, ...]:
        """To whom an unanswered matter is escalated: the coordinator, and the supplier where there is one."""
        return ("coordinator", *((f"supplier:{self.supplier_id}",) if self.supplier_id else ()))

    def person(self, role: Role) -> str | None:
        """The recipient whom the relationship names for a role, or None."""
        id_ = getattr(self, f"{role}_id") if role in NAMED_ROLES else None
        return f"{role}:{id_}" if id_ else None


class Mentor(_Fact):
    """The home programme of a mentor, if one was named, and where the mentor is suspended or was removed.

    The programmes by id; `EVERYWHERE` stands for all.
    """

    programme_id: str | None = None
    suspended: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class Case(_Fact):
    """Which mentor and which relationship a conduct case concerns."""

    mentor_id: str | None = None
    relationship_id: str | None = None
    kind: CaseKind = "code"


class Programme(_Fact):
    """The time zone of a programme and what its documents set, each from its own time on."""

    timezone: str = "UTC"
    settings: tuple[DatedSetting, ...] = ()

    @cached_property
    def _terms(self) -> TermTimeline:
        return TermTimeline(self.settings)

    @cached_property
    def in_time(self) -> TermsInTime:
        """The terms as commitment health asks for them."""
        return terms_in_time(self.settings)

    def terms_at(self, at: datetime) -> Mapping[str, float]:
        """Every term's value in force at a time."""
        return self._terms.values_at(at)

    def with_own(self, settings: tuple[DatedSetting, ...]) -> "Programme":
        """The programme as it is for one of its relationships, for which the documents set these terms."""
        return Programme(timezone=self.timezone, settings=self._terms.with_own(settings).settings)


Fact = Relation | Mentor | Case | Programme
DEFAULT_PROGRAMME: Final = Programme()


class Ground(ABC):
    """Where the facts are kept, by subject."""

    @abstractmethod
    def fact(self, subject: str) -> Fact | None:
        """What is known of a subject."""

    @abstractmethod
    def members(self, programme: str) -> tuple[str, ...]:
        """The relationships of a programme (`programme:<id>`), in order of text."""

    def relation(self, subject: str) -> Relation | None:
        """The relationship of that subject, or None."""
        found = self.fact(subject)
        return found if isinstance(found, Relation) else None


def relation_of(ground: Ground, key: str) -> Relation | None:
    """The relationship that a key concerns: itself, or that of the case."""
    return relation_in(ground, ground.fact(key))


def relation_in(ground: Ground, fact: Fact | None) -> Relation | None:
    """The relationship of a fact: itself, or that of the case."""
    if isinstance(fact, Case) and fact.relationship_id:
        return ground.relation(fact.relationship_id)
    return fact if isinstance(fact, Relation) else None


@implements("care.standing")
def mentor_rests(ground: Ground, relation: Relation) -> bool:
    """Whether the mentor of a relationship is suspended there, or was removed: no reminders then."""
    mentor = ground.fact(relation.mentor)
    if not isinstance(mentor, Mentor):
        return False
    return not {EVERYWHERE, relation.programme_id}.isdisjoint((*mentor.suspended, *mentor.removed))


def programme_of(ground: Ground, fact: Fact | None, relation: Relation | None) -> Programme:
    """The programme whose terms hold for a key with this fact: the relationship's, else the mentor's own, else one with the defaults.

    It has the terms that hold for the relationship alone too.
    """
    if isinstance(fact, Case) and relation is None and fact.mentor_id is not None:
        fact = ground.fact(f"mentor:{fact.mentor_id}")
    programme_id = relation.programme_id if relation else fact.programme_id if isinstance(fact, Mentor) else None
    programme = ground.fact(f"programme:{programme_id}") if programme_id else None
    found = programme if isinstance(programme, Programme) else DEFAULT_PROGRAMME
    return found.with_own(relation.settings) if relation and relation.settings else found


# The events that change the facts.
Heard = (
    e.RelationshipProposed
    | e.PartyChanged
    | e.RelationshipActivated
    | e.RelationshipResumed
    | e.RelationshipPaused
    | e.RelationshipTerminated
    | CaseOpened
    | MentorRegistered
    | MentorSuspended
    | MentorReinstated
    | MentorRemoved
    | ProgrammeCreated
    | TermSet
    | TermWithdrawn
)
LISTENS: Final = events_of(Heard)


def _subject(relationship_id: str | None) -> str | None:
    """A relationship's id as its subject is written."""
    return relationship_id and relationship_id.lower()


def known_after(fact: Fact | None, recorded: AnyRecorded) -> Fact | None:
    """What is known of the event's subject after it: the same object where the event says nothing about it."""
    return _fold(fact, recorded) if type(recorded.data) in LISTENS else fact


def _fold(fact: Fact | None, recorded: AnyRecorded) -> Fact | None:
    event: Heard = recorded.data
    match event:
        case e.RelationshipProposed():
            return Relation(
                subject=recorded.subject,
                programme_id=event.programme_id,
                mentee_id=event.mentee_id,
                mentor_id=event.mentor_id,
                customer_id=event.customer_id,
                line_manager_id=event.line_manager_id,
                supplier_id=event.supplier_id,
                codes=tuple(event.codes),
            )
        case e.PartyChanged():
            return fact.model_copy(update={f"{event.role}_id": event.id}) if isinstance(fact, Relation) else fact
        case e.RelationshipActivated() | e.RelationshipResumed():
            return _in_status(fact, "active")
        case e.RelationshipPaused():
            return _in_status(fact, "paused")
        case e.RelationshipTerminated():
            return _in_status(fact, "terminated")
        case MentorRegistered():
            return _mentor(fact).model_copy(update={"programme_id": event.programme_id})
        case MentorSuspended():
            mentor, where = _mentor(fact), event.programme_id or EVERYWHERE
            return mentor.model_copy(update={"suspended": (*mentor.suspended, where)})
        case MentorReinstated():
            mentor, where = _mentor(fact), event.programme_id or EVERYWHERE
            left = () if where == EVERYWHERE else tuple(each for each in mentor.suspended if each != where)
            return mentor.model_copy(update={"suspended": left})
        case MentorRemoved():
            mentor, where = _mentor(fact), event.programme_id or EVERYWHERE
            return mentor.model_copy(update={"removed": (*mentor.removed, where)})
        case CaseOpened():
            return Case(
                mentor_id=event.mentor_id,
                relationship_id=_subject(event.relationship_id),
                kind=event.kind,
            )
        case ProgrammeCreated():
            known = fact if isinstance(fact, Programme) else DEFAULT_PROGRAMME
            return Programme(timezone=event.timezone, settings=known.settings)
        case TermSet() | TermWithdrawn():
            if isinstance(fact, Relation):
                placed = place(fact.settings, dated(event, recorded.occurred_at, own=True))
                return fact.model_copy(update={"settings": placed})
            known = fact if isinstance(fact, Programme) else DEFAULT_PROGRAMME
            placed = place(known.settings, dated(event, recorded.occurred_at))
            return Programme(timezone=known.timezone, settings=placed)
        case _:
            assert_never(event)


def _mentor(fact: Fact | None) -> Mentor:
    return fact if isinstance(fact, Mentor) else Mentor()


def _in_status(fact: Fact | None, status: Status) -> Fact | None:
    return fact.model_copy(update={"status": status}) if isinstance(fact, Relation) else fact
