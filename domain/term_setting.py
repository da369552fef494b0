"""What a document says a term shall be: the commands and events that a programme and a single relationship share.

Highest document first (pentalog.prevalence); within one document the relationship's own setting wins.
"""

from typing import Annotated

from pydantic import Field, PlainSerializer

from domain.model import Command, Event, Holds, Label
from domain.terms import plain
from domain.words import Document

DocumentName = Annotated[Document, Holds("operational")]
TermValue = Annotated[
    float, Field(allow_inf_nan=False), PlainSerializer(plain, return_type=int | float), Holds("operational")
]


class SetTerm(Command):
    """One document sets one term, in the term's own unit; it counts from the time of the message (pentalog.prevalence)."""

    document: DocumentName
    term: Label
    value: TermValue


class WithdrawTerm(Command):
    """A document no longer sets a term, from the time of the message on."""

    document: DocumentName
    term: Label


class TermSet(Event):
    """A document set a term; `resolved` is what the term came to at that time, by the word of `winner`, over `overruled`."""

    document: DocumentName
    term: Label
    value: TermValue
    resolved: TermValue
    winner: DocumentName
    overruled: Annotated[tuple[Document, ...], Holds("operational")] = ()


class TermWithdrawn(Event):
    """A document's setting of a term ended; `resolved` is what the term came to then, `winner` absent for the default."""

    document: DocumentName
    term: Label
    resolved: TermValue
    winner: Annotated[Document | None, Holds("operational")] = None
    overruled: Annotated[tuple[Document, ...], Holds("operational")] = ()
