"""Would the workers decide again what they decided? Every receipt recomputed by replay and compared.

A receipt that replay does not make, or makes differently, is named; so is one that replay makes and the record lacks, and
a deadline that fired though it did not run. Keys that were put aside are compared up to there. The other tables of the workers:
`infra/worker_runtime/table_check.py`. Where sums tell already that all is the same (`infra/worker_runtime/sums.py`), nothing is compared row by row.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, Final, NamedTuple

from domain.registry import kind_of
from domain.relationship.events import RelationshipProposed
from infra.intake.receipt import KEPT
from infra.notifications.fates import impossible_fates
from infra.store import attempts
from infra.store.errors import DamagedEvent, UnknownEvent
from infra.store.log import EventStore
from infra.store.partitions import Reached
from infra.store.session import Database, Row
from infra.worker_runtime import schema
from infra.worker_runtime.replay import ALL, Replay, Share, scratch_database
from infra.worker_runtime.sums import is_what_replay_makes
from infra.worker_runtime.table_check import comparable, parsed, table_differences
from workers.catalogue import WORKERS

SHOWN: Final = 1000
WORKERS_SOURCE: Final = "/workers/"
# From the first of them up to the first that is none.
_WORKERS_SOURCES: Final = (WORKERS_SOURCE, "/workers0")
COMPARED: Final = "trigger_id, at, clauses, evidence, evidence_of, terms, sent"


class Problem(NamedTuple):
    """A receipt that does not follow from the record: the subject or key, the version of its event (0: a deadline), why."""

    subject: str
    version: int
    problem: str


def verify(
    store: EventStore,
    subject: str | None = None,
    advance: Callable[[int], None] = lambda _: None,
    share: Share = ALL,
) -> list[Problem]:
    """The problems of one subject's receipts, of all, or of a share of the keys, at most a thousand.

    `advance` hears how many events were seen.
    """
    if not schema.ready(store.database):
        return []
    with store.database.reading() as session:
        reached = Reached.read(session)
    if subject is None:
        with scratch_database() as scratch:
            is_same = is_what_replay_makes(store, scratch, reached, advance, share)
        if is_same:
            return list(islice(_of_messages(store.database, None), SHOWN)) if share.number == 0 else []
    with scratch_database() as scratch:
        replay = Replay(store, scratch, WORKERS, reached.most, _concerned(store, subject), share=share, reached=reached)
        replay.run(advance)
        problems = [
            Problem(odd.fired.key, 0, f"worker {odd.fired.worker}: the deadline {odd.fired.name} fired and did not run")
            for odd in replay.odd
            if subject in (None, odd.fired.key)
        ]
        problems += [Problem(key, 0, problem) for key, problem in replay.odd_corrections if subject in (None, key)]
        problems += islice(_differences(store.database, scratch, subject, share), SHOWN)
        if not problems:
            found = table_differences(store.database, scratch, subject, share)
            problems += [Problem(key, 0, problem) for key, problem in islice(found, SHOWN)]
        if not problems and share.number == 0:
            problems += islice(_of_messages(store.database, subject), SHOWN)
        return problems


def _of_messages(live: Database, subject: str | None) -> Iterator[Problem]:
    """What is wrong between the workers' commands and the receipts of their messages, and with what became of notifications.

    Auditors don't read how commands were answered, nor what became of notifications.
    """
    yield from _sent_by_nobody(live, subject)
    if live.may_append:
        yield from _answered_otherwise(live, subject)
        with live.reading() as session:
            for key, id_, why in impossible_fates(session, subject):
                yield Problem(key, 0, f"what became of the notification {id_} can't be: {why}")


def _sent_by_nobody(live: Database, subject: str | None) -> Iterator[Problem]:
    """Messages in the name of workers that are not among those which they sent; what they sent is what replay makes."""
    of = f" AND {attempts.SUBJECT[live.kind]} = ?" if subject is not None else ""
    rows = live.query(
        f"SELECT source, message_id, {attempts.SUBJECT[live.kind]} FROM receipts WHERE source >= ? AND source < ?{of} "  # noqa: S608 - our own words
        "AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.id = message_id AND ? || outbox.worker = source)",
        (*_WORKERS_SOURCES, *([subject] if of else ()), WORKERS_SOURCE),
    )
    for source, id_, about in rows:
        yield Problem(about, 0, f"the message {id_} of {source} was sent by no worker")


def _answered_otherwise(live: Database, subject: str | None) -> Iterator[Problem]:
    """Commands of workers that were answered as their receipts don't say, or that are noted as answered and have none."""
    of, kept = " AND o.subject = ?" if subject is not None else "", ", ".join(f"'{each}'" for each in sorted(KEPT))
    rows = live.query(
        f"SELECT o.id, o.worker, o.subject FROM outbox o LEFT JOIN (SELECT source, message_id, {attempts.STATUS[live.kind]} AS status "  # noqa: S608
        "FROM receipts WHERE source >= ? AND source < ?) r ON r.message_id = o.id AND r.source = ? || o.worker "
        # Only what has used its id has a receipt.
        f"WHERE o.status <> 'waiting' AND o.status <> COALESCE(r.status, CASE WHEN o.status IN ({kept}) THEN 'none' ELSE o.status END){of}",
        (*_WORKERS_SOURCES, WORKERS_SOURCE, *([subject] if of else ())),
    )
    for id_, worker, about in rows:
        yield Problem(about, 0, f"worker {worker}: the command {id_} was not answered as its receipt says")


