"""Ways to tamper with a store: each is found and named, or found with a checkpoint from elsewhere (docs/explanation/record.md).

Each is tried on the whole audit, in a transaction that is rolled back, on both databases.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from domain.relationship import commands as c
from domain.words import CodeId
from infra.bootstrap import Rapport, open_rapport
from infra.evidence import parts
from infra.evidence.audit import NONE_HELD, audit
from infra.evidence.checkpoints import Held, Kept
from infra.evidence.log_tree import TreeReader
from infra.evidence.note import Checkpoint
from infra.evidence.verify import Verdict
from infra.notifications.outbox import BEGUN
from infra.settings import Settings
from infra.store.hash_chain import NO_HASH, next_hash
from infra.store.log import EventStore
from infra.store.merkle import Frontier, event_leaf, receipt_digest, receipt_leaf
from infra.store.session import StoreSession
from infra.store.snapshot import Frozen
from tests.given_when_then import day
from tests.infra.worker_runtime.harness import WorkerHarness, subject
from tests.stores import by_hand

CODES: tuple[CodeId, ...] = ("pentalog", "mentor247", "cmn", "leapfrog", "nottingham")
ID, OTHER = subject(1), subject(2)
pytestmark = pytest.mark.xdist_group("tampering")


class Record(NamedTuple):
    """A store with two relationships, refusals, workers' decisions and datasets, and a checkpoint of it."""

    rapport: Rapport
    held: Held


@pytest.fixture(scope="module")
def record(shared_store_url: str) -> Iterator[Record]:
    with recorded(shared_store_url) as made:
        yield made


