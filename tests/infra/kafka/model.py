"""What must be so after any fault: told by a model, one handler over the same messages in one go, and by invariants."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from infra.bootstrap import Rapport, open_rapport
from infra.kafka.facts import WITHHELD
from infra.settings import Settings
from tests.infra.kafka.stage import Read, Stage, eventually, in_order

BATCH = 500
NAMES = {cls.__name__ for cls in WITHHELD}
Told = dict[str, list[tuple[Any, ...]]]


def modelled(messages: Sequence[bytes], folder: Path) -> Told:
    """What one handler makes of these messages, by subject."""
    with open_rapport(Settings(store=f"sqlite:///{folder / 'model.sqlite'}", synchronous="off")) as rapport:
        for start in range(0, len(messages), BATCH):
            rapport.handler.handle(messages[start : start + BATCH])
        return told(rapport)


def told(rapport: Rapport) -> Told:
    """What a store tells of each subject in the order of versions: all but when it was recorded."""
    found: Told = {}
    for note in rapport.store.notifications(0, 10_000_000):
        event = rapport.store.decode(note)
        assert event.version == len(found.get(event.subject, ())) + 1
        found.setdefault(event.subject, []).append(
            (note.topic, event.message_id, event.actor, event.occurred_at, event.known, event.data)
        )
    return found


def assert_all_is_well(
    stage: Stage, messages: Sequence[bytes], *, published: bool = True, more: Iterable[str] = ()
) -> None:
    """Each message recorded exactly once and in order, as the model has it; answered; facts told once; the audit clean.

    `more` are ids of messages that were sent and answered but are no part of the model.
    """
    answered_all(stage, messages, more)
    with open_rapport(stage.settings) as rapport:
        found = told(rapport)
        head = rapport.store.head()
    expected = modelled(messages, stage.folder)
    assert found.keys() == expected.keys()
    for subject, story in expected.items():
        assert found[subject] == story, subject
    audit = json.loads(stage.call("audit", "verify", "--json").stdout)
    assert audit["ok"], audit["problems"][:5]
    if published:
        publishers = [each for each in stage.running if each.name == "publish" and each.process.poll() is None]
        follower = f"publish:{stage.topics.events}"
        eventually(lambda: any(p.metric("rapport_leading") for p in publishers), said=stage.logs())
        eventually(
            lambda: publishers[-1].metric("rapport_lag_events", follower=follower) == 0, said=f"{head}\n{stage.logs()}"
        )
        assert_facts_are_told(stage, found)


def assert_facts_are_told(stage: Stage, found: Told) -> list[Read]:
    """Readers that know facts again by id see each once, and every subject's in order."""
    facts = stage.read(stage.topics.events)
    public = {
        subject: [version for version, event in enumerate(story, 1) if event[0].partition("#")[0] not in NAMES]
        for subject, story in found.items()
    }
    assert dict(in_order(facts)) == {subject: versions for subject, versions in public.items() if versions}
    return facts


def answered_all(stage: Stage, messages: Sequence[bytes], more: Iterable[str] = ()) -> Counter[str]:
    """Wait until every message has an answer; how many answers there are of each status, copies of one answer left out."""
    wanted = {json.loads(message)["id"] for message in messages} | set(more)

    def read() -> dict[str, Any] | None:
        answers = {receipt.json["id"]: receipt.json["data"] for receipt in stage.read(stage.topics.receipts)}
        return answers if wanted <= {answer["id"] for answer in answers.values()} else None

    answers = eventually(read, 120, stage.logs())
    return Counter(answer["status"] for answer in answers.values())
