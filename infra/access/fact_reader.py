"""Operational facts as one reader may have them: those of their programmes, without what the topic withholds from their role."""

from typing import Final, NamedTuple

from domain.words import Role
from infra.kafka.adopted import Adopted
from infra.kafka.facts import fact
from infra.operations.logs import logger
from infra.operations.mistake import report_mistake
from infra.store.log import EventStore, LoggedEvent

# Events that are looked at in one go: most are facts, those of other programmes and those withheld are not.
LOOK: Final = 1000

log = logger("rapport.facts")


class Page(NamedTuple):
    """Facts, the position up to which the log was looked through for them, and whether there is more behind."""

    facts: list[tuple[int, bytes]]
    position: int
    more: bool


class FactReader:
    """Reads the facts for a role and programmes (ids in lower case; None: all). Its methods wait for the database: call them in a thread."""

    def __init__(
        self, store: EventStore, source: str, adopted: Adopted, role: Role, programmes: frozenset[str] | None
    ) -> None:
        self._store = store
        self._source = source
        self._adopted = adopted
        self._role = role
        self._programmes = programmes

    def page(self, after: int, limit: int) -> Page:
        """Facts after a position, as far as one look at the log goes."""
        notes = self._store.logged(after, LOOK)
        found: list[tuple[int, bytes]] = []
        for note in notes:
            if (body := self._fact(note)) is not None:
                found.append((note.position, body))
                if len(found) == limit:
                    return Page(found, note.position, more=True)
        return Page(found, notes[-1].position if notes else after, more=len(notes) == LOOK)

    def _fact(self, note: LoggedEvent) -> bytes | None:
        """The fact of an event, None where it is withheld; a mistake of ours in one keeps back no other."""
        try:
            recorded = self._store.decode_facts(note)
            terms = self._adopted.of(recorded)
            if not self._covered(terms.programme_id):
                return None
            return fact(recorded, self._source, note.position, terms.codes, self._role)
        except Exception as error:  # noqa: BLE001 - whatever it is
            report_mistake(log, "Rapport failed on a fact, and does not send it", error, position=note.position)
            return None

    def _covered(self, programme_id: str | None) -> bool:
        """Whether the reader's programmes cover that of an event."""
        return self._programmes is None or (programme_id is not None and programme_id.lower() in self._programmes)