@pytest.fixture(scope="module")
def file_record(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    """On a file of SQLite, which takes values that PostgreSQL does not."""
    with recorded(f"sqlite:///{tmp_path_factory.mktemp('record') / 'store.sqlite'}") as made:
        yield made


@contextmanager
def recorded(store: str) -> Iterator[Record]:
    with open_rapport(Settings(store=store, synchronous="off", clock=day(0))) as rapport:
        harness = WorkerHarness(rapport)
        for number in (1, 2):
            about = subject(number)
            harness.send(
                c.ProposeRelationship(programme_id="spring", mentee_id="ana", mentor_id="ben", codes=CODES),
                "coordinator",
                0,
                about,
            )
            harness.send(c.RecordContact(channel="email"), "mentee", 1, about)
            harness.send(c.ResumeRelationship(informed=("mentee", "mentor")), "coordinator", 1, about)
            harness.send(c.RecordContact(channel="telephone"), "mentor", 2, about)
        harness.send(c.ReportTrustBreakdown(description="He shouted"), "mentee", 3, ID)
        harness.now(60).work()
        harness.send(c.RecordContact(channel="email"), "mentee", 61, ID)
        rapport.engine().catch_up()
        with rapport.database.reading() as session:
            reader = TreeReader(session)
            at = Checkpoint("rapport/test", reader.size, reader.frontier.root())
        yield Record(rapport, Held([Kept(Path("elsewhere"), b"", at)], [], []))


class Undone(Exception):
    """Ends the transaction in which something was tampered with."""


@contextmanager
def nothing(_what: str, _total: int | None) -> Iterator[Callable[[int], None]]:
    yield lambda _: None


def verdicts(record: Record, tamper: Callable[[StoreSession], object]) -> tuple[Verdict, Verdict]:
    """What the audit says after the tampering, without a checkpoint and with one."""
    rapport = record.rapport
    found: list[Verdict] = []
    with suppress(Undone), by_hand(rapport.database) as session:
        tamper(session)
        store = EventStore(Frozen(rapport.database, session), rapport.store.mapper)
        found += [audit(store, rapport.engine(), nothing, None, held) for held in (NONE_HELD, record.held)]
        raise Undone
    return found[0], found[1]


# --- tampering ----------------------------------------------------------------------------------------------------------


def sql(statement: str, *params: Any) -> Callable[[StoreSession], object]:
    def tamper(session: StoreSession) -> None:
        assert session.execute(statement, params) > 0, "nothing was tampered with"

    return tamper


def both(*steps: Callable[[StoreSession], object]) -> Callable[[StoreSession], None]:
    def tamper(session: StoreSession) -> None:
        for step in steps:
            step(session)

    return tamper


def state(version: int, old: bytes, new: bytes, about: str = ID) -> Callable[[StoreSession], None]:
    """Change the stored bytes of an event."""

    def tamper(session: StoreSession) -> None:
        where = "WHERE originator_id = ? AND originator_version = ?"
        [(before,)] = session.query(f"SELECT state FROM stored_events {where}", (about, version))
        after = bytes(before).replace(old, new)
        assert after != bytes(before)
        session.execute(f"UPDATE stored_events SET state = ? {where}", (after, about, version))

    return tamper


def rechain(session: StoreSession) -> None:
    """Compute all hashes of the chain anew, as somebody would who can rewrite the table."""
    heads: dict[str, bytes] = {}
    rows = session.query("SELECT position, originator_id, topic, state FROM stored_events ORDER BY position")
    for position, about, topic, stored in rows:
        heads[about] = next_hash(heads.get(about, NO_HASH), topic, bytes(stored))
        session.execute("UPDATE stored_events SET hash = ? WHERE position = ?", (heads[about], position))


def replant(session: StoreSession) -> None:
    """Compute the whole tree anew from events and receipts, as somebody would who can rewrite everything."""
    rows: list[tuple[int, int, tuple[Any, ...]]] = []
    for position, leaf, *rest in session.query(
        "SELECT position, leaf, originator_id, originator_version, hash FROM stored_events"
    ):
        rows.append((leaf, 0, (position, *rest)))
    for position, leaf, *rest in session.query(
        "SELECT position, leaf, source, message_id, fingerprint, answer FROM receipts"
    ):
        rows.append((leaf, 1, (position, *rest)))
    hashes = []
    for number, (_, kind, row) in enumerate(sorted(rows)):
        if kind == 0:
            position, about, version, hash_ = row
            hashes.append(event_leaf(position, about, version, bytes(hash_)))
            session.execute("UPDATE stored_events SET leaf = ? WHERE position = ?", (number, position))
        else:
            position, source, id_, fingerprint, answer = row
            hashes.append(receipt_leaf(position, receipt_digest(source, id_, bytes(fingerprint), bytes(answer))))
            session.execute("UPDATE receipts SET leaf = ? WHERE source = ? AND message_id = ?", (number, source, id_))
    session.execute("DELETE FROM tree_leaves")
    session.insert("tree_leaves", ("number", "hash"), list(enumerate(hashes)))
    session.execute("DELETE FROM tree_nodes")
    frontier = Frontier()
    nodes = frontier.grow(hashes)
    session.insert("tree_nodes", ("level", "number", "hash"), nodes)
    session.execute("UPDATE tree_frontier SET size = ?, roots = ?", (frontier.size, frontier.stored))


def answer(id_: str, change: Callable[[list[Any]], None]) -> Callable[[StoreSession], None]:
    """Change what is kept of a receipt."""

    def tamper(session: StoreSession) -> None:
        [(before,)] = session.query("SELECT answer FROM receipts WHERE source = '/tests' AND message_id = ?", (id_,))
        kept = orjson.loads(bytes(before))
        change(kept)
        session.execute(
            "UPDATE receipts SET answer = ? WHERE source = '/tests' AND message_id = ?", (orjson.dumps(kept), id_)
        )

    return tamper


def put(place: int, value: Any) -> Callable[[list[Any]], None]:
    def change(kept: list[Any]) -> None:
        kept[place] = value

    return change


def remove_event(about: str, version: int) -> Callable[[StoreSession], object]:
    return sql("DELETE FROM stored_events WHERE originator_id = ? AND originator_version = ?", about, version)


def remove_receipt(id_: str) -> Callable[[StoreSession], object]:
    return sql("DELETE FROM receipts WHERE source = '/tests' AND message_id = ?", id_)


def event(columns: str, about: str = ID, version: int = 2) -> Callable[[StoreSession], object]:
    return sql(f"UPDATE stored_events SET {columns} WHERE originator_id = ? AND originator_version = ?", about, version)


def receipt(columns: str, id_: str = "m2", *params: Any) -> Callable[[StoreSession], object]:
    return sql(f"UPDATE receipts SET {columns} WHERE source = '/tests' AND message_id = ?", *params, id_)


def invented(with_receipt: bool) -> Callable[[StoreSession], None]:
    """Add an event that nobody sent at the end of the log, well chained, and with or without a receipt."""

    def tamper(session: StoreSession) -> None:
        rows = session.query(
            "SELECT originator_version, topic, state, hash FROM stored_events WHERE originator_id = ? "
            "ORDER BY originator_version DESC",
            (ID,),
        )
        _, topic, stored, _ = next(row for row in rows if row[1] == "ContactRecorded")
        last, [(position,)] = rows[0], session.query("SELECT MAX(position) FROM stored_events")
        [(size,)] = session.query("SELECT size FROM tree_frontier")
        body = orjson.loads(bytes(stored)) | {"version": last[0] + 1, "message_id": "invented"}
        new = orjson.dumps(body)
        session.execute(
            "INSERT INTO stored_events (position, originator_id, originator_version, topic, state, hash, leaf) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (position + 1, ID, last[0] + 1, topic, new, next_hash(bytes(last[3]), topic, new), size),
        )
        if with_receipt:
            kept = orjson.dumps([ID, "accepted", [[topic, last[0] + 1]], [], "t", "t", "mentee:ana", "RecordContact"])
            session.execute(
                "INSERT INTO receipts (leaf, position, source, message_id, fingerprint, answer) VALUES (?, ?, ?, ?, ?, ?)",
                (size + 1, position + 1, "/tests", "invented", b"x" * 16, kept),
            )

    return tamper


def cut_off(session: StoreSession) -> None:
    """Do as if the last message had never come."""
    [(size,)] = session.query("SELECT size FROM tree_frontier")
    assert session.execute("DELETE FROM stored_events WHERE leaf >= ?", (size - 2,)) == 1
    assert session.execute("DELETE FROM receipts WHERE leaf >= ?", (size - 2,)) == 1
    replant(session)


def swapped(table: str, key: str, one: str, other: str, column: str) -> Callable[[StoreSession], None]:
    def tamper(session: StoreSession) -> None:
        value = {
            each: session.query(f"SELECT {column} FROM {table} WHERE {key} = ?", (each,))[0][0] for each in (one, other)
        }
        session.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (value[other], one))
        session.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (value[one], other))

    return tamper


