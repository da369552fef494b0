"""Two databases in the place of one: what growth.md says of shards, tried on files of SQLite.

The router is a few lines of this test, not a part of Rapport: it sends a relationship's messages to one shard, those of a mentor,
a programme, a person or a case to all of them, and tells the others of a mentor whom a worker of one shard removed.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Any, Final, NamedTuple

import orjson
import pytest

from domain.mentor.events import MentorRemoved
from domain.registry import kind_of
from domain.relationship.events import RelationshipTerminated
from infra.bootstrap import Rapport, open_rapport
from infra.queries.nps import NOW, Programmes, Records, _records, _row
from infra.queries.nps_record import EVER, TABLES, Record
from infra.settings import Settings
from infra.simulate import Simulation
from infra.worker_runtime.horizon import Horizon
from infra.worker_runtime.loop import work_off
from infra.worker_runtime.runner import Runner
from tests.messages import message, relationship_id

SHARDS: Final = 2
BATCH: Final = 500
SIMULATION: Final = Simulation(70, 11)
EXAMPLE: Final = Path(__file__).parents[2] / "examples" / "mentor247.jsonl"
MENTOR: Final = "mentor:amara-nwosu"
PROGRAMME: Final = "mentors-on-call"
DECLINED: Final = {"document": "code_of_conduct", "version": "2"}
Line = dict[str, Any]


class Router:
    """Knows on which shard a relationship is; one that follows another is where that one is, for its rules look at it."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def shards(self, message: Line) -> list[int]:
        """To which shards a message goes."""
        subject: str = message["subject"]
        if kind_of(subject) != "relationship":
            return list(range(SHARDS))
        if follows := message["data"].get("follows"):
            self._first[subject] = self._first.get(follows, follows)
        return [sha256(self._first.get(subject, subject).encode()).digest()[0] % SHARDS]


class Stores(NamedTuple):
    """One database with everything, and the shards."""

    whole: Rapport
    shards: list[Rapport]


def opened(stack: ExitStack, path: Path) -> Rapport:
    at = SIMULATION.ends_before + timedelta(days=1)
    return stack.enter_context(open_rapport(Settings(store=f"sqlite:///{path}", clock=at, synchronous="off")))


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    folder, router = tmp_path_factory.mktemp("shards"), Router()
    messages = [orjson.loads(line) for line in SIMULATION.messages()]
    with ExitStack() as stack:
        whole = opened(stack, folder / "whole.sqlite")
        shards = [opened(stack, folder / f"shard-{number}.sqlite") for number in range(SHARDS)]
        by_id = {each: status for each, status, _ in answers(whole, messages)}
        routed = [router.shards(message) for message in messages]
        for number, shard in enumerate(shards):
            mine = [message for message, to in zip(messages, routed, strict=True) if number in to]
            assert 0.3 < len(mine) / len(messages) < 0.9
            for id_, status, problems in answers(shard, mine):
                assert status == by_id[id_], (id_, problems)
        yield Stores(whole, shards)


def answers(rapport: Rapport, messages: list[Line]) -> Iterator[tuple[str | None, str, object]]:
    for start in range(0, len(messages), BATCH):
        for receipt in rapport.handler.handle([orjson.dumps(each) for each in messages[start : start + BATCH]]):
            yield receipt.id, receipt.status, receipt.problems


def relationships(rapport: Rapport) -> set[str]:
    rows = rapport.database.query("SELECT originator_id FROM stored_events WHERE topic = 'RelationshipProposed'")
    return {subject for (subject,) in rows}


def test_every_relationship_is_on_one_shard_and_as_it_is_in_one_database(stores: Stores) -> None:
    of_shards = [relationships(shard) for shard in stores.shards]
    assert all(len(each) > 10 for each in of_shards)
    assert sum(map(len, of_shards)) == len(relationships(stores.whole))
    for shard, subjects in zip(stores.shards, of_shards, strict=True):
        for subject in subjects:
            assert shard.store.read(subject) == stores.whole.store.read(subject)


@pytest.mark.parametrize("dataset", ["relationships", "sessions", "homework", "nps_responses"])
def test_the_rows_of_a_dataset_are_those_of_all_shards_together(stores: Stores, dataset: str) -> None:
    def rows(rapport: Rapport, columns: str) -> list[tuple[Any, ...]]:
        return rapport.database.query(f"SELECT {columns} FROM {dataset}")

    for rapport in (stores.whole, *stores.shards):
        rapport.engine().catch_up()
    with stores.whole.database.reading() as session:
        # Each database has positions of its own.
        columns = ", ".join(name for name in session.columns(dataset) if "position" not in name)
    of_shards = [row for shard in stores.shards for row in rows(shard, columns)]
    assert len(of_shards) > 50
    assert sorted(of_shards, key=repr) == sorted(rows(stores.whole, columns), key=repr)


