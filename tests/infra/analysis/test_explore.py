"""`rapport explore`: a programme owner's questions about a simulated programme, and what it does not show."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from infra.analysis.answer import counted, hidden_sentences
from infra.analysis.calibration import calibration
from infra.analysis.lasting import cohorts, funnel, survival
from infra.analysis.population import KEYS, TOTAL, Population
from infra.cli.app import build
from infra.clock import Clock
from infra.intake.handler import Handler
from infra.projection_engine.engine import Engine
from infra.simulate import messages
from infra.store.log import EventStore
from infra.store.opening import open_database
from infra.worker_runtime.schema import prepare
from tests.infra.projection_engine.harness import LATE
from tests.sizes import THOROUGH

QUESTIONS = ("survival", "cohorts", "activation", "nps", "responses", "calibration", "funnel", "load")
STANDING = ("bands", "signals", "endings", "pauses", "practices")
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("explore") / "store.sqlite"
    with open_database(f"sqlite:///{file}", synchronous="off") as database:
        Handler(EventStore(database), Clock(LATE)).handle(messages(120, 13))
    return file


@pytest.fixture(scope="module")
def population(store: Path) -> Iterator[Population]:
    with open_database(f"sqlite:///{store}", synchronous="off") as database:
        yield Population(Engine(EventStore(database), Clock(LATE), prepare_shown=prepare))


def explore(store: Path, *arguments: str) -> Result:
    """The command in this process, which has the heavy libraries loaded."""
    return CliRunner().invoke(build(), ["explore", *arguments], env={"RAPPORT_STORE": f"sqlite:///{store}"})


@pytest.mark.parametrize("question", QUESTIONS)
def test_each_question_has_an_answer_as_text_json_csv_and_a_drawing(store: Path, tmp_path: Path, question: str) -> None:
    target = tmp_path / "answer.svg"
    # On day 30 all but three are healthy, so no band is shown; by day 90 there are more of the others.
    asked = (question, "--day", "90") if question == "calibration" else (question,)
    text = explore(store, *asked, "-o", str(target))
    assert text.exit_code == 0, text.stderr
    lines = text.stdout.splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= 80
    assert target.read_bytes().startswith(b"<svg")
    answer = json.loads(explore(store, *asked, "--json").stdout)
    assert answer["rows"]
    assert answer["question"] == lines[0]
    rows = list(csv.DictReader(io.StringIO(explore(store, *asked, "--csv").stdout)))
    assert len(rows) == len(answer["rows"])
    assert set(rows[0]) == set(answer["rows"][0])


@pytest.mark.parametrize("question", STANDING)
def test_each_figure_of_the_pages_has_a_command(store: Path, question: str) -> None:
    """Programmes of this size have none of some: all relationships ended, and few were paused."""
    text, answer = explore(store, question), json.loads(explore(store, question, "--json").stdout)
    assert text.exit_code == 0, text.stderr
    assert max(map(len, text.stdout.splitlines())) <= 80
    assert text.stdout.splitlines()[0] == answer["question"]
    assert answer["rows"] or question in ("bands", "pauses")


@pytest.mark.parametrize(
    "question, words",
    [("activation", "median"), ("responses", "answered"), ("responses", "customer"), ("load", "sessions")],
)
def test_no_word_of_a_table_is_broken(store: Path, question: str, words: str) -> None:
    """Text output fits 80 columns, and is still read."""
    assert words in explore(store, question).stdout.replace("\n", " ").split()


def test_one_is_not_many() -> None:
    assert [counted(count, "month") for count in (0, 1, 2_000)] == ["0 months", "1 month", "2,000 months"]
    assert hidden_sentences(0, "group", "of few") == ()
    assert hidden_sentences(1, "group", "of few") == ("1 group is hidden: of few.",)
    assert hidden_sentences(2, "group", "of few") == ("2 groups are hidden: of few.",)


def test_a_drawing_is_a_picture_or_a_page_that_asks_no_other_server(store: Path, tmp_path: Path) -> None:
    for name in ("curve.png", "curve.html"):
        assert explore(store, "survival", "--by", "programme", "-o", str(tmp_path / name)).exit_code == 0
    assert (tmp_path / "curve.png").read_bytes().startswith(PNG)
    page = (tmp_path / "curve.html").read_text(encoding="utf-8")
    assert "<script src=" not in page
    assert "How long relationships last" in page


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("survival", "--by", "mentors"), "did you mean mentor? there are programme, month, codes, mentor"),
        (("survival", "--ending", "late"), "there are early, any"),
        (("funnel", "-o", "picture.gif"), "expected a name that ends in .svg, .png or .html"),
        (("funnel", "--json", "--csv"), "either --json or --csv"),
        (("load", "--raw"), "--raw goes with --csv"),
        (("survival", "--by", "programme", "--by", "month"), "--by is given 2 times: it takes one value"),
        (("funnel", "-o", "a.svg", "--output", "b.svg", "-o", "c.svg"), "--output is given 3 times"),
        (("calibration", "--day", "30", "--day=60"), "--day is given 2 times: it takes one value"),
    ],
)
def test_unknown_keys_and_names_say_which_exist(store: Path, arguments: tuple[str, ...], said: str) -> None:
    found = explore(store, *arguments)
    assert found.exit_code == 2
    assert said in found.stderr


def test_an_empty_store_answers_with_an_empty_table_and_a_sentence(tmp_path: Path) -> None:
    """An empty programme answers with an empty table and a sentence, which is in the drawing too: none of an earlier day is left there."""
    target = tmp_path / "nothing.svg"
    for question in QUESTIONS + STANDING:
        target.write_text("of an earlier day")
        found = explore(tmp_path / "empty.sqlite", question, "-o", str(target))
        assert found.exit_code == 0, found.stderr
        assert "there is nothing that can be shown yet" in found.stdout
        assert "there is nothing that can be shown yet" in target.read_text(encoding="utf-8")
        assert json.loads(explore(tmp_path / "empty.sqlite", question, "--json").stdout)["rows"] == []


# --- what is right -----------------------------------------------------------------------------------------------------
def test_survival_counts_early_endings_or_all(population: Population) -> None:
    activated = population.activated
    early, every = survival(population), survival(population, ending="any")
    assert early.summary["groups"][TOTAL]["ended"] == sum(each.ended_early for each in activated)
    assert every.summary["groups"][TOTAL]["ended"] == sum(each.terminated_at is not None for each in activated)
    assert early.summary["groups"][TOTAL]["n"] == len(activated)
    for answer in (early, every):
        shares = [row["survival"] for row in answer.rows]
        assert shares == sorted(shares, reverse=True)
        assert all(row["low"] <= row["survival"] <= row["high"] for row in answer.rows)
        assert all(row["at_risk"] >= population.minimum for row in answer.rows)


def test_the_steps_of_a_funnel_only_ever_get_fewer(population: Population) -> None:
    rows = funnel(population).rows
    counts = [row["relationships"] for row in rows]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == len(population.relationships)
    assert counts[1] == len(population.activated)


def test_a_cohort_is_who_became_active_in_that_month(population: Population) -> None:
    started = Counter(each.started for each in population.activated)
    rows = cohorts(population).rows
    assert rows
    for row in rows:
        assert row["started"] == started[row["month"]]
        assert row["started"] == row["active"] + row["paused"] + row["ended_well"] + row["ended_early"]


def test_calibration_takes_only_what_had_come_to_its_landmark(population: Population) -> None:
    """Outcomes by band at day 30, 60, 90 with a landmark (no immortal-time bias)."""
    for day in (30, 60, 90):
        answer = calibration(population, day)
        came = [
            each
            for each in population.activated
            if each.activated_at is not None
            and (each.terminated_at or population.now) > each.activated_at + timedelta(days=day)
        ]
        assert answer.summary["compared"] == len(came)
        assert sum(row["relationships"] for row in answer.rows) <= len(came)
        assert 0 <= answer.summary["auc"] <= 1
        # All of them have ended, so the share is that of the two counts beside it.
        for row in answer.rows:
            assert row["share"] == pytest.approx(row["ended_early"] / row["relationships"])


@pytest.mark.parametrize("seed", [2, 5] if THOROUGH else [2])
def test_the_score_tells_who_ends_early_better_than_chance(tmp_path: Path, seed: int) -> None:
    """Calibration on simulated data: the AUC of the day-30 score for early ending is printed, and is above 0.6."""
    with open_database(f"sqlite:///{tmp_path / 's.sqlite'}", synchronous="off") as database:
        store = EventStore(database)
        Handler(store, Clock(LATE)).handle(messages(200, seed))
        answer = calibration(Population(Engine(store, Clock(LATE), prepare_shown=prepare)), 30)
    assert answer.summary["auc"] > 0.6
    assert any(f"{answer.summary['auc']:.2f}" in sentence for sentence in answer.sentences)


# --- what is not shown -------------------------------------------------------------------------------------------------
def test_no_group_of_too_few_mentees_is_shown_nor_follows(population: Population) -> None:
    """Small groups follow the suppression."""
    members = population.activated
    people = {by: Counter[str]() for by in KEYS}
    for by in KEYS:
        place = KEYS.index(by)
        for value in {each.group[place] for each in members}:
            people[by][value] = len({each.mentee for each in members if each.group[place] == value})
    for by in KEYS:
        groups = population.groups(members, by)
        assert all(people[by][name] >= population.minimum for name in groups.shown)
        assert groups.hidden == len(people[by]) - len(groups.shown)
        # The total is shown: what is hidden beside it has enough mentees together, or is nothing.
        rest = {each.mentee for each in members if each.group[KEYS.index(by)] not in groups.shown}
        assert not rest or len(rest) >= population.minimum
    assert population.groups(members, "mentor").hidden > 0


def test_two_tables_give_no_small_group_away_by_subtraction(population: Population) -> None:
    members = population.activated
    shown = {(): set(range(len(members)))}
    for by in KEYS:
        for name, group in population.groups(members, by).shown.items():
            shown[by, name] = {members.index(each) for each in group}  # type: ignore[index]
    for one, other in combinations(shown.values(), 2):
        for difference in (one - other, other - one) if one < other or other < one else ():
            mentees = {members[place].mentee for place in difference}
            assert not mentees or len(mentees) >= population.minimum
