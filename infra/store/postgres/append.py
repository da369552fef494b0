"""A batch of events, receipts and offsets on its way into PostgreSQL, in one call; and whether it got there."""

import json
from collections.abc import MutableMapping, Sequence
from typing import Any, Final

import psycopg
from eventsourcing.persistence import StoredEvent

from infra.store.hash_chain import Fenced, Guard, Head, Offset, ReceiptRow, Spelling, chained, recorded_time
from infra.store.postgres.arrays import BLOB, INTEGER, TEXT
from infra.store.postgres.connection import Link, RunningStatement
from infra.store.postgres.schema import CHANGED, FENCED, LATER, LOCK_APPENDS

CALL: Final = b"SELECT rapport_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
LATEST: Final = b"SELECT state FROM stored_events ORDER BY position DESC LIMIT 1"
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


class Again(Exception):
    """An append was interrupted; the next attempt finds out whether it took effect."""


class AppendCall:
    """The parameters of `rapport_append`. `lost` says that an attempt ended without an answer."""

    def __init__(
        self,
        events: Sequence[StoredEvent],
        heads: MutableMapping[str, Head],
        receipts: Sequence[ReceiptRow],
        spellings: Sequence[Spelling],
        offsets: Sequence[Offset],
        guard: Guard | None,
    ) -> None:
        self.guard = guard
        self.lost = False
        self._events = events
        self._heads = heads
        self._heads_before = dict(heads)
        self._params: list[Any] = [None] * 17
        # Of one source the last offset counts. Receipts and offsets go in order, so that two processes never wait in a circle.
        latest = {offset.name: offset for offset in offsets}
        self._sources = latest.keys()
        self._counts = len(events), len(receipts), len(latest)
        self._chain()
        if receipts:
            sources, ids, fingerprints, answers = zip(*sorted(receipts), strict=True)
            self._params[5:9] = TEXT.of(sources), TEXT.of(ids), BLOB.of(fingerprints), BLOB.of(answers)
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

    def append(self, link: Link) -> int:
        """Store it; the position of the last event. Raises psycopg's errors, `Fenced` and `Changed`."""
        return self.appended(self.send(link))

    def send(self, link: Link) -> RunningStatement:
        """Begin to store it. Raises psycopg's errors."""
        return RunningStatement(link, CALL, self._params)

    def appended(self, sent: RunningStatement) -> int:
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

    def positions(self, last: int) -> Sequence[int]:
        """The positions of the events, of which the last has this one."""
        return list(range(last - self._counts[0] + 1, last + 1))

    def committed(self, link: Link) -> int | None:
        """The position of the last event if the whole of it is stored already, else None."""
        row = link.plain.execute(FOUND, self._params[:12], binary=True).fetchone()
        assert row is not None, "counts make one row"
        return (row[3] or 0) if row[:3] == self._counts else None
