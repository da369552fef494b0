"""RestrictProcessing stops the use of a person's data for everything but storing it: no report, no export and no dataset has it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.sharing.question import Reader
from domain.words import Role
from infra.access.datasets import open_dataset
from infra.access.standing import Asker
from infra.bootstrap import open_rapport
from infra.projection_engine.pseudonyms import Pseudonyms
from infra.queries.as_at import NOW, Moment
from infra.settings import Settings
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


@pytest.mark.parametrize("role", ["coordinator", "service", "analyst", "auditor"])
def test_no_dataset_over_http_and_on_pages_has_it(role: Role, tmp_path: Path) -> None:
    other = (ID[:-1] + "d", "ProposeRelationship", "01T09", "coordinator:cora", {"programme_id": "spring", "mentee_id": "ola", "mentor_id": "pat", "codes": []})  # fmt: skip
    store = store_of((*CONFIRMED, other), tmp_path)

    def read(name: str, moment: Moment = NOW) -> set[str]:
        with open_rapport(Settings(store=store, synchronous="off")) as rapport:
            pseudonyms, now = Pseudonyms(rapport.store.identity.secret), rapport.clock.now()
            asker = Asker(Reader(role, "somebody"), None)
            found = open_dataset(rapport.engine(), asker, name, pseudonyms, moment, now)
            place = [column.name for column in found.columns].index("relationship_id")
            return {row[place] for row in found.rows}

    then = Moment(datetime(2026, 3, 5, tzinfo=UTC))
    assert read("relationships") == read("relationships", then) == {ID, other[0]}
    assert read("sessions") == {ID}
    tell(store, [("person:ana", "RestrictProcessing", "12T09", "mentee:ana", {"reason": "It is wrong"})])
    assert read("relationships") == read("relationships", then) == {other[0]}
    assert read("sessions") == set()
    tell(store, [("person:ana", "LiftRestriction", "13T09", "hr:hanna", {})])
    assert read("relationships") == {ID, other[0]}
