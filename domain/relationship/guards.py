"""The guards: clauses that refuse the command they name. Each takes an attempt and yields its problems.

The statechart (`lifecycle`) hangs them on its transitions, beside the gates of activation.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from domain.codes.clauses import STANDING_CLAUSES, cite
from domain.codes.implements import implements
from domain.model import Command, Context, is_blank
from domain.problem import Problem
from domain.relationship import commands as c
from domain.relationship.fields import AgendaItem
from domain.relationship.gates import unmet
from domain.relationship.privacy import PrivateTopics, normal
from domain.relationship.state import Relationship, Session
from domain.words import OFFICE, OTHER_PARTY, PARTIES, Audience, Channel, DataClass, EndingReason, MentorStanding, Role

# Who ends it for one of these reasons need not face the other: the office informs them.
LEFT_TO_THE_OFFICE: Final[tuple[EndingReason, ...]] = (
    "disrespect",
    "breach",
    "trust_breakdown",
    "compromising_relationship",
)
REMOTE_CHANNELS: Final = frozenset({"platform", "virtual_meeting", "email", "telephone"})


class Attempt(NamedTuple):
    """A command put to a relationship, with the circumstances."""

    state: Relationship
    command: Command
    context: Context


def first_clause(codes: Collection[str], *ids: str) -> str | None:
    """The first of the clauses whose code is adopted, for a problem that no code has to back."""
    return next(iter(cite(codes, *ids)), None)


def gates_met(attempt: Attempt) -> Iterator[Problem]:
    """Every gate of the adopted codes, and a mentor in good standing."""
    yield from unmet(attempt.state, attempt.context.today, attempt.context.known)
    yield from standing_problems(attempt.state.codes, attempt.context.known.mentor_standing)


def standing_problems(codes: Collection[str], standing: MentorStanding, field: str | None = None) -> Iterator[Problem]:
    """A mentor must be in good standing to begin."""
    if standing != "good":
        clause = first_clause(codes, *STANDING_CLAUSES)
        yield Problem("mentor_standing", f"the mentor is {standing}", clause, field)


def needs_next_steps(command: type[Command], codes: Collection[str]) -> bool:
    """Whether a command says what happens next, under these codes; an end that is left to the office need not."""
    return command is c.PauseRelationship or (command in {c.PostponeRelationship, c.TerminateRelationship} and "cmn" in codes)  # fmt: skip


@implements("cmn.pause-or-stop", "nottingham.withdrawal")
def informed_with_next_steps(attempt: Attempt) -> Iterator[Problem]:
    """A pause requires that both parties are informed and that the next steps are recorded; so do a postponed start and the end under cmn.

    Leaving is never refused for its reason (leapfrog.finish, nottingham.end), and a mentor may withdraw for a while or
    for good (nottingham.withdrawal).
    """
    state, command, context = attempt
    assert isinstance(command, c.PostponeRelationship | c.PauseRelationship | c.TerminateRelationship)
    if not needs_next_steps(type(command), state.codes):
        return
    informed: tuple[Role, ...] = command.informed
    if isinstance(command, c.TerminateRelationship):
        if command.reason in LEFT_TO_THE_OFFICE:
            return
        informed = informed_of_the_end(command, context)
    clause = first_clause(state.codes, "cmn.pause-or-stop")
    missing = [party for party in PARTIES if party not in informed]
    if missing:
        message = f"{' and '.join(missing)} must be informed first: name them in informed once they are"
        yield Problem("not_informed", message, clause, "data.informed")
    if is_blank(command.next_steps):
        yield Problem("no_next_steps", "say in next_steps what happens next", clause, "data.next_steps")


@implements("leapfrog.finish", "nottingham.end")
def informed_of_the_end(command: c.TerminateRelationship, context: Context) -> tuple[Role, ...]:
    """Who knows of the end: those who are named, and the person who ends it."""
    return (*command.informed, context.actor.role)


@implements("cmn.pause-or-stop")
def took_place_before(attempt: Attempt) -> Iterator[Problem]:
    """While paused or ended nothing new is planned; what took place before may still be told.

    The time of the message counts; of a session that took place, its own; and a session that is put on the calendar
    must also have been to start before.
    """
    state, command, context = attempt
    stopped_at = state.paused_at if state.status == "paused" else state.ended_at
    if stopped_at is None or _took_place_at(command, context) >= stopped_at:
        message = (
            f"{type(command).__name__} is not possible while the relationship is {state.status}; "
            "what took place before may be told with the time at which it happened"
        )
        yield Problem("state", message)


def _took_place_at(command: Command, context: Context) -> datetime:
    match command:
        case c.CompleteSession():
            return command.started_at
        case c.ScheduleSession():
            return max(command.starts_at, context.occurred_at)
        case _:
            return context.occurred_at


def contact_by_the_office_or_before(attempt: Attempt) -> Iterator[Problem]:
    """After the end the office may still be in touch with the people; of others, what took place before may be told."""
    if attempt.context.actor.role not in OFFICE:
        yield from took_place_before(attempt)


def in_future(at: datetime, context: Context, what: str, field: str) -> Iterator[Problem]:
    """A problem when something is said to have taken place later than it was told."""
    if at > context.told_at:
        message = f"{what}, at {at.isoformat()}, lies after the time of this message: record it once it has taken place"
        yield Problem("in_future", message, field=field)


def remote_channel(attempt: Attempt) -> Iterator[Problem]:
    """A plan names a channel on which sessions may be held."""
    command = attempt.command
    assert isinstance(command, c.AgreePlan)
    yield from channel_problems(attempt.state, command.channel)


@implements("nottingham.remote")
def channel_problems(state: Relationship, channel: Channel) -> Iterator[Problem]:
    """Under nottingham, sessions use e-mail, telephone or a virtual meeting (the platform is one)."""
    if "nottingham" in state.codes and channel not in REMOTE_CHANNELS:
        message = f"sessions use e-mail, telephone or a virtual meeting, not {channel}"
        yield Problem("channel", message, "nottingham.remote", "data.channel")


@implements("care.standing")
def against_planning(state: Relationship, channel: Channel, context: Context) -> Iterator[Problem]:
    """What stands in the way of a new session: its channel, or a mentor who is suspended or removed."""
    yield from channel_problems(state, channel)
    standing = context.known.mentor_standing
    if standing != "good":
        message = f"the mentor is {standing} and gets no new sessions: have the mentor reinstated, or refer the mentee"
        for clause in cite(state.codes, *STANDING_CLAUSES):
            yield Problem("mentor_standing", message, clause)


def is_told_afterwards(command: c.ScheduleSession | c.RescheduleSession, context: Context) -> bool:
    """Whether the start lay in the past when it was set: then it is a fact and no plan any more."""
    return command.starts_at <= context.occurred_at


def session_may_be_planned(attempt: Attempt) -> Iterator[Problem]:
    """A new session that is still to come has a fitting channel and a mentor in good standing."""
    state, command, context = attempt
    assert isinstance(command, c.ScheduleSession)
    if not is_told_afterwards(command, context):
        yield from against_planning(state, command.channel, context)


def scheduled_before(attempt: Attempt) -> Iterator[Problem]:
    """A session that was to start before the pause or the end is put on the calendar afterwards."""
    yield from took_place_before(attempt)
    yield from session_may_be_planned(attempt)


@implements("pentalog.reschedule-with-ease")
def before_the_start(attempt: Attempt) -> Iterator[Problem]:
    """A move asked for before the start is never refused, however late, also when it is told afterwards.

    The time of the message counts, and the start that the session had then. After the start there is nothing to move.
    """
    state, command, context = attempt
    assert isinstance(command, c.RescheduleSession)
    session = state.sessions.get(command.session_id)
    clause = first_clause(state.codes, "pentalog.reschedule-with-ease")
    yield from started_already(session, context.occurred_at, clause)


def started_already(session: Session | None, at: datetime, clause: str | None = None) -> Iterator[Problem]:
    """A session that waits for its outcome at a time is neither moved nor cancelled any more."""
    if session and session.status == "scheduled" and at >= session.start_at(at):
        message = (
            f"session {session.session_id} has started already: record what became of it, "
            "with CompleteSession or RecordNoShow"
        )
        yield Problem("session_started", message, clause, "data.session_id")


def moved_before(attempt: Attempt) -> Iterator[Problem]:
    """A move that was asked for before the pause or the end, and before the start."""
    yield from took_place_before(attempt)
    yield from before_the_start(attempt)


@implements("leapfrog.privacy")
def topics_left_private(attempt: Attempt) -> Iterator[Problem]:
    """What the mentee keeps private is refused as a goal or as homework from anybody else until the mentee opens it."""
    state, command, context = attempt
    if context.actor.role == "mentee":
        return
    assert isinstance(command, c.AgreeGoal | c.ReviseGoal | c.AssignHomework)
    texts = (
        {"data.description": command.description}
        if isinstance(command, c.AssignHomework)
        else {"data.title": command.title, "data.success_measure": command.success_measure}
    )
    touched = private_texts(state, [text or "" for text in texts.values()])
    for field, is_touched in zip(texts, touched, strict=True):
        if is_touched:
            message = "this touches a topic that the mentee keeps private: leave it out until the mentee opens it"
            yield Problem("private_topic", message, "leapfrog.privacy", field)


def private_texts(state: Relationship, texts: Sequence[str]) -> list[bool]:
    """Of each text, whether it touches a topic that the mentee keeps private; none does without leapfrog."""
    if "leapfrog" not in state.codes or not state.private_topics:
        return [False] * len(texts)
    private = PrivateTopics.of(state.private_topics)
    return [private.touched_by(normal(text)) for text in texts]


def raises_private_topic(state: Relationship, agenda: Iterable[AgendaItem]) -> bool:
    """Whether somebody else than the mentee set an item of a session that touches a private topic."""
    return any(private_texts(state, [item.topic for item in agenda if item.set_by != "mentee"]))


@implements("nottingham.contact-details")
def contact_details_by_consent(attempt: Attempt) -> Iterator[Problem]:
    """Contact details go to the other party only with their owner's consent (the parties are matched by the proposal)."""
    state, _, context = attempt
    if "nottingham" not in state.codes or context.actor.role not in OTHER_PARTY:
        return
    audiences: tuple[Audience, ...] = (OTHER_PARTY[context.actor.role], "parties_present")
    if not any(has_consent(state, context, "contact_details", audience) for audience in audiences):
        message = f"{context.actor.role} has not consented to the other party having their contact details"
        yield Problem("no_consent", message, "nottingham.contact-details")


def has_consent(state: Relationship, context: Context, data_class: DataClass, audience: Audience) -> bool:
    """Whether the actor's consent for a data class and audience is in force at the time of the act."""
    consent = state.consents.get((context.actor.role, data_class, audience))
    return consent is not None and (consent.until is None or context.today <= consent.until)
