"""What every request passes on its way in and out: one log line, numbers, headers for safety.

A line names the route's template, never the path or the query: those can hold ids and words.
"""

import time
from functools import lru_cache
from typing import Any, Final

from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.stdlib import BoundLogger

from infra.http.bodies import arriving
from infra.http.problems import answer_to_mistake, answer_to_one_too_many
from infra.http.trace import RequestSpan, trace_of
from infra.operations.logs import logger
from infra.operations.metrics import HTTP_OPEN, HTTP_REQUESTS, HTTP_SECONDS

# A path that is no route has no template, and a stranger's text has no place in a log or a metric.
NO_ROUTE: Final = "none"
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# As they go over the wire.
SAFE: Final = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
YEAR_SECONDS: Final = 31_536_000
SAFE_OVER_TLS: Final = (*SAFE, (b"strict-transport-security", b"max-age=%d" % YEAR_SECONDS))
MOST_OPEN: Final = 2000
# Each route, method and status has numbers of its own; so many are found without a search.
MOST_NUMBERS: Final = 1000

log = logger("rapport.access")


class Edge:
    """The outermost layer of the app. More than `most_open` requests at a time are turned away: they would wait for too long."""

    def __init__(self, app: ASGIApp, most_open: int = MOST_OPEN) -> None:
        self.app = app
        self.most_open = most_open
        self._open = 0
        # Bound once: a logger that is found anew for each line costs as much as the line.
        self._log = log.bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        passage = _Passage(scope, send)
        receive = arriving(scope, receive)
        scope = passage.scope
        self._open += 1
        HTTP_OPEN.set(self._open)
        try:
            if self._open > self.most_open:
                await answer_to_one_too_many()(scope, receive, passage.send)
                return
            await self.app(scope, receive, passage.send)
        except ClientDisconnect:
            # Nobody is there for an answer, and of what did not come whole nothing is recorded.
            pass
        except Exception as error:  # noqa: BLE001 - a mistake of ours; the caller gets an answer if it is not too late
            if not passage.status:
                await answer_to_mistake(error)(scope, receive, passage.send)
        finally:
            self._open -= 1
            HTTP_OPEN.set(self._open)
            passage.end(self._log)


class _Passage:
    """One request and its answer. HEAD is answered as GET is, without the body: `scope` is that of the GET."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._method = scope["method"] if scope["method"] in METHODS else "other"
        self.scope = scope if self._method != "HEAD" else {**scope, "method": "GET"}
        self.status = 0
        self.sent = 0
        self._send = send
        self._began = time.perf_counter()
        self._span = RequestSpan(self.scope)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message["headers"]
            given = {name for name, _ in headers}
            safe = SAFE_OVER_TLS if self.scope["scheme"] == "https" else SAFE
            message["headers"] = [*headers, *(each for each in safe if each[0] not in given)]
        elif message["type"] == "http.response.body":
            if self._method == "HEAD":
                await self._send({"type": "http.response.body"})
                if message.get("more_body"):
                    # A stream may have no end, and nobody is there for it.
                    raise ClientDisconnect
                return
            self.sent += len(message.get("body", b""))
        await self._send(message)

    def end(self, log: BoundLogger) -> None:
        """Count and log the request. Without an answer the client has gone before there was one."""
        seconds = time.perf_counter() - self._began
        method, route = self._method, template(self.scope)
        self._span.end(method, route, self.status)
        requests, duration = _numbers(method, route, self.status)
        requests.inc()
        duration.observe(seconds)
        facts: dict[str, Any] = {
            "method": method,
            "route": route,
            "status": self.status,
            "ms": round(seconds * 1000, 1),
            "bytes": self.sent,
        }
        if (caller := self.scope.get("rapport.caller")) is not None:
            facts["caller"] = caller
        if traceparent := trace_of(self.scope):
            facts["trace_id"] = traceparent.split("-")[1]
        log.info("answered" if self.status else "gone", **facts)


@lru_cache(MOST_NUMBERS)
def _numbers(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return HTTP_REQUESTS.labels(method, route, status), HTTP_SECONDS.labels(method, route)


def template(scope: Scope) -> str:
    """The path of the route as it is declared."""
    route = scope.get("route")
    return getattr(route, "path", NO_ROUTE) if route is not None else NO_ROUTE
