"""What the rules need to know of a relationship: its state, folded from its events.

A frozen value; the mappings inside are never changed in place but layered (`put`), so a state may be kept and shared. Only the
replay of a whole history builds a `Draft` in place and freezes it.
It holds no more content than the rules ask for: topics that the mentee keeps private and the titles of goals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import blake2b
from struct import pack
from typing import Any, Final, Literal, NamedTuple, Self, TypeVar

from domain.ids import Namespace
from domain.immutable import Immutable, Layers
from domain.model import NOTHING_KNOWN, Actor, Event, Known
from domain.relationship.erasure import ErasureRequest
from domain.relationship.occupied import FREE, Occupied
from domain.terms import NO_SETTINGS, TermTimeline, values
from domain.words import (
    NAMED_ROLES,
    OFFICE,
    PARTIES,
    Audience,
    ConflictNature,
    DataClass,
    Document,
    GoalType,
    Occasion,
    Party,
    Role,
    Status,
)

SessionStatus = Literal["scheduled", "completed", "missed", "cancelled"]
GoalStatus = Literal["open", "achieved", "dropped"]
MatterStatus = Literal["open", "resolved", "dismissed"]
ReportKind = Literal["trust", "disrespect", "problem", "breach"]
# Whom, on which occasion, and the clauses about which they were asked.
FeedbackRequest = tuple[Role, Occasion, frozenset[str]]


class Move(NamedTuple):
    """A move of a session: when it was asked for, and the start that the session then had."""

    at: datetime
    starts_at: datetime


def start_at(first: datetime, moves: Sequence[Move], moment: datetime) -> datetime:
    """The start that a session had at a time: its first one, or that of the latest move by then."""
    return next((move.starts_at for move in reversed(moves) if move.at <= moment), first)


def with_move(moves: tuple[Move, ...], new: Move) -> tuple[Move, ...]:
    """The moves in the order of their times with one more, after those of the same time."""
    earlier = tuple(move for move in moves if move.at <= new.at)
    return (*earlier, new, *moves[len(earlier) :])


class Session(NamedTuple):
    """One session: `starts_at` is the start of its latest move, `minutes` its planned length.

    `moves` are in the order of their times, whenever they were told. `over_at` is when it took place, was missed or was
    cancelled. `hours` are those of homework that were reported for it without an assigned one.
    """

    session_id: str
    status: SessionStatus
    starts_at: datetime
    minutes: int
    channel: str
    scheduled_by: str
    reschedules: int = 0
    late_moves: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    first_start: datetime | None = None
    moves: tuple[Move, ...] = ()
    over_at: datetime | None = None
    hours: float | None = None
    homework_done: bool = False
    # Who was there, of a completed session.
    present: tuple[Role, ...] = ()

    def start_at(self, moment: datetime) -> datetime:
        """The start that it had at a time."""
        return start_at(self.first_start or self.starts_at, self.moves, moment)

    def is_latest_move(self, at: datetime) -> bool:
        """Whether a move at that time comes after all others, so that the session keeps its start."""
        return not self.moves or self.moves[-1].at <= at


class Goal(NamedTuple):
    """One goal of the relationship; `content_hash` is that of the agreement, `achieved_in` the session that is said to have achieved it."""

    goal_id: str
    status: GoalStatus
    type: GoalType
    title: str
    agreed_by: tuple[Party, ...]
    content_hash: bytes
    achieved_in: str | None = None


class Conflict(NamedTuple):
    """A declared conflict of interest; `mitigated` once a mitigation was agreed."""

    nature: ConflictNature
    declared_by: str
    mitigated: bool = False


class Claim(NamedTuple):
    """What one side said that both agreed: the version of its event, who said it, whose word is awaited, about which matter."""

    version: int
    by: str
    waits_for: str
    matter: str


class Reporting(NamedTuple):
    """Reporting to one audience: the outputs, the rhythm, the events that agreed on it and the people whose word there is.

    `versions` and `words` begin with the event that named these outputs first.
    """

    outputs: frozenset[DataClass]
    every_days: int | None
    versions: tuple[int, ...]
    words: tuple[str, ...]


class Homework(NamedTuple):
    """Work between sessions: hours reported so far."""

    session_id: str
    hours: float | None = None
    done: bool = False


class Matter(NamedTuple):
    """A concern or a recommendation: the clause behind it, the versions of the events that are its evidence, whom it is about."""

    clause: str
    evidence: tuple[int, ...]
    status: MatterStatus = "open"
    escalated: bool = False
    about: tuple[Role, ...] = ()


class Report(NamedTuple):
    """A report of trouble: who made it (`role:id`), against which role, and whether it stands.

    `unready` says that it was made by stating that one is not ready to trust. Problems and breaches do not stand: they have
    no end of their own here.
    """

    kind: ReportKind
    by: str
    against: Role | None = None
    unready: bool = False
    stands: bool = False


class Consent(NamedTuple):
    """A consent: the last day of it in the programme's time zone, and the hash of the grant."""

    until: date | None
    content_hash: bytes


