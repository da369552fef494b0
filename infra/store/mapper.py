"""Events to bytes and back: the one seam between the domain and what is stored.

An event is stored under its name and version (`SessionScheduled`, `SessionScheduled#2`), never under a Python path, as the
JSON of its `Recorded` envelope with absent fields left out. Older versions are brought forward by upcasters on the
way out; stored bytes are never rewritten. Nothing else reads or writes stored bytes.

Content is sealed here. Who decides reads an event with its content (`decode`); who derives something from it that is kept
or sent reads it without (`decode_facts`).
"""

import json
from collections.abc import Callable, Collection, Mapping
from hashlib import blake2b
from typing import Any, Final, Literal, Protocol, TypeVar

from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent
from pydantic import ValidationError

from domain.model import AnyRecorded, Event, Recorded
from infra.store.errors import DamagedEvent, UnknownEvent
from infra.store.sealed_bytes import SEALED, Writer, facts_only

K = TypeVar("K")
V = TypeVar("V")
Data = dict[str, Any]
Upcaster = Callable[[Data], Data]
Reader = Callable[[bytes], AnyRecorded]
Upcasters = Mapping[tuple[str, int], Upcaster]
NONE: Final[Upcasters] = {}
# Of sealed content: it was read, this login has no keys, its key is gone, or its key is there and does not open it.
Words = Literal["read", "out of reach", "keyless", "damaged"]


class Sealing(Protocol):
    """What seals and unseals the content of events (`infra.sealing`)."""

    def seal(self, topic: str, event: AnyRecorded, write: Writer) -> bytes:
        """The bytes to be stored; `write` writes the event's JSON."""
        ...

    def fetch_keys(self, subjects: Collection[str]) -> None:
        """Look up at once the keys of subjects of which much will be unsealed."""
        ...

    def unseal(self, topic: str, state: bytes) -> bytes:
        """The event's JSON with its content as far as it can be read."""
        ...

    def unseal_checked(self, topic: str, state: bytes) -> tuple[bytes, Words]:
        """The same, and whether it can be read."""
        ...

    def seal_state(self, subject: str, bound_to: bytes, plain: bytes) -> tuple[str, bytes] | None:
        """The key and the box of a state of a subject; None where there is none to be had."""
        ...

    def unseal_state(self, subject: str, bound_to: bytes, key: str, box: bytes) -> bytes | None:
        """The state in a box; None where its key is gone or does not open it."""
        ...

    def words_mark(self) -> int:
        """Another number once keys were destroyed: what was unsealed before is not to be shown any more."""
        ...

    @property
    def fingerprint_key(self) -> bytes:
        """The key of the fingerprints of messages."""
        ...


class _MadeAtFirstUse(dict[K, V]):
    """What is made of a key when it is first asked for, and kept."""

    def __init__(self, make: Callable[[K], V]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: K) -> V:
        value = self[key] = self._make(key)
        return value


class IncompleteUpcasters(Exception):
    """The program's own tables are wrong: an old version can't be brought forward, or an upcaster has no event."""


