"""The commands that ask: their JSON, CSV and text, and what they say to a wrong question."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from domain.model import Actor, Context
from domain.relationship.events import RelationshipProposed
from domain.term_setting import SetTerm, term_problems
from domain.terms import TermTimeline
from infra.cli import health
from infra.cli.app import build
from infra.cli.filters import Filters
from infra.projection_engine import generation
from infra.store.opening import open_database
from infra.web import start
from tests import messages
from tests.given_when_then import SUBJECT
from tests.infra.projection_engine.harness import ProjectionHarness, day, everything


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with a log of some hundred events, asked on a day on which relationships are alive."""
    file = tmp_path / "store.sqlite"
    monkeypatch.setenv("RAPPORT_STORE", f"sqlite:///{file}")
    monkeypatch.setenv("RAPPORT_CLOCK", day(25).isoformat())
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    with open_database(f"sqlite:///{file}", synchronous="off") as database:
        ProjectionHarness(database).append(everything())
    return file


def rapport(*arguments: str) -> Result:
    return CliRunner().invoke(build(), arguments)


def ask(*arguments: str) -> Any:
    result = rapport(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_health_of_one_is_an_object_and_of_all_a_list() -> None:
    one, everyone = ask("health", SUBJECT), ask("health")
    assert one in everyone
    assert one["relationship_id"] == SUBJECT
    assert one["as_of"] == "2026-03-27T09:00:00Z"
    assert [signal["signal"] for signal in one["signals"]] == ["no_goal_progress", "late_reschedules", "unpunctual"]
    assert ask("health", SUBJECT.upper()) == one


def test_health_for_a_person_names_score_band_signals_and_evidence() -> None:
    printed = rapport("health", SUBJECT).stdout
    for word in ("score", "band", "late_reschedules", "pentalog.late-reschedules", "v6, v11", "next change"):
        assert word in printed
    assert "█" in rapport("health").stdout
    assert "no score" in rapport("health", SUBJECT, "--as-of", "2026-03-03T09:00:00Z").stdout


def test_health_as_csv() -> None:
    rows = list(csv.DictReader(io.StringIO(rapport("health", "--csv").stdout)))
    (row,) = [row for row in rows if row["relationship_id"] == SUBJECT]
    assert row["signals"] == "no_goal_progress late_reschedules unpunctual"
    assert row["as_of"] == "2026-03-27T09:00:00Z"
    assert len(rows) == len(ask("health"))


def test_nps_as_csv_and_for_a_person() -> None:
    rows = ask("nps", "--by", "month", "--by", "programme")
    from_csv = list(csv.DictReader(io.StringIO(rapport("nps", "--csv", "--by", "programme", "--by", "month").stdout)))
    assert len(from_csv) == len(rows) > 0
    assert list(from_csv[0])[:4] == ["role", "occasion", "programme", "month"]
    assert {row["suppressed"] for row in from_csv} <= {"true", "false"}
    printed = rapport("nps").stdout
    assert "NPS" in printed
    assert re.search(r"Shown: [0-5] of \d groups. The others are hidden", printed)


def test_text_fits_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for arguments in (
        ("health",),
        ("health", SUBJECT),
        ("nps",),
        ("nps", "--by", "programme", "--by", "mentor", "--by", "month"),
        ("what-if", "--set", "late_notice_hours=1"),
    ):
        printed = rapport(*arguments).stdout
        assert printed
        assert max(map(len, printed.splitlines())) <= 80, arguments


def test_health_of_all_names_the_signals() -> None:
    (line,) = [line for line in rapport("health").stdout.splitlines() if line.startswith(SUBJECT)]
    assert "late_reschedules, no_goal_progress, unpunctual" in line


def test_health_says_how_to_ask_for_another_day_where_nobody_has_a_score() -> None:
    first = min(each.occurred_at for each in everything() if isinstance(each.data, RelationshipProposed))
    printed = rapport("health", "--as-of", first.isoformat()).stdout
    assert printed.splitlines() == [f"1 without a score: contracting or ended{health.EARLIER}"]
    assert health.EARLIER not in rapport("health").stdout


class TestFilters:
    """--programme, --band, --mentor and --top choose among the rows, in text and in JSON."""

    def test_health(self) -> None:
        rows = ask("health")
        (mine,) = [row for row in rows if row["relationship_id"] == SUBJECT]
        assert len(rows) > 1
        assert ask("health", "--programme", "P1") == [mine]
        assert ask("health", "--mentor", mine["mentor_id"]) == [mine]
        assert mine in ask("health", "--band", mine["band"])
        assert {row["band"] for row in ask("health", "--band", mine["band"])} == {mine["band"]}
        scores = sorted(row["score"] for row in rows if row["score"] is not None)
        assert [row["score"] for row in ask("health", "--top", "1")] == scores[:1]

    def test_all_are_counted_where_the_worst_alone_are_listed(self) -> None:
        whole, worst = (rapport("health", *top).stdout.splitlines() for top in ((), ("--top", "1")))
        end = [line.endswith("contracting or ended") for line in whole].index(True) + 1
        assert whole[:end] == worst[:end]

    def test_the_worst_band_comes_before_a_lower_score(self) -> None:
        """A breakdown of trust is critical at any score; what has no score comes last, and on the page what has ended."""
        worst_first = [
            ("critical", 30),
            ("critical", 60),
            ("at_risk", 57),
            ("watch", 61),
            ("healthy", 100),
            (None, None),
        ]
        rows = [{"id": "r", "state": "active", "band": band, "score": score} for band, score in worst_first]
        for top in range(1, 7):
            assert Filters(top=top).first(rows[::-1], health._badness) == rows[:top]
        assert [start._worst_first(row) for row in rows] == sorted(start._worst_first(row) for row in rows)

    def test_an_option_with_one_value_is_given_once(self) -> None:
        for twice in (
            ("--top", "1", "--top=2"),
            ("--programme", "p1", "--programme", "p1"),
            ("--as-of", "2026-01-01", "--as-of", "2026-02-01"),
        ):
            found = rapport("health", *twice)
            assert found.exit_code == 2
            assert f"{twice[0]} is given 2 times: it takes one value" in found.stderr
        assert rapport("health", "--json", "--json").exit_code == 0
        assert rapport("nps", "--by", "programme", "--by", "month").exit_code == 0

    def test_nps_takes_the_programme_and_the_mentor_as_keys(self) -> None:
        clock = ("--as-of", "2026-05-01T00:00:00Z")
        rows = ask("nps", "--by", "programme", *clock)
        assert len({row["programme"] for row in rows}) > 1
        assert ask("nps", "--programme", "p1", *clock) == [row for row in rows if row["programme"] == "p1"]
        assert {row["mentor"] for row in ask("nps", "--mentor", "BEN", *clock)} == {"ben"}
        assert len(ask("nps", "--by", "mentor", "--top", "2", *clock)) == 2

    def test_what_if(self) -> None:
        change = ("what-if", "--set", "late_notice_hours=1")
        rows = ask(*change)
        assert [row["relationship_id"] for row in ask(*change, "--programme", "p1")] == [SUBJECT]
        (first,) = ask(*change, "--top", "1")

        def moved(row: dict[str, Any]) -> int:
            return abs(int(row["then"]["score"] or 0) - int(row["now"]["score"] or 0))

        assert moved(first) == max(map(moved, rows)) > 0
        band = first["now"]["band"]
        assert first in ask(*change, "--band", band)

    def test_an_empty_programme_answers_with_an_empty_table_and_a_sentence(self) -> None:
        for arguments in (("health",), ("nps",), ("what-if", "--set", "late_notice_hours=1")):
            assert ask(*arguments, "--programme", "nowhere") == []
            assert "with programme nowhere" in rapport(*arguments, "--programme", "nowhere").stdout

    def test_filters_beside_an_id_and_unknown_bands_are_refused(self) -> None:
        for arguments, why in (
            (("health", SUBJECT, "--top", "1"), "leave them or the ID out"),
            (("what-if", SUBJECT, "--set", "late_notice_hours=1", "--band", "watch"), "leave them or the ID out"),
            (("health", "--band", "good"), "there are healthy, watch, at_risk, critical"),
        ):
            result = rapport(*arguments)
            assert result.exit_code == 2
            assert why in " ".join(result.stderr.split())


def test_what_if_sums_up_by_band() -> None:
    rows = ask("what-if", "--set", "late_notice_hours=1")
    lines = rapport("what-if", "--set", "late_notice_hours=1").stdout.splitlines()
    assert lines[0].split() == ["band", "now", "then", "come", "leave"]
    for line in lines[1:5]:
        band, now, then, come, leave = line.split()
        assert int(now) == sum(row["now"]["band"] == band for row in rows)
        assert int(then) == sum(row["then"]["band"] == band for row in rows) == int(now) + int(come) - int(leave)


def test_what_if_stands_beside_what_is() -> None:
    (row,) = ask("what-if", SUBJECT, "--set", "late_notice_hours=1", "--set", "points_no_next_session=0")
    assert row["now"]["concerns"] == [{"clause": "pentalog.late-reschedules", "evidence": [6, 11]}]
    assert row["then"]["concerns"] == []
    assert row["then"]["score"] > row["now"]["score"]
    printed = rapport("what-if", "--set", "late_notice_hours=1").stdout
    assert "late_reschedules of mentee: 20 → 0" in printed
    assert "concern pentalog.late-reschedules not raised" in printed


def test_projections_status_check_rebuild() -> None:
    before = ask("projections", "status")
    assert {each["lag"] for each in before["projections"]} == {before["head"]}
    assert ask("projections", "check", "--all")["ok"] is True
    assert {each["lag"] for each in ask("projections", "status")["projections"]} == {0}
    rebuilt = ask("projections", "rebuild", "commitment_bands")
    assert [(row["dataset"], row["changed"]) for row in rebuilt] == [
        ("commitment_health", 0),
        ("commitment_signals", 0),
        ("commitment_bands", 0),
        ("signals_history", 0),
    ]
    assert "live" in rapport("projections", "status").stdout
    assert ask("projections", "retry") == {"released": [], "held": []}


def test_a_record_whose_datasets_were_never_built_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "FAR_BEHIND", 50)
    result = rapport("projections", "rebuild", "--json")
    assert result.stderr.count("building ") == 1
    rebuilt = json.loads(result.stdout)
    assert {each["live_position"] for each in rebuilt} == {0}
    assert [each["new"] for each in rebuilt] == [each["rows"] for each in rebuilt]
    assert ask("projections", "check", "--all")["ok"] is True


