"""What happened about a mentor: facts in the past tense, a storage format."""

from domain.ids import ProgrammeId
from domain.mentor.commands import Course, Development, MentorName
from domain.model import Event, OperationalDay
from domain.relationship.fields import SafeText


class MentorRegistered(Event):
    """The mentor became known."""

    name: MentorName | None = None
    programme_id: ProgrammeId | None = None


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
    """The mentor was suspended until reinstated."""


class MentorReinstated(Event):
    """The mentor may mentor again."""


class MentorRemoved(Event):
    """The mentor left the role for good."""

    reason: SafeText


MentorEvent = (
    MentorRegistered | TrainingRecorded | DevelopmentRecorded | MentorSuspended | MentorReinstated | MentorRemoved
)