class Plan(NamedTuple):
    """The plan in force: the minutes of a session, and the hash of the whole plan."""

    minutes: int
    content_hash: bytes


class Confidentiality(NamedTuple):
    """The agreed level of confidentiality: what may be shared with whom, and whether that is the mentee's own word.

    `version` is that of its event, `content_hash` the hash of the event.
    """

    version: int
    content_hash: bytes
    shared: frozenset[tuple[DataClass, Audience]]
    mentee_agreed: bool


class Contest(NamedTuple):
    """An open contest: the version of the contested fact, and who contested it (`role:id`)."""

    fact: int
    by: str


# Where a state has what an id of each kind names.
_FIELDS: Final[Mapping[Namespace, str]] = {
    "session": "sessions",
    "goal": "goals",
    "homework": "homework",
    "assessment": "assessments",
}


@dataclass(frozen=True)
class Relationship(Immutable):
    """The state of one relationship at `version`."""

    subject: str
    version: int
    status: Status
    programme_id: str
    mentee_id: str
    mentor_id: str
    customer_id: str | None
    line_manager_id: str | None
    supplier_id: str | None
    codes: Mapping[str, str]
    known: Known = NOTHING_KNOWN

    # The earlier relationship that this one follows.
    follows: str | None = None
    # What mentee and mentor said to the match: yes or no, and the reason.
    match_answers: Mapping[str, tuple[bool, str | None]] = field(default_factory=dict)
    # What the documents set for this relationship alone.
    terms: TermTimeline = NO_SETTINGS
    answers: Mapping[tuple[str, Document], tuple[bool, str]] = field(default_factory=dict)
    ready: Mapping[str, bool] = field(default_factory=dict)
    consents: Mapping[tuple[str, DataClass, Audience], Consent] = field(default_factory=dict)
    # The days on which the trainings that were confirmed were completed, by the hash of the confirmation.
    trainings: Mapping[bytes, date] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()
    conversations: int = 0
    covered: frozenset[str] = frozenset()
    plan: Plan | None = None
    confidentiality: Confidentiality | None = None
    reporting: Mapping[str, Reporting] = field(default_factory=dict)
    # Every agreement of two by version: the matter it is about; and by matter, what waits for the other party's word.
    agreements: Mapping[int, str] = field(default_factory=dict)
    claimed: Mapping[str, Claim] = field(default_factory=dict)
    private_topics: frozenset[str] = frozenset()

    goals: Mapping[str, Goal] = field(default_factory=dict)
    # The hash of each assessment.
    assessments: Mapping[str, bytes] = field(default_factory=dict)
    sessions: Mapping[str, Session] = field(default_factory=dict)
    # When sessions are scheduled, and when sessions took place: what a new one must not overlap.
    booked: Occupied = FREE
    held: Occupied = FREE
    homework: Mapping[str, Homework] = field(default_factory=dict)
    # Sessions, goals, homework and assessments whose id has capital letters: kind and id in small letters to the id.
    capitals: Mapping[tuple[Namespace, str], str] = field(default_factory=dict)
    nps_asked: frozenset[tuple[str, str]] = frozenset()
    feedback_asked: frozenset[FeedbackRequest] = frozenset()

    # Every report by version, who disclosed a confidence in which event; and for each event that a party answers for (a late move, an absence), which party.
    reports: Mapping[int, Report] = field(default_factory=dict)
    disclosures: Mapping[int, str] = field(default_factory=dict)
    answers_for: Mapping[int, tuple[Party, ...]] = field(default_factory=dict)
    concerns: tuple[Matter, ...] = ()
    recommendations: tuple[Matter, ...] = ()
    # To whom a confidence was disclosed, each as `role:id`.
    told: frozenset[str] = frozenset()

    # Open contests by version, and the facts that were corrected with the version of the latest correction.
    contests: Mapping[int, Contest] = field(default_factory=dict)
    corrected: Mapping[int, int] = field(default_factory=dict)

    activated_at: datetime | None = None
    paused_at: datetime | None = None
    # The pauses that are over.
    pauses: tuple[tuple[datetime, datetime], ...] = ()
    ended_at: datetime | None = None
    end_review: bool = False
    retained_until: date | None = None
    # Who was customer, line manager or supplier before somebody else was.
    former: tuple[str, ...] = ()
    # Requests to erase by the version of their event.
    erasure_requests: Mapping[int, ErasureRequest] = field(default_factory=dict)
    erased: frozenset[str] = frozenset()
    # The `repeat_key` of the latest event of each type.
    latest: Mapping[type[Event], bytes] = field(default_factory=dict)

    @property
    def trust_broken(self) -> bool:
        """A breakdown of trust was reported and stands."""
        return bool(self.standing_reports("trust"))

    def standing_reports(self, *kinds: ReportKind) -> dict[int, Report]:
        """The reports of these kinds that nobody has settled, by version."""
        return {version: report for version, report in self.reports.items() if report.stands and report.kind in kinds}

    def was_paused(self, moment: datetime) -> bool:
        """Whether a time lies within a pause that is over."""
        return any(start <= moment < end for start, end in self.pauses)

    @property
    def contested(self) -> tuple[int, ...]:
        """The versions of the facts that are contested."""
        return tuple(sorted({contest.fact for contest in self.contests.values()}))

    def entered(self, field: str, key: object, value: object) -> Mapping[Any, Any]:
        mapping = self.__dict__[field]
        layers: Layers[Any, Any] = mapping if isinstance(mapping, Layers) else Layers(mapping)
        return layers.entered(key, value)

    def term(self, name: str) -> float:
        """The value in force of a term, as the stream last learned it (domain.terms)."""
        return values(self.known.terms)[name]

    def first_spelling(self, namespace: Namespace, id_: str) -> str:
        """The id of a session, goal, homework or assessment as it was spelled first; itself when it is new."""
        known: Mapping[str, object] = getattr(self, _FIELDS[namespace])
        if id_ in known:
            return id_
        small = id_.lower()
        return small if small in known else self.capitals.get((namespace, small), id_)

    def known_as(self, namespace: Namespace, id_: str) -> Self:
        """With the spelling of a new session, goal, homework or assessment known."""
        small = id_.lower()
        return self if small == id_ else self.put("capitals", (namespace, small), id_)

    def named(self, role: Role) -> str | None:
        """The id that the relationship names for a role, or None."""
        return getattr(self, f"{role}_id") if role in NAMED_ROLES else None

    @property
    def matched(self) -> bool:
        """Both parties said yes to the match, which binds nothing more."""
        return all(self.match_answers.get(party, (False, None))[0] for party in PARTIES)

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What one side said that both agreed and the other has not confirmed, in order of version."""
        if self.status == "terminated":
            return ()
        reporting = (
            Claim(agreed.versions[0], self.speaks_as(agreed.words[0]), role, f"reporting:{with_whom}")
            for with_whom, agreed in self.reporting.items()
            for role in self.awaited(agreed)
        )
        return tuple(sorted((*self.claimed.values(), *reporting)))

    def speaks_as(self, actor: str) -> Role:
        """The role in which somebody's word counts (`speaking_as`)."""
        return speaking_as(Actor.parse(actor), self.mentee_id, self.mentor_id)

    def awaited(self, agreed: Reporting) -> tuple[Role, ...]:
        """Whose word on an agreed reporting is missing: the mentee's, and the line manager's, else the office's.

        The office's word stands for the mentee, and for the line manager only where none is named. Where cmn is not
        adopted, reporting is agreed between mentee and mentor like everything else.
        """
        roles = {self.speaks_as(word) for word in agreed.words}
        office = not roles.isdisjoint(OFFICE)
        missing: list[Role] = []
        if not office and "mentee" not in roles:
            missing.append("mentee")
        if "cmn" not in self.codes:
            if not office and "mentor" not in roles:
                missing.append("mentor")
        elif self.line_manager_id is None:
            if not office:
                missing.append("coordinator")
        elif f"line_manager:{self.line_manager_id}" not in agreed.words:
            missing.append("line_manager")
        return tuple(missing)

    @property
    def people(self) -> tuple[str, ...]:
        """The ids of everybody whom the relationship names or once named."""
        named = (id_ for role in NAMED_ROLES if (id_ := self.named(role)) is not None)
        return tuple(dict.fromkeys((*named, *self.former)))


