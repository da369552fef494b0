"""The four topics, keyed by subject."""

from typing import Final, NamedTuple

COMMANDS: Final = "rapport.commands"
RECEIPTS: Final = "rapport.receipts"
EVENTS: Final = "rapport.events"
DEAD_LETTERS: Final = "rapport.dead-letters"


class Topics(NamedTuple):
    """Their names, with the prefix of this installation."""

    commands: str
    receipts: str
    events: str
    dead_letters: str

    @classmethod
    def named(cls, prefix: str = "") -> "Topics":
        """The topics under a prefix (`RAPPORT_KAFKA_PREFIX`)."""
        return cls(prefix + COMMANDS, prefix + RECEIPTS, prefix + EVENTS, prefix + DEAD_LETTERS)
