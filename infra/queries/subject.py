"""A subject as `rapport show` gives it: the JSON shapes for relationships, mentors, cases and programmes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, assert_never

from domain.case.decide import MAY_SEND as MAY_SEND_CASE
from domain.case.state import Case
from domain.content import is_erased, is_out_of_reach
from domain.ids import OF_SUBJECT, key
from domain.known import known_at
from domain.mentor.decide import MAY_SEND as MAY_SEND_MENTOR
from domain.mentor.state import UNKNOWN as UNKNOWN_MENTOR
from domain.mentor.state import Mentor
from domain.model import AnyRecorded, Command, Known, TermSetting
from domain.person.decide import MAY_SEND as MAY_SEND_PERSON
from domain.person.state import UNKNOWN as UNKNOWN_PERSON
from domain.person.state import Person
from domain.programme.decide import MAY_SEND as MAY_SEND_PROGRAMME
from domain.programme.state import UNKNOWN as UNKNOWN_PROGRAMME
from domain.programme.state import Programme
from domain.registry import AGGREGATES_OF, COMMANDS, Kind, State, kind_of
from domain.relationship.events import PlanAgreed
from domain.relationship.gates import unmet
from domain.relationship.lifecycle import allowed
from domain.relationship.permissions import may_send
from domain.relationship.state import Matter, Relationship, Session
from domain.sharing.cells import clause_of
from domain.terms import resolve, values
from domain.words import NAMED_ROLES, ROLES, DataClass, Role
from infra.projection_engine.engine import Engine
from infra.queries.agreements import agreements
from infra.queries.as_at import NOW, Asked, Moment, counting, state_at, state_in, state_of
from infra.queries.health import assess_one
from infra.queries.health import shown as health_shown
from infra.queries.tasks import Chosen, open_tasks
from infra.store.log import EventStore
from infra.store.read_once import ReadOnce

Shown = dict[str, Any]
# Who may send what about those that are no relationship.
_MAY_SEND: Final[Mapping[Kind, Mapping[type[Command], frozenset[Role]]]] = {
    "mentor": MAY_SEND_MENTOR,
    "case": MAY_SEND_CASE,
    "programme": MAY_SEND_PROGRAMME,
    "person": MAY_SEND_PERSON,
}
_COMMANDS_OF: Final[Mapping[Kind, frozenset[str]]] = {
    kind: frozenset(name for name, kinds in AGGREGATES_OF.items() if kind in kinds) for kind in _MAY_SEND
}
# What a person's entry holds.
ENTRY: Final[dict[str, DataClass]] = {
    "display_name": "identity",
    "email": "contact_details",
    "telephone": "contact_details",
    "timezone": "identity",
    "locale": "identity",
}
# What else holds words, of mentors and cases.
_WORDS: Final[dict[str, DataClass]] = {
    **ENTRY,
    "name": "identity",
    "course": "process",
    "what": "profile",
    "description": "safeguarding",
    "decision_reason": "safeguarding",
    "closing_reason": "safeguarding",
}
# The roles of people: to whom `show` tells what they may do.
PEOPLE: Final[tuple[Role, ...]] = (*NAMED_ROLES, "coordinator", "hr")


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


def is_named(store: EventStore, subject: str) -> bool:
    """Whether anything is recorded of a subject, or anything names the person or the programme."""
    kind, colon, id_ = subject.partition(":")
    if store.heads([subject])[subject].version:
        return True
    namespace = OF_SUBJECT.get(kind, "person" if kind in ROLES else None) if colon else None
    return namespace is not None and bool(store.spellings([key(namespace, id_)]))


def show_subject(
    store: EventStore, subject: str, moment: Moment, now: datetime, without: Collection[int] = ()
) -> Shown | None:
    """The subject at a moment, or None when nothing was recorded of it by then.

    `without` are versions of which a reader may not know what they are: the state is told as if they had not happened.

    Raises:
        UnknownEvent: An event is of a newer Rapport.
    """
    events = store.read(subject)
    counted = [event for event in counting(events, moment) if event.version not in without]
    state = state_of(counted)
    if state is None:
        return None
    at = moment.as_of or now
    if moment.version is not None:
        at = min(at, max(event.occurred_at for event in events if moment.holds(event)))
    if isinstance(state, Relationship):
        return show_relationship(store, state, counted, moment, at)
    return _other(subject, state, at)


def show_relationship(
    store: EventStore, state: Relationship, counted: Sequence[AnyRecorded], moment: Moment, at: datetime
) -> Shown:
    """A relationship from its state at a moment and the events that led to it; what is due is told as of the time `at`.

    Raises:
        UnknownEvent: An event of its programme or mentor is of a newer Rapport.
    """
    others = moment._replace(version=None)
    once = ReadOnce.of(store)
    programme = state_in(once.stream(f"programme:{state.programme_id}"), others)
    mentor = state_in(once.stream(f"mentor:{state.mentor_id}"), others)
    known = known_at(
        at,
        state.known,
        state.programme_id,
        mentor=mentor if isinstance(mentor, Mentor) else None,
        programme=programme if isinstance(programme, Programme) else None,
        own=state.terms,
    )
    return _relationship(state, known, at) | _course(state, counted, known, at)


def health_and_tasks(store: EventStore, subject: str, moment: Moment, now: datetime) -> Shown:
    """A relationship's commitment health at a moment (of a version alone it is not asked), and its tasks that are open now."""
    assessed = None
    if moment.version is None:
        assessed = assess_one(store, subject, Asked(moment.as_of or now, moment.known_at))
    tasks = open_tasks(store.database, Chosen(subject=subject)) if moment == NOW else []
    return {"health": assessed and health_shown(assessed), "tasks": tasks}


