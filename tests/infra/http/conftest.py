from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.http.server import Server, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the module's tests, on a store on SQLite that they share."""
    folder = tmp_path_factory.mktemp("served")
    with serving(f"sqlite:///{folder / 'store.sqlite'}", folder) as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
