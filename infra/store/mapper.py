"""Events to bytes and back: the one seam between the domain and what is stored.

An event is stored under its name and version (`SessionScheduled`, `SessionScheduled#2`), never under a Python path, as the
JSON of its `Recorded` envelope with absent fields left out. Older versions are brought forward by upcasters on the
way out; stored bytes are never rewritten. Content will be sealed here: nothing else reads or writes stored bytes.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent
from pydantic import ValidationError

from domain.model import AnyRecorded, Event, Recorded
from infra.store.errors import DamagedEvent, UnknownEvent

Data = dict[str, Any]
Upcaster = Callable[[Data], Data]
Reader = Callable[[bytes], AnyRecorded]
Upcasters = Mapping[tuple[str, int], Upcaster]
NONE: Final[Upcasters] = {}


class IncompleteUpcasters(Exception):
    """The program's own tables are wrong: an old version can't be brought forward, or an upcaster has no event."""


class RapportMapper(Mapper[str]):
    """Encodes and decodes every event of the registry."""

    def __init__(self, events: Mapping[str, type[Event]] | None = None, upcasters: Upcasters | None = None) -> None:
        super().__init__(JSONTranscoder())
        if events is None:
            from domain import registry

            events, upcasters = registry.EVENTS, registry.UPCASTERS
        upcasters = NONE if upcasters is None else upcasters
        _check(events, upcasters)
        # The envelope class of each event class, to construct and to serialise with.
        self.envelopes: dict[type[Event], type[AnyRecorded]] = {cls: Recorded[cls] for cls in events.values()}  # type: ignore[valid-type]
        self.topics: dict[type[Event], str] = {cls: _topic(name, cls.VERSION) for name, cls in events.items()}
        self._readers: dict[str, Reader] = {
            _topic(name, version): _reader(
                self.envelopes[cls], tuple(upcasters[name, step] for step in range(version, cls.VERSION))
            )
            for name, cls in events.items()
            for version in range(1, cls.VERSION + 1)
        }

    def encode(self, event: AnyRecorded) -> tuple[str, bytes]:
        """The topic and bytes under which an event is stored."""
        cls = type(event.data)
        return self.topics[cls], self.envelopes[cls].__pydantic_serializer__.to_json(event, exclude_none=True)

    def decode(self, topic: str, state: bytes) -> AnyRecorded:
        """The event in stored bytes. Raises `UnknownEvent` and `DamagedEvent`."""
        try:
            return self._readers[topic](state)
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
