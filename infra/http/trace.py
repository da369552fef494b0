"""The span of a request: part of the trace that its `traceparent` names, and what its messages and their facts continue."""

from typing import Any, Final

from opentelemetry.trace import SpanKind
from starlette.datastructures import Headers
from starlette.types import Scope

from infra.operations.process import Process
from infra.operations.tracing import valid

TRACEPARENT: Final = "rapport.traceparent"
LEAST_FAILURE: Final = 500


class RequestSpan:
    """One request's span. Without an exporter it costs a look, and the context is passed on as it came."""

    def __init__(self, scope: Scope) -> None:
        process: Process | None = getattr(scope["app"].state, "process", None) if "app" in scope else None
        self._tracing = process.tracing if process is not None and process.tracing.enabled else None
        self._span: Any = None
        if self._tracing is not None:
            facts: dict[str, str | int] = {"http.request.method": scope["method"]}
            given = valid(Headers(scope=scope).get("traceparent"))
            self._span, scope[TRACEPARENT] = self._tracing.begin(scope["method"], SpanKind.SERVER, given, facts)

    def end(self, method: str, route: str, status: int) -> None:
        """The request is answered; a path that is no route has no place in a name."""
        if self._tracing is not None:
            self._span.update_name(f"{method} {route}")
            self._span.set_attributes({"http.route": route, "http.response.status_code": status})
            self._tracing.end(self._span, failed=status == 0 or status >= LEAST_FAILURE)


def trace_of(scope: Scope) -> str | None:
    """The context that what comes of a request continues: its span's, or the one that it came with."""
    return scope[TRACEPARENT] if TRACEPARENT in scope else valid(Headers(scope=scope).get("traceparent"))
