"""What tests of the parts do again and again, done once."""

from functools import cache

import structlog
import typer.testing
from typer.main import get_command

import infra.cli.app
import infra.codes.trace
from infra.codes.marks import find_tests

# As structlog has it, but with plain tracebacks: to draw one with the values of all variables takes two seconds.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)
# To build the whole command line takes as long as most answers of a command that a test calls in its own process.
infra.cli.app.build = cache(infra.cli.app.build)
typer.testing._get_command = cache(get_command)  # type: ignore[attr-defined]
# The tests that name clauses are those of this folder, which is not written to meanwhile.
infra.codes.trace.find_tests = cache(find_tests)  # type: ignore[attr-defined]
