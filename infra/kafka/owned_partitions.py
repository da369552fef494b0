"""Whose a partition is, according to the store: every owner takes a new generation, and older ones are fenced.

The broker decides who should read a partition, but it can't keep somebody whom it has given up on (a process that was
stopped and goes on) from committing to our database. So a new owner first raises the partition's generation in the
store; the offset of every batch is written under the owner's generation, and an older one fails with the whole transaction.
The generations of the group itself would not do: they begin again at one when the broker forgets the group.

Two positions are kept for a partition: up to where messages are recorded, and up to where their answers are known to have
reached the broker. Between the two, answers are sent again by the next owner.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from infra.store.hash_chain import Offset
from infra.store.session import Database


@dataclass
class OwnedPartition:
    """A partition owned: the first offset not recorded, the first not known to be answered, and our generation.

    `answered` runs ahead of `answered_stored`, what the store knows of it, until the next commit.
    """

    partition: int
    name: str
    next: int
    answered: int
    answered_stored: int
    generation: int

    def offsets(self, next_: int) -> list[Offset]:
        """What to write in the transaction that records all before `next_`, which may be where we are already."""
        found = [Offset(self.name, next_, self.generation)] if next_ > self.next else []
        if self.answered > self.answered_stored:
            found.append(Offset(answers_of(self.name), self.answered, self.generation))
        return found

    def wrote(self, offsets: Iterable[Offset]) -> None:
        """These offsets are committed."""
        for offset in offsets:
            if offset.name == self.name:
                self.next = offset.next
            elif offset.name == answers_of(self.name):
                self.answered_stored = offset.next


def source_of(topic: str, partition: int) -> str:
    """The name under which a partition's offset is kept."""
    return f"kafka:{topic}:{partition}"


def answers_of(name: str) -> str:
    """The name under which it is kept how far a partition's messages are answered."""
    return f"{name}:answers"


def is_known(database: Database, topic: str, topic_id: UUID) -> bool:
    """Whether the offsets that the store keeps are those of this very topic; a first one becomes the one. Raises `StoreError`.

    A topic that was made anew under an old name has another id. As much of it as fits into a number is kept as an offset is.
    """
    name, number = f"kafka:{topic}:id", topic_id.int >> 65
    with database.transaction() as session:
        session.execute(
            "INSERT INTO source_offsets (name, next, generation) VALUES (?, ?, 0) ON CONFLICT (name) DO NOTHING",
            (name, number),
        )
        return bool(session.query("SELECT next FROM source_offsets WHERE name = ?", (name,)) == [(number,)])


def take_over(database: Database, topic: str, partitions: Iterable[int]) -> dict[int, OwnedPartition]:
    """Take partitions over from their owners before, in one statement. Raises `StoreError`."""
    sources = {source_of(topic, partition): partition for partition in partitions}
    # In one order everywhere, or two that take over at once could wait for each other.
    names = sorted([*sources, *map(answers_of, sources)])
    with database.transaction() as session:
        rows = session.query(
            "INSERT INTO source_offsets (name, next, generation) "  # noqa: S608 - only marks
            f"VALUES {', '.join(['(?, 0, 1)'] * len(names))} "
            "ON CONFLICT (name) DO UPDATE SET generation = source_offsets.generation + 1 "
            "RETURNING name, next, generation",
            names,
        )
    found = {str(name): Offset(str(name), int(next_), int(generation)) for name, next_, generation in rows}
    owned = {}
    for name, partition in sources.items():
        offset, answers = found[name], found[answers_of(name)]
        assert offset.generation == answers.generation, "both are always raised together"
        owned[partition] = OwnedPartition(partition, name, offset.next, answers.next, answers.next, offset.generation)
    return owned
