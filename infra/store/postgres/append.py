"""An append to PostgreSQL from beginning to end: one call of one function stores a batch with all that belongs to it.

Read from top to bottom. `append` waits for the end, `begin` leaves the server at work meanwhile. Where the connection breaks, the
next attempt finds out from what is stored whether the one before had been committed. `AppendCall` makes parameters of a batch and errors of
answers. `APPEND` is the function on the server: one round trip, no transaction left open by a client that stops.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final, Unpack

import psycopg
from eventsourcing.persistence import IntegrityError, StoredEvent
from psycopg.abc import PQGen
from psycopg.rows import DictRow, TupleRow
from psycopg.waiting import Wait

from infra.store.hash_chain import Fenced, Head, Together, chained, recorded_time
from infra.store.merkle import HASH_BYTES, LEVELS, places, receipt_digest
from infra.store.postgres.arrays import BLOB, INTEGER, TEXT
from infra.store.postgres.connection import Link, broken
from infra.store.postgres.pool import Datastore

# Notes something in the transaction of an append.
Note = Callable[[psycopg.Cursor[DictRow]], object]

# What an append is announced on, to who listens in any process.
CHANNEL: Final = "rapport_events"
LOCK_APPENDS: Final = "LOCK TABLE lock_appends IN EXCLUSIVE MODE"
# SQLSTATEs of our own, raised by the function.
CHANGED: Final = "RP001"
FENCED: Final = "RP002"
LATER: Final = "RP003"
# A transaction that was chosen to end for others to go on; nothing of it is stored.
UNDONE: Final = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)

CALL: Final = b"SELECT rapport_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)"
LATEST: Final = b"SELECT state FROM stored_events ORDER BY position DESC LIMIT 1"
HEADS: Final = b"""
SELECT DISTINCT ON (originator_id) originator_id, originator_version, hash FROM stored_events
WHERE originator_id = ANY($1) ORDER BY originator_id, originator_version DESC"""
# How many of the events, receipts and offsets of a batch are stored just so, and the last position among them.
FOUND: Final = b"""
SELECT
    (SELECT count(*) FROM unnest($1::text[], $2::bigint[], $5::bytea[]) AS e (s, v, h)
        JOIN stored_events ON originator_id = s AND originator_version = v AND hash = h),
    (SELECT count(*) FROM unnest($6::text[], $7::text[], $8::bytea[], $9::bytea[]) AS r (s, m, f, a)
        JOIN receipts ON source = s AND message_id = m AND fingerprint = f AND answer = a),
    (SELECT count(*) FROM unnest($10::text[], $11::bigint[], $12::bigint[]) AS o (n, x, g)
        JOIN source_offsets ON name = n AND next >= x AND generation >= g),
    (SELECT max(position) FROM unnest($1::text[], $2::bigint[]) AS e (s, v)
        JOIN stored_events ON originator_id = s AND originator_version = v)