class Draft(Relationship):
    """A relationship that is being built from its whole history: changed in place, then frozen.

    Every step of `evolve` copies what it changes. Over a whole history the copies would cost the square of its length,
    so `replay` folds into a draft, which nobody else holds, and hands out what `freeze` returns.
    """

    @classmethod
    def of(cls, state: Relationship) -> Self:
        """A draft that begins as the state. It takes the state's mappings over: the state must not be used any more."""
        return _with(cls, state.__dict__.copy())

    @classmethod
    def apart_from(cls, state: Relationship) -> Self:
        """A draft that begins as the state, with mappings of its own."""
        return _with(cls, _with_own_mappings(state))

    def apart(self) -> Relationship:
        """The state by now, which later changes of the draft leave as it is."""
        return _with(Relationship, _with_own_mappings(self))

    def freeze(self) -> Relationship:
        """The finished state. It takes the draft's mappings over: the draft must not be used any more."""
        return _with(Relationship, self.__dict__.copy())

    def but(self, **changes: Any) -> Self:
        self.__dict__.update(changes)
        return self

    def put(self, field: str, key: object, value: object) -> Self:
        self.__dict__[field][key] = value
        return self

    def entered(self, field: str, key: object, value: object) -> dict[Any, Any]:
        mapping: dict[Any, Any] = self.__dict__[field]
        mapping[key] = value
        return mapping


