"""The engine: brings projections to the head of the log, keeps them there, and rebuilds those that changed.

Its whole state is in the database, so any number of processes may run one; they take turns step by step.
"""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Final

from infra.clock import Clock
from infra.projection_engine import generation as generation_table
from infra.projection_engine import pseudonyms, reader_views, refresh, schema
from infra.projection_engine.build import AlreadyBuilding, rebuild
from infra.projection_engine.feed import NOBODY, PAGE, Feeds, Watcher
from infra.projection_engine.generation import Generation, NewerProjection, Overtaken
from infra.store import log_reader
from infra.store.errors import ReadOnlyStore
from infra.store.log import EventStore
from infra.store.session import Database, StoreSession
from projections.catalogue import all_projections, tables_of
from projections.projection import Projection

# A follower checks the clock at least this often, because time passes and because it may be asked to stop.
PULSE_SECONDS: Final = 2.0
# How long to wait for another process that builds the same and makes no progress.
PATIENCE_SECONDS: Final = 30.0


class Engine(Feeds):
    """Keeps the projections of one store. One thread uses it at a time; others wait.

    `prepare_shown` makes the tables of others that datasets show; they must be there before the views are.
    """

    def __init__(
        self,
        store: EventStore,
        clock: Clock,
        projections: Sequence[Projection] | None = None,
        watcher: Watcher = NOBODY,
        page: int = PAGE,
        *,
        prepare_shown: Callable[[Database], None],
    ) -> None:
        super().__init__(store, clock, all_projections() if projections is None else projections, watcher, page)
        self.prepare_shown = prepare_shown
        self._turn = threading.RLock()
        self._prepared = False

    # --- to the head -----------------------------------------------------------------------------------------------
    def catch_up(self) -> int:
        """Bring every projection to the head of the log and to the present; returns the position reached.

        Raises:
            NewerProjection: A newer Rapport built one of them.
            StoreError: The database can't.
        """
        with self._turn:
            while True:
                try:
                    self.prepare()
                    head = self._head()
                    self.feed_to(self.live(), head)
                    self._refresh()
                except Overtaken:
                    # Another process moved on; its work need not be repeated.
                    self._feeds.clear()
                    self._prepared = False
                    continue
                except ReadOnlyStore as error:
                    return self._as_they_are(error)
                return head

    def _as_they_are(self, error: ReadOnlyStore) -> int:
        """Returns the position of the datasets in a store that can only be read, and notes what they lack.

        Raises:
            ReadOnlyStore: They were never made, or this program would make others.
        """
        with self.database.reading() as session:
            live = (
                generation_table.live(session, self.projections) if schema.exists(session, schema.GENERATIONS) else []
            )
            head = log_reader.head(session)
        if self.projections.keys() != {each.name for each in live if each.current}:
            raise ReadOnlyStore(
                f"{error}; its datasets are to be made first: ask once as somebody who may write"
            ) from error
        position = min((each.position for each in live), default=head)
        if position < head:
            self.watcher.note(f"the datasets can't be written: the answer is as of position {position} of {head}")
        return position

    def source_of(self, dataset: str) -> str:
        """Where to read a dataset's rows as they are: its view, or the table behind it where this login sees the view with pseudonyms."""
        if self.database.may_append:
            return dataset
        for each in self.live():
            if any(table.name == dataset for table in each.projection.tables):
                return schema.physical(dataset, each.mark)
        return dataset

    def _refresh(self) -> None:
        live = self.live()
        for _, together in groupby(sorted(live, key=lambda each: each.position), key=lambda each: each.position):
            refresh.refresh(self.feed_of(list(together)), self.clock.now())

    def wait(self, position: int) -> None:
        """Wait until the log has grown beyond a position or a row is due, at most a pulse."""
        self.store.wait(position, self._patience())

    def _patience(self) -> float:
        """Seconds until the first row changes by itself, at most a pulse."""
        with self.database.reading() as session:
            due = [
                refresh.next_due(session, each)
                for each in generation_table.live(session, self.projections)
                if refresh.is_timed(each)
            ]
        soonest = min((at for at in due if at is not None), default=None)
        if soonest is None:
            return PULSE_SECONDS
        return min(PULSE_SECONDS, max((soonest - self.clock.now()) / timedelta(seconds=1), 0.01))

    # --- generations -----------------------------------------------------------------------------------------------
    def _head(self) -> int:
        with self.database.reading() as session:
            return log_reader.head(session)

    def prepare(self) -> None:
        """Create what is missing; rebuild what this program would build differently and what is far behind."""
        with self._turn:
            if not self._prepared:
                self.make_tables()
            if behind := self._to_build():
                self._build(behind)
            self._prepared = True

    def make_tables(self) -> None:
        """Create what is missing, and build nothing."""
        self.prepare_shown(self.database)
        kind = self.database.kind
        views = schema.views_of_log(kind)
        with self.database.reading() as session:
            made = schema.exists(session, schema.GENERATIONS)
            live = self._live_names(session) if made else set()
            seen = made and all(
                generation_table.view(session, each.name) == made_of.text for each, made_of in views.items()
            )
        # On PostgreSQL each start grants reading again: roles may have been added since.
        if self.projections.keys() <= live and seen and kind == "sqlite":
            return
        with self.database.changing_schema() as session:
            schema.create_own_tables(session, self.database)
            if kind == "postgresql":
                pseudonyms.keep_key(session, self.database, self.store.identity.secret)
                reader_views.prepare(session)
            live = self._live_names(session)
            for each in generation_table.live(session, self.projections):
                for table in tables_of(each.projection):
                    session.open_to(table.name, "analyst", "auditor")
                if each.current:
                    schema.open_to_audit(session, each.projection, each.mark)
            for name, projection in self.projections.items():
                if name not in live:
                    self._make(session, projection)
            for dataset, made_of in views.items():
                if generation_table.view(session, dataset.name) != made_of.text:
                    schema.put_up(session, dataset, made_of)
                    generation_table.note_view(session, dataset.name, made_of.text)
                reader_views.open_to_readers(session, dataset)

    def _live_names(self, session: StoreSession) -> set[str]:
        if newer := generation_table.newer(session, self.projections):
            raise NewerProjection(
                f"a newer Rapport built {', '.join(newer)}; this one can't keep them up to date: "
                "use that one, or `rapport copy` the record into a new store, which builds its own"
            )
        return {each.name for each in generation_table.live(session, self.projections)}

    def _make(self, session: StoreSession, projection: Projection) -> None:
        taken = [each.mark for each in generation_table.load(session, self.projections) if each.name == projection.name]
        new = Generation(projection, generation_table.free_mark(projection, taken), "live", 0)
        schema.create_tables(session, self.database, projection, new.mark)
        for statement in schema.index_statements(projection, new.mark):
            session.execute(statement)
        schema.put_up_views(session, projection, new.mark)
        generation_table.add(session, new)

    def _build(self, names: Sequence[str]) -> None:
        """Rebuild, or wait for another process that does; take over from one that stands still."""
        try:
            rebuild(self, names)
        except AlreadyBuilding as error:
            self.watcher.note(f"{error}; waiting for it")
            until = time.monotonic() + PATIENCE_SECONDS
            writes = None
            while self._to_build() and time.monotonic() < until:
                if writes != (writes := self._writes(names)):
                    until = time.monotonic() + PATIENCE_SECONDS
                self.database.wait_since(self.database.mark(), 0.2)

    def _writes(self, names: Sequence[str]) -> list[int]:
        with self.database.reading() as session:
            return [each.writes for each in generation_table.load(session, self.projections) if each.name in names]

    def _to_build(self) -> list[str]:
        with self.database.reading() as session:
            head, live = log_reader.head(session), generation_table.live(session, self.projections)
        return [each.name for each in live if not each.current or each.is_far_behind(head)]