WHERE ($3::text[], $4::bytea[]) IS NOT NULL OR true"""


class Later(Exception):
    """Others recorded at a later time than this batch would be: see `AppendCall.append_later`."""


class Interrupted(Exception):
    """An append was interrupted; the next attempt finds out whether it took effect."""


def append(
    datastore: Datastore, events: Sequence[StoredEvent], note: Note | None = None, **together: Unpack[Together]
) -> Sequence[int]:
    """Store events and what belongs with them in one transaction; `note` may write to it as well. Returns their positions.

    Raises:
        Changed: A stream that the decision relied on has got events meanwhile.
        Fenced: An offset comes too late, or from an older generation.
        Interrupted: The server could not be reached again in time; whether the batch is stored is open.
        PersistenceError: The library's errors, `IntegrityError` where a version or message id is taken or an id spelled otherwise.
    """
    if not (events or together.get("receipts") or together.get("offsets") or note):
        return ()
    if together.get("heads") is None:
        together["heads"] = _heads(datastore, {str(event.originator_id) for event in events})
    call = AppendCall(events, together)
    return call.positions(_stored(datastore, call, note))


def begin(
    datastore: Datastore, events: Sequence[StoredEvent], **together: Unpack[Together]
) -> Callable[[], Sequence[int]]:
    """The same begun, with `heads` given. What is returned has to be called: it waits for the end, returns and raises as `append` does.

    The server is at work meanwhile, unless the connection is new to the statement or the only one that is to be had.
    """
    call = AppendCall(events, together)
    with ExitStack() as taken:
        link = taken.enter_context(datastore.get_connection())
        if not datastore.has_spare():
            return lambda: call.positions(_stored(datastore, call))
        try:
            with _open_ended(call):
                sent = call.send(link)
        except Interrupted:
            return lambda: call.positions(_stored(datastore, call))
        held = taken.pop_all()

    def end() -> Sequence[int]:
        try:
            with held, _open_ended(call):
                last = call.appended(sent)
        except (Interrupted, Later):
            last = _stored(datastore, call)
        return call.positions(last)

    return end


def _heads(datastore: Datastore, subjects: set[str]) -> dict[str, Head]:
    with datastore.get_connection() as link:
        found = link.plain.execute(HEADS, (TEXT.of(list(subjects)),), binary=True).fetchall()
    heads = {subject: Head(version, hash_) for subject, version, hash_ in found}
    return {subject: heads.get(subject, Head()) for subject in subjects}


# --- attempts ----------------------------------------------------------------------------------------------------------


def _stored(datastore: Datastore, call: "AppendCall", note: Note | None = None) -> int:
    """The position of the last event once the batch is stored, in as many attempts as that takes."""
    return datastore.again(lambda: _attempt(datastore, call, note), lambda error: isinstance(error, Interrupted))


def _attempt(datastore: Datastore, call: "AppendCall", note: Note | None) -> int:
    with datastore.get_connection() as link, _open_ended(call):
        if call.lost and (last := call.committed(link)) is not None:
            return last
        try:
            if note is None:
                return _at_whatever_time(call, link)
            with link.transaction(), link.cursor() as cursor:
                note(cursor)
                return call.append(link)
        except (psycopg.IntegrityError, IntegrityError):
            # Perhaps it was ourselves, in an attempt whose end we did not hear of.
            if call.lost and (last := call.committed(link)) is not None:
                return last
            raise


def _at_whatever_time(call: "AppendCall", link: Link) -> int:
    try:
        return call.append(link)
    except Later:
        return call.append_later(link)


@contextmanager
def _open_ended(call: "AppendCall") -> Iterator[None]:
    """An attempt to store a call. Raises `Interrupted` for an error that leaves open whether it was stored, or says it was not."""
    try:
        yield
    except UNDONE as error:
        raise Interrupted(str(error)) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        if not broken(error):
            raise
        call.lost = True
        raise Interrupted(str(error)) from error


# --- one call of the function ------------------------------------------------------------------------------------------


class AppendCall:
    """The parameters of `rapport_append`. `lost` says that an attempt ended without an answer."""

    def __init__(self, events: Sequence[StoredEvent], together: Together) -> None:
        heads, guard = together["heads"], together.get("guard")
        receipts, spellings = together.get("receipts", ()), together.get("spellings", ())
        self.guard = guard
        self.lost = False
        self._events = events
        self._heads = heads
        self._heads_before = dict(heads)
        self._params: list[Any] = [None] * 21
        # Of one source the last offset counts. Offsets go in order, so that two processes never wait in a circle.
        latest = {offset.name: offset for offset in together.get("offsets", ())}
        self._sources = latest.keys()
        self._counts = len(events), len(receipts), len(latest)
        self._chain()
        before_events, before_receipts, after = places(len(events), receipts)
        if receipts:
            sources, ids, fingerprints, answers, _ = zip(*receipts, strict=True)
            self._params[5:9] = TEXT.of(sources), TEXT.of(ids), BLOB.of(fingerprints), BLOB.of(answers)
            digests = [receipt_digest(*receipt[:4]) for receipt in receipts]
            self._params[17:20] = BLOB.of(digests), INTEGER.of(after), INTEGER.of(before_receipts)
        if events:
            self._params[20] = INTEGER.of(before_events)
        if latest:
            names, nexts, generations = zip(*sorted(latest.values()), strict=True)
            self._params[9:12] = TEXT.of(names), INTEGER.of(nexts), INTEGER.of(generations)
        if guard is not None:
            self._params[12:15] = guard.position, TEXT.of(list(guard.subjects)), guard.recorded_at
        if spellings:
            keys, spelled = zip(*spellings, strict=True)
            self._params[15:17] = TEXT.of(keys), TEXT.of(spelled)

    def _chain(self) -> None:
        rows = chained(self._events, self._heads)
        if rows:
            subjects, versions, topics, states, hashes = zip(*rows, strict=True)
            self._params[0:5] = (
                TEXT.of(subjects),
                INTEGER.of(versions),
                TEXT.of(topics),
                BLOB.of(states),
                BLOB.of(hashes),
            )

    def append(self, link: Link) -> int:
        """Store it; the position of the last event. Raises psycopg's errors, `Fenced` and `Changed`."""
        return self.appended(self.send(link))

    def send(self, link: Link) -> "RunningStatement":
        """Begin to store it. Raises psycopg's errors."""
        return RunningStatement(link, CALL, self._params)

    def appended(self, sent: "RunningStatement") -> int:
        """Wait for the end of what `send` began; gives and raises what `append` does."""
        try:
            row = sent.row()
        except psycopg.DatabaseError as error:
            if error.sqlstate == FENCED:
                names = ", ".join(sorted(self._sources))
                raise Fenced(f"{names}: the offset comes too late, or is of an older generation") from error
            if error.sqlstate == CHANGED and self.guard is not None:
                self.guard.check(json.loads(error.diag.message_detail or "[]"))
            if error.sqlstate == LATER:
                raise Later("others recorded at a later time") from error
            raise
        assert row is not None, "a function gives one row"
        last, *changed = row[0]
        if self.guard is not None:
            self.guard.changed.update(changed)
            self.guard.position = int(last)
        return int(last)

    def append_later(self, link: Link) -> int:
        """Store it with the log's latest recorded time, in a transaction in which nobody else can append; raises as `append` does."""
        with link.transaction():
            link.plain.execute(LOCK_APPENDS.encode())
            row = link.plain.execute(LATEST, binary=True).fetchone()
            if self.guard is not None and row is not None:
                self._events = self.guard.restamped(self._events, recorded_time(row[0]))
                self._params[14] = self.guard.recorded_at
                self._heads.update(self._heads_before)
                self._chain()
            return self.append(link)

    def positions(self, last: int) -> Sequence[int]:
        """The positions of the events, of which the last has this one."""
        return list(range(last - self._counts[0] + 1, last + 1))

    def committed(self, link: Link) -> int | None:
        """The position of the last event if the whole of it is stored already, else None."""
        row = link.plain.execute(FOUND, self._params[:12], binary=True).fetchone()
        assert row is not None, "counts make one row"
        return (row[3] or 0) if row[:3] == self._counts else None