R = TypeVar("R", bound=Relationship)


def _with(kind: type[R], fields: dict[str, Any]) -> R:
    """A relationship or a draft with all of these fields: `__init__` would set each of them by itself."""
    made = object.__new__(kind)
    object.__setattr__(made, "__dict__", fields)
    return made


def _with_own_mappings(state: Relationship) -> dict[str, Any]:
    return {name: dict(value) if isinstance(value, dict | Layers) else value for name, value in state.__dict__.items()}


def speaking_as(actor: Actor, mentee_id: str, mentor_id: str) -> Role:
    """The role in which somebody's word counts: the office's holds for both parties, unless it is a party's own as well."""
    if actor.role in OFFICE:
        return "mentee" if actor.id == mentee_id else "mentor" if actor.id == mentor_id else actor.role
    return actor.role


def content_hash(event: Event) -> bytes:
    """The hash of an event's fields, by which equal content is recognised though the content itself is not kept."""
    return blake2b(event.__pydantic_serializer__.to_json(event), digest_size=16).digest()


def time_key(occurred_at: datetime) -> bytes:
    """A time in eight bytes."""
    return pack(">d", occurred_at.timestamp())


def repeat_key(event: Event, occurred_at: datetime, actor: str) -> bytes:
    """The time of an event, then the hash of its actor and fields: a repeated event has the same key."""
    content = event.__pydantic_serializer__.to_json(event)
    return time_key(occurred_at) + blake2b(b"%b %b" % (actor.encode(), content), digest_size=16).digest()


def no_event(state: Relationship, version: int) -> str:
    """What is wrong with a version that a relationship has not come to."""
    return f"there is no event {version}: the last event of this relationship is version {state.version}"


def open_matters(matters: tuple[Matter, ...], clause: str | None = None) -> tuple[Matter, ...]:
    """The open matters: all, or those of one clause."""
    return tuple(m for m in matters if m.status == "open" and clause in (None, m.clause))
