"""A subject as `rapport show` gives it: the JSON shapes for relationships, mentors, cases and programmes."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any, assert_never

from domain.case.state import Case
from domain.ids import OF_SUBJECT, key
from domain.known import known_at
from domain.mentor.state import Mentor
from domain.model import Known, TermSetting
from domain.programme.state import Programme
from domain.registry import AGGREGATES_OF, State, kind_of
from domain.relationship.gates import unmet
from domain.relationship.lifecycle import allowed
from domain.relationship.state import Matter, Relationship
from domain.terms import resolve
from domain.words import ROLES
from infra.queries.as_at import Moment, state_at
from infra.store.log import EventStore

Shown = dict[str, Any]


def found_subject(store: EventStore, text: str) -> str:
    """Returns the subject whose id is written here in any case; the text itself if no such id is known.

    A role and an id (`mentee:ana`) is found like a subject: workers keep what concerns a person under it.
    """
    kind, colon, id_ = text.partition(":")
    if not colon:
        return text.lower()
    if kind not in OF_SUBJECT and kind not in ROLES:
        return text
    namespace = OF_SUBJECT.get(kind, "person")
    folded = key(namespace, id_)
    return f"{kind}:{store.spellings([folded]).get(folded, id_)}"


def show_subject(store: EventStore, subject: str, moment: Moment, now: datetime) -> Shown | None:
    """The subject at a moment, or None when nothing was recorded of it by then.

    Raises:
        UnknownEvent: An event is of a newer Rapport.
    """
    events = store.read(subject)
    state = state_at(events, moment)
    if state is None:
        return None
    at = moment.as_of or now
    if moment.version is not None:
        at = min(at, max(event.occurred_at for event in events if moment.holds(event)))
    if isinstance(state, Relationship):
        others = moment._replace(version=None)
        programme = state_at(store.read(f"programme:{state.programme_id}"), others)
        mentor = state_at(store.read(f"mentor:{state.mentor_id}"), others)
        known = known_at(
            at,
            state.known,
            state.programme_id,
            mentor=mentor if isinstance(mentor, Mentor) else None,
            programme=programme if isinstance(programme, Programme) else None,
            own=state.terms,
        )
        return _relationship(state, known, at)
    return _other(subject, state, at)


def _relationship(state: Relationship, known: Known, at: datetime) -> Shown:
    contracting = state.status == "contracting"
    return {
        "id": state.subject,
        "kind": "relationship",
        "state": state.status,
        "version": state.version,
        "mentor_id": state.mentor_id,
        "mentee_id": state.mentee_id,
        "customer_id": state.customer_id,
        "line_manager_id": state.line_manager_id,
        "supplier_id": state.supplier_id,
        "programme_id": state.programme_id,
        "codes": list(state.codes),
        "code_versions": dict(state.codes),
        # Gates stand before activation; once passed, they are not asked again.
        "unmet_gates": [{"clause": p.clause, "message": p.message} for p in unmet(state, known.day(at), known)]
        if contracting
        else [],
        "allowed": list(allowed(state.status)),
        "sessions": [
            {
                "session_id": session.session_id,
                "status": session.status,
                "starts_at": session.starts_at,
                "minutes": session.minutes,
                "reschedules": session.reschedules,
                "late_moves": session.late_moves,
                "channel": session.channel,
            }
            for session in state.sessions.values()
        ],
        "goals": [{"goal_id": g.goal_id, "status": g.status, "type": g.type} for g in state.goals.values()],
        "contested": list(state.contested),
        "concerns": _matters(state.concerns),
        "recommendations": _matters(state.recommendations),
        "claims": [{"version": c.version, "by": c.by, "waits_for": c.waits_for} for c in state.claims],
        "matched": state.matched,
        "mentor_standing": state.known.mentor_standing,
        "terms": _terms(known.terms),
    }


def _matters(matters: Iterable[Matter]) -> list[Shown]:
    return [
        {"clause": m.clause, "status": m.status, "evidence": list(m.evidence), "escalated": m.escalated}
        for m in matters
    ]


def _terms(settings: Iterable[TermSetting]) -> Shown:
    return {
        name: {"value": term.value, "document": term.document, "overruled": list(term.overruled)}
        for name, term in resolve(settings).items()
    }


def _other(subject: str, state: State, at: datetime) -> Shown:
    kind = kind_of(subject)
    shown: Shown = {"id": subject, "kind": kind}
    match state:
        case Mentor():
            shown |= {
                "state": state.standing,
                "version": state.version,
                "registered": state.registered,
                "name": state.name,
                "programme_id": state.programme_id,
                "trainings": [training._asdict() for training in state.trainings],
                "developments": [development._asdict() for development in state.developments],
            }
        case Case():
            fields = asdict(state)
            shown |= {"state": fields.pop("status"), "version": fields.pop("version")}
            shown |= {("case_kind" if name == "kind" else name): value for name, value in fields.items()}
        case Programme():
            shown |= {
                "state": "created" if state.created else "unknown",
                "version": state.version,
                "name": state.name,
                "timezone": state.timezone,
                "codes": list(state.codes_at(at)),
                "terms": _terms(state.settings_at(at)),
            }
        case Relationship():
            raise AssertionError(subject)
        case _:
            assert_never(state)
    shown["allowed"] = sorted(name for name, kinds in AGGREGATES_OF.items() if kind in kinds)
    return shown
