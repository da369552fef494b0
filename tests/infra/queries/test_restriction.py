"""RestrictProcessing stops the use of a person's data for everything but storing it: no report and no export has it."""

import json
from pathlib import Path
from typing import Any

from tests import command
from tests.command import own_environment
from tests.infra.queries.test_report import CONFIRMED, ID, store_of
from tests.infra.queries.test_sharing import tell


def test_a_restricted_persons_data_is_in_no_report_and_no_export(tmp_path: Path) -> None:
    other = (ID[:-1] + "d", "ProposeRelationship", "01T09", "coordinator:cora", {"programme_id": "spring", "mentee_id": "ola", "mentor_id": "pat", "codes": []})  # fmt: skip
    store = store_of((*CONFIRMED, other), tmp_path)
    environment = own_environment(RAPPORT_STORE=store)

    def run(*arguments: str) -> Any:
        return command.rapport(*arguments, env=environment, cwd=tmp_path)

    def exported(dataset: str, *more: str) -> set[str]:
        assert run("export", dataset, "-o", "out.jsonl", *more).returncode == 0
        rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        return {row["relationship_id"] for row in rows}

    assert exported("relationships") == {ID, other[0]}
    tell(store, [("person:ana", "RestrictProcessing", "12T09", "mentee:ana", {"reason": "It is wrong"})])
    refused = run("report", ID, "--to", "line_manager")
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert b"LiftRestriction" in refused.stderr
    assert exported("relationships") == {other[0]}
    assert exported("sessions") == set()
    assert exported("relationships", "--as-of", "2026-03-05T00:00:00Z") == {other[0]}
    assert run("subject", "ana").returncode == 0  # the person's own right to know stays
    tell(store, [("person:ana", "LiftRestriction", "13T09", "hr:hanna", {})])
    assert exported("relationships") == {ID, other[0]}
    assert run("report", ID, "--to", "line_manager").returncode == 0
