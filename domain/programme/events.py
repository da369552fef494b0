"""What happened to a programme: facts in the past tense, a storage format."""

from typing import Annotated

from domain.model import Event, Holds, Name, Vocabulary
from domain.programme.commands import CodeName, ProgrammeName
from domain.term_setting import TermSet as TermSet  # noqa: PLC0414 - one of this vocabulary too
from domain.term_setting import TermWithdrawn as TermWithdrawn  # noqa: PLC0414 - one of this vocabulary too


class ProgrammeCreated(Event):
    """A programme was set up."""

    name: ProgrammeName
    timezone: Annotated[Name, Vocabulary("time zones"), Holds("operational")]


class CodeAdopted(Event):
    """The programme adopted a code."""

    code: CodeName


ProgrammeEvent = ProgrammeCreated | CodeAdopted | TermSet | TermWithdrawn
