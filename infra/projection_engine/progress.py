"""How a long piece of work says how far it is; by default to nobody."""

from typing import Protocol


class Watcher(Protocol):
    """Told what begins, of how many steps, and how many were done since."""

    def begin(self, what: str, total: int | None) -> None:
        """A piece of work begins; the one before has ended."""

    def done(self, steps: int) -> None:
        """So many steps more are done."""

    def note(self, message: str) -> None:
        """A sentence for a person."""


class Nobody:
    """Watches nothing."""

    def begin(self, what: str, total: int | None) -> None:
        """See `Watcher`."""

    def done(self, steps: int) -> None:
        """See `Watcher`."""

    def note(self, message: str) -> None:
        """See `Watcher`."""


NOBODY = Nobody()
