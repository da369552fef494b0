"""The options that choose among rows: by programme, mentor or band, and how many of them."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from domain.ids import key
from infra.cli.bars import BANDS
from infra.cli.output import USAGE, fail, print_note

if TYPE_CHECKING:
    from infra.store.log import EventStore

ProgrammeOption = Annotated[str | None, typer.Option("--programme", metavar="P", help="Only this programme.")]
MentorOption = Annotated[str | None, typer.Option("--mentor", metavar="ID", help="Only this mentor.")]
BandOption = Annotated[str | None, typer.Option("--band", metavar="BAND", help=f"Only this band: {', '.join(BANDS)}.")]
TopOption = Annotated[int | None, typer.Option("--top", metavar="N", min=1, help="Only so many, the worst first.")]
Row = dict[str, Any]


class Filters(NamedTuple):
    """What rows are wanted; None: all."""

    programme: str | None = None
    mentor: str | None = None
    band: str | None = None
    top: int | None = None

    def checked(self, one: str | None = None) -> "Filters":
        """These filters; a band that does not exist, or filters beside `one` row, end the command with exit code 2."""
        if one is not None and any(value is not None for value in self):
            fail("--programme, --mentor, --band and --top choose among all: leave them or the ID out", USAGE)
        if self.band is not None and self.band not in BANDS:
            fail(f"no band {self.band!r}; there are {', '.join(BANDS)}", USAGE)
        return self

    def note_unknown(self, store: "EventStore") -> None:
        """Say on stderr if nothing in the record names this programme or mentor: the answer is empty for that reason."""
        if self.programme is not None and not store.spellings([key("programme", self.programme)]):
            known = store.named("programme")
            there_are = f"; there are {', '.join(known)}" if known else ""
            print_note(f"nothing names a programme {self.programme!r}: the list is empty for that reason{there_are}")
        if self.mentor is not None and not store.spellings([key("person", self.mentor)]):
            print_note(
                f"nothing names a mentor {self.mentor!r}: the list is empty for that reason; "
                "`rapport explore load --all` lists the mentors"
            )

    def holds(self, programme: str | None, mentor: str | None, *bands: str | None) -> bool:
        """Whether a row of this programme, mentor and band is wanted; one of several bands is enough."""
        return (
            _same(self.programme, programme)
            and _same(self.mentor, mentor)
            and (self.band is None or self.band in bands)
        )

    def first(self, rows: Sequence[Row], badness: Callable[[Row], Any]) -> list[Row]:
        """As many of the rows as are wanted: all as they come, or the worst."""
        return list(rows) if self.top is None else sorted(rows, key=badness)[: self.top]

    def in_words(self) -> str:
        """What was chosen, for a sentence."""
        chosen = [f"{name} {value}" for name, value in self._asdict().items() if value is not None and name != "top"]
        return f" with {' and '.join(chosen)}" if chosen else ""


def _same(wanted: str | None, value: str | None) -> bool:
    """Ids that differ in case alone are the same."""
    return wanted is None or (value is not None and value.lower() == wanted.lower())
