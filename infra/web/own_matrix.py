"""Who may see what of a person, as a table in words: a row for each class of data, a column for each reader, and why.

Cells of one reason share a note, so that every reason can be read by touch and by screen reader, and the page stays small.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from domain.sharing.answer import MEANING, UNKNOWN, Answer
from domain.words import DataClass, Role
from infra.access.seen import Seen
from infra.web.navigation import N_

# Whom a person asks about: those who are named, then those who work for the programme.
WHO: Final[tuple[Role, ...]] = (
    "mentee",
    "mentor",
    "customer",
    "line_manager",
    "supplier",
    "coordinator",
    "hr",
    "analyst",
    "auditor",
)
# The classes that a person asks about, in the order of how close they are.
WHAT: Final[tuple[DataClass, ...]] = (
    "session_content",
    "challenges",
    "goals",
    "feedback",
    "nps_comment",
    "assessment",
    "testimonial",
    "contact_details",
    "goal_types",
    "goal_outcomes",
    "attendance",
    "schedule",
    "time_spent",
    "nps_score",
)
# What each class holds, for who gives a consent or looks at the table.
CLASSES: Final[Mapping[DataClass, str]] = {
    "attendance": N_("who was at which session, and who stayed away"),
    "schedule": N_("when sessions are, how, and when they were moved"),
    "time_spent": N_("how long sessions took, and hours of homework"),
    "goal_presence": N_("whether goals are agreed, without saying which"),
    "goal_types": N_("of which kind the goals are, such as career or leadership"),
    "goal_outcomes": N_("which goals were reached or given up, without their words"),
    "process_improvement": N_("what could be better in how mentoring is organised"),
    "nps_score": N_("the number from 0 to 10 with which mentoring was recommended"),
    "goals": N_("the words of the goals, and how one knows that they are reached"),
    "challenges": N_("what is difficult: reasons for moves, pauses and endings among them"),
    "testimonial": N_("what was written to be quoted about the mentoring"),
    "feedback": N_("answers and words about the mentor, the mentee or the mentoring"),
    "nps_comment": N_("the words beside the number of a recommendation"),
    "session_content": N_("what was said and worked on: topics, notes, homework"),
    "contact_details": N_("e-mail address and telephone number"),
    "assessment": N_("the areas, scores and words of an assessment"),
    "profile": N_("the mentor's first name, work history, role and sector"),
    "success_story": N_("what the supplier tells of a success"),
    "safeguarding": N_("reports and disclosures of harm, disrespect or breaches"),
    "process": N_("why the office did something, in its own words"),
    "identity": N_("who the people are"),
    "operational": N_("states, dates and numbers that the record needs"),
}
OUTSIDE: Final = N_("this reader has no part in the relationship")
NEVER: Final = N_("it is never shown to this reader")


class Reason(NamedTuple):
    """Why something is shown or not: the ways that open it, or would, in words; the clause behind it."""

    allowed: bool
    ways: tuple[str, ...]
    clause: str | None

    @property
    def may_open(self) -> bool:
        """Whether it is closed, and something would open it."""
        return not self.allowed and self.ways[0] not in {OUTSIDE, NEVER}


class Matrix(NamedTuple):
    """The table. A cell is whether the reader may see it, and the number of its reason, from 1."""

    readers: Sequence[Role]
    rows: Sequence[tuple[DataClass, Sequence[tuple[bool, int]]]]
    reasons: Sequence[Reason]


def matrix_of(seen: Seen) -> Matrix:
    """The table of a relationship for one of its parties, without their own column."""
    answers = seen.matrix(role for role in WHO if role != seen.asker.role)
    numbers: dict[Reason, int] = {}
    rows = [
        (
            what,
            [
                (found[what].allowed, numbers.setdefault(_reason(found[what]), len(numbers) + 1))
                for found in answers.values()
            ],
        )
        for what in WHAT
    ]
    return Matrix(list(answers), rows, list(numbers))


def _reason(answer: Answer) -> Reason:
    words = tuple(dict.fromkeys(MEANING[way].words for way in answer.ways))
    return Reason(answer.allowed, words or (OUTSIDE if answer == UNKNOWN else NEVER,), answer.clause)
