"""What an erasure of a person would destroy and what it would keep, and why; and the requests that wait for it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from domain.calendar import add_months, local_day
from domain.case.state import Case
from domain.content import content_holds
from domain.ids import key
from domain.model import AnyRecorded
from domain.person.state import Person
from domain.programme.state import Programme
from domain.registry import replay
from domain.relationship.erasure import ErasureRequest, holds
from domain.relationship.events import ErasureRequested
from domain.relationship.state import Relationship
from infra.queries.as_at import state_at
from infra.queries.person_data import CLAUSE
from infra.sealing.erasures import Erasures
from infra.sealing.key_store import Owned, is_among
from infra.sealing.sealer import owner
from infra.store.log import EventStore
from workers.closing import ANSWER_MONTHS

Shown = dict[str, Any]
KEPT: Final = (
    ("facts", ("that and when something happened, who took part by id, attendance, answers of yes, no and 1 to 5: figures, the chain of hashes "
     "and the accountability of the programme rest on them")),
    ("words of others", "they are theirs; what they said about the person goes when they are erased"),
    ("this erasure", "that it was asked for, by whom, on which basis, and that it was done: proof of the answer"),
    ("backups of the keys", "those made before: destroy them, or let them expire; a restored one is erased again when it is opened"),
)  # fmt: skip


class Waiting(NamedTuple):
    """A request that was not carried out: the subject and version that name it, and when it was recorded."""

    subject: str
    version: int
    request: ErasureRequest
    asked: AnyRecorded


def plan(erasures: Erasures, person: str, now: datetime) -> Shown | None:
    """What erasing everything of a person would do; None where nothing names them.

    Raises:
        UnknownEvent: An event is of a newer Rapport.
    """
    store = erasures.store
    folded = key("person", person)
    person = store.spellings([folded]).get(folded, person)
    subjects = store.subjects_naming(person)
    if not subjects:
        return None
    owned = erasures.owned(f"person:{person}", person)
    kept = erasures.keys.kept.all() if erasures.keys.erased_up_to() is not None else ()
    # What was erased before is gone already.
    keys = [Owned(row.subject, row.person) for row in kept if is_among(owned, row.subject, row.person)]
    gone = [found for subject in subjects if (found := _gone(store, subject, frozenset(keys)))]
    waiting = [each for subject in subjects for each in _waiting(store, subject, person)]
    return {
        "person": person,
        "made_at": now,
        "destroys": gone,
        "keys": len(keys),
        "keeps": [{"what": what, "why": why} for what, why in KEPT],
        "held": [*_legal_holds(store, subjects, person), *_open_cases(store, subjects, person)],
        "requests": [_shown(store, each) for each in waiting],
        "clause": CLAUSE,
    }


def asked_for(store: EventStore, person: str) -> list[Shown]:
    """The requests of a person for the erasure of everything that wait to be carried out."""
    folded = key("person", person)
    person = store.spellings([folded]).get(folded, person)
    return [_shown(store, each) for each in _waiting(store, f"person:{person}", person)]


def _gone(store: EventStore, subject: str, keys: frozenset[Owned]) -> Shown | None:
    """The words that would go from a subject, by class."""
    classes: Counter[str] = Counter()
    events = 0
    for each in store.stored(subject):
        recorded = store.mapper.decode_facts(each.topic, each.state)
        held = {held.data_class for held in content_holds(type(recorded.data))}
        if held and Owned(subject, owner(recorded)) in keys:
            events += 1
            classes.update(held)
    return {"subject": subject, "events": events, "data_classes": dict(sorted(classes.items()))} if events else None


def _waiting(store: EventStore, subject: str, person: str) -> Iterator[Waiting]:
    events = {each.version: each for each in store.read(subject)}
    for version, request in _requests(replay(subject, events.values())).items():
        if request.person == person and not request.done:
            yield Waiting(subject, version, request, events[version])


def _requests(state: object) -> dict[int, ErasureRequest]:
    return dict(state.erasure_requests) if isinstance(state, Relationship | Person) else {}


def _shown(store: EventStore, waiting: Waiting) -> Shown:
    event = waiting.asked.data
    assert isinstance(event, ErasureRequested)
    return {
        "request": f"{waiting.subject}/{waiting.version}",
        "person": waiting.request.person,
        "by": waiting.request.by,
        "basis": event.basis,
        "at": waiting.asked.occurred_at,
        "answer_by": add_months(local_day(waiting.asked.occurred_at, _zone(store, waiting.subject)), ANSWER_MONTHS),
        "legal_hold": waiting.request.held,
    }


def _zone(store: EventStore, subject: str) -> str:
    state = state_at(store.read(subject))
    programme = state_at(store.read(f"programme:{state.programme_id}")) if isinstance(state, Relationship) else None
    return programme.timezone if isinstance(programme, Programme) else "UTC"


# --- what stands against it ----------------------------------------------------------------------------------------
def _legal_holds(store: EventStore, subjects: Iterable[str], person: str) -> Iterator[Shown]:
    for subject in subjects:
        for version in holds(_requests(replay(subject, store.read(subject))), person):
            yield {
                "subject": subject,
                "version": version,
                "why": "a legal hold stands (RequestErasure lifts it, with the basis legal_duty)",
            }


def _open_cases(store: EventStore, subjects: Iterable[str], person: str) -> Iterator[Shown]:
    named = set(subjects)
    for subject in sorted(store.cases()):
        case = state_at(store.read(subject))
        if not isinstance(case, Case) or not case.is_open:
            continue
        if case.relationship_id in named or case.is_about(person):
            yield {"subject": subject, "version": case.version, "why": "a conduct case is open (DecideCase, CloseCase)"}