def test_small_groups_are_hidden_in_the_sum_not_before_it(stores: Stores) -> None:
    of_all, of_one = figures(counts(stores.whole)), figures(counts(stores.shards[0]))
    summed: Records = {}
    for shard in stores.shards:
        for question, record in counts(shard).items():
            total = summed.setdefault(question, Record())
            for group, tally in record.cells.items():
                if group in total.cells:
                    total.cells[group].take_in(tally)
                else:
                    total.cells[group] = tally
    assert figures(summed) == of_all
    shown = [row for row in of_all if not row["suppressed"]]
    assert shown
    assert len(shown) < len(of_all)
    # Hidden before they are summed, groups that are large enough together would be lost.
    large_in_one = [row for row in of_one if not row["suppressed"]]
    assert len(large_in_one) < len(shown)


def counts(rapport: Rapport) -> Records:
    engine = rapport.engine()
    position = engine.catch_up()
    with rapport.database.reading() as session:
        return _records(engine, session, Programmes(engine, session), NOW, position)[0]


def figures(records: Records) -> list[dict[str, Any]]:
    return [
        _row(
            question,
            keys,
            group,
            tally,
            is_shown=group in record.shown(keys, EVER),
            with_asked=group in record.asked_of(keys, EVER),
        )
        for question, record in sorted(records.items())
        for keys in TABLES
        for group, tally in sorted(record.table(keys, EVER).items())
    ]


def test_whom_a_worker_of_one_shard_removes_is_removed_on_all(tmp_path: Path) -> None:
    router, until = Router(), datetime(2026, 8, 1, tzinfo=UTC)
    here, there = (
        next(
            id_ for id_ in map(relationship_id, range(1, 99)) if router.shards({"subject": id_, "data": {}}) == [number]
        )
        for number in range(SHARDS)
    )
    lines = [orjson.loads(line) for line in EXAMPLE.read_bytes().splitlines()]
    began = next(number for number, each in enumerate(lines) if each["type"] == "rapport.ActivateRelationship")
    subject, at = lines[began]["subject"], lines[began]["time"]
    story = [
        each | {"id": f"{each['id']}-{to}", "subject": to if each["subject"] == subject else each["subject"]}
        for each in lines[: began + 1]
        for to in ((here, there) if each["subject"] == subject else ("",))
    ]
    story.append(message("DeclineTerms", DECLINED, subject=here, actor=MENTOR, time=at))
    with ExitStack() as stack:
        whole, *shards = (opened(stack, tmp_path / f"{name}.sqlite") for name in ("whole", *range(SHARDS)))
        for number, rapport in enumerate((whole, *shards)):
            mine = [each for each in story if rapport is whole or number - 1 in router.shards(each)]
            assert {status for _, status, _ in answers(rapport, mine)} == {"accepted"}
            walk(rapport, until)
        gone = (MENTOR, PROGRAMME)
        assert [removed(rapport) for rapport in (whole, *shards)] == [{gone}, {gone}, set()]
        [(at, reason)] = [
            (each.occurred_at, each.data.reason)
            for each in shards[0].store.read(MENTOR)
            if isinstance(each.data, MentorRemoved)
        ]
        data = {"programme_id": PROGRAMME, "reason": reason}
        told = message("RemoveMentor", data, subject=MENTOR, actor="hr:router", time=at.isoformat())
        assert [status for _, status, _ in answers(shards[1], [told])] == ["accepted"]
        walk(shards[1], until)
        for subject, shard in ((here, shards[0]), (there, shards[1])):
            mine, all_ = (each.store.read(subject) for each in (shard, whole))
            assert [(each.data, each.occurred_at) for each in mine] == [(each.data, each.occurred_at) for each in all_]
            assert any(isinstance(each.data, RelationshipTerminated) for each in mine)


def walk(rapport: Rapport, until: datetime) -> None:
    assert work_off(Runner(rapport.store, rapport.handler, Horizon(rapport.clock, until)), Event())


def removed(rapport: Rapport) -> set[tuple[str, str | None]]:
    rows = rapport.database.query("SELECT originator_id FROM stored_events WHERE topic = 'MentorRemoved'")
    return {
        (subject, event.data.programme_id)
        for (subject,) in rows
        for event in rapport.store.read(subject)
        if isinstance(event.data, MentorRemoved)
    }
