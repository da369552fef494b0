"""Delivering notifications: at least once, by the routes that are configured, until they are sent or given up.

Each result is committed by itself, so that a process that is killed repeats one delivery at most, under the same id. A
failure is tried again after 10 seconds, then after three times as long each time, up to a day; the twelfth, after about three
days, makes it a dead letter. A route that is down, or asks for patience, rests as a whole: one notification finds out whether it
is well again, and the others lose none of their attempts meanwhile.
"""

import threading
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime
from time import monotonic
from typing import Final

from infra.clock import Clock
from infra.notifications import deliveries
from infra.notifications.deliveries import Delivery, Taken
from infra.notifications.outbox import prepare
from infra.notifications.route import Refusal, Route, Trouble
from infra.notifications.routes import Routes, open_routes
from infra.operations.keep import DATABASE
from infra.operations.logs import logger
from infra.operations.metrics import NOTIFICATIONS
from infra.operations.outages import Outages
from infra.public_url import public_url
from infra.settings import Settings, WrongSettings
from infra.store.errors import StoreError
from infra.store.restrictions import restricted
from infra.store.session import Database

FIRST_SECONDS: Final = 10.0
TIMES: Final = 3.0
LONGEST_SECONDS: Final = 24 * 3600.0
# A route is asked again after this long at the latest, unless it wanted more patience.
LONGEST_REST_SECONDS: Final = 300.0
LEASE_SECONDS: Final = 60.0
BATCH: Final = 50
WATCH_SECONDS: Final = 2.0
# What waits when the settings or we ourselves are wrong.
NOTIFICATIONS_WAIT: Final = "notifications"

# The address in the entry of a recipient at a time; None where there is none.
EntriesAt = Callable[[str, datetime], str | None]

log = logger("rapport.notify")


@dataclass
class Tally:
    """What a pass did.

    `sent`; `kept` for want of a way; failed for now (`again`); given up (`dead`); waiting for a route (`resting`); `missed`,
    since what it announces has begun or its recipient's data may not be used.
    """

    sent: int = 0
    kept: int = 0
    again: int = 0
    dead: int = 0
    resting: int = 0
    missed: int = 0

    def __str__(self) -> str:
        return ", ".join(f"{count} {name}" for name, count in asdict(self).items() if count) or "none"


@dataclass
class _Pass:
    """What one pass knows of the routes: which rest, how often in a row each has failed."""

    resting: set[str] = field(default_factory=set)
    failures: dict[str, int] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)


def backoff(attempts: int) -> float:
    """Returns how many seconds to wait after this many failures (1 or more)."""
    return min(FIRST_SECONDS * TIMES ** min(attempts - 1, 20), LONGEST_SECONDS)


