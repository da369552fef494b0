"""The ways out that are configured, and who goes which way.

Somebody whose e-mail address is known gets an e-mail; for everybody else there is the webhook. A notification goes one way
only, so nobody is told twice.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from infra.notifications.addresses import NO_ENTRIES, Entries
from infra.notifications.route import Route
from infra.settings import Settings


@dataclass(frozen=True)
class Routes:
    """Routes in the order in which they are asked."""

    routes: tuple[Route, ...]

    def to(self, recipient: str) -> Route | None:
        """The way to a recipient, if there is one."""
        return next((route for route in self.routes if route.takes(recipient)), None)


@contextmanager
def open_routes(settings: Settings, entries: Entries = NO_ENTRIES) -> Iterator[Routes]:
    """The routes of the settings, closed after the block; `entries` know the addresses of people. No connection is made yet.

    Raises:
        WrongSettings: A setting is wrong.
    """
    routes: list[Route] = []
    with ExitStack() as stack:
        if settings.smtp:
            from infra.notifications.mail import open_mail

            routes.append(open_mail(settings, entries))
            stack.callback(routes[-1].close)
        if settings.notify_webhook:
            from infra.notifications.webhook import open_webhook

            url, secret = settings.notify_webhook, settings.notify_secret_file
            assert secret is not None, "settings come whole"
            routes.append(open_webhook(url, secret, settings.notify_seconds))
            stack.callback(routes[-1].close)
        yield Routes(tuple(routes))
