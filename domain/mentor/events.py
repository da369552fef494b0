"""What happened about a mentor: facts in the past tense, a storage format."""

from domain.ids import ProgrammeId
from domain.mentor.commands import Capacity, Development, MentorName, ProfileText
from domain.model import Event, OperationalDay
from domain.relationship.fields import Course, SafeText


class MentorRegistered(Event):
    """The mentor became known, or is known by other data from now on."""

    name: MentorName | None = None
    programme_id: ProgrammeId | None = None
    capacity: Capacity | None = None


class ProfilePublished(Event):
    """What mentees who look for a mentor may read of this one was published."""

    first_name: ProfileText
    work_history: ProfileText
    role: ProfileText
    sector: ProfileText


class TrainingRecorded(Event):
    """The mentor completed a course, to be taken again by `due_on`."""

    course: Course
    completed_on: OperationalDay
    due_on: OperationalDay | None = None


class DevelopmentRecorded(Event):
    """The mentor did something for their professional development."""

    what: Development
    completed_on: OperationalDay


class MentorSuspended(Event):
    """The mentor was suspended until reinstated: in one programme, or everywhere."""

    reason: SafeText
    programme_id: ProgrammeId | None = None


class MentorReinstated(Event):
    """The mentor may mentor again: in one programme, or everywhere."""

    reason: SafeText | None = None
    programme_id: ProgrammeId | None = None


class MentorRemoved(Event):
    """The mentor left the role for good, in one programme or everywhere."""

    reason: SafeText
    programme_id: ProgrammeId | None = None


MentorEvent = (
    MentorRegistered
    | ProfilePublished
    | TrainingRecorded
    | DevelopmentRecorded
    | MentorSuspended
    | MentorReinstated
    | MentorRemoved
)
