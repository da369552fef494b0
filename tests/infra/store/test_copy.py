"""A record copied between stores of both kinds: all of it, in its place, and nothing over anything else."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from typer.testing import CliRunner

from infra.cli.app import build
from infra.clock import Clock
from infra.evidence.verify import verify
from infra.intake.handler import Handler
from infra.store import copying
from infra.store.copying import Copied, Foreign, NotTheSame, copy
from infra.store.hash_chain import Offset, ReceiptRow
from infra.store.identity import new_identity, replace_identity
from infra.store.log import EventStore
from infra.store.opening import open_database
from infra.store.reads import Read, reads_of, record_reads
from infra.store.session import Database
from infra.worker_runtime import schema
from tests.infra.store.test_store import event
from tests.messages import contact, line, proposal


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "BATCH", 7)


@pytest.fixture
def source(store_url: str) -> Iterator[Database]:
    """A store with thirty relationships that have a life, refusals and an offset."""
    with open_database(store_url) as opened:
        handler = Handler(EventStore(opened), Clock())
        for number in range(30):
            sent = [proposal(number), contact(number, f"a{number}"), contact(number + 100, f"astray-{number}")]
            handler.handle(sent, offsets=[Offset("commands:0", number + 1)])
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with open_database(target_url(request, tmp_path)) as opened:
        yield opened


def target_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'target.sqlite'}"
    server = request.getfixturevalue("postgres_server")
    name = f"target_{uuid4().hex}"
    request.addfinalizer(lambda: server.drop_database(name))
    url: str = server.create_database(name, short_lived=True)
    return url


def no_progress(_what: str, _steps: int) -> None:
    pass


def everything(database: Database) -> list[list[tuple[object, ...]]]:
    return [
        database.query("SELECT * FROM stored_events ORDER BY position"),
        database.query("SELECT * FROM receipts ORDER BY source, message_id"),
        database.query("SELECT * FROM source_offsets ORDER BY name"),
        database.query("SELECT id, secret FROM store_identity"),
        database.query("SELECT number, hash FROM tree_leaves ORDER BY number"),
        database.query("SELECT size, roots FROM tree_frontier"),
    ]


@contextmanager
def by_the_service(target: Database) -> Iterator[Database]:
    """The same database, on PostgreSQL with the login of a service, which may not change what is only ever added to."""
    if target.kind == "sqlite":
        yield target
        return
    name = f"copier_{uuid4().hex[:8]}"
    with psycopg.connect(target.url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN IN ROLE rapport_service")
        try:
            with open_database(target.url.replace("postgres@", f"{name}@")) as opened:
                yield opened
        finally:
            admin.execute(f"DROP ROLE {name}")


def test_who_read_what_is_copied_again_and_only_ever_added_to(source: Database, target: Database) -> None:
    read = Read(datetime(2026, 3, 2, 9, tzinfo=UTC), "hr:hans", "a", 1, "goals", None, "a complaint")
    later = read._replace(version=2)
    with by_the_service(target) as into:
        record_reads(source, [read, read])
        copy(source, into, (), no_progress)
        assert reads_of(target, None) == [read, read]
        record_reads(source, [later])
        copy(source, into, (), no_progress)
        assert reads_of(target, None) == [read, read, later]


def test_a_copy_has_everything_at_its_place(source: Database, target: Database) -> None:
    assert copy(source, target, (), no_progress) == Copied(60, 90, 60, 90, 60)
    assert everything(target) == everything(source)
    assert verify(EventStore(target)).ok


def test_life_goes_on_in_the_copy_and_repetitions_are_known(source: Database, target: Database) -> None:
    copy(source, target, (), no_progress)
    handler = Handler(EventStore(target), Clock())
    assert [r.status for r in handler.handle([contact(3, "a3"), contact(3, "new")])] == ["duplicate", "accepted"]
    assert EventStore(target).head() == 61


def test_an_interrupted_copy_goes_on_where_it_was(source: Database, target: Database) -> None:
    steps = count(1)

    def interrupted(_what: str, _steps: int) -> None:
        if next(steps) == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy(source, target, (), interrupted)
    there = everything(target)
    assert 0 < len(there[0]) + len(there[1]) < 150
    copied = copy(source, target, (), no_progress)
    assert copied.copied_events + copied.copied_receipts == 150 - len(there[0]) - len(there[1])
    assert everything(target) == everything(source)


def test_what_came_meanwhile_is_brought_by_copying_again(source: Database, target: Database) -> None:
    copy(source, target, (), no_progress)
    handler = Handler(EventStore(source), Clock())
    handler.handle(
        [contact(3, "late"), line("ActivateRelationship", id="first of all")], offsets=[Offset("commands:0", 99)]
    )
    copied = copy(source, target, (), no_progress)
    assert (copied.copied_events, copied.copied_receipts) == (2, 2)
    assert everything(target) == everything(source)


def test_gaps_between_positions_stay(source: Database, target: Database) -> None:
    with source.transaction() as session:
        session.execute("UPDATE stored_events SET position = position + 1000 WHERE position > 40")
    copy(source, target, (), no_progress)
    assert everything(target) == everything(source)
    assert list(target.insert_events([event("z", 1)])) == [1061]


def test_nothing_is_copied_over_another_record(source: Database, target: Database) -> None:
    target.insert_events([event("somebody-else", 1)])
    before = everything(target)
    with pytest.raises(Foreign, match="events that the source does not have"):
        copy(source, target, (), no_progress)
    assert everything(target) == before


def test_nothing_is_copied_over_other_receipts(source: Database, target: Database) -> None:
    target.insert_events([], receipts=[ReceiptRow("/other", "1", b"", b"refused")])
    before = everything(target)
    with pytest.raises(Foreign, match="receipts that the source does not have"):
        copy(source, target, (), no_progress)
    assert everything(target) == before


def test_another_store_with_the_same_events_is_no_part_of_a_copy(source: Database, target: Database) -> None:
    copy(source, target, (), no_progress)
    with target.transaction() as session:
        replace_identity(session, new_identity())
    before = everything(target)
    with pytest.raises(Foreign, match="another store with the same events"):
        copy(source, target, (), no_progress)
    assert everything(target) == before


def test_a_target_that_lost_something_on_the_way_is_told(source: Database, target: Database) -> None:
    def spoil(what: str, _steps: int) -> None:
        if what == "receipts":
            with target.transaction() as session:
                session.execute("UPDATE stored_events SET state = ? WHERE position = 5", (b"{}",))

    with pytest.raises(NotTheSame, match="position 5"):
        copy(source, target, (), spoil)


def test_a_chain_broken_in_the_source_is_told(source: Database, target: Database) -> None:
    with source.transaction() as session:
        session.execute("UPDATE stored_events SET state = ? WHERE position = 5", (b"{}",))
    with pytest.raises(NotTheSame, match=r"chain is broken at .*position 5"):
        copy(source, target, (), no_progress)


def test_tables_beside_the_record_come_along(source: Database, target: Database) -> None:
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    for database in (source, target):
        types = database.types
        with database.changing_schema() as session:
            session.execute(
                f"CREATE TABLE books (name {types['text']} PRIMARY KEY, at {types['time']}, day {types['day']}, "
                f"frozen {types['boolean']}, facts {types['json']}, due {types['integer']})"
            )
    columns = ("name", "at", "day", "frozen", "facts", "due")
    with source.transaction() as session:
        session.insert(
            "books", columns, [("a", at, date(2026, 3, 2).isoformat(), True, '{"a": 1}', 5), ("b", *[None] * 5)]
        )
    with target.transaction() as session:
        session.insert("books", ("name",), [("of an earlier copy",)])
    copy(source, target, ("books",), no_progress)
    with target.reading() as session:
        a, b = session.query("SELECT * FROM books ORDER BY name")
        assert session.query("SELECT name FROM books WHERE at = ?", (at,)) == [("a",)]
    assert (a[0], str(a[2]), bool(a[3]), *a[4:]) == ("a", "2026-03-02", True, '{"a": 1}', 5)
    assert b == ("b", *[None] * 5)


@pytest.mark.parametrize("target", ["sqlite", "postgresql"], indirect=True)
def test_the_command_copies_and_says_so(source: Database, target: Database) -> None:
    schema.prepare(source)
    with source.transaction() as session:
        session.insert("worker_positions", ("worker", "position"), [("contact", 7)])
    runner = CliRunner()
    found = runner.invoke(build(), ["copy", "--from", source.url, "--to", target.url, "--json"])
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout) == {
        "ok": True,
        "copied_events": 60,
        "copied_receipts": 90,
        "events": 60,
        "receipts": 90,
        "head": 60,
    }
    assert target.query("SELECT * FROM worker_positions") == [("contact", 7)]
    again = runner.invoke(build(), ["copy", "--from", source.url, "--to", target.url])
    assert again.exit_code == 0
    assert "0 events and 0 receipts copied; the target has all 60 events" in " ".join(again.stdout.split())


def test_the_command_refuses_what_it_can_not_do(database: Database, tmp_path: Path) -> None:
    runner = CliRunner()
    same = runner.invoke(build(), ["copy", "--from", database.url, "--to", database.url])
    assert (same.exit_code, "same store" in same.stderr) == (2, True)
    nowhere = runner.invoke(build(), ["copy", "--from", f"sqlite:///{tmp_path / 'no.sqlite'}", "--to", database.url])
    assert (nowhere.exit_code, "no store" in nowhere.stderr) == (2, True)
    database.insert_events([event("somebody-else", 1)])
    other = f"sqlite:///{tmp_path / 'other.sqlite'}"
    open_database(other).close()
    foreign = runner.invoke(build(), ["copy", "--from", other, "--to", database.url])
    assert (foreign.exit_code, "empty store" in foreign.stderr) == (1, True)
