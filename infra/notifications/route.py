"""A way out for notifications, and the two ways in which it can fail."""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from infra.notifications.outbox import Notification
from infra.notifications.wording import Wording

Channel = Literal["email", "webhook"]


class Refusal(Exception):
    """The other side will never take this notification; the message says why, without naming an address."""


class Trouble(Exception):
    """It did not work this time; the message says why, without naming an address.

    `after`: not again before this many seconds have passed. `everybody`: the trouble is with the route, not with this
    notification, so the others wait too.
    """

    def __init__(self, reason: str, *, after: float = 0.0, everybody: bool = False) -> None:
        self.after = after
        self.everybody = everybody
        super().__init__(reason)


class Route(ABC):
    """Sends one notification at a time; connections are made when needed and kept until `close`."""

    channel: ClassVar[Channel]

    @abstractmethod
    def takes(self, recipient: str) -> bool:
        """Whether this route knows the way to a recipient."""

    @abstractmethod
    def send(self, note: Notification, wording: Wording) -> None:
        """Hand it over to the other side, or raise `Refusal` or `Trouble`. Returns when the other side has taken it."""

    @abstractmethod
    def close(self) -> None:
        """Give back connections."""