FOUND: dict[str, Callable[[StoreSession], object]] = {
    # events
    "the bytes of an event": state(2, b"email", b"telephone"),
    "the actor of an event": state(2, b"mentee:ana", b"mentee:eve"),
    "the time of an event": state(2, b'"occurred_at":"20', b'"occurred_at":"19'),
    "the recorded time of an event": state(2, b'"recorded_at":"20', b'"recorded_at":"19'),
    "the message id of an event": state(2, b'"message_id":"', b'"message_id":"x'),
    "the source of an event": state(2, b'"source":"/tests"', b'"source":"/other"'),
    "the bytes of the first event": state(1, b"ben", b"eve"),
    "the subject in the bytes": state(2, ID.encode(), OTHER.encode()),
    "bytes, and the chain computed anew": both(state(2, b"email", b"telephone"), rechain),
    "the actor, and the chain computed anew": both(state(2, b"mentee:ana", b"mentee:eve"), rechain),
    "the source, with chain and tree computed anew": both(
        state(2, b'"source":"/tests"', b'"source":"/other"'), rechain, replant
    ),
    "the message id, with chain and tree computed anew": both(
        state(2, b'"message_id":"', b'"message_id":"x'), rechain, replant
    ),
    "the type of an event": event("topic = 'RelationshipPaused'"),
    "the type of an event, with chain and tree computed anew": both(event("topic = 'MatchAccepted'"), rechain, replant),
    "the hash of an event": sql(
        "UPDATE stored_events SET hash = ? WHERE originator_id = ? AND originator_version = 2", bytes(32), ID
    ),
    "the version of an event": event("originator_version = 20"),
    "the subject of an event": event(f"originator_id = '{subject(9)}'", version=3),
    "the position of an event": event("position = 100000"),
    "the position of an event, with the tree computed anew": both(event("position = 100000"), replant),
    "the leaf of an event": event("leaf = 100000"),
    "no leaf of an event": event("leaf = -1"),
    "an event gone": remove_event(ID, 2),
    "the first event gone": remove_event(ID, 1),
    "the last event gone": remove_event(ID, 3),
    "the last event and its receipt gone": both(remove_event(OTHER, 3), remove_receipt("m8")),
    "an event gone, with chain and tree computed anew": both(remove_event(ID, 2), rechain, replant),
    "an event and its receipt gone, with chain and tree computed anew": both(
        remove_event(ID, 2), remove_receipt("m2"), rechain, replant
    ),
    "a whole stream gone": sql("DELETE FROM stored_events WHERE originator_id = ?", OTHER),
    "a whole stream gone, with the tree computed anew": both(
        sql("DELETE FROM stored_events WHERE originator_id = ?", OTHER), replant
    ),
    "all events gone": sql("DELETE FROM stored_events"),
    "an event added": invented(with_receipt=False),
    "an event added, with the tree computed anew": both(invented(with_receipt=False), replant),
    "an event and a receipt added": invented(with_receipt=True),
    "bytes that are no JSON": sql(
        "UPDATE stored_events SET state = ? WHERE originator_id = ? AND originator_version = 2", b"{", ID
    ),
    "bytes that are empty": sql(
        "UPDATE stored_events SET state = ? WHERE originator_id = ? AND originator_version = 2", b"", ID
    ),
    "an event of another Rapport": event("topic = 'ContactRecorded#9'"),
    "an event of a type that there is not": both(event("topic = 'RelationshipDreamt'"), rechain, replant),
    # receipts
    "a receipt gone": remove_receipt("m2"),
    "a receipt gone, with the tree computed anew": both(remove_receipt("m2"), replant),
    "a refusal gone": remove_receipt("m3"),
    "all receipts gone": sql("DELETE FROM receipts"),
    "all receipts gone, with the tree computed anew": both(sql("DELETE FROM receipts"), replant),
    "the source of a receipt": receipt("source = '/other'"),
    "the source of a receipt, with the tree computed anew": both(receipt("source = '/other'"), replant),
    "the id of a receipt": receipt("message_id = 'other'"),
    "the id of a receipt, with the tree computed anew": both(receipt("message_id = 'other'"), replant),
    "the fingerprint of a receipt": receipt("fingerprint = ?", "m2", b"y" * 16),
    "the position of a receipt": receipt("position = position + 1"),
    "the position of a receipt, with the tree computed anew": both(receipt("position = position + 1"), replant),
    "the leaf of a receipt": receipt("leaf = 100000"),
    "the subject of a receipt": answer("m2", put(0, OTHER)),
    "the subject of a receipt, with the tree computed anew": both(answer("m2", put(0, OTHER)), replant),
    "the status of a receipt": answer("m2", put(1, "refused")),
    "the status of a receipt, with the tree computed anew": both(answer("m2", put(1, "refused")), replant),
    "the events of a receipt": answer("m2", put(2, [["ContactRecorded", 3]])),
    "the events of a receipt, with the tree computed anew": both(
        answer("m2", put(2, [["ContactRecorded", 3]])), replant
    ),
    "no events of a receipt, with the tree computed anew": both(answer("m2", put(2, [])), replant),
    "the type of an event in a receipt, with the tree computed anew": both(
        answer("m2", put(2, [["MatchAccepted", 2]])), replant
    ),
    "the time of a receipt": answer("m2", put(5, "2026-01-01T00:00:00Z")),
    "when a receipt was answered": answer("m2", put(4, "2026-01-01T00:00:00Z")),
    "the actor of a receipt": answer("m2", put(6, "mentee:eve")),
    "the command of a receipt": answer("m2", put(7, "PauseRelationship")),
    "a refusal made an acceptance": answer("m3", put(1, "accepted")),
    "why a refusal was": answer("m3", put(3, [])),
    "who was refused": answer("m3", put(6, "mentee:eve")),
    "a refusal of events, with the tree computed anew": both(answer("m3", put(2, [["ContactRecorded", 2]])), replant),
    **{
        f"{what} of a receipt of what was accepted, with the tree computed anew": both(
            answer("m2", put(place, value)), replant
        )
        for what, place, value in (
            ("a problem", 3, [["state", "it is closed", None, None]]),
            ("when it was answered", 4, "2026-01-01T00:00:00Z"),
            ("the time", 5, "2026-01-01T00:00:00Z"),
            ("the actor", 6, "mentee:eve"),
            ("the command", 7, "PauseRelationship"),
        )
    },
    "a receipt without what was tried, with the tree computed anew": both(
        answer("m2", lambda kept: kept.__delitem__(slice(4, None))), replant
    ),
    "a receipt that can't be read": receipt("answer = ?", "m2", b"\0"),
    "a receipt that can't be read, with the tree computed anew": both(receipt("answer = ?", "m2", b"\0"), replant),
    "two receipts in each other's place": swapped("receipts", "message_id", "m2", "m4", "answer"),
    "two receipts in each other's place, with the tree computed anew": both(
        swapped("receipts", "message_id", "m2", "m4", "answer"), replant
    ),
    # the tree
    "a leaf": sql("UPDATE tree_leaves SET hash = ? WHERE number = 1", bytes(32)),
    "a leaf gone": sql("DELETE FROM tree_leaves WHERE number = 1"),
    "the last leaf gone": sql("DELETE FROM tree_leaves WHERE number = (SELECT MAX(number) FROM tree_leaves)"),
    "a leaf added": sql("INSERT INTO tree_leaves (number, hash) VALUES (100000, ?)", bytes(32)),
    "all leaves gone": sql("DELETE FROM tree_leaves"),
    "the size of the tree": sql("UPDATE tree_frontier SET size = size - 1"),
    "the frontier": sql("UPDATE tree_frontier SET roots = ?", bytes(64)),
    "the frontier gone": sql("DELETE FROM tree_frontier"),
    "a kept hash added": sql("INSERT INTO tree_nodes (level, number, hash) VALUES (8, 0, ?)", bytes(32)),
    # spellings
    "a first spelling": sql("UPDATE spellings SET spelling = 'Ben' WHERE spelling = 'ben'"),
    "a first spelling gone": sql("DELETE FROM spellings WHERE spelling = 'ben'"),
    "a first spelling added": sql("INSERT INTO spellings (key, spelling) VALUES ('person:eve', 'eve')"),
    # workers
    "the clauses of a decision": sql("UPDATE decisions SET clauses = '[\"care.help\"]'"),
    "the evidence of a decision": sql("UPDATE decisions SET evidence = '[99]'"),
    "the terms of a decision": sql("UPDATE decisions SET terms = '{}'"),
    "the effects of a decision": sql("UPDATE decisions SET sent = '[]'"),
    "when a decision was taken": sql("UPDATE decisions SET at = ?", day(1)),
    "the worker of a decision": sql(
        "UPDATE decisions SET worker = 'contact' WHERE id = (SELECT MIN(id) FROM decisions WHERE worker <> 'contact')"
    ),
    "whom a decision is about": sql(
        "UPDATE decisions SET key = 'mentor:eve' WHERE id = (SELECT MIN(id) FROM decisions)"
    ),
    "the decisions of a worker gone": sql("DELETE FROM decisions WHERE worker = (SELECT MIN(worker) FROM decisions)"),
    "all decisions gone": sql("DELETE FROM decisions"),
    "all tasks gone": sql("DELETE FROM worker_tasks"),
    "the due time of a task": sql("UPDATE worker_tasks SET due = since"),
    "a task closed": sql("UPDATE worker_tasks SET closed_at = since"),
    "the owner of a task": sql("UPDATE worker_tasks SET owner = 'hr'"),
    "all states of workers gone": sql("DELETE FROM worker_state"),
    "a deadline gone": sql("DELETE FROM deadlines"),
    "a deadline moved": sql("UPDATE deadlines SET due_at = ?", day(900)),
    "the history of deadlines gone": sql("DELETE FROM deadline_history"),
    "the outbox of workers gone": sql("DELETE FROM outbox"),
    "what workers know of others gone": sql("DELETE FROM worker_ground"),
    "whom workers heard of gone": sql("DELETE FROM worker_sources"),
    "whom workers heard of added": sql("INSERT INTO worker_sources (key, subject) VALUES (?, ?)", ID, OTHER),
    "a worker's command noted as refused that nobody answered": sql(
        "INSERT INTO outbox SELECT 99999, 'asked', worker, key, subject, command, at, body, 'refused', answer, position FROM outbox LIMIT 1"
    ),
    "the answer to a worker's command": sql("UPDATE outbox SET status = 'refused'"),
    "what a worker's command said": sql("UPDATE outbox SET body = '{}'"),
    "the key of the workers": sql("UPDATE worker_key SET key = ?", bytes(32)),
    "all notifications gone": sql("DELETE FROM notifications"),
    "a notification gone": sql("DELETE FROM notifications WHERE id = (SELECT MIN(id) FROM notifications)"),
    "a notification added": sql(
        "INSERT INTO notifications (id, worker, subject, recipient, template, parameters, clauses, alone, created_at) "
        "VALUES ('n', 'trust', ?, 'mentee:eve', 'trust_broken', '{}', '[]', FALSE, ?)",
        ID,
        day(5),
    ),
    "to whom a notification went": sql("UPDATE notifications SET recipient = 'mentee:eve'"),
    "what a notification said": sql("UPDATE notifications SET template = 'session_reminder'"),
    "what a notification is about": sql("UPDATE notifications SET subject = ?", OTHER),
    "when a notification was made": sql("UPDATE notifications SET created_at = ?", day(1)),
    "a notification sent without an attempt": sql("UPDATE notifications SET status = 'sent'"),
    "a notification sent by no way": sql("UPDATE notifications SET status = 'sent', attempts = 1, sent_at = ?", day(5)),
    "a notification with a time of sending that was not sent": sql("UPDATE notifications SET sent_at = ?", day(5)),
    "a notification given up that nobody tried": sql("UPDATE notifications SET status = 'dead', last_error = 'away'"),
    "a notification missed for no reason": sql("UPDATE notifications SET status = 'missed'"),
    "a notification missed for a reason that it can't have": sql(
        "UPDATE notifications SET status = 'missed', last_error = ? WHERE until IS NULL", BEGUN
    ),
    "a notification in a state that there is not": sql("UPDATE notifications SET status = 'lost'"),
    "attempts of a notification that left no reason": sql("UPDATE notifications SET attempts = 3, last_error = NULL"),
    "a correction taken up that there is not": sql("INSERT INTO worker_corrections (key, position) VALUES (?, 4)", ID),
    "a correction taken up that nobody has come to": sql(
        "INSERT INTO worker_corrections (key, position) VALUES (?, 100000)", ID
    ),
    # skipped is not ok
    "a key put aside by hand": sql(
        "INSERT INTO parked (worker, key, since, trigger_id, position, error) VALUES ('*', ?, ?, 'x', 0, 'by hand')",
        ID,
        day(1),
    ),
}

