"""What a document says a term shall be: commands, events and decisions that a programme and a single relationship share.

Highest document first (pentalog.prevalence); within one document the relationship's own setting wins. A term is checked
against its vocabulary and its range, and against the whole that the documents make together: the thresholds of the bands
must stay in order at every time for which settings are recorded.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from pydantic import Field, PlainSerializer

from domain.codes.implements import implements
from domain.model import Command, Context, Event, Holds, Name, TermSetting, TermWithdrawal, Vocabulary
from domain.problem import Problem
from domain.terms import (
    BANDS,
    TERMS,
    DatedSetting,
    TermTimeline,
    order_problem,
    plain,
    resolve,
    unknown_term,
    value_problem,
)
from domain.words import Document

DocumentName = Annotated[Document, Holds("operational")]
TermName = Annotated[Name, Vocabulary("terms"), Holds("operational")]
TermValue = Annotated[
    float, Field(allow_inf_nan=False), PlainSerializer(plain, return_type=int | float), Holds("operational")
]


class SetTerm(Command):
    """One document sets one term, in the term's own unit; it counts from the time of the message (pentalog.prevalence)."""

    document: DocumentName
    term: TermName
    value: TermValue


class WithdrawTerm(Command):
    """A document no longer sets a term, from the time of the message on."""

    document: DocumentName
    term: TermName


class TermSet(Event):
    """A document set a term; `resolved` is what the term came to at that time, by the word of `winner`, over `overruled`."""

    document: DocumentName
    term: TermName
    value: TermValue
    resolved: TermValue
    winner: DocumentName
    overruled: Annotated[tuple[Document, ...], Holds("operational")] = ()


class TermWithdrawn(Event):
    """A document's setting of a term ended; `resolved` is what the term came to then, `winner` absent for the default."""

    document: DocumentName
    term: TermName
    resolved: TermValue
    winner: Annotated[Document | None, Holds("operational")] = None
    overruled: Annotated[tuple[Document, ...], Holds("operational")] = ()


# --- decisions -----------------------------------------------------------------------------------------------------
def dated(of: SetTerm | TermSet | WithdrawTerm | TermWithdrawn, at: datetime, *, own: bool = False) -> DatedSetting:
    """The setting, or the withdrawal of one, that a command asks for or an event records."""
    if isinstance(of, SetTerm | TermSet):
        return DatedSetting(at, TermSetting(document=of.document, term=of.term, value=of.value), own)
    return DatedSetting(at, TermWithdrawal(document=of.document, term=of.term), own)


def term_problems(
    terms: TermTimeline,
    command: SetTerm | WithdrawTerm,
    context: Context,
    *,
    own: bool = False,
    clause: str | None = "pentalog.prevalence",
) -> Iterator[Problem]:
    """The term must exist, its value be in range, the bands stay in order; only what is set can be withdrawn.

    `own` for a relationship's own settings; `terms` holds the programme's too. `clause` is cited where the ranks of the
    documents speak.
    """
    if command.term not in TERMS:
        yield unknown_term(command.term)
        return
    if isinstance(command, WithdrawTerm):
        if not _is_set(terms, command, context, own):
            whose = "for this relationship" if own else "for this programme"
            message = f"{command.document} sets no {command.term} {whose} that could be withdrawn"
            yield Problem("nothing_open", message, clause, "data.term")
            return
    elif problem := value_problem(command.term, command.value):
        yield problem
        return
    if command.term in BANDS:
        yield from _band_problems(terms, command, context, own, clause)


def _is_set(terms: TermTimeline, command: WithdrawTerm, context: Context, own: bool) -> bool:
    """Whether the document's own setting is in force; one of the programme can't be withdrawn for a relationship."""
    of_the_kind = TermTimeline(entry for entry in terms.settings if entry.own == own)
    return any(
        (setting.document, setting.term) == (command.document, command.term)
        for setting in of_the_kind.settings_at(context.occurred_at)
    )


@implements("pentalog.prevalence")
def _band_problems(
    terms: TermTimeline, command: SetTerm | WithdrawTerm, context: Context, own: bool, clause: str | None
) -> Iterator[Problem]:
    """What the documents come to together must keep the bands in order, from the command's time on."""
    after = terms.with_setting(dated(command, context.occurred_at, own=own))
    field = "data.value" if isinstance(command, SetTerm) else "data.term"
    for at in sorted({entry.at for entry in after.settings if entry.at >= context.occurred_at}):
        if problem := order_problem(after.values_at(at), field):
            yield problem._replace(clause=clause)
            return


@implements("pentalog.prevalence")
def term_events(
    terms: TermTimeline, command: SetTerm | WithdrawTerm, context: Context, *, own: bool = False
) -> list[TermSet | TermWithdrawn]:
    """The setting or withdrawal with what the term then comes to; nothing when the document says so at that time already."""
    new = dated(command, context.occurred_at, own=own)
    after = terms.with_setting(new)
    if isinstance(command, SetTerm) and after.settings_at(new.at) == terms.settings_at(new.at):
        return []
    resolved = resolve(after.settings_at(new.at))[command.term]
    if isinstance(command, WithdrawTerm):
        return [
            TermWithdrawn(
                document=command.document,
                term=command.term,
                resolved=resolved.value,
                winner=resolved.document,
                overruled=resolved.overruled,
            )
        ]
    assert resolved.document is not None, "a term that was just set has a document that decides it"
    return [
        TermSet(
            document=command.document,
            term=command.term,
            value=plain(command.value),
            resolved=resolved.value,
            winner=resolved.document,
            overruled=resolved.overruled,
        )
    ]
