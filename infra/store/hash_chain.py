"""What is written in one transaction with events, and the hash chain over them; shared by both databases.

Each database appends in one file: `infra/store/sqlite/append.py` and `infra/store/postgres/append.py`.
"""

from collections.abc import Callable, Collection, Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final, NamedTuple, TypedDict

import orjson
from eventsourcing.persistence import IntegrityError, StoredEvent

from infra.store.errors import NewerStore, OlderStore

SCHEMA_VERSION: Final = 6
NO_HASH: Final = bytes(32)


class Head(NamedTuple):
    """The last event of a stream: its version and its hash. (0, 32 zero bytes) before the first."""

    version: int = 0
    hash: bytes = NO_HASH


# Subject, version, topic, stored bytes and hash of an event.
ChainedEvent = tuple[str, int, str, bytes, bytes]


class ReceiptRow(NamedTuple):
    """A receipt as it is kept: who sent which message, the fingerprint of its content, the answer as JSON.

    `after` says how many of the events that are stored with it come before it in the log; None: all of them.
    """

    source: str
    message_id: str
    fingerprint: bytes
    answer: bytes
    after: int | None = None


class Offset(NamedTuple):
    """How far a source has been read: `next` is the first offset not yet handled.

    `generation` fences: once a newer generation has written, an older one is refused, as is going back.
    """

    name: str
    next: int
    generation: int = 0


class Spelling(NamedTuple):
    """The first spelling of an id: `key` is what all its spellings have in common (`domain.ids.key`)."""

    key: str
    spelling: str


@dataclass
class Guard:
    """What a decision relied on: that none of `subjects` has got an event after `position`, and no event a later recorded time.

    The append checks it inside the transaction. It notes in `changed` all subjects that got events from others, and
    brings `position` forward to the head of the log with what is stored now.

    `recorded_at` is the recorded time of what is stored now; the caller knows that up to `position` there is none later. Where
    others recorded later meanwhile, `restamp` gives the events with that time, and they are stored in the same turn: an
    append that had to come again could be too late again. It is called while nobody else can write.
    """

    position: int
    subjects: Collection[str]
    recorded_at: datetime | None = None
    restamp: Callable[[datetime], Sequence[StoredEvent]] | None = None
    changed: set[str] = field(default_factory=set)

    def check(self, changed: Iterable[str]) -> None:
        """Note what changed; raises `Changed` if a decision relied on any of it."""
        self.changed.update(changed)
        if stale := self.changed.intersection(self.subjects):
            raise Changed(f"others wrote to {', '.join(sorted(stale))}")

    def restamped(self, events: Sequence[StoredEvent], latest: datetime | None) -> Sequence[StoredEvent]:
        """The events, with the log's latest recorded time if theirs is earlier."""
        if latest is None or self.recorded_at is None or self.restamp is None or latest <= self.recorded_at:
            return events
        self.recorded_at = latest
        return self.restamp(latest)


class Changed(IntegrityError):
    """A stream that a decision relied on has got events meanwhile."""


class Fenced(IntegrityError):
    """The offset of a source is ahead already, or belongs to a newer generation of consumers."""


class Together(TypedDict, total=False):
    """The keywords of every append: what is stored with the events, and what the decision relied on.

    `heads` holds the last hash of each stream about to grow and is brought forward; without it the append looks the hashes up.
    """

    heads: MutableMapping[str, Head]
    receipts: Sequence[ReceiptRow]
    spellings: Sequence[Spelling]
    offsets: Sequence[Offset]
    guard: Guard | None


def check_version(found: int) -> bool:
    """Whether a store has the schema that this Rapport knows (True) or none yet (False).

    Raises:
        NewerStore: A newer Rapport made it.
        OlderStore: An older Rapport made it, in a format that is not read any more.
    """
    if found > SCHEMA_VERSION:
        raise NewerStore(
            f"the store has schema version {found}, this Rapport knows versions up to {SCHEMA_VERSION}: "
            "use a newer Rapport"
        )
    if 0 < found < SCHEMA_VERSION:
        raise OlderStore(
            f"the store has schema version {found}, which this Rapport does not read any more (it needs {SCHEMA_VERSION}): "
            "open it with the Rapport that wrote it, or send its messages to a new store"
        )
    return found == SCHEMA_VERSION


def recorded_time(state: bytes) -> datetime | None:
    """The recorded time in the stored bytes of an event; None where the bytes name none."""
    try:
        return datetime.fromisoformat(orjson.loads(state)["recorded_at"])
    except (ValueError, KeyError, TypeError):
        return None


def next_hash(previous: bytes, topic: str, state: bytes) -> bytes:
    """The link of the chain: SHA-256 over the hash before, the topic, a line feed and the stored bytes."""
    return sha256(b"%b%b\n%b" % (previous, topic.encode(), state)).digest()


def chained(events: Sequence[StoredEvent], heads: MutableMapping[str, Head]) -> list[ChainedEvent]:
    """The rows of `stored_events` for these events, each linked to the one before it; `heads` is brought forward."""
    rows = []
    for event in events:
        subject = str(event.originator_id)
        hash_ = next_hash(heads[subject].hash, event.topic, event.state)
        heads[subject] = Head(event.originator_version, hash_)
        rows.append((subject, event.originator_version, event.topic, event.state, hash_))
    return rows
