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
