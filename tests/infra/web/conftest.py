from collections.abc import Iterator

import orjson
import pytest

from tests.infra.http import telling
from tests.infra.web.browsing import Served, serving_pages


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The app with the story of tests.infra.http.telling, for tests that only read."""
    with serving_pages(tmp_path_factory.mktemp("pages"), clock="2026-03-20T09:00:00Z") as served:
        served.tell([orjson.dumps(each) for each in telling.story()])
        yield served
