"""The terms of programmes, folded from their streams as far as the log has been read."""

from domain.commitment.terms import DEFAULT, TermsInTime
from domain.programme.evolve import evolve
from domain.programme.state import Programme
from infra.projection_engine import log
from infra.projection_engine.lru import Recent
from infra.store.errors import StoreError
from infra.store.mapper import RapportMapper
from infra.store.session import Session

KEPT = 1000


class Programmes:
    """Looks terms up and remembers them; `forget` a programme that has new events."""

    def __init__(self, mapper: RapportMapper) -> None:
        self.reader = log.Reader(mapper)
        self._terms: Recent[str, TermsInTime] = Recent(KEPT)

    def terms(self, session: Session, programme_id: str | None, until: int) -> TermsInTime:
        """The terms of a programme over time, as far as they stand in the log up to a position.

        Raises:
            StoreError: an event of the programme can't be read, so its terms are not known.
        """
        if programme_id is None:
            return DEFAULT
        known = self._terms.get(programme_id)
        if known is None:
            known = self._terms[programme_id] = self._read(session, programme_id, until)
        return known

    def forget(self, programme_id: str) -> None:
        """Read the programme's stream again when it is asked for."""
        self._terms.pop(programme_id, None)

    def forget_all(self) -> None:
        """Read every programme's stream again."""
        self._terms.clear()

    def _read(self, session: Session, programme_id: str, until: int) -> TermsInTime:
        programme: Programme | None = None
        for entry in log.stream(session, self.reader, f"programme:{programme_id}", until):
            if entry.recorded is None:
                raise StoreError(f"the terms of programme {programme_id} are not known: {entry.error}")
            programme = evolve(programme, entry.recorded)
        return TermsInTime(programme.settings) if programme and programme.settings else DEFAULT
