"""The engine: to the head, at the head, honest about its lag, at home with other versions of itself."""

import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.model import AnyRecorded
from domain.relationship import events as e
from infra.projection_engine import build, generation, summaries
from infra.projection_engine import engine as engines
from infra.projection_engine.check import check
from infra.projection_engine.following import Following
from infra.projection_engine.generation import NewerProjection
from infra.projection_engine.schema import physical
from infra.projection_engine.status import status
from infra.store.log import EventStore
from infra.store.opening import open_database
from infra.store.session import Database
from projections import commitment, practices, sessions
from projections.catalogue import all_projections, datasets, tables_of
from projections.projection import Projection
from tests.given_when_then import SUBJECT, At, history, proposed
from tests.infra.projection_engine.harness import (
    LATE,
    ProjectionHarness,
    day,
    everything,
    programme,
    recorded,
    troubled,
)


@pytest.fixture
def harness(database: Database) -> ProjectionHarness:
    return ProjectionHarness(database)


def stay_at_the_head(engine: engines.Engine, stop: threading.Event) -> None:
    """Stay at the head of the log until asked to stop."""
    following = Following(engine, stop)
    while not stop.is_set():
        following.turn()


def test_an_empty_log_gives_empty_datasets(harness: ProjectionHarness) -> None:
    assert harness.engine().catch_up() == 0
    assert all(rows == [] for rows in harness.all_rows().values())


def test_every_row_has_a_position_and_says_whether_it_is_stale(harness: ProjectionHarness) -> None:
    head = harness.append(everything())
    harness.engine().catch_up()
    for name in datasets():
        assert all(0 < position <= head for (position,) in harness.rows(name, "position")), name
        if name not in {"tasks", "timeline"}:
            assert {stale for (stale,) in harness.rows(name, "stale_since")} <= {None}, name


