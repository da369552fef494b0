"""The datasets by their promised names, in SQL and as files."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from tests.e2e.contract.outside import at, days, hours
from tests.e2e.contract.story import Story, World, item

BEGINS = at("2026-01-05 09:00")
CLOCK = at("2026-03-20 12:00")
SINCE = at("2026-02-01 09:00")
DATASETS = (
    "relationships",
    "sessions",
    "goals",
    "commitment_health",
    "commitment_signals",
    "nps_responses",
    "nps",
    "concerns",
    "tasks",
    "cases",
    "timeline",
)
# Said in confidence, and to be found in no dataset.
SECRETS = ("We talked about the divorce", "Told the board", "It was about the money", "Shame on me")


@pytest.fixture(scope="module")
def story(world: World) -> Story:
    """One relationship that has a row for every dataset, and others for the NPS to be shown."""
    story = world.active("pentalog", "mentor247", "cmn", since=SINCE)
    story.held("s1", SINCE + days(4), agenda=[item("the news", 60)])
    story.say("RecordSessionNote", "mentor", session_id="s1", text=SECRETS[0])
    for number in range(2):
        start = SINCE + days(9 + number)
        story.schedule(f"late-{number}", start)
        story.move(f"late-{number}", start + days(60 + number), start - hours(2))
    story.say("RespondToNps", occasion="mid", score=9, comment=SECRETS[3])
    story.say("ReportTrustBreakdown", description=SECRETS[1])
    story.say("ReportBreach", "mentor", against="mentor", kind="policy", description=SECRETS[2])
    world.say("OpenCase", "case:c1", "hr:eva", SINCE + days(12), mentor_id="ben", kind="code", description="Late")
    for _ in range(5):
        world.active("pentalog", since=SINCE).say("RespondToNps", occasion="mid", score=10)
    world.submit()
    assert world.accepted(*range(len(world.receipts)))
    world.rapport.work()
    for question in ("health", "nps", "tasks"):
        assert world.rapport.run(question, "--json").code == 0
    return story


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_dataset_can_be_queried_and_every_row_carries_its_position(story: Story, dataset: str) -> None:
    rows = story.world.rapport.sql(f'SELECT * FROM "{dataset}"')
    assert rows
    assert all(isinstance(row["position"], int) and row["position"] > 0 for row in rows)


def test_no_position_lies_beyond_the_log(story: Story) -> None:
    rapport = story.world.rapport
    (head,) = rapport.sql("SELECT max(position) AS head FROM stored_events")
    last = [rapport.sql(f'SELECT max(position) AS last FROM "{dataset}"')[0]["last"] for dataset in DATASETS]
    assert max(last) <= head["head"]
    assert max(last) == head["head"]


def test_no_dataset_tells_what_was_said_in_confidence(story: Story) -> None:
    for dataset in DATASETS:
        everything = json.dumps(story.world.rapport.sql(f'SELECT * FROM "{dataset}"'), default=str)
        assert [secret for secret in SECRETS if secret in everything] == [], dataset


def test_the_rows_are_about_what_was_told(story: Story) -> None:
    rapport = story.world.rapport
    text = {dataset: json.dumps(rapport.sql(f'SELECT * FROM "{dataset}"'), default=str) for dataset in DATASETS}
    for dataset in (
        "relationships",
        "sessions",
        "goals",
        "commitment_health",
        "commitment_signals",
        "concerns",
        "timeline",
    ):
        assert story.subject in text[dataset], dataset
    assert len(rapport.sql("SELECT * FROM relationships")) == 6
    assert "late_reschedules" in text["commitment_signals"]
    assert "trust_breakdown" in text["commitment_signals"]
    assert "pentalog.late-reschedules" in text["concerns"]


def test_projections_status_has_no_lag_after_a_query(story: Story) -> None:
    status: Any = story.world.rapport.ask("projections", "status")
    assert status


def test_projections_check_finds_nothing_wrong(story: Story) -> None:
    assert story.world.rapport.run("projections", "check").code == 0


def test_a_rebuild_leaves_the_same_rows(story: Story) -> None:
    rapport = story.world.rapport
    before = {dataset: rapport.sql(f'SELECT * FROM "{dataset}"') for dataset in DATASETS}
    run = rapport.run("projections", "rebuild")
    assert run.code == 0, run.err
    after = {dataset: rapport.sql(f'SELECT * FROM "{dataset}"') for dataset in DATASETS}
    for dataset in DATASETS:
        assert sorted(map(str, after[dataset])) == sorted(map(str, before[dataset])), dataset


def export(story: Story, dataset: str, name: str) -> tuple[Path, Any]:
    rapport = story.world.rapport
    run = rapport.run("export", dataset, "-o", name)
    assert run.code == 0, run.err
    file = rapport.folder / name
    return file, json.loads((rapport.folder / f"{name}.manifest.json").read_text())


def test_an_export_has_a_manifest_with_rows_position_and_digest(story: Story) -> None:
    file, manifest = export(story, "sessions", "sessions.csv")
    text = json.dumps(manifest)
    assert hashlib.sha256(file.read_bytes()).hexdigest() in text
    assert manifest["rows"] == len(story.world.rapport.sql("SELECT * FROM sessions"))
    assert manifest["position"] > 0
    assert "commitment-health/2" in text


def test_the_three_formats_hold_the_same_rows(story: Story) -> None:
    rows = story.world.rapport.sql("SELECT * FROM sessions")
    as_csv = list(csv.DictReader(export(story, "sessions", "s.csv")[0].read_text().splitlines()))
    as_lines = [json.loads(line) for line in export(story, "sessions", "s.jsonl")[0].read_text().splitlines()]
    as_parquet = pyarrow.parquet.read_table(export(story, "sessions", "s.parquet")[0]).to_pylist()
    sessions = {str(row["session_id"]) for row in rows}
    for read in (as_csv, as_lines, as_parquet):
        assert len(read) == len(rows)
        assert {str(row["session_id"]) for row in read} == sessions
        assert all(int(row["position"]) > 0 for row in read)


def test_the_same_store_exports_the_same_bytes(story: Story) -> None:
    for suffix in ("csv", "jsonl", "parquet"):
        one, other = (export(story, "relationships", f"{name}.{suffix}")[0].read_bytes() for name in ("one", "other"))
        assert one == other


def test_what_if_shows_now_and_then_side_by_side_and_records_nothing(story: Story) -> None:
    rapport = story.world.rapport
    before = rapport.ask("history", story.subject)
    run = rapport.run("what-if", "--set", "points_trust_breakdown=1", story.subject, "--json")
    assert run.code == 0, run.err
    (row,) = run.json
    assert row["relationship_id"] == story.subject
    assert {name: row["now"][name] for name in ("score", "band")} == {
        name: rapport.ask("health", story.subject)[name] for name in ("score", "band")
    }
    assert row["then"]["score"] == row["now"]["score"] + 39
    assert rapport.run("history", story.subject, "--json").json == before


def test_what_if_without_an_id_is_about_all(story: Story) -> None:
    run = story.world.rapport.run("what-if", "--set", "late_notice_hours=1", "--json")
    assert run.code == 0, run.err
    rows = run.json
    assert len(rows) == 6
    (row,) = [row for row in rows if row["relationship_id"] == story.subject]
    assert "late_reschedules" in {one["signal"] for one in row["now"]["signals"]}
    assert "late_reschedules" not in {one["signal"] for one in row["then"]["signals"]}
