"""Logs of the parts, as tests see them."""

import structlog

# As structlog has it, but with plain tracebacks: to draw one with the values of all variables takes two seconds.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)
