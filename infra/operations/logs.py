"""Logs, set up in one place: one JSON object a line on stderr, or text for a person at a terminal.

Everything that logs goes through here, the libraries' loggers too. A line has `time`, `level`, `app`, `logger`, `event`, and
`trace_id` where a trace is under way. Log lines hold ids, counts and positions, never what people wrote.
"""

import logging
import re
import sys
from typing import Final, Literal, TextIO

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

from infra.visible_text import visible, visible_lines

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["json", "text"]

# Libraries that report on every connection and rebalance; what they warn of is still shown.
QUIET: Final = ("kafka", "asyncio", "opentelemetry", "httpx", "httpcore", "uvicorn")
# Repeats every second that a broker is away what our own line says once, with the reason.
SILENT: Final = ("kafka.net", "kafka.producer", "kafka.coordinator.heartbeat")
# And so do these words in lines of its other loggers, whose other warnings are worth reading. "Transport closed" is a
# client of ours that is being closed while it asks the broker for metadata.
OUTAGE: Final = re.compile(
    "KafkaConnectionError|KafkaTimeoutError|RequestTimedOut|NotReady|No node available|coordinator dead|NotCoordinator|"
    "CoordinatorNotAvailable|CoordinatorLoadInProgress|Disconnect|Cancelled|Transport closed"
)

SELDOM_SECONDS: Final = 30.0
SELDOM_MOST: Final = 1000


def configure(app: str, level: Level = "info", form: Format | None = None) -> None:
    """Send all logs of this process to stderr in one form; `form` defaults to text on a terminal and to JSON elsewhere."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _trace,
    ]
    form = form or ("text" if sys.stderr.isatty() else "json")
    rendering: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
        if form == "json"
        else [
            _shown,
            structlog.dev.ConsoleRenderer(
                timestamp_key="time", exception_formatter=structlog.dev.plain_traceback, colors=False
            ),
        ]
    )
    handler = _Handler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _named(app), *rendering],
        )
    )
    if level != "debug":
        handler.addFilter(_Seldom())
    logging.captureWarnings(capture=True)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in SILENT:
        # Even to those who debug, never more than warnings: on lower levels they quote whole messages and passwords.
        logging.getLogger(name).setLevel(logging.CRITICAL if root.level > logging.DEBUG else logging.WARNING)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger; its first argument is the sentence, keywords are the facts."""
    found: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return found


class _Seldom(logging.Filter):
    """Lets what a library of Kafka says through once in a while: it repeats some of it ten times a second while a topic is missing.

    What it says about an outage is left to `outages`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("kafka"):
            return True
        said = record.name, record.getMessage()
        if OUTAGE.search(said[1]):
            return False
        if record.created - self._last.get(said, -SELDOM_SECONDS) < SELDOM_SECONDS:
            return False
        if len(self._last) > SELDOM_MOST:
            self._last.clear()
        self._last[said] = record.created
        return True


def _named(app: str) -> Processor:
    def name(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["app"] = app
        return event

    return name


def _shown(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A line stays a line, and nothing in it is obeyed by a terminal; a traceback keeps its lines."""
    for name, value in event.items():
        if name not in {"exception", "exc_info", "stack"} and not isinstance(value, int | float | bool | None):
            event[name] = visible(str(value))
    return event


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to what standard error is now, and escapes what a traceback quotes."""

    def format(self, record: logging.LogRecord) -> str:
        return visible_lines(super().format(record), getattr(self.stream, "encoding", None) or "utf-8")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging calls it so
        """Standard error takes nothing: a log line is no reason to stop."""


def _trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = format(context.trace_id, "032x")
    return event
