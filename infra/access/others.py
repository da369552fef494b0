"""Mentors and conduct cases as a reader sees them.

A mentor is for the mentor to see, and for those who look after a programme that knows the mentor. A case is for hr and the
coordinator of the programme that it comes from, but for the person whom it is about; nobody else learns that there is one.
"""

from datetime import datetime
from typing import Any, Final

from domain.case.state import Case
from domain.words import NAMED_ROLES, Role
from infra.access.figures import in_own_programmes, theirs_of
from infra.access.seen import words_for
from infra.access.standing import Asker, scope
from infra.projection_engine.engine import Engine
from infra.projection_engine.pseudonyms import Pseudonyms
from infra.queries.as_at import Moment, counting, state_at
from infra.queries.subject import mentor_relationships, show_subject, show_unrecorded
from infra.queries.subject_words import holding, with_words
from infra.store.session import as_time

Shown = dict[str, Any]
LOOKS_AFTER_MENTORS: Final[frozenset[Role]] = frozenset({"coordinator", "supplier", "hr", "service", "auditor"})
LOOKS_AFTER_CASES: Final[frozenset[Role]] = frozenset({"coordinator", "hr"})
# Cases that a list has; open ones come first.
MOST_CASES: Final = 500
_OF_LIST: Final = ("id", "about", "kind", "status", "programme_id", "relationship_id", "opened_at")


class MayNot(Exception):
    """The asker may know that there is such a mentor, and no more."""


def mentor(
    engine: Engine,
    asker: Asker,
    id_: str,
    pseudonyms: Pseudonyms,
    moment: Moment,
    now: datetime,
    why: str | None = None,
) -> Shown | None:
    """The mentor as `rapport show` gives them, words sealed unless there is a reason to read them; None for those who may not know of them.

    Raises:
        MayNot: The asker is in a relationship with the mentor, and does not look after mentors.
    """
    engine.catch_up()
    own = asker.role == "mentor" and asker.reader.id.lower() == id_.lower()
    asker = in_own_programmes(engine, asker)
    if not own and not (asker.role in LOOKS_AFTER_MENTORS and _covers(engine, asker, id_)):
        where, params = scope(asker).and_("LOWER(mentor_id) = ?", id_.lower())
        if engine.database.query(f"SELECT 1 FROM relationships WHERE {where}", params):  # noqa: S608 - our own words
            raise MayNot
        return None
    subject = f"mentor:{id_}"
    shown = show_subject(engine.store, subject, moment, now) or show_unrecorded(engine, subject, moment, now)
    if shown is None:
        return None
    shown |= mentor_relationships(engine, subject, moment)
    shown = _with_words(engine, asker, shown, moment, now, why)
    return shown if own else _of_programmes(engine, asker, shown, pseudonyms)


def knows_person(engine: Engine, asker: Asker, id_: str) -> bool:
    """Whether somebody may know of a person's entry: their own, or of a person whom a relationship or mentor of theirs names."""
    if asker.reader.id.lower() == id_.lower():
        return True
    engine.catch_up()
    if asker.role == "coordinator" and _covers(engine, asker, id_):
        return True
    where, params = scope(asker)
    named = " OR ".join(f"LOWER({role}_id) = ?" for role in NAMED_ROLES)
    query = f"SELECT 1 FROM relationships WHERE {where} AND ({named}) LIMIT 1"  # noqa: S608 - our own words
    return bool(engine.database.query(query, (*params, *[id_.lower()] * len(NAMED_ROLES))))


def _covers(engine: Engine, asker: Asker, id_: str) -> bool:
    """Whether a programme that knows the mentor is one of the asker's; a supplier's mentors are those of their relationships."""
    if asker.role == "supplier":
        return id_.lower() in theirs_of(engine, asker).mentors
    rows = engine.database.query(
        "SELECT home_programme_id FROM mentors WHERE LOWER(mentor_id) = ? "
        "UNION SELECT programme_id FROM relationships WHERE LOWER(mentor_id) = ?",
        (id_.lower(), id_.lower()),
    )
    return any(asker.covers(programme_id) for (programme_id,) in rows)


def _of_programmes(engine: Engine, asker: Asker, shown: Shown, pseudonyms: Pseudonyms) -> Shown:
    """The mentor with the relationships and standings of the asker's programmes alone."""
    within = scope(asker) if asker.role == "supplier" else None
    if within is None:
        listed = [each for each in shown["relationships"] if asker.covers(each["programme_id"])]
    else:
        rows = engine.database.query(f"SELECT relationship_id FROM relationships WHERE {within.where}", within.params)  # noqa: S608 - our own words
        theirs = {row[0] for row in rows}
        listed = [each for each in shown["relationships"] if each["relationship_id"] in theirs]
    if asker.role == "auditor":
        listed = [each | {"mentee_id": pseudonyms(each["mentee_id"])} for each in listed]
    standings = {name: standing for name, standing in shown["standings"].items() if asker.covers(name)}
    if shown["standing"] == "good" and "suspended" not in standings.values():
        # Nor does what may be sent tell of a suspension elsewhere.
        shown = _without_command(shown, "ReinstateMentor")
    return shown | {
        "relationships": listed,
        "load": sum(each["state"] != "terminated" for each in listed),
        "standings": standings,
        "programme_id": shown["programme_id"] if asker.covers(shown["programme_id"]) else None,
    }


def _without_command(shown: Shown, command: str) -> Shown:
    possible = {role: [name for name in names if name != command] for role, names in shown["possible"].items()}
    return shown | {
        "allowed": [name for name in shown["allowed"] if name != command],
        "possible": {role: names for role, names in possible.items() if names},
    }


def case(engine: Engine, asker: Asker, id_: str, moment: Moment, now: datetime, why: str | None = None) -> Shown | None:
    """The case as `rapport show` gives it, words sealed unless there is a reason to read them; None for those who may not know of it."""
    found = state_at(engine.store.read(f"case:{id_}"))
    if asker.role not in LOOKS_AFTER_CASES or not isinstance(found, Case):
        return None
    if not asker.covers(found.programme_id) or _is_about(found, asker):
        return None
    shown = show_subject(engine.store, f"case:{id_}", moment, now)
    if shown is None:
        return None
    return _with_words(engine, asker, shown, moment, now, why)


def cases(engine: Engine, asker: Asker) -> list[Shown]:
    """The cases that the asker may know of, as the dataset has them: those that are not closed first, the newest of them at the top."""
    if asker.role not in LOOKS_AFTER_CASES:
        return []
    engine.catch_up()
    rows = engine.database.query(
        "SELECT case_id, about, kind, status, programme_id, relationship_id, opened_at FROM cases "
        "ORDER BY CASE status WHEN 'closed' THEN 1 ELSE 0 END, opened_at DESC, case_id LIMIT ?",
        (MOST_CASES,),
    )
    own = asker.reader.id.lower()
    return [
        dict(zip(_OF_LIST, (*row[:-1], as_time(row[-1])), strict=True))
        for row in rows
        if asker.covers(row[4]) and row[1].rpartition(":")[2].lower() != own
    ]


def _is_about(found: Case, asker: Asker) -> bool:
    return found.about.rpartition(":")[2].lower() == asker.reader.id.lower()


def _with_words(engine: Engine, asker: Asker, shown: Shown, moment: Moment, now: datetime, why: str | None) -> Shown:
    subject = shown["id"]
    events = holding(counting(engine.store.read(subject), moment))
    words = words_for(engine.store, lambda: engine, subject, asker.reader, events, now, why)
    return with_words(shown, events, words)
