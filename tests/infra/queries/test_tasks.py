"""Open tasks in their order, page by page: all of them, none twice, on each kind of store."""

from datetime import UTC, datetime, timedelta

import pytest

from infra.queries.tasks import Chosen, Place, Within, open_tasks, place_of, tasks_after
from infra.store.session import Database, as_time
from infra.worker_runtime import schema

DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
KINDS = ("problem", "attention")
# Several share a time, a subject or a kind; some have no day, and some times have a fraction of a second.
TASKS = [
    (subject, kind, about, DAY + timedelta(seconds=since), None if due is None else DAY + timedelta(seconds=due))
    for subject in ("R", "a", "mentor:ben")
    for kind in KINDS
    for about in (None, "b", "Z")
    for since, due in ((0, None), (0, 60), (0.5, 60), (0, 60.25), (1, None))
]


@pytest.fixture
def told(database: Database) -> Database:
    schema.prepare(database)
    rows = [
        {"task_id": str(number), "seq": number, "worker": "w", "key": subject, "name": str(number), "subject": subject,
         "kind": kind, "clause": None, "clauses": "[]", "since": since, "due": due, "evidence": "[]",
         "evidence_of": subject, "settled_by": '["Settle"]', "about": about, "owner": "coordinator",
         "programme_id": "P1", "mentee_id": "ana", "mentor_id": "ben", "closed_at": DAY if number == 0 else None,
         "closed_by": None, "position": number}
        for number, (subject, kind, about, since, due) in enumerate(reversed(TASKS))
    ]  # fmt: skip
    columns = schema.TASKS.columns
    with database.transaction() as session:
        session.insert(schema.TASKS.name, columns, [[row[name] for name in columns] for row in rows])
    return database


def test_those_due_first_come_first_and_those_without_a_day_last(told: Database) -> None:
    last = datetime.max.replace(tzinfo=UTC)
    expected = sorted(
        ((due or last, since, subject, kind, about or "") for subject, kind, about, since, due in TASKS[:-1])
    )
    found = [
        (as_time(each["due"]) if each["due"] else last, as_time(each["since"]), each["subject"], each["kind"], each["about"] or "")
        for each in open_tasks(told)
    ]  # fmt: skip
    assert found == expected


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_after_a_place_come_those_that_stand_behind_it_however_many_are_read_at_a_time(
    told: Database, size: int
) -> None:
    everything = open_tasks(told)
    found = list(tasks_after(told, size=size))
    assert [task for _, task in found] == everything
    for number, (id_, each) in enumerate(found):
        due = as_time(each["due"]) if each["due"] else None
        place = Place(due, as_time(each["since"]), each["subject"], each["kind"], each["about"] or "")
        assert place_of(told, id_) == place
        assert list(tasks_after(told, after=place, size=size)) == found[number + 1 :]


def test_conditions_hold_on_every_page(told: Database) -> None:
    chosen = Chosen(programme="p1", kind="problem")
    found = [task for _, task in tasks_after(told, chosen, Within("about = ?", ("b",)), size=2)]
    assert found == [each for each in open_tasks(told) if (each["kind"], each["about"]) == ("problem", "b")]
    assert len(found) == 15


def test_a_store_of_an_older_rapport_gets_the_indexes_that_it_lacks(told: Database) -> None:
    with told.transaction() as session:
        session.execute("DROP INDEX tasks_due")
    schema.prepare(told)
    with pytest.raises(Exception, match="tasks_due"), told.transaction() as session:
        session.execute("CREATE INDEX tasks_due ON worker_tasks (due)")
