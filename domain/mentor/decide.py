"""The decision about a mentor: the events to record, or a refusal with every problem found.

Standing is kept for each programme and everywhere; in a programme the worse of the two holds. Leaving the role is final,
in that programme or everywhere: a removed mentor is neither suspended nor reinstated nor registered anew there
(cmn.breaches). What is recorded of a mentor before registration counts all the same. A mentor registered again has the name,
home and capacity that the latest registration gives; what it leaves out stays.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, assert_never

from domain.codes.implements import implements
from domain.mentor.commands import (
    MentorCommand,
    PublishProfile,
    RecordDevelopment,
    RecordTraining,
    RegisterMentor,
    ReinstateMentor,
    RemoveMentor,
    SuspendMentor,
)
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
from domain.model import Actor, Command, Context
from domain.permission import role_problems
from domain.problem import Problem, refuse
from domain.relationship.state import content_hash
from domain.words import OVERSEERS, MentorStanding, Role

_OFFICE: Final[frozenset[Role]] = frozenset({*OVERSEERS, "worker"})
MAY_SEND: Final[Mapping[type[Command], frozenset[Role]]] = MappingProxyType(
    {
        RegisterMentor: _OFFICE,
        PublishProfile: _OFFICE | {"mentor"},
        RecordTraining: _OFFICE,
        RecordDevelopment: _OFFICE | {"mentor"},
        SuspendMentor: _OFFICE,
        ReinstateMentor: _OFFICE,
        RemoveMentor: _OFFICE,
    }
)


def decide(state: Mentor | None, command: MentorCommand, context: Context, *, mentor_id: str) -> list[MentorEvent]:
    """The events that a command leads to; none when it asks for what already is.

    `mentor_id` is the mentor's id without the kind of subject: nothing may be recorded of the mentor yet, and a mentor
    acts for nobody else.

    Raises:
        Refused: the role may not, the acting mentor is another one, or the standing forbids it.
    """
    mentor = state or UNKNOWN
    refuse(*_actor_problems(command, context, mentor_id), *mentor_problems(mentor, command, context, mentor_id))
    return mentor_events(mentor, command, context)


def _actor_problems(command: MentorCommand, context: Context, mentor_id: str) -> Iterator[Problem]:
    yield from role_problems(MAY_SEND, command, context)
    role, id_ = context.actor
    if role == "mentor" and role in MAY_SEND[type(command)] and id_ != mentor_id:
        yield Problem("actor", f"mentor:{id_} can't act for mentor:{mentor_id}", field="actor")


@implements("cmn.breaches")
def mentor_problems(mentor: Mentor, command: MentorCommand, context: Context, mentor_id: str) -> Iterator[Problem]:
    """The standing must allow the command; what was done must be past.

    Nobody reinstates themselves or records their own training; their professional development is their own to tell.
    """
    match command:
        case RegisterMentor():
            after = _registered(mentor, command)
            if _is_news(mentor, after):
                yield from _final(mentor, after.programme_id, "be registered")
        case SuspendMentor():
            yield from _final(mentor, command.programme_id, "be suspended")
        case ReinstateMentor():
            yield from _final(mentor, command.programme_id, "be reinstated")
            yield from _reinstatement_problems(mentor, command, context, mentor_id)
        case RecordTraining() | RecordDevelopment():
            if isinstance(command, RecordTraining) and _is_oneself(context.actor, mentor_id):
                message = "nobody confirms their own training: leave it to somebody else in the office"
                yield Problem("own_matter", message, "nottingham.training", "actor")
            if command.completed_on > context.today:
                message = f"it ends on {command.completed_on}, which is yet to come: record it afterwards"
                yield Problem("in_future", message, field="data.completed_on")
        case PublishProfile() | RemoveMentor():
            pass
        case _:
            assert_never(command)


def _registered(mentor: Mentor, command: RegisterMentor) -> MentorRegistered:
    """The registration that stands after a command: the latest, with what it leaves out as it was."""
    return MentorRegistered(
        name=mentor.name if command.name is None else command.name,
        programme_id=mentor.programme_id if command.programme_id is None else command.programme_id,
        capacity=mentor.capacity if command.capacity is None else command.capacity,
    )


def _is_news(mentor: Mentor, registered: MentorRegistered) -> bool:
    return not mentor.registered or registered != _registered(mentor, RegisterMentor())


def _final(mentor: Mentor, programme_id: str | None, what: str) -> Iterator[Problem]:
    if mentor.standing_in(programme_id) == "removed":
        where = "" if mentor.standing == "removed" else f" from programme {programme_id}"
        message = f"the mentor was removed{where}, which is final, and can't {what}"
        yield Problem("state", message, "cmn.breaches")


def _is_oneself(actor: Actor, mentor_id: str) -> bool:
    return actor.role in OVERSEERS and actor.id == mentor_id


def _reinstatement_problems(
    mentor: Mentor, command: ReinstateMentor, context: Context, mentor_id: str
) -> Iterator[Problem]:
    """Nobody reinstates themselves; who is suspended everywhere is reinstated everywhere."""
    if _is_oneself(context.actor, mentor_id):
        message = "nobody settles a matter about themselves: somebody else in the office reinstates you"
        yield Problem("own_matter", message, "cmn.breaches", "actor")
    if mentor.standing == "suspended" and _own_standing(mentor, command.programme_id) == "good":
        message = "the mentor is suspended everywhere: reinstate them without a programme_id"
        yield Problem("state", message, "cmn.breaches", "data.programme_id")


@implements("nottingham.further-training", "leapfrog.competence")
def mentor_events(mentor: Mentor, command: MentorCommand, _: Context) -> list[MentorEvent]:
    """The event of a command without problems; none when the record shows it already."""
    match command:
        case RegisterMentor():
            after = _registered(mentor, command)
            return [after] if _is_news(mentor, after) else []
        case PublishProfile():
            published = ProfilePublished(
                first_name=command.first_name,
                work_history=command.work_history,
                role=command.role,
                sector=command.sector,
            )
            return [] if mentor.profile == content_hash(published) else [published]
        case RecordTraining():
            training = Training(command.course, command.completed_on, command.due_on)
            recorded = TrainingRecorded(course=command.course, completed_on=command.completed_on, due_on=command.due_on)
            return [] if training in mentor.trainings else [recorded]
        case RecordDevelopment():
            development = Development(command.what, command.completed_on)
            done = DevelopmentRecorded(what=command.what, completed_on=command.completed_on)
            return [] if development in mentor.developments else [done]
        case SuspendMentor(programme_id=programme_id):
            suspended = MentorSuspended(reason=command.reason, programme_id=programme_id)
            return [] if _own_standing(mentor, programme_id) == "suspended" else [suspended]
        case ReinstateMentor(programme_id=programme_id):
            reinstated = MentorReinstated(reason=command.reason, programme_id=programme_id)
            return [] if mentor.reinstated(programme_id) == mentor else [reinstated]
        case RemoveMentor(programme_id=programme_id):
            removed = MentorRemoved(reason=command.reason, programme_id=programme_id)
            return [] if mentor.standing_in(programme_id) == "removed" else [removed]
        case _:
            assert_never(command)


def _own_standing(mentor: Mentor, programme_id: str | None) -> MentorStanding:
    """The standing that was set for a programme, or everywhere, and nothing else."""
    return mentor.standing if programme_id is None else mentor.standings.get(programme_id, "good")
