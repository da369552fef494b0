"""What must be so after any fault: told by a model, one handler over the same messages in one go, and by invariants."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from tempfile import TemporaryDirectory
from time import sleep
from typing import Any

from domain.case.events import CaseOpened
from domain.model import Event
from domain.relationship.events import TrustReadinessStated
from infra.bootstrap import Rapport, open_rapport
from infra.kafka.facts import WITHHELD
from infra.settings import Settings
from tests.infra.kafka.running import Patience, eventually, quiet
from tests.infra.kafka.stage import Read, Stage, in_order

BATCH = 500
Told = dict[str, list[tuple[Any, ...]]]


@cache
def modelled(messages: tuple[bytes, ...]) -> Told:
    """What one handler makes of these messages, by subject. Several faults meet the same messages."""
    with (
        TemporaryDirectory() as folder,
        open_rapport(Settings(store=f"sqlite:///{folder}/model.sqlite", synchronous="off")) as rapport,
    ):
        for start in range(0, len(messages), BATCH):
            rapport.handler.handle(messages[start : start + BATCH])
        return told(rapport)


def told(rapport: Rapport) -> Told:
    """What a store tells of each subject in the order of versions: all but when it was recorded, and what came of the order of others."""
    found: Told = {}
    for note in rapport.store.logged(0, 10_000_000):
        event = rapport.store.decode_facts(note)
        assert event.version == len(found.get(event.subject, ())) + 1
        found.setdefault(event.subject, []).append(
            (note.topic, event.message_id, event.actor, event.occurred_at, event.known, _by_itself(event.data))
        )
    return found


def _by_itself(event: Event) -> Event:
    """An event without what depends on which of two subjects' messages came first: they are in different partitions."""
    return event.model_copy(update={"programme_id": None}) if isinstance(event, CaseOpened) else event


def assert_all_is_well(stage: Stage, messages: Sequence[bytes], *, workers: bool = False) -> None:
    """Each message recorded exactly once and in order, as the model has it; answered; facts told once; the audit clean."""
    answered_all(stage, messages)
    if workers:
        finish_the_work(stage)
    with open_rapport(stage.settings) as rapport:
        found = told(rapport)
        head = rapport.store.head()
    assert_as_modelled(found, modelled(tuple(messages)), [json.loads(message) for message in messages])
    audit = json.loads(stage.call("audit", "verify", "--json").stdout)
    assert audit["ok"], audit["problems"][:5]
    publishers = [each for each in stage.running if each.name == "publish" and each.process.poll() is None]
    follower = f"publish:{stage.topics.events}"
    eventually(lambda: any(p.metric("rapport_leading") for p in publishers), said=stage.logs())
    eventually(
        lambda: publishers[-1].metric("rapport_lag_events", follower=follower) == 0, said=f"{head}\n{stage.logs()}"
    )
    assert_facts_are_told(stage, found)


def assert_as_modelled(found: Told, expected: Told, messages: Sequence[Mapping[str, Any]]) -> None:
    """The record is the model's, but that where workers joined in only the order of what was sent is known beforehand."""
    beside = {subject: story for subject, story in found.items() if subject not in expected}
    missing = expected.keys() - found.keys()
    assert not missing, {subject: expected[subject] for subject in sorted(missing)[:3]}
    assert all(event[2].startswith("worker:") for story in beside.values() for event in story)
    place = {message["id"]: index for index, message in reversed(list(enumerate(messages)))}
    for subject, story in expected.items():
        alone = [event for event in found[subject] if not event[2].startswith("worker:")]
        until = next(
            (n for n, event in enumerate(found[subject]) if event[2].startswith("worker:")), len(found[subject])
        )
        differing = next(
            (pair for pair in zip(found[subject][:until], story, strict=False) if pair[0] != pair[1]), None
        )
        assert differing is None, f"{subject}: recorded {differing[0]}, the model has {differing[1]}"
        if until == len(found[subject]):
            assert len(story) == until, subject
        ids = list(dict.fromkeys(event[1] for event in alone))
        places = [place[message_id] for message_id in ids]
        assert places == sorted(places), subject
        # One message, one group of events: none is recorded in two places.
        assert len(ids) == len([1 for before, event in pairwise([(None, None), *alone]) if before[1] != event[1]]), (
            subject
        )


def finish_the_work(stage: Stage) -> None:
    """Let the workers come to the end of what is due; every command of theirs is answered, none is put aside."""
    [worker, *_] = [each for each in stage.running if each.name == "work" and each.process.poll() is None]
    eventually(
        lambda: (
            worker.metric("rapport_lag_events", follower="workers") == 0
            and worker.metric("rapport_deadlines_overdue") == 0
        ),
        180,
        stage.logs(),
    )
    assert worker.metric("rapport_parked_keys") == 0
    for running in stage.running:
        if running.name == "work":
            running.stop()
    with open_rapport(stage.settings) as rapport:
        assert rapport.database.query("SELECT COUNT(*) FROM outbox WHERE status = 'waiting'")[0][0] == 0
        sent = rapport.database.query("SELECT COUNT(*), COUNT(DISTINCT id) FROM outbox")[0]
        assert sent[0] == sent[1] > 0


def is_secret(event: Event) -> bool:
    """Whether no fact tells of an event; a readiness that may report or restore trust is as secret as a report."""
    return type(event) in WITHHELD or (
        isinstance(event, TrustReadinessStated) and not (event.ready and not event.settled)
    )


def assert_facts_are_told(stage: Stage, found: Told) -> list[Read]:
    """Readers that know facts again by id see each once, and every subject's in order."""
    facts = stage.read(stage.topics.events)
    public = {
        subject: [version for version, event in enumerate(story, 1) if not is_secret(event[-1])]
        for subject, story in found.items()
    }
    assert dict(in_order(facts)) == {subject: versions for subject, versions in public.items() if versions}
    return facts


def answered_all(
    stage: Stage, messages: Sequence[bytes], within: float = 120, disturbed: Callable[[], bool] = quiet
) -> Counter[str]:
    """Wait until every message has an answer; how many answers there are of each status, copies of one answer left out.

    They may take as long as faults go on (`disturbed`), and `within` seconds from then on.
    """
    wanted = {json.loads(message)["id"] for message in messages}
    patience = Patience(within, disturbed)
    while True:
        # No fewer than one each, so nothing is read while there are fewer.
        receipts = stage.read(stage.topics.receipts, len(wanted), within, disturbed)
        answers = {receipt.json["id"]: receipt.json["data"] for receipt in receipts}
        missing = wanted - {answer["id"] for answer in answers.values()}
        if not missing:
            return Counter(answer["status"] for answer in answers.values())
        if patience.is_over():
            raise AssertionError(f"{len(missing)} have no answer, for instance {sorted(missing)[:3]}\n{stage.logs()}")
        sleep(0.2)
