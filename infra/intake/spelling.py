"""Ids are the same whatever their case: each message is respelled as its ids were spelled first, before anything is decided.

The store keeps the first spelling of every person, programme and case, written in the transaction of the event that made the
id known. Two processes that make two spellings known at once want the same row: one commit fails, and is decided again.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from cachetools import LRUCache

from domain.ids import (
    MACHINES,
    Namespace,
    fields_outside,
    introduced,
    key,
    mentioned,
    respelled_actor,
    respelled_outside,
    respelled_subject,
)
from infra.intake.message import Message
from infra.store.hash_chain import Spelling
from infra.store.log import EventStore

CACHE_SIZE: Final = 50_000
# Keys of ids, each with the id as the message spells it.
Names = list[tuple[str, str]]


class Spellings:
    """The first spellings that one batch meets: those known before, and those that its accepted messages make known.

    `met` holds the keys of all ids that its messages name: what the batch decides relies on what was known of them.
    `unsettled` are the messages that name an id which was not known before, by source and id.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self.met: set[str] = set()
        self.unsettled: set[tuple[str, str]] = set()
        self.new: dict[str, str] = {}
        self._known = known

    def settled(self, message: Message, names: Names) -> Message:
        """The message with the first spelling of every id that was known before; it may have others."""
        known, differs = self._known, False
        for folded, id_ in names:
            self.met.add(folded)
            spelling = known.get(folded)
            if spelling is None:
                self.unsettled.add((message.source, message.id))
            elif spelling != id_:
                differs = True
        return self.respelled(message) if differs else message

    def respelled(self, message: Message) -> Message:
        """The message with the first spelling of every id; one that nobody has used before keeps its first in the message."""
        known, new = self._known, self.new
        own: dict[str, str] = {}

        def spell(namespace: Namespace, id_: str) -> str:
            folded = key(namespace, id_)
            return known.get(folded) or new.get(folded) or own.setdefault(folded, id_)

        subject = respelled_subject(message.subject, spell)
        command = respelled_outside(message.command, spell)
        return message._replace(subject=subject, command=command, actor=respelled_actor(message.actor, spell))

    def accept(self, message: Message) -> None:
        """Remember the ids that an accepted message, respelled, makes known."""
        for namespace, id_ in introduced(message.subject, message.command, message.actor):
            folded = key(namespace, id_)
            if folded not in self._known:
                self.new.setdefault(folded, id_)

    def forget_after(self, count: int) -> None:
        """Forget what was made known after so many ids."""
        for folded in list(self.new)[count:]:
            del self.new[folded]

    def rows(self) -> list[Spelling]:
        """What is to be kept with the events of the batch."""
        return [Spelling(folded, spelling) for folded, spelling in self.new.items()]


class SpellingCache:
    """First spellings that are committed, read from the store when they are met and kept while in use."""

    def __init__(self, store: EventStore, size: int = CACHE_SIZE) -> None:
        self._store = store
        self._kept: LRUCache[str, str] = LRUCache(size)

    def settle(self, messages: Sequence[Message], ahead: Mapping[str, str]) -> tuple[Spellings, list[Message]]:
        """The spellings for a batch, and its messages respelled as far as all their ids are known.

        `ahead` has the spellings that the batch under way makes known, which are not committed yet.
        """
        named = [_names(message) for message in messages]
        spellings = Spellings(self._known({folded for names in named for folded, _ in names}, ahead))
        return spellings, [spellings.settled(*each) for each in zip(messages, named, strict=True)]

    def _known(self, met: set[str], ahead: Mapping[str, str]) -> dict[str, str]:
        known: dict[str, str] = {}
        missing = []
        for folded in met:
            if spelling := self._kept.get(folded) or ahead.get(folded):
                known[folded] = spelling
            else:
                missing.append(folded)
        if missing:
            found = self._store.spellings(missing)
            self.keep(found)
            known |= found
        return known

    def keep(self, committed: Mapping[str, str]) -> None:
        """Remember what is in the store; a first spelling never changes."""
        for folded, spelling in committed.items():
            self._kept[folded] = spelling


def _names(message: Message) -> Names:
    role, id_ = message.actor
    if ":" not in message.subject and not fields_outside(type(message.command)):
        # As most are: about a relationship, naming nobody but the actor.
        return [] if role in MACHINES else [(key("person", id_), id_)]
    names = mentioned(message.subject, message.command, message.actor)
    return [(key(namespace, id_), id_) for namespace, id_ in names]
