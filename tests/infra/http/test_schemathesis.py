"""The API is what its document says: schemathesis sends what the document allows and what it forbids, and looks at every answer.

It does so as readers of every kind: an office that knows of everything, a party, a program, and those who read under pseudonyms.
`SCHEMATHESIS_EXAMPLES` is how many requests it makes up for each call; a long run finds rarer things, another `SCHEMATHESIS_SEED` others.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.http.asking import RELATIONSHIP
from tests.command import own_environment
from tests.infra.http.server import Server, serving
from tests.infra.http.telling import ELSEWHERE, PARTIES, PROGRAMME, tell, told
from tests.infra.http.test_messages import post
from tests.sizes import THOROUGH, size

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", str(size(3, 40)))
# What a request may not be is the same for everybody: the office tries each way for a request to be wrong, the others some.
PHASES = {
    "coordinator:cora": "examples,coverage,fuzzing",
    **dict.fromkeys(("mentee:ana", "service:booking", "analyst:alf", "auditor:ada"), "examples,fuzzing"),
}
SEED = os.environ.get("SCHEMATHESIS_SEED", "1")
ALL_ROLES = [*PARTIES, "coordinator"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The story, and the relationship of the document's examples, on a server at the time of the story."""
    folder = tmp_path_factory.mktemp("schemathesis")
    options = {"RAPPORT_CLOCK": "2026-03-20T09:00:00Z"}
    with serving(f"sqlite:///{folder / 'store.sqlite'}", folder, "--api-only", **options) as found:
        with found.client("service:booking", acts_for=ALL_ROLES) as client:
            tell(client)
            data = {"programme_id": PROGRAMME, "mentee_id": "ana", "mentor_id": "ben", "codes": []}
            sent = told("ProposeRelationship", "coordinator:cora", "03-02T09:00", data, RELATIONSHIP)
            assert post(client, sent).status_code == 200
        yield found


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What Hypothesis works out of Unicode, which takes a second, is worked out for the first reader and kept for the others."""
    return str(tmp_path_factory.mktemp("hypothesis"))


@pytest.mark.parametrize("reader", PHASES)
def test_no_request_of_its_making_gets_an_answer_that_the_document_does_not_have(
    server: Server, reader: str, storage: str, tmp_path: Path
) -> None:
    command = [
        str(Path(sys.executable).parent / "st"),
        f"--config-file={HERE / 'schemathesis.toml'}",
        "run",
        f"{server.url}/openapi.json",
        f"--header=Authorization: Bearer {server.token(reader, programmes=[PROGRAMME, ELSEWHERE])}",
        f"--seed={SEED}",
        f"--max-examples={EXAMPLES}",
        f"--phases={'examples,coverage,fuzzing' if THOROUGH else PHASES[reader]}",
        "--generation-database=none",
        "--continue-on-failure",
        "--no-shrink",
    ]
    env = own_environment(
        SCHEMATHESIS_HOOKS="schemathesis_hooks", PYTHONPATH=f"{HERE}:{ROOT}", HYPOTHESIS_STORAGE_DIRECTORY=storage
    )
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Rapport failed" not in server.log
