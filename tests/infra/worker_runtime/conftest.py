from collections.abc import Iterator

import pytest

from infra.bootstrap import open_rapport
from infra.settings import Settings
from tests.infra.worker_runtime.office import Office


@pytest.fixture
def office(settings: Settings) -> Iterator[Office]:
    """An empty store of either kind."""
    with open_rapport(settings) as rapport:
        yield Office(rapport)
