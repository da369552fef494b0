"""What may be asked about a mentor: one frozen model a command, its fields as the messages carry them."""

from typing import Annotated

from pydantic import Field

from domain.ids import ProgrammeId
from domain.model import TEXT_MAX, Command, Holds, Name, OperationalDay
from domain.relationship.fields import SafeText

MentorName = Annotated[Name, Holds("identity")]
Course = Annotated[str, Field(min_length=1, max_length=TEXT_MAX), Holds("operational")]
Development = Annotated[str, Field(min_length=1, max_length=TEXT_MAX), Holds("profile")]


class RegisterMentor(Command):
    """Make a mentor known, with a name and a home programme where there is one."""

    name: MentorName | None = None
    programme_id: ProgrammeId | None = None


class RecordTraining(Command):
    """The mentor completed a course; `due_on` is the day by which it must be taken again (nottingham.further-training)."""

    course: Course
    completed_on: OperationalDay
    due_on: OperationalDay | None = None


class RecordDevelopment(Command):
    """The mentor did something for their professional development (leapfrog.competence)."""

    what: Development
    completed_on: OperationalDay


class SuspendMentor(Command):
    """The mentor is to hold back until reinstated."""


class ReinstateMentor(Command):
    """The mentor may mentor again."""


class RemoveMentor(Command):
    """The mentor leaves the role for good (cmn.breaches, mentor247.terms)."""

    reason: Annotated[SafeText, Field(min_length=1)]


MentorCommand = RegisterMentor | RecordTraining | RecordDevelopment | SuspendMentor | ReinstateMentor | RemoveMentor
