"""One programme or relationship that can't be read hides nobody else's row, and far-off days are answered."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from infra.cli.app import build
from infra.store.opening import open_database
from tests.messages import contact, line, proposal, relationship_id

BROKEN, WHOLE = relationship_id(1), relationship_id(2)


@pytest.fixture
def harmed(store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Two active relationships of two programmes; the stream that the parameter names has a damaged event."""
    monkeypatch.setenv("RAPPORT_STORE", store_url)
    monkeypatch.setenv("RAPPORT_SYNCHRONOUS", "off")
    monkeypatch.chdir(tmp_path)
    told = []
    for number, programme in ((1, "bad"), (2, "good")):
        told += [
            line("CreateProgramme", {"name": programme}, subject=f"programme:{programme}", id=f"create-{number}"),
            proposal(number, programme_id=programme),
            line(
                "RespondToMatch",
                {"accept": True},
                subject=relationship_id(number),
                id=f"ana-{number}",
                actor="mentee:ana",
            ),
            line(
                "RespondToMatch",
                {"accept": True},
                subject=relationship_id(number),
                id=f"ben-{number}",
                actor="mentor:ben",
            ),
            line("ActivateRelationship", subject=relationship_id(number), id=f"activate-{number}"),
            contact(number, f"c{number}"),
        ]
    (tmp_path / "told.jsonl").write_bytes(b"\n".join(told) + b"\n")
    rapport("submit", "--no-datasets", "told.jsonl")
    with open_database(store_url) as database, database.transaction() as session:
        session.execute(
            "UPDATE stored_events SET topic = 'FromTheFuture#9' WHERE originator_id = ? AND originator_version = 1",
            (request.param,),
        )


def rapport(*arguments: str) -> Result:
    return CliRunner().invoke(build(), list(arguments))


def answer(*arguments: str) -> Any:
    found = rapport(*arguments, "--json")
    assert found.exit_code == 0, (arguments, found.output)
    return json.loads(found.stdout)


@pytest.mark.parametrize("harmed", ["programme:bad", BROKEN], indirect=True)
@pytest.mark.usefixtures("harmed")
def test_everybody_else_is_answered() -> None:
    for known in ([], ["--known-at", "2999-01-01T00:00:00Z"]):
        assert WHOLE in {row["relationship_id"] for row in answer("health", *known)}
    assert WHOLE in {row["relationship_id"] for row in answer("what-if", "--set", "late_notice_hours=48")}
    assert answer("health", WHOLE)["relationship_id"] == WHOLE
    assert answer("show", WHOLE)["state"] == "active"
    assert answer("tasks") is not None
    assert answer("nps", "--by", "programme") is not None
    for dataset in ("relationships", "commitment_health", "timeline"):
        assert rapport("export", dataset, "-o", f"{dataset}.jsonl").exit_code == 0
        assert WHOLE in Path(f"{dataset}.jsonl").read_text()


@pytest.mark.parametrize("harmed", ["programme:bad"], indirect=True)
@pytest.mark.usefixtures("harmed")
def test_a_relationship_of_a_programme_that_cannot_be_read_is_left_out_and_told() -> None:
    found = rapport("health", "--json")
    assert BROKEN not in {row["relationship_id"] for row in json.loads(found.stdout)}
    assert f"{BROKEN} is left out" in found.stderr
    one = rapport("health", BROKEN)
    assert (one.exit_code, "terms of programme bad are not known" in one.stderr) == (1, True)


@pytest.mark.parametrize("harmed", ["nobody"], indirect=True)
@pytest.mark.usefixtures("harmed")
@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2026-03-01"])
def test_far_off_days_are_answered(day: str) -> None:
    assert answer("nps", "--from", "0001-01") is not None
    assert answer("nps", "--as-of", f"{day}T23:59:59Z") is not None
    assert answer("health", "--as-of", f"{day}T23:59:59Z") is not None
