"""Trace context, carried from the message to its events and on to what is published, in W3C's `traceparent`.

Without an exporter nothing is measured and the context is passed on as it came. With one (`OTEL_TRACES_EXPORTER` names an
entry point of `opentelemetry_traces_exporter`, such as `console` or the `otlp` of opentelemetry-exporter-otlp) each message
gets a span, and its events carry that span's context.
"""

import os
import re
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Final

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

EXPORTER: Final = "OTEL_TRACES_EXPORTER"
_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_STATUS_ERROR: Final = trace.Status(trace.StatusCode.ERROR)


class UnknownExporter(Exception):
    """`OTEL_TRACES_EXPORTER` names none that is installed."""


class Tracing:
    """Makes spans when there is somewhere to send them."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled
        self._tracer = trace.get_tracer("rapport")

    def begin(
        self, name: str, kind: SpanKind, parent: str | None, attributes: Mapping[str, str | int]
    ) -> tuple[Span | None, str | None]:
        """A span that has begun, and the `traceparent` to pass on: the span's, or the parent's without an exporter."""
        if not self.enabled:
            return None, parent
        context = _PROPAGATOR.extract({"traceparent": parent} if parent else {})
        span = self._tracer.start_span(name, context, kind, dict(attributes))
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, trace.set_span_in_context(span))
        return span, carrier.get("traceparent", parent)

    def end(self, span: Span | None, *, failed: bool = False) -> None:
        """The span is over."""
        if span is not None:
            if failed:
                span.set_status(_STATUS_ERROR)
            span.end()


def configure(app: str) -> Tracing:
    """Returns tracing as the environment configures it.

    Raises:
        UnknownExporter: The environment names an exporter that is not installed.
    """
    name = os.environ.get(EXPORTER, "none").strip()
    if name in {"", "none"}:
        return Tracing(enabled=False)
    found = list(entry_points(group="opentelemetry_traces_exporter", name=name))
    if not found:
        raise UnknownExporter(f"{EXPORTER}={name}: no such exporter is installed")
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": f"rapport-{app}"}))
    provider.add_span_processor(BatchSpanProcessor(found[0].load()()))
    trace.set_tracer_provider(provider)
    return Tracing(enabled=True)


def shut_down() -> None:
    """Send what is left to the exporter."""
    stop = getattr(trace.get_tracer_provider(), "shutdown", None)
    if stop is not None:
        stop()


def valid(traceparent: str | None) -> str | None:
    """The `traceparent` if it is one, else None."""
    return traceparent if traceparent is not None and _TRACEPARENT.fullmatch(traceparent) else None
