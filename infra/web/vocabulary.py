"""The words of closed vocabularies that pages say: what the record calls things, as people read it. Translators find them in the catalogue."""

from collections.abc import Iterator
from typing import Any, Final, get_args

from domain import words
from domain.codes.clauses import CLAUSES, CODES, KINDS, POLICY
from domain.commitment.policy import Band
from domain.commitment.verdict import SignalName
from domain.registry import COMMANDS, EVENTS
from domain.relationship.gates import GATES
from domain.sharing.answer import MEANING
from domain.sharing.cells import ROWS
from domain.terms import TERMS
from infra.problem_codes import CODES as CODES_OF_PROBLEMS
from infra.queries.person_data import CONFIDENTIAL, LOGIC
from infra.web.command_words import about
from infra.web.wording import in_words, models_within
from projections.catalogue import datasets
from workers.catalogue import WORKERS
from workers.model import TaskKind

# How sessions, goals, concerns, agreements and attempts stand.
STATES: Final = (
    *("scheduled", "completed", "missed", "cancelled"),
    *("open", "achieved", "dropped", "resolved", "dismissed"),
    *("agreed", "claimed", "confirmed", "contested", "refused", "conflict"),
)
# What the answer about a relationship has beside the fields of events, and what is found about a fact that is recorded all the same.
SHOWN: Final = (
    "accepted_terms",
    "declined_terms",
    "consents",
    "recommendations",
    "words",
    "over_capacity",
)
# Why rules, the record and the check of senders refuse: what an auditor reads of attempts.
PROBLEMS: Final = {
    code: each.meaning.replace("`", "")
    for code, each in CODES_OF_PROBLEMS.items()
    if each.speaker in {"sender", "record", "rules"}
}

# What the answers behind figures call axes of their charts, steps and columns of their tables.
FIGURES: Final = (
    *(
        "end of month",
        "signal",
        "reason",
        "asked for by",
        "good answers",
        "clause",
        "gate",
        "question",
        "response rate",
    ),
    *("days from activation", "still going", "median days from the proposal", "not ended early by day 90"),
    *("who, when", "ended early within 90 days", "month", "step", "band", "group", "respondent", "all"),
    *("proposed", "first session", "half of the plan", "whole plan or a goal", "good end", "end review", "activation"),
    *("day", "at risk", "ended", "survival", "low", "high", "share", "of all", "of step before", "now", "median days"),
    *("median", "n", "asked", "answered", "respondents", "hidden", "rate", "early if answered", "early if silent"),
    *("what", "met", "quarter", "three quarters", "median low", "median high", "last", "started", "ended well"),
    *(
        "ended early",
        "day 30",
        "day 90",
        "day 180",
        "day 365",
        "party",
        "kind",
        "occasion",
        "pauses",
        "paused by",
        "NPS",
    ),
    *("programme", "role", "nps", "response rate", "none", "withheld", "relationships"),
)


def vocabulary() -> Iterator[tuple[str, str]]:
    """Each word or sentence with where it is from; none twice from one place."""
    for where, each in _named():
        yield in_words(each), where
    for where, sentence in _described():
        yield sentence, where
    for clause in CLAUSES.values():
        yield clause.rule, clause.code
        if clause.question:
            yield clause.question, clause.code
    for code in (*CODES.values(), POLICY):
        yield code.title, code.id


def _named() -> Iterator[tuple[str, str]]:
    groups: dict[str, Any] = {
        "commands": COMMANDS,
        "events": EVENTS,
        "kinds of clauses": KINDS,
        "bands": get_args(Band),
        "signals": get_args(SignalName),
        "classes of data": ROWS,
        "terms": TERMS,
        "datasets": datasets(),
        "ways of the matrix": [meaning.words for meaning in MEANING.values()],
        "workers": [worker.name for worker in WORKERS],
        "tasks": get_args(TaskKind),
        "fields": [field for event in models_within(EVENTS.values()) for field in event.model_fields],
        "fields of forms": [
            field.removesuffix("_id") for command in models_within(COMMANDS.values()) for field in command.model_fields
        ],
        "what a relationship is shown with": SHOWN,
        "statuses": STATES,
        "matters of agreements": ("goal", "plan", "confidentiality", "reporting", "conversation"),
        "steps of a check": ("verifying", "replaying decisions"),
        "problems": PROBLEMS,
        **dict(_literals()),
    }
    for where, group in groups.items():
        for each in group:
            yield where, each


def _described() -> Iterator[tuple[str, str]]:
    """The sentences that say what datasets, their columns, commands and gates are."""
    for name, dataset in datasets().items():
        yield name, dataset.doc
        for column in dataset.columns:
            if not column.private:
                yield name, column.doc
    for command in COMMANDS.values():
        yield "commands", about(command)
    for gate in GATES:
        yield "gates", gate.missing
    for code, meaning in PROBLEMS.items():
        yield f"problem: {code}", meaning
    for sentence in (LOGIC, CONFIDENTIAL):
        yield "what is held about a person", sentence
    for sentence in FIGURES:
        yield "figures", sentence


def _literals() -> Iterator[tuple[str, tuple[str, ...]]]:
    """The closed vocabularies of `domain.words`."""
    for name, value in vars(words).items():
        if all(isinstance(each, str) for each in get_args(value)) and get_args(value):
            yield f"words: {name}", get_args(value)
