"""Rapport from Python: `Client` and `AsyncClient` speak to a server over HTTP, `open_record` opens a store in this process.

A message is sent again after everything that leaves unknown what became of it (no connection, no answer, 408, 429, 502 to 504): always the
same message under the same id, which Rapport records once. Between attempts the clients wait as `Retry-After` asks, else longer each time.
What the rules refuse is an answer, not an exception: it is in the receipt.

    from rapport import Client

    with Client("https://rapport.example.org", token, source="/services/booking") as rapport:
        receipt = rapport.send("ActivateRelationship", subject=relationship, actor="coordinator:cora")
        assert receipt.accepted, receipt.problems
        state = rapport.relationship(relationship, after=receipt.position)["state"]
"""

import contextlib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, Self, TypeVar
from uuid import uuid4

import httpx
import stamina

if TYPE_CHECKING:
    from infra.bootstrap import Rapport
    from infra.queries.as_at import Moment

__all__ = [
    "AsyncClient",
    "Client",
    "Event",
    "HttpError",
    "Problem",
    "Receipt",
    "Record",
    "Unavailable",
    "message",
    "open_record",
]

# Nobody knows what became of a request that was answered like this, or it was not taken: it may come again.
AGAIN: Final = frozenset({408, 425, 429, 502, 503, 504})
ATTEMPTS: Final = 10
# The longest that one call takes with all its attempts; a server that asks for more patience is not asked again.
PATIENCE_SECONDS: Final = 60.0
TIMEOUT_SECONDS: Final = 30.0
MOST: Final = 1000
MOST_BYTES: Final = 8 * 1024 * 1024
STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
Token = str | Callable[[], str]
Time = date | str | None
Answer = TypeVar("Answer")


# --- what comes back --------------------------------------------------------------------------------------------------
class Problem(NamedTuple):
    """One thing that is wrong: a stable code, the clause where a rule spoke, a sentence for a person, the field."""

    code: str
    clause: str | None
    message: str
    field: str | None


class Event(NamedTuple):
    """What was recorded: `rapport.SessionScheduled`, say, as this version of its subject."""

    type: str
    version: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message. `status` is accepted, duplicate, refused, invalid or conflict.

    `first_status` is what a duplicate was answered first. `position` tells up to where the record had grown: reads take it as `after`.
    """

    source: str | None
    id: str | None
    subject: str | None
    status: str
    events: tuple[Event, ...] = ()
    problems: tuple[Problem, ...] = ()
    first_status: str | None = None
    position: int | None = None

    @property
    def accepted(self) -> bool:
        """Whether the message is recorded, now or when it came first."""
        return "accepted" in {self.status, self.first_status}

    @classmethod
    def read(cls, found: Mapping[str, Any], position: int | None = None) -> Self:
        """The receipt as JSON has it."""
        return cls(
            found["source"],
            found["id"],
            found["subject"],
            found["status"],
            tuple(Event(each["type"], each["version"]) for each in found["events"]),
            _problems(found["problems"]),
            found.get("first_status"),
            position,
        )


def _problems(found: Iterable[Mapping[str, Any]]) -> tuple[Problem, ...]:
    return tuple(Problem(each["code"], each["clause"], each["message"], each["field"]) for each in found)


class HttpError(Exception):
    """The server did not do what was asked, and there is no receipt: no token that holds, nothing of that id, a wrong parameter."""

    def __init__(self, status: int, message: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(status, message, problems)
        self.status = status
        self.problems = problems

    def __str__(self) -> str:
        return f"{self.status}: {self.args[1]}"


class Unavailable(HttpError):
    """The server can't now, and could not after all attempts; `retry_after` is how many seconds it asked to wait, if it did."""

    def __init__(
        self, status: int, message: str, problems: tuple[Problem, ...] = (), retry_after: float | None = None
    ) -> None:
        super().__init__(status, message, problems)
        self.retry_after = retry_after


