"""What a question about sharing is made of: the reader, the situation of the relationship, and the facts of one event.

A reader stands in a relationship as the party that it names for the role, or works for its programme. That trouble was
reported, disclosed or dealt with is confidential by itself: `Fact.knowers` says of such an event who may know that it happened,
besides the coordinator and hr.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final, NamedTuple

from domain.model import AnyRecorded, Event
from domain.relationship import events as e
from domain.relationship.state import Relationship
from domain.sharing.cells import ReaderRole
from domain.words import NAMED_ROLES, Role

# Who reads for a programme; on whose behalf a person does is for the seam to check that lets them in.
PROGRAMME_ROLES: Final[frozenset[Role]] = frozenset({"coordinator", "hr", "service", "analyst", "auditor"})

# That these happened gives away that trouble was reported or a confidence disclosed.
WITHHELD: Final[frozenset[type[Event]]] = frozenset(
    {
        e.ConfidenceDisclosed,
        e.TrustBreakdownReported,
        e.TrustRestored,
        e.DisrespectReported,
        e.DisrespectResolved,
        e.BreachReported,
        e.ProblemReported,
        e.ShutdownRecommended,
        e.RecommendationDismissed,
        e.RecommendationEscalated,
    }
)
# Events that a relationship's state and its dates can be read from.
OF_STATE: Final[frozenset[type[Event]]] = frozenset(
    {
        e.RelationshipProposed,
        e.RelationshipActivated,
        e.RelationshipPostponed,
        e.RelationshipPaused,
        e.RelationshipResumed,
        e.RelationshipTerminated,
    }
)


class Reader(NamedTuple):
    """Who asks, in the role in which they ask; the public has no id."""

    role: ReaderRole
    id: str = ""

    def __str__(self) -> str:
        return f"{self.role}:{self.id}" if self.id else self.role


PUBLIC: Final = Reader("public")


class Situation(NamedTuple):
    """A relationship at the time of reading: its state, its codes, the day in its programme, and whether hr has a case with it.

    `parties` are the ids that it names, by role.
    """

    state: Relationship
    codes: frozenset[str]
    parties: Mapping[str, str | None]
    today: date
    in_case: bool = False


def situation(state: Relationship, today: date, *, in_case: bool = False) -> Situation:
    """The situation of a relationship on a day of its programme."""
    parties: dict[str, str | None] = {role: state.named(role) for role in NAMED_ROLES}
    return Situation(state, frozenset(state.codes), parties, today, in_case)


class Fact(NamedTuple):
    """What of an event decides who may read it.

    `author` is who said it, `about` the party that feedback is about, `present` who was there in the session that it belongs
    to, `recipient` who was told by it (`role:id`). `knowers` are those who may know that it happened, with the office and hr;
    None: everybody who reads here at all.
    """

    kind: type[Event]
    author: Reader
    about: str | None = None
    present: tuple[str, ...] = ()
    sensitive: bool = False
    recipient: str | None = None
    knowers: frozenset[str] | None = None


def stands(situation: Situation, reader: Reader) -> bool:
    """Whether a reader stands in a relationship, in the role in which they ask."""
    role, id_ = reader
    return situation.parties[role] == id_ if role in situation.parties else role in PROGRAMME_ROLES


def fact_of(
    state: Relationship, events: Mapping[int, AnyRecorded], version: int, corrected: AnyRecorded | None = None
) -> Fact:
    """The facts of the event of a version, among all events of the relationship by version.

    `corrected` is what stands at its place in the effective history, if anything does: a note is sensitive for good
    once it was marked so, be it by a correction.

    Raises:
        KeyError: no event has the version.
    """
    recorded = events[version]
    event = recorded.data
    author = _author(recorded)
    return Fact(
        type(event),
        author,
        about=event.about if isinstance(event, e.FeedbackGiven) else None,
        present=_present(state, event),
        sensitive=_sensitive(event) or (corrected is not None and _sensitive(corrected.data)),
        recipient=event.recipient if isinstance(event, e.ConfidenceDisclosed) else None,
        knowers=_knowers(state, events, recorded),
    )


def is_withheld(event: Event) -> bool:
    """Whether that an event happened may be confidential by itself: of readiness, whenever it may report or restore trust."""
    return type(event) in WITHHELD or (isinstance(event, e.TrustReadinessStated) and (not event.ready or event.settled))


def _author(recorded: AnyRecorded) -> Reader:
    role, _, id_ = recorded.actor.partition(":")
    return Reader(role, id_)  # type: ignore[arg-type]


def _knowers(state: Relationship, events: Mapping[int, AnyRecorded], recorded: AnyRecorded) -> frozenset[str] | None:
    """Who may know of an event; None where that it happened is no secret.

    The person who said it knows. So does the one author of all that it refers to, for it tells them nothing new.
    """
    event = recorded.data
    if isinstance(event, e.ContestAnswered) and event.version in events:
        event = events[event.version].data
    named = [events[version] for version in _references(event) if version in events]
    secrets = [each for each in named if _is_secret(state, each)]
    if not secrets and not _is_secret(state, recorded):
        return None
    knowers = {recorded.actor}
    if isinstance(event, e.ConfidenceDisclosed):
        knowers.add(event.recipient)
    authors = {each.actor for each in secrets}
    if len(authors) == 1:
        knowers |= authors
    return frozenset(knowers)


def _is_secret(state: Relationship, recorded: AnyRecorded) -> bool:
    """Whether that an event happened is confidential: readiness only where it reported broken trust, or restored it."""
    event = recorded.data
    if isinstance(event, e.TrustReadinessStated):
        return event.settled or recorded.version in state.reports
    return type(event) in WITHHELD


def _references(event: Event) -> tuple[int, ...]:
    """The versions of the events that an event is about."""
    match event:
        case e.FactContested() | e.FactCorrected():
            return (event.version,)
        case e.ShutdownRecommended() | e.CommitmentConcernRaised():
            return event.evidence
        case e.RelationshipReviewed():
            return event.about or ()
        case _:
            return ()


def _present(state: Relationship, event: Event) -> tuple[str, ...]:
    """Who was there in the session that an event belongs to."""
    session_id = event.data.get("session_id") if isinstance(event, e.FactCorrected) and event.data else None
    session_id = getattr(event, "session_id", session_id)
    session = state.sessions.get(session_id) if session_id else None
    return session.present if session else ()


def _sensitive(event: Event) -> bool:
    if isinstance(event, e.FactCorrected):
        return bool(event.data and event.data.get("sensitive"))
    return isinstance(event, e.SessionNoteRecorded) and event.sensitive
