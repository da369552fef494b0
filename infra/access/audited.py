"""What an auditor sees of who read words and of what was tried in vain: persons under pseudonyms, and nothing that tells of a report.

A read of words that were reported or disclosed in confidence, and a message that would have reported something, keep their place and
time; what they were about is withheld. Reasons are people's words, which auditors do not read (`process` in the matrix of sharing).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple

from domain.ids import MACHINES
from domain.registry import COMMAND_OF
from domain.sharing import confidential
from domain.sharing.cells import cell
from infra.access.seen import Seen
from infra.access.standing import Asker, scope
from infra.intake.message import PREFIX
from infra.projection_engine.engine import Engine
from infra.projection_engine.pseudonyms import Pseudonyms
from infra.queries.attempts import attempts as attempts_of
from infra.store import reads as kept

Shown = dict[str, Any]
WITHHELD: Final = "withheld"
WORKER: Final = "worker:"
# What would be recorded as an event of which most people may not know.
_REPORTS: Final = frozenset(
    f"{PREFIX}{command}" for event, command in COMMAND_OF.items() if event in confidential.EVENTS
)
_TOLD: Final = "safeguarding"


class Listed(NamedTuple):
    """A part of a list, the newest first, and whether there is more."""

    items: list[Shown]
    more: bool


class Audited:
    """The lists of one auditor."""

    def __init__(self, engine: Engine, asker: Asker, pseudonyms: Pseudonyms, now: datetime) -> None:
        self._engine, self._asker, self._pseudonyms, self._now = engine, asker, pseudonyms, now
        self._store = engine.store

    def attempts(self, skip: int, limit: int, subject: str | None = None, *, of_workers: bool = True) -> Listed:
        """The messages that were refused, of one subject or of all, the newest first; those of Rapport's own workers may be left out."""
        theirs = self._theirs()
        found = [
            each
            for each in reversed(attempts_of(self._store.database, subject))
            if theirs(each["subject"]) and (of_workers or not each["actor"].startswith(WORKER))
        ]
        page = found[skip : skip + limit]
        return Listed([self._attempt(each) for each in page], len(found) > skip + limit)

    def _attempt(self, each: Shown) -> Shown:
        shown = {name: each[name] for name in ("at", "time", "type", "subject", "status")}
        shown["actor"] = self._person(each["actor"])
        shown["subject"] = self._pseudonyms(each["subject"], reference=True)
        # Messages may name people: the code and the clause say enough.
        shown["problems"] = [{name: problem[name] for name in ("code", "clause")} for problem in each["problems"]]
        if each["type"] in _REPORTS or each["subject"].startswith("case:"):
            shown |= {"type": WITHHELD, "actor": None, "problems": []}
        return shown

    def reads(self, skip: int, limit: int, subject: str | None = None) -> Listed:
        """Who read words of which class of which event under which clause, of one subject or of all, the newest first."""
        theirs = self._theirs()
        found = [each for each in reversed(kept.reads_of(self._store.database, subject)) if theirs(each.subject)]
        page = found[skip : skip + limit]
        seen: Mapping[str, frozenset[int]] = {
            subject: self._withheld(subject) for subject in {each.subject for each in page}
        }
        return Listed([self._read(each, seen[each.subject]) for each in page], len(found) > skip + limit)

    def _read(self, each: kept.Read, withheld: frozenset[int]) -> Shown:
        shown: Shown = {
            "at": each.at,
            "reader": self._reader(each.reader),
            "subject": self._pseudonyms(each.subject, reference=True),
            "version": each.version,
            "data_class": each.data_class,
            "clause": each.clause,
            "why": each.why
            if cell("process", self._asker.role)
            else each.why and {"sealed": "process", "clause": None},
        }
        if each.data_class == _TOLD or each.version in withheld or each.subject.startswith("case:"):
            shown |= {"data_class": WITHHELD, "clause": None, "reader": None}
        return shown

    def _reader(self, reader: str) -> str:
        """A reader under a pseudonym; the operator's login stays, for it is no person of the record."""
        operator, as_, role = reader.partition(" as ")
        if as_:
            return f"{operator} as {self._person(role)}"
        return self._person(reader)

    def _person(self, actor: str) -> str:
        """Somebody who acted or read, under a pseudonym; a worker or service is no person."""
        return actor if actor.partition(":")[0] in MACHINES else self._pseudonyms(actor, reference=True)

    def _withheld(self, subject: str) -> frozenset[int]:
        if ":" in subject:
            return frozenset()
        seen = Seen.of(self._store, lambda: self._engine, self._asker, subject, self._now)
        return frozenset() if seen is None else seen.withheld

    def _theirs(self) -> Callable[[str], bool]:
        """Whether a subject is of the auditor's programmes; of none are mentors, cases and people, for who audits all."""
        if self._asker.programmes is None:
            return lambda _: True
        self._engine.catch_up()
        where, params = scope(self._asker)
        rows = self._engine.database.query(f"SELECT relationship_id FROM relationships WHERE {where}", params)  # noqa: S608 - our own words
        return partial(_is_theirs, frozenset(subject for (subject,) in rows), self._asker)


def _is_theirs(relationships: frozenset[str], asker: Asker, subject: str) -> bool:
    kind, colon, id_ = subject.partition(":")
    return asker.covers(id_) if colon and kind == "programme" else subject in relationships
