"""What happened to a programme: facts in the past tense, a storage format."""

from typing import Annotated

from domain.model import Event, Holds, Label
from domain.programme.commands import CodeName, ProgrammeName, TermValue
from domain.relationship.fields import DocumentName
from domain.words import Document


class ProgrammeCreated(Event):
    """A programme was set up."""

    name: ProgrammeName
    timezone: Label


class CodeAdopted(Event):
    """The programme adopted a code."""

    code: CodeName


class TermSet(Event):
    """A document set a term; `resolved` is what the term came to at that time, by the word of `winner`, over `overruled`."""

    document: DocumentName
    term: Label
    value: TermValue
    resolved: TermValue
    winner: DocumentName
    overruled: Annotated[tuple[Document, ...], Holds("operational")] = ()


ProgrammeEvent = ProgrammeCreated | CodeAdopted | TermSet
