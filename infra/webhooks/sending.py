"""Telling subscribers: each gets its facts one after the other, in order, signed as standardwebhooks.com has it.

One process at a time sends, under a lease. A subscription's position is written after each fact that was taken, so a process that is
killed repeats one fact at most, under the same `webhook-id`. What was not taken is tried again after a second, then after three times
as long each time, up to an hour; the facts behind it wait. A subscription that took nothing for so many days is disabled, and so is one
that answers 410; who sees it enables it again, and it goes on where it stopped. A slow receiver holds up no other.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final

import httpx
from standardwebhooks import Webhook

from infra.access.fact_reader import FactReader
from infra.bootstrap import Rapport
from infra.kafka.adopted import Adopted
from infra.notifications.webhook import finished, seconds_of, signed
from infra.operations.logs import logger
from infra.operations.metrics import WEBHOOKS
from infra.operations.process import Process
from infra.store import lease
from infra.webhooks.address import NotAllowed, Target, look_up, networks
from infra.webhooks.subscriptions import Subscription, Subscriptions

LEASE: Final = "webhooks"
LEASE_SECONDS: Final = 30.0
STANDBY_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 2.0
# How soon it looks for others that are due while some are told.
LOOK_SECONDS: Final = 0.5
PAGE: Final = 100
# So many subscribers are told something at a time.
AT_ONCE: Final = 50
FIRST_SECONDS: Final = 1.0
TIMES: Final = 3.0
LONGEST_SECONDS: Final = 3600.0
GONE: Final = 410

log = logger("rapport.webhooks")


class _NotTaken(Exception):
    """The receiver did not take a fact; the message says why, without the URL. `after`: not again before so many seconds."""

    def __init__(self, reason: str, after: float = 0.0, *, gone: bool = False) -> None:
        super().__init__(reason)
        self.after = after
        self.gone = gone


def backoff(failures: int) -> float:
    """Returns how many seconds to wait after this many failures in a row (1 or more)."""
    return min(FIRST_SECONDS * TIMES ** min(failures - 1, 20), LONGEST_SECONDS)


class Sending:
    """One session of sending. Raises `StoreError`; then it is over, and another begins from the store.

    Raises:
        WrongSettings: A setting is wrong.
    """

    at_work = True

    def __init__(self, rapport: Rapport, process: Process) -> None:
        settings = rapport.settings
        self._rapport = rapport
        self._process = process
        self._allowed = networks(settings.webhook_networks)
        self._seconds = settings.notify_seconds
        self._patience = timedelta(days=settings.webhook_days)
        self._subscriptions = Subscriptions(rapport.database, rapport.keys)
        self._adopted = Adopted(rapport.store)
        self._lease: lease.Lease | None = None
        self._kept_at = 0.0
        self._telling: dict[str, asyncio.Task[None]] = {}
        self._runner = asyncio.Runner()
        # Proxies of the environment would be asked to go where this process may not.
        self._client = httpx.AsyncClient(
            timeout=self._seconds, headers={"user-agent": "Rapport"}, trust_env=False, follow_redirects=False
        )

    def turn(self) -> None:
        """Tell what is due; stand by while another process does."""
        if self._lease is None:
            self._lease = lease.take(self._rapport.database, LEASE, LEASE_SECONDS)
        if self._lease is None:
            self._process.stop.wait(STANDBY_SECONDS)
            return
        if monotonic() - self._kept_at > LEASE_SECONDS / 3:
            self._lease.keep(self._lease.position)
            self._kept_at = monotonic()
        head = self._rapport.store.head()
        due = self._subscriptions.due(head)
        if due or self._telling:
            self._runner.run(self._turn(due))
        else:
            self._rapport.store.wait(head, IDLE_SECONDS)

    def finish(self) -> None:
        """End what is under way, and let another take over at once."""
        self._runner.run(self._ended())
        if self._lease is not None:
            self._lease.release()

    def close(self) -> None:
        """Give back the connections; what was under way comes again."""
        try:
            self._runner.run(self._client.aclose())
        finally:
            self._runner.close()

    async def _turn(self, due: Sequence[Subscription]) -> None:
        for each in due:
            if each.id not in self._telling and len(self._telling) < AT_ONCE:
                self._telling[each.id] = asyncio.create_task(self._tell(each))
        done, _ = await asyncio.wait(self._telling.values(), timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        self._telling = {id_: task for id_, task in self._telling.items() if task not in done}
        for task in done:
            task.result()

    async def _ended(self) -> None:
        await asyncio.gather(*self._telling.values())

    async def _tell(self, to: Subscription) -> None:
        """Tell one subscriber what is new, until all is told, something is not taken, or the process stops."""
        secret = await asyncio.to_thread(self._subscriptions.secret, to.id)
        if secret is None:
            await asyncio.to_thread(
                self._subscriptions.disable, to.id, "its secret can't be read: remove it, and subscribe anew"
            )
            return
        signer = Webhook(secret)
        reader = FactReader(self._rapport.store, self._rapport.settings.source, self._adopted, "service", to.programmes)
        position, more = to.position, True
        while more and not self._process.stop.is_set():
            page = await asyncio.to_thread(reader.page, position, PAGE)
            for at, body in page.facts:
                if self._process.stop.is_set():
                    return
                if _wanted(to, body):
                    try:
                        await self._sent(to.url, signer, f"fact_{at}", body.decode())
                    except _NotTaken as reason:
                        await asyncio.to_thread(self._not_taken, to.id, reason)
                        return
                    WEBHOOKS.labels("sent").inc()
                    if not await asyncio.to_thread(self._subscriptions.told, to.id, at, took=True):
                        return
                position = at
            if page.position > to.position:
                await asyncio.to_thread(self._subscriptions.told, to.id, page.position, took=False)
            position, more = page.position, page.more

    async def _sent(self, url: str, signer: Webhook, id_: str, text: str) -> None:
        """Send one fact.

        Raises:
            _NotTaken: It was not taken.
        """
        headers = signed((signer,), id_, datetime.now(UTC), text) | {"content-type": "application/cloudevents+json"}
        try:
            async with asyncio.timeout(self._seconds):
                target = await asyncio.to_thread(look_up, url, self._allowed)
                status, after = await self._posted(target, headers, text)
        except NotAllowed as error:
            raise _NotTaken(str(error)) from None
        except TimeoutError:
            raise _NotTaken(f"there was no answer within {self._seconds:g} s") from None
        except (httpx.HTTPError, OSError) as error:
            raise _NotTaken(f"it can't be reached ({type(error).__name__})") from None
        if not 200 <= status < 300:
            raise _NotTaken(f"it answered {status}", seconds_of(after), gone=status == GONE)

    async def _posted(self, target: Target, headers: dict[str, str], text: str) -> tuple[int, str | None]:
        """Status and Retry-After. The connection goes to the address that was looked at, under the name that was asked for."""
        request = self._client.build_request(
            "POST",
            target.url,
            content=text,
            headers={**headers, "host": target.host},
            extensions={"sni_hostname": target.name},
        )
        answer = await self._client.send(request, stream=True)
        return await finished(answer)

    def _not_taken(self, id_: str, reason: _NotTaken) -> None:
        WEBHOOKS.labels("failed").inc()
        found = self._subscriptions.one(id_)
        if found is None:
            return
        wait = max(reason.after, backoff(found.failures + 1))
        self._subscriptions.failed(id_, str(reason), wait)
        long = found.failing_since is not None and datetime.now(UTC) - found.failing_since > self._patience
        if not (long or reason.gone):
            tell = log.warning if found.failures == 0 else log.debug
            tell("a webhook did not take a fact, and will be told again", id=id_, reason=str(reason))
            return
        WEBHOOKS.labels("disabled").inc()
        why = (
            str(reason)
            if reason.gone
            else f"it took nothing for {self._patience.total_seconds() / 86400:g} days: {reason}"
        )
        self._subscriptions.disable(id_, why)
        log.warning("a webhook is disabled", id=id_, reason=why)


def _wanted(to: Subscription, body: bytes) -> bool:
    """Whether it is one of the types that it asked for."""
    return not to.types or any(f'"type":"{type_}"'.encode() in body for type_ in to.types)
