"""Eight processes record while a publisher and the projections follow, round after round: nothing is skipped, nothing comes twice."""

from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

from infra.bootstrap import open_rapport
from infra.store.log import EventStore, LoggedEvent
from infra.store.opening import open_database
from tests.infra.kafka.running import eventually
from tests.infra.kafka.stage import Stage, in_order
from tests.infra.kafka.writer import SHARED
from tests.messages import proposal
from tests.sizes import size
from tests.writers import Writer, answer, started, tell

WRITERS = 8
ROUNDS = size(25, 200)
BATCHES = 3
Seen = dict[str, tuple[int, int, int]]


@pytest.fixture
def writers(stage: Stage) -> Iterator[list[Writer]]:
    with open_rapport(stage.settings) as rapport:
        rapport.handler.handle([proposal(number) for number in range(1, SHARED + 1)])
    commands = [("tests.infra.kafka.writer", str(number)) for number in range(WRITERS)]
    with started(commands, stage.environment()) as running:
        yield running


def test_followers_see_every_event_once(stage: Stage, writers: list[Writer]) -> None:
    running = [stage.start("projections", "follow").wait_ready(), stage.start("publish").wait_ready()]
    with open_database(stage.settings.store) as database:
        store = EventStore(database)
        expected = folded({}, store.logged(0, 100_000))
        for round_ in range(ROUNDS):
            before = store.head()
            for writer in writers:
                tell(writer, f"{round_} {BATCHES}")
            recorded = sum(int(answer(writer)) for writer in writers)
            logged = store.logged(before, 100_000)
            assert len(logged) == recorded
            expected = folded(expected, logged)
            eventually(lambda: seen_in_the_datasets(store) == expected, said=f"the datasets after round {round_}")  # noqa: B023
        log = store.logged(0, 1_000_000)
    assert len(log) == SHARED + ROUNDS * WRITERS * BATCHES * 4
    facts = stage.read(stage.topics.events, len(log))
    assert len(facts) == len(log), "without faults, nothing is published twice"
    assert Counter(fact.json["id"] for fact in facts).most_common(1)[0][1] == 1
    versions: dict[str, list[int]] = {}
    for event in log:
        versions.setdefault(event.subject, []).append(event.version)
    assert dict(in_order(facts)) == versions
    assert [each.stop() for each in running] == [0, 0]


def folded(before: Seen, logged: Iterable[LoggedEvent]) -> Seen:
    """Of each relationship: the position of its last event, how many sessions were scheduled, how often feedback was given."""
    found = dict(before)
    for event in logged:
        _, sessions, feedback = found.get(event.subject, (0, 0, 0))
        sessions += event.topic == "SessionScheduled"
        feedback += event.topic == "FeedbackGiven"
        found[event.subject] = event.position, sessions, feedback
    return found


def seen_in_the_datasets(store: EventStore) -> Seen:
    """The same as the projections have it: a skipped event is missing from a count, a doubled one counts twice."""
    rows = store.database.query(
        "SELECT relationship_id, position, sessions_scheduled, feedback_given FROM practice_measures"
    )
    return {str(row[0]): (row[1], row[2], row[3]) for row in rows}
