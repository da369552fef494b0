from collections.abc import Iterator

import pytest

from infra.bootstrap import open_rapport
from infra.settings import Settings
from tests.infra.worker_runtime.harness import WorkerHarness


@pytest.fixture
def harness(settings: Settings) -> Iterator[WorkerHarness]:
    """An empty store of either kind."""
    with open_rapport(settings) as rapport:
        yield WorkerHarness(rapport)
