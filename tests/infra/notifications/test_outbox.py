"""Writing notifications down: once, together with what decided them, on each kind of database."""

import pytest

from infra.notifications.outbox import enqueue, prepare
from infra.store.session import Database, as_time
from tests.infra.notifications.notes import AT, note


def ids(database: Database) -> list[str]:
    return [row[0] for row in database.query("SELECT id FROM notifications ORDER BY id")]


def test_a_notification_is_kept_as_it_was_given(database: Database) -> None:
    prepare(database)
    prepare(database)
    with database.transaction() as session:
        enqueue(session, [note("a", "mentor:ben", clauses=("cmn.breaches", "pentalog.trust"), alone=True)])
    [row] = database.query(
        "SELECT worker, subject, recipient, template, parameters, clauses, alone, created_at, status, attempts FROM notifications"
    )
    assert row[:6] == (
        "sessions",
        "0197-r1",
        "mentor:ben",
        "next_session",
        '{"sessions_left":2}',
        '["cmn.breaches","pentalog.trust"]',
    )
    assert bool(row[6]) is True
    assert as_time(row[7]) == AT
    assert row[8:] == ("pending", 0)


def test_the_same_notification_again_changes_nothing_even_when_it_reads_otherwise(database: Database) -> None:
    prepare(database)
    first = note("a")
    with database.transaction() as session:
        enqueue(session, [first, first])
        session.execute("UPDATE notifications SET status = 'sent'")
    with database.transaction() as session:
        enqueue(session, [first._replace(recipient="mentor:eve"), note("b")])
        enqueue(session, [])
    rows = database.query("SELECT id, recipient, status FROM notifications ORDER BY id")
    assert rows == [("a", "mentee:ana", "sent"), ("b", "mentee:ana", "pending")]


def test_nothing_is_left_of_a_transaction_that_failed(database: Database) -> None:
    prepare(database)

    def write_and_fail() -> None:
        with database.transaction() as session:
            enqueue(session, [note("a")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert ids(database) == []
