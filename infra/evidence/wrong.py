"""What verification finds."""

from typing import Final, NamedTuple

# What is wrong with the tree and with no event or receipt.
TREE: Final = "the tree"


class Wrong(NamedTuple):
    """One thing that is wrong: of which subject, at which version (0: none), and why."""

    subject: str
    version: int
    problem: str
