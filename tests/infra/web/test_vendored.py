import json

import pytest

from tests.infra.web.vendored import KEPT, ROOT, Kept, digest


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.package)
def test_a_vendored_script_is_the_one_on_its_record_with_its_licence_beside_it(kept: Kept) -> None:
    record = json.loads(kept.record.read_text())
    assert (record["file"], record["package"], record["sha256"]) == (
        kept.target.name,
        kept.package,
        digest(kept.target.read_bytes()),
    )
    assert kept.licence.stat().st_size
    assert record["licence"]


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.package)
def test_the_makefile_names_the_version_that_is_kept(kept: Kept) -> None:
    name = "HTMX" if kept.package == "htmx.org" else "AXE"
    assert f"{name} := {json.loads(kept.record.read_text())['version']}\n" in (ROOT / "Makefile").read_text()
