"""What is known of a subject before a position, folded from the log, is what one process that holds all keys has written down there."""

from datetime import UTC, datetime, timedelta

import orjson

from domain.registry import COMMAND_OF
from domain.relationship import events as e
from domain.relationship.contests import CORRECTABLE
from infra.bootstrap import open_rapport
from infra.settings import Settings
from infra.simulate import messages
from infra.worker_runtime.elsewhere import CORRECTED, facts_before, own_topics
from infra.worker_runtime.journal import _fact
from tests.infra.worker_runtime.harness import WorkerHarness
from tests.infra.worker_runtime.test_corrections import late_twice, void
from tests.sizes import size
from workers.catalogue import WORKERS
from workers.ground import LISTENS

END = datetime(2026, 6, 1, tzinfo=UTC)


def is_as_written_everywhere(harness: WorkerHarness) -> int:
    """Compares after every event; how many facts there are in the end."""
    store = harness.rapport.store
    subjects = [row[0] for row in harness.query("SELECT DISTINCT originator_id FROM stored_events")]
    runner = harness.runner(batch=1)
    assert runner.take_lease()
    written: dict[str, str] = {}
    while runner.turn():
        assert runner.lease is not None
        position = runner.lease.position
        written = dict(harness.query("SELECT subject, fact FROM worker_ground"))
        with store.database.reading() as session:
            folded = facts_before(session, store.mapper, subjects, position + 1)
        assert {subject: orjson.loads(_fact(fact)) for subject, fact in folded.items()} == {
            subject: orjson.loads(fact) for subject, fact in written.items()
        }
    runner.release()
    return len(written)


def test_of_many_relationships_mentors_programmes_and_cases(settings: Settings) -> None:
    with open_rapport(settings) as rapport:
        harness = WorkerHarness(rapport)
        rapport.clock.fixed = END
        rapport.handler.handle(list(messages(size(7, 15), size(36, 3), start=END - timedelta(days=150), until=END)))
        corrections = "SELECT COUNT(*) FROM stored_events WHERE topic = ?"
        assert harness.query(corrections, CORRECTED) > [(0,)]
        assert is_as_written_everywhere(harness) > 20


def test_where_facts_were_corrected(harness: WorkerHarness) -> None:
    late_twice(harness)
    void(harness, e.SessionCancelled, on=21)
    void(harness, e.SessionCancelled, on=22, place=0)
    with harness.rapport.database.transaction() as session:
        for table in ("worker_state", "worker_ground", "deadlines", "worker_tasks", "worker_corrections"):
            session.execute(f"DELETE FROM {table}")
        session.execute("UPDATE worker_partitions SET position = 0")
    assert is_as_written_everywhere(harness) > 0


def test_no_correction_changes_what_is_known() -> None:
    """So corrections are of no matter to other keys: `tests/infra/test_corrected_stories.py` finds the same in random stories."""
    correctable = {command.__name__ for command in CORRECTABLE.values()}
    assert correctable.isdisjoint(COMMAND_OF[kind.__name__] for kind in LISTENS)
    assert CORRECTED in own_topics(WORKERS)