class RapportMapper(Mapper[str]):
    """Encodes and decodes every event of the registry; without `sealing` content is stored in the clear, for tests."""

    def __init__(
        self,
        events: Mapping[str, type[Event]] | None = None,
        upcasters: Upcasters | None = None,
        sealing: Sealing | None = None,
    ) -> None:
        super().__init__(JSONTranscoder())
        if events is None:
            from domain import registry

            events, upcasters = registry.EVENTS, registry.UPCASTERS
        self._sealing = sealing
        upcasters = NONE if upcasters is None else upcasters
        _check(events, upcasters)
        # The envelope class of each event class, to construct and to serialise with. They are made as they are used: to make all
        # takes as long as many a question does.
        self.envelopes: Mapping[type[Event], type[AnyRecorded]] = _MadeAtFirstUse(lambda cls: Recorded[cls])  # type: ignore[valid-type]
        self.topics: dict[type[Event], str] = {cls: _topic(name, cls.VERSION) for name, cls in events.items()}
        stored = {
            _topic(name, version): (cls, tuple(upcasters[name, step] for step in range(version, cls.VERSION)))
            for name, cls in events.items()
            for version in range(1, cls.VERSION + 1)
        }
        self._readers: Mapping[str, Reader] = _MadeAtFirstUse(
            lambda topic: _reader(self.envelopes[stored[topic][0]], stored[topic][1])
        )

    @property
    def seals(self) -> bool:
        """Whether content is sealed."""
        return self._sealing is not None

    def words_mark(self) -> int:
        """Another number once keys were destroyed: what was decoded before is not to be shown any more."""
        return 0 if self._sealing is None else self._sealing.words_mark()

    def encode(self, event: AnyRecorded) -> tuple[str, bytes]:
        """The topic and bytes under which an event is stored."""
        cls = type(event.data)
        topic, write = self.topics[cls], self.envelopes[cls].__pydantic_serializer__.to_json
        if self._sealing is None:
            return topic, write(event, exclude_none=True)
        return topic, self._sealing.seal(topic, event, write)

    def decode(self, topic: str, state: bytes) -> AnyRecorded:
        """The event in stored bytes, with its content as far as it can be read.

        Raises:
            UnknownEvent: A newer Rapport wrote it.
            DamagedEvent: The bytes are no such event.
        """
        return self._decoded(topic, state, self._unsealed)

    def decode_checked(self, topic: str, state: bytes) -> tuple[AnyRecorded, Words]:
        """The same, and what became of its content. Raises what `decode` raises."""
        words: Words = "read"

        def unsealed(topic: str, state: bytes) -> bytes:
            nonlocal words
            if self._sealing is None:
                return self._unsealed(topic, state)
            plain, words = self._sealing.unseal_checked(topic, state)
            return plain

        return self._decoded(topic, state, unsealed), words

    def decode_facts(self, topic: str, state: bytes) -> AnyRecorded:
        """The same without what is sealed: each text of it says that it can't be read. Needs no keys."""
        return self._decoded(topic, state, _facts_of)

    def fetch_keys(self, subjects: Collection[str]) -> None:
        """Look up at once the keys of subjects whose events will be decoded with their content.

        Raises:
            StoreError: The keys can't be read.
        """
        if self._sealing is not None:
            self._sealing.fetch_keys(subjects)

    def seal_state(self, subject: str, bound_to: bytes, plain: bytes) -> tuple[str, bytes] | None:
        """The key and the box of a state; None without sealing, for a state has content and is kept sealed or not at all.

        Raises:
            StoreError: The keys can't be read or made.
        """
        return None if self._sealing is None else self._sealing.seal_state(subject, bound_to, plain)

    def unseal_state(self, subject: str, bound_to: bytes, key: str, box: bytes) -> bytes | None:
        """The state in a box; None where its key is gone, or where it was bound to something else.

        Raises:
            StoreError: The keys can't be read.
        """
        return None if self._sealing is None else self._sealing.unseal_state(subject, bound_to, key, box)

    def fingerprint(self, digest: bytes) -> bytes:
        """What is kept to know a message's content again by: without the key nobody can try contents out on it."""
        if self._sealing is None:
            return digest
        return blake2b(digest, key=self._sealing.fingerprint_key, digest_size=16).digest()

    def _unsealed(self, topic: str, state: bytes) -> bytes:
        if self._sealing is None:
            raise ValueError("its content is sealed: open the store with its keys")
        return self._sealing.unseal(topic, state)

    def _decoded(self, topic: str, state: bytes, unsealed: Callable[[str, bytes], bytes]) -> AnyRecorded:
        try:
            return self._readers[topic](unsealed(topic, state) if SEALED in state else state)
        except (ValidationError, ValueError, KeyError, TypeError) as error:
            if topic not in self._readers:
                raise UnknownEvent(topic) from None
            raise DamagedEvent(f"an event {topic!r} can't be read: {_in_a_line(error)}") from error

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """The library's name for `encode`."""
        topic, state = self.encode(domain_event)
        return StoredEvent(domain_event.subject, domain_event.version, topic, state)

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """The library's name for `decode`."""
        return self.decode(stored_event.topic, stored_event.state)


def _facts_of(_topic: str, sealed: bytes) -> bytes:
    return facts_only(sealed)


def _reader(envelope: type[AnyRecorded], upcasters: tuple[Upcaster, ...]) -> Reader:
    """What reads the stored bytes of one version of an event."""
    read: Reader = envelope.__pydantic_validator__.validate_json
    if not upcasters:
        return read

    def read_older(state: bytes) -> AnyRecorded:
        stored = json.loads(state)
        for upcast in upcasters:
            stored["data"] = upcast(stored["data"])
        return read(json.dumps(stored).encode())

    return read_older


def _in_a_line(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'the whole'}: {each['msg']}" for each in found)


def _topic(name: str, version: int) -> str:
    return name if version == 1 else f"{name}#{version}"


def _check(events: Mapping[str, type[Event]], upcasters: Upcasters) -> None:
    needed = {(name, version) for name, cls in events.items() for version in range(1, cls.VERSION)}
    if missing := needed - set(upcasters):
        raise IncompleteUpcasters(f"no upcaster for {sorted(missing)}")
    if stray := set(upcasters) - needed:
        raise IncompleteUpcasters(f"upcasters for what no event was: {sorted(stray)}")
