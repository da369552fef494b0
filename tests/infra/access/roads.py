"""The store of the roads on which words might leave, and which canaries the matrix opens to a reader, field by field of each event.

Every text of every command is a canary. What a road shows is held against `allowed_in`, which asks the one function alone.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from domain.model import AnyRecorded, holds, values_in
from domain.registry import COMMAND_OF, COMMANDS
from domain.relationship.events import FactCorrected, RelationshipProposed
from domain.sharing.answer import may_know, may_read
from domain.sharing.others import may_read_other
from domain.sharing.question import Fact, Reader, stands
from domain.words import NAMED_ROLES, DataClass
from infra.access import local_key
from infra.bootstrap import Rapport, open_rapport
from infra.queries.as_at import NOW
from infra.queries.sharing import Matter, matter_of
from infra.settings import Settings
from infra.store.read_once import ReadOnce
from tests.command import own_environment, rapport
from tests.e2e.contract.outside import days, iso
from tests.infra.sealing.test_canaries import BIRD, CLOCK, told
from tests.infra.sealing.test_erasure_drill import birds_in

LATER = (CLOCK + days(61)).replace(tzinfo=UTC)
HOUSE = {"coordinator": "cora", "hr": "eva", "service": "booking", "analyst": "al", "auditor": "ada"}
STRANGERS = ("mentee:zoe", "mentor:zoe", "customer:zoe", "line_manager:zoe", "supplier:zoe", "worker:conduct")


@dataclass
class Told:
    """The store after the story, its events by subject, and what the processes that told it wrote to their standard streams."""

    rapport: Rapport
    events: Mapping[str, list[AnyRecorded]]
    matters: dict[tuple[str, Reader], Matter | None]
    allowed: dict[tuple[str, Reader], set[str]]
    lines: list[bytes]
    written: Mapping[str, bytes]

    @property
    def busiest(self) -> str:
        """The relationship of which most is told; its parties have entries of their own."""
        return max(self.relationships, key=lambda each: len(self.events[each]))

    @property
    def relationships(self) -> list[str]:
        return [subject for subject in self.events if ":" not in subject]

    @property
    def others(self) -> list[str]:
        return [subject for subject in self.events if ":" in subject]

    def readers(self, subject: str) -> list[Reader]:
        """Everybody who stands in a relationship, and some who do not."""
        parties = {}
        if ":" not in subject:
            proposed = self.events[subject][0].data
            assert isinstance(proposed, RelationshipProposed)
            parties = {role: str(getattr(proposed, f"{role}_id")) for role in NAMED_ROLES}
        return [*(reader(f"{role}:{id_}") for role, id_ in (parties | HOUSE).items()), *map(reader, STRANGERS)]

    @cached_property
    def birds_of(self) -> Mapping[tuple[str, int], set[str]]:
        """The canaries of each event that has some."""
        every = ((subject, event) for subject, events in self.events.items() for event in events)
        found = {(subject, event.version): found_in(event.data.model_dump()) for subject, event in every}
        return {event: birds for event, birds in found.items() if birds}

    def written_by(self, who: Reader) -> set[tuple[str, int]]:
        """The events that a reader stated."""
        return {
            (subject, event.version)
            for subject, events in self.events.items()
            for event in events
            if event.actor == str(who)
        }

    @cached_property
    def birds(self) -> set[str]:
        """All canaries of these subjects."""
        return set().union(*(birds_in(each.model_dump_json()) for found in self.events.values() for each in found))

    @cached_property
    def words(self) -> Mapping[str, list[list["Words"]]]:
        """What each event of a subject has in words, in the order of the events."""
        return {subject: [list(_words_of(event)) for event in events] for subject, events in self.events.items()}

    @cached_property
    def read_once(self) -> ReadOnce:
        """The record as it was told, to ask the one function about: nothing of it changes any more."""
        return ReadOnce.of(self.rapport.store)

    def matter(self, subject: str, who: Reader) -> Matter | None:
        """The whole relationship, to be asked about by a reader."""
        if (subject, who) not in self.matters:
            self.matters[subject, who] = matter_of(self.read_once, self.rapport.engine, subject, who, NOW, LATER)
        return self.matters[subject, who]

    @cached_property
    def names(self) -> set[str]:
        """The canaries that say who somebody is, and nothing else."""
        classes: dict[str, set[DataClass]] = defaultdict(set)
        for words in chain.from_iterable(chain.from_iterable(self.words.values())):
            for bird in words.birds:
                classes[bird].add(words.data_class)
        return {bird for bird, of in classes.items() if of == {"identity"}}

    def mine(self, id_: str) -> set[str]:
        """The canaries that the matrix opens to a person in any of the roles in which relationships and subjects name them."""
        return set().union(
            *(
                allowed_in(self, subject, reader(f"{role}:{id_}"))
                for subject in self.events
                for role in (*NAMED_ROLES, *(role for role, known in HOUSE.items() if known == id_))
            )
        )


def reader(text: str) -> Reader:
    role, _, id_ = text.partition(":")
    return Reader(role, id_)  # type: ignore[arg-type]


def entries_of(messages: Sequence[Mapping[str, Any]]) -> Iterator[bytes]:
    """The parties of the relationship of which most is told get an entry each, with a canary for a name and for an address."""
    [(busiest, _)] = Counter(each["subject"] for each in messages).most_common(1)
    proposed = next(each["data"] for each in messages if each["subject"] == busiest)
    people = [proposed[f"{role}_id"] for role in NAMED_ROLES]
    for number, id_ in enumerate(people):
        name, address = (f"{BIRD}{kind + number}x" for kind in (7_000, 8_000))
        yield orjson.dumps(
            {
                "specversion": "1.0",
                "id": f"entry-{id_}",
                "source": "/tests/roads",
                "type": "rapport.RegisterPerson",
                "subject": f"person:{id_}",
                "time": iso(CLOCK),
                "actor": "hr:eva",
                "data": {"display_name": name, "email": f"{address}@example.org"},
            }
        )


@contextmanager
def telling(folder: Path) -> Iterator[Told]:
    """Every command told, and the workers at work for two months, both with the most talkative logs that there are."""
    url = f"sqlite:///{folder / 'store.sqlite'}"
    lines, _ = told(folder)
    lines += entries_of([json.loads(line) for line in lines])
    env = own_environment(
        RAPPORT_STORE=url, RAPPORT_CLOCK=iso(CLOCK), RAPPORT_SYNCHRONOUS="off", RAPPORT_LOG_LEVEL="debug"
    )
    submitted = rapport("submit", stdin=b"\n".join(lines), cwd=folder, env=env)
    worked = rapport("work", "--until", iso(LATER), cwd=folder, env=env)
    assert worked.returncode == 0, worked.stderr
    written = {"submit": submitted.stdout + submitted.stderr, "work": worked.stdout + worked.stderr}
    settings = Settings(store=url, synchronous="off", clock=LATER, token_key_file=folder / "token-key")
    local_key.make(local_key.place(settings))
    with open_rapport(settings) as opened:
        subjects = [row[0] for row in opened.database.query("SELECT DISTINCT originator_id FROM stored_events")]
        events = {subject: list(opened.store.read(subject)) for subject in subjects}
        opened.engine().catch_up()
        yield Told(opened, _few(events), {}, {}, lines, written)


def _few(events: dict[str, list[AnyRecorded]]) -> dict[str, list[AnyRecorded]]:
    """As few relationships as have events of every kind, and all other subjects."""
    kinds = {subject: {type(each.data) for each in found} for subject, found in events.items() if ":" not in subject}
    left, chosen = set[Any]().union(*kinds.values()), []
    while left:
        best = max(kinds, key=lambda subject: (len(kinds[subject] & left), -len(events[subject])))
        left -= kinds[best]
        chosen.append(best)
    return {subject: events[subject] for subject in events if subject in chosen or ":" in subject}


# --- what a reader may find ------------------------------------------------------------------------------------------
class Words(NamedTuple):
    """Canaries in a field of an event of which the version is given: another one where the field says anew what that said."""

    version: int
    data_class: DataClass
    birds: frozenset[str]


def _words_of(event: AnyRecorded) -> Iterator[Words]:
    data = event.data.model_dump(mode="json", exclude_none=True)
    corrected = data.pop("data", None) if isinstance(event.data, FactCorrected) else None
    yield from _words_in(event.version, type(event.data), data)
    if isinstance(event.data, FactCorrected) and corrected is not None:
        yield from _words_in(event.data.version, COMMANDS[COMMAND_OF[event.data.fact]], corrected)


def _words_in(version: int, model: Any, data: Mapping[str, Any]) -> Iterator[Words]:
    """The canaries of each field, with the class that the field declares."""
    for name, value in data.items():
        inner = next(values_in([model.model_fields[name].annotation]), None)
        if inner is not None:
            for each in value:
                yield from _words_in(version, inner, each)
        elif found := birds_in(json.dumps(value, default=str)):
            held = holds(model, name)
            assert held is not None
            yield Words(version, held.data_class, frozenset(found))


def allowed_in(story: Told, subject: str, who: Reader) -> set[str]:
    """The canaries of a subject that the matrix opens to a reader."""
    if (subject, who) not in story.allowed:
        story.allowed[subject, who] = _allowed_in(story, subject, who)
    return story.allowed[subject, who]


def _allowed_in(story: Told, subject: str, who: Reader) -> set[str]:
    matter = story.matter(subject, who)
    found: set[str] = set()
    for event, words in zip(story.events[subject], story.words[subject], strict=True):
        for each in words:
            if _opened(matter, subject, who, event, each):
                found |= each.birds
    return found


def _opened(matter: Matter | None, subject: str, who: Reader, event: AnyRecorded, words: Words) -> bool:
    if matter is None:
        answer = may_read_other(subject, who, words.data_class, event.actor)
        return answer.allowed and may_read_other(subject, who, "operational", event.actor).allowed
    fact, own = matter.fact(words.version), matter.fact(event.version)
    assert fact is not None
    assert own is not None
    asked: Fact = fact._replace(sensitive=fact.sensitive or own.sensitive)
    known = stands(matter.situation, who) and may_know(matter.situation, who, own)
    if words.data_class == "identity":
        # Who is named in an event is told with the event, to those who see that it happened.
        known = known and may_read(matter.situation, who, "operational", own).allowed
    return known and may_read(matter.situation, who, words.data_class, asked).allowed


def names_known_in(story: Told, subject: str, who: Reader) -> set[str]:
    """The canaries in the names of a relationship's parties, for those of them whose matrix opens identity (decision 0032)."""
    matter = story.matter(subject, who)
    assert matter is not None
    if who.role not in NAMED_ROLES or not stands(matter.situation, who):
        return set()
    if not may_read(matter.situation, who, "identity").allowed:
        return set()
    entries = (story.events.get(f"person:{id_}", []) for id_ in matter.situation.parties.values())
    return {bird for events in entries for event in events for bird in found_in(event.data.model_dump())} & story.names


def found_in(value: Any) -> set[str]:
    return birds_in(orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode())