class RunningStatement:
    """A statement that is on its way: its sender may do something else before it waits for the answer.

    psycopg itself has this only in its pipeline mode, at the price of two more messages a statement; but what executes a
    statement is a generator there, which stops when it has to wait.
    """

    def __init__(self, link: Link, statement: bytes, params: Sequence[Any]) -> None:
        self.link = link
        steps = link.plain._execute_gen(statement, params, prepare=True, binary=True)  # noqa: SLF001
        self._steps: PQGen[None] = steps
        self._wanted: Wait = next(self._steps)
        if self._wanted != Wait.R:
            link.wait(self._until(sent=True))

    def row(self) -> TupleRow | None:
        """The first row of the answer. Raises psycopg's errors."""
        self.link.wait(self._until(sent=False))
        return self.link.plain.fetchone()

    def _until(self, *, sent: bool) -> PQGen[None]:
        """Go on until all is sent and only the answer is waited for, or until the answer is there."""
        while not (sent and self._wanted == Wait.R):
            ready = yield self._wanted
            try:
                self._wanted = self._steps.send(ready)
            except StopIteration:
                return


# --- on the server -----------------------------------------------------------------------------------------------------

# Positions are given out under a lock that lasts until the commit, so that they grow in the order of commits and a reader that has
# seen a position has seen all before it. The leaves of the tree have the same order. The lock is taken before the receipts go in, so
# that two processes with the same message never wait for each other in a circle.
# One row alone is written without unnesting: that is a tenth of the time of an append.
APPEND: Final = f"""
CREATE FUNCTION rapport_append(
    -- the events, a column each; null when there are none
    subjects text[], versions bigint[], topics text[], states bytea[], hashes bytea[],
    -- the receipts, likewise
    sources text[], message_ids text[], fingerprints bytea[], answers bytea[],
    -- the offsets, likewise
    names text[], nexts bigint[], generations bigint[],
    -- what the decisions relied on; null when on nothing
    guard_position bigint, guard_subjects text[],
    -- when it is recorded: never before what is in the log; up to guard_position the caller knows that
    guard_recorded_at timestamptz,
    -- the ids that the events make known, and their first spelling; null when there are none
    keys text[], spelled text[],
    -- what the leaf of each receipt says of it, and how many of the events and of the leaves come before it
    digests bytea[], receipt_events bigint[], receipt_leaves bigint[],
    -- how many of the leaves come before each event
    event_leaves bigint[]
) -- gives the position of the last event, and after it the subjects that others wrote to since guard_position
RETURNS text[] LANGUAGE plpgsql AS $body$
DECLARE
    last bigint := 0;
    changed text[] := '{{}}';
    tree_size bigint;
    tree_roots bytea;
    leaves bytea[];
    leaf bytea;
    rest bigint;
    level_ bigint;
BEGIN
    IF names IS NOT NULL THEN
        INSERT INTO source_offsets AS o SELECT * FROM unnest(names, nexts, generations)
        ON CONFLICT (name) DO UPDATE SET next = excluded.next, generation = excluded.generation
            WHERE o.generation <= excluded.generation AND o.next < excluded.next;
        GET DIAGNOSTICS last = ROW_COUNT;
        IF last < cardinality(names) THEN
            RAISE EXCEPTION 'an offset comes too late' USING ERRCODE = '{FENCED}';
        END IF;
    END IF;
    IF subjects IS NULL AND sources IS NULL AND guard_position IS NULL THEN
        RETURN ARRAY['0'];
    END IF;
    {LOCK_APPENDS};
    SELECT coalesce(max(position), 0) INTO last FROM stored_events;
    IF last > guard_position THEN
        SELECT array_agg(DISTINCT originator_id) INTO changed FROM stored_events WHERE position > guard_position;
        IF changed && guard_subjects THEN
            RAISE EXCEPTION 'others wrote first' USING ERRCODE = '{CHANGED}', DETAIL = array_to_json(changed);
        END IF;
        -- Not read as JSON, which a damaged event would not be; within texts of the event the quotes are escaped.
        PERFORM FROM stored_events WHERE position = last
            AND substring(encode(state, 'escape') FROM '"recorded_at":"([0-9TZ:.+-]+)"')::timestamptz > guard_recorded_at;
        IF FOUND THEN
            RAISE EXCEPTION 'others recorded at a later time' USING ERRCODE = '{LATER}';
        END IF;
    END IF;
    IF keys IS NOT NULL THEN
        -- Others may have made the same known; only another spelling is a conflict.
        INSERT INTO spellings SELECT * FROM unnest(keys, spelled) ON CONFLICT DO NOTHING;
        PERFORM FROM unnest(keys, spelled) AS o (k, s) JOIN spellings ON key = k WHERE spelling <> s;
        IF FOUND THEN
            RAISE EXCEPTION 'others spelled it first' USING ERRCODE = 'unique_violation';
        END IF;
    END IF;
    IF subjects IS NOT NULL OR sources IS NOT NULL THEN
        SELECT size, roots INTO tree_size, tree_roots FROM tree_frontier;
    END IF;
    IF cardinality(subjects) = 1 THEN
        INSERT INTO stored_events
            VALUES (last + 1, subjects[1], versions[1], topics[1], states[1], hashes[1], tree_size + event_leaves[1]);
    ELSIF subjects IS NOT NULL THEN
        INSERT INTO stored_events SELECT last + n, s, v, t, b, h, tree_size + l
            FROM unnest(subjects, versions, topics, states, hashes, event_leaves) WITH ORDINALITY AS e (s, v, t, b, h, l, n);
    END IF;
    IF cardinality(sources) = 1 THEN
        INSERT INTO receipts VALUES (tree_size + receipt_leaves[1], last + receipt_events[1],
            sources[1], message_ids[1], fingerprints[1], answers[1]);
    ELSIF sources IS NOT NULL THEN
        INSERT INTO receipts SELECT tree_size + l, last + e, s, m, f, a
            FROM unnest(sources, message_ids, fingerprints, answers, receipt_leaves, receipt_events) AS r (s, m, f, a, l, e);
    END IF;
    IF tree_size IS NOT NULL THEN
        -- See infra/store/merkle.py, which does the same in Python.
        FOR n IN 1 .. coalesce(cardinality(subjects), 0) LOOP
            leaves[event_leaves[n] + 1] := sha256('\\x0045'::bytea || int8send(last + n) || int8send(versions[n]) || hashes[n]
                || convert_to(subjects[n], 'UTF8'));
        END LOOP;
        FOR n IN 1 .. coalesce(cardinality(sources), 0) LOOP
            leaves[receipt_leaves[n] + 1] := sha256('\\x0052'::bytea || int8send(last + receipt_events[n]) || digests[n]);
        END LOOP;
        INSERT INTO tree_leaves SELECT tree_size + n - 1, h FROM unnest(leaves) WITH ORDINALITY AS x (h, n);
        FOREACH leaf IN ARRAY leaves LOOP
            tree_size := tree_size + 1;
            rest := tree_size;
            level_ := 0;
            WHILE rest & 1 = 0 LOOP
                leaf := sha256('\\x01'::bytea || substring(tree_roots FROM length(tree_roots) - {HASH_BYTES - 1}) || leaf);
                tree_roots := substring(tree_roots FOR length(tree_roots) - {HASH_BYTES});
                rest := rest >> 1;
                level_ := level_ + 1;
                IF level_ % {LEVELS} = 0 THEN
                    INSERT INTO tree_nodes VALUES (level_, rest - 1, leaf);
                END IF;
            END LOOP;
            tree_roots := tree_roots || leaf;
        END LOOP;
        UPDATE tree_frontier SET size = tree_size, roots = tree_roots;
    END IF;
    IF subjects IS NOT NULL THEN
        last := last + cardinality(subjects);
        NOTIFY {CHANNEL};
    END IF;
    RETURN last::text || changed;
END
$body$;
"""  # noqa: S608 - only constants