# Whoever can rewrite the whole database can make another whole record of it. A checkpoint from elsewhere betrays it.
NEEDS_A_CHECKPOINT: dict[str, Callable[[StoreSession], object]] = {
    "the last message never came": cut_off,
    "a refusal gone, with the tree computed anew": both(remove_receipt("m3"), replant),
    "who was refused, with the tree computed anew": both(answer("m3", put(6, "mentee:eve")), replant),
    "why a refusal was, with the tree computed anew": both(answer("m3", put(3, [])), replant),
    "the fingerprint of a receipt, with the tree computed anew": both(
        receipt("fingerprint = ?", "m2", b"y" * 16), replant
    ),
}


def test_the_record_is_whole(record: Record) -> None:
    for verdict in verdicts(record, lambda _: None):
        assert verdict.ok, (verdict.problems[:3], verdict.skipped)


def test_at_least_ninety_ways_are_tried() -> None:
    assert len(FOUND) + len(NEEDS_A_CHECKPOINT) >= 90


@pytest.mark.parametrize("way", FOUND)
def test_tampering_is_found_and_named(record: Record, way: str) -> None:
    found, _ = verdicts(record, FOUND[way])
    assert not found.ok
    assert found.problems or found.skipped


@pytest.mark.parametrize("way", NEEDS_A_CHECKPOINT)
def test_what_is_whole_in_itself_is_betrayed_by_a_checkpoint_from_elsewhere(record: Record, way: str) -> None:
    without, with_one = verdicts(record, NEEDS_A_CHECKPOINT[way])
    assert not with_one.ok
    assert any("checkpoint" in wrong.problem for wrong in with_one.problems)
    record_ok = [wrong for wrong in without.problems if "checkpoint" in wrong.problem]
    assert record_ok == []


