"""Exported files: the same rows in three forms, typed, with a manifest that tells the truth, the same bytes each time."""

import csv
import io
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from domain.sharing.question import Reader
from infra.access.datasets import open_dataset
from infra.access.standing import Asker
from infra.export.exporting import MANIFEST_SUFFIX, Unknown, export
from infra.export.writing import write_csv
from infra.projection_engine.build import rebuild
from infra.projection_engine.engine import Engine
from infra.projection_engine.pseudonyms import Pseudonyms
from infra.queries.as_at import NOW, Moment
from projections.catalogue import datasets
from tests.infra.projection_engine.harness import ProjectionHarness, day, everything
from tests.stores import opened

DUCKDB = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "real": "DOUBLE",
    "boolean": "BOOLEAN",
    "time": "TIMESTAMP WITH TIME ZONE",
    "day": "DATE",
    "integers": "BIGINT[]",
    "texts": "VARCHAR[]",
}


@pytest.fixture(scope="module")
def engine(shared_store_url: str) -> Iterator[Engine]:
    with opened(shared_store_url) as database:
        harness = ProjectionHarness(database, day(40))
        harness.append(everything())
        yield harness.engine()


def manifest_of(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.with_name(file.name + MANIFEST_SUFFIX).read_bytes())
    return found


@pytest.mark.parametrize("name", list(datasets()))
def test_parquet_has_the_types_of_the_columns(engine: Engine, tmp_path: Path, name: str) -> None:
    file = tmp_path / f"{name}.parquet"
    export(engine, name, file)
    described = duckdb.execute(f"DESCRIBE SELECT * FROM '{file}'").fetchall()
    assert {row[0]: row[1] for row in described} == {c.name: DUCKDB[c.type] for c in datasets()[name].columns}


def test_the_three_forms_hold_the_same_rows(engine: Engine, tmp_path: Path) -> None:
    for form in ("csv", "jsonl", "parquet"):
        export(engine, "sessions", tmp_path / f"sessions.{form}")
    with (tmp_path / "sessions.csv").open(newline="") as file:
        from_csv = list(csv.DictReader(file))
    from_json = [json.loads(line) for line in (tmp_path / "sessions.jsonl").read_text().splitlines()]
    from_parquet = pq.read_table(tmp_path / "sessions.parquet").to_pylist()
    assert len(from_csv) == len(from_json) == len(from_parquet) > 20
    assert [row["session_id"] for row in from_csv] == [row["session_id"] for row in from_json]
    for text, plain, typed in zip(from_csv, from_json, from_parquet, strict=True):
        assert plain == json.loads(json.dumps(typed, default=lambda at: at.isoformat().replace("+00:00", "Z")))
        assert text["starts_at"] == plain["starts_at"]
        assert text["minutes_spent"] == ("" if plain["minutes_spent"] is None else str(plain["minutes_spent"]))
        assert text["contracting"] in {"", "true", "false"}


def test_strings_are_encoded_by_dictionary(engine: Engine, tmp_path: Path) -> None:
    export(engine, "timeline", tmp_path / "t.parquet")
    group = pq.ParquetFile(tmp_path / "t.parquet").metadata.row_group(0)
    columns = {group.column(place).path_in_schema: group.column(place) for place in range(group.num_columns)}
    assert columns["type"].has_dictionary_page
    assert not columns["version"].has_dictionary_page


