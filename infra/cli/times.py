"""Options that ask about another time: as it had happened (`--as-of`) and as it was known (`--known-at`)."""

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


AsOf = Annotated[
    datetime | None,
    typer.Option(parser=aware_time, metavar="TIME", help="As it was by then: what had occurred by this time."),
]
KnownAt = Annotated[
    datetime | None,
    typer.Option(parser=aware_time, metavar="TIME", help="As it was known then: what had been recorded by this time."),
]