# --- what is sent -----------------------------------------------------------------------------------------------------
def message(
    command: str,
    *,
    source: str,
    subject: str,
    actor: str,
    data: Mapping[str, Any] | None = None,
    id: str | None = None,  # noqa: A002 - the field's name
    time: datetime | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A message: the command without `rapport.`, when it happened (now, unless said), the attributes of CloudEvents in `more`.

    Without `id` it gets one of its own. Give the id of what caused it and the time at which that happened, and your own repeats are recorded
    once too.

    Raises:
        ValueError: The time has no offset.
    """
    moment = time or datetime.now(UTC)
    if moment.tzinfo is None:
        raise ValueError("time: expected a time with its offset, such as datetime.now(UTC)")
    return {
        "specversion": "1.0",
        "id": id or str(uuid4()),
        "source": source,
        "type": f"rapport.{command}",
        "subject": subject,
        "time": moment.isoformat(),
        "actor": actor,
        "data": dict(data or {}),
        **more,
    }


class _Call(NamedTuple):
    method: str
    path: str
    params: Mapping[str, Any]
    content: bytes | None = None
    content_type: str | None = None


def _post(content: bytes, content_type: str) -> _Call:
    return _Call("POST", "/v1/messages", {}, content, content_type)


def _batches(messages: Iterable[Mapping[str, Any]]) -> Iterator[_Call]:
    """The messages in batches that a server takes."""
    batch: list[bytes] = []
    size = 0
    for each in messages:
        body = json.dumps(each).encode()
        if batch and (len(batch) == MOST or size + len(body) > MOST_BYTES):
            yield _post(b"[" + b",".join(batch) + b"]", BATCH)
            batch, size = [], 0
        batch.append(body)
        size += len(body)
    if batch:
        yield _post(b"[" + b",".join(batch) + b"]", BATCH)


def _given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The query parameters that are given. `from_` stands for `from`, which Python keeps for itself."""
    return {
        name.rstrip("_"): each.isoformat() if isinstance(each, datetime) else each
        for name, each in parameters.items()
        if each is not None
    }


def _receipt(answer: httpx.Response) -> Receipt:
    found = answer.json()
    return Receipt.read(found if answer.is_success else found["receipt"], _position(answer))


def _receipts(answer: httpx.Response) -> list[Receipt]:
    return [Receipt.read(each, _position(answer)) for each in answer.json()]


def _position(answer: httpx.Response) -> int | None:
    given = answer.headers.get("rapport-position")
    return None if given is None else int(given)


def _checked(answer: httpx.Response) -> httpx.Response:
    """An answer that is one.

    Raises:
        HttpError: It is none, and has no receipt.
    """
    if answer.is_success:
        return answer
    try:
        found = answer.json()
    except ValueError:
        found = None
    told = found if isinstance(found, dict) else {}
    if "receipt" in told and answer.status_code not in AGAIN:
        return answer
    detail = str(told.get("detail") or answer.reason_phrase)
    problems = _problems(told.get("problems", ()))
    if answer.status_code in AGAIN:
        raise Unavailable(answer.status_code, detail, problems, _seconds(answer.headers.get("retry-after")))
    raise HttpError(answer.status_code, detail, problems)


def _seconds(retry_after: str | None) -> float | None:
    """How many seconds `Retry-After` asks to wait, as a number or as a day and time; None where it says nothing."""
    if retry_after is None:
        return None
    with contextlib.suppress(ValueError):
        return max(float(retry_after), 0.0)
    with contextlib.suppress(ValueError):
        return max((parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds(), 0.0)
    return None


def _may_come_again(error: Exception) -> bool | float:
    """Whether to try once more, or after how many seconds."""
    if isinstance(error, Unavailable):
        if error.retry_after is None:
            return True
        return error.retry_after <= PATIENCE_SECONDS and error.retry_after
    # What can't be sent at all is no better the next time.
    return isinstance(error, httpx.TransportError) and not isinstance(
        error, httpx.UnsupportedProtocol | httpx.LocalProtocolError
    )


def _attempts() -> Any:
    return stamina.retry_context(on=_may_come_again, attempts=ATTEMPTS, timeout=PATIENCE_SECONDS)


# --- the clients ------------------------------------------------------------------------------------------------------
class _Calls(Generic[Answer]):
    """The reads that both clients have. Every one takes `after`, and those about one subject what their call takes."""

    def __init__(self, token: Token, role: str | None, source: str) -> None:
        self._token = token
        self._role = role
        self.source = source

    def get(self, path: str, **parameters: Any) -> Answer:
        """Any read by its path below the server's address, as JSON."""
        raise NotImplementedError

    def relationship(self, subject: str, **parameters: Any) -> Answer:
        """A relationship: `as_of`, `known_at`, `version`, `after`, `reveal`."""
        return self.get(f"/v1/relationships/{subject}", **parameters)

    def history(self, subject: str, **parameters: Any) -> Answer:
        """Its events in order, in `items`."""
        return self.get(f"/v1/relationships/{subject}/history", **parameters)

    def health(self, subject: str, **parameters: Any) -> Answer:
        """Its commitment health: `as_of`, `known_at`, `after`."""
        return self.get(f"/v1/relationships/{subject}/health", **parameters)

    def decisions(self, subject: str, **parameters: Any) -> Answer:
        """What workers decided about it, in `items`."""
        return self.get(f"/v1/relationships/{subject}/decisions", **parameters)

    def can_share(self, subject: str, data_class: str, **parameters: Any) -> Answer:
        """Whether `to` (role:id, or public) may see a class of its data: allowed, clause, why."""
        return self.get(f"/v1/relationships/{subject}/can-share", data_class=data_class, **parameters)

    def me(self) -> Answer:
        """Who the caller is to Rapport, and the relationships that name them."""
        return self.get("/v1/me")

    def _headers(self, call: _Call) -> dict[str, str]:
        token = self._token if isinstance(self._token, str) else self._token()
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        if self._role is not None:
            headers["rapport-role"] = self._role
        if call.content_type is not None:
            headers["content-type"] = call.content_type
        return headers

    def _message(self, command: str, fields: Mapping[str, Any]) -> _Call:
        sent = message(command, **{"source": self.source, **fields})
        return _post(json.dumps(sent).encode(), STRUCTURED)


class Client(_Calls[Any]):
    """A server, from code without asyncio. Threads may share it.

    `token` is the bearer token, or a function that gives the present one; `role` is for tokens with several. `source` names the sender
    in its messages. `options` are those of httpx, such as `timeout` and `verify`.
    """

    def __init__(
        self, url: str, token: Token, *, source: str = "/rapport-client", role: str | None = None, **options: Any
    ) -> None:
        super().__init__(token, role, source)
        self._http = httpx.Client(**{"base_url": url, "timeout": TIMEOUT_SECONDS, **options})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, command: str, **fields: Any) -> Receipt:
        """The receipt of a command; `fields` are those of `message`.

        Raises:
            HttpError: The server did not take it.
            httpx.TransportError: The server can't be reached; the message may be sent again under its id.
        """
        return _receipt(self._answer(self._message(command, fields)))

    def send_all(self, messages: Iterable[Mapping[str, Any]]) -> list[Receipt]:
        """The receipts of messages (`message`), in order, sent in batches. Raises what `send` raises; all may be sent again."""
        return [receipt for call in _batches(messages) for receipt in _receipts(self._answer(call))]

    def get(self, path: str, **parameters: Any) -> Any:
        return self._answer(_Call("GET", path, _given(parameters))).json()

    def each(self, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """All items of a list, page by page: /v1/relationships, /v1/health, /v1/tasks."""
        cursor: str | None = None
        while True:
            page = self.get(path, **parameters, cursor=cursor)
            yield from page["items"]
            if (cursor := page["next"]) is None:
                return

    def facts(self, after: int = 0, *, wait: float = 20.0, follow: bool = True) -> Iterator[dict[str, Any]]:
        """Operational facts after a position, in order, each with its `position`; without `follow` those that there are by now."""
        while True:
            page = self.get("/v1/events", after=after, wait=wait if follow else 0, limit=MOST)
            yield from page["items"]
            if not follow and not page["items"]:
                return
            after = page["next"]

    def _answer(self, call: _Call) -> httpx.Response:
        for attempt in _attempts():
            with attempt:
                return _checked(
                    self._http.request(
                        call.method, call.path, params=call.params, content=call.content, headers=self._headers(call)
                    )
                )
        raise AssertionError("the last attempt raises")


class AsyncClient(_Calls[Awaitable[Any]]):
    """The same for asyncio: every call is awaited, lists and facts are read with `async for`. Tasks may share it."""

    def __init__(
        self, url: str, token: Token, *, source: str = "/rapport-client", role: str | None = None, **options: Any
    ) -> None:
        super().__init__(token, role, source)
        self._http = httpx.AsyncClient(**{"base_url": url, "timeout": TIMEOUT_SECONDS, **options})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, command: str, **fields: Any) -> Receipt:
        """The receipt of a command; see `Client.send`."""
        return _receipt(await self._answer(self._message(command, fields)))

    async def send_all(self, messages: Iterable[Mapping[str, Any]]) -> list[Receipt]:
        """The receipts of messages, in order; see `Client.send_all`."""
        return [receipt for call in _batches(messages) for receipt in _receipts(await self._answer(call))]

    async def get(self, path: str, **parameters: Any) -> Any:
        return (await self._answer(_Call("GET", path, _given(parameters)))).json()

    async def each(self, path: str, **parameters: Any) -> AsyncIterator[dict[str, Any]]:
        """All items of a list, page by page; see `Client.each`."""
        cursor: str | None = None
        while True:
            page = await self.get(path, **parameters, cursor=cursor)
            for item in page["items"]:
                yield item
            if (cursor := page["next"]) is None:
                return

    async def facts(self, after: int = 0, *, wait: float = 20.0, follow: bool = True) -> AsyncIterator[dict[str, Any]]:
        """Operational facts after a position, in order; see `Client.facts`."""
        while True:
            page = await self.get("/v1/events", after=after, wait=wait if follow else 0, limit=MOST)
            for fact in page["items"]:
                yield fact
            if not follow and not page["items"]:
                return
            after = page["next"]

    async def _answer(self, call: _Call) -> httpx.Response:
        async for attempt in _attempts():
            with attempt:
                return _checked(
                    await self._http.request(
                        call.method, call.path, params=call.params, content=call.content, headers=self._headers(call)
                    )
                )
        raise AssertionError("the last attempt raises")


# --- a store in this process ------------------------------------------------------------------------------------------
def _moment(last: int, as_of: Time, known_at: Time, version: int | None) -> "Moment":
    """The moment that is asked about; `last` is the version of the subject's last event, 0 where there is none.

    Raises:
        ValueError: A time has no offset or is none, or there is no such version.
    """
    from infra.queries.as_at import Moment

    if version is not None and last and version not in range(1, last + 1):
        raise ValueError(f"version: there is no version {version!r}; the last one is {last}")
    return Moment(_asked("as_of", as_of), _asked("known_at", known_at), version)


def _asked(field: str, time: Time) -> datetime | None:
    """A time that is asked about: a `datetime` with its offset, a day, which stands for its end in UTC, or either as a text."""
    from infra.queries.asked_time import asked_time

    if time is None:
        return None
    try:
        return asked_time(time.isoformat() if isinstance(time, date) else str(time))
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None


class Record:
    """An open store. It is read as its operator reads it, words sealed; threads may share it."""

    def __init__(self, rapport: "Rapport", source: str) -> None:
        self._rapport = rapport
        self.source = source

    def send(self, command: str, **fields: Any) -> Receipt:
        """The receipt of a command; `fields` are those of `message`.

        Raises:
            infra.store.errors.StoreError: The store can't commit; the message may be sent again under its id.
        """
        (receipt,) = self.send_all([message(command, **{"source": self.source, **fields})])
        return receipt

    def send_all(self, messages: Iterable[Mapping[str, Any]]) -> list[Receipt]:
        """The receipts of messages, in order, committed together."""
        handler = self._rapport.handler
        found = handler.handle([json.dumps(each).encode() for each in messages])
        return [Receipt.read(each.to_dict(), handler.position) for each in found]

    def relationship(
        self, subject: str, *, as_of: Time = None, known_at: Time = None, version: int | None = None
    ) -> dict[str, Any] | None:
        """A relationship as `rapport show` has it, times as `datetime`; None where there is none, or was none by then.

        Raises:
            ValueError: A time has no offset or is none, or there is no such version.
        """
        from infra.queries.subject import health_and_tasks, show_subject

        store, now = self._rapport.store, self._rapport.clock.now()
        moment = _moment(store.heads([subject.lower()])[subject.lower()].version, as_of, known_at, version)
        shown = show_subject(store, subject.lower(), moment, now)
        return shown and shown | health_and_tasks(store, subject.lower(), moment, now)

    def history(
        self, subject: str, *, as_of: Time = None, known_at: Time = None, version: int | None = None
    ) -> list[dict[str, Any]]:
        """The events of a relationship in order, as `rapport history` has them, times as `datetime`. Raises what `relationship` raises."""
        from infra.queries.history import history

        store = self._rapport.store
        moment = _moment(store.heads([subject.lower()])[subject.lower()].version, as_of, known_at, version)
        return history(store, subject.lower(), moment)

    def tasks(
        self, *, owner: str | None = None, programme: str | None = None, kind: str | None = None
    ) -> list[dict[str, Any]]:
        """The open tasks, those due first at the top."""
        from infra.queries.tasks import Chosen, open_tasks

        return open_tasks(self._rapport.database, Chosen(owner, programme, kind))

    def work(self) -> None:
        """Let the workers do all that is due by now. Notifications wait for `rapport work` or `serve`."""
        from threading import Event as Flag

        from infra.worker_runtime.horizon import Horizon
        from infra.worker_runtime.loop import work_off
        from infra.worker_runtime.runner import Runner

        horizon = Horizon(self._rapport.clock, None)
        work_off(Runner(self._rapport.store, self._rapport.handler, horizon), Flag())


@contextmanager
def open_record(store: str | None = None, *, source: str = "/rapport-record", **settings: Any) -> Iterator[Record]:
    """Open a store (`sqlite:///FILE` or `postgresql://…`) for the block, making it where it is missing.

    `settings` are those of `RAPPORT_…`, in lower case; what is not given comes from the environment.

    Raises:
        infra.settings.WrongSettings: A setting is wrong.
        infra.store.errors.StoreError: The store can't be used, or its keys do not fit.
    """
    if "infra" not in sys.modules:
        from rapport_command import take_our_packages

        take_our_packages()
    from infra.bootstrap import open_rapport
    from infra.settings import load

    given = settings if store is None else {**settings, "store": store}
    with open_rapport(load(**given)) as rapport:
        yield Record(rapport, source)
