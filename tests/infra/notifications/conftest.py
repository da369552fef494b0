"""What the tests of notifications have in common."""

from pathlib import Path

import pytest

from tests.infra.notifications.notes import SECRET


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    """A file with the secret that signs webhooks."""
    found = tmp_path / "webhook-secret"
    found.write_text(SECRET + "\n")
    return found


@pytest.fixture
def store_url(prepared_store_url: str) -> str:
    """The store of `settings`, for tests that open it by hand as well."""
    return prepared_store_url
