"""What a session promises to those who keep tables beside the record, on each kind of database."""

import contextlib
import threading
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from infra.store.errors import Conflict, StoreError
from infra.store.session import Database, StoreSession, as_time

COLUMNS = ("name", "count", "share", "ready", "at", "day", "facts", "raw")
AT = datetime(2026, 3, 2, 9, 0, 0, 5, tzinfo=UTC)
ROW = ("ana", 2**53 + 1, 0.25, True, AT, date(2026, 3, 2), '{"b": 1,"a":[ 2 ]}', b"\x00\xff")
EMPTY = ("ben", None, None, None, None, None, None, None)


@pytest.fixture
def table(database: Database) -> Database:
    """The database with a table that has one column of each type."""
    types = database.types
    with database.changing_schema() as session:
        session.execute(
            f"CREATE TABLE things (name {types['text']} PRIMARY KEY, count {types['integer']}, share {types['real']}, "
            f"ready {types['boolean']}, at {types['time']}, day {types['day']}, facts {types['json']}, raw {types['blob']})"
        )
    return database


def names(session: StoreSession) -> list[str]:
    return [row[0] for row in session.query("SELECT name FROM things ORDER BY name")]


@pytest.mark.parametrize("way", ["upsert", "insert", "execute", "executemany"])
def test_every_type_comes_back_as_it_went(table: Database, way: str) -> None:
    marks = ", ".join("?" * len(COLUMNS))
    with table.transaction() as session:
        if way == "upsert":
            session.upsert("things", COLUMNS, ["name"], [ROW, EMPTY])
        elif way == "insert":
            session.insert("things", COLUMNS, [ROW, EMPTY])
        elif way == "execute":
            session.execute(f"INSERT INTO things VALUES ({marks})", ROW)
            session.execute(f"INSERT INTO things VALUES ({marks})", EMPTY)
        else:
            session.executemany(f"INSERT INTO things VALUES ({marks})", [ROW, EMPTY])
    found, empty = table.query("SELECT * FROM things ORDER BY name")
    assert found[:3] == ROW[:3]
    assert bool(found[3]) is True
    assert as_time(found[4]) == AT
    assert str(found[5]) == "2026-03-02"
    assert found[6:] == ROW[6:]
    assert empty == EMPTY


def test_times_compare_as_moments(table: Database) -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=5)))
    with table.transaction() as session:
        session.upsert("things", ("name", "at"), ["name"], [("a", AT), ("b", AT + timedelta(microseconds=1))])
        assert session.query("SELECT name FROM things WHERE at <= ?", (elsewhere,)) == [("a",)]


def test_an_upsert_replaces_the_other_columns_and_the_last_row_counts(table: Database) -> None:
    with table.transaction() as session:
        session.upsert("things", ("name", "count"), ["name"], [("a", 1), ("b", 1)])
        session.upsert("things", ("name", "count"), ["name"], [("a", 2), ("c", 1), ("c", 3)])
        assert session.query("SELECT name, count FROM things ORDER BY name") == [("a", 2), ("b", 1), ("c", 3)]
        session.upsert("things", ("name",), ["name"], [("a",)])
        session.upsert("things", ("name",), ["name"], [])
        assert names(session) == ["a", "b", "c"]


def test_rows_are_deleted_by_key(table: Database) -> None:
    with table.transaction() as session:
        session.insert("things", ("name", "count"), [("a", 1), ("b", 2), ("c", 3)])
        session.delete("things", ("name", "count"), [("a", 1), ("b", 1)])
        session.delete("things", ("name",), [])
        assert names(session) == ["b", "c"]


def test_rows_are_found_by_many_keys(table: Database) -> None:
    with table.transaction() as session:
        session.insert("things", ("name", "count"), [(f"n{i}", i) for i in range(1000)])
        sql = "SELECT count FROM things WHERE name IN ({keys}) AND count < ?"
        assert sorted(session.keyed(sql, [(f"n{i}",) for i in range(0, 2000, 2)], (10,))) == [
            (0,),
            (2,),
            (4,),
            (6,),
            (8,),
        ]
        assert list(session.keyed(sql, [], (10,))) == []