def test_check_exits_1_and_names_the_row(store: Path) -> None:
    assert ask("projections", "check")["ok"] is True
    with open_database(f"sqlite:///{store}") as database, database.transaction() as session:
        (mark,) = session.query("SELECT mark FROM projection_generations WHERE name = 'sessions'")[0]
        session.execute(
            f"UPDATE sessions__v{mark} SET minutes = 1 WHERE relationship_id = '{SUBJECT}' AND session_id = 's1'"
        )
    result = rapport("projections", "check", "--all", "--json")
    assert result.exit_code == 1
    (wrong,) = json.loads(result.stdout)["wrong"]
    assert (wrong["dataset"], wrong["column"], wrong["stored"], wrong["folded"]) == ("sessions", "minutes", 1, 60)


def test_export_writes_a_file_and_its_manifest(tmp_path: Path) -> None:
    manifest = ask("export", "goals", "-o", "goals.csv")
    assert manifest == json.loads((tmp_path / "goals.csv.manifest.json").read_text())
    assert (tmp_path / "goals.csv").is_file()


@pytest.mark.parametrize(
    "arguments, says",
    [
        (("export", "sesions", "-o", "f.csv"), "sessions"),
        (("export", "sessions", "-o", "f.txt"), ".parquet"),
        (("export", "sessions", "-o", "f.csv", "--column", "start"), "starts_at"),
        (("nps", "--by", "role"), "programme, mentor, month"),
        (("nps", "--from", "yesterday"), "expected one such as 2026-03"),
        (("nps", "--to", "2026-03-31"), "whole months"),
        (("nps", "--from", "2026-03", "--to", "2026-02"), "before it begins in 2026-03"),
        (("nps", "--to", "2026-04"), "has not begun"),
        (("nps", "--json", "--csv"), "either"),
        (("health", "--as-of", "2026-03-02T09:00:00"), "offset"),
        (("health", "--known-at", "soon"), "no time"),
        (("health", "nobody"), "nobody"),
        (("what-if", "--set", "late_notice=48"), "there is no term late_notice; did you mean late_notice_hours"),
        (("what-if", "--set", "band_healthy=50"), "band_healthy would be 50, under band_watch at 60"),
        (("what-if", SUBJECT, "--set", "band_at_risk=61"), "band_watch would be 60, under band_at_risk at 61"),
        (("what-if", "--set", "late_notice_hours"), "TERM=VALUE"),
        (("what-if", "--set", "late_notice_hours=1", "--set", "late_notice_hours=2"), "is given another value before"),
        (("what-if", "--set", "late_notice_hours=٣"), "no number"),
        (("what-if", "--set", "decision_days=1_0"), "no number"),
        (("what-if", "--set", "decision_days=nan"), "no number"),
        (("what-if", "--set", "decision_days= 7"), "no number"),
        (("what-if", "--set", "late_notice_hours=soon"), "no number"),
        (("what-if", "--set", "points_no_goal=1000"), "from 0 to 100"),
        (("what-if", "--set", "planned_sessions=1.5"), "whole"),
        (("what-if",), "--set"),
        (("projections", "rebuild", "sesions"), "sessions"),
        (("projections", "rebuild", "timeline"), "no building"),
        (("projections", "retry", "nothing"), "relationships"),
    ],
)
def test_a_wrong_question_exits_2_and_says_what_there_is(arguments: tuple[str, ...], says: str) -> None:
    result = rapport(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stdout == ""


@pytest.mark.clause("pentalog.prevalence")
@pytest.mark.parametrize(
    "term, value",
    [
        ("late_notice", 4),
        ("points_no_goal", 101),
        ("planned_sessions", 1.5),
        ("outcome_hours", 99999),
        ("band_watch", 81),
    ],
)
def test_what_if_refuses_impossible_terms_with_the_sentences_of_set_term(term: str, value: float) -> None:
    at = datetime(2026, 6, 1, tzinfo=UTC)
    context = Context(occurred_at=at, recorded_at=at, actor=Actor("coordinator", "cora"))
    command = SetTerm(document="code_of_conduct", term=term, value=value)
    problem, *others = term_problems(TermTimeline(), command, context)
    assert others == []
    assert problem.message in " ".join(rapport("what-if", "--set", f"{term}={value}").stderr.split())


def test_an_unknown_event_is_shown_by_status_and_left_by_retry(store: Path) -> None:
    with open_database(f"sqlite:///{store}") as database:
        harness = ProjectionHarness(database)
        event = harness.store.mapper.to_stored_event(everything()[0])
        harness.store.append_stored([type(event)(SUBJECT, 99, "SessionDreamt", event.state)])
    assert rapport("health").exit_code == 0
    printed = rapport("projections", "status").stdout
    assert "SessionDreamt" in printed
    assert "a newer Rapport wrote it" in printed
    result = rapport("projections", "retry", "sessions")
    assert result.exit_code == 1
    assert "1 still held up" in result.stdout


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
@pytest.mark.parametrize(
    "time",
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00"],
)
def test_a_time_beyond_the_years_of_the_record_is_answered_in_every_zone(tmp_path: Path, zone: str, time: str) -> None:
    told = [
        messages.line("CreateProgramme", {"name": "far", "timezone": zone}, subject="programme:far"),
        messages.proposal(7, programme_id="far", mentee_id="eva"),
    ]
    (tmp_path / "told.jsonl").write_bytes(b"\n".join(told))
    assert rapport("submit", "told.jsonl").exit_code == 0
    subject = messages.relationship_id(7)
    for asked in (["health"], ["nps"], ["what-if", "--set", "decision_days=3"]):
        ask(*asked, "--as-of", time)
    can_share = ["can-share", "goals", "--relationship", subject, "--to", "mentor:ben"]
    for asked in (["show", subject], ["show", "programme:far"], can_share):
        result = rapport(*asked, "--as-of", time)
        assert result.exit_code in {0, 2}, result.exception
        assert result.exit_code == 0 or "by then" in result.stderr
