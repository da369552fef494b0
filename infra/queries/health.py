"""Commitment health of one relationship or all, at any time, as it was known at any time, and under other terms."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from heapq import merge
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from domain.commitment import Change, Health, after_the_end, reason
from domain.model import events_of
from domain.programme.events import CodeAdopted, ProgrammeCreated, TermSet, TermWithdrawn
from domain.programme.state import UNKNOWN, Programme
from domain.registry import kind_of
from domain.relationship.events import FactCorrected
from infra.projection_engine import rows
from infra.projection_engine.engine import Engine
from infra.queries.as_at import END, Asked, Found, Moment, TermsThen, UnknownTerms, known_state, state_in
from infra.queries.known_then import Since, reader_of, since, whole
from infra.store import log_reader
from infra.store.log import EventStore
from infra.store.read_once import ReadOnce
from infra.store.session import StoreSession
from projections import commitment
from workers.commitment import CLAUSE, SIGNAL

# So many are read from the log at a time.
STREAMS = 200
Shown = dict[str, Any]
_Known = Found[commitment.State]


class ImpossibleTerms(ValueError):
    """What-if values that no document could set, since the bands would be out of order."""


class Assessed(NamedTuple):
    """The health of a relationship at a time, and how it came about."""

    relationship_id: str
    found: Found[commitment.State]
    health: Health
    changes: tuple[Change, ...]


def assess_one(
    store: EventStore,
    subject: str,
    asked: Asked,
    overrides: Mapping[str, float] | None = None,
    without: Collection[int] = (),
    last: int = END,
) -> Assessed | None:
    """Health of one relationship, from its own events up to the `last` version; None when it did not exist, or was not known, by then.

    `without` are versions of which a reader may not know what they are: the health is told as if they had not happened.

    Raises:
        ImpossibleTerms: under `overrides` the bands would be out of order.
    """

    def those(entries: Iterable[log_reader.LogEntry]) -> list[log_reader.LogEntry]:
        return [each for each in entries if each.version <= last and each.version not in without]

    if isinstance(store, ReadOnce):
        # It was read to know who may ask.
        stream = store.stream(subject)

        def known() -> _Known:
            entries = those(log_reader.placed(stream.events, store.positions(subject)))
            return known_state(commitment.PROJECTION, entries, asked.known_at, lambda: entries)

        as_known = asked.known_at is None and last == END
        # The walk through what was found goes on where it ended, for one at a time.
        with stream.turn:
            found = stream.once(("health", frozenset(without)), known) if as_known else known()
            return _assessed(subject, found, asked, _terms_of(store, asked.known_at), overrides)
    with store.database.reading() as session:
        reader = _reader(store)
        found = known_state(
            commitment.PROJECTION,
            those(log_reader.stream(session, reader, subject, END)),
            asked.known_at,
            lambda: those(whole(store, session, subject, END)),
        )
        return _assessed(subject, found, asked, TermsThen.known_at(session, reader, asked.known_at), overrides)


def _terms_of(store: ReadOnce, known_at: datetime | None) -> TermsThen:
    """The terms of programmes whose streams are read once."""

    def read(programme_id: str) -> Programme:
        state = state_in(store.stream(f"programme:{programme_id}"), Moment(known_at=known_at))
        return state if isinstance(state, Programme) else UNKNOWN

    return TermsThen(read)


def _reader(store: EventStore) -> log_reader.LogReader:
    """Reads what health depends on."""
    others = ProgrammeCreated | CodeAdopted | TermSet | TermWithdrawn | FactCorrected
    return log_reader.LogReader(store.mapper, commitment.PROJECTION.listens | events_of(others))


def assess_all(engine: Engine, asked: Asked) -> Iterator[Assessed]:
    """Health of every relationship that existed by then, in order of id.

    What was known is read from the projection's states, which is fast; where a fact was corrected since, from the log. Relationships of
    a programme that can't be read are left out and noted. One that has ended comes without its changes.
    """
    return (assessed for (assessed,) in _assess_all(engine, asked, (None,)))


def compare_all(engine: Engine, asked: Asked, overrides: Mapping[str, float]) -> Iterator[tuple[Assessed, Assessed]]:
    """As `assess_all`, beside the health of the same relationship under `overrides`.

    Raises:
        ImpossibleTerms: Under these the bands would be out of order.
    """
    return ((present, other) for present, other in _assess_all(engine, asked, (None, overrides)))


def _assess_all(
    engine: Engine, asked: Asked, terms_of: Sequence[Mapping[str, float] | None]
) -> Iterator[list[Assessed]]:
    """Each relationship once for each of these overrides; it is read once."""
    position = engine.catch_up()
    with engine.database.reading() as session:
        terms = TermsThen.known_at(session, _reader(engine.store), asked.known_at)
        known = (
            _known_now(engine, session)
            if asked.known_at is None
            else _known_then(engine, session, asked.known_at, position)
        )
        for subject, found in known:
            try:
                assessed = [_assessed(subject, found, asked, terms, each, with_changes=False) for each in terms_of]
            except UnknownTerms as error:
                # Everybody else's answer does not depend on it.
                engine.watcher.note(f"{subject} is left out: {error}")
                continue
            existing = [each for each in assessed if each is not None]
            if existing:
                yield existing


def _assessed(
    subject: str,
    found: _Known,
    asked: Asked,
    terms: TermsThen,
    overrides: Mapping[str, float] | None,
    *,
    with_changes: bool = True,
) -> Assessed | None:
    """Without changes, those of a relationship that has ended are not looked for."""
    if found.state is None:
        return None
    in_time = terms.of(found.state.programme_id, tuple((overrides or {}).items()))
    if problem := in_time.with_own(found.state.facts.own).order_problem():
        raise ImpossibleTerms(problem.message)
    if not with_changes and (ended := after_the_end(found.state.facts, asked.at)):
        return Assessed(subject, found, ended, ())
    health, changes = reason(found.state.facts, asked.at, in_time)
    return None if health.status is None else Assessed(subject, found, health, changes)


def _known_now(engine: Engine, session: StoreSession) -> Iterator[tuple[str, _Known]]:
    for subject, state, stale_since in rows.states(session, engine.projections, commitment.PROJECTION):
        yield subject, Found(state, stale_since)


def _known_then(
    engine: Engine, session: StoreSession, known_at: datetime, position: int
) -> Iterator[tuple[str, _Known]]:
    """What was known by a time, where the projection's states are those of a position."""
    later = since(engine, session, commitment.PROJECTION, known_at, position)
    again = sorted(subject for subject in later.refolded if kind_of(subject) == "relationship")
    engine.watcher.begin("reading the log", len(again))
    return merge(
        _from_states(engine, session, later), _read_again(engine, session, again, known_at, later), key=itemgetter(0)
    )


