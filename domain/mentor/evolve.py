"""How events change what is known of a mentor. History is never refused."""

from typing import assert_never

from domain.mentor.events import (
    DevelopmentRecorded,
    MentorEvent,
    MentorRegistered,
    MentorReinstated,
    MentorRemoved,
    MentorSuspended,
    ProfilePublished,
    TrainingRecorded,
)
from domain.mentor.state import UNKNOWN, Development, Mentor, Training
from domain.model import Recorded
from domain.relationship.state import content_hash


def evolve(state: Mentor | None, recorded: Recorded[MentorEvent]) -> Mentor:
    """The mentor after one more event."""
    mentor = state or UNKNOWN.but(mentor_id=recorded.subject.partition(":")[2])
    return _changed(mentor, recorded.data).but(version=recorded.version)


def _changed(mentor: Mentor, event: MentorEvent) -> Mentor:
    match event:
        case MentorRegistered():
            return mentor.but(
                registered=True, name=event.name, programme_id=event.programme_id, capacity=event.capacity
            )
        case ProfilePublished():
            return mentor.but(profile=content_hash(event))
        case TrainingRecorded():
            training = Training(event.course, event.completed_on, event.due_on)
            return mentor.but(trainings=(*mentor.trainings, training))
        case DevelopmentRecorded():
            return mentor.but(developments=(*mentor.developments, Development(event.what, event.completed_on)))
        case MentorSuspended():
            return mentor.with_standing(event.programme_id, "suspended")
        case MentorReinstated():
            return mentor.reinstated(event.programme_id)
        case MentorRemoved():
            return mentor.with_standing(event.programme_id, "removed")
        case _:
            assert_never(event)