def test_rows_come_in_groups(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.export.writing.ROW_GROUP", 100)
    rows = export(engine, "timeline", tmp_path / "t.parquet")["rows"]
    assert pq.ParquetFile(tmp_path / "t.parquet").metadata.num_row_groups == -(-rows // 100)


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_the_same_record_gives_the_same_bytes(engine: Engine, tmp_path: Path, form: str) -> None:
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        export(engine, "commitment_signals", tmp_path / place / f"f.{form}")
        rebuild(engine, list(engine.projections))
    for suffix in ("", MANIFEST_SUFFIX):
        first, second = (tmp_path / place / f"f.{form}{suffix}" for place in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()
        assert first.stat().st_size > 0


def test_the_manifest_tells_what_the_file_is(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "goals.csv"
    returned = export(engine, "goals", file)
    manifest = manifest_of(file)
    assert manifest == returned
    assert manifest["sha256"] == sha256(file.read_bytes()).hexdigest()
    assert manifest["bytes"] == file.stat().st_size
    assert manifest["rows"] == len(file.read_text().splitlines()) - 1
    assert manifest["position"] == engine.store.head()
    assert manifest["policy"] == "commitment-health/2"
    assert manifest["codes"] == dict.fromkeys(("pentalog", "mentor247", "cmn", "leapfrog", "nottingham"), "1")
    assert [column["name"] for column in manifest["columns"]] == [c.name for c in datasets()["goals"].columns]


def test_some_columns_alone(engine: Engine, tmp_path: Path) -> None:
    export(engine, "goals", tmp_path / "g.csv", ["status"])
    export(engine, "goals", tmp_path / "h.jsonl", ["goal_id", "status"])
    assert (tmp_path / "g.csv").read_text().splitlines()[0] == "status"
    assert set(json.loads((tmp_path / "h.jsonl").read_text().splitlines()[0])) == {"goal_id", "status"}


@pytest.mark.parametrize(
    "name, file, columns, says",
    [
        ("sesions", "f.csv", None, "sessions"),
        ("sessions", "f.xlsx", None, ".parquet"),
        ("sessions", "f", None, ".parquet"),
        ("sessions", "f.csv", ["startsat"], "starts_at"),
    ],
)
def test_what_there_is_not_is_answered_with_what_there_is(
    engine: Engine, tmp_path: Path, name: str, file: str, columns: list[str] | None, says: str
) -> None:
    with pytest.raises(Unknown, match=says):
        export(engine, name, tmp_path / file, columns)
    assert list(tmp_path.glob("f*")) == []


def test_an_export_replaces_an_older_one(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "goals.csv"
    file.write_text("old")
    export(engine, "goals", file)
    assert file.read_text().startswith("relationship_id,")
    assert sorted(path.name for path in tmp_path.glob("*goals*")) == ["goals.csv", "goals.csv.manifest.json"]


def test_the_manifest_says_whether_cells_were_guarded(engine: Engine, tmp_path: Path) -> None:
    assert export(engine, "sessions", tmp_path / "s.csv")["guarded"] is True
    assert export(engine, "sessions", tmp_path / "s.csv", raw=True)["guarded"] is False
    assert export(engine, "sessions", tmp_path / "s.jsonl")["guarded"] is False


@pytest.mark.parametrize("raw, cell", [(False, "'=1+1"), (True, "=1+1")])
def test_cells_are_guarded_unless_they_are_wanted_raw(raw: bool, cell: str) -> None:
    out = io.BytesIO()
    write_csv(out, datasets()["sessions"].columns[:2], [("=1+1", "p1")], raw=raw)
    assert list(csv.reader(io.StringIO(out.getvalue().decode())))[1] == [cell, "p1"]


def test_a_file_may_name_persons_by_pseudonyms_the_same_in_every_file(engine: Engine, tmp_path: Path) -> None:
    """Persons as pseudonyms for analysts."""

    def rows(name: str, *, pseudonyms: bool) -> list[dict[str, Any]]:
        target = tmp_path / f"{name}-{pseudonyms}.jsonl"
        manifest = export(engine, name, target, under_pseudonyms=pseudonyms)
        assert manifest["pseudonyms"] is pseudonyms
        return [json.loads(line) for line in target.read_text().splitlines()]

    plain, hidden = (rows("relationships", pseudonyms=each) for each in (False, True))
    names = {row["mentor_id"]: other["mentor_id"] for row, other in zip(plain, hidden, strict=True)}
    assert len(set(names.values())) == len(names) > 1
    assert all(name.startswith("p_") for name in names.values())
    assert {row["mentor_id"] for row in rows("commitment_health", pseudonyms=True)} <= set(names.values())
    subjects = {row["subject"] for row in rows("timeline", pseudonyms=True)}
    assert {row["relationship_id"] for row in plain} <= subjects
    assert any(subject.startswith("mentor:p_") for subject in subjects)
    told = json.dumps([rows(name, pseudonyms=True) for name in ("cases", "timeline")])
    assert '"ben"' not in told
    assert "hanna" not in told


@pytest.mark.parametrize("columns", [None, ["position"]])
@pytest.mark.parametrize("moment", [NOW, Moment(as_of=day(39))])
@pytest.mark.parametrize("name", sorted(datasets()))
def test_a_file_with_pseudonyms_holds_what_an_analyst_sees(
    engine: Engine, tmp_path: Path, name: str, moment: Moment, columns: list[str] | None
) -> None:
    """What is withheld from analysts is withheld from whoever is handed such a file."""
    export(engine, name, tmp_path / "f.parquet", columns, moment=moment, under_pseudonyms=True)
    pseudonyms = Pseudonyms(engine.store.identity.secret)
    now = engine.clock.now()
    seen = open_dataset(engine, Asker(Reader("analyst", "al"), None), name, pseudonyms, moment, now)
    wanted = [place for place, column in enumerate(seen.columns) if columns is None or column.name in columns]
    found = pq.read_table(tmp_path / "f.parquet").to_pylist()
    assert [tuple(row.values()) for row in found] == [tuple(row[place] for place in wanted) for row in seen.rows]
