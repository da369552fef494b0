"""The timeline is the log, and the history of deadlines, seen through a view."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from infra.projection_engine import timeline_rows
from infra.store.opening import open_database
from infra.store.session import Database, as_time, time_text
from infra.worker_runtime.schema import prepare
from projections.timeline import TIMELINE
from tests.infra.projection_engine.harness import ProjectionHarness, day, everything, programme, troubled


@pytest.fixture
def harness(database: Database) -> ProjectionHarness:
    return ProjectionHarness(database)


def test_it_has_a_row_for_every_event_but_confidential_disclosures(harness: ProjectionHarness) -> None:
    events = everything()
    harness.append(events)
    harness.engine().catch_up()
    rows = {(row[0], row[1]): row[2:] for row in harness.rows("timeline", "subject, version, type, occurred_at, recorded_at, actor_role, actor_id")}  # fmt: skip
    expected = {
        (event.subject, event.version): (
            type(event.data).__name__,
            event.occurred_at,
            event.recorded_at,
            *event.actor.split(":", 1),
        )
        for event in events
        if type(event.data).__name__ != "ConfidenceDisclosed"
    }
    assert {key: (row[0], as_time(row[1]), as_time(row[2]), *row[3:]) for key, row in rows.items()} == expected
    assert 0 < len(events) - len(expected) < 10


def test_it_says_what_an_event_is_about(harness: ProjectionHarness) -> None:
    harness.append(troubled())
    harness.engine().catch_up()
    found = harness.rows("timeline", "type, session_id, goal_id, clause")
    assert ("SessionNoteRecorded", "s1", None, None) in found
    assert ("GoalAchieved", None, "g1", None) in found
    assert ("CommitmentConcernRaised", None, None, "pentalog.late-reschedules") in found


def test_what_is_about_a_relationship_has_its_programme(harness: ProjectionHarness) -> None:
    harness.append([*everything(), *programme("p9")])
    harness.engine().catch_up()
    programmes: dict[str, str] = dict(harness.rows("relationships", "relationship_id, programme_id"))
    found = harness.rows("timeline", "subject, programme_id")
    assert len(programmes) > 1
    assert all(programme_id == programmes.get(subject) for subject, programme_id in found)


def test_times_sort_as_they_are(harness: ProjectionHarness) -> None:
    harness.append(
        programme("p1", (1, "suppression_min", 2), (1.0000001, "suppression_min", 3), (2, "suppression_min", 4))
    )
    harness.engine().catch_up()
    found = sorted(harness.rows("timeline", "occurred_at, version"))
    assert [version for _, version in found] == [1, 2, 3, 4]
    if harness.database.kind == "sqlite":
        assert {len(at) for at, _ in found} == {len("2026-03-02T09:00:00.000000Z")}


def test_changes_of_deadlines_stand_among_the_events(harness: ProjectionHarness) -> None:
    harness.append(troubled())
    prepare(harness.database)
    columns = ("seq", "worker", "key", "name", "change", "due_at", "at", "clauses", "caused_by", "position")
    row = (
        7,
        "trust",
        troubled()[0].subject,
        "decide",
        "armed",
        day(35),
        day(28),
        '["pentalog.trust","x.y"]',
        "event 17",
        17,
    )
    with harness.database.transaction() as session:
        session.insert("deadline_history", columns, [row])
    harness.engine().catch_up()
    with harness.database.reading() as session:
        (found,) = session.query(
            "SELECT subject, version, sequence, type, actor_role, actor_id, clause, deadline, due_at, position "
            "FROM timeline WHERE source = 'deadline'"
        )
    assert found[:8] == (row[2], None, 7, "armed", "worker", "trust", "pentalog.trust", "decide")
    assert as_time(found[8]) == day(35)
    assert found[9] == 17


def test_a_deadline_is_learned_of_with_the_event_that_brought_it_about(harness: ProjectionHarness) -> None:
    """What a fact told late led to was not known before it was told."""
    late = troubled()[-1].model_copy(update={"recorded_at": day(60)})
    harness.append([*troubled()[:-1], late])
    prepare(harness.database)
    columns = ("seq", "worker", "key", "name", "change", "due_at", "at", "clauses", "caused_by", "position")
    last = len(troubled())
    rows = [
        (seq, "trust", late.subject, "decide", "armed", day(70), at, "[]", "event", position)
        for seq, (at, position) in enumerate([(day(28), last), (day(65), last), (day(28), 10**6)])
    ]
    with harness.database.transaction() as session:
        session.insert("deadline_history", columns, rows)
    harness.engine().catch_up()
    with harness.database.reading() as session:
        found = session.query(
            "SELECT occurred_at, recorded_at FROM timeline WHERE source = 'deadline' ORDER BY sequence"
        )
    times = [(day(28), day(60)), (day(65), day(65)), (day(28), day(28))]
    assert [(as_time(at), as_time(known)) for at, known in found] == times


def test_a_damaged_event_hides_no_other(tmp_path: Path) -> None:
    with open_database(f"sqlite:///{tmp_path / 'store.sqlite'}", synchronous="off") as database:
        harness = ProjectionHarness(database)
        harness.append(troubled())
        with database.transaction() as session:
            session.execute("UPDATE stored_events SET state = ? WHERE originator_version = 3", (b"{",))
        harness.engine().catch_up()
        rows = harness.rows("timeline", "version, type, occurred_at")
    assert len(rows) == len(troubled()) - 1
    assert (3, "GoalAgreed", None) in rows


def test_an_event_that_nobody_can_read_is_in_it_all_the_same(harness: ProjectionHarness) -> None:
    event = harness.store.mapper.to_stored_event(troubled()[0])
    harness.store.append_stored([type(event)("one", 1, "SessionDreamt#3", event.state)])
    harness.engine().catch_up()
    assert harness.rows("timeline", "subject, type, actor_role") == [("one", "SessionDreamt", "coordinator")]


def test_rows_read_from_the_log_are_those_of_the_view(tmp_path: Path) -> None:
    """Exports of SQLite read the log itself: deadlines first, then events, damaged ones and those of other kinds too."""
    events = [*everything(), *programme("p9", (1, "suppression_min", 2))]
    with open_database(f"sqlite:///{tmp_path / 'store.sqlite'}", synchronous="off") as database:
        harness = ProjectionHarness(database)
        harness.append(events)
        prepare(database)
        columns = ("seq", "worker", "key", "name", "change", "due_at", "at", "clauses", "caused_by", "position")
        subjects = sorted({event.subject for event in events})
        keys = ["0", subjects[0], subjects[1], subjects[1], subjects[-1], subjects[-1] + "x"]
        clauses = ('["pentalog.trust","x.y"]', "[]")
        with database.transaction() as session:
            session.insert(
                "deadline_history",
                columns,
                [
                    (seq, "trust", key, "decide", "armed", day(35), day(seq), clauses[seq % 2], "event", position)
                    for seq, (key, position) in enumerate(zip(keys, (17, 1, 5, len(events), 10**6, 0), strict=True))
                ],
            )
            for version in (1, 4):
                session.execute(
                    "UPDATE stored_events SET state = ? WHERE originator_id = ? AND originator_version = ?",
                    (b"{", subjects[2], version),
                )
        harness.engine().catch_up()
        names = ", ".join(column.name for column in TIMELINE.columns)
        with database.reading() as session:
            wanted = session.query(f"SELECT {names} FROM timeline ORDER BY {', '.join(TIMELINE.order)}")
            assert list(map(_with_fractions, timeline_rows.rows(session))) == list(map(tuple, wanted))


def _with_fractions(row: Sequence[Any]) -> tuple[Any, ...]:
    """A row with its times as the view writes them, so that texts sort as times."""
    places = [place for place, column in enumerate(TIMELINE.columns) if column.type == "time"]
    return tuple(
        time_text(as_time(value)) if place in places and value is not None else value for place, value in enumerate(row)
    )
