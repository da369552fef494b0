"""Times on the command line: as they are shown, and the options that ask about another one.

`--as-of` asks how it was by then, as it had happened; `--known-at` how it was known then.
"""

from datetime import datetime
from typing import Annotated

import typer

from infra.queries.asked_time import asked_time


def aware_time(text: str) -> datetime:
    """A time with its offset, in UTC; a wrong one ends the command with exit code 2."""
    try:
        return asked_time(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time: {error}") from None


def shown_time(value: datetime | None) -> str:
    """A time for a person, to the minute in UTC; nothing where there is none."""
    return f"{value:%Y-%m-%d %H:%M}Z" if value else ""


def shown_minute(text: str) -> str:
    """The same for a time in UTC that is kept as a text."""
    return f"{text[:10]} {text[11:16]}Z" if text else ""


AsOf = Annotated[
    datetime | None,
    typer.Option(parser=aware_time, metavar="TIME", help="As it was by then: what had occurred by this time (or day)."),
]
KnownAt = Annotated[
    datetime | None,
    typer.Option(
        parser=aware_time, metavar="TIME", help="As it was known then: what had been recorded by this time (or day)."
    ),
]
