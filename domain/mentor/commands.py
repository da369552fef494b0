"""What may be asked about a mentor: one frozen model a command, its fields as the messages carry them."""

from typing import Annotated

from pydantic import Field

from domain.ids import ProgrammeId
from domain.model import Command, Holds, Name, OperationalDay, Text
from domain.relationship.fields import Course, SafeText

Capacity = Annotated[int, Field(ge=1, le=1000), Holds("operational")]
ProfileText = Annotated[Text, Holds("profile", "mentor")]
MentorName = Annotated[Name, Holds("identity", "mentor")]
Development = Annotated[Text, Holds("profile", "mentor")]


class RegisterMentor(Command):
    """Make a mentor known, with a name, a home programme, and how many mentees they take on at most; sent again, put it right."""

    name: MentorName | None = None
    programme_id: ProgrammeId | None = None
    capacity: Capacity | None = None


class PublishProfile(Command):
    """What mentees who look for a mentor may read of this one, with the mentor's consent (nottingham.profile)."""

    first_name: ProfileText
    work_history: ProfileText
    role: ProfileText
    sector: ProfileText


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
    """The mentor is to hold back until reinstated: in one programme, or everywhere."""

    reason: SafeText
    programme_id: ProgrammeId | None = None


class ReinstateMentor(Command):
    """The mentor may mentor again: in one programme, or everywhere."""

    reason: SafeText | None = None
    programme_id: ProgrammeId | None = None


class RemoveMentor(Command):
    """The mentor leaves the role for good, in one programme or everywhere (cmn.breaches, mentor247.terms)."""

    reason: SafeText
    programme_id: ProgrammeId | None = None


MentorCommand = (
    RegisterMentor
    | PublishProfile
    | RecordTraining
    | RecordDevelopment
    | SuspendMentor
    | ReinstateMentor
    | RemoveMentor
)
