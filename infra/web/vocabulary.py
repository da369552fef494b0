"""The words of closed vocabularies that pages say: what the record calls things, as people read it. Translators find them in the catalogue."""

from collections.abc import Iterator
from typing import Any, get_args

from domain import words
from domain.codes.clauses import CLAUSES, CODES, KINDS, POLICY
from domain.commitment.policy import Band
from domain.commitment.verdict import SignalName
from domain.registry import COMMANDS, EVENTS
from domain.sharing.cells import ROWS
from domain.terms import TERMS
from infra.web.wording import in_words
from projections.catalogue import datasets
from workers.catalogue import WORKERS
from workers.model import TaskKind


def vocabulary() -> Iterator[tuple[str, str]]:
    """Each word or sentence with where it is from; none twice from one place."""
    for where, each in _named():
        yield in_words(each), where
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
        "workers": [worker.name for worker in WORKERS],
        "tasks": get_args(TaskKind),
        **dict(_literals()),
    }
    for where, group in groups.items():
        for each in group:
            yield where, each


def _literals() -> Iterator[tuple[str, tuple[str, ...]]]:
    """The closed vocabularies of `domain.words`."""
    for name, value in vars(words).items():
        if all(isinstance(each, str) for each in get_args(value)) and get_args(value):
            yield f"words: {name}", get_args(value)