# --- values that are none ------------------------------------------------------------------------------------------------
# SQLite keeps anything in any column. Table, row and column are named, and the audit goes on.
NO_TEXTS: dict[str, str] = {
    "stored_events": "topic",
    "receipts": "source",
    "spellings": "spelling",
    "decisions": "clauses",
    "worker_tasks": "kind",
    "worker_state": "state",
    "worker_ground": "fact",
    "worker_sources": "subject",
    "deadline_history": "caused_by",
    "outbox": "body",
    "notifications": "recipient",
    "parked": "error",
}
PRIMARY = "SELECT name, pk FROM pragma_table_info(?) WHERE pk > 0"
MARK = "\ufffd"
# Values of another type, and texts that say no time and are no JSON.
MISFITS: dict[str, tuple[str, str, str]] = {
    "a text for the version of an event": ("stored_events", "originator_version", "'x'"),
    "a text for the position of a receipt": ("receipts", "position", "'x'"),
    "bytes for the type of an event": ("stored_events", "topic", "x'ff'"),
    "a text for the roots of the tree": ("tree_frontier", "roots", "'x'"),
    "a text for the key of the workers": ("worker_key", "key", "'x'"),
    "a text for the position of a partition": ("worker_partitions", "position", "'x'"),
    "bytes for the name of a deadline": ("deadlines", "name", "x'ff'"),
    "a text for whether a deadline freezes": ("deadlines", "freezes", "'x'"),
    "a text that is no time for when a deadline fired": ("deadline_history", "due_at", "'x'"),
    "a text that is no time for when a deadline changed": ("deadline_history", "at", "'x'"),
    "a text that is no JSON for a command": ("outbox", "body", "'x'"),
    "a text that is no JSON for the clauses of a decision": ("decisions", "clauses", "'x'"),
    "a text that is no time in a dataset": ("relationships", "proposed_at", "'x'"),
    "bytes in a dataset": ("relationships", "status", "x'ff'"),
    "a text that is no JSON in a dataset": ("relationships", "codes", "'x'"),
    "a text that is no JSON for a state": ("commitment_state", "state", "'x'"),
    "a text that is no time beside a state": ("commitment_state", "due", "'x'"),
}