def _concerned(store: EventStore, subject: str | None) -> set[str] | None:
    """The streams on which the receipts of a relationship rest: its own, its programme's, its mentor's, its cases', all it hears of.

    None: all.
    """
    if subject is None or kind_of(subject) != "relationship":
        return None
    rows = store.database.query(
        "SELECT subject, programme FROM worker_ground WHERE subject = ? OR relationship = ?", (subject, subject)
    )
    sources = store.database.query("SELECT subject FROM worker_sources WHERE key = ?", (subject,))
    return {subject, *_mentor(store, subject), *(name for row in [*rows, *sources] for name in row if name)}


def _mentor(store: EventStore, subject: str) -> Iterator[str]:
    """The mentor, by whose standing workers go; as the record says, since what workers keep is what is checked."""
    # What can't be read is named by the audit of the stream.
    with suppress(UnknownEvent, DamagedEvent):
        first = store.first(subject)
        if first is not None and isinstance(first.data, RelationshipProposed):
            yield f"mentor:{first.data.mentor_id}"


def _differences(live: Database, scratch: Database, subject: str | None, share: Share) -> Iterator[Problem]:
    with live.reading() as ours, scratch.reading() as theirs:
        where, params = ("WHERE key = ? ", (subject,)) if subject else ("", ())
        recorded, replayed = (
            (row for row in session.stream(_sql(database, where), params) if share.has(row[1]))
            for session, database in ((ours, live), (theirs, scratch))
        )
        left, right = next(recorded, None), next(replayed, None)
        while left is not None or right is not None:
            if right is None or (left is not None and left[0] < right[0]):
                assert left is not None
                yield _problem(left, "replay does not make this decision")
                left = next(recorded, None)
            elif left is None or right[0] < left[0]:
                yield _problem(right, "replay makes a decision that is not on record")
                right = next(replayed, None)
            else:
                if _plain(left) != _plain(right):
                    yield _problem(left, "replay makes this decision differently")
                left, right = next(recorded, None), next(replayed, None)


def _sql(database: Database, where: str) -> str:
    """The receipts by id, in the order in which Python compares texts."""
    collation = '"C"' if database.kind == "postgresql" else "BINARY"
    return f"SELECT id, key, worker, {COMPARED} FROM decisions {where}ORDER BY id COLLATE {collation}"  # noqa: S608


def _plain(row: Row) -> list[Any]:
    """The compared values with JSON parsed: PostgreSQL may return it with other spaces."""
    _, key, worker, trigger, at, clauses, evidence, evidence_of, terms, sent = row
    return [
        key,
        worker,
        trigger,
        comparable(schema.DECISIONS.types["at"], at),
        evidence_of,
        *map(parsed, (clauses, evidence, terms, sent)),
    ]


def _problem(row: Row, why: str) -> Problem:
    _, key, worker, trigger = row[:4]
    subject, separator, version = str(trigger).rpartition("/")
    if separator and version.isdigit():
        return Problem(subject, int(version), f"worker {worker} at {key}: {why}")
    return Problem(str(key), 0, f"worker {worker} on {trigger}: {why}")
