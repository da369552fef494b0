"""Rebuilds projections beside the live ones: stream by stream up to the head of the log, then with the log, then the switch.

A stream is folded from its first event to its last and its rows are written once, so this is the fastest way through a
long log. Every few thousand events the rows are committed together with the name of the last stream, and a killed build
resumes from there. Readers see the old rows until the views change, in one transaction.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from infra.operations.helper_process import processes_at_hand
from infra.projection_engine import compare, parallel_build, refresh, rows, schema, summaries
from infra.projection_engine import generation as generation_table
from infra.projection_engine.feed import Feed, Feeds
from infra.projection_engine.generation import Generation, Overtaken
from infra.store import log_reader

# Events whose rows are written in one transaction.
BUNDLE: Final = 10_000
# Folding this many events takes longer than starting other processes.
WORTH_SHARING: Final = 100_000


class AlreadyBuilding(Exception):
    """Another process is building the same projections at this moment."""


def rebuild(
    feeds: Feeds, names: Sequence[str], *, explain: bool = False, processes: int | None = None
) -> list[compare.Difference]:
    """Rebuild these projections and switch to them; with `explain`, returns how the new rows differ from the live ones.

    A long log is folded by as many processes as can run at once, or by `processes`.

    Raises:
        AlreadyBuilding: Another process builds the same projections.
        StoreError: The database can't.
    """
    try:
        building = _begin(feeds, names)
        for together in _alike(building):
            _read_streams(feeds, together, processes)
        return _switch(feeds, names, explain=explain)
    except Overtaken as error:
        raise AlreadyBuilding(f"another process is building {error} as well") from error


def _begin(feeds: Feeds, names: Sequence[str]) -> list[Generation]:
    """Returns the generations to fill: unfinished ones, else new ones."""
    feeds.clean_up()
    with feeds.database.changing_schema() as session:
        found = [each for each in generation_table.load(session, feeds.projections) if each.name in names]
        target = log_reader.head(session)
        building = []
        for name in names:
            mine = [each for each in found if each.name == name]
            begun = next((each for each in mine if each.state == "building" and each.current), None)
            if begun is None:
                projection = feeds.projections[name]
                mark = generation_table.free_mark(projection, [each.mark for each in mine])
                begun = Generation(projection, mark, "building", 0, 0, "", target)
                schema.create_tables(session, feeds.database, projection, mark)
                generation_table.add(session, begun)
            building.append(begun)
        return building


def _alike(generations: Iterable[Generation]) -> list[list[Generation]]:
    """Groups generations that stand at the same stream; finished ones are left out."""
    groups: dict[tuple[str, int], list[Generation]] = {}
    for each in generations:
        if each.reached is not None and each.target is not None:
            groups.setdefault((each.reached, each.target), []).append(each)
    return list(groups.values())


def _read_streams(feeds: Feeds, generations: list[Generation], processes: int | None) -> None:
    reached, target = generations[0].reached, generations[0].target
    assert reached is not None
    assert target is not None
    with feeds.database.reading() as session:
        todo = parallel_build.bundles(session, reached, BUNDLE)
    events = sum(bundle.events for bundle in todo)
    feeds.watcher.begin(f"building {', '.join(each.name for each in generations)}", events)
    feed = Feed(feeds.database, feeds.store.mapper, generations)
    if processes is None:
        processes = processes_at_hand() if events >= WORTH_SHARING else 1
    for folded in parallel_build.fold_all(feed, todo, target, feeds.clock.now(), processes):
        _write(feed, folded)
        feeds.watcher.done(folded.bundle.events)
    _add_up(feeds, feed, target)
    with feeds.database.transaction() as session:
        generation_table.complete(session, feed.generations)


def _write(feed: Feed, folded: parallel_build.Folded) -> None:
    """Write a bundle, and note that it is in."""
    with feed.database.transaction() as session:
        moved = generation_table.reach(session, feed.generations, folded.bundle.last)
        rows.write(session, folded.changes, new=True)
    feed.generations = tuple(moved)


def _add_up(feeds: Feeds, feed: Feed, target: int) -> None:
    """Write the summaries of all rows, once they are there: a group's figures depend on all others, so each bundle would cost the whole.

    A build that was interrupted here makes the same groups again.
    """
    feeds.watcher.begin("adding up", len(feed.summaries()))
    with feed.database.reading() as session:
        for generation, summary in feed.summaries():
            for made in summaries.add_up_from_rows(session, generation, summary, feed.values_of(session, target)):
                with feed.database.transaction() as writing:
                    feed.generations = tuple(generation_table.touch(writing, feed.generations))
                    summaries.write(writing, [summaries.Resummed(generation, summary, {}, made)])
            feeds.watcher.done(1)


def _switch(feeds: Feeds, names: Sequence[str], *, explain: bool) -> list[compare.Difference]:
    _index(feeds, names)
    while True:
        building = _building(feeds, names)
        if not building:
            return []
        with feeds.database.reading() as session:
            head = log_reader.head(session)
        feeds.feed_to(building, head)
        refresh.refresh(Feed(feeds.database, feeds.store.mapper, _building(feeds, names)), feeds.clock.now())
        found = compare.differences(feeds, _building(feeds, names), head) if explain else []
        if _changed_views(feeds, names, head):
            feeds.clean_up()
            return found


def _building(feeds: Feeds, names: Sequence[str]) -> list[Generation]:
    with feeds.database.reading() as session:
        loaded = generation_table.load(session, feeds.projections)
    return [each for each in loaded if each.name in names and each.state == "building" and each.current]


def _index(feeds: Feeds, names: Sequence[str]) -> None:
    """Create the indexes once the rows are in, which is faster; one per transaction, so that writers wait for one at most."""
    statements = [
        statement
        for each in _building(feeds, names)
        for statement in schema.index_statements(each.projection, each.mark)
    ]
    feeds.watcher.begin("indexing", len(statements))
    for statement in statements:
        with feeds.database.changing_schema() as session:
            session.execute(statement)
        feeds.watcher.done(1)


def _changed_views(feeds: Feeds, names: Sequence[str], head: int) -> bool:
    """Let the plain names show the new generations; returns False if the live ones have come further meanwhile."""
    with feeds.database.changing_schema() as session:
        found = [each for each in generation_table.load(session, feeds.projections) if each.name in names]
        live = {each.name: each for each in found if each.state == "live"}
        new = [each for each in found if each.state == "building" and each.current]
        if any(each.name in live and live[each.name].position > each.position for each in new):
            return False
        assert all(each.position >= head for each in new), "all were fed up to the head"
        for each in new:
            if each.name in live:
                schema.take_down_views(session, live[each.name].datasets)
                generation_table.turn(session, live[each.name], "retired")
            schema.put_up_views(session, each.projection, each.mark)
            generation_table.turn(session, each, "live")
        return True