def no_text(session: StoreSession, table: str, column: str) -> tuple[Any, ...]:
    """Put bytes that are no text into the first row of a table; returns its key."""
    if table == "parked":
        session.execute(
            "INSERT INTO parked (worker, key, since, trigger_id, position, error) VALUES ('trust', ?, ?, 'x', 99999, '')",
            (ID, day(1)),
        )
    key = [name for name, place in sorted(session.query(PRIMARY, (table,)), key=lambda each: each[1])]
    [row, *_] = session.query(f"SELECT {', '.join(key)} FROM {table} ORDER BY {', '.join(key)}")
    where = " AND ".join(f"{name} = ?" for name in key)
    session.execute(f"UPDATE {table} SET {column} = CAST(x'ff' || {column} AS TEXT) WHERE {where}", row)
    return tuple(MARK + str(value) if name == column else value for name, value in zip(key, row, strict=True))


def stored_table(session: StoreSession, name: str) -> str:
    """A table, or that of a dataset, by its name."""
    [(found,)] = session.query(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND (name = ? OR name GLOB ?)", (name, f"{name}__v*")
    )
    return str(found)


@pytest.mark.parametrize("table", NO_TEXTS)
def test_a_text_that_is_none_is_named_by_table_row_and_column_and_the_audit_goes_on(
    file_record: Record, table: str
) -> None:
    column, keys = NO_TEXTS[table], list[tuple[Any, ...]]()
    found, _ = verdicts(file_record, lambda session: keys.append(no_text(session, table, column)))
    named = [wrong.problem for wrong in found.problems if "can't be read as text" in wrong.problem]
    assert named == [
        f"the column {column} of the table {table} can't be read as text in row {'/'.join(map(str, keys[0]))}"
    ]
    assert found.events == verdicts(file_record, lambda _: None)[0].events


