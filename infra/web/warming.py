"""What the first visitors of a large store would wait for, done while the server starts: templates, charts, and what is held back from whom.

A small store is not worth it: its first answers are quick, and a server of a test or a demo starts at once.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from domain.sharing.question import Reader
from infra.access.secrets import secrets_of, with_secret_health
from infra.access.standing import Asker
from infra.bootstrap import Rapport
from infra.web.catalogue import LANGUAGES
from infra.web.figures import load
from infra.web.page import environment

# Events from which on it is worth it.
LARGE: Final = 20_000
# Relationships that are looked at between two questions whether the server is to stop.
PART: Final = 50
_TEMPLATES: Final = Path(__file__).parent / "templates"


def warming(rapport: Rapport) -> Callable[[Callable[[], bool]], None] | None:
    """What fills what pages keep, until it is told to stop; None where first visitors would not wait.

    Raises:
        StoreError: The store can't answer.
    """
    return partial(_warm, rapport) if rapport.store.head() >= LARGE else None


def _warm(rapport: Rapport, stopped: Callable[[], bool]) -> None:
    steps: tuple[Callable[[], object], ...] = (
        _compile_templates,
        load,
        lambda: with_secret_health(rapport.store),
        lambda: _hold_back(rapport, stopped),
    )
    for step in steps:
        if stopped():
            return
        step()


def _compile_templates() -> None:
    for language in LANGUAGES:
        found = environment(language)
        for file in _TEMPLATES.glob("*.j2"):
            found.get_template(file.name)


def _hold_back(rapport: Rapport, stopped: Callable[[], bool]) -> None:
    """How relationships stand to their suppliers, who see the health of many and may know of no report."""
    engine = rapport.engine()
    engine.catch_up()
    rows = engine.database.keyed(
        "SELECT supplier_id, relationship_id, programme_id FROM relationships "
        "WHERE relationship_id IN ({keys}) AND supplier_id IS NOT NULL",
        [(subject,) for subject in with_secret_health(rapport.store)],
    )
    for start in range(0, len(rows), PART):
        of_supplier: dict[str, dict[str, str]] = {}
        for supplier, subject, programme in rows[start : start + PART]:
            of_supplier.setdefault(supplier, {})[subject] = programme
        for supplier, programme_of in of_supplier.items():
            if stopped():
                return
            asker = Asker(Reader("supplier", supplier), None)
            secrets_of(rapport.store).standings(engine, asker, programme_of, rapport.clock.now())
