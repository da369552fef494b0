"""Times on the command line: as they are shown, and the options that ask about another one.

`--as-of` asks how it was by then, as it had happened; `--known-at` how it was known then.
"""

from datetime import UTC, datetime
from typing import Annotated

import typer


def aware_time(text: str) -> datetime:
    """A time with its offset, in UTC; a wrong one ends the command with exit code 2."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time: expected one such as 2026-03-02T09:00:00Z") from None
    if time.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no offset: expected one such as 2026-03-02T09:00:00Z")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise typer.BadParameter(f"{text!r} is out of range") from None


def shown_time(value: datetime | None) -> str:
    """A time for a person, to the minute in UTC; nothing where there is none."""
    return f"{value:%Y-%m-%d %H:%M}Z" if value else ""


AsOf = Annotated[
    datetime | None,
    typer.Option(parser=aware_time, metavar="TIME", help="As it was by then: what had occurred by this time."),
]
KnownAt = Annotated[
    datetime | None,
    typer.Option(parser=aware_time, metavar="TIME", help="As it was known then: what had been recorded by this time."),
]