def test_texts_that_are_none_are_named_in_datasets_and_beside_other_tampering(file_record: Record) -> None:
    def tamper(session: StoreSession) -> None:
        session.execute(f"UPDATE {stored_table(session, 'relationships')} SET status = CAST(x'c328' AS TEXT)")
        FOUND["the due time of a task"](session)

    found, _ = verdicts(file_record, tamper)
    problems = [wrong.problem for wrong in found.problems]
    assert sum("column status of the table relationships" in problem for problem in problems) == 2
    assert any("worker_tasks" in problem and "another due" in problem for problem in problems)


@pytest.mark.parametrize("way", MISFITS)
def test_a_value_that_no_column_of_its_type_has_is_found_and_named(file_record: Record, way: str) -> None:
    table, column, value = MISFITS[way]

    def tamper(session: StoreSession) -> None:
        name = stored_table(session, table)
        key = ", ".join(each for each, _ in session.query(PRIMARY, (name,)))
        row = f"SELECT {key} FROM {name} ORDER BY {key} LIMIT 1"
        assert session.execute(f"UPDATE {name} SET {column} = {value} WHERE ({key}) = ({row})") == 1

    found, _ = verdicts(file_record, tamper)
    assert found.problems
    if table in {"tree_frontier", "worker_key", "worker_partitions"}:
        # Nothing is compared with these: a part of the audit rests on them.
        assert f"column {column} of the table {table}" in found.problems[0].problem
        assert any("could not be compared" in each for each in found.skipped)