def show_unrecorded(engine: Engine, subject: str, moment: Moment, now: datetime) -> Shown | None:
    """A mentor, programme or person that nobody had registered by a moment, but which something names: it has the defaults."""
    kind, _, id_ = subject.partition(":")
    state: State
    if kind == "mentor" and mentor_relationships(engine, subject, moment)["relationships"]:
        state = UNKNOWN_MENTOR.but(mentor_id=id_)
    elif kind == "programme" and _is_named(engine, id_, moment):
        state = UNKNOWN_PROGRAMME.but(programme_id=id_)
    elif kind == "person" and person_relationships(engine, id_):
        state = UNKNOWN_PERSON.but(person_id=id_)
    else:
        return None
    return _other(subject, state, moment.as_of or now)


def mentor_relationships(engine: Engine, subject: str, moment: Moment) -> Shown:
    """A mentor's relationships at a moment, those that had not ended first, and how many those were."""
    store, mentor_id = engine.store, subject.partition(":")[2]
    if moment.version is not None:
        counted = [event.occurred_at for event in store.read(subject) if moment.holds(event)]
        moment = Moment(moment.as_of or max(counted), moment.known_at)
    engine.catch_up()
    rows = engine.database.query(
        f"SELECT relationship_id FROM {engine.source_of('relationships')} WHERE LOWER(mentor_id) = ?",  # noqa: S608 - our own names
        (mentor_id.lower(),),
    )
    found = [one for (each,) in rows if (one := _of_mentor(counting(store.read(each), moment)))]
    found.sort(key=lambda one: (one["state"] == "terminated", one["relationship_id"]))
    return {"load": sum(one["state"] != "terminated" for one in found), "relationships": found}


def _of_mentor(events: list[AnyRecorded]) -> Shown | None:
    """A relationship in a line, from the events that count; None before it was proposed."""
    state = state_of(events)
    if not isinstance(state, Relationship):
        return None
    plans = [event.data.sessions for event in events if isinstance(event.data, PlanAgreed)]
    return {
        "relationship_id": state.subject,
        "programme_id": state.programme_id,
        "mentee_id": state.mentee_id,
        "state": state.status,
        "completed_sessions": sum(_counts_for_the_plan(state, session) for session in state.sessions.values()),
        "planned_sessions": plans[-1] if plans else None,
    }


def _is_named(engine: Engine, programme_id: str, moment: Moment) -> bool:
    """Whether a relationship or a mentor belonged to a programme at a moment."""
    engine.catch_up()
    rows = engine.database.query(
        f"SELECT relationship_id FROM {engine.source_of('relationships')} WHERE LOWER(programme_id) = ? "  # noqa: S608 - our own names
        f"UNION ALL SELECT 'mentor:' || mentor_id FROM {engine.source_of('mentors')} WHERE LOWER(home_programme_id) = ?",
        (programme_id.lower(), programme_id.lower()),
    )
    states = (state_at(engine.store.read(subject), moment) for (subject,) in rows)
    return any(isinstance(state, Relationship | Mentor) and state.programme_id is not None for state in states)


def person_relationships(engine: Engine, person_id: str) -> list[Shown]:
    """The relationships that name a person, with the roles in which they do, those that have not ended first."""
    engine.catch_up()
    columns = [f"{role}_id" for role in NAMED_ROLES]
    rows = engine.database.query(
        f"SELECT relationship_id, programme_id, status, {', '.join(columns)} FROM {engine.source_of('relationships')} WHERE "  # noqa: S608 - our own names
        f"{' OR '.join(f'LOWER({column}) = ?' for column in columns)} "
        "ORDER BY CASE WHEN status = 'terminated' THEN 1 ELSE 0 END, relationship_id",
        [person_id.lower()] * len(columns),
    )
    return [
        {
            "relationship_id": relationship_id,
            "programme_id": programme_id,
            "state": status,
            "roles": [
                role for role, id_ in zip(NAMED_ROLES, ids, strict=True) if id_ and id_.lower() == person_id.lower()
            ],
        }
        for relationship_id, programme_id, status, *ids in rows
    ]


