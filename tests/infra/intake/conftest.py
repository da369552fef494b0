"""A store at a moment, and handlers of other processes on it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from infra.bootstrap import Rapport, open_rapport
from infra.clock import Clock
from infra.intake.handler import Handler
from infra.settings import Settings

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def rapport(settings: Settings) -> Iterator[Rapport]:
    with open_rapport(settings.model_copy(update={"clock": NOW})) as opened:
        yield opened


def another(rapport: Rapport, cache_bytes: int = 2**20) -> Handler:
    """A handler with a cache of its own on the same store, as another process has."""
    return Handler(rapport.store, Clock(NOW), cache_bytes)
