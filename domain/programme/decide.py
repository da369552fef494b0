"""The decision about a programme: the events to record, or a refusal with every problem found.

A term is checked against its vocabulary and its range, and against the whole that the documents make together
(pentalog.prevalence): the thresholds of the bands must stay in order at every time for which settings are recorded.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from itertools import pairwise
from types import MappingProxyType
from typing import Final, assert_never

from domain.codes.implements import implements
from domain.model import Command, Context, TermSetting, TermWithdrawal
from domain.permission import role_problems
from domain.problem import Problem, refuse
from domain.programme.commands import AdoptCode, CreateProgramme, ProgrammeCommand, SetTerm, WithdrawTerm
from domain.programme.events import CodeAdopted, ProgrammeCreated, ProgrammeEvent, TermSet, TermWithdrawn
from domain.programme.state import UNKNOWN, Programme
from domain.terms import BANDS, TERMS, DatedSetting, plain, resolve
from domain.words import Role

_OFFICE: Final[frozenset[Role]] = frozenset({"supplier", "coordinator", "service"})
MAY_SEND: Final[Mapping[type[Command], frozenset[Role]]] = MappingProxyType(
    {CreateProgramme: _OFFICE, AdoptCode: _OFFICE, SetTerm: _OFFICE, WithdrawTerm: _OFFICE}
)


def decide(state: Programme | None, command: ProgrammeCommand, context: Context) -> list[ProgrammeEvent]:
    """The events that a command leads to; none when it asks for what already is.

    Raises:
        Refused: the role may not, the programme exists with other details, or the term or its value is not possible.
    """
    programme = state or UNKNOWN
    refuse(*programme_problems(programme, command, context))
    return programme_events(programme, command, context)


def programme_problems(programme: Programme, command: ProgrammeCommand, context: Context) -> Iterator[Problem]:
    """The role must be allowed to send the command; a programme is created once, and a term has a known name and range."""
    yield from role_problems(MAY_SEND, command, context)
    match command:
        case CreateProgramme():
            if programme.created and (command.name, command.timezone) != (programme.name, programme.timezone):
                yield Problem("already_created", f"the programme exists as {programme.name}, {programme.timezone}")
        case AdoptCode():
            pass
        case SetTerm():
            yield from _term_problems(programme, command, context)
        case WithdrawTerm():
            if not _is_set(programme, command, context):
                message = f"{command.document} sets no {command.term} that could be withdrawn"
                yield Problem("nothing_open", message, "pentalog.prevalence", "data.term")
        case _:
            assert_never(command)


def programme_events(programme: Programme, command: ProgrammeCommand, context: Context) -> list[ProgrammeEvent]:
    """The event of a command without problems; none when the record shows it already."""
    match command:
        case CreateProgramme():
            created = ProgrammeCreated(name=command.name, timezone=command.timezone)
            return [] if programme.created else [created]
        case AdoptCode():
            return [] if command.code in programme.codes else [CodeAdopted(code=command.code)]
        case SetTerm():
            return _term_set(programme, command, context)
        case WithdrawTerm():
            return [_withdrawn(programme, command, context)]
        case _:
            assert_never(command)


def _term_problems(programme: Programme, command: SetTerm, context: Context) -> Iterator[Problem]:
    term = TERMS.get(command.term)
    if term is None:
        near = get_close_matches(command.term, TERMS, n=3)
        hint = f"did you mean {', '.join(near)}?" if near else f"the terms are {', '.join(TERMS)}"
        yield Problem("unknown_term", f"there is no term {command.term}; {hint}", field="data.term")
        return
    if not term.least <= command.value <= term.most or (term.whole and not command.value.is_integer()):
        number = "a whole number" if term.whole else "a number"
        message = f"{command.term} is {number} of {term.unit.replace('_', ' ')} from {term.least} to {term.most}"
        yield Problem("term_value", message, field="data.value")
    elif command.term in BANDS:
        yield from _band_problems(programme, command, context)


@implements("pentalog.prevalence")
def _band_problems(programme: Programme, command: SetTerm, context: Context) -> Iterator[Problem]:
    """What the documents come to together must keep the bands in order, from the command's time on."""
    terms = programme.terms.with_setting(_dated(command, context))
    for at in sorted({entry.at for entry in terms.settings if entry.at >= context.occurred_at}):
        resolved = resolve(terms.settings_at(at))
        for better, worse in pairwise(BANDS):
            if resolved[better].value < resolved[worse].value:
                message = (
                    f"{better} would be {resolved[better].value}, under {worse} at {resolved[worse].value}; "
                    "set the other one first"
                )
                yield Problem("term_value", message, "pentalog.prevalence", "data.value")
                return


@implements("pentalog.prevalence")
def _term_set(programme: Programme, command: SetTerm, context: Context) -> list[ProgrammeEvent]:
    """The setting with what the term then comes to; nothing when the document already says so at that time."""
    dated = _dated(command, context)
    if dated.setting in programme.settings_at(context.occurred_at):
        return []
    resolved = resolve(programme.terms.with_setting(dated).settings_at(context.occurred_at))[command.term]
    assert resolved.document is not None, "a term that was just set has a document that decides it"
    event = TermSet(
        document=command.document,
        term=command.term,
        value=plain(command.value),
        resolved=resolved.value,
        winner=resolved.document,
        overruled=resolved.overruled,
    )
    return [event]


def _is_set(programme: Programme, command: WithdrawTerm, context: Context) -> bool:
    settings = programme.settings_at(context.occurred_at)
    return any((setting.document, setting.term) == (command.document, command.term) for setting in settings)


@implements("pentalog.prevalence")
def _withdrawn(programme: Programme, command: WithdrawTerm, context: Context) -> TermWithdrawn:
    """The end of a setting, with what the term then comes to."""
    dated = DatedSetting(context.occurred_at, TermWithdrawal(document=command.document, term=command.term))
    resolved = resolve(programme.terms.with_setting(dated).settings_at(context.occurred_at))[command.term]
    return TermWithdrawn(
        document=command.document,
        term=command.term,
        resolved=resolved.value,
        winner=resolved.document,
        overruled=resolved.overruled,
    )


def _dated(command: SetTerm, context: Context) -> DatedSetting:
    setting = TermSetting(document=command.document, term=command.term, value=command.value)
    return DatedSetting(context.occurred_at, setting)