def test_every_row_about_a_relationship_has_its_programme(harness: ProjectionHarness) -> None:
    events = everything()
    programmes = {
        each.subject: each.data.programme_id for each in events if isinstance(each.data, e.RelationshipProposed)
    }
    # Engines that begin in the middle of streams have to ask the log for what stands at the beginning.
    for start in range(0, len(events), len(events) // 4 + 1):
        harness.append(events[start : start + len(events) // 4 + 1])
        harness.engine().catch_up()
    tables = [
        each for one in all_projections() for each in tables_of(one) if each.of_relationships and not each.anonymous
    ]
    assert len(tables) > 7
    for table in tables:
        rows = harness.rows(table.name, "relationship_id, programme_id")
        assert rows, table.name
        assert {programme == programmes[relationship] for relationship, programme in rows} == {True}, table.name


def test_no_content_comes_into_any_table(harness: ProjectionHarness) -> None:
    harness.append(troubled())
    harness.engine().catch_up()
    with harness.database.reading() as session:
        if session.kind == "sqlite":
            found = [name for (name,) in session.query("SELECT name FROM sqlite_master WHERE type = 'table'")]
        else:
            found = [name for (name,) in session.query("SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()")]  # fmt: skip
        ours = [name for name in found if "__v" in name]
        everything_stored = repr([session.query(f"SELECT * FROM {name}") for name in (*ours, *datasets())])
    assert len(ours) > 10
    for content in (
        "speak in public",
        "write it down",
        "it went well",
        "said too much",
        "a quarrel",
        "plans",
        "'good'",
    ):
        assert content not in everything_stored


def test_status_measures_lag_against_the_head_and_catches_nothing_up(harness: ProjectionHarness) -> None:
    events = everything()
    harness.append(events[:100])
    engine = harness.engine()
    assert {each.lag for each in status(engine).projections} == {100}
    engine.catch_up()
    harness.append(events[100:130])
    found = status(engine)
    assert (found.head, {each.position for each in found.projections}) == (130, {100})
    assert {each.lag for each in status(engine).projections} == {30}


def test_one_that_lags_behind_the_others_is_brought_up_alone(harness: ProjectionHarness) -> None:
    harness.append(everything()[:200])
    harness.engine([sessions.PROJECTION]).catch_up()
    harness.append(everything()[200:])
    harness.engine().catch_up()
    assert {each.lag for each in status(harness.engine()).projections} == {0}
    assert check(harness.engine(), all_streams=True).wrong == []


def test_following_sees_what_another_connection_appends(store_url: str) -> None:
    with open_database(store_url) as reading, open_database(store_url) as writing:
        harness, stop = ProjectionHarness(reading), threading.Event()
        thread = threading.Thread(target=lambda: stay_at_the_head(harness.engine(), stop))
        thread.start()
        try:
            writer, waited = EventStore(writing), []
            for event in history(proposed(), *(At(n, e.ContactRecorded(channel="email")) for n in range(20))):
                writer.append([event])
                begun = time.monotonic()
                while _behind(harness):
                    assert time.monotonic() - begun < 20
                    time.sleep(0.001)
                waited.append(time.monotonic() - begun)
        finally:
            stop.set()
            thread.join(20)
    assert not thread.is_alive()
    assert sorted(waited)[len(waited) // 2] < 2


def _behind(harness: ProjectionHarness) -> bool:
    try:
        return bool(max(each.lag for each in status(harness.engine()).projections))
    except KeyError:
        return True


def test_time_alone_changes_rows(harness: ProjectionHarness) -> None:
    harness.append(history(proposed(), At(1, e.RelationshipActivated())))
    engine = harness.engine()
    harness.clock.fixed = day(2)
    engine.catch_up()
    assert harness.rows("commitment_health", "score, band") == [(100, "healthy")]
    harness.clock.fixed = day(12)
    engine.catch_up()
    assert harness.rows("commitment_signals", "signal, points") == [("no_next_session", 10)]
    harness.clock.fixed = day(40)
    engine.catch_up()
    assert harness.rows("commitment_health", "score, band") == [(75, "watch")]
    assert [score for _, score in sorted(harness.rows("commitment_bands", "since, score"))] == [100, 90, 75]


def test_a_clock_that_is_turned_back_turns_rows_back(harness: ProjectionHarness) -> None:
    harness.append(history(proposed(), At(1, e.RelationshipActivated())))
    engine = harness.engine()
    engine.catch_up()
    later = harness.all_rows()
    harness.clock.fixed = day(2)
    engine.catch_up()
    assert harness.rows("commitment_health", "score") == [(100,)]
    harness.clock.fixed = LATE
    engine.catch_up()
    assert harness.all_rows() == later


def test_a_new_term_changes_the_rows_of_its_programme_without_any_other_event(harness: ProjectionHarness) -> None:
    harness.append(history(proposed(), At(1, e.RelationshipActivated())))
    harness.clock.fixed = day(12)
    engine = harness.engine()
    engine.catch_up()
    assert harness.rows("commitment_health", "score") == [(90,)]
    harness.append(programme("p1", (11, "points_no_next_session", 30)))
    engine.catch_up()
    assert harness.rows("commitment_health", "score, band") == [(70, "watch")]


def test_a_setting_that_counts_from_a_moment_ahead_changes_rows_at_that_moment(harness: ProjectionHarness) -> None:
    harness.append(history(proposed(), At(1, e.RelationshipActivated())))
    harness.clock.fixed = day(12)
    harness.append(programme("p1", (12.002, "points_no_next_session", 30)))
    engine = harness.engine()
    engine.catch_up()
    assert harness.rows("commitment_health", "score") == [(90,)]
    harness.clock.fixed = day(12.002)
    engine.catch_up()
    assert harness.rows("commitment_health", "score") == [(70,)]


def changed(projection: Projection, **changes: object) -> Projection:
    return replace(projection, **changes)  # type: ignore[arg-type]


def of_a_newer_program(harness: ProjectionHarness) -> engines.Engine:
    """An engine that makes other rows of sessions."""

    def evolve(row, recorded):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - a changed fold
        new = sessions.evolve(row, recorded)
        return new and new | {"channel": "telephone"}

    rest = [each for each in all_projections() if each.name != "sessions"]
    newer = changed(sessions.PROJECTION, version=sessions.PROJECTION.version + 1, evolve=evolve)
    return harness.engine([*rest, newer])


def test_another_version_is_built_at_the_next_question(harness: ProjectionHarness) -> None:
    harness.append(everything())
    harness.engine().catch_up()
    newer = of_a_newer_program(harness)
    newer.catch_up()
    assert {channel for (channel,) in harness.rows("sessions", "channel")} == {"telephone"}
    assert {each.version for each in status(newer).projections if each.name == "sessions"} == {
        sessions.PROJECTION.version + 1
    }
    with pytest.raises(NewerProjection, match="sessions"):
        harness.engine().catch_up()


def test_the_status_of_tables_that_an_older_program_laid_otherwise_is_told(harness: ProjectionHarness) -> None:
    harness.append(everything())
    engine = harness.engine()
    engine.catch_up()
    [of_sessions] = [each for each in engine.live() if each.name == "sessions"]
    other = changed(practices.PROJECTION, name="sessions", tables=of_sessions.projection.tables, summary=None)
    newer = harness.engine([each for each in all_projections() if each.name != "sessions"] + [other])
    [found] = [each for each in status(newer).projections if each.name == "sessions"]
    assert found.outdated


def test_a_rebuild_by_a_newer_program_tells_what_differs_from_the_older_rows(harness: ProjectionHarness) -> None:
    harness.append(everything())
    harness.engine().catch_up()
    others = len(harness.rows("sessions", "channel")) - harness.rows("sessions", "channel").count(("telephone",))
    newer = of_a_newer_program(harness)
    newer.make_tables()
    [found] = build.rebuild(newer, ["sessions"], explain=True)
    assert (found.dataset, found.new, found.gone, found.changed) == ("sessions", 0, 0, others)
    assert others > 0


def test_an_engine_at_work_goes_on_with_the_tables_that_another_has_built(harness: ProjectionHarness) -> None:
    harness.append(everything()[:300])
    old = harness.engine()
    old.catch_up()
    build.rebuild(harness.engine(), list(old.projections))
    harness.append(everything()[300:])
    old.catch_up()
    assert check(old, all_streams=True).wrong == []
    with harness.database.reading() as session:
        tables = session.query("SELECT COUNT(*) FROM projection_generations WHERE state <> 'view'")
    assert tables == [(len(all_projections()),)]


def test_a_projection_far_behind_is_built_stream_by_stream(
    harness: ProjectionHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "FAR_BEHIND", 50)
    events = everything()
    harness.append(events)
    engine = harness.engine()
    marks = _marks(harness)
    engine.catch_up()
    assert _marks(harness) != marks
    assert check(engine, all_streams=True).wrong == []


def _marks(harness: ProjectionHarness) -> list[tuple[object, ...]]:
    harness.engine().make_tables()
    return harness.rows("projection_generations", "name, mark")


def test_check_finds_a_row_that_somebody_changed(harness: ProjectionHarness) -> None:
    harness.append(everything())
    engine = harness.engine()
    engine.catch_up()
    (live,) = [each for each in engine.live() if each.name == "goals"]
    with harness.database.transaction() as session:
        session.execute(f"UPDATE goals__v{live.mark} SET revisions = 77 WHERE goal_id = 'g1' AND relationship_id = ?", (SUBJECT,))  # fmt: skip
    (wrong,) = check(engine, all_streams=True).wrong
    assert (wrong.dataset, wrong.key, wrong.column) == ("goals", (SUBJECT, "g1"), "revisions")
    assert (wrong.stored, wrong.folded) == (77, 0)


@pytest.mark.parametrize("dataset, nobodys", [("practices", ("mentor_id",)), ("nps", ("role", "programme_id"))])
def test_check_finds_the_figures_of_a_group_that_nothing_belongs_to(
    harness: ProjectionHarness, dataset: str, nobodys: tuple[str, ...]
) -> None:
    harness.append(everything())
    engine = harness.engine()
    engine.catch_up()
    (live,) = [each for each in engine.live() if dataset in [table.name for table in tables_of(each.projection)]]
    for column in nobodys:
        with harness.database.transaction() as session:
            table = physical(dataset, live.mark)
            columns = [f"'nobody' AS {each}" if each == column else each for each in session.columns(table)]
            session.execute(f"INSERT INTO {table} SELECT {', '.join(columns)} FROM {table} LIMIT 1")
    wrong = check(engine, all_streams=True).wrong
    assert [(each.dataset, each.stored, each.folded) for each in wrong] == [(dataset, "a row", None)] * len(nobodys)


def test_summaries_that_are_made_in_parts_are_those_made_at_once(
    harness: ProjectionHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.append(everything())
    engine = harness.engine()
    engine.catch_up()
    rows = harness.all_rows()
    assert len(rows["practices"]) > 1
    monkeypatch.setattr(summaries, "AT_ONCE", 1)
    assert check(engine, all_streams=True).wrong == []
    build.rebuild(engine, ["practices", "nps_responses"])
    assert harness.all_rows() == rows


def test_several_engines_at_once_do_every_event_once(store_url: str) -> None:
    def follow() -> None:
        try:
            with open_database(store_url) as database:
                stay_at_the_head(ProjectionHarness(database).engine(page=20), stop)
        except BaseException as error:
            failed.append(error)
            raise

    with open_database(store_url) as database:
        harness, stop = ProjectionHarness(database), threading.Event()
        failed: list[BaseException] = []
        harness.engine().catch_up()
        threads = [threading.Thread(target=follow) for _ in range(3)]
        for thread in threads:
            thread.start()
        events = everything()
        for start in range(0, len(events), 10):
            harness.append(events[start : start + 10])
        harness.engine().catch_up()
        stop.set()
        for thread in threads:
            thread.join(60)
        assert failed == []
        assert check(harness.engine(), all_streams=True).wrong == []


def test_the_first_change_ahead_is_the_first_to_wake_for(harness: ProjectionHarness) -> None:
    harness.append([*history(proposed(), At(1, e.RelationshipActivated())), *_another(5)])
    harness.clock.fixed = day(6)
    engine = harness.engine()
    engine.catch_up()
    due = {each.name: each.due for each in status(engine).projections}
    assert due["commitment"] == day(11)
    assert due["sessions"] is None
    assert engine._patience() == engines.PULSE_SECONDS
    harness.clock.fixed = day(11) - timedelta(milliseconds=300)
    assert engine._patience() == pytest.approx(0.3)


def _another(days: float) -> list[AnyRecorded]:
    subject = "33333333-3333-4333-8333-333333333333"
    return [recorded(subject, 1, proposed(), day(days)), recorded(subject, 2, e.RelationshipActivated(), day(days))]


def test_the_state_of_commitment_is_what_it_was_after_json() -> None:
    state = None
    for event in troubled():
        state = commitment.fold_event(state, event)
    assert state is not None
    again = commitment.load(commitment.dump(state))
    assert (again.programme_id, again.last_at, list(again.facts)) == (
        state.programme_id,
        state.last_at,
        list(state.facts),
    )
