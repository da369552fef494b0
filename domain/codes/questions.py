"""The questions about practice: one sentence for each practice clause that is asked about, and which answers are bad.

At the middle and at the end every party is asked those of the adopted codes, and answers yes, no or 1 to 5. The sentences
stand beside the clauses, in the files of the codes.
"""

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from domain.codes.clauses import CLAUSES

# Practice clause id to its question.
QUESTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {clause.id: clause.question for clause in CLAUSES.values() if clause.question is not None}
)
# Answers about these are compared and counted, so they are all on one scale.
PRACTICES: Final = frozenset(clause.id for clause in CLAUSES.values() if "practice" in clause.kinds)
# The practice clauses of which a bad answer comes before the office.
CONCERNING: Final = (
    "pentalog.attention",
    "cmn.inclusion",
    "nottingham.opinions",
    "nottingham.individual-needs",
    "mentor247.language",
    "leapfrog.openness",
)
# On the scale from 1 to 5, these are bad.
WORST: Final = 1
STILL_BAD: Final = 2
BEST: Final = 5

Answer = bool | int | float | str


def questions_of(codes: Collection[str]) -> tuple[str, ...]:
    """The practice clauses of these codes about which people are asked, in the order of the codes' texts."""
    return tuple(clause for clause in QUESTIONS if CLAUSES[clause].code in codes)


def off_the_scale(answers: Mapping[str, Answer]) -> Iterator[tuple[str, str]]:
    """The practice clauses whose answer is neither yes, no nor 1 to 5, each with what was expected. Free keys take any answer."""
    for clause in answers:
        if clause in PRACTICES and not _is_on_scale(answers[clause]):
            question = f" to: {QUESTIONS[clause]}" if clause in QUESTIONS else f" about {clause}"
            yield clause, f"expected yes, no (or true, false) or a whole number from {WORST} to {BEST}{question}"


def _is_on_scale(answer: Answer) -> bool:
    return (is_good(answer) or is_bad(answer)) and (isinstance(answer, str) or float(answer).is_integer())


def is_bad(answer: Answer) -> bool:
    """Whether an answer to a question about practice is bad: no, or 1 or 2 of 5."""
    if isinstance(answer, bool):
        return not answer
    if isinstance(answer, str):
        return answer.strip().lower() == "no"
    return WORST <= answer <= STILL_BAD


def is_good(answer: Answer) -> bool:
    """Whether an answer is one of those that were asked for, yes, no or 1 to 5, and not bad. Anything else is neither."""
    if isinstance(answer, bool):
        return answer
    if isinstance(answer, str):
        return answer.strip().lower() == "yes"
    return STILL_BAD < answer <= BEST
