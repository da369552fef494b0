"""What happened to a programme: facts in the past tense, a storage format."""

from domain.model import Event, Label
from domain.programme.commands import CodeName, ProgrammeName
from domain.term_setting import TermSet as TermSet  # noqa: PLC0414 - one of this vocabulary too
from domain.term_setting import TermWithdrawn as TermWithdrawn  # noqa: PLC0414 - one of this vocabulary too


class ProgrammeCreated(Event):
    """A programme was set up."""

    name: ProgrammeName
    timezone: Label


class CodeAdopted(Event):
    """The programme adopted a code."""

    code: CodeName


ProgrammeEvent = ProgrammeCreated | CodeAdopted | TermSet | TermWithdrawn
