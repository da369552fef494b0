"""The questions about practice: one sentence for each practice clause that is asked about, and which answers are bad.

At the middle and at the end every party is asked those of the adopted codes, and answers yes, no or 1 to 5. The sentences
stand beside the clauses, in the files of the codes.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

from domain.codes.clauses import CLAUSES

# Practice clause id to its question.
QUESTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {clause.id: clause.question for clause in CLAUSES.values() if clause.question is not None}
)
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