def test_a_stream_of_rows_leaves_room_for_other_queries(table: Database) -> None:
    with table.transaction() as session:
        session.insert("things", ("name", "count"), [(f"n{i:03}", i) for i in range(250)])
        seen = []
        for name, count in session.stream(
            "SELECT name, count FROM things WHERE count >= ? ORDER BY name", (1,), size=7
        ):
            assert session.query("SELECT count FROM things WHERE name = ?", (name,)) == [(count,)]
            seen.append(count)
        assert seen == list(range(1, 250))


def test_texts_sort_by_code_point(table: Database) -> None:
    with table.transaction() as session:
        session.insert("things", ("name",), [("b",), ("B",), ("ä",), ("a-b",), ("a b",), ("_",)])
        assert names(session) == sorted(["b", "B", "ä", "a-b", "a b", "_"])


def test_a_question_mark_in_quotes_is_no_parameter(table: Database) -> None:
    with table.transaction() as session:
        session.execute("INSERT INTO things (name, facts) VALUES ('why?', ?)", ('"its"',))
        assert session.query("SELECT name FROM things WHERE name <> '?' AND name LIKE ?", ("wh%",)) == [("why?",)]


def test_execute_says_how_many_rows_it_touched(table: Database) -> None:
    with table.transaction() as session:
        session.insert("things", ("name", "count"), [("a", 1), ("b", 2), ("c", 3)])
        assert session.execute("UPDATE things SET count = 0 WHERE count > ?", (1,)) == 2
        assert session.execute("DELETE FROM things WHERE name = ?", ("z",)) == 0


def test_sums_and_averages_are_plain_numbers(table: Database) -> None:
    with table.transaction() as session:
        session.insert("things", ("name", "count", "share"), [("a", 1, 0.5), ("b", 2, 1.5)])
        found = session.query("SELECT SUM(count), AVG(share), COUNT(*) FROM things")[0]
    assert found == (3, 1.0, 2)
    assert type(found[0]) is int


def test_a_block_that_raises_writes_nothing(table: Database) -> None:
    with contextlib.suppress(ZeroDivisionError), table.transaction() as session:
        session.insert("things", ("name",), [("a",)])
        raise ZeroDivisionError
    with pytest.raises(Conflict), table.transaction() as session:
        session.insert("things", ("name",), [("a",), ("a",)])
    assert table.query("SELECT name FROM things") == []


def test_a_wrong_statement_is_told_in_words(table: Database) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        table.query("SELECT * FROM nowhere")


def test_a_reading_sees_one_state_and_writes_nothing(table: Database) -> None:
    with table.reading() as session:
        assert names(session) == []
        with table.transaction() as other:
            other.insert("things", ("name",), [("a",)])
        assert names(session) == []
    assert table.query("SELECT name FROM things") == [("a",)]


def test_a_table_that_comes_back_with_other_columns_is_looked_at_again(table: Database) -> None:
    with table.transaction() as session:
        session.upsert("things", ("name", "count"), ["name"], [("a", 1)])
        session.execute("DROP TABLE things")
        session.execute(f"CREATE TABLE things (name {table.types['text']} PRIMARY KEY, count {table.types['text']})")
        session.upsert("things", ("name", "count"), ["name"], [("a", "one")])
        assert session.query("SELECT * FROM things") == [("a", "one")]


def test_a_named_lock_makes_writers_take_turns(table: Database) -> None:
    with table.transaction() as session:
        session.insert("things", ("name", "count"), [("sum", 0)])

    def add() -> None:
        for _ in range(10):
            with table.transaction() as session:
                session.lock("notifications")
                count = session.query("SELECT count FROM things")[0][0]
                session.execute("UPDATE things SET count = ?", (count + 1,))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert table.query("SELECT count FROM things") == [(40,)]


def test_opening_a_dataset_again_is_no_harm(table: Database) -> None:
    for _ in range(2):
        with table.changing_schema() as session:
            session.open_to("things", "analyst", "auditor")