class Deliverer:
    """Delivers what waits in a database. Several may work at once, in one process or many."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        lease_seconds: float | None = None,
        outages: Outages | None = None,
        entries: EntriesAt | None = None,
    ) -> None:
        """`entries` give the address in the entry of a recipient, now. Raises `WrongSettings` where the public address of the pages is none."""
        self.database = database
        self.settings = settings
        self.outages = outages or Outages()
        self.entries = entries
        # A walk of the workers turns theirs, not this one.
        self.clock = Clock(settings.clock)
        # One delivery fits into two thirds of it, even one that has to connect a second time.
        self.lease = lease_seconds or max(LEASE_SECONDS, 6 * settings.notify_seconds)
        self.pages = public_url(settings)
        prepare(database)

    def check(self) -> None:
        """Make sure that the routes can be opened.

        Raises:
            WrongSettings: A setting of a route is wrong.
        """
        with open_routes(self.settings):
            pass

    def deliver(self, only: Collection[str] | None = None, stop: threading.Event | None = None) -> Tally:
        """Deliver all that is due now, or so much of it as there is until `stop` is set; `only`: none but these ids.

        Raises:
            StoreError: The database can't; what was delivered before stays delivered.
            WrongSettings: A setting is wrong.
        """
        if not deliveries.any_due(self.database):
            return Tally()
        missed = deliveries.miss(self.database, self.clock.now())
        with open_routes(self.settings, self._in_entry) as routes:
            if not routes.routes:
                return Tally(kept=deliveries.keep_all(self.database), missed=missed)
            going = _Pass(tally=Tally(missed=missed))
            with self.database.reading() as session:
                until = deliveries.now(session)
            while stop is None or not stop.is_set():
                taken = deliveries.take(self.database, until, BATCH, self.lease, avoid=going.resting, only=only)
                if not taken.due:
                    break
                self._deliver(taken, routes, going, stop)
            return going.tally

    def _in_entry(self, recipient: str) -> str | None:
        return self.entries(recipient, self.clock.now()) if self.entries else None

    def run(self, stop: threading.Event) -> None:
        """Deliver as notifications come, until `stop` is set; troubles are logged and waited out."""
        while not stop.is_set():
            try:
                self.deliver(stop=stop)
                self.outages.over(NOTIFICATIONS_WAIT)
                stop.wait(WATCH_SECONDS)
            except WrongSettings as error:
                self.outages.begins(NOTIFICATIONS_WAIT, error)
                stop.wait(LONGEST_REST_SECONDS)
            except StoreError as error:
                # The workers in the same process tell when it is back.
                self.outages.begins(DATABASE, error)
                stop.wait(FIRST_SECONDS)
            except Exception as error:  # noqa: BLE001 - whatever it is, starting again from the store is safe
                self.outages.begins(NOTIFICATIONS_WAIT, error, mistake=True)
                stop.wait(FIRST_SECONDS)

    def _deliver(self, taken: Taken, routes: Routes, going: _Pass, stop: threading.Event | None) -> None:
        going.resting |= taken.resting
        going.failures |= taken.failures
        for name, failures in taken.failures.items():
            if not failures:
                # Another process may have found out.
                self.outages.over(name)
        unused: list[tuple[Delivery, str]] = []
        stranded: list[Delivery] = []
        held, renewed = {delivery.note.id for delivery in taken.due}, monotonic()
        kept_back = restricted(self.database)
        for place, delivery in enumerate(taken.due):
            if delivery.note.recipient.partition(":")[2].lower() in kept_back:
                going.tally.missed += deliveries.restrict(self.database, delivery)
                continue
            route = routes.to(delivery.note.recipient)
            if route is None:
                stranded.append(delivery)
                continue
            if route.channel in going.resting or (stop is not None and stop.is_set()):
                unused.append((delivery, route.channel))
                continue
            if monotonic() - renewed > self.lease / 3:
                held, renewed = deliveries.renew(self.database, taken.due[place:], self.lease), monotonic()
            if delivery.note.until is not None and delivery.note.until <= self.clock.now():
                going.tally.missed += deliveries.miss(self.database, self.clock.now(), [delivery])
            elif delivery.note.id in held:
                self._attempt(route, delivery, going)
        deliveries.put_back(self.database, unused)
        deliveries.keep(self.database, stranded)
        going.tally.resting += len(unused)
        going.tally.kept += len(stranded)

    def _attempt(self, route: Route, delivery: Delivery, going: _Pass) -> None:
        from infra.notifications.wording import words_of

        channel = route.channel
        try:
            route.send(delivery.note, words_of(delivery.note, self.pages))
        except Refusal as refusal:
            self._failed(delivery, route, str(refusal), going, dead=True)
        except Trouble as trouble:
            self._failed(delivery, route, str(trouble), going, after=trouble.after, quiet=trouble.everybody)
            if trouble.everybody:
                self._rest(route, trouble, going)
            return
        except Exception as error:
            log.exception("a notification can't be delivered", id=delivery.note.id, template=delivery.note.template)
            self._failed(delivery, route, f"{type(error).__name__}: {error}", going)
            return
        else:
            deliveries.sent(self.database, delivery, channel)
            going.tally.sent += 1
            NOTIFICATIONS.labels(channel, "sent").inc()
        self.outages.over(channel)
        if going.failures.pop(channel, 0):
            deliveries.rest(self.database, channel, 0, 0)

    def _failed(
        self,
        delivery: Delivery,
        route: Route,
        reason: str,
        going: _Pass,
        *,
        after: float = 0.0,
        dead: bool = False,
        quiet: bool = False,
    ) -> None:
        """`quiet`: the outage of the route says it for all that are to be tried again."""
        attempts = delivery.attempts + 1
        dead = dead or attempts >= self.settings.notify_attempts
        wait = max(after, backoff(attempts))
        if not deliveries.failed(self.database, delivery, route.channel, reason, wait=wait, dead=dead):
            return
        going.tally.dead += dead
        going.tally.again += not dead
        NOTIFICATIONS.labels(route.channel, "dead" if dead else "failed").inc()
        sentence = "a notification is given up" if dead else "a notification will be tried again"
        tell = log.debug if quiet and not dead else log.warning
        tell(sentence, id=delivery.note.id, way=route.channel, attempts=attempts, reason=reason)

    def _rest(self, route: Route, trouble: Trouble, going: _Pass) -> None:
        failures = going.failures[route.channel] = going.failures.get(route.channel, 0) + 1
        wait = max(trouble.after, min(backoff(failures), LONGEST_REST_SECONDS))
        going.resting.add(route.channel)
        self.outages.begins(route.channel, trouble)
        deliveries.rest(self.database, route.channel, failures, wait)
