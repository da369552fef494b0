"""The store on which roads are tried, made once for all files of the group `roads`."""

from collections.abc import Iterator

import pytest

from tests.infra.access.roads import Told, telling


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with telling(tmp_path_factory.mktemp("roads")) as told:
        yield told