def _from_states(engine: Engine, session: StoreSession, later: Since) -> Iterator[tuple[str, _Known]]:
    for subject, state, stale_since in rows.states(session, engine.projections, commitment.PROJECTION):
        version = later.first_versions.get(subject)
        if version is None:
            yield subject, Found(state, stale_since)
        elif subject not in later.refolded:
            yield subject, Found(commitment.before(state, version))


def _read_again(
    engine: Engine, session: StoreSession, subjects: Sequence[str], known_at: datetime, later: Since
) -> Iterator[tuple[str, _Known]]:
    reader = reader_of(engine.store, commitment.PROJECTION)
    for start in range(0, len(subjects), STREAMS):
        some = subjects[start : start + STREAMS]
        entries = list(log_reader.these(session, reader, some, later.until))
        for subject, stream in groupby(entries, attrgetter("subject")):
            with_all = partial(whole, engine.store, session, subject, later.until)
            yield subject, known_state(commitment.PROJECTION, list(stream), known_at, with_all)
        engine.watcher.done(len(some))


def shown(assessed: Assessed) -> Shown:
    """Returns health in its JSON shape."""
    health, state = assessed.health, assessed.found.state
    answer: Shown = {
        "relationship_id": assessed.relationship_id,
        "as_of": health.as_of,
        "policy": health.policy,
        "status": health.status,
        "score": health.score,
        "band": health.band,
        "mentee_score": health.mentee_score,
        "mentor_score": health.mentor_score,
        "signals": [signal._asdict() for signal in health.signals],
        "next_change_at": health.next_change_at,
        "since": assessed.changes[-1].at if assessed.changes and health.score is not None else None,
        "programme_id": state.programme_id if state else None,
        "mentor_id": state.mentor_id if state else None,
    }
    if assessed.found.stale_since is not None:
        answer["stale_since"] = assessed.found.stale_since
    return answer


def concerns(health: Health) -> list[Shown]:
    """The concerns about commitment that the workers raise while this is how things are."""
    evidence = {
        version
        for signal in health.signals
        if signal.signal == SIGNAL and CLAUSE in signal.clauses
        for version in signal.evidence
    }
    return [{"clause": CLAUSE, "evidence": sorted(evidence)}] if evidence else []