def _with_erased(value: Any, data_class: DataClass) -> Any:
    """A value as it is shown: in the place of each text that can't be read stands that it was erased, or is sealed to this login."""
    if isinstance(value, Mapping):
        return {name: _with_erased(each, _WORDS.get(name, data_class)) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_erased(each, data_class) for each in value]
    if is_out_of_reach(value):
        return {"sealed": data_class, "clause": clause_of(data_class, "auditor", None, ())}
    return {"erased": data_class} if is_erased(value) else value


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
        "allowed": _sent_by_people(allowed(state.status)),
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
        "claims": [
            {"version": c.version, "by": c.by, "waits_for": c.waits_for, "matter": c.matter} for c in state.claims
        ],
        "matched": state.matched,
        "mentor_standing": state.known.mentor_standing,
        "terms": _terms(known.terms),
    }


def _course(state: Relationship, events: Sequence[AnyRecorded], known: Known, at: datetime) -> Shown:
    """What is agreed, how far the plan has come, which session is next, what was found, and who may do what now."""
    agreed = agreements(state, events, known.day(at))
    planned = agreed["plan"]["sessions"] if agreed["plan"] else int(values(known.terms)["planned_sessions"])
    scheduled = [session for session in state.sessions.values() if session.status == "scheduled"]
    to_come = min((session for session in scheduled if session.starts_at >= at), key=_start, default=None)
    return {
        "agreements": agreed,
        "plan": agreed["plan"],
        "planned_sessions": planned,
        "completed_sessions": sum(_counts_for_the_plan(state, session) for session in state.sessions.values()),
        "next_session": to_come
        and {"session_id": to_come.session_id, "starts_at": to_come.starts_at, "channel": to_come.channel},
        "awaiting_outcome": [session.session_id for session in sorted(scheduled, key=_start) if session.starts_at < at],
        "findings": [
            {"version": event.version, "code": finding.code, "clause": finding.clause}
            for event in events
            for finding in event.findings or ()
        ],
        "match": {role: said for role, (said, _) in state.match_answers.items()},
        "follows": state.follows,
        "possible": _possible(state),
    }


def _start(session: Session) -> datetime:
    return session.starts_at


def _counts_for_the_plan(state: Relationship, session: Session) -> bool:
    """Sessions count for the plan once the relationship is active: the contracting session does not."""
    began, ended = state.activated_at, session.ended_at
    return session.status == "completed" and began is not None and ended is not None and ended > began


def _possible(state: Relationship) -> dict[str, list[str]]:
    """By role, the commands that the state knows and the role may send; roles that nobody has are left out."""
    commands = [(name, may_send(COMMANDS[name])) for name in allowed(state.status)]
    present = [role for role in PEOPLE if role not in NAMED_ROLES or role == "supplier" or state.named(role)]
    return {role: [name for name, roles in commands if role in roles] for role in present}


def _sent_by_people(names: Iterable[str]) -> list[str]:
    """The commands that some other role than a worker may send."""
    return [name for name in names if may_send(COMMANDS[name]) - {"worker"}]


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
                "capacity": state.capacity,
                "standing": state.standing,
                "standings": dict(state.standings),
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
                "created": state.created,
                "version": state.version,
                "name": state.name,
                "timezone": state.timezone,
                "codes": list(state.codes_at(at)),
                "terms": _terms(state.settings_at(at)),
            }
        case Person():
            shown |= {
                "state": "restricted" if state.restricted else "registered" if state.registered else "unknown",
                "version": state.version,
                "registered": state.registered,
                "restricted": state.restricted,
                "entry": {name: getattr(state, name) for name in ENTRY},
            }
        case Relationship():
            raise AssertionError(subject)
        case _:
            assert_never(state)
    shown = _with_erased(shown, "operational")
    may = _MAY_SEND[kind]
    now = [name for name in sorted(_COMMANDS_OF[kind] - _over(state)) if may[COMMANDS[name]] - {"worker"}]
    possible = {role: [name for name in now if role in may[COMMANDS[name]]] for role in ROLES if role != "worker"}
    return shown | {"allowed": now, "possible": {role: names for role, names in possible.items() if names}}


def _over(state: State) -> set[str]:
    """The commands that have had their time: they are refused, or bring nothing new."""
    match state:
        case Mentor(standing=standing):
            over = {"RegisterMentor"} if state.registered else set()
            if standing == "removed":
                return over | {"RegisterMentor", "SuspendMentor", "ReinstateMentor", "RemoveMentor"}
            suspended = standing == "suspended" or "suspended" in state.standings.values()
            return over if suspended else over | {"ReinstateMentor"}
        case Case(status=status):
            return {
                "OpenCase",
                *(("EscalateCase", "DecideCase") if status in ("decided", "closed") else ()),
                *(("CloseCase",) if status == "closed" else ()),
            }
        case Programme():
            return {"CreateProgramme"} if state.created else set()
        case Person():
            return {
                "RegisterPerson" if state.registered else "CorrectPerson",
                "RestrictProcessing" if state.restricted else "LiftRestriction",
            }
        case Relationship():
            raise AssertionError(state.subject)
        case _:
            assert_never(state)
