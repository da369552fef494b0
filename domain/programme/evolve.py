"""How a programme's events change what is known of it. History is never refused."""

from typing import assert_never

from domain.model import Recorded
from domain.programme.events import CodeAdopted, ProgrammeCreated, ProgrammeEvent, TermSet, TermWithdrawn
from domain.programme.state import UNKNOWN, Programme
from domain.term_setting import dated


def evolve(state: Programme | None, recorded: Recorded[ProgrammeEvent]) -> Programme:
    """The programme after one more event."""
    programme = state or UNKNOWN.but(programme_id=recorded.subject.partition(":")[2])
    event = recorded.data
    match event:
        case ProgrammeCreated():
            changed = programme.but(created=True, name=event.name, timezone=event.timezone)
        case CodeAdopted():
            changed = programme.but(adopted=(*programme.adopted, (recorded.occurred_at, event.code)))
        case TermSet() | TermWithdrawn():
            changed = programme.but(terms=programme.terms.with_setting(dated(event, recorded.occurred_at)))
        case _:
            assert_never(event)
    return changed.but(version=recorded.version)