# What people read is the view, and what is written goes through a trigger.
SCHEMA: dict[str, Callable[[StoreSession], object]] = {
    "a view that shows less": lambda session: remade(session, "tasks", lambda text: f"{text} WHERE 0"),
    "a view that shows another value": lambda session: remade(
        session, "relationships", lambda text: text.replace("t.status", "'terminated' AS status")
    ),
    "a view of the log that shows less": lambda session: remade(
        session, "timeline", lambda text: f"SELECT * FROM ({text}) WHERE position <> 2"
    ),
    "a view gone": lambda session: session.execute("DROP VIEW gates"),
    "a trigger": lambda session: session.execute(
        "CREATE TRIGGER forget AFTER INSERT ON receipts BEGIN DELETE FROM content_reads; END"
    ),
}


def remade(session: StoreSession, view: str, change: Callable[[str], str]) -> None:
    [(made,)] = session.query("SELECT sql FROM sqlite_master WHERE type = 'view' AND name = ?", (view,))
    text = made.partition(" AS ")[2]
    session.execute(f"DROP VIEW {view}")
    session.execute(f"CREATE VIEW {view} AS {change(text)}")


@pytest.mark.parametrize("way", SCHEMA)
def test_what_stands_between_tables_and_people_is_looked_at_too(file_record: Record, way: str) -> None:
    found, _ = verdicts(file_record, SCHEMA[way])
    assert len(found.problems) == 1


def test_a_mistake_of_ours_is_raised_and_called_no_tampering(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(*_: object) -> None:
        raise TypeError("a mistake of ours")

    monkeypatch.setattr(parts, "verify_decisions", mistaken)
    with pytest.raises(TypeError, match="a mistake of ours"):
        verdicts(record, lambda _: None)
